// Light or dark: as the system has it, or as was chosen with the switch.

import { keep, kept } from "./kept.js";

const KEPT = "viewer.theme";
const NEXT = { auto: "dark", dark: "light", light: "auto" };
const SIGN = { auto: "◐", dark: "☾", light: "☀" };

export class Theme extends EventTarget {
  constructor() {
    super();
    this.chosen = kept(KEPT) in NEXT ? kept(KEPT) : "auto";
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
    this.chosen = NEXT[this.chosen];
    keep(KEPT, this.chosen);
    this.apply();
  }

  get sign() {
    return SIGN[this.chosen];
  }

  get words() {
    return { auto: "as the system", dark: "dark", light: "light" }[this.chosen];
  }

  /** A colour of the style sheet, for a canvas. */
  colour(name) {
    this.probe.style.color = `var(--${name})`;
    return getComputedStyle(this.probe).color;
  }
}
