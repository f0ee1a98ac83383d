// How many labels an hour a person makes.

import { plural } from "./format.js";
import { keep, kept } from "./kept.js";

const PAUSE = 120_000; // ms; what lasts longer is none of the work
const KEPT = "viewer.pace"; // for this tab of the browser, so that a reload does not count from 0

export class Pace {
  constructor() {
    Object.assign(this, { labels: 0, worked: 0, last: null }, kept(KEPT, "sessionStorage"));
  }

  /** So many labels were made. */
  add(number) {
    const now = Date.now();
    const since = this.last === null ? 0 : now - this.last;
    if (since < PAUSE) this.worked += since;
    this.labels += number;
    this.last = now;
    keep(KEPT, this, "sessionStorage");
  }

  /** Such as "38 labels, 212 an hour". */
  get words() {
    if (!this.labels) return "";
    const hour = this.worked > 10_000 ? `, ${Math.round((3_600_000 * this.labels) / this.worked)} an hour` : "";
    return plural(this.labels, "label") + hour;
  }
}
