// Buttons, sliders and the help around the picture. Text goes in as text only.

const SVG = "http://www.w3.org/2000/svg";

function setAll(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

function make(tag, attributes = {}, ...children) {
  const element = setAll(document.createElement(tag), attributes);
  element.append(...children);
  return element;
}

function actionButtons(s, group) {
  return ACTIONS.filter((one) => one.group === group).map((one) => {
    const face = make("button", { type: "button", "aria-label": one.words }, one.face);
    face.addEventListener("click", () => perform(s, one));
    s.buttons.set(one, face);
    return face;
  });
}

function swatch(kind) {
  const picture = setAll(document.createElementNS(SVG, "svg"), { viewBox: "0 0 28 10", width: 28, height: 10, "aria-hidden": true });
  for (const [colour, width, dash] of [[edgeOf(kind), 6, []], [kind.colour, 3, DASHES[kind.line]]]) {
    const dashes = dash.map((length) => length * 0.75).join(" ");
    const looks = { d: "M1 5H27", stroke: colour, "stroke-width": width, "stroke-dasharray": dashes };
    picture.append(setAll(document.createElementNS(SVG, "path"), looks));
  }
  return picture;
}

function layerWords(scene, kind) {
  const { disc, fovea } = scene.landmarks;
  if (kind.code === "OD") return `${disc ? "disc" : "no disc"}, ${fovea ? "fovea" : "no fovea"}`;
  const count = scene.byCode[kind.code].length;
  return count ? `${count} ${count === 1 ? kind.name : kind.plural}` : `no ${kind.plural}`;
}

function buildLayerButtons(s) {
  s.layerButtons = new Map();
  s.layerBar.replaceChildren();
  if (s.scene.plain) return; // nothing was looked for, or it is not to be shown: then nothing is said to be absent
  for (const [place, kind] of s.scene.classes.entries()) {
    const words = { type: "button", title: `Show or hide (${place + 1})`, "data-layer": kind.code };
    const face = make("button", words, swatch(kind), layerWords(s.scene, kind));
    face.addEventListener("click", () => toggleLayer(s, kind.code));
    s.layerButtons.set(kind.code, face);
    s.layerBar.append(face);
  }
}

// In per cent; a double click puts it back to 100.
function slider(s, name, least, most, apply) {
  const input = make("input", { type: "range", min: least, max: most, value: 100, "data-slider": name.toLowerCase() });
  const moved = () => {
    apply(Number(input.value) / 100);
    refresh(s);
  };
  input.addEventListener("input", moved);
  input.addEventListener("dblclick", () => {
    input.value = 100;
    moved();
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
  const mouse = "Wheel or pinch zooms, dragging moves, a click chooses a lesion, a double click puts a slider back.";
  const focus = "Keys work once the picture or a button has the focus.";
  const help = make("dialog", { "aria-label": "What the keys do" }, make("p", {}, mouse, " ", focus), make("table", {}, ...rows), close);
  close.addEventListener("click", () => help.close());
  return help;
}

function buildBar(s) {
  const groups = ["zoom", "light", "tools", "page"].map((name) => make("div", { class: "group" }, ...actionButtons(s, name)));
  groups[0].append(s.zoomed);
  return make("div", { class: "bar", role: "group", "aria-label": "View" }, ...groups);
}

function buildLayerBar(s) {
  const opacity = slider(s, "Opacity", 0, 100, (value) => (s.opacity = value));
  const contrast = slider(s, "Contrast", 50, 300, (value) => (s.contrast = value));
  const looks = make("div", { class: "group" }, ...actionButtons(s, "layers"), opacity, contrast);
  return make("div", { class: "bar", role: "group", "aria-label": "Layers" }, s.layerBar, looks);
}

function statusWords(s) {
  const { from, to } = s.ruler;
  return from ? `Ruler: ${lengthWords(s, from, to)}` : (s.scene.byId.get(s.chosen)?.words ?? "");
}

// Everything that shows the state without being drawn.
function refresh(s) {
  if (!s.scene) return;
  refreshButtons(s);
  refreshLayers(s);
  refreshCompare(s);
  s.stage.classList.toggle("measuring", s.ruler.on);
  refreshWords(s);
}

function refreshWords(s) {
  s.zoomed.textContent = `${Math.round(s.view.scale * 100)} %`;
  const words = statusWords(s);
  if (!s.fingers.size && s.status.textContent !== words) s.status.textContent = words; // read out once, and not while dragging
  Object.assign(s.root.dataset, { chosen: s.chosen ?? "", scale: s.view.scale.toFixed(4) });
}

function refreshButtons(s) {
  for (const [one, face] of s.buttons) {
    const reason = one.missing?.(s) ?? "";
    face.disabled = reason !== "";
    face.title = reason ? `${one.words}: ${reason}` : `${one.words} (${one.keys[0]})`;
    if (one.pressed) face.setAttribute("aria-pressed", String(Boolean(one.pressed(s))));
  }
  for (const [code, face] of s.layerButtons) face.setAttribute("aria-pressed", String(s.shown.has(code)));
}

function refreshLayers(s) {
  const looks = s.contrast !== 1 || s.inverted ? `contrast(${s.contrast}) invert(${s.inverted ? 1 : 0})` : "";
  const looked = s.saliency && s.scene.saliency;
  for (const { code } of s.scene.classes) s.canvases[code].hidden = !s.shown.has(code);
  s.canvases.saliency.hidden = !looked;
  s.note.textContent = looked || "";
  s.overlay.style.opacity = s.opacity;
  s.canvases.photo.style.filter = looks;
}

function refreshCompare(s) {
  const on = s.compare !== null;
  const share = `${(s.compare ?? 0) * 100}%`;
  s.divider.hidden = !on;
  s.divider.style.left = share;
  s.divider.setAttribute("aria-valuenow", String(Math.round((s.compare ?? 0) * 100)));
  s.overlay.style.clipPath = on ? `inset(0 0 0 ${share})` : "";
}
