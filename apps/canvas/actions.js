// Everything that can be done to the canvas, in one table: buttons, keys and the help are made of it.

const KEY_NAMES = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Escape: "Esc" };
const SILENT = ["_", "="]; // minus and plus on keyboards on which they need the other shift state

function flip(name) {
  return (s) => {
    s[name] = !s[name];
    requestDraw(s);
  };
}

function toggleLayer(s, code) {
  if (!s.shown.delete(code)) s.shown.add(code);
  const kind = s.scene.classes.find((one) => one.code === code);
  if (s.shown.has(code) && isStale(s, code)) drawLayer(s, kind);
  refresh(s);
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
  else s.root.requestFullscreen();
}

function noFullscreen() {
  return document.fullscreenEnabled ? "" : "this browser has none";
}

function noSaliency(s) {
  return s.scene.saliency ? "" : "there is no saliency map of this photograph";
}

function noLayers(s) {
  return s.scene.plain ? "there are no layers" : "";
}

function noRings(s) {
  const { dd, fovea } = s.scene.landmarks;
  if (fovea && dd) return "";
  if (s.scene.plain) return "landmarks are not shown";
  return fovea ? "no optic disc was found to measure by" : "no fovea was found to centre it on";
}

// keys: the first is named on the button; words: what it does; group and face: its button, where it has one;
// pressed: whether it is on; missing: why it cannot be used, or "".
function action(keys, words, run, rest = {}) {
  return { keys, words, run, ...rest };
}

function button(group, face, pressed, missing) {
  return { group, face, pressed, missing };
}

const RINGS = "Rings of 1, 2 and 3 disc diameters around the fovea";
const ACTIONS = [
  action(["-", "_"], "Zoom out", (s) => zoomBy(s, 1 / STEP), button("zoom", "−")),
  action(["+", "="], "Zoom in", (s) => zoomBy(s, STEP), button("zoom", "+")),
  action(["0"], "Show the whole photograph", (s) => flyTo(s, fitView(s.scene.size, s.box)), button("zoom", "Whole")),
  action(["g"], "Red-free view: the green channel", flip("redFree"), button("light", "Red-free", (s) => s.redFree)),
  action(["i"], "Invert the brightness", flip("inverted"), button("light", "Invert", (s) => s.inverted)),
  action(["s"], "Saliency: where a model looked", flip("saliency"), button("light", "Saliency", (s) => s.saliency, noSaliency)),
  action(["v"], "Compare: plain on the left, layers on the right", toggleCompare, button("light", "Compare", (s) => s.compare !== null)),
  action(["m"], "Ruler: drag to measure", toggleRuler, button("tools", "Ruler", (s) => s.ruler.on)),
  action(["d"], RINGS, flip("rings"), button("tools", "Rings", (s) => s.rings, noRings)),
  action(["e"], "ETDRS grid around the fovea", flip("grid"), button("tools", "ETDRS", (s) => s.grid, noRings)),
  action(["f"], "Full screen", toggleFullscreen, button("page", "Full screen", isFullscreen, noFullscreen)),
  action(["?", "h"], "Help: what the keys do", (s) => s.help.showModal(), button("page", "Keys")),
  action(["o"], "Fill the outlines", flip("filled"), button("layers", "Fill", (s) => s.filled, noLayers)),
  ...LAYERS.map((code, place) => action([`${place + 1}`], "Show or hide a layer", (s) => toggleLayer(s, code), { missing: noLayers })),
  action(["n"], "Next lesion", (s) => step(s, 1)),
  action(["p"], "Previous lesion", (s) => step(s, -1)),
  action(["Escape"], "Let go of the lesion and fly back", letGo),
  action(["ArrowLeft"], "Move the picture", (s) => panBy(s, 60, 0)),
  action(["ArrowRight"], "Move the picture", (s) => panBy(s, -60, 0)),
  action(["ArrowUp"], "Move the picture", (s) => panBy(s, 0, 60)),
  action(["ArrowDown"], "Move the picture", (s) => panBy(s, 0, -60)),
];

function perform(s, chosen) {
  if (!s.scene || chosen.missing?.(s)) return;
  chosen.run(s);
  refresh(s);
}
