// The list of all that happens in a video, by frame. It holds only the lines that are in sight: a half has thousands.

import { choice, el, select } from "./dom.js";
import { fieldOf, fieldsOf } from "./fields.js";
import { signed, time } from "./format.js";
import { icon } from "./shapes.js";
import { below } from "./view.js";
import { isError, sideOf } from "./verdicts.js";

const LINE = 28; // px, as the style sheet has it
const LONG = { name: 7, verdict: 11 }; // letters; what is longer is written small, in two rows
const SPARE = 6; // lines beyond those in sight

const PARTS = ["event", "guess", "mark"]; // of a line, one of which is selected
const KINDS = {
  all: (row) => row.kind !== "rejected",
  errors: isError,
  rejected: (row) => row.kind === "rejected",
};

/** Dispatches "pick" ({detail: row}) for a line that is clicked. */
export class EventList extends EventTarget {
  constructor(scene) {
    super();
    this.scene = scene;
    this.shown = []; // the rows that pass the filter
    this.only = { kind: "all", label: null, words: [] };
    this.room = el("div.room");
    this.box = el("div.lines", { tabIndex: -1, on: { scroll: () => this.draw() } }, this.room);
    this.head = el("div.choice");
    this.search = el("input.search", {
      type: "search",
      placeholder: "search",
      title: "what a line is to hold: words of its class, team, player, note, verdict, or a frame",
      on: {
        input: ({ target }) => {
          this.only.words = target.value.toLowerCase().split(/\s+/).filter(Boolean);
          this.update();
        },
      },
    });
    this.classes = el("span");
    this.element = el("section.events", el("div.row.filters", this.head, this.search, this.classes), this.box);
    this.box.addEventListener("click", (event) => {
      const line = event.target.closest("[data-row]");
      if (line) this.dispatchEvent(new CustomEvent("pick", { detail: this.shown[Number(line.dataset.row)] }));
    });
    this.resizing = new ResizeObserver(() => this.draw());
    this.resizing.observe(this.box);
  }

  /** Take the rows of the scene, which are others now. */
  update() {
    const { label, kind, words } = this.only;
    const touches = (row) => label === null || row.label === label || row.guess?.label === label;
    const wanted = KINDS[kind];
    this.shown = this.scene.rows.filter((row) => wanted(row) && touches(row) && (!words.length || this.holds(row, words)));
    this.drawFilters();
    this.draw();
  }

  /** Whether a line holds all words. */
  holds(row, words) {
    const { event, guess, kind, label, frame } = row;
    const fields = event ? fieldsOf(event).flat() : [];
    const times = time(frame, this.scene.video);
    const text = [label, guess?.label, kind, frame, times, ...fields].join(" ").toLowerCase();
    return words.every((word) => text.includes(word));
  }

  drawFilters() {
    const { rows, session } = this.scene;
    const count = (kind) => rows.filter(KINDS[kind]).length;
    const show = (name, kind) =>
      choice(`${name} ${count(kind)}`, null, this.only.kind === kind, () => {
        this.only.kind = kind;
        this.update();
      });
    const many = session.models.length > 0;
    const rejected = count("rejected") || this.only.kind === "rejected";
    this.head.replaceChildren(
      show(!many ? "Events" : rejected ? "Not rejected" : "All", "all"),
      many ? show(session.split === null ? "Open" : "Errors", "errors") : "",
      rejected ? show("Rejected", "rejected") : "",
    );
    const classes = [["", "all classes"], ...session.classes.map(({ name }) => [name, name])];
    const list = (label) => {
      this.only.label = label || null;
      this.update();
    };
    this.classes.replaceChildren(select("class that is listed", classes, this.only.label ?? "", list));
  }

  draw() {
    const height = this.box.clientHeight;
    const first = Math.max(0, Math.floor(this.box.scrollTop / LINE) - SPARE);
    const last = Math.min(this.shown.length, Math.ceil((this.box.scrollTop + height) / LINE) + SPARE);
    this.room.style.height = `${this.shown.length * LINE}px`;
    const lines = [];
    for (let i = first; i < last; i++) lines.push(this.line(this.shown[i], i));
    const here = el("div.here"); // where the current frame is between two lines
    here.style.top = `${below(this.shown, this.scene.frame + 1) * LINE - 1}px`;
    this.room.replaceChildren(...lines, here);
    if (!this.shown.length) this.room.append(el("p.empty", "nothing here"));
  }

  line(row, i) {
    const { video, session, frame, selected } = this.scene;
    const { colour } = session.classes.find(({ name }) => name === row.label);
    const chosen = selected && PARTS.some((part) => selected[part] && selected[part] === row[part]);
    const now = row.frame === frame || row.guess?.frame === frame;
    const offset = row.guess && row.event ? row.guess.frame - row.event.frame : null;
    const special = { confused: `as ${row.guess?.label}`, label: describe(row.event, false) };
    const words = special[row.kind] ?? row.kind;
    const verdict = offset && row.kind === "found" ? `${words} ${signed(offset)}` : words;
    const team = session.split === null && row.kind === "found" && fieldOf(row.event, "team"); // to one who labels
    const judged = [verdict, (row.guess && describeSide(row)) || team].filter(Boolean).join(", ");
    const long = (text, most) => (text.length > most ? "long" : "");
    const title = [describe(row.event), row.guess && describeGuess(row.guess)].filter(Boolean).join("\n");
    const node = el(
      `div.line.${row.kind}`,
      { class: `${chosen ? "chosen" : ""} ${now ? "now" : ""}`, data: { row: i, frame: row.frame }, title },
      icon(row.kind),
      el("span.chip", { colour, text: row.label, class: long(row.label, LONG.name) }),
      el("span.frame", row.frame),
      el("span.time.of", time(row.frame, video, video.num_frames / (video.fps ?? 1) < 3600 ? 1 : 0)),
      el("span.verdict", { text: judged, class: long(judged, LONG.verdict) }),
      el("span.score.of", row.guess ? row.guess.score.toFixed(2) : ""),
    );
    node.style.top = `${i * LINE}px`;
    return node;
  }

  /** Bring the line of the current frame, or the last one before it, into sight. */
  follow() {
    const at = below(this.shown, this.scene.frame + 1) - 1;
    const top = Math.max(0, at) * LINE;
    const { scrollTop, clientHeight } = this.box;
    if (top < scrollTop + LINE || top > scrollTop + clientHeight - 3 * LINE) {
      this.box.scrollTop = top - clientHeight / 2 + LINE;
    }
    this.draw();
  }

  close() {
    this.resizing.disconnect();
  }
}

/** The side that is predicted, behind the team of the labels where that is another. */
function describeSide({ guess, event }) {
  const [side, team] = [sideOf(guess), event && fieldOf(event, "team")];
  return side && team && team !== side ? `${team} → ${side}` : side;
}

/** A prediction's score and, where it has one, its side with the probability. */
function describeGuess(guess) {
  const [side, likely] = [sideOf(guess), Math.max(guess.right, 1 - guess.right).toFixed(2)];
  return `score ${guess.score.toFixed(4)}` + (side ? `\npredicted team: ${side} (${likely})` : "");
}

/** The further keys of an event, such as its team, in words; or their values alone. */
function describe(event, named = true) {
  if (!event) return "";
  const words = fieldsOf(event).map(([key, value]) => (named ? `${key}: ` : "") + value);
  return words.join(", ");
}
