// The whole video in one narrow line, with the part that the timeline shows framed; dragging moves that part.

import { cleared, sizeCanvas } from "./canvas.js";
import { el } from "./dom.js";
import { GUTTER } from "./view.js";

const HEIGHT = 26; // px

export class Strip {
  /** `moved` is called when the view was. */
  constructor(scene, view, moved) {
    Object.assign(this, { scene, view, moved });
    this.base = el("canvas");
    this.over = el("canvas.over");
    this.element = el(
      "div.strip",
      { title: "the whole video; drag to move what is shown above" },
      this.base,
      this.over,
    );
    this.listen();
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
    ctx.fillStyle = colours.lane;
    ctx.fillRect(GUTTER, 0, this.view.width - GUTTER, HEIGHT);
    const colourOf = new Map(this.scene.session.classes.map(({ name, colour }) => [name, colour]));
    for (const event of this.scene.events) {
      ctx.fillStyle = colourOf.get(event.label);
      ctx.fillRect(this.x(event.frame) - 0.75, 3, 1.5, 11);
    }
    ctx.fillStyle = colours.ink;
    for (const row of errors) ctx.fillRect(this.x(row.frame) - 0.75, 17, 1.5, 6);
    ctx.fillStyle = colours.good; // what is labelled, where not all is
    for (const { frame, last } of this.scene.labelled) {
      ctx.fillRect(this.x(frame), HEIGHT - 3, Math.max(1, this.x(last) - this.x(frame)), 3);
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
      ctx.globalAlpha = 0.55;
      ctx.fillStyle = this.colours.panel;
      ctx.fillRect(GUTTER, 0, left - GUTTER, HEIGHT);
      ctx.fillRect(left + wide, 0, width - left - wide, HEIGHT);
      ctx.globalAlpha = 1;
    }
    ctx.strokeStyle = this.colours.muted;
    ctx.lineWidth = 1.5;
    ctx.strokeRect(left + 0.75, 0.75, wide - 1.5, HEIGHT - 1.5);
    ctx.fillStyle = this.colours.accent;
    ctx.fillRect(this.x(frame) - 1, 0, 2, HEIGHT);
  }

  listen() {
    this.over.addEventListener("pointerdown", (down) => {
      if (down.button) return;
      this.over.setPointerCapture(down.pointerId);
      const centre = (event) => {
        const share = (event.offsetX - GUTTER) / (this.view.width - GUTTER);
        this.view.show(share * this.view.total - this.view.span / 2, this.view.span);
        this.moved();
      };
      centre(down);
      this.over.onpointermove = centre;
      this.over.onlostpointercapture = () => (this.over.onpointermove = null);
    });
  }
}
