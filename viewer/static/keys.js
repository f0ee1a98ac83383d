// The keyboard: what each key does on the page that is shown, the help that lists it, and keys that a person changed.

import { button, el } from "./dom.js";
import { keep, kept } from "./kept.js";

const NAMES = {
  ArrowLeft: "←",
  ArrowRight: "→",
  ArrowUp: "↑",
  ArrowDown: "↓",
  " ": "Space",
  Delete: "Del",
  Escape: "Esc",
  PageUp: "Page ↑",
  PageDown: "Page ↓",
};
const KEPT = "viewer.keys"; // where the browser keeps changed keys: {"the usual one": "the chosen one"}
const ALONE = ["Shift", "Control", "Alt", "Meta", "AltGraph", "CapsLock"];

/** A name for what was pressed, such as "Shift+ArrowLeft", "Ctrl+z", "1", "?". */
export function signature(event) {
  const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code); // by its place: with Shift, or in France, it types others
  const key = digit ? digit[1] : event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const letter = event.key.length === 1 && !digit && event.key !== " ";
  const shift = event.shiftKey && (!letter || event.key.toLowerCase() !== event.key.toUpperCase());
  const ctrl = event.ctrlKey || event.metaKey;
  return (ctrl ? "Ctrl+" : "") + (event.altKey ? "Alt+" : "") + (shift ? "Shift+" : "") + key;
}

/**
 * A line of the help: `does` says what `run(usual signature)` does, whose usual signatures are `keys`. Further: a key
 * that is held down `repeats`; `with` "Shift+" means Shift and the keys, whatever these were changed to; `shown` is
 * what the help says of the keys.
 */
export const bind = (keys, does, run, further) => ({ keys: [keys].flat(), does, run, ...further });

export class Keys {
  /** `changed` is called when a person has changed keys. */
  constructor(changed) {
    this.groups = []; // [{title, column of the help, bindings}] of the page that is shown
    this.always = [];
    this.changed = changed;
    const changes = Object.entries(kept(KEPT) ?? {});
    this.chosen = Object.fromEntries(changes.filter(([, key]) => typeof key === "string"));
    addEventListener("keydown", (event) => this.press(event));
  }

  get bindings() {
    return [...this.groups, ...this.always].flatMap((group) => group.bindings);
  }

  /** What is to be pressed for what the usual key does. */
  of(usual) {
    return this.chosen[usual] ?? usual;
  }

  /** The same as a person reads it. */
  name(usual) {
    return pretty(this.of(usual));
  }

  /** Words with the key behind them: "next event (N)". */
  hint(words, usual) {
    return `${words} (${this.name(usual)})`;
  }

  /** A button that does what the usual key does. */
  button(content, title, usual, props) {
    const run = () => this.bindings.find(({ keys }) => keys.includes(usual)).run(usual);
    return button(content, this.hint(title, usual), run, props);
  }

  press(event) {
    if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
    const typing = event.target.closest?.("input, select, textarea");
    if (typing) {
      if (event.key === "Escape" || (event.key === "Enter" && typing.type !== "range")) typing.blur();
      return;
    }
    const pressed = signature(event);
    const onButton = event.target.closest?.("button, a") && (pressed === " " || pressed === "Enter");
    if (onButton) return; // reached by Tab: it is to be pressed
    for (const binding of this.bindings) {
      const usual = binding.keys.find((key) => (binding.with ?? "") + this.of(key) === pressed);
      if (usual === undefined) continue;
      event.preventDefault();
      if (!event.repeat || binding.repeats) binding.run(usual);
      return;
    }
  }

  /** Have the key `pressed` do what `usual` does; what it did so far gets the key that becomes free. */
  choose(usual, pressed) {
    const free = this.of(usual);
    const all = this.bindings.filter((binding) => !binding.with).flatMap(({ keys }) => keys);
    const other = all.find((key) => this.of(key) === pressed);
    if (other !== undefined) this.chosen[other] = free;
    this.chosen[usual] = pressed;
    this.keep();
  }

  keep() {
    for (const [usual, key] of Object.entries(this.chosen)) if (usual === key) delete this.chosen[usual];
    keep(KEPT, this.chosen);
    this.changed();
  }

  showHelp() {
    const dialog = document.getElementById("help");
    this.drawHelp(dialog);
    dialog.onclick = (event) => {
      if (event.target === dialog) dialog.close(); // beside it; to return false would take its button its effect
    };
    dialog.showModal();
  }

  drawHelp(dialog) {
    const line = ({ keys, does, shown }) => [
      el("dt", shown ? el("kbd", shown) : keys.map((key) => this.keyButton(dialog, key))),
      el("dd", does),
    ];
    const columns = [el("div"), el("div"), el("div")];
    for (const { title, column = 1, bindings } of [...this.groups, ...this.always]) {
      columns[column].append(el("section", el("h3", title), el("dl", bindings.filter(({ does }) => does).map(line))));
    }
    const usual = button("Usual keys", "take back all changes", () => {
      this.chosen = {};
      this.keep();
      this.drawHelp(dialog);
    });
    usual.hidden = !Object.keys(this.chosen).length;
    const hint = el("span.of", "click a key to choose another for it");
    const head = el("header.row", el("h2", "Keys"), hint, usual, el("button", { text: "Close", value: "close" }));
    dialog.replaceChildren(el("form", { method: "dialog" }, head, el("div.groups", columns)));
  }

  /** A key of the help; a click waits for the one that is to be pressed instead. */
  keyButton(dialog, usual) {
    const ask = () => {
      this.waiting?.abort();
      this.waiting = new AbortController();
      const { signal } = this.waiting;
      node.replaceChildren(el("kbd.asked", "press a key"));
      const take = (event) => {
        if (!dialog.open) return this.waiting.abort(); // closed, but its event is still to come
        event.preventDefault();
        event.stopPropagation();
        if (ALONE.includes(event.key)) return;
        this.waiting.abort();
        if (event.key !== "Escape") this.choose(usual, signature(event));
        this.drawHelp(dialog);
      };
      addEventListener("keydown", take, { capture: true, signal });
      dialog.addEventListener("close", () => this.waiting.abort(), { signal });
    };
    const name = el("kbd", { class: this.of(usual) === usual ? "" : "changed" }, this.name(usual));
    const node = button(name, "choose another key", ask, { class: "key" });
    return node; // which `ask` fills
  }
}

function pretty(key) {
  const parts = key === "+" ? ["+"] : key.split(/\+(?=.)/);
  return parts.map((part) => NAMES[part] ?? (/^[a-z]$/.test(part) ? part.toUpperCase() : part)).join(" + ");
}
