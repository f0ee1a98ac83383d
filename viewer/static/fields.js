// The further fields of an event, such as its team, player or outcome: read, changed, and a panel to type them.

import { getJson } from "./api.js";
import { el } from "./dom.js";
import { keep, kept } from "./kept.js";

const USUAL = ["team", "player", "outcome", "note"]; // that are always there to be filled in
const KEPT = "viewer.fields"; // where the browser keeps the names of others that a person added
const SIDES = ["left", "right"];

/** A value, which the page has as JSON, as a person reads it. */
const plain = (json) => (json.startsWith('"') ? JSON.parse(json) : json);

/** A field of an event in words; "" where it has none. */
export const fieldOf = (event, name) => (event.keys[name] === undefined ? "" : plain(event.keys[name]));

/** All fields of an event: [[name, words]]. */
export const fieldsOf = (event) => Object.entries(event.keys).map(([name, json]) => [name, plain(json)]);

/** The keys of an event with one of its fields changed, or without it where `text` is empty. */
export function withField({ keys }, name, text) {
  const { [name]: old, ...others } = keys;
  if (text === "") return others;
  if (old !== undefined && plain(old) === text) return keys;
  return { ...keys, [name]: old !== undefined && !old.startsWith('"') && isJson(text) ? text : JSON.stringify(text) };
}

function isJson(text) {
  try {
    return JSON.parse(text) !== undefined;
  } catch {
    return false;
  }
}

/** What labels have in their fields so far: of this video's match the teams, of all videos the others. */
export class KnownFields {
  constructor() {
    this.values = {}; // name -> [values, the most frequent first]
    this.named = false; // whether teams are names elsewhere, and not sides
  }

  async read(index) {
    const { values, named } = await getJson(`/api/videos/${index}/fields`);
    Object.assign(this, { values, named });
  }

  /** Names of fields to fill in, and the values that they have elsewhere. */
  names(events) {
    const here = events.flatMap((event) => Object.keys(event.keys));
    return [...new Set([...USUAL, ...Object.keys(this.values), ...here, ...added()])];
  }

  valuesOf(name, events) {
    const here = events.map((event) => fieldOf(event, name)).filter(Boolean);
    return [...new Set([...(this.values[name] ?? []), ...here])];
  }

  /** The teams of the match in the labels, or left and right; none where those elsewhere have names. */
  teams(events) {
    const teams = this.valuesOf("team", events).sort();
    if (teams.every((team) => SIDES.includes(team))) return this.named && !teams.length ? [] : SIDES;
    return teams;
  }
}

function added() {
  const names = kept(KEPT);
  return Array.isArray(names) ? names.filter((name) => typeof name === "string") : [];
}

/** The fields of the event that commands are about, each to be typed into. `page` gives scene, labelling, known. */
export class FieldPanel {
  constructor(page) {
    this.page = page;
    this.element = el("section.fields", { hidden: true });
  }

  /** Show the event that is selected, or alone on the current frame. */
  update() {
    const { events, selected, frame } = this.page.scene;
    const here = events.filter((event) => event.frame === frame);
    const event = selected?.event ?? (here.length === 1 ? here[0] : null);
    const typing = this.element.contains(document.activeElement);
    const same = event && this.event && event.frame === this.event.frame && event.label === this.event.label;
    const redraw = event !== this.event && !(typing && same); // or the next field would lose the keyboard
    this.event = event;
    this.element.hidden = !event;
    if (event && redraw) this.draw(event);
  }

  draw(event) {
    const { events } = this.page.scene;
    const { known, labelling } = this.page;
    const field = (name, i) =>
      el(
        "label",
        el("span.of", { text: name, title: name }),
        el("input", {
          type: "text",
          value: fieldOf(event, name),
          list: `field-${i}`,
          data: { field: name },
          on: { change: ({ target }) => labelling.setField(this.event, name, target.value.trim()) },
        }),
        el("datalist", { id: `field-${i}` }, known.valuesOf(name, events).map((value) => el("option", { value }))),
      );
    const more = el("input", {
      type: "text",
      placeholder: "another field",
      ariaLabel: "another field",
      on: {
        change: ({ target }) => {
          const name = target.value.trim();
          if (!name || ["frame", "label"].includes(name)) return;
          keep(KEPT, [...new Set([...added(), name])]);
          this.draw(this.event);
          this.focus(name);
        },
      },
    });
    this.element.replaceChildren(
      el("header", el("b", event.label), el("span.of", `frame ${event.frame}`)),
      el("div.grid", known.names(events).map(field), el("label", el("span.of", "+"), more)),
    );
  }

  focus(name = "team") {
    this.element.querySelector(`[data-field="${CSS.escape(name)}"]`)?.select();
  }
}
