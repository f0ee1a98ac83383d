// The keyboard: what each key does on the page that is shown, and the help that lists it.

import { el } from "./dom.js";

const NAMES = {
  ArrowLeft: "←",
  ArrowRight: "→",
  ArrowUp: "↑",
  ArrowDown: "↓",
  " ": "Space",
  Delete: "Del",
  Escape: "Esc",
};

/** A name for what was pressed, such as "Shift+ArrowLeft", "Ctrl+z", "1", "?". */
export function signature(event) {
  const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code); // by its place: with Shift, or in France, it types others
  const key = digit ? digit[1] : event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const letter = event.key.length === 1 && !digit && event.key !== " ";
  const shift = event.shiftKey && (!letter || event.key.toLowerCase() !== event.key.toUpperCase());
  return [event.ctrlKey || event.metaKey ? "Ctrl+" : "", event.altKey ? "Alt+" : "", shift ? "Shift+" : "", key].join(
    "",
  );
}

export class Keys {
  constructor() {
    this.groups = []; // {title, bindings: [{keys: [signatures], does, run}]}
    this.always = [];
    addEventListener("keydown", (event) => this.press(event));
  }

  /** The bindings of the page that is shown, by group. */
  use(groups) {
    this.groups = groups;
  }

  press(event) {
    if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
    const typing = event.target.closest?.("input, select, textarea");
    if (typing) {
      if (event.key === "Escape" || (event.key === "Enter" && typing.type !== "range")) typing.blur();
      return;
    }
    const pressed = signature(event);
    for (const { bindings } of [...this.groups, ...this.always]) {
      const found = bindings.find((binding) => binding.keys.includes(pressed));
      if (!found) continue;
      const onButton = event.target.closest?.("button, a, summary") && (pressed === " " || pressed === "Enter");
      if (onButton) return; // reached by Tab: it is to be pressed
      event.preventDefault();
      if (!event.repeat || found.repeats) found.run(pressed);
      return;
    }
  }

  showHelp() {
    const dialog = document.getElementById("help");
    const groups = [...this.groups, ...this.always].map(({ title, bindings }) =>
      el(
        "section",
        el("h3", title),
        el(
          "dl",
          bindings
            .filter((binding) => binding.does)
            .map(({ keys, shown, does }) => [
              el("dt", (shown ?? keys.slice(0, 2)).map((key) => el("kbd", pretty(key)))),
              el("dd", does),
            ]),
        ),
      ),
    );
    dialog.replaceChildren(
      el(
        "form",
        { method: "dialog" },
        el("header", el("h2", "Keys"), el("button", { text: "Close", value: "close" })),
        el("div.groups", groups),
      ),
    );
    dialog.onclick = (event) => event.target === dialog && dialog.close();
    dialog.showModal();
  }
}

function pretty(key) {
  const parts = key === "+" ? ["+"] : key.split(/\+(?=.)/);
  return parts.map((part) => NAMES[part] ?? (/^[a-z]$/.test(part) ? part.toUpperCase() : part)).join(" + ");
}
