// What to label next: stretches of all videos, ranked by what their labels would teach a model.

import { getJson } from "./api.js";
import { toast } from "./dom.js";

export class Suggestions {
  constructor(app) {
    this.app = app;
    this.left = []; // [{video, first, last, why}], the best first, to one model
    this.model = null;
    this.current = null; // the one that is looked at
  }

  /** Go to the next one, and mark it. */
  async next() {
    const { app } = this;
    const { model } = app.settings;
    if (!this.left.length || model !== this.model) {
      this.left = await getJson(`/api/suggestions?model=${model}`);
      this.model = model;
      if (!this.left.length) return void toast("nothing is left: all that has scores is labelled");
    }
    this.current = this.left.shift();
    const { video, first, last, why } = this.current;
    app.go(video, first);
    app.page.stretch.mark([first, last], why);
    app.page.timeline.showAround(first, last);
  }

  /** A stretch of a video was labelled: if it is the one that was suggested, the next comes up. */
  afterwards(video, first, last) {
    const { current } = this;
    if (current?.video === video && first <= current.last && last >= current.first) this.next();
  }
}
