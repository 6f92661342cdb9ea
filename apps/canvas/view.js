// The view: which part of the photograph the stage shows. A point's place on the stage is native * scale + (x, y), in CSS pixels.

const MOST_SCALE = 16;
const STEP = 1.25;

function fitView(size, stage) {
  const scale = Math.min(stage.width / size[0], stage.height / size[1]);
  return { scale, x: (stage.width - size[0] * scale) / 2, y: (stage.height - size[1] * scale) / 2 };
}

function isFit(s) {
  return s.view.scale <= fitView(s.scene.size, s.box).scale * 1.001;
}

// No smaller than the whole photograph, and never pushed off the stage.
function clampView(view, size, stage) {
  const fit = fitView(size, stage);
  const scale = Math.min(Math.max(view.scale, fit.scale), Math.max(MOST_SCALE, fit.scale));
  const along = (offset, length, room) => {
    const shown = length * scale;
    return shown <= room ? (room - shown) / 2 : Math.min(0, Math.max(room - shown, offset));
  };
  return { scale, x: along(view.x, size[0], stage.width), y: along(view.y, size[1], stage.height) };
}

// Zoom about a point of the stage, which stays where it is.
function zoomedAt(view, factor, px, py) {
  return { scale: view.scale * factor, x: px - (px - view.x) * factor, y: py - (py - view.y) * factor };
}

function toNative(view, px, py) {
  return [(px - view.x) / view.scale, (py - view.y) / view.scale];
}

function toStage(view, point) {
  return [point[0] * view.scale + view.x, point[1] * view.scale + view.y];
}

// A lesion's box in the middle of the stage, an eighth of its shorter side, but no closer than four screen pixels to one of the camera's.
function viewOf(box, stage) {
  const [left, top, width, height] = box;
  const scale = Math.min(4, Math.min(stage.width, stage.height) / 8 / Math.max(width, height, 1) + 0.25);
  return { scale, x: stage.width / 2 - (left + width / 2) * scale, y: stage.height / 2 - (top + height / 2) * scale };
}

function setView(s, view) {
  s.view = clampView(view, s.scene.size, s.box);
  s.stage.classList.toggle("whole", isFit(s));
  requestDraw(s);
}

function zoomBy(s, factor, px = s.box.width / 2, py = s.box.height / 2) {
  stopFlight(s);
  setView(s, zoomedAt(s.view, factor, px, py));
}

function panBy(s, dx, dy) {
  stopFlight(s);
  setView(s, { ...s.view, x: s.view.x + dx, y: s.view.y + dy });
}

function stopFlight(s) {
  cancelAnimationFrame(s.flight);
  s.flight = 0;
}

// A quarter of a second's flight: the scale changes evenly in its logarithm; a reader who wants less motion is there at once.
function flyTo(s, goal) {
  stopFlight(s);
  const from = s.view;
  const to = clampView(goal, s.scene.size, s.box);
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return setView(s, to);
  const started = performance.now();
  const middle = [s.box.width / 2, s.box.height / 2];
  const start = toNative(from, ...middle);
  const end = toNative(to, ...middle);
  const frame = (now) => {
    const t = Math.min(1, (now - started) / 250);
    const eased = t * t * (3 - 2 * t);
    const scale = from.scale * (to.scale / from.scale) ** eased;
    const at = [0, 1].map((i) => start[i] + (end[i] - start[i]) * eased);
    s.flight = t < 1 ? requestAnimationFrame(frame) : 0;
    setView(s, t < 1 ? { scale, x: middle[0] - at[0] * scale, y: middle[1] - at[1] * scale } : to);
  };
  s.flight = requestAnimationFrame(frame);
}
