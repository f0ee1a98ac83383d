// The lanes of the timeline: a row of true events for each class, and below it one for each model.

import { FONT, cleared, fillBlock, sizeCanvas } from "./canvas.js";
import { el } from "./dom.js";
import { drawShape } from "./shapes.js";
import { GUTTER } from "./view.js";

const TRUTH_HEIGHT = 20; // px; more where no model's row follows
const LONE_TRUTH_HEIGHT = 34;
const SMALL = 850; // px of a window in which the frame needs its room too
const MANY = 5; // classes, beyond which each gets little room, and in a small window beyond two
const LOW = { truth: 12, model: 20, gap: 1 };
const GAP = 5; // between classes
const ABOVE = 9; // px over a score of 1
const REACH = 7; // px within which a click means a mark

export class Lanes {
  /** `scene` gives session, events, verdicts, curves ([model][class], or null), settings, selected, colour(). */
  constructor(scene, view) {
    Object.assign(this, { scene, view });
    this.base = el("canvas.base");
    this.over = el("canvas.over");
    this.element = el("div.lanes", this.base, this.over);
    this.layOut();
  }

  layOut() {
    const { classes, models } = this.scene.session;
    const rows = classes.length * models.length;
    const small = innerHeight < SMALL;
    const [few, some] = small ? [34, 24] : [60, 48];
    const low = classes.length > (small && models.length ? 2 : MANY);
    const height = rows <= 2 ? few : rows <= 4 ? some : low ? LOW.model : rows <= 8 ? 34 : 28;
    const gap = low ? LOW.gap : GAP;
    const lone = small && classes.length > 2 ? 18 : LONE_TRUTH_HEIGHT;
    const truthHeight = low ? LOW.truth : models.length ? TRUTH_HEIGHT : lone;
    this.rows = [];
    let y = 0;
    classes.forEach(({ name, colour }, label) => {
      const top = y;
      const truth = { kind: "truth", name, colour, label, y, height: truthHeight };
      this.rows.push(truth);
      y += truth.height;
      models.forEach((_, model) => {
        this.rows.push({ kind: "model", name, colour, label, model, y, height });
        y += height;
      });
      truth.whole = y - top;
      y += gap;
    });
    this.height = y - gap;
    this.element.style.height = `${this.height}px`;
  }

  resize(width) {
    for (const canvas of [this.base, this.over]) sizeCanvas(canvas, width, this.height);
  }

  drawBase(colours, ticks) {
    this.colours = colours;
    const ctx = cleared(this.base);
    for (const row of this.rows) this.drawGround(ctx, row);
    ctx.save();
    ctx.beginPath();
    ctx.rect(GUTTER, 0, this.view.width - GUTTER, this.height);
    ctx.clip();
    for (const frame of ticks) fillBlock(ctx, colours.line, Math.round(this.view.x(frame)), 0, 1, this.height);
    const { truth, model = [] } = Object.groupBy(this.rows, ({ kind }) => kind);
    for (const row of model) this.drawCurve(ctx, row);
    for (const row of truth) this.drawTruth(ctx, row);
    for (const row of model) this.drawGuesses(ctx, row);
    ctx.restore();
  }

  drawGround(ctx, row) {
    const { lane, ink, muted } = this.colours;
    fillBlock(ctx, lane, GUTTER, row.y, this.view.width - GUTTER, row.height);
    const middle = this.middleOf(row);
    if (row.kind === "truth") {
      fillBlock(ctx, row.colour, 0, row.y + 2, 4, row.whole - 4);
      ctx.fillStyle = ink;
      ctx.font = `600 ${FONT}`;
      ctx.fillText(row.name, 12, middle, GUTTER - 18);
      ctx.font = FONT;
    } else {
      const active = row.model === this.scene.settings.model && this.scene.session.models.length > 1;
      ctx.fillStyle = active ? ink : muted;
      ctx.fillText((active ? "▸ " : "") + this.scene.session.models[row.model].name, 12, middle, GUTTER - 18);
    }
  }

  drawCurve(ctx, row) {
    const curve = this.scene.curves[row.model]?.[row.label];
    const [floor, height] = [row.y + row.height - 1, row.height - ABOVE];
    if (curve) {
      ctx.save();
      ctx.translate(GUTTER, 0);
      curve.draw(ctx, this.view, this.view.width - GUTTER, floor, height, row.colour);
      ctx.restore();
    }
    const threshold = Math.round(this.heightOf(row, this.scene.settings.levelOf(row.model, row.label))) + 0.5;
    ctx.strokeStyle = this.colours.muted;
    ctx.lineWidth = 1;
    ctx.globalAlpha = 0.7;
    ctx.setLineDash([3, 4]);
    ctx.beginPath();
    ctx.moveTo(GUTTER, threshold);
    ctx.lineTo(this.view.width, threshold);
    ctx.stroke();
    ctx.setLineDash([]);
    ctx.globalAlpha = 1;
  }

  /** The height at which a score lies in a model's row. */
  heightOf(row, score) {
    return row.y + row.height - 1 - Math.max(0, Math.min(1, score)) * (row.height - ABOVE);
  }

  drawTruth(ctx, row) {
    const { ink, lane } = this.colours;
    const { verdicts, settings, session } = this.scene;
    const y = this.middleOf(row);
    const others =
      session.models.length > 1 ? this.rows.filter((r) => r.kind === "model" && r.label === row.label) : [];
    const apart = once();
    for (const event of this.view.among(this.scene.events)) {
      if (event.label !== row.name) continue;
      const x = this.view.x(event.frame);
      if (!apart(verdicts.models.map((_, model) => verdicts.kindOf(event, model)).join(), x, 0)) continue;
      fillBlock(ctx, ink, Math.round(x - 0.5), y, 1, row.y + row.whole - y, 0.4);
      drawShape(ctx, others.length ? "label" : verdicts.kindOf(event, settings.model), x, y, ink, lane);
      for (const other of others) {
        if (verdicts.kindOf(event, other.model) === "missed") drawShape(ctx, "missed", x, other.y + 7, ink, lane, 0.8);
      }
    }
  }

  middleOf(row) {
    return row.y + row.height / 2 + 1;
  }

  /** The predictions of a model, the wrong ones above the right ones. */
  drawGuesses(ctx, row) {
    const guesses = this.view.among(this.guessesOf(row)).filter((guess) => guess.label === row.name);
    const isWrong = ({ kind }) => kind !== "right";
    const apart = once();
    for (const guess of guesses.toSorted((a, b) => isWrong(a) - isWrong(b))) {
      const [x, y] = [this.view.x(guess.frame), this.heightOf(row, guess.score)];
      if (apart(guess.kind, x, y)) drawShape(ctx, guess.kind, x, y, row.colour, this.colours.lane);
    }
  }

  guessesOf(row) {
    return this.scene.verdicts.guesses(row.model);
  }

  /** What moves more often: the current frame, and what is selected. */
  drawOver(frame) {
    const ctx = cleared(this.over);
    const { ink, accent } = this.colours;
    const x = this.view.x(frame);
    ctx.beginPath();
    ctx.rect(GUTTER - 2, 0, this.view.width, this.height);
    ctx.clip();
    this.drawStretch(ctx);
    const mark = this.placeOf(this.scene.selected);
    if (mark) {
      ctx.strokeStyle = accent;
      ctx.lineWidth = 2.5;
      ctx.beginPath();
      ctx.arc(mark.x, mark.y, 10, 0, 2 * Math.PI);
      ctx.stroke();
    }
    const { scale } = this.view;
    if (scale > 4) fillBlock(ctx, ink, x - scale / 2, 0, scale, this.height, 0.12);
    fillBlock(ctx, accent, Math.round(x) - 1, 0, 2, this.height);
  }

  /** The stretch that is marked: what is beside it is dimmed. */
  drawStretch(ctx) {
    const { stretch } = this.scene;
    if (!stretch) return;
    const half = this.view.scale / 2;
    const [left, right] = [this.view.x(stretch[0]) - half, this.view.x(stretch[1]) + half];
    const { panel, accent } = this.colours;
    fillBlock(ctx, panel, GUTTER, 0, left - GUTTER, this.height, 0.6);
    fillBlock(ctx, panel, right, 0, this.view.width - right, this.height, 0.6);
    for (const x of [left, right - 1]) fillBlock(ctx, accent, x, 0, 1, this.height);
  }

  /** Where the mark of {event} or {guess, model} is; null where there is none. */
  placeOf(selected) {
    if (!selected || selected.mark) return null;
    const { event, guess, model } = selected;
    const { label, frame } = event ?? guess;
    const row = this.rows.find((r) => r.name === label && (event ? r.kind === "truth" : r.model === model));
    if (!row) return null;
    return { x: this.view.x(frame), y: event ? this.middleOf(row) : this.heightOf(row, guess.score) };
  }

  rowAt(y) {
    return this.rows.find((row) => y >= row.y && y < row.y + row.height) ?? null;
  }

  /** The mark nearest to a point, if one is within reach: {event} or {guess, model}; else null. */
  hit(x, y) {
    const row = this.rowAt(y);
    if (!row) return null;
    let [best, least] = [null, REACH];
    for (const item of this.view.among(row.kind === "truth" ? this.scene.events : this.guessesOf(row))) {
      if (item.label !== row.name) continue;
      const up = row.kind === "truth" ? 0 : y - this.heightOf(row, item.score);
      const away = Math.hypot(x - this.view.x(item.frame), up);
      if (away <= least) [best, least] = [item, away];
    }
    if (!best) return null;
    return row.kind === "truth" ? { event: best } : { guess: best, model: row.model };
  }
}

/** Tells for each mark whether it is the first of its kind on that place: many of a whole half hide each other. */
function once() {
  const drawn = new Set();
  return (kind, x, y) => {
    const place = `${kind} ${Math.round(x / 2)} ${Math.round(y / 2)}`;
    return !drawn.has(place) && drawn.add(place);
  };
}
