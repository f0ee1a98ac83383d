// Where the sliders stand, for all pages; "change" is dispatched when one moves.

import { spanOf } from "./spans.js";

export class Settings extends EventTarget {
  constructor(session) {
    super();
    this.defaults = {
      thresholds: session.models.map((model) => model.threshold),
      window: session.defaults[session.defaults.soft ? "soft_window" : "window"], // as of `spanOf`
      soft: session.defaults.soft, // 1: the window is that of soft NMS
      tolerance: session.defaults.tolerance,
      model: 0,
      truth: session.split ? "split" : "labels",
    };
    this.levels = session.models.map((model) => model.levels);
    this.names = session.classes.map(({ name }) => name);
    Object.assign(this, structuredClone(this.defaults));
  }

  /** The threshold of a class: one of its own goes along with the slider, by as much in the logarithm of odds. */
  levelOf(model, label) {
    const [now, first, own] = [this.thresholds[model], this.defaults.thresholds[model], this.levels[model][label]];
    if (own === first) return now;
    if (now === first) return own;
    const odds = (score) => Math.log(score / (1 - score));
    const inside = (score) => Math.min(Math.max(score, 1e-9), 1 - 1e-9);
    return 1 / (1 + Math.exp(-(odds(inside(own)) + odds(inside(now)) - odds(inside(first)))));
  }

  /** A model's threshold in words, with those that classes have for themselves. */
  above(model) {
    const levels = this.names.map((name, label) => [name, this.levelOf(model, label)]);
    const own = levels.filter(([, level]) => level !== this.thresholds[model]);
    const named = own.map(([name, level]) => `${name} ${level.toFixed(3)}`).join(", ");
    return this.thresholds[model].toFixed(3) + (named && ` (${named})`);
  }

  /** Change some of: window, soft, tolerance, model, truth, and one model's threshold as {threshold, of}. */
  set({ threshold, of, ...rest }) {
    if (threshold !== undefined) this.thresholds[of] = threshold;
    Object.assign(this, rest);
    this.dispatchEvent(new Event("change"));
  }

  /** As the server takes them. */
  query() {
    const { window, soft, tolerance, truth } = this;
    const query = new URLSearchParams({ window, soft, tolerance, truth });
    for (const threshold of this.thresholds) query.append("threshold", threshold);
    return query;
  }

  /** What of them a shared address must tell: those that are not as they were at first. */
  differing() {
    const stated = {};
    const { thresholds, ...rest } = this.defaults;
    if (thresholds.some((value, i) => value !== this.thresholds[i])) stated.threshold = this.thresholds.join(",");
    for (const [key, value] of Object.entries(rest)) if (this[key] !== value) stated[key] = this[key];
    return stated;
  }

  /** Take what an address tells; what is no sound value is left as it is at first. */
  take(stated) {
    const before = JSON.stringify(this.differing());
    Object.assign(this, structuredClone(this.defaults));
    const thresholds = (stated.get("threshold") ?? "").split(",").map(Number);
    if (stated.get("threshold") && thresholds.length === this.thresholds.length && thresholds.every(Number.isFinite)) {
      this.thresholds = thresholds;
    }
    this.window = spanOf(stated.get("window") ?? "") ?? this.window;
    const limits = { soft: 1, tolerance: 1000, model: this.thresholds.length - 1 };
    for (const [key, most] of Object.entries(limits)) {
      const value = stated.get(key);
      if (value !== null && /^\d{1,4}$/.test(value) && Number(value) <= most) this[key] = Number(value);
    }
    if (["split", "labels"].includes(stated.get("truth")) && this.defaults.truth === "split")
      this.truth = stated.get("truth");
    if (JSON.stringify(this.differing()) !== before) this.dispatchEvent(new Event("change"));
  }
}
