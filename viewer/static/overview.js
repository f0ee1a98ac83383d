// The overview: the numbers of the split by model, its videos, and where predictions go wrong.

import { Latest, getJson } from "./api.js";
import { confusionMatrix, offsetHistogram, precisionRecall } from "./charts.js";
import { controls } from "./controls.js";
import { button, choice, el, toast } from "./dom.js";
import { clock, percent, plural, time, whole } from "./format.js";
import { F1_TITLES, Table, f1Row, plainRow, plainTable } from "./table.js";

const MANY = 4; // classes; more need more room

export class Overview {
  constructor(app) {
    const { session, settings } = app;
    Object.assign(this, { app, session, settings });
    this.ending = new AbortController();
    this.asking = new Latest(() => this.ask());
    this.truth = el("div.truth-of");
    this.cards = el("section.cards");
    this.charts = el("section", { class: `charts ${session.classes.length > MANY ? "many" : ""}` });
    this.cases = el("section.cases", { hidden: true });
    this.table = new Table(this.columns(), (row) => app.go(row.video));
    this.element = el(
      "div.overview",
      session.models.length ? el("div.sticky", controls(app, this.ending.signal), this.truth) : null,
      this.cards,
      el("h2", session.split ? "Videos" : "Videos to label"),
      this.table.element,
      this.charts,
      this.cases,
    );
    settings.addEventListener("change", () => this.update(), { signal: this.ending.signal });
    app.keys.use([{ title: "Overview", bindings: [{ keys: ["v"], does: "", run: () => {} }] }]);
    this.update();
  }

  update() {
    this.asking.call();
    if (!this.element.isConnected) return;
    this.app.address.follow(null);
  }

  async ask() {
    try {
      const [numbers, labels] = await Promise.all([
        getJson(`/api/overview?${this.settings.query()}`),
        getJson("/api/labels"),
      ]);
      this.draw(numbers, labels);
    } catch (error) {
      toast(error.message, "bad");
    }
  }

  draw(numbers, labels) {
    const { session } = this;
    this.drawTruth(labels);
    const judged = session.models.map((model, m) => ({ ...model, ...numbers.models[m], number: m }));
    const events = numbers.truths.flat().reduce((a, b) => a + b, 0);
    if (session.split) this.cards.replaceChildren(...judged.map((model) => this.card(model, events)));
    this.table.update(
      session.videos.map((video, i) => ({
        video: i,
        ...video,
        truths: numbers.truths[i],
        total: numbers.truths[i].reduce((a, b) => a + b, 0),
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
    this.truth.replaceChildren(
      el("span", `Labels of ${plural(differing.length, "video")} are not those of the split. Compare with`),
      el(
        "div.choice",
        against("split", `split ${this.session.split}`, "as eval.py does"),
        against(
          "labels",
          "the labels",
          "as they are now in the folder of labels; prepare_data.py --labels takes them into the split",
        ),
      ),
    );
  }

  card(model, events) {
    const { session, settings } = this;
    const all = model.f1.all;
    const figure = (name, value, hint, look = "") =>
      el("div", { class: `figure ${look}`, title: hint }, el("b", percent(value)), el("span", name));
    const tolerances = session.tolerances;
    const apRow = (name, precisions, average, look) => plainRow(name, [...precisions, average].map(percent), look);
    const names = session.classes.map(({ name }) => name);
    const within = settings.tolerance === 0 ? "on the frame" : `within ${plural(settings.tolerance, "frame")}`;
    const nms = settings.soft ? "soft NMS" : "NMS";
    return el(
      "article",
      { class: session.models.length === 1 && session.classes.length <= MANY ? "card lone" : "card" },
      el(
        "header",
        el("h2", model.name),
        el("span.file", model.file),
        el("span.file", `${plural(events, "true event")}`),
      ),
      el(
        "div.figures",
        figure("mAP", model.mean_mAP, `mean over tolerances ${tolerances.join(", ")}, after ${nms}`, "first"),
        figure(`mAP ${within}`, model.at.mAP, `at the tolerance of the slider, after ${nms}`),
        figure("F1", all.f1, `${within}, above the threshold`),
        figure("precision", all.precision, "of the predictions above the threshold, so many are right"),
        figure("recall", all.recall, "of the true events, so many were found"),
        model.team_mAP === null
          ? ""
          : [
              figure("Team mAP", model.team_mAP, `each side of a class as a class, after ${nms}, mean over tolerances`),
              figure("right side", model.side_accuracy, "of the right predictions above the threshold"),
            ],
      ),
      el(
        "div.tables",
        plainTable(
          ["", ...tolerances, "mean"],
          [
            names.map((name, k) => model.curves[k] && apRow(name, model.nms[k], mean(model.nms[k]))),
            apRow("mAP", model.mAP, model.mean_mAP, "sum"),
          ],
          "Average precision (%) by tolerance",
        ),
        plainTable(
          F1_TITLES,
          [names.map((name, k) => f1Row(name, model.f1.classes[k])), f1Row("all", all, "sum")],
          `Events scoring above ${settings.above(model.number)}, ${within}`,
        ),
      ),
    );
  }

  columns() {
    const { session } = this;
    const place = (row) => this.app.address.of(row.name, 0);
    const common = [
      {
        title: "Video",
        left: true,
        value: (row) => row.name,
        show: (row) =>
          el(
            "span",
            el("a", { href: place(row), text: row.name }),
            row.edited
              ? el("span.badge", { text: "labels changed", title: "the labels are not those of the split" })
              : null,
            row.has_frames ? null : el("span.badge", "no frames"),
          ),
      },
      {
        title: "Length",
        value: (row) => row.num_frames,
        show: (row) => (row.fps ? clock(row.num_frames / row.fps, 0) : "–"),
        hint: "at the video's rate",
      },
      { title: "Frames", value: (row) => row.num_frames, show: (row) => whole(row.num_frames) },
      { title: session.split ? "True events" : "Events", value: (row) => row.total, show: (row) => whole(row.total) },
    ];
    if (!session.split) {
      session.classes.forEach(({ name }, k) =>
        common.push({
          title: name,
          upright: session.classes.length > 5,
          value: (row) => row.truths[k],
          show: (row) => whole(row.truths[k]),
        }),
      );
      common.push(
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
          show: (row) =>
            ({ file: "file", split: "split", none: "none yet" })[row.source] +
            (row.labelled === null ? "" : `, ${percent(row.labelled / row.num_frames)} %`),
          hint: "where they come from, and how much of the video is labelled if not all",
        },
      );
    }
    return [...common, ...session.models.flatMap((model, m) => this.modelColumns(model, m))];
  }

  modelColumns({ name }, m) {
    const group = this.session.models.length > 1 ? name : undefined;
    const rate = (title, key, hint) => ({
      title,
      group,
      hint,
      value: (row) => (row.total || key === "precision" ? row.models[m][key] : null),
      show: (row) => (row.total || key === "precision" ? percent(row.models[m][key]) : "–"),
    });
    const predicted = (row) => row.models[m].tp + row.models[m].fp;
    const count = {
      title: "Predictions",
      group,
      value: predicted,
      show: (row) => whole(predicted(row)),
      hint: "above the threshold, after NMS",
    };
    if (this.session.split === null) return [count];
    return [
      count,
      rate("Precision", "precision"),
      rate("Recall", "recall"),
      rate("F1", "f1"),
      rate("mAP", "mAP", "at the tolerance of the slider, over the classes that occur in the video"),
    ];
  }

  drawWrong(models) {
    const { classes } = this.session;
    const many = models.length > 1;
    const each = (title, hint, draw) =>
      el(
        "article.chart",
        el("h2", title),
        el("p.hint", hint),
        el("div.panels", models.map((model, m) => el("div", many ? el("h3", model.name) : null, draw(model, m)))),
      );
    const open = (m) => (cell, title) => this.showCases(m, cell, title);
    this.charts.replaceChildren(
      el(
        "article.chart",
        el("h2", "Precision and recall"),
        el("p.hint", "Along falling scores; the ring is the threshold."),
        precisionRecall(classes, models),
      ),
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
    const { session } = this;
    try {
      const found = await getJson(`/api/cases?${query}`);
      const links = found.frame.map((frame, i) => {
        const video = session.videos[found.video[i]];
        return el(
          "li",
          el(
            "a",
            { href: this.app.address.of(video.name, frame) },
            el("span", video.name),
            el("b", ` ${frame}`),
            el("span.time", ` ${time(frame, video, 1)}`),
            found.score ? el("span.score", ` ${found.score[i].toFixed(2)}`) : null,
          ),
        );
      });
      const more = found.total > links.length ? `, the first ${links.length} of them here` : "";
      const close = button("Close", null, () => (this.cases.hidden = true));
      this.cases.replaceChildren(
        el(
          "header",
          el("h2", title + more),
          session.models.length > 1 ? el("span.file", session.models[model].name) : null,
          close,
        ),
        el("ol", links),
      );
      this.cases.hidden = false;
      this.cases.scrollIntoView({ block: "nearest", behavior: "smooth" });
    } catch (error) {
      toast(error.message, "bad");
    }
  }

  close() {
    this.ending.abort();
    this.element.remove();
  }
}

const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;
