// The whole video in one narrow line, with the part that the timeline shows framed; dragging moves that part.

import { cleared, fillBlock, onDrag, sizeCanvas } from "./canvas.js";
import { el } from "./dom.js";
import { GUTTER } from "./view.js";

const HEIGHT = 26; // px

export class Strip {
  /** `moved` is called when the view was. */
  constructor(scene, view, moved) {
    Object.assign(this, { scene, view, moved });
    this.base = el("canvas");
    this.over = el("canvas.over");
    const title = "the whole video; drag to move what is shown above";
    this.element = el("div.strip", { title }, this.base, this.over);
    onDrag(this.over, (down) => {
      this.centre(down);
      return (event) => this.centre(event);
    });
  }

  /** Have the timeline show what is about the pointer. */
  centre({ offsetX }) {
    const share = (offsetX - GUTTER) / (this.view.width - GUTTER);
    this.view.show(share * this.view.total - this.view.span / 2, this.view.span);
    this.moved();
  }

  resize(width) {
    for (const canvas of [this.base, this.over]) sizeCanvas(canvas, width, HEIGHT);
  }

  x(frame) {
    return GUTTER + ((frame + 0.5) / this.view.total) * (this.view.width - GUTTER);
  }

  /** A tick for each true event, above, and for each error of the model, below. */
  drawBase(colours, errors) {
    this.colours = colours;
    const ctx = cleared(this.base);
    fillBlock(ctx, colours.lane, GUTTER, 0, this.view.width - GUTTER, HEIGHT);
    const colourOf = new Map(this.scene.session.classes.map(({ name, colour }) => [name, colour]));
    for (const { frame, label } of this.scene.events) {
      fillBlock(ctx, colourOf.get(label), this.x(frame) - 0.75, 3, 1.5, 11);
    }
    for (const { frame } of errors) fillBlock(ctx, colours.ink, this.x(frame) - 0.75, 17, 1.5, 6);
    for (const { frame, last } of this.scene.labelled) {
      const left = this.x(frame); // what is labelled, where not all is
      fillBlock(ctx, colours.good, left, HEIGHT - 3, Math.max(1, this.x(last) - left), 3);
    }
    ctx.fillStyle = colours.muted;
    ctx.fillText("whole video", 12, HEIGHT / 2 + 1, GUTTER - 18);
  }

  drawOver(frame) {
    const ctx = cleared(this.over);
    const { start, span, total, width } = this.view;
    const scale = (width - GUTTER) / total;
    const [left, wide] = [GUTTER + start * scale, Math.max(3, span * scale)];
    if (span < total) {
      fillBlock(ctx, this.colours.panel, GUTTER, 0, left - GUTTER, HEIGHT, 0.55);
      fillBlock(ctx, this.colours.panel, left + wide, 0, width - left - wide, HEIGHT, 0.55);
    }
    ctx.strokeStyle = this.colours.muted;
    ctx.lineWidth = 1.5;
    ctx.strokeRect(left + 0.75, 0.75, wide - 1.5, HEIGHT - 1.5);
    fillBlock(ctx, this.colours.accent, this.x(frame) - 1, 0, 2, HEIGHT);
  }
}
