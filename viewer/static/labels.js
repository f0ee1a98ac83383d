// The labels of a video: edited here, saved at once, and kept in step with what other pages do to them.

import { Latest, getJson, sendJson } from "./api.js";
import { plural } from "./format.js";

const POLL = 1000; // ms between looks for changes by another page
const RETRY = 2000; // ms after a save that found no server

/**
 * The labels of a video are marks: events; what was proposed and is "rejected"; and stretches that are "labelled",
 * {kind, frame, last}. Without any such stretch all of the video counts as labelled.
 */
const EVENT = "event";
const REJECTED = "rejected";
const LABELLED = "labelled";

/** What makes two marks the same one. Where it stood in its file does not. */
export const nameOf = (mark) => JSON.stringify([mark.kind, mark.frame, mark.last, mark.label, mark.keys]);

export const newEvent = (frame, label, keys = {}) => Object.freeze({ kind: EVENT, frame, label, keys, at: null });

export const newRejected = (frame, label) => Object.freeze({ ...newEvent(frame, label), kind: REJECTED });

export const newLabelled = (first, last) => Object.freeze({ kind: LABELLED, frame: first, last });

/** Those of `events` that are not among `others`, each of which stands for one. */
function without(events, others) {
  const count = new Map();
  for (const event of others) count.set(nameOf(event), (count.get(nameOf(event)) ?? 0) + 1);
  return events.filter((event) => {
    const left = count.get(nameOf(event)) ?? 0;
    if (left) count.set(nameOf(event), left - 1);
    return !left;
  });
}

const inOrder = (events) => [...events].sort((a, b) => a.frame - b.frame);

/** The marks of an answer of the server, and the other way round. */
const marksOf = ({ events, rejected, labelled }) => [
  ...events.map((event) => ({ kind: EVENT, ...event })),
  ...rejected.map((event) => ({ kind: REJECTED, ...event })),
  ...(labelled ?? []).map(([first, last]) => newLabelled(first, last)),
];
const toJson = ({ events, rejected, labelled }) => {
  const ranges = labelled.map(({ frame, last }) => [frame, last]);
  return { events, rejected, labelled: ranges.length ? ranges : null };
};

/**
 * Dispatches "change" when the events are others, "status" when they were saved or could not be, and "elsewhere", with
 * `detail` in words, when another page changed them.
 */
export class Labels extends EventTarget {
  constructor(index) {
    super();
    this.address = `/api/videos/${index}/labels`;
    this.marks = []; // as they are on this page, by frame
    this.saved = []; // as they are in the file, at `revision`
    this.revision = null; // null until they were read
    this.source = "none";
    this.file = "";
    this.savedAt = null; // when this page last did
    this.problem = ""; // why they cannot be read or saved
    this.undone = [];
    this.done = []; // [{remove, add, does, goOn}]
    this.split(); // into events, rejected, labelled
    this.saving = new Latest(() => this.save());
    this.watching = null;
  }

  split() {
    const of = (kind) => this.marks.filter((mark) => mark.kind === kind);
    Object.assign(this, { events: of(EVENT), rejected: of(REJECTED), labelled: of(LABELLED) });
  }

  get pending() {
    const { marks, saved } = this;
    return this.revision !== null && (without(marks, saved).length > 0 || without(saved, marks).length > 0);
  }

  /**
   * Take marks out and put others in, as one step that can be undone; `does` says it in words. With `goOn`, a step
   * that only moves on what the last one moved becomes one with it.
   */
  edit(remove, add, does, goOn = false) {
    const last = this.done.at(-1);
    if (goOn && last?.goOn && nameOf(last.add[0]) === nameOf(remove[0])) last.add = add;
    else this.done.push({ remove, add, does, goOn });
    this.undone = [];
    this.apply(remove, add);
  }

  undo() {
    const step = this.done.pop();
    if (!step) return null;
    this.undone.push(step);
    this.apply(step.add, step.remove);
    return step;
  }

  redo() {
    const step = this.undone.pop();
    if (!step) return null;
    this.done.push(step);
    this.apply(step.remove, step.add);
    return step;
  }

  apply(remove, add) {
    const left = without(this.marks, remove);
    this.put([...left, ...without(add, left)]);
    this.saving.call();
  }

  /** Make these the marks of this page; one that was here before stays the same object. */
  put(marks) {
    const known = new Map(this.marks.map((mark) => [nameOf(mark), mark]));
    this.marks = inOrder(marks.map((mark) => known.get(nameOf(mark)) ?? Object.freeze(mark)));
    this.split();
    this.dispatchEvent(new Event("change"));
  }

  /** Write what is not in the file yet. Where another page was faster, first join its changes with ours. */
  async save() {
    while (this.pending) {
      const { marks } = this;
      this.report("");
      try {
        const { revision } = await sendJson("PUT", this.address, { revision: this.revision, ...toJson(this) });
        Object.assign(this, { revision, saved: marks, source: "file", savedAt: new Date() });
      } catch (error) {
        if (error.status === 409) await this.read().catch((again) => this.report(again.message));
        else this.report(error.message);
        if (this.problem) {
          setTimeout(() => this.saving.call(), RETRY);
          return;
        }
      }
    }
    this.report("");
  }

  report(problem) {
    this.problem = problem;
    this.dispatchEvent(new Event("status"));
  }

  /** Read the file, and join it with what this page has changed since it last did: nobody's work is lost. */
  async read() {
    const state = await getJson(this.address);
    const theirs = marksOf(state);
    const first = this.revision === null;
    const [added, removed] = [without(this.marks, this.saved), without(this.saved, this.marks)];
    const came = without(theirs, this.saved);
    const went = without(this.saved, theirs);
    const both = without(removed, theirs); // taken out or moved on both pages
    const kept = without(theirs, removed);
    Object.assign(this, { revision: state.revision, saved: theirs, source: state.source, file: state.file });
    this.put([...kept, ...without(added, kept)]);
    this.report("");
    if (first || (!came.length && !went.length)) return;
    const parts = [
      came.length && `${plural(came.length, "label")} came`,
      went.length && `${plural(went.length, "label")} went`,
    ];
    let words = `Labels changed elsewhere: ${parts.filter(Boolean).join(", ")}`;
    if (both.length && added.length && came.length) {
      words += `. One was changed here too, and both are kept: look at ${frames([...came, ...added])}`;
    }
    this.dispatchEvent(new CustomEvent("elsewhere", { detail: words }));
  }

  /** Look every second whether another page has changed the file. */
  watch() {
    clearInterval(this.watching);
    this.watching = setInterval(() => this.look(), POLL);
    this.look();
  }

  async look() {
    if (this.saving.busy || this.looking) return;
    this.looking = true;
    try {
      const first = this.revision === null;
      const { revision } = first ? {} : await getJson(this.address.replace(/labels$/, "revision"));
      if (revision !== this.revision && !this.saving.busy) {
        await this.read();
        this.saving.call();
      } else if (this.problem && !this.pending) this.report("");
    } catch (error) {
      this.report(error.message);
    } finally {
      this.looking = false;
    }
  }

  unwatch() {
    clearInterval(this.watching);
  }
}

const frames = (events) => `frame ${[...new Set(events.map((event) => event.frame))].slice(0, 6).join(", ")}`;
