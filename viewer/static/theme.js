// Light or dark: as the system has it, or as was chosen with the switch.

import { keep, kept } from "./kept.js";

const KEPT = "viewer.theme";
const THEMES = {
  auto: { next: "dark", sign: "◐", words: "as the system" },
  dark: { next: "light", sign: "☾", words: "dark" },
  light: { next: "auto", sign: "☀", words: "light" },
};

export class Theme extends EventTarget {
  constructor() {
    super();
    this.chosen = kept(KEPT) in THEMES ? kept(KEPT) : "auto";
    this.probe = document.head.appendChild(document.createElement("i")); // has the colour that is asked for
    this.system = matchMedia("(prefers-color-scheme: dark)");
    this.system.addEventListener("change", () => this.apply());
    this.apply();
  }

  apply() {
    const dark = this.chosen === "dark" || (this.chosen === "auto" && this.system.matches);
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    this.dispatchEvent(new Event("change"));
  }

  next() {
    this.chosen = THEMES[this.chosen].next;
    keep(KEPT, this.chosen);
    this.apply();
  }

  /** The sign and the words for what is chosen. */
  get shown() {
    return THEMES[this.chosen];
  }

  /** A colour of the style sheet, for a canvas. */
  colour(name) {
    this.probe.style.color = `var(--${name})`;
    return getComputedStyle(this.probe).color;
  }
}
