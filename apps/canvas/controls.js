// Buttons, sliders and keys, all from one table, so that the help names everything there is. Text goes in as text only.

const SVG = "http://www.w3.org/2000/svg";

function noRings(s) {
  const { dd, fovea } = s.scene.landmarks;
  if (fovea && dd) return "";
  if (s.scene.plain) return "landmarks are not shown";
  return fovea ? "no optic disc was found to measure by" : "no fovea was found to centre it on";
}

function flip(name) {
  return (s) => {
    s[name] = !s[name];
    requestDraw(s);
  };
}

// group: which bar; face: what the button says; pressed: whether it is on; missing: why it cannot be used, or "".
const ACTIONS = [
  { group: "zoom", keys: ["-", "_"], face: "−", words: "Zoom out", run: (s) => zoomBy(s, 1 / STEP) },
  { group: "zoom", keys: ["+", "="], face: "+", words: "Zoom in", run: (s) => zoomBy(s, STEP) },
  { group: "zoom", keys: ["0"], face: "Whole", words: "Show the whole photograph", run: (s) => flyTo(s, fitView(s.scene.size, s.box)) },
  { group: "light", keys: ["g"], face: "Red-free", words: "Red-free view: the green channel", run: flip("redFree"), pressed: (s) => s.redFree },
  { group: "light", keys: ["i"], face: "Invert", words: "Invert the brightness", run: flip("inverted"), pressed: (s) => s.inverted },
  {
    group: "light",
    keys: ["s"],
    face: "Saliency",
    words: "Show where a model looked",
    run: flip("saliency"),
    pressed: (s) => s.saliency,
    missing: (s) => (s.scene.saliency ? "" : "there is no saliency map of this photograph"),
  },
  { group: "light", keys: ["v"], face: "Compare", words: "Compare: plain on the left, with layers on the right", run: toggleCompare, pressed: (s) => s.compare !== null },
  { group: "tools", keys: ["m"], face: "Ruler", words: "Ruler: drag to measure", run: toggleRuler, pressed: (s) => s.ruler.on },
  { group: "tools", keys: ["d"], face: "Rings", words: "Rings of 1, 2 and 3 disc diameters around the fovea", run: flip("rings"), pressed: (s) => s.rings, missing: noRings },
  { group: "tools", keys: ["e"], face: "ETDRS", words: "ETDRS grid around the fovea", run: flip("grid"), pressed: (s) => s.grid, missing: noRings },
  { group: "page", keys: ["f"], face: "Full screen", words: "Full screen", run: toggleFullscreen, pressed: (s) => isFullscreen(s) },
  { group: "page", keys: ["?", "h"], face: "Keys", words: "Help: what the keys do", run: (s) => s.help.showModal() },
  { keys: ["n"], words: "Next lesion", run: (s) => step(s, 1) },
  { keys: ["p"], words: "Previous lesion", run: (s) => step(s, -1) },
  { group: "layers", keys: ["o"], face: "Fill", words: "Fill the outlines", run: toggleFill, pressed: (s) => s.filled },
  { keys: ["Escape"], words: "Let go of the lesion and fly back", run: letGo },
  { keys: ["ArrowLeft"], words: "Move the picture", run: (s) => panBy(s, 60, 0) },
  { keys: ["ArrowRight"], words: "Move the picture", run: (s) => panBy(s, -60, 0) },
  { keys: ["ArrowUp"], words: "Move the picture", run: (s) => panBy(s, 0, 60) },
  { keys: ["ArrowDown"], words: "Move the picture", run: (s) => panBy(s, 0, -60) },
  ...[0, 1, 2, 3, 4].map((place) => ({ keys: [`${place + 1}`], words: "Show or hide a layer", run: (s) => toggleLayer(s, s.scene.classes[place].code), missing: (s) => (s.scene.plain ? "no layers" : "") })),
];
const KEY_NAMES = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Escape: "Esc" };
const SILENT = ["_", "="]; // plus and minus on the keyboards on which they need the other shift state

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function toggleLayer(s, code) {
  if (!s.shown.delete(code)) s.shown.add(code);
  const kind = s.scene.classes.find((one) => one.code === code);
  if (s.shown.has(code) && s.drawnFor[code] !== s.view) drawLayer(s, kind);
  refresh(s);
}

function toggleFill(s) {
  s.filled = !s.filled;
  forgetLayers(s);
  requestDraw(s);
}

function toggleRuler(s) {
  s.ruler = { on: !s.ruler.on, from: null, to: null };
  requestDraw(s);
}

function toggleCompare(s) {
  s.compare = s.compare === null ? 0.5 : null;
  requestDraw(s);
}

function isFullscreen(s) {
  return s.root.getRootNode().fullscreenElement === s.root;
}

function toggleFullscreen(s) {
  if (isFullscreen(s)) document.exitFullscreen();
  else s.root.requestFullscreen?.();
}

function perform(s, action) {
  if (!s.scene || action.missing?.(s)) return;
  action.run(s);
  refresh(s);
}

function actionButton(s, action) {
  const button = make("button", { type: "button", title: `${action.words} (${action.keys[0]})`, "aria-label": action.words }, action.face);
  button.addEventListener("click", () => perform(s, action));
  s.buttons.set(action, button);
  return button;
}

function actionButtons(s, group) {
  return ACTIONS.filter((action) => action.group === group).map((action) => actionButton(s, action));
}

function swatch(kind) {
  const picture = document.createElementNS(SVG, "svg");
  for (const [name, value] of Object.entries({ viewBox: "0 0 28 10", width: 28, height: 10, "aria-hidden": true })) picture.setAttribute(name, value);
  for (const [colour, width, dash] of [[edgeOf(kind), 6, []], [kind.colour, 3, DASHES[kind.line]]]) {
    const line = document.createElementNS(SVG, "path");
    const looks = { d: "M1 5H27", stroke: colour, "stroke-width": width, "stroke-dasharray": dash.map((length) => length * 0.75).join(" ") };
    for (const [name, value] of Object.entries(looks)) line.setAttribute(name, value);
    picture.append(line);
  }
  return picture;
}

function layerWords(scene, kind) {
  const { disc, fovea } = scene.landmarks;
  if (kind.code !== "OD") {
    const count = scene.byCode[kind.code].length;
    return count ? `${count} ${count === 1 ? kind.name : kind.plural}` : `no ${kind.plural}`;
  }
  return `${disc ? "disc" : "no disc"}, ${fovea ? "fovea" : "no fovea"}`;
}

function buildLayerButtons(s) {
  s.layerButtons = new Map();
  s.layerBar.replaceChildren();
  if (s.scene.plain) return; // nothing was looked for, or it is not to be shown: then nothing is said to be absent
  for (const [place, kind] of s.scene.classes.entries()) {
    const button = make("button", { type: "button", title: `Show or hide (${place + 1})`, "data-layer": kind.code }, swatch(kind), layerWords(s.scene, kind));
    button.addEventListener("click", () => toggleLayer(s, kind.code));
    s.layerButtons.set(kind.code, button);
    s.layerBar.append(button);
  }
}

function slider(s, name, least, most, apply) {
  const input = make("input", { type: "range", min: least, max: most, value: 100, "aria-label": name, "data-slider": name.toLowerCase() });
  input.addEventListener("input", () => {
    apply(Number(input.value) / 100);
    refresh(s);
  });
  input.addEventListener("dblclick", () => {
    input.value = 100;
    input.dispatchEvent(new Event("input"));
  });
  return make("label", {}, name, input);
}

function buildHelp() {
  const keysOf = new Map();
  for (const { keys, words } of ACTIONS) keysOf.set(words, [...(keysOf.get(words) ?? []), ...keys.filter((key) => !SILENT.includes(key))]);
  const rows = [...keysOf].map(([words, keys]) => {
    const names = keys.map((key) => make("kbd", {}, KEY_NAMES[key] ?? key));
    return make("tr", {}, make("td", {}, ...names), make("td", {}, words));
  });
  const close = make("button", { type: "button", autofocus: "" }, "Close");
  const mouse = "Wheel or pinch zooms, dragging moves, a click chooses a lesion. Keys work once the picture or a button has the focus.";
  const help = make("dialog", { "aria-label": "What the keys do" }, make("p", {}, mouse), make("table", {}, ...rows), close);
  close.addEventListener("click", () => help.close());
  return help;
}

function statusWords(s) {
  const { from, to } = s.ruler;
  return from ? `Ruler: ${lengthWords(s, from, to)}` : (s.scene.byId.get(s.chosen)?.words ?? "");
}

// Everything that shows the state without being drawn.
function refresh(s) {
  if (!s.scene) return;
  for (const [action, button] of s.buttons) {
    const reason = action.missing?.(s) ?? "";
    button.disabled = reason !== "";
    button.title = reason ? `${action.words}: ${reason}` : `${action.words} (${action.keys[0]})`;
    if (action.pressed) button.setAttribute("aria-pressed", String(action.pressed(s)));
  }
  for (const [code, button] of s.layerButtons) button.setAttribute("aria-pressed", String(s.shown.has(code)));
  for (const { code } of s.scene.classes) s.canvases[code].hidden = !s.shown.has(code);
  s.canvases.saliency.hidden = !s.saliency || !s.scene.saliency;
  s.note.textContent = s.saliency && s.scene.saliency ? s.scene.saliency : "";
  s.overlay.style.opacity = s.opacity;
  s.canvases.photo.style.filter = `contrast(${s.contrast}) invert(${s.inverted ? 1 : 0})`;
  s.stage.classList.toggle("measuring", s.ruler.on);
  refreshCompare(s);
  s.zoomed.textContent = `${Math.round(s.view.scale * 100)} %`;
  if (!s.fingers.size) s.status.textContent = statusWords(s);
  Object.assign(s.root.dataset, { chosen: s.chosen ?? "", scale: s.view.scale.toFixed(4) });
}

function refreshCompare(s) {
  const on = s.compare !== null;
  s.divider.hidden = !on;
  s.divider.style.left = `${(s.compare ?? 0) * 100}%`;
  s.divider.setAttribute("aria-valuenow", String(Math.round((s.compare ?? 0) * 100)));
  s.overlay.style.clipPath = on ? `inset(0 0 0 ${s.compare * 100}%)` : "";
}
