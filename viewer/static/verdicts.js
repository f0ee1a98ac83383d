// What is right and wrong: predictions held against the labels as they are on this page, by the server's matching.

import { Latest, sendJson } from "./api.js";
import { toast } from "./dom.js";

/** Dispatches "change" when there are new ones. */
export class Verdicts extends EventTarget {
  constructor(index, session, settings) {
    super();
    Object.assign(this, { index, session, settings });
    this.models = session.models.map(() => null); // {guesses, finder: Map(event -> guess), f1}
    this.alone = session.split === null ? "proposed" : "false"; // what a prediction is to which no event is near
    this.classOf = new Map(session.classes.map(({ name }, i) => [name, i]));
    this.asking = new Latest((events) => this.ask(events));
  }

  /** Have them made for these true events and the settings of this moment. */
  update(events) {
    if (this.models.length) this.asking.call(events);
    else this.dispatchEvent(new Event("change"));
  }

  async ask(events) {
    const truth = { frames: events.map((e) => e.frame), labels: events.map((e) => this.classOf.get(e.label)) };
    try {
      const told = await sendJson("POST", `/api/videos/${this.index}/marks?${this.settings.query()}`, truth);
      this.models = told.map((columns) => this.unfold(columns, events));
      this.dispatchEvent(new Event("change"));
    } catch (error) {
      toast(error.message, "bad");
    }
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
    return { guesses, finder, f1: columns.f1 };
  }

  /** What a true event is to a model: "found", "missed", or "label" where nothing is known yet. */
  kindOf(event, model) {
    const verdict = this.models[model];
    if (!verdict) return "label";
    return verdict.finder.get(event)?.kind === "right" ? "found" : "missed";
  }

  /**
   * Everything that happens in the video by frame, to one model: [{kind: found, missed, confused, false, proposed or
   * label, frame, event, guess}], of which a found or confused event and the prediction that belongs to it are one.
   */
  rows(events, model) {
    const verdict = this.models[model];
    const rows = events.map((event) => {
      const guess = verdict?.finder.get(event) ?? null;
      const kind = !verdict ? "label" : !guess ? "missed" : guess.kind === "right" ? "found" : "confused";
      return { kind, frame: event.frame, label: event.label, event, guess };
    });
    const known = new Set(events);
    for (const guess of verdict?.guesses ?? []) {
      if (guess.event && known.has(guess.event)) continue;
      rows.push({ kind: this.alone, frame: guess.frame, label: guess.label, event: null, guess });
    }
    return rows.sort((a, b) => a.frame - b.frame);
  }
}

/** Whether a row needs a look: the events that a model does not see as the labels do. */
export const isError = (row) => row.kind !== "found" && row.kind !== "label";
