// Score curves of any length, drawn at any zoom from summaries: the least and the greatest of 4, 16, 64, ... frames.

const FULL = 65535; // a score of 1, as the server sends it
const STEP = 4;
const LINE_SCALE = 0.33; // px a frame, above which a line through all frames is quick enough
const LEAST_HEIGHT = 0.8; // px; what is lower is left to the floor
const STRENGTH = { most: 0.25, least: 0.35, edge: 0.9 }; // of the colour

export class Curve {
  /** `scores`: Uint16Array, one for each frame. */
  constructor(scores) {
    this.scores = scores;
    this.levels = [{ least: scores, most: scores, size: 1 }];
    for (let last = this.levels[0]; last.most.length > STEP; last = this.levels.at(-1)) {
      const count = Math.ceil(last.most.length / STEP);
      const [least, most] = [new Uint16Array(count), new Uint16Array(count)];
      for (let i = 0; i < count; i++) {
        let [low, high] = [FULL, 0];
        for (let j = i * STEP; j < Math.min((i + 1) * STEP, last.most.length); j++) {
          low = Math.min(low, last.least[j]);
          high = Math.max(high, last.most[j]);
        }
        [least[i], most[i]] = [low, high];
      }
      this.levels.push({ least, most, size: last.size * STEP });
    }
  }

  /** The score of a frame, 0 to 1. */
  at(frame) {
    return (this.scores[frame] ?? 0) / FULL;
  }

  /** The level whose steps are fine enough for columns of so many frames. */
  levelFor(frames) {
    let chosen = this.levels[0];
    for (const level of this.levels) if (level.size * STEP <= frames) chosen = level;
    return chosen;
  }

  /** Draw frames from `view.start` on, `view.scale` pixels each, with a score of 1 reaching `height` above `floor`. */
  draw(ctx, view, width, floor, height, colour) {
    ctx.fillStyle = ctx.strokeStyle = colour;
    if (view.scale >= LINE_SCALE) this.drawLine(ctx, view, width, floor, height);
    else this.drawColumns(ctx, view, width, floor, height);
    ctx.globalAlpha = 1;
  }

  /** A point for each frame. */
  drawLine(ctx, view, width, floor, height) {
    const first = Math.max(0, Math.floor(view.start) - 1);
    const last = Math.min(this.scores.length - 1, Math.ceil(view.start + width / view.scale) + 1);
    const x = (n) => (n + 0.5 - view.start) * view.scale;
    ctx.beginPath();
    for (let n = first; n <= last; n++) ctx.lineTo(x(n), floor - (this.scores[n] / FULL) * height);
    ctx.lineJoin = "round";
    ctx.lineWidth = 1.3;
    ctx.globalAlpha = 0.95;
    ctx.stroke();
    ctx.lineTo(x(last), floor);
    ctx.lineTo(x(first), floor);
    ctx.globalAlpha = STRENGTH.most;
    ctx.fill();
  }

  /** The greatest and the least of the frames in each column of pixels. Rectangles, which are quicker than lines. */
  drawColumns(ctx, view, width, floor, height) {
    const perColumn = 1 / view.scale;
    const level = this.levelFor(perColumn);
    const [most, least] = [new Float32Array(width), new Float32Array(width)];
    for (let x = 0; x < width; x++) {
      const from = Math.max(0, Math.floor((view.start + x * perColumn) / level.size));
      const to = Math.min(level.most.length - 1, Math.floor((view.start + (x + 1) * perColumn) / level.size));
      let [low, high] = [FULL, 0];
      for (let i = from; i <= to; i++) {
        if (level.most[i] > high) high = level.most[i];
        if (level.least[i] < low) low = level.least[i];
      }
      most[x] = (high / FULL) * height;
      least[x] = (Math.min(low, high) / FULL) * height;
    }
    const fill = (alpha, heights) => {
      ctx.globalAlpha = alpha;
      for (let x = 0; x < width; x++) if (heights[x] > LEAST_HEIGHT) ctx.fillRect(x, floor - heights[x], 1, heights[x]);
    };
    fill(STRENGTH.most, most);
    fill(STRENGTH.least, least);
    ctx.globalAlpha = STRENGTH.edge;
    ctx.fillRect(0, floor - 0.6, width, 0.6);
    for (let x = 1; x < width; x++) {
      // from each column to the next: one line along all of them
      const top = Math.max(most[x - 1], most[x]);
      if (top > LEAST_HEIGHT) ctx.fillRect(x, floor - top, 1, Math.max(1, Math.abs(most[x] - most[x - 1])));
    }
  }
}

/** The curves of all classes from what the server sends: uint16, little end first as in every browser's machine. */
export function readCurves(bytes, numClasses, numFrames) {
  const scores = new Uint16Array(bytes);
  return Array.from({ length: numClasses }, (_, k) => new Curve(scores.subarray(k * numFrames, (k + 1) * numFrames)));
}
