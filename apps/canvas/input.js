// Hands on the picture: wheel, mouse, fingers and keys.

const CLICK_REACH = 5; // CSS pixels that a pointer may move and still have clicked

function placeOf(s, event) {
  const frame = s.stage.getBoundingClientRect();
  return [event.clientX - frame.left, event.clientY - frame.top];
}

function onWheel(s, event) {
  if (!s.scene || (isFit(s) && event.deltaY > 0 && !event.ctrlKey)) return; // nothing to zoom out of: the page scrolls on
  event.preventDefault();
  const lines = event.deltaMode === 1 ? 16 : 1;
  zoomBy(s, Math.exp(-Math.max(-240, Math.min(240, event.deltaY * lines)) * (event.ctrlKey ? 0.01 : 0.002)), ...placeOf(s, event));
}

function onDown(s, event) {
  if (!s.scene || event.button > 0) return;
  s.stage.focus({ preventScroll: true });
  s.stage.setPointerCapture(event.pointerId);
  const place = placeOf(s, event);
  s.fingers.set(event.pointerId, place);
  s.moved = s.fingers.size > 1;
  s.pressedAt = place;
  if (s.ruler.on && s.fingers.size === 1) s.ruler.from = s.ruler.to = toNative(s.view, ...place);
}

function onMove(s, event) {
  if (!s.scene) return;
  const place = placeOf(s, event);
  const before = s.fingers.get(event.pointerId);
  if (!before) return hint(s, place);
  if (s.fingers.size === 2) pinch(s, event.pointerId, place);
  else drag(s, before, place);
  s.fingers.set(event.pointerId, place);
}

function drag(s, before, place) {
  s.moved ||= Math.hypot(place[0] - s.pressedAt[0], place[1] - s.pressedAt[1]) > CLICK_REACH;
  if (s.ruler.on) {
    s.ruler.to = toNative(s.view, ...place);
    requestDraw(s);
  } else if (s.moved) panBy(s, place[0] - before[0], place[1] - before[1]);
}

// What lies between two fingers stays between them.
function pinch(s, id, place) {
  const [[, other]] = [...s.fingers].filter(([one]) => one !== id);
  const before = s.fingers.get(id);
  const span = (a) => Math.max(20, Math.hypot(a[0] - other[0], a[1] - other[1]));
  const centre = (a) => [(a[0] + other[0]) / 2, (a[1] + other[1]) / 2];
  const [was, is] = [centre(before), centre(place)];
  stopFlight(s);
  const zoomed = zoomedAt(s.view, span(place) / span(before), ...was);
  setView(s, { ...zoomed, x: zoomed.x + is[0] - was[0], y: zoomed.y + is[1] - was[1] });
}

function onUp(s, event) {
  const held = s.fingers.delete(event.pointerId);
  if (s.ruler.on) requestDraw(s);
  if (!held || s.moved || event.type === "pointercancel" || s.ruler.on) return;
  choose(s, lesionAt(s, ...placeOf(s, event))?.id ?? null);
  tell(s);
}

function hint(s, place) {
  const lesion = lesionAt(s, ...place);
  s.stage.classList.toggle("pointing", Boolean(lesion) && !s.ruler.on);
  s.hint.textContent = lesion?.words ?? "";
}

function onKey(s, event) {
  if (!s.scene || event.ctrlKey || event.metaKey || event.altKey || s.help.open) return;
  event.stopPropagation(); // the page has keys of its own
  if (event.target.matches("input, [role=slider]")) return;
  const action = ACTIONS.find(({ keys }) => keys.includes(event.key));
  if (!action) return;
  event.preventDefault();
  perform(s, action);
}

function onDividerKey(s, event) {
  const step = { ArrowLeft: -0.02, ArrowRight: 0.02 }[event.key];
  if (!step) return;
  event.preventDefault();
  moveDivider(s, s.compare + step);
}

function moveDivider(s, share) {
  s.compare = Math.min(1, Math.max(0, share));
  refreshCompare(s);
}

function listenToDivider(s) {
  s.divider.addEventListener("keydown", (event) => onDividerKey(s, event));
  s.divider.addEventListener("pointerdown", (event) => {
    event.stopPropagation();
    s.divider.setPointerCapture(event.pointerId);
  });
  s.divider.addEventListener("pointermove", (event) => {
    event.stopPropagation();
    if (s.divider.hasPointerCapture(event.pointerId)) moveDivider(s, placeOf(s, event)[0] / s.box.width);
  });
}

function listen(s) {
  s.stage.addEventListener("wheel", (event) => onWheel(s, event), { passive: false });
  s.stage.addEventListener("pointerdown", (event) => onDown(s, event));
  s.stage.addEventListener("pointermove", (event) => onMove(s, event));
  for (const name of ["pointerup", "pointercancel"]) s.stage.addEventListener(name, (event) => onUp(s, event));
  s.root.addEventListener("keydown", (event) => onKey(s, event));
  s.root.addEventListener("fullscreenchange", () => refresh(s));
  listenToDivider(s);
}
