// What to label next: stretches of all videos, ranked by what their labels would teach a model.

import { getJson } from "./api.js";
import { toast } from "./dom.js";

export class Suggestions {
  constructor(app) {
    this.app = app;
    this.left = []; // [{video, first, last, why}], the best first
    this.following = false; // whether the next is to come up when one is done
  }

  /** Go to the next one, and mark it. */
  async next() {
    const { app } = this;
    this.following = true;
    try {
      if (!this.left.length) {
        this.left = await getJson(`/api/suggestions?model=${app.settings.model}`);
        if (!this.left.length) return void toast("nothing is left that a model could tell");
      }
    } catch (error) {
      return void toast(error.message, "bad");
    }
    const { video, first, last, why } = this.left.shift();
    app.go(video, first);
    app.page.stretch.mark([first, last]);
    app.page.timeline.showAround(first, last);
    const key = (usual) => app.keys.name(usual);
    const then = `label what is there, then ${key("b")}; ${key("u")} skips it`;
    return toast(`${why}: ${then} (${this.left.length} more)`, "news");
  }

  /** A stretch was labelled: if it is one of these, the next comes up. */
  afterwards() {
    if (this.following) this.next();
  }
}
