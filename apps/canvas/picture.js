// The photograph: fetched once, decoded by the browser, and kept at full size and at halves of it, so that a frame never scales down far.

const SMALLEST_LEVEL = 800;

async function fetchBlob(url, signal) {
  const reply = await fetch(url, { cache: "no-store", signal }); // nothing of a patient is left in the browser's cache
  if (!reply.ok) throw new Error(`${reply.status}`);
  return reply.blob();
}

async function fetchPicture(url, signal) {
  const levels = [await createImageBitmap(await fetchBlob(url, signal))];
  while (Math.max(levels.at(-1).width, levels.at(-1).height) > SMALLEST_LEVEL * 1.5) {
    const last = levels.at(-1);
    levels.push(
      await createImageBitmap(last, {
        resizeWidth: Math.ceil(last.width / 2),
        resizeHeight: Math.ceil(last.height / 2),
        resizeQuality: "medium",
      }),
    );
  }
  return levels;
}

function closePicture(levels) {
  for (const level of levels ?? []) level.close();
}

function clear(canvas) {
  const context = canvas.getContext("2d");
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  return context;
}

// The part of a picture in view. It covers the photograph's native extent whatever its own size.
function drawPicture(s, canvas, levels) {
  const context = clear(canvas);
  if (!levels) return;
  const wanted = s.view.scale * s.dpr * s.scene.size[0];
  const level = levels.findLast((one) => one.width >= wanted) ?? levels[0];
  const ratio = level.width / s.scene.size[0];
  const [left, top] = toNative(s.view, 0, 0).map((value) => Math.max(0, value));
  const corner = toNative(s.view, s.box.width, s.box.height);
  const width = Math.min(corner[0], s.scene.size[0]) - left;
  const height = Math.min(corner[1], s.scene.size[1]) - top;
  if (width <= 0 || height <= 0) return;
  const [x, y] = toStage(s.view, [left, top]).map((value) => value * s.dpr);
  const scale = s.view.scale * s.dpr;
  context.drawImage(level, left * ratio, top * ratio, width * ratio, height * ratio, x, y, width * scale, height * scale);
}
