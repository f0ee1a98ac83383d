// The pictures of the overview: precision-recall curves, the confusion matrix, the histogram of frame offsets.

import { button, el, svg } from "./dom.js";
import { percent, plural, signed } from "./format.js";

const DASHES = ["", "7 4", "2 3", "9 3 2 3"]; // of the first, second, ... model
const [LEFT, TOP, SIDE, BOTTOM] = [38, 8, 150, 34]; // px about and of a plot

/** Precision against recall, a panel for each class, a line for each model. `models`: [{name, curves, at}]. */
export function precisionRecall(classes, models) {
  const there = classes.map((c, i) => ({ ...c, i })).filter(({ i }) => models.some((model) => model.curves[i]));
  if (!there.length) return el("p.empty", "no true events to hold predictions against");
  return el(
    "div.panels",
    there.map(({ name, colour, i }) => {
      const plot = svg("svg", {
        viewBox: `0 0 ${LEFT + SIDE + 10} ${TOP + SIDE + BOTTOM}`,
        class: "plot",
        role: "img",
        "aria-label": `precision and recall of ${name}`,
      });
      plot.append(...axes());
      models.forEach(
        (model, m) => model.curves[i] && plot.append(...curve(model.curves[i], colour, DASHES[m % DASHES.length])),
      );
      return el(
        "figure",
        el("figcaption", el("span.chip", { colour, text: name })),
        plot,
        el(
          "ul.key",
          models.map(
            (model, m) =>
              model.curves[i] &&
              el(
                "li",
                svg(
                  "svg",
                  { width: 26, height: 8 },
                  svg("line", {
                    x1: 0,
                    x2: 26,
                    y1: 4,
                    y2: 4,
                    stroke: colour,
                    "stroke-width": 2.5,
                    "stroke-dasharray": DASHES[m % DASHES.length],
                  }),
                ),
                el("span", `${models.length > 1 ? `${model.name}: ` : ""}AP ${percent(model.at.classes[i])}`),
              ),
          ),
        ),
      );
    }),
  );
}

const px = (recall) => LEFT + recall * SIDE;
const py = (precision) => TOP + (1 - precision) * SIDE;

function axes() {
  const parts = [];
  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    parts.push(
      svg("line", { x1: px(0), x2: px(1), y1: py(share), y2: py(share), class: "grid" }),
      svg("line", { y1: py(0), y2: py(1), x1: px(share), x2: px(share), class: "grid" }),
      svg("text", { x: px(0) - 6, y: py(share) + 4, class: "tick end", text: 100 * share }),
      svg("text", { x: px(share), y: py(0) + 15, class: "tick middle", text: 100 * share }),
    );
  }
  parts.push(
    svg("text", { x: px(0.5), y: py(0) + 31, class: "axis middle", text: "recall (%)" }),
    svg("text", { class: "axis middle", transform: `translate(10 ${py(0.5)}) rotate(-90)`, text: "precision (%)" }),
  );
  return parts;
}

/** Each step of recall has the precision at its end; past the last the curve falls to 0. */
function curve({ recall, precision, at }, colour, dash) {
  const points = [];
  recall.forEach((r, i) => {
    points.push(`${px(i ? recall[i - 1] : 0)},${py(precision[i])}`, `${px(r)},${py(precision[i])}`);
  });
  if (recall.length) points.push(`${px(recall.at(-1))},${py(0)}`);
  const parts = [
    svg("polyline", {
      points: points.join(" "),
      fill: "none",
      stroke: colour,
      "stroke-width": 2.2,
      "stroke-dasharray": dash,
      "stroke-linejoin": "round",
    }),
  ];
  if (at) {
    const dot = svg("circle", { cx: px(at[0]), cy: py(at[1]), r: 5, stroke: colour, class: "threshold" });
    dot.append(svg("title", { text: `at the threshold: precision ${percent(at[1])}, recall ${percent(at[0])}` }));
    parts.push(dot);
  }
  return parts;
}

/** Rows: what an event is; columns: what it was taken for. `open({true, predicted})` shows those of a cell. */
export function confusionMatrix(classes, counts, open) {
  const names = [...classes.map(({ name }) => name), null];
  const last = names.length - 1;
  const title = (row, column) => {
    const number = plural(counts[row][column], "event");
    if (row === last) return `${number} predicted as ${names[column]} where nothing is`;
    return column === last
      ? `${number} of ${names[row]} missed`
      : `${number} of ${names[row]} predicted as ${names[column]}`;
  };
  const cell = (row, column) => {
    const count = counts[row][column];
    if (row === last && column === last) return el("td.none");
    const whole = counts[row].reduce((sum, n) => sum + n, 0);
    const opened = { true: row === last ? null : row, predicted: column === last ? null : column };
    const node = el(
      "td",
      { class: `cell ${row === column ? "right" : "wrong"} ${count ? "" : "zero"}`, title: title(row, column) },
      button(count || "·", null, () => open(opened, title(row, column)), { disabled: !count }),
    );
    node.style.setProperty(
      "--share",
      whole && row !== last ? (count / whole).toFixed(3) : Math.min(0.5, count / Math.max(1, whole) / 2).toFixed(3),
    );
    return node;
  };
  return el(
    "table",
    { class: `confusion ${names.length > 7 ? "dense" : ""}` },
    el(
      "thead",
      el("tr", el("td"), el("th.title", { colSpan: names.length, text: "predicted as" })),
      el("tr", el("td"), names.map((name) => el("th", { class: name ? "" : "none" }, el("span", name ?? "missed")))),
    ),
    el(
      "tbody",
      names.map((name, row) =>
        el(
          "tr",
          el("th", { text: name ?? "nothing there", class: name ? "" : "none", scope: "row" }),
          names.map((_, column) => cell(row, column)),
        ),
      ),
    ),
  );
}

/** By how many frames right predictions are off: a bar for each offset, in parts by class. */
export function offsetHistogram(classes, counts, open) {
  const reach = (counts[0].length - 1) / 2;
  const sums = counts[0].map((_, j) => counts.reduce((sum, row) => sum + row[j], 0));
  const [total, most] = [sums.reduce((a, b) => a + b, 0), Math.max(1, ...sums)];
  const mean = sums.reduce((sum, count, j) => sum + count * (j - reach), 0) / total; // frames
  const [width, height] = [260, 150];
  const bar = Math.min(46, width / sums.length);
  const left = (width - bar * sums.length) / 2;
  const plot = svg("svg", {
    viewBox: `0 0 ${width} ${height + 40}`,
    class: "plot",
    role: "img",
    "aria-label": "histogram of frame offsets",
  });
  plot.append(svg("line", { x1: 0, x2: width, y1: height, y2: height, class: "base" }));
  sums.forEach((sum, j) => {
    const [x, offset] = [left + j * bar, j - reach];
    let y = height;
    classes.forEach(({ name, colour }, k) => {
      const count = counts[k][j];
      const tall = (count / most) * (height - 18);
      y -= tall;
      if (!count) return;
      const part = svg("rect", {
        x: x + bar * 0.1,
        y,
        width: bar * 0.8,
        height: tall,
        fill: colour,
        class: "bar",
        on: { click: () => open({ true: k, predicted: k, offset }, barWords(name, offset, count)) },
      });
      part.append(svg("title", { text: barWords(name, offset, count) }));
      plot.append(part);
    });
    if (sum) plot.append(svg("text", { x: x + bar / 2, y: y - 4, class: "tick middle strong", text: sum }));
    if (reach <= 12 || offset % 5 === 0)
      plot.append(svg("text", { x: x + bar / 2, y: height + 15, class: "tick middle", text: signed(offset) }));
  });
  plot.append(
    svg("text", { x: width / 2, y: height + 33, class: "axis middle", text: "frames:  − too early,  + too late" }),
  );
  return el(
    "figure",
    plot,
    el(
      "figcaption.words",
      total
        ? `${percent(sums[reach] / total)} % on the frame; mean ${signed(Number(mean.toFixed(2)))} frames`
        : "no right predictions",
    ),
  );
}

function barWords(name, offset, count) {
  const where = offset ? `${plural(Math.abs(offset), "frame")} ${offset < 0 ? "early" : "late"}` : "on the frame";
  return `${plural(count, "right prediction")} of ${name} ${where}`;
}
