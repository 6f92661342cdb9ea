// One canvas on the page: built once, given a scene, told what to choose. Streamlit calls the exported function in every run.

const TELL_AFTER = 300; // ms: whoever steps through the lesions tells the server where they stopped
const mounted = new WeakMap();

function requestDraw(s) {
  s.frame ||= requestAnimationFrame(() => {
    s.frame = 0;
    draw(s);
  });
}

function draw(s) {
  if (!s.scene || !s.box.width) return;
  drawPicture(s, s.canvases.photo, (s.redFree && s.pictures.redFree) || s.pictures.colour);
  if (s.saliency) drawPicture(s, s.canvases.saliency, s.pictures.saliency);
  drawLayers(s);
  drawTools(s);
  refreshWords(s);
}

function choose(s, id) {
  s.chosen = id;
  requestDraw(s);
}

function tell(s) {
  clearTimeout(s.telling);
  s.telling = setTimeout(() => s.chosen !== s.told && s.send((s.told = s.chosen) ?? ""), TELL_AFTER);
}

function flyToLesion(s, id) {
  const lesion = s.scene.byId.get(id);
  if (!lesion) return;
  s.back ??= s.view;
  s.shown.add(lesion.code);
  refresh(s);
  choose(s, id);
  flyTo(s, viewOf(lesion.box, s.box));
}

function flyBack(s) {
  choose(s, null);
  if (s.back) flyTo(s, s.back);
  s.back = null;
}

function letGo(s) {
  flyBack(s);
  tell(s);
}

function step(s, by) {
  const ids = s.scene.lesions.filter((lesion) => s.shown.has(lesion.code)).map((lesion) => lesion.id);
  if (!ids.length) return;
  const at = ids.indexOf(s.chosen);
  flyToLesion(s, ids[at < 0 ? (by > 0 ? 0 : ids.length - 1) : (at + by + ids.length) % ids.length]);
  tell(s);
}

function onResize(s) {
  const box = { width: s.stage.clientWidth, height: s.stage.clientHeight };
  if (!box.width || !box.height) return;
  const whole = !s.scene || !s.box.width || isFit(s);
  const centre = s.scene && toNative(s.view, s.box.width / 2, s.box.height / 2);
  s.box = box;
  s.dpr = Math.min(2, devicePixelRatio || 1);
  for (const canvas of Object.values(s.canvases)) {
    canvas.width = Math.round(box.width * s.dpr);
    canvas.height = Math.round(box.height * s.dpr);
  }
  if (!s.scene) return;
  forgetLayers(s);
  const { scale } = s.view;
  const kept = { scale, x: box.width / 2 - centre[0] * scale, y: box.height / 2 - centre[1] * scale };
  setView(s, whole ? fitView(s.scene.size, box) : kept);
}

function say(s, words, state) {
  s.message.textContent = words;
  s.message.hidden = words === "";
  s.root.dataset.state = state;
}

async function load(s, data) {
  s.loading?.abort();
  const { signal } = (s.loading = new AbortController());
  say(s, "Loading the photograph …", "loading");
  try {
    const scene = JSON.parse(await (await fetchBlob(data.layers, signal)).text());
    const same = data.photograph === s.photograph;
    const colour = same ? s.pictures.colour : await fetchPicture(data.photograph, signal);
    if (signal.aborted) return same || closePicture(colour);
    show(s, scene, colour, same);
    s.photograph = data.photograph;
    select(s);
    await loadRest(s, data, signal);
  } catch (error) {
    if (signal.aborted) return;
    console.error(error);
    say(s, "The photograph could not be loaded. Reload the page.", "failed");
  }
}

// same: the photograph that was there, now with other layers. It stays, and so does the view.
function show(s, scene, colour, same) {
  for (const levels of Object.values(s.pictures)) if (levels !== colour) closePicture(levels);
  preparePaths(scene);
  Object.assign(s, { scene, pictures: { colour }, chosen: null, told: null, back: null, ruler: { on: false, from: null, to: null } });
  const found = scene.plain ? "" : ` with ${scene.lesions.length} lesions found`;
  s.stage.setAttribute("aria-label", `Fundus photograph${found}. Press ? for the keys.`);
  forgetLayers(s);
  buildLayerButtons(s);
  setView(s, same ? s.view : fitView(scene.size, s.box));
  refresh(s);
  say(s, "", "shown");
}

// The green channel and the saliency are there before they are asked for, so that their first toggle is as quick as the next.
async function loadRest(s, data, signal) {
  for (const [name, url] of [["redFree", data.red_free], ["saliency", data.saliency]]) {
    const picture = url && (await fetchPicture(url, signal));
    if (signal.aborted) return closePicture(picture || []);
    s.pictures[name] = picture;
  }
  s.root.dataset.state = "ready";
  requestDraw(s);
}

function select(s) {
  const { selected, nonce } = s.data;
  if (nonce === s.nonce) return;
  s.nonce = nonce;
  s.told = selected;
  if (selected) flyToLesion(s, selected);
  else flyBack(s);
}

function buildStage() {
  const names = ["photo", "saliency", ...LAYERS, "tools"];
  const canvases = Object.fromEntries(names.map((name) => [name, make("canvas", { "data-layer": name, "aria-hidden": true })]));
  const overlay = make("div", { class: "overlay" }, canvases.saliency, ...LAYERS.map((code) => canvases[code]));
  const divider = make("div", { class: "divider", hidden: "", role: "slider", tabindex: 0, "aria-label": "Where the layers begin" });
  setAll(divider, { "aria-valuemin": 0, "aria-valuemax": 100 });
  const [hint, message, note] = ["hint", "message", "note"].map((name) => make("p", { class: name }));
  const parts = [canvases.photo, overlay, canvases.tools, divider, hint, note, message];
  const stage = make("div", { class: "stage", tabindex: 0, role: "application", "aria-label": "Fundus photograph" }, ...parts);
  return { canvases, overlay, divider, hint, message, note, stage };
}

// What the canvas knows: the scene and its pictures, the view, what is shown of them, and what the hands are doing.
function newState() {
  return {
    scene: null, pictures: {}, drawnFor: {}, view: { scale: 1, x: 0, y: 0 }, box: { width: 0, height: 0 }, dpr: 1,
    shown: new Set(LAYERS), filled: false, opacity: 1, contrast: 1, inverted: false, redFree: false, saliency: false,
    rings: false, grid: false, compare: null, ruler: { on: false, from: null, to: null },
    chosen: null, told: null, back: null, nonce: 0, fingers: new Map(), buttons: new Map(), layerButtons: new Map(),
  };
}

function mount(parent) {
  const s = { ...newState(), ...buildStage() };
  s.help = buildHelp();
  s.status = make("p", { class: "status", role: "status" });
  s.zoomed = make("span", { class: "zoomed" });
  s.layerBar = make("div", { class: "group" });
  s.root = make("section", { class: "fundus", "aria-label": "Fundus canvas" }, buildBar(s), s.stage, s.status, buildLayerBar(s), s.help);
  parent.append(s.root);
  listen(s);
  s.watch = new ResizeObserver(() => onResize(s));
  s.watch.observe(s.stage);
  return s;
}

function unmount(s, parent) {
  s.loading?.abort();
  s.watch.disconnect();
  stopFlight(s);
  cancelAnimationFrame(s.frame);
  for (const timer of [s.telling, s.resting]) clearTimeout(timer);
  Object.values(s.pictures).forEach(closePicture);
  s.root.remove();
  mounted.delete(parent);
}

export default function fundusCanvas({ parentElement, data, setTriggerValue }) {
  if (!mounted.has(parentElement)) mounted.set(parentElement, mount(parentElement));
  const s = mounted.get(parentElement);
  s.send = (id) => setTriggerValue("lesion", id);
  s.data = data;
  s.stage.style.setProperty("--height", `${data.height}px`);
  const scene = [data.photograph, data.layers, data.saliency].join(" ");
  if (scene !== s.sceneUrls) {
    s.sceneUrls = scene;
    load(s, data);
  } else if (["shown", "ready"].includes(s.root.dataset.state)) select(s);
  return () => unmount(s, parentElement);
}
