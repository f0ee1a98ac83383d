// The list of all that happens in a video, by frame. It holds only the lines that are in sight: a half has thousands.

import { choice, el } from "./dom.js";
import { signed, time } from "./format.js";
import { icon } from "./shapes.js";
import { below } from "./view.js";
import { isError } from "./verdicts.js";

const LINE = 28; // px, as the style sheet has it
const SPARE = 6; // lines beyond those in sight

const WORDS = { found: "found", missed: "missed", false: "false", proposed: "proposed" };

/** Dispatches "pick" ({detail: row}) for a line that is clicked. */
export class EventList extends EventTarget {
  constructor(scene) {
    super();
    this.scene = scene;
    this.shown = []; // the rows that pass the filter
    this.only = { errors: false, label: null };
    this.room = el("div.room");
    this.box = el("div.lines", { tabIndex: -1, on: { scroll: () => this.draw() } }, this.room);
    this.head = el("div.filters");
    this.element = el("section.events", this.head, this.box);
    this.box.addEventListener("click", (event) => {
      const line = event.target.closest("[data-row]");
      if (line) this.dispatchEvent(new CustomEvent("pick", { detail: this.shown[Number(line.dataset.row)] }));
    });
    this.resizing = new ResizeObserver(() => this.draw());
    this.resizing.observe(this.box);
  }

  /** Take the rows of the scene, which are others now. */
  update() {
    const { label, errors } = this.only;
    const { rows } = this.scene;
    const touches = (row) => label === null || row.label === label || row.guess?.label === label;
    this.shown = rows.filter((row) => touches(row) && (!errors || isError(row)));
    this.drawFilters();
    this.draw();
  }

  drawFilters() {
    const { rows, session } = this.scene;
    const show = (text, wrongAlone) =>
      choice(text, null, this.only.errors === wrongAlone, () => {
        this.only.errors = wrongAlone;
        this.update();
      });
    const wrong = `${session.split === null ? "Open" : "Errors"} ${rows.filter(isError).length}`;
    const errors = session.models.length
      ? [show(`All ${rows.length}`, false), show(wrong, true)]
      : [el("strong", `Events ${rows.length}`)];
    const classes = el(
      "select",
      {
        title: "class that is listed",
        ariaLabel: "class that is listed",
        on: {
          change: (event) => {
            this.only.label = event.target.value || null;
            event.target.blur();
            this.update();
          },
        },
      },
      el("option", { value: "", text: "all classes" }),
      session.classes.map(({ name }) => el("option", { value: name, text: name, selected: name === this.only.label })),
    );
    this.head.replaceChildren(el("div.choice", errors), classes);
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
    const chosen = selected && (selected.event ? selected.event === row.event : selected.guess === row.guess);
    const now = row.frame === frame || row.guess?.frame === frame;
    const offset = row.guess && row.event ? row.guess.frame - row.event.frame : null;
    const special = { confused: `as ${row.guess?.label}`, label: describe(row.event, false) };
    const words = special[row.kind] ?? WORDS[row.kind];
    const verdict = offset && row.kind === "found" ? `${words} ${signed(offset)}` : words;
    const node = el(
      "div",
      {
        class: `line ${row.kind} ${chosen ? "chosen" : ""} ${now ? "now" : ""}`,
        data: { row: i, frame: row.frame },
        title: [describe(row.event), row.guess && describeGuess(row.guess)].filter(Boolean).join("\n"),
      },
      icon(row.kind),
      el("span.chip", { colour, text: row.label }),
      el("span.frame", row.frame),
      el("span.time", time(row.frame, video, video.num_frames / (video.fps ?? 1) < 3600 ? 1 : 0)),
      el("span.verdict", [verdict, row.guess && describeSide(row)].filter(Boolean).join(", ")),
      el("span.score", row.guess ? row.guess.score.toFixed(2) : ""),
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

/** The likelier side of a prediction; null where it has none. */
const sideOf = ({ right }) => (right === null ? null : right > 0.5 ? "right" : "left");

/** The side that is predicted, behind the team of the labels where that is another. */
function describeSide({ guess, event }) {
  const [side, team] = [sideOf(guess), event && JSON.parse(event.keys).team];
  return side && team && team !== side ? `${team} → ${side}` : side;
}

/** A prediction's score and, where it has one, its side with the probability. */
function describeGuess(guess) {
  const [side, likely] = [sideOf(guess), Math.max(guess.right, 1 - guess.right).toFixed(2)];
  return `score ${guess.score.toFixed(4)}` + (side ? `\npredicted team: ${side} (${likely})` : "");
}

/** The further keys of an event, such as its team, in words; or their values alone. */
function describe(event, named = true) {
  if (!event || event.keys === "{}") return "";
  const text = (value) => (typeof value === "string" ? value : JSON.stringify(value));
  return Object.entries(JSON.parse(event.keys))
    .map(([key, value]) => (named ? `${key}: ` : "") + text(value))
    .join(", ");
}
