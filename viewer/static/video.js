// The page of a video: the frame, the timeline, the list of events, numbers, and the labels under edit.

import { getBytes } from "./api.js";
import { bindings } from "./bindings.js";
import { controls } from "./controls.js";
import { Crop } from "./crop.js";
import { readCurves } from "./curves.js";
import { el, toast } from "./dom.js";
import { FieldPanel, KnownFields } from "./fields.js";
import { Labelling } from "./labelling.js";
import { EventList } from "./list.js";
import { Player } from "./player.js";
import { Shuttle, Stretch } from "./shuttle.js";
import { F1_TITLES, f1Row, plainTable } from "./table.js";
import { Timeline } from "./timeline.js";
import { labelBar, timelineBar, transport } from "./video_bars.js";
import { Verdicts, isError } from "./verdicts.js";
import { below } from "./view.js";

export class VideoPage {
  constructor(app, index, frame) {
    const { session, settings } = app;
    Object.assign(this, { app, index });
    this.video = session.videos[index];
    this.ending = new AbortController(); // ends what listens to things that outlive the page
    this.labels = app.labelsOf(index);
    this.scene = {
      video: this.video,
      session,
      settings,
      frame,
      events: this.labels.events,
      verdicts: new Verdicts(index, session, settings),
      rows: [], // what happens, to the model that is looked at
      curves: session.models.map(() => null),
      labelled: [], // marks of what is; none where all is
      selected: null, // {event}, {guess, model}, or {mark} of what was rejected
      stretch: null, // [first, last] frame that is marked, or played in a loop
      colour: (name) => app.theme.colour(name),
    };
    this.player = new Player(this.video, index);
    this.player.likely = (n) => this.around(n);
    this.crop = new Crop(this.scene, () => this.player.draw());
    this.player.element.append(this.crop.button);
    this.player.over = (...place) => this.crop.draw(...place);
    this.shuttle = new Shuttle(this.player, this.ending.signal);
    this.stretch = new Stretch(this.player, () => this.stretchChanged());
    this.timeline = new Timeline(this.scene);
    this.list = new EventList(this.scene);
    this.labelling = new Labelling(this);
    this.known = new KnownFields();
    this.fields = new FieldPanel(this);
    this.build();
    this.connect();
    app.keys.groups = bindings(this);
    this.player.seek(frame);
    this.timeline.setFrame(this.player.frame);
    this.loadCurves();
    this.known.read(index);
    this.labels.watch();
    this.labelsChanged();
  }

  build() {
    this.numbers = el("div.numbers");
    this.why = el("output.of.why");
    this.transport = transport(this);
    this.labelBar = labelBar(this);
    this.element = el(
      "div.video-page",
      el("section.stage", this.player.element, this.transport.element, this.labelBar.element),
      el("aside", controls(this.app, this.ending.signal), this.numbers, this.fields.element, this.list.element),
      el("section.bottom", timelineBar(this), this.timeline.element),
    );
  }

  connect() {
    const { signal } = this.ending;
    const { scene, player, timeline, labels } = this;
    player.addEventListener("frame", () => this.frameChanged());
    player.addEventListener("play", () => this.transport.update());
    timeline.addEventListener("seek", ({ detail }) => player.seek(detail));
    timeline.addEventListener("pick", ({ detail }) => this.pick(detail));
    this.list.addEventListener("pick", ({ detail }) => this.goTo(detail));
    scene.verdicts.addEventListener("change", () => this.judged());
    labels.addEventListener("change", () => this.labelsChanged(), { signal });
    labels.addEventListener("status", () => this.app.showStatus(labels), { signal });
    labels.addEventListener("elsewhere", ({ detail }) => toast(detail, "news"), { signal });
    scene.settings.addEventListener("change", () => this.settingsChanged(), { signal });
    this.app.theme.addEventListener("change", () => timeline.invalidate(), { signal });
  }

  async loadCurves() {
    const { scene } = this;
    await Promise.all(
      scene.session.models.map(async (_, model) => {
        const bytes = await getBytes(`/api/videos/${this.index}/scores/${model}`);
        scene.curves[model] = readCurves(bytes, scene.session.classes.length, this.video.num_frames);
        this.timeline.invalidate();
      }),
    );
  }

  // What follows when something changes

  frameChanged() {
    const { frame } = this.player;
    this.scene.frame = frame;
    this.transport.update();
    this.timeline.setFrame(frame);
    this.list.follow();
    this.fields.update();
    this.app.address.follow(this.video.name, frame);
  }

  stretchChanged() {
    this.scene.stretch = this.stretch.looping ?? this.stretch.range;
    this.timeline.invalidate("over");
    this.why.textContent = this.stretch.why;
    this.transport.update();
  }

  settingsChanged() {
    this.crop.update();
    this.player.draw();
    this.judge();
    this.judged(); // another model may be looked at
    this.app.address.follow(this.video.name, this.player.frame);
  }

  labelsChanged() {
    this.scene.events = this.labels.events;
    this.scene.labelled = this.labels.labelled;
    this.judge();
    this.judged();
    this.labelBar.update();
  }

  judge() {
    if (this.labels.revision !== null) this.scene.verdicts.update(this.labels.events, this.labels.rejected);
  }

  judged() {
    const { scene } = this;
    const { model } = scene.settings;
    scene.rows = scene.verdicts.rows(scene.events, model);
    const { event, guess, mark } = scene.selected ?? {};
    const gone = (event && !scene.events.includes(event)) || (mark && !this.labels.rejected.includes(mark));
    if (gone) scene.selected = null;
    if (guess) {
      const same = scene.verdicts.guesses(scene.selected.model).find((g) => g.frame === guess.frame && g.label === guess.label);
      scene.selected = same ? { guess: same, model: scene.selected.model } : null;
    }
    this.showNumbers();
    this.fields.update();
    this.list.update();
    this.timeline.invalidate();
  }

  showNumbers() {
    const { session, verdicts, settings } = this.scene;
    if (session.split === null || !session.models.length) return; // labels that are not finished say nothing of a model
    const rows = session.models.flatMap(({ name }, model) => {
      const f1 = verdicts.models[model]?.f1;
      if (!f1) return [];
      const active = model === settings.model;
      const classes = active ? session.classes.map((c) => c.name) : [];
      const head = f1Row(session.models.length > 1 ? name : "all", f1.all, `whole ${active ? "active" : ""}`);
      if (session.models.length > 1) head.addEventListener("click", () => settings.set({ model }));
      return [head, ...classes.map((title, k) => f1Row(title, f1.classes[k], "part"))];
    });
    this.numbers.replaceChildren(plainTable(F1_TITLES, rows));
  }

  // Going about

  select(selected) {
    this.scene.selected = selected;
    this.fields.update();
    this.list.draw();
    this.timeline.invalidate("over");
  }

  letGo() {
    this.stretch.mark(null);
    this.select(null);
  }

  /** Go to a mark of the timeline. */
  pick(mark) {
    this.player.pause();
    if (mark.guess) this.scene.settings.set({ model: mark.model });
    this.select(mark);
    this.player.seek((mark.event ?? mark.guess).frame);
  }

  /** Go to a line of the list. */
  goTo(row) {
    const { model } = this.scene.settings;
    this.player.pause();
    this.select(row.mark ? { mark: row.mark } : row.event ? { event: row.event } : { guess: row.guess, model });
    this.player.seek(row.frame);
    this.list.follow();
  }

  /** Go to the next (1) or previous (-1) line of the list, or error. */
  goNext(direction, errors = false) {
    const rows = errors ? this.scene.rows.filter(isError) : this.list.shown;
    const { frame, selected } = this.scene;
    // of several on one frame, the one after the selected
    const at = rows.findIndex((row) => row.frame === frame && selected && partOf(row) === partOf(selected));
    const next = at >= 0 ? at + direction : direction > 0 ? below(rows, frame + 1) : below(rows, frame) - 1;
    if (rows[next]) this.goTo(rows[next]);
    else toast(`no ${errors ? "error" : "event"} ${direction > 0 ? "after" : "before"} this frame`);
  }

  /** The frames of the events before and after frame n, and of the errors. */
  around(n) {
    return [this.list.shown, this.scene.rows.filter(isError)].flatMap((rows) => {
      const [before, after] = [below(rows, n) - 1, below(rows, n + 1)];
      return [rows[after], rows[before]].filter(Boolean).map((row) => row.frame);
    });
  }

  nextModel() {
    const { settings, session } = this.scene;
    if (session.models.length > 1) settings.set({ model: (settings.model + 1) % session.models.length });
  }

  close() {
    this.ending.abort();
    this.labels.unwatch();
    this.player.close();
    this.timeline.close();
    this.list.close();
    this.element.remove();
  }
}

/** What is selected of a line of the list. */
const partOf = ({ event, guess, mark }) => event ?? guess ?? mark;
