// The marks of events. Form tells them apart, colour only the class: as in the pictures of eval.py a full triangle is a
// true event that was found, an open one was missed, a dot is a right prediction and a cross a wrong one. Where a video
// is labelled for the first time a prediction that no event is near to is not wrong, but proposed: an open dot.

import { svg } from "./dom.js";

const TRIANGLE = "M-5 -4.5H5L0 4.5Z";

export const SHAPES = {
  label: { path: TRIANGLE, full: true, means: "true event" },
  found: { path: TRIANGLE, full: true, means: "true event, found" },
  missed: { path: TRIANGLE, full: false, means: "missed" },
  right: { path: "M4.5 0A4.5 4.5 0 1 1 -4.5 0A4.5 4.5 0 1 1 4.5 0Z", full: true, means: "prediction, right" },
  false: { path: "M-4 -4L4 4M4 -4L-4 4", full: false, means: "false" },
  proposed: { path: "M4 0A4 4 0 1 1 -4 0A4 4 0 1 1 4 0Z", full: false, means: "proposed" },
  rejected: { path: "M-3 -3L3 3M3 -3L-3 3", full: false, means: "rejected" },
  confused: { path: "M0 -5.5L5.5 0L0 5.5L-5.5 0Z", full: false, means: "of another class" },
};

const paths = Object.fromEntries(Object.entries(SHAPES).map(([kind, shape]) => [kind, new Path2D(shape.path)]));

const SPRITE = 18; // px, with room for the rim
const sprites = new Map(); // drawn once, as a half has thousands: key -> canvas

/** Draw a mark at (x, y). `ground` is what lies behind it: full marks get a rim of it, open ones are filled with it. */
export function drawShape(ctx, kind, x, y, colour, ground, size = 1) {
  const side = SPRITE * size;
  const key = [kind, colour, ground, size, devicePixelRatio].join();
  if (!sprites.has(key)) sprites.set(key, sprite(kind, colour, ground, side));
  ctx.drawImage(sprites.get(key), x - side / 2, y - side / 2, side, side);
}

function sprite(kind, colour, ground, side) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = Math.ceil(side * devicePixelRatio);
  const ctx = canvas.getContext("2d");
  ctx.scale(canvas.width / SPRITE, canvas.width / SPRITE);
  ctx.translate(SPRITE / 2, SPRITE / 2);
  ctx.lineJoin = "round";
  const { full } = SHAPES[kind];
  if (kind === "false") {
    ctx.strokeStyle = ground;
    ctx.lineWidth = 4.5;
    ctx.stroke(paths[kind]);
  } else {
    ctx.fillStyle = full ? colour : ground;
    ctx.fill(paths[kind]);
  }
  ctx.strokeStyle = full ? ground : colour;
  ctx.lineWidth = full ? 1 : 2;
  ctx.stroke(paths[kind]);
  return canvas;
}

/** The mark as a small picture for lists and legends, in the colour of its text unless one is given. */
export function icon(kind, colour = "currentColor") {
  const { path, full, means } = SHAPES[kind];
  return svg(
    "svg",
    { viewBox: "-8 -8 16 16", width: 16, height: 16, role: "img", "aria-label": means, class: "icon" },
    svg("path", {
      d: path,
      fill: full ? colour : "none",
      stroke: colour,
      "stroke-width": full ? 0 : 2,
      "stroke-linejoin": "round",
    }),
  );
}
