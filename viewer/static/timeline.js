// The timeline: ruler, lanes and the whole video below. The wheel zooms about the pointer, dragging moves, a click goes
// to a frame or picks a mark.

import { cleared, fillBlock, onDrag, sizeCanvas } from "./canvas.js";
import { el } from "./dom.js";
import { time } from "./format.js";
import { Lanes } from "./lanes.js";
import { Strip } from "./strip.js";
import { isError } from "./verdicts.js";
import { GUTTER, View } from "./view.js";

const RULER = 22; // px
const STEPS = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000]; // frames
const COLOURS = ["panel", "lane", "line", "ink", "muted", "accent", "good"];

/** Dispatches "seek" ({detail: frame}) and "pick" ({detail: {event} or {guess, model}}) for what is clicked. */
export class Timeline extends EventTarget {
  /** `scene`: as Lanes takes it, and video, rows. */
  constructor(scene) {
    super();
    this.scene = scene;
    this.frame = 0;
    this.view = new View(scene.video.num_frames);
    this.lanes = new Lanes(scene, this.view);
    this.strip = new Strip(scene, this.view, () => this.invalidate());
    this.ruler = el("canvas.ruler");
    this.tip = el("div.tip", { hidden: true });
    this.scroll = el("div.scroll", this.lanes.element);
    this.element = el("div.timeline", this.ruler, this.scroll, this.strip.element, this.tip);
    this.stale = { base: true, over: true };
    this.drawings = 0; // of the lanes, so far
    this.resizing = new ResizeObserver(() => this.resize());
    this.resizing.observe(this.scroll);
    this.listen();
    this.loop();
  }

  resize() {
    const width = this.scroll.clientWidth;
    this.view.width = width;
    sizeCanvas(this.ruler, width, RULER);
    this.lanes.resize(width);
    this.strip.resize(width);
    this.invalidate();
  }

  /** Have all drawn again, or only what is "over" the lanes, with the next picture of the screen. */
  invalidate(what = "base") {
    this.stale[what] = this.stale.over = true;
  }

  loop() {
    this.ticking = requestAnimationFrame(() => this.loop());
    if (!this.view.width || !this.stale.over) return;
    if (this.stale.base) {
      this.colours = Object.fromEntries(COLOURS.map((name) => [name, this.scene.colour(name)]));
      const ticks = this.ticks();
      this.drawRuler(ticks);
      this.lanes.drawBase(this.colours, ticks);
      this.strip.drawBase(this.colours, this.scene.rows.filter(isError));
      this.drawings++;
    }
    this.lanes.drawOver(this.frame);
    this.strip.drawOver(this.frame);
    this.stale = { base: false, over: false };
  }

  /** Mark the current frame, and bring it into view. */
  setFrame(frame) {
    this.frame = frame;
    this.invalidate(this.view.reveal(frame) ? "base" : "over");
  }

  zoom(factor) {
    const { start, span } = this.view;
    const inside = this.frame >= start && this.frame < start + span;
    this.view.zoom(factor, inside ? this.view.x(this.frame) : (GUTTER + this.view.width) / 2);
    this.invalidate();
  }

  showAll() {
    this.view.show(0, this.view.total);
    this.invalidate();
  }

  /** Show a stretch, and as much again to either side. */
  showAround(first, last) {
    const span = last - first + 1;
    this.view.show(first - span, 3 * span);
    this.invalidate();
  }

  /** The frames that the ruler names. */
  ticks() {
    const { start, span, scale } = this.view;
    const step = STEPS.find((s) => s * scale >= 84) ?? STEPS.at(-1);
    const first = Math.ceil(start / step) * step;
    return Array.from({ length: Math.max(0, Math.ceil((start + span - first) / step)) }, (_, i) => first + i * step);
  }

  drawRuler(ticks) {
    const ctx = cleared(this.ruler);
    const { fps } = this.scene.video;
    const decimals = this.view.scale * (fps ?? 1) > 170 ? 2 : 0;
    for (const frame of ticks) {
      const x = Math.round(this.view.x(frame));
      fillBlock(ctx, this.colours.line, x, RULER - 7, 1, 7);
      ctx.fillStyle = this.colours.ink;
      ctx.fillText(String(frame), x + 4, 9);
      const { width } = ctx.measureText(String(frame));
      ctx.fillStyle = this.colours.muted;
      ctx.fillText(time(frame, this.scene.video, decimals), x + width + 10, 9);
    }
    for (const { frame, last } of this.scene.labelled) {
      const left = Math.max(GUTTER, this.view.x(frame - 0.5));
      fillBlock(ctx, this.colours.good, left, RULER - 3, Math.max(0, this.view.x(last + 0.5) - left), 3);
    }
    ctx.fillStyle = this.colours.muted;
    ctx.fillText(fps ? "frame, time" : "frame", 12, 9);
  }

  // The mouse

  place(event) {
    return event.clientX - this.element.getBoundingClientRect().left;
  }

  listen() {
    const { over } = this.lanes;
    const seek = (event) => this.seek(this.place(event));
    this.element.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    onDrag(this.ruler, (down) => {
      seek(down);
      return seek;
    });
    onDrag(over, (down) => this.grab(down));
    over.addEventListener("click", (event) => this.dragged || this.click(event));
    over.addEventListener("pointermove", (event) => this.hover(event));
    over.addEventListener("pointerleave", () => (this.tip.hidden = true));
  }

  seek(x) {
    this.dispatchEvent(new CustomEvent("seek", { detail: this.view.frameAt(x) }));
  }

  wheel(event) {
    event.preventDefault();
    const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    const sideways = event.shiftKey && !event.deltaX ? event.deltaY : event.deltaX;
    if (event.shiftKey || Math.abs(sideways) > Math.abs(event.deltaY)) {
      this.view.show(this.view.start + (sideways * unit) / this.view.scale, this.view.span);
    } else this.view.zoom(Math.exp(event.deltaY * unit * 0.0022), Math.max(GUTTER, this.place(event)));
    this.invalidate();
  }

  /** Drag the view, once the pointer has moved further than in a click. */
  grab(down) {
    const { start } = this.view;
    this.dragged = false;
    return ({ clientX }) => {
      const by = clientX - down.clientX;
      this.dragged ||= Math.abs(by) > 3;
      if (!this.dragged) return;
      this.view.show(start - by / this.view.scale, this.view.span);
      this.invalidate();
    };
  }

  click(event) {
    const x = this.place(event);
    const y = event.clientY - this.lanes.over.getBoundingClientRect().top;
    const row = this.lanes.rowAt(y);
    if (x < GUTTER) {
      if (row?.kind === "model") this.scene.settings.set({ model: row.model });
      return;
    }
    const mark = this.lanes.hit(x, y);
    if (mark) this.dispatchEvent(new CustomEvent("pick", { detail: mark }));
    else this.seek(x);
  }

  /** Tell frame, time and score under the pointer. */
  hover(event) {
    const x = this.place(event);
    const row = this.lanes.rowAt(event.offsetY);
    this.tip.hidden = x < GUTTER || !row || event.buttons > 0;
    if (this.tip.hidden) return;
    const frame = this.view.frameAt(x);
    const score = this.scene.curves[row.model]?.[row.label]?.at(frame);
    const scored = score === undefined ? "" : `${row.name} ${score.toFixed(3)}`;
    const parts = [`frame ${frame}`, time(frame, this.scene.video, 2), scored];
    this.tip.textContent = parts.filter(Boolean).join("  ·  ");
    const top = event.clientY - this.element.getBoundingClientRect().top;
    this.tip.style.left = `${Math.min(x + 14, this.view.width - this.tip.offsetWidth - 6)}px`;
    this.tip.style.top = `${Math.max(0, top - 32)}px`;
  }

  close() {
    cancelAnimationFrame(this.ticking);
    this.resizing.disconnect();
  }
}
