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
    "div.wrap.panels",
    there.map(({ name, colour, i }) => {
      const size = [LEFT + SIDE + 10, TOP + SIDE + BOTTOM];
      const look = (m) => ({ stroke: colour, "stroke-dasharray": DASHES[m % DASHES.length] });
      const drawn = models.map((model, m) => model.curves[i] && curve(model.curves[i], look(m)));
      const keys = models.map(
        (model, m) =>
          model.curves[i] &&
          el(
            "li.row",
            svg("svg", { width: 26, height: 8 }, line(0, 26, 4, 4, { "stroke-width": 2.5, ...look(m) })),
            el("span", `${models.length > 1 ? `${model.name}: ` : ""}AP ${percent(model.at.classes[i])}`),
          ),
      );
      return el(
        "figure",
        el("figcaption", el("span.chip", { colour, text: name })),
        newPlot(size, `precision and recall of ${name}`, [axes(), drawn]),
        el("ul.key", keys),
      );
    }),
  );
}

const newPlot = ([width, height], label, parts) =>
  svg("svg", { viewBox: `0 0 ${width} ${height}`, class: "plot", role: "img", "aria-label": label }, parts);

const line = (x1, x2, y1, y2, look) => svg("line", { x1, x2, y1, y2, ...look });

const words = (x, y, look, text) => svg("text", { x, y, class: look, text });

const px = (recall) => LEFT + recall * SIDE;
const py = (precision) => TOP + (1 - precision) * SIDE;

function axes() {
  const parts = [];
  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    parts.push(
      line(px(0), px(1), py(share), py(share), { class: "grid" }),
      line(px(share), px(share), py(0), py(1), { class: "grid" }),
      words(px(0) - 6, py(share) + 4, "end", 100 * share),
      words(px(share), py(0) + 15, "middle", 100 * share),
    );
  }
  parts.push(
    words(px(0.5), py(0) + 31, "middle", "recall (%)"),
    svg("text", { class: "middle", transform: `translate(10 ${py(0.5)}) rotate(-90)`, text: "precision (%)" }),
  );
  return parts;
}

/** Each step of recall has the precision at its end; past the last the curve falls to 0. */
function curve({ recall, precision, at }, look) {
  const points = recall.flatMap((r, i) => [px(recall[i - 1] ?? 0), py(precision[i]), px(r), py(precision[i])]);
  if (recall.length) points.push(px(recall.at(-1)), py(0));
  const shape = { points: points.join(" "), fill: "none", "stroke-width": 2.2, "stroke-linejoin": "round" };
  const steps = svg("polyline", { ...shape, ...look });
  if (!at) return steps;
  const title = svg("title", { text: `at the threshold: precision ${percent(at[1])}, recall ${percent(at[0])}` });
  const place = { cx: px(at[0]), cy: py(at[1]), r: 5 };
  return [steps, svg("circle", { ...place, stroke: look.stroke, class: "threshold" }, title)];
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
    const share = count / Math.max(1, sumOf(counts[row])) / (row === last ? 2 : 1); // of what is not there it says less
    const opened = { true: row === last ? null : row, predicted: column === last ? null : column };
    const node = el(
      `td.cell.${row === column ? "right" : "wrong"}`,
      { class: count ? "" : "zero", title: title(row, column) },
      button(count || "·", null, () => open(opened, title(row, column)), { disabled: !count }),
    );
    node.style.setProperty("--share", share.toFixed(3));
    return node;
  };
  const look = (name) => ({ class: name ? "" : "none" });
  const rows = names.map((name, row) =>
    el("tr", el("th", { scope: "row", ...look(name) }, name ?? "nothing there"), names.map((_, column) => cell(row, column))),
  );
  return el(
    "table.confusion",
    { class: names.length > 7 ? "dense" : "" },
    el(
      "thead",
      el("tr", el("td"), el("th.title", { colSpan: names.length, text: "predicted as" })),
      el("tr", el("td"), names.map((name) => el("th", look(name), el("span", name ?? "missed")))),
    ),
    el("tbody", rows),
  );
}

const sumOf = (counts) => counts.reduce((a, b) => a + b, 0);

/** By how many frames right predictions are off: a bar for each offset, in parts by class. */
export function offsetHistogram(classes, counts, open) {
  const reach = (counts[0].length - 1) / 2;
  const sums = counts[0].map((_, j) => sumOf(counts.map((row) => row[j])));
  const [total, most] = [sumOf(sums), Math.max(1, ...sums)];
  const mean = sumOf(sums.map((count, j) => count * (j - reach))) / total; // frames
  const [width, height] = [260, 150];
  const bar = Math.min(46, width / sums.length);
  const left = (width - bar * sums.length) / 2;
  const parts = [
    line(0, width, height, height, { class: "base" }),
    words(width / 2, height + 33, "middle", "frames:  − too early,  + too late"),
  ];
  sums.forEach((sum, j) => {
    const [x, offset] = [left + j * bar, j - reach];
    let y = height;
    classes.forEach(({ name, colour }, k) => {
      const count = counts[k][j];
      const tall = (count / most) * (height - 18);
      y -= tall;
      if (!count) return;
      const text = barWords(name, offset, count);
      const place = { x: x + bar * 0.1, y, width: bar * 0.8, height: tall, fill: colour, class: "bar" };
      const click = () => open({ true: k, predicted: k, offset }, text);
      parts.push(svg("rect", { ...place, on: { click } }, svg("title", { text })));
    });
    if (sum) parts.push(words(x + bar / 2, y - 4, "middle strong", sum));
    if (reach <= 12 || offset % 5 === 0) parts.push(words(x + bar / 2, height + 15, "middle", signed(offset)));
  });
  const caption = total
    ? `${percent(sums[reach] / total)} % on the frame; mean ${signed(Number(mean.toFixed(2)))} frames`
    : "no right predictions";
  const plot = newPlot([width, height + 40], "histogram of frame offsets", parts);
  return el("figure", plot, el("figcaption.of.words", caption));
}

function barWords(name, offset, count) {
  const where = offset ? `${plural(Math.abs(offset), "frame")} ${offset < 0 ? "early" : "late"}` : "on the frame";
  return `${plural(count, "right prediction")} of ${name} ${where}`;
}
