// Which part of a video the timeline shows, and where on the screen a frame of it lies.

export const GUTTER = 112; // px at the left, for names
const LEAST_SPAN = 16; // frames

export class View {
  constructor(numFrames) {
    this.total = numFrames;
    this.start = 0; // the first frame that is shown; may lie between two
    this.span = numFrames;
    this.width = 0; // px, with the gutter
  }

  /** Pixels for each frame. */
  get scale() {
    return Math.max(1, this.width - GUTTER) / this.span;
  }

  /** Where the middle of a frame is. */
  x(frame) {
    return GUTTER + (frame + 0.5 - this.start) * this.scale;
  }

  frameAt(x) {
    return Math.max(0, Math.min(this.total - 1, Math.floor(this.start + (x - GUTTER) / this.scale)));
  }

  /** So many frames, or as many as the timeline can show. */
  within(span) {
    return Math.max(Math.min(LEAST_SPAN, this.total), Math.min(this.total, span));
  }

  /** Show `span` frames from `start` on, as far as the video goes. */
  show(start, span) {
    this.span = this.within(span);
    this.start = Math.max(0, Math.min(this.total - this.span, start));
  }

  /** Show `factor` times as many frames, with that at x where it is. */
  zoom(factor, x) {
    const at = this.start + (x - GUTTER) / this.scale;
    const span = this.within(this.span * factor);
    this.show(at - (at - this.start) * (span / this.span), span);
  }

  /** Show a frame, moving no more than it takes; whether anything was moved. */
  reveal(frame) {
    const margin = this.span * 0.04;
    if (frame < this.start + margin && this.start > 0) this.show(frame - this.span * 0.3, this.span);
    else if (frame > this.start + this.span - margin && this.start + this.span < this.total) {
      this.show(frame - this.span * 0.15, this.span);
    } else return false;
    return true;
  }

  /** Those of a list by frame that are shown, with what the edges cut. */
  among(items) {
    const reach = 10 / this.scale;
    return items.slice(below(items, this.start - reach), below(items, this.start + this.span + reach));
  }
}

/** How many items of a list by frame, or by another measure, come before one. */
export function below(items, limit, measure = ({ frame }) => frame) {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (measure(items[middle]) < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
