// The start of the page: reads what there is to look at, and shows what the address says.

import { Address } from "./address.js";
import { Refused, getJson } from "./api.js";
import { button, el, select, toast } from "./dom.js";
import { Keys, bind } from "./keys.js";
import { Labels } from "./labels.js";
import { showExport, showTraining } from "./leaving.js";
import { Overview } from "./overview.js";
import { Pace } from "./pace.js";
import { Settings } from "./settings.js";
import { Suggestions } from "./suggestions.js";
import { Theme } from "./theme.js";
import { VideoPage } from "./video.js";

class App {
  constructor(session) {
    this.session = session;
    this.settings = new Settings(session);
    this.address = new Address(this.settings);
    this.theme = new Theme();
    this.keys = new Keys(() => this.rebuild());
    this.pace = new Pace();
    this.suggestions = new Suggestions(this);
    this.page = null;
    this.labels = new Map(); // of the videos that were opened, with what can be undone
    this.indices = new Map(session.videos.map(({ name }, i) => [name, i]));
    const everywhere = [
      bind("?", "these keys", () => this.keys.showHelp()),
      bind("t", "light, dark, or as the system", () => this.theme.next()),
      bind("o", "the overview", () => this.go(null)),
    ];
    this.keys.always = [{ title: "Everywhere", bindings: everywhere }];
    this.theme.addEventListener("change", () => this.showTheme());
    this.buildBar();
    for (const moved of ["popstate", "hashchange"]) addEventListener(moved, () => this.route());
    addEventListener("beforeunload", (event) => {
      if ([...this.labels.values()].some((labels) => labels.pending)) event.preventDefault();
    });
    this.route();
  }

  buildBar() {
    const { session, keys } = this;
    const quiet = { class: "quiet" };
    const home = (event) => {
      event.preventDefault();
      this.go(null);
    };
    const title = `${session.dataset}: ${keys.hint("to the overview", "o")}`;
    const text = `${session.name} · ${session.split ?? "labelling"}`;
    const videos = session.videos.map(({ name }, i) => [String(i), name]);
    this.choose = select("video", [["", "Overview"], ...videos], "", (i) => this.go(i === "" ? null : Number(i)));
    this.besides = [
      button("‹", keys.hint("previous video", "PageUp"), () => this.beside(-1), quiet),
      button("›", keys.hint("next video", "PageDown"), () => this.beside(1), quiet),
    ];
    this.status = el("output.status");
    this.look = keys.button("", "", "t", quiet);
    document.getElementById("bar").replaceChildren(
      el("a.brand", { href: "#", title, text, on: { click: home } }),
      this.besides[0],
      this.choose,
      this.besides[1],
      this.status,
      button("Export", "the labels as files for other tools", () => showExport(this)),
      button("Train", "the commands that train on these labels", () => showTraining(this)),
      this.look,
      keys.button("?", "keys", "?", quiet),
    );
    this.showTheme();
  }

  showTheme() {
    const { sign, words } = this.theme.shown;
    this.look.textContent = sign;
    this.look.title = this.keys.hint(`light or dark: ${words}`, "t");
  }

  /** Go to the video so many after the one that is shown. */
  beside(by) {
    const next = this.page.index + by;
    if (this.session.videos[next]) this.go(next);
    else toast(`this is the ${by < 0 ? "first" : "last"} video`);
  }

  /** Build the page again where it is, as the keys that its buttons tell are others now. */
  rebuild() {
    const { index = null, player } = this.page;
    this.buildBar();
    this.page.close();
    this.page = null;
    this.show(index, player?.frame ?? 0);
  }

  /** The labels of a video, the same for all visits of its page. */
  labelsOf(index) {
    if (!this.labels.has(index)) this.labels.set(index, new Labels(index));
    return this.labels.get(index);
  }

  /** Go to a video, or to the overview (null), in a way that the back button undoes. */
  go(video, frame = 0) {
    this.address.push(video === null ? null : this.session.videos[video].name, frame);
    this.show(video, frame);
  }

  /** Show what the address says. */
  route() {
    this.address.cancel();
    const { video, frame, stated } = this.address.read();
    this.settings.take(stated);
    if (video !== null && !this.indices.has(video)) toast(`there is no video ${video} here`, "bad");
    this.show(this.indices.get(video) ?? null, frame);
  }

  show(video, frame) {
    if (video !== null && this.page?.index === video) {
      this.page.player.pause();
      this.page.player.seek(frame);
      return;
    }
    if (video === null && this.page instanceof Overview) return;
    this.page?.close();
    const holder = document.getElementById("page");
    this.status.textContent = "";
    this.choose.value = video ?? "";
    for (const node of this.besides) node.hidden = video === null;
    this.page = video === null ? new Overview(this) : new VideoPage(this, video, frame);
    holder.replaceChildren(this.page.element);
    if (video !== null) this.showStatus(this.page.labels);
    const { name, split, videos } = this.session;
    document.title = `${video === null ? "Overview" : videos[video].name} – ${name} ${split ?? ""}`;
    scrollTo(0, 0);
  }

  /** Say whether the labels of the video that is shown are saved. */
  showStatus(labels) {
    if (labels !== this.page?.labels) return;
    const { problem, pending, savedAt, source, file } = labels;
    const from = { split: `labels: those of the split`, none: "no labels yet", file: `labels: ${file}` }[source];
    const saved = savedAt && `saved ${savedAt.toLocaleTimeString()} · ${file}`;
    const words = (problem && `not saved: ${problem}`) || (pending && "saving …") || saved || from;
    this.status.className = `status ${problem ? "bad" : ""}`;
    this.status.title = problem || file;
    this.status.textContent = [this.pace.words, words].filter(Boolean).join(" · ");
  }
}

// What nobody caught is told; a refusal of the server is no fault of the page that its console should list.
addEventListener("unhandledrejection", (event) => {
  toast(event.reason.message, "bad");
  if (event.reason instanceof Refused) event.preventDefault();
});
getJson("/api/session")
  .then((session) => {
    window.app = new App(session); // for whoever looks into it with the browser's tools
  })
  .catch((error) => document.getElementById("page").replaceChildren(el("p.empty", error.message)));
