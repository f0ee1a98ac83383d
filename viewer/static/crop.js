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

  /** The square's side in pixels, and the lines of such a frame, null for those of the picture; null: it sees all. */
  get square() {
    const { session, settings, verdicts } = this.scene;
    return session.models[settings.model]?.squares[verdicts.index] ?? null;
  }

  update() {
    const [side, lines] = this.square ?? [];
    this.button.hidden = this.square === null;
    this.button.textContent = `model sees ${side} × ${side}` + (lines ? ` of ${lines} lines` : "");
    this.button.setAttribute("aria-pressed", this.drawn);
  }

  /** Darken what is outside of it; `shown` is where the picture lies on the canvas. */
  draw(ctx, picture, { left, top, w, h }) {
    if (this.button.hidden || !this.drawn) return;
    const [side, lines] = this.square;
    const length = (side / (lines ?? picture.height)) * h;
    const [across, down] = [Math.min(length, w), Math.min(length, h)];
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
