// What is right and wrong: predictions held against the labels as they are on this page, by the server's matching.

import { Latest, sendJson } from "./api.js";

/** Dispatches "change" when there are new ones. */
export class Verdicts extends EventTarget {
  constructor(index, session, settings) {
    super();
    Object.assign(this, { index, session, settings });
    this.models = session.models.map(() => null); // {guesses, left: not rejected, finder: Map(event -> guess), f1}
    this.rejected = []; // marks of the labels
    this.alone = session.split === null ? "proposed" : "false"; // what a prediction is to which no event is near
    this.classOf = new Map(session.classes.map(({ name }, i) => [name, i]));
    this.matching = new Latest((events) => this.match(events));
  }

  /** Have them made for these true events, what was rejected, and the settings of this moment. */
  update(events, rejected) {
    this.rejected = rejected;
    for (const verdict of this.models) if (verdict) verdict.left = this.leave(verdict.guesses);
    if (this.models.length) this.matching.call(events);
    else this.dispatchEvent(new Event("change"));
  }

  async match(events) {
    const truth = { frames: events.map((e) => e.frame), labels: events.map((e) => this.classOf.get(e.label)) };
    const answer = await sendJson("POST", `/api/videos/${this.index}/marks?${this.settings.query()}`, truth);
    this.models = answer.map((columns) => this.unfold(columns, events));
    this.dispatchEvent(new Event("change"));
  }

  unfold(columns, events) {
    const finder = new Map();
    const guesses = columns.frame.map((frame, i) => {
      const [right, confused] = [events[columns.partner[i]], events[columns.confused[i]]];
      const guess = {
        frame,
        label: this.session.classes[columns.label[i]].name,
        score: columns.score[i],
        right: columns.right[i], // probability of the right side, null where it is not known
        kind: right ? "right" : confused ? "confused" : this.alone,
        event: right ?? confused ?? null,
      };
      if (guess.event) finder.set(guess.event, guess);
      return guess;
    });
    return { guesses, left: this.leave(guesses), finder, f1: columns.f1 };
  }

  /** Of some predictions those that were not rejected: wrong ones within the tolerance of a refusal of their class. */
  leave(guesses) {
    const { rejected, settings } = this;
    const refused = (guess) =>
      rejected.some(({ frame, label }) => label === guess.label && Math.abs(frame - guess.frame) <= settings.tolerance);
    return rejected.length ? guesses.filter((guess) => guess.kind === "right" || !refused(guess)) : guesses;
  }

  /** The predictions of a model that count, by frame. */
  guesses(model) {
    return this.models[model]?.left ?? [];
  }

  /** What a true event is to a model: "found", "missed", or "label" where nothing is known yet. */
  kindOf(event, model) {
    const verdict = this.models[model];
    if (!verdict) return "label";
    if (this.session.split === null && !verdict.finder.has(event)) return "label"; // nobody has missed it
    return verdict.finder.get(event)?.kind === "right" ? "found" : "missed";
  }

  /**
   * Everything that happens in the video by frame, to one model: [{kind: found, missed, confused, false, proposed,
   * rejected or label, frame, event, guess, mark}], of which a found or confused event and the prediction that belongs
   * to it are one.
   */
  rows(events, model) {
    const verdict = this.models[model];
    const left = new Set(verdict?.left);
    const rows = events.map((event) => {
      const finder = verdict?.finder.get(event);
      const guess = left.has(finder) ? finder : null;
      const none = this.session.split === null ? "label" : "missed"; // what is labelled by hand nobody has missed
      const kind = !verdict ? "label" : !guess ? none : guess.kind === "right" ? "found" : "confused";
      return { kind, frame: event.frame, label: event.label, event, guess };
    });
    const known = new Set(events);
    for (const guess of left) {
      if (guess.event && known.has(guess.event)) continue;
      rows.push({ kind: this.alone, frame: guess.frame, label: guess.label, event: null, guess });
    }
    for (const mark of this.rejected) {
      rows.push({ kind: "rejected", frame: mark.frame, label: mark.label, event: null, guess: null, mark });
    }
    return rows.sort((a, b) => a.frame - b.frame);
  }
}

/** The likelier side of a prediction; null where it has none. */
export const sideOf = ({ right }) => (right === null ? null : right > 0.5 ? "right" : "left");

/** Whether a row needs a look: the events that a model does not see as the labels do. */
export const isError = (row) => !["found", "label", "rejected"].includes(row.kind);
