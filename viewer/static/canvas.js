// Canvases that are sharp on any screen.

export const FONT = '12px system-ui, "Segoe UI", sans-serif';

/** Give a canvas a size in pixels of the page, sharp on any screen. */
export function sizeCanvas(canvas, width, height) {
  Object.assign(canvas, { width: width * devicePixelRatio, height: height * devicePixelRatio });
  Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
}

/** An empty canvas to draw on, in pixels of the page. */
export function cleared(canvas) {
  const ctx = canvas.getContext("2d");
  ctx.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
  ctx.clearRect(0, 0, canvas.width, canvas.height);
  ctx.font = FONT;
  ctx.textBaseline = "middle";
  return ctx;
}

/** Fill a rectangle. */
export function fillBlock(ctx, colour, x, y, width, height, alpha = 1) {
  ctx.globalAlpha = alpha;
  ctx.fillStyle = colour;
  ctx.fillRect(x, y, width, height);
  ctx.globalAlpha = 1;
}

/** While the pointer is pressed on a canvas, call what `start(down)` gives, if anything, for each of its moves. */
export function onDrag(canvas, start) {
  canvas.addEventListener("pointerdown", (down) => {
    const move = down.button ? null : start(down);
    if (!move) return;
    canvas.setPointerCapture(down.pointerId);
    canvas.onpointermove = move;
    canvas.onlostpointercapture = () => (canvas.onpointermove = null);
  });
}
