// The square that a model sees: frames are wider, and what is beside it no model that was trained so can find.

import { button } from "./dom.js";
import { keep, kept } from "./kept.js";

const KEPT = "viewer.crop"; // under which the browser keeps whether it is drawn

export class Crop {
  /** `scene` gives session, settings, video; `changed()` is called when it is to be drawn or not. */
  constructor(scene, changed) {
    Object.assign(this, { scene, changed });
    this.drawn = kept(KEPT) !== false;
    const title = "the square in the middle of the frame that this model sees: draw it, or not";
    this.button = button("", title, () => this.flip(), { class: "crop" });
    this.update();
  }

  flip() {
    this.drawn = !this.drawn;
    keep(KEPT, this.drawn);
    this.update();
    this.changed();
  }

  /** Pixels of an extracted frame that the model's square has; null where it sees all of it. */
  get side() {
    const { session, settings } = this.scene;
    return session.models[settings.model]?.crop ?? null;
  }

  update() {
    this.button.hidden = this.side === null || (this.scene.video.from_file && !this.scene.video.size);
    this.button.textContent = `model sees ${this.side} × ${this.side}`;
    this.button.setAttribute("aria-pressed", this.drawn);
  }

  /** Darken what is outside of it; `shown` is where the picture lies on the canvas. */
  draw(ctx, picture, { left, top, w, h }) {
    if (this.button.hidden || !this.drawn) return;
    const [width, height] = this.scene.video.size ?? [picture.width, picture.height];
    const [across, down] = [Math.min(1, this.side / width) * w, Math.min(1, this.side / height) * h];
    const [x, y] = [left + (w - across) / 2, top + (h - down) / 2];
    ctx.fillStyle = "rgb(0 0 0 / 45%)";
    ctx.beginPath();
    ctx.rect(left, top, w, h);
    ctx.rect(x, y, across, down);
    ctx.fill("evenodd");
    ctx.strokeStyle = "#fff";
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
    ctx.strokeRect(x, y, across, down);
    ctx.setLineDash([]);
  }
}
