// What an annotator does to the event that is selected, or that lies on the current frame, and to proposals.

import { ask, toast } from "./dom.js";
import { fieldOf, withField } from "./fields.js";
import { plural } from "./format.js";
import { newEvent, newLabelled, newRejected } from "./labels.js";
import { sideOf } from "./verdicts.js";

export class Labelling {
  /** `page` gives app, scene, labels, player, known, stretch, select(), goTo(). */
  constructor(page) {
    this.page = page;
    this.scene = page.scene;
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
    if (selected?.event && (!here.length || here.includes(selected.event))) return selected.event;
    if (here.length === 1) return here[0];
    const none = "no event is selected, and none is on this frame";
    toast(here.length ? "several events on this frame: select one first" : none);
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
    if (this.taken(next.frame, next.label)) return false;
    this.put(event, next, does, goOn);
    this.page.player.seek(next.frame);
    return true;
  }

  put(event, next, does, goOn) {
    this.page.labels.edit([event], [next], does, goOn);
    this.page.select({ event: next });
  }

  add(label) {
    const { frame } = this.scene;
    if (!this.ready() || this.taken(frame, label)) return;
    const event = newEvent(frame, label);
    this.page.labels.edit([], [event], `add ${label} on frame ${frame}`);
    this.page.app.pace.add(1);
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

  /** Move the selected event to this frame, or accept the selected prediction there. */
  moveHere() {
    const { selected, frame } = this.scene;
    if (selected?.guess) this.accept(frame);
    else if (!selected?.event) toast("select the event that is to be moved to this frame");
    else if (selected.event.frame !== frame && this.ready()) {
      this.change(selected.event, { frame }, `move ${selected.event.label} from frame ${selected.event.frame}`);
    }
  }

  remove() {
    const { selected } = this.scene;
    if (selected?.mark) return this.reject();
    const event = this.target();
    if (!event) return null;
    this.page.labels.edit([event], [], `delete ${event.label} on frame ${event.frame}`);
    this.page.select(null);
    return toast(`${event.label} on frame ${event.frame} is deleted; Ctrl+Z brings it back`);
  }

  // Fields

  setField(event, name, text) {
    if (!event || !this.ready()) return;
    const keys = withField(event, name, text);
    if (keys === event.keys) return;
    const next = Object.freeze({ ...event, keys });
    this.put(event, next, `${name} of ${event.label} on frame ${event.frame}: ${text || "none"}`);
  }

  /** Give the event the next team: none, the one, the other. */
  nextTeam() {
    const event = this.target();
    if (!event) return;
    const teams = ["", ...this.page.known.teams(this.scene.events)];
    if (teams.length === 1) return void this.typeFields();
    const at = teams.indexOf(fieldOf(event, "team"));
    this.setField(event, "team", teams[(at + 1) % teams.length]);
  }

  typeFields() {
    const event = this.target();
    if (!event) return;
    this.page.player.pause();
    this.page.select({ event });
    this.page.fields.focus();
  }

  // Proposals

  /** The selected prediction, or the best on this frame; null, and words, where there is none. */
  guess() {
    if (!this.ready()) return null;
    const { selected, settings, verdicts, frame } = this.scene;
    const here = verdicts.guesses(settings.model).filter((guess) => guess.frame === frame);
    const taken = selected?.event && this.scene.rows.find((row) => row.event === selected.event)?.guess;
    const guess = selected?.guess ?? taken ?? here.sort((a, b) => b.score - a.score)[0] ?? null;
    if (!guess) toast("no prediction is selected, and none is on this frame");
    return guess;
  }

  /** Take a prediction over, on its frame or another: as a new event, or as the class of the one there. The next one
   * comes up. */
  accept(frame) {
    const guess = this.guess();
    if (!guess) return;
    if (guess.kind === "right")
      return void toast(`this ${guess.label} is labelled already, on frame ${guess.event.frame}`);
    const at = frame ?? guess.frame;
    const does = `accept ${guess.label} on frame ${at}`;
    if (guess.kind === "confused") {
      if (!this.change(guess.event, { label: guess.label, frame: frame ?? guess.event.frame }, does)) return;
    } else if (this.taken(at, guess.label)) return;
    else this.page.labels.edit([], [newEvent(at, guess.label, this.sideKeys(guess))], does);
    this.done(guess);
  }

  /** The predicted side as the team of an event, where teams are sides. */
  sideKeys(guess) {
    const side = sideOf(guess);
    return side && this.page.known.teams(this.scene.events).includes(side) ? { team: JSON.stringify(side) } : {};
  }

  /** Refuse a prediction, which is remembered; or take that back for one that is selected among the rejected. */
  reject() {
    const { mark } = this.scene.selected ?? {};
    if (mark && this.ready()) {
      this.page.labels.edit([mark], [], `propose ${mark.label} on frame ${mark.frame} again`);
      return this.page.select(null);
    }
    const guess = this.guess();
    if (!guess) return null;
    const does = `reject ${guess.label} on frame ${guess.frame}`;
    if (guess.kind === "right") return toast(`this ${guess.label} is labelled: delete the label if it is wrong`);
    this.page.labels.edit([], [newRejected(guess.frame, guess.label)], does);
    return this.done(guess);
  }

  /** One prediction is settled: on to the next. */
  done(guess) {
    this.page.app.pace.add(1);
    const open = this.scene.rows.filter((row) => row.guess && row.guess !== guess && row.kind !== "found");
    const next = open.find((row) => row.guess.frame >= guess.frame);
    if (next) this.page.goTo(next);
    else toast(open.length ? "no prediction is left after this one" : "no prediction is left in this video");
  }

  /** Take over all predictions of the model above its threshold that no event is near to. */
  async acceptAll() {
    if (!this.ready()) return;
    const { settings, session, verdicts } = this.scene;
    const { model } = settings;
    const left = verdicts.guesses(model).filter((guess) => !guess.event);
    if (!left.length) return void toast("no predictions above the threshold that are not labelled yet");
    const above = settings.above(model);
    const question =
      `Add ${plural(left.length, "prediction")} of ${session.models[model].name} (score above ${above}, ` +
      "near no event of the labels)? It is one step to undo.";
    if (!(await ask(question, `Add ${left.length}`))) return;
    const events = left.map((guess) => newEvent(guess.frame, guess.label, this.sideKeys(guess)));
    this.page.labels.edit([], events, `add ${plural(events.length, "prediction")}`);
    this.page.app.pace.add(events.length);
  }

  // What is labelled

  /** The marked stretch is labelled now, whatever is in it: nothing too. */
  async finish() {
    const { stretch, labels, app } = this.page;
    if (!this.ready()) return;
    if (!stretch.range) return void toast("mark a stretch first: where it begins, and where it ends");
    const whole = !labels.labelled.length && (labels.source === "split" || labels.events.length > 0);
    const question =
      "So far all of this video counts as labelled. From now on only the stretches that you mark so will count: " +
      "the rest is neither learned from nor measured by.";
    if (whole && !(await ask(question, "Only what I mark"))) return;
    const [first, last] = stretch.range;
    const touching = labels.labelled.filter((range) => range.frame <= last + 1 && range.last >= first - 1);
    const union = newLabelled(
      Math.min(first, ...touching.map((range) => range.frame)),
      Math.max(last, ...touching.map((range) => range.last)),
    );
    const inside = labels.events.filter(({ frame }) => frame >= first && frame <= last).length;
    labels.edit(touching, [union], `frames ${first} to ${last} are labelled`);
    app.pace.add(1);
    toast(`frames ${first} to ${last} are labelled: ${inside ? plural(inside, "event") : "nothing here"}`);
    stretch.mark(null);
    app.suggestions.afterwards(this.page.index, first, last);
  }

  /** What is labelled at the current frame no longer is. */
  unfinish() {
    const { labels, scene } = this.page;
    const here = labels.labelled.filter(({ frame, last }) => frame <= scene.frame && scene.frame <= last);
    if (!here.length) return void toast("no stretch is marked as labelled here");
    if (this.ready()) labels.edit(here, [], `frames ${here[0].frame} to ${here[0].last} are not labelled`);
  }

  undo() {
    this.report("Undone", this.page.labels.undo());
  }

  redo() {
    this.report("Done again", this.page.labels.redo());
  }

  report(word, step) {
    if (!step) return toast(word === "Undone" ? "nothing to undo" : "nothing to do again");
    toast(`${word}: ${step.does}`);
    const shown = (word === "Undone" ? step.remove : step.add)[0] ?? step.remove[0] ?? step.add[0];
    this.page.player.pause();
    this.page.player.seek(shown.frame);
    const there = this.scene.events.find((event) => event.frame === shown.frame && event.label === shown.label);
    return this.page.select(there ? { event: there } : null);
  }
}
