// The lesion layers: one canvas for each class, so that showing, hiding and fading them is the browser's own compositing.
// While the view moves over many lesions, the layers are moved and scaled as they are, and drawn sharp when it rests.

const LAYERS = ["MA", "HE", "EX", "SE", "OD"]; // the landmarks are the last
const DASHES = { solid: [], dashed: [14, 6], dotted: [3, 3], dashdot: [14, 4, 3, 4] };
const SMALL = 12; // CSS pixels: a smaller lesion gets a ring, since its own outline would cover it
const CLEAR = 4; // how far that ring stands off
const FILL = 0.4;
const MANY = 300; // lesions in view: more are not drawn anew in a moving frame
const REST = 90; // ms without movement until they are drawn sharp

function preparePaths(scene) {
  for (const lesion of scene.lesions) lesion.outline = new Path2D(lesion.path);
  scene.byCode = Object.fromEntries(scene.classes.map((one) => [one.code, scene.lesions.filter((it) => it.code === one.code)]));
  scene.byId = new Map(scene.lesions.map((lesion) => [lesion.id, lesion]));
}

function inView(s, box) {
  const margin = (SMALL + CLEAR) / s.view.scale;
  const [left, top] = toNative(s.view, 0, 0);
  const [right, bottom] = toNative(s.view, s.box.width, s.box.height);
  return box[0] - margin < right && box[0] + box[2] + margin > left && box[1] - margin < bottom && box[1] + box[3] + margin > top;
}

// Everything of one class that is in view, in native pixels: all bodies, the outlines of large ones, rings around small ones.
function pathsInView(s, code) {
  const bodies = new Path2D();
  const outlines = new Path2D();
  const rings = new Path2D();
  for (const lesion of s.scene.byCode[code]) {
    if (!inView(s, lesion.box)) continue;
    if (s.filled) bodies.addPath(lesion.outline);
    const [left, top, width, height] = lesion.box;
    const longest = Math.max(width, height);
    if (longest * s.view.scale >= SMALL) outlines.addPath(lesion.outline);
    else circle(rings, [left + width / 2, top + height / 2], longest / 2 + CLEAR / s.view.scale);
  }
  return { bodies, outlines, rings };
}

function useView(s, context) {
  const scale = s.view.scale * s.dpr;
  context.setTransform(scale, 0, 0, scale, s.view.x * s.dpr, s.view.y * s.dpr);
}

// A bright line stands on a dark edge and a dark one on a bright edge, so that each shows on any ground.
function edgeOf(kind) {
  const [red, green, blue] = kind.colour.match(/\d+/g).map(Number);
  return 0.3 * red + 0.59 * green + 0.11 * blue < 90 ? "rgb(255 255 255 / 70%)" : "rgb(0 0 0 / 65%)";
}

// A line in the class's colour and style.
function strokeOn(context, path, kind, unit) {
  context.setLineDash([]);
  context.strokeStyle = edgeOf(kind);
  context.lineWidth = 4 * unit;
  context.stroke(path);
  context.setLineDash(DASHES[kind.line].map((length) => length * unit));
  context.strokeStyle = kind.colour;
  context.lineWidth = 2 * unit;
  context.stroke(path);
}

function drawLesions(s, kind) {
  const context = clear(s.canvases[kind.code]);
  const { bodies, outlines, rings } = pathsInView(s, kind.code);
  useView(s, context);
  const unit = 1 / s.view.scale;
  if (s.filled) {
    context.globalAlpha = FILL;
    context.fillStyle = kind.colour;
    context.fill(bodies, "evenodd");
    context.globalAlpha = 1;
  }
  strokeOn(context, outlines, kind, unit);
  strokeOn(context, rings, kind, unit);
}

function drawLayer(s, kind) {
  if (kind.code === "OD") drawLandmarks(s, kind);
  else drawLesions(s, kind);
  s.drawnFor[kind.code] = { view: s.view, filled: s.filled };
  s.canvases[kind.code].style.transform = "";
}

function shownLayers(s) {
  return s.scene.classes.filter((kind) => s.shown.has(kind.code));
}

function isStale(s, code) {
  const drawn = s.drawnFor[code];
  return drawn?.view !== s.view || drawn.filled !== s.filled;
}

function isCrowded(s) {
  return s.scene.lesions.filter((lesion) => s.shown.has(lesion.code) && inView(s, lesion.box)).length > MANY;
}

function moveLayer(s, kind) {
  const old = s.drawnFor[kind.code]?.view;
  if (!old) return drawLayer(s, kind);
  const factor = s.view.scale / old.scale;
  const x = s.view.x - old.x * factor;
  const y = s.view.y - old.y * factor;
  s.canvases[kind.code].style.transform = `translate(${x}px, ${y}px) scale(${factor})`;
}

// One layer after another, each in a task of its own, so that the page answers in between.
function sharpenLater(s) {
  const next = () => {
    const kind = shownLayers(s).find(({ code }) => isStale(s, code));
    if (!kind) return;
    drawLayer(s, kind);
    s.resting = setTimeout(next, 0);
  };
  const moved = shownLayers(s).some(({ code }) => s.drawnFor[code].view !== s.view);
  s.resting = setTimeout(next, moved ? REST : 0);
}

function drawLayers(s) {
  clearTimeout(s.resting);
  const stale = shownLayers(s).filter(({ code }) => isStale(s, code));
  const crowded = stale.length > 0 && isCrowded(s);
  for (const kind of stale) (crowded ? moveLayer : drawLayer)(s, kind);
  if (crowded) sharpenLater(s);
}

function forgetLayers(s) {
  s.drawnFor = {};
}

function lesionAt(s, px, py) {
  const [x, y] = toNative(s.view, px, py);
  const reach = (CLEAR + 4) / s.view.scale;
  const hit = ({ code, box }) =>
    s.shown.has(code) && x > box[0] - reach && x < box[0] + box[2] + reach && y > box[1] - reach && y < box[1] + box[3] + reach;
  const found = s.scene.lesions.filter(hit);
  return found.sort((a, b) => a.box[2] * a.box[3] - b.box[2] * b.box[3])[0]; // the smallest lies on top
}
