// The start of the page: reads what there is to look at, and shows what the address says.

import { Address } from "./address.js";
import { getJson } from "./api.js";
import { button, el, toast } from "./dom.js";
import { Keys } from "./keys.js";
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
    this.keys.always = [
      {
        title: "Everywhere",
        bindings: [
          { keys: ["?"], does: "these keys", run: () => this.keys.showHelp() },
          { keys: ["t"], does: "light, dark, or as the system", run: () => this.theme.next() },
          { keys: ["o"], does: "the overview", run: () => this.go(null) },
        ],
      },
    ];
    this.buildBar();
    addEventListener("popstate", () => this.route());
    addEventListener("hashchange", () => this.route());
    addEventListener("beforeunload", (event) => {
      if ([...this.labels.values()].some((labels) => labels.pending)) event.preventDefault();
    });
    this.route();
  }

  buildBar() {
    const { session, theme } = this;
    const what = `${session.name} · ${session.split ?? "labelling"}`;
    this.title = el("a.brand", {
      href: "#",
      title: `${session.dataset}: ${this.keys.hint("to the overview", "o")}`,
      text: what,
      on: {
        click: (event) => {
          event.preventDefault();
          this.go(null);
        },
      },
    });
    this.choose = el(
      "select",
      {
        ariaLabel: "video",
        title: "video",
        on: {
          change: (event) => {
            event.target.blur();
            this.go(event.target.value === "" ? null : Number(event.target.value));
          },
        },
      },
      el("option", { value: "", text: "Overview" }),
      session.videos.map(({ name }, i) => el("option", { value: i, text: name })),
    );
    this.besides = [
      button("‹", this.keys.hint("previous video", "PageUp"), () => this.beside(-1), { class: "quiet" }),
      button("›", this.keys.hint("next video", "PageDown"), () => this.beside(1), { class: "quiet" }),
    ];
    this.status = el("output.status");
    const look = button("", "", () => theme.next(), { class: "quiet" });
    const dress = () => {
      look.textContent = theme.sign;
      look.title = this.keys.hint(`light or dark: ${theme.words}`, "t");
    };
    theme.addEventListener("change", dress);
    dress();
    document.getElementById("bar").replaceChildren(
      this.title,
      this.besides[0],
      this.choose,
      this.besides[1],
      this.status,
      button("Export", "the labels as files for other tools", () => showExport(this), { class: "word" }),
      button("Train", "the commands that train on these labels", () => showTraining(this), { class: "word" }),
      look,
      button("?", this.keys.hint("keys", "?"), () => this.keys.showHelp(), { class: "quiet" }),
    );
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
    const { split } = this.session;
    const from = { split: `labels: those of the split`, none: "no labels yet", file: `labels: ${file}` }[source];
    this.status.className = `status ${problem ? "bad" : ""}`;
    this.status.title = problem || file;
    const words = problem
      ? `not saved: ${problem}`
      : pending
        ? "saving …"
        : savedAt
          ? `saved ${savedAt.toLocaleTimeString()} · ${file}`
          : split || source !== "none"
            ? from
            : "no labels yet";
    this.status.textContent = [this.pace.words, words].filter(Boolean).join(" · ");
  }
}

getJson("/api/session")
  .then((session) => {
    window.app = new App(session); // for whoever looks into it with the browser's tools
  })
  .catch((error) => document.getElementById("page").replaceChildren(el("p.empty", error.message)));
