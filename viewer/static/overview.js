// The overview: the numbers of the split by model, its videos, and where predictions go wrong.

import { Latest, getJson } from "./api.js";
import { confusionMatrix, offsetHistogram, precisionRecall } from "./charts.js";
import { controls } from "./controls.js";
import { button, choice, el } from "./dom.js";
import { clock, percent, plural, time } from "./format.js";
import { bothWays } from "./spans.js";
import { F1_TITLES, Table, f1Row, plainRow, plainTable } from "./table.js";

const MANY = 4; // classes; more need more room

export class Overview {
  constructor(app) {
    const { session, settings } = app;
    Object.assign(this, { app, session, settings });
    this.ending = new AbortController();
    this.refresh = new Latest(() => this.read());
    this.truth = el("div.row.truth-of");
    this.cards = el("section.cards");
    this.charts = el("section", { class: `charts ${session.classes.length > MANY ? "many" : ""}` });
    this.cases = el("section.cases", { hidden: true });
    this.table = new Table(this.columns(), (row) => app.go(row.video));
    this.element = el(
      "div.overview",
      session.models.length ? el("div.wrap.sticky", controls(app, this.ending.signal), this.truth) : null,
      this.cards,
      session.split ? el("h2", "Videos") : null,
      this.table.element,
      this.charts,
      this.cases,
    );
    settings.addEventListener("change", () => this.update(), { signal: this.ending.signal });
    app.keys.groups = [];
    this.update();
  }

  update() {
    this.refresh.call();
    if (this.element.isConnected) this.app.address.follow(null);
  }

  async read() {
    const addresses = [`/api/overview?${this.settings.query()}`, "/api/labels"];
    this.draw(...(await Promise.all(addresses.map(getJson))));
  }

  draw(numbers, labels) {
    const { session } = this;
    this.drawTruth(labels);
    const judged = session.models.map((model, m) => ({ ...model, ...numbers.models[m], number: m }));
    const events = sum(numbers.truths.flat());
    if (session.split) this.cards.replaceChildren(...judged.map((model) => this.card(model, events)));
    this.table.columns = this.columns(); // a title has the tolerance
    this.table.draw(
      session.videos.map((video, i) => ({
        video: i,
        ...video,
        truths: numbers.truths[i],
        total: sum(numbers.truths[i]),
        models: judged.map((model) => model.videos[i]),
        edited: labels.differing.includes(i),
        source: labels.sources[i],
        labelled: labels.labelled[i],
        last: labels.last[i],
      })),
    );
    if (session.split && judged.length) this.drawWrong(judged); // labels that are not finished say nothing of a model
  }

  /** Against what predictions are held, where the labels have been changed and the split has not. */
  drawTruth({ differing }) {
    this.truth.hidden = !this.session.split || (!differing.length && this.settings.truth === "split");
    if (this.truth.hidden) return;
    const against = (truth, text, title) =>
      choice(text, title, this.settings.truth === truth, () => this.settings.set({ truth }));
    const now = "as they are now in the folder of labels; prepare_data.py --labels takes them into the split";
    const split = against("split", `split ${this.session.split}`, "as eval.py does");
    this.truth.replaceChildren(
      el("span", `Labels of ${plural(differing.length, "video")} are not those of the split. Compare with`),
      el("div.choice", split, against("labels", "the labels", now)),
    );
  }

  card(model, events) {
    const { session, settings } = this;
    const all = model.f1.all;
    const figure = (name, value, hint, look = "") =>
      el("div", { class: `figure ${look}`, title: hint }, el("b", percent(value)), el("span.of", name));
    const tolerances = session.tolerances;
    const apRow = (name, precisions, average, look) => plainRow(name, [...precisions, average].map(percent), look);
    const names = session.classes.map(({ name }) => name);
    const within = settings.tolerance === 0 ? "on the frame" : `within ${plural(settings.tolerance, "frame")}`;
    const nms = `${settings.soft ? "soft NMS" : "NMS"}, window ${bothWays(settings.window, session.videos)}`;
    const lone = session.models.length === 1 && session.classes.length <= MANY;
    const sides = [
      figure("Team mAP", model.team_mAP, `each side of a class as a class, after ${nms}, mean over tolerances`),
      figure("right side", model.side_accuracy, "of the right predictions above the threshold"),
    ];
    const precisions = names.map((name, k) => {
      const known = model.nms[k];
      return model.curves[k] && apRow(name, known, sum(known) / known.length);
    });
    const rates = names.map((name, k) => f1Row(name, model.f1.classes[k]));
    return el(
      "article.card",
      { class: lone ? "lone" : "" },
      el("header", el("h2", model.name), el("span.of", model.file), el("span.of", plural(events, "true event"))),
      el(
        "div.wrap.figures",
        figure("mAP", model.mean_mAP, `mean over tolerances ${tolerances.join(", ")}, after ${nms}`, "first"),
        figure(`mAP ${within}`, model.at.mAP, `at the tolerance of the slider, after ${nms}`),
        figure("F1", all.f1, `${within}, above the threshold`),
        figure("precision", all.precision, "of the predictions above the threshold, so many are right"),
        figure("recall", all.recall, "of the true events, so many were found"),
        model.team_mAP === null ? null : sides,
      ),
      el(
        "div.wrap.tables",
        plainTable(
          ["", ...tolerances, "mean"],
          [precisions, apRow("mAP", model.mAP, model.mean_mAP, "sum")],
          "Average precision (%) by tolerance",
        ),
        plainTable(
          F1_TITLES,
          [rates, f1Row("all", all, "sum")],
          `Events scoring above ${settings.above(model.number)}, ${within}`,
        ),
      ),
    );
  }

  columns() {
    const { session } = this;
    const changed = { text: "labels changed", title: "the labels are not those of the split" };
    const nameOf = (row) => [
      el("a", { href: this.app.address.of(row.name, 0), text: row.name }),
      row.edited ? el("span.badge", changed) : null,
      row.has_frames ? null : el("span.badge", "no frames"),
    ];
    const sourceOf = (row) => {
      const share = row.labelled === null ? "" : `, ${percent(row.labelled / row.num_frames)} %`;
      return { file: "file", split: "split", none: "none yet" }[row.source] + share;
    };
    const common = [
      { title: "Video", left: true, value: (row) => row.name, show: nameOf },
      {
        title: "Length",
        value: (row) => row.num_frames,
        show: (row) => (row.fps ? clock(row.num_frames / row.fps, 0) : "–"),
        hint: "at the video's rate",
      },
      { title: "Frames", value: (row) => row.num_frames },
      { title: session.split ? "True events" : "Events", value: (row) => row.total },
    ];
    if (!session.split) {
      const upright = session.classes.length > 5;
      common.push(
        ...session.classes.map(({ name }, k) => ({ title: name, upright, value: (row) => row.truths[k] })),
        {
          title: "Last event",
          value: (row) => row.last,
          show: (row) => (row.last === null ? "–" : time(row.last, row, 0) || row.last),
          hint: "how far the labels go",
        },
        {
          title: "Labels",
          left: true,
          value: (row) => row.source,
          show: sourceOf,
          hint: "where they come from, and how much of the video is labelled if not all",
        },
      );
    }
    return [...common, ...session.models.flatMap((model, m) => this.modelColumns(model, m))];
  }

  modelColumns({ name }, m) {
    const group = this.session.models.length > 1 ? name : undefined;
    const rate = (title, key, hint) => {
      const value = (row) => (row.total || key === "precision" ? row.models[m][key] : null);
      return { title, group, hint, value, show: (row) => percent(value(row)) };
    };
    const predicted = (row) => row.models[m].tp + row.models[m].fp;
    const count = { title: "Predictions", group, value: predicted, hint: "above the threshold, after NMS" };
    if (this.session.split === null) return [count];
    return [
      count,
      rate("Precision", "precision"),
      rate("Recall", "recall"),
      rate("F1", "f1"),
      rate(`mAP within ${this.settings.tolerance}`, "mAP", "at the tolerance of the slider, over the classes that occur in the video"),
    ];
  }

  drawWrong(models) {
    const { classes } = this.session;
    const many = models.length > 1;
    const chart = (title, hint, plots) => el("article.chart", el("h2", title), el("p.of.hint", hint), plots);
    const panel = (draw) => (model, m) => el("div", many ? el("h3", model.name) : null, draw(model, m));
    const each = (title, hint, draw) => chart(title, hint, el("div.wrap.panels", models.map(panel(draw))));
    const open = (m) => (cell, title) => this.showCases(m, cell, title);
    const curves = precisionRecall(classes, models);
    this.charts.replaceChildren(
      chart("Precision and recall", "Along falling scores; the ring is the threshold.", curves),
      each("What is taken for what", "Rows: true events. A number leads to its events.", (model, m) =>
        confusionMatrix(classes, model.confusion, open(m)),
      ),
      each("How many frames right predictions are off", "A bar leads to its events.", (model, m) =>
        offsetHistogram(classes, model.offsets, open(m)),
      ),
    );
  }

  /** List where the events of a cell or bar are, each a link to its frame. */
  async showCases(model, cell, title) {
    const query = this.settings.query();
    query.set("model", model);
    for (const [key, value] of Object.entries(cell)) if (value !== null && value !== undefined) query.set(key, value);
    const { models, videos } = this.session;
    const found = await getJson(`/api/cases?${query}`);
    const links = found.frame.map((frame, i) => {
      const video = videos[found.video[i]];
      const score = found.score ? ` ${found.score[i].toFixed(2)}` : "";
      const words = [el("b", ` ${frame}`), el("span.of", ` ${time(frame, video, 1)}${score}`)];
      return el("li", el("a", { href: this.app.address.of(video.name, frame) }, video.name, words));
    });
    const more = found.total > links.length ? `, the first ${links.length} of them here` : "";
    const close = button("Close", null, () => (this.cases.hidden = true));
    const name = models.length > 1 ? el("span.of", models[model].name) : null;
    this.cases.replaceChildren(el("header.row", el("h2", title + more), name, close), el("ol", links));
    this.cases.hidden = false;
    this.cases.scrollIntoView({ block: "nearest", behavior: "smooth" });
  }

  close() {
    this.ending.abort();
    this.element.remove();
  }
}

const sum = (values) => values.reduce((a, b) => a + b, 0);
