// What an annotator does to the event that is selected, or that lies on the current frame.

import { ask, toast } from "./dom.js";
import { plural } from "./format.js";
import { newEvent } from "./labels.js";

export class Labelling {
  /** `page` gives scene, labels, player, select(). */
  constructor(page) {
    this.page = page;
  }

  get scene() {
    return this.page.scene;
  }

  /** Whether labels can be changed now; if not, says why. */
  ready() {
    if (this.page.labels.revision !== null) return true;
    toast(this.page.labels.problem || "the labels are not read yet", "bad");
    return false;
  }

  /** The event that a command is about: one on the current frame, which is what one sees, or else the selected one. */
  target() {
    if (!this.ready()) return null;
    const { selected, events, frame } = this.scene;
    const here = events.filter((event) => event.frame === frame);
    if (here.length === 1 || here.includes(selected?.event))
      return here.includes(selected?.event) ? selected.event : here[0];
    if (!here.length && selected?.event) return selected.event;
    toast(
      here.length
        ? "several events on this frame: select one first"
        : "no event is selected, and none is on this frame",
    );
    return null;
  }

  /** Whether an event of that class is on that frame already; if so, says it. */
  taken(frame, label) {
    const there = this.scene.events.some((event) => event.frame === frame && event.label === label);
    if (there) toast(`${label} is on frame ${frame} already`);
    return there;
  }

  change(event, fields, does, goOn) {
    const next = Object.freeze({ ...event, ...fields });
    if (this.taken(next.frame, next.label)) return;
    this.page.labels.edit([event], [next], does, goOn);
    this.page.select({ event: next });
    this.page.player.seek(next.frame);
  }

  add(label) {
    const { frame } = this.scene;
    if (!this.ready() || this.taken(frame, label)) return;
    const event = newEvent(frame, label);
    this.page.labels.edit([], [event], `add ${label} on frame ${frame}`);
    this.page.select({ event });
  }

  relabel(label) {
    const event = this.target();
    if (event) this.change(event, { label }, `make ${event.label} on frame ${event.frame} a ${label}`);
  }

  move(by) {
    const event = this.target();
    if (!event) return;
    this.page.player.pause();
    const frame = Math.max(0, Math.min(this.scene.video.num_frames - 1, event.frame + by));
    if (frame !== event.frame) this.change(event, { frame }, `move ${event.label} from frame ${event.frame}`, true);
  }

  moveHere() {
    const { selected, frame } = this.scene;
    if (!selected?.event) toast("select the event that is to be moved to this frame");
    else if (selected.event.frame !== frame && this.ready()) {
      this.change(selected.event, { frame }, `move ${selected.event.label} from frame ${selected.event.frame}`);
    }
  }

  remove() {
    const event = this.target();
    if (!event) return;
    this.page.labels.edit([event], [], `delete ${event.label} on frame ${event.frame}`);
    this.page.select(null);
    toast(`${event.label} on frame ${event.frame} is deleted; Ctrl+Z brings it back`);
  }

  /** Take over the selected prediction, or the best on this frame: as a new event, or as the class of the one there. */
  accept() {
    if (!this.ready()) return;
    const { selected, settings, verdicts, frame } = this.scene;
    const here = (verdicts.models[settings.model]?.guesses ?? []).filter((guess) => guess.frame === frame);
    const guess = selected?.guess ?? here.sort((a, b) => b.score - a.score)[0];
    if (!guess) return toast("no prediction is selected, and none is on this frame");
    if (guess.kind === "right") return toast(`this ${guess.label} is labelled already, on frame ${guess.event.frame}`);
    const does = `accept ${guess.label} on frame ${guess.frame}`;
    if (guess.kind === "confused") return this.change(guess.event, { label: guess.label }, does);
    if (this.taken(guess.frame, guess.label)) return null;
    const event = newEvent(guess.frame, guess.label);
    this.page.labels.edit([], [event], does);
    return this.page.select({ event });
  }

  /** Take over all predictions of the model above its threshold that no event is near to. */
  async acceptAll() {
    if (!this.ready()) return;
    const { settings, session, verdicts } = this.scene;
    const { model } = settings;
    const left = (verdicts.models[model]?.guesses ?? []).filter((guess) => !guess.event);
    if (!left.length) return void toast("no predictions above the threshold that are not labelled yet");
    const above = settings.thresholds[model].toFixed(3);
    const question =
      `Add ${plural(left.length, "prediction")} of ${session.models[model].name} (score above ${above}, ` +
      "near no event of the labels)? It is one step to undo.";
    if (!(await ask(question, `Add ${left.length}`))) return;
    const events = left.map((guess) => newEvent(guess.frame, guess.label));
    this.page.labels.edit([], events, `add ${plural(events.length, "prediction")}`);
  }

  undo() {
    this.told("Undone", this.page.labels.undo());
  }

  redo() {
    this.told("Done again", this.page.labels.redo());
  }

  told(word, step) {
    if (!step) return toast(word === "Undone" ? "nothing to undo" : "nothing to do again");
    toast(`${word}: ${step.does}`);
    const shown = (word === "Undone" ? step.remove : step.add)[0] ?? step.remove[0] ?? step.add[0];
    this.page.player.pause();
    this.page.player.seek(shown.frame);
    const there = this.scene.events.find((event) => event.frame === shown.frame && event.label === shown.label);
    return this.page.select(there ? { event: there } : null);
  }
}
