// What is drawn over everything: landmarks, rings and the ETDRS grid in disc diameters, the ruler, and the chosen lesion.

const WHITE = { colour: "rgb(255,255,255)", line: "solid" };
const DOTTED = { colour: "rgb(255,255,255)", line: "dotted" };
const RINGS_DD = [1, 2, 3];
const ETDRS_DD = [1 / 3, 1, 2]; // radii of the circles of 1, 3 and 6 mm, where one disc diameter is taken as 1.5 mm

function circle(path, centre, radius) {
  path.moveTo(centre[0] + radius, centre[1]);
  path.arc(centre[0], centre[1], radius, 0, 2 * Math.PI);
}

// Landmarks are pixel centres at whole numbers; a pixel's middle lies half a pixel further on the canvas.
function middle(point) {
  return point && [point[0] + 0.5, point[1] + 0.5];
}

function drawLandmarks(s, kind) {
  const context = clear(s.canvases.OD);
  const { disc, dd, fovea } = s.scene.landmarks;
  useView(s, context);
  const unit = 1 / s.view.scale;
  if (disc) {
    const rim = new Path2D();
    circle(rim, middle(disc), dd / 2);
    strokeOn(context, rim, kind, unit);
  }
  if (fovea) {
    const [x, y] = middle(fovea);
    const cross = new Path2D();
    cross.moveTo(x - 9 * unit, y);
    cross.lineTo(x + 9 * unit, y);
    cross.moveTo(x, y - 9 * unit);
    cross.lineTo(x, y + 9 * unit);
    strokeOn(context, cross, WHITE, unit);
  }
}

function write(s, context, text, point) {
  const [x, y] = toStage(s.view, point);
  context.setTransform(s.dpr, 0, 0, s.dpr, 0, 0);
  context.font = "600 13px sans-serif";
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.setLineDash([]);
  context.lineWidth = 4;
  context.lineJoin = "round";
  context.strokeStyle = "rgb(0,0,0)";
  context.strokeText(text, x, y);
  context.fillStyle = "rgb(255,255,255)";
  context.fillText(text, x, y);
  useView(s, context);
}

function drawRings(s, context) {
  const { dd } = s.scene.landmarks;
  const fovea = middle(s.scene.landmarks.fovea);
  const path = new Path2D();
  for (const radius of RINGS_DD) circle(path, fovea, radius * dd);
  strokeOn(context, path, DOTTED, 1 / s.view.scale);
}

// At thirty degrees, where neither the grid's lines nor its names are.
function nameRings(s, context) {
  const { dd } = s.scene.landmarks;
  const fovea = middle(s.scene.landmarks.fovea);
  for (const radius of RINGS_DD) write(s, context, `${radius} DD`, [fovea[0] + radius * dd * 0.87, fovea[1] - radius * dd * 0.5]);
}

function drawGrid(s, context) {
  const { dd, eye } = s.scene.landmarks;
  const fovea = middle(s.scene.landmarks.fovea);
  const path = new Path2D();
  for (const radius of ETDRS_DD) circle(path, fovea, radius * dd);
  const corner = (radius, sx, sy) => [fovea[0] + sx * radius * dd * Math.SQRT1_2, fovea[1] + sy * radius * dd * Math.SQRT1_2];
  for (const [sx, sy] of [[1, 1], [1, -1], [-1, 1], [-1, -1]]) {
    path.moveTo(...corner(ETDRS_DD[0], sx, sy));
    path.lineTo(...corner(ETDRS_DD[2], sx, sy));
  }
  strokeOn(context, path, WHITE, 1 / s.view.scale);
  const sides = { right: ["nasal", "temporal"], left: ["temporal", "nasal"] }[eye] ?? [];
  const places = [["superior", 0, -1], ["inferior", 0, 1], [sides[0], 1, 0], [sides[1], -1, 0]];
  for (const [name, sx, sy] of places) if (name) write(s, context, name, [fovea[0] + sx * 1.5 * dd, fovea[1] + sy * 1.5 * dd]);
}

function lengthWords(s, from, to) {
  const pixels = Math.hypot(to[0] - from[0], to[1] - from[1]);
  const { dd } = s.scene.landmarks;
  return dd ? `${(pixels / dd).toFixed(2)} DD (${Math.round(pixels)} px)` : `${Math.round(pixels)} px`;
}

function drawRuler(s, context) {
  const { from, to } = s.ruler;
  const unit = 1 / s.view.scale;
  const path = new Path2D();
  path.moveTo(...from);
  path.lineTo(...to);
  for (const end of [from, to]) circle(path, end, 4 * unit);
  strokeOn(context, path, WHITE, unit);
  write(s, context, lengthWords(s, from, to), [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2 - 16 * unit]);
}

function drawChosen(s, context) {
  const lesion = s.scene.byId.get(s.chosen);
  if (!lesion) return;
  const unit = 1 / s.view.scale;
  const [left, top, width, height] = lesion.box;
  const gap = 9 * unit;
  const frame = new Path2D();
  frame.rect(left - gap, top - gap, width + 2 * gap, height + 2 * gap);
  strokeOn(context, frame, WHITE, unit);
  write(s, context, lesion.id, [left + width / 2, top - gap - 12 * unit]);
}

function drawTools(s) {
  const context = clear(s.canvases.tools);
  useView(s, context);
  const centred = noRings(s) === "";
  if (centred && s.rings) drawRings(s, context);
  if (centred && s.grid) drawGrid(s, context);
  if (centred && s.rings) nameRings(s, context);
  if (s.ruler.from) drawRuler(s, context);
  drawChosen(s, context);
}
