// A table that is sorted by the column whose head is clicked.

import { button, el } from "./dom.js";
import { percent, whole } from "./format.js";

/** A table that stays as it is: a head of `titles`, and rows. */
export const plainTable = (titles, rows, caption) =>
  el(
    "table.plain",
    caption ? el("caption", caption) : null,
    el("thead", el("tr", titles.map((title) => el("th", title)))),
    el("tbody", rows),
  );

/** A row of it: its name and its cells, which are texts. */
export const plainRow = (name, cells, look) =>
  el("tr", { class: look }, el("th", name), cells.map((cell) => el("td", cell)));

export const F1_TITLES = ["", "precision", "recall", "F1", "right", "false", "missed"];

export const f1Row = (name, { precision, recall, f1, tp, fp, fn }, look) =>
  plainRow(name, [...[precision, recall, f1].map(percent), ...[tp, fp, fn].map(whole)], look);

export class Table {
  /**
   * `columns`: [{title, value(row), show(row) -> text or element, group, hint, left, upright}]; without `show` the
   * value is a number as it is. Numbers sort from the greatest on, text from A on; null sorts last. `open(row)` is
   * called for a row that is clicked.
   */
  constructor(columns, open) {
    Object.assign(this, { columns, open });
    this.by = { column: 0, down: false };
    this.rows = [];
    this.head = el("thead");
    this.body = el("tbody");
    this.element = el("div.table", el("table", this.head, this.body));
  }

  draw(rows = this.rows) {
    this.rows = rows;
    const { column, down } = this.by;
    const { value } = this.columns[column];
    const sorted = [...rows].sort((a, b) => {
      const [x, y] = [value(a), value(b)];
      if (x === null || y === null) return (x === null) - (y === null);
      const order = typeof x === "string" ? x.localeCompare(y, undefined, { numeric: true }) : x - y;
      return down ? -order : order;
    });
    this.head.replaceChildren(...this.groupRow(), el("tr", this.columns.map((c, i) => this.headCell(c, i))));
    this.body.replaceChildren(...sorted.map((row) => this.line(row)));
  }

  groupRow() {
    if (!this.columns.some(({ group }) => group)) return [];
    const cells = [];
    for (const { group } of this.columns) {
      if (cells.length && cells.at(-1).group === group) cells.at(-1).span++;
      else cells.push({ group, span: 1 });
    }
    const head = ({ group, span }) => el("th", { colSpan: span, class: group ? "of-model" : "" }, group);
    return [el("tr.groups", cells.map(head))];
  }

  headCell({ title, hint, left, upright }, i) {
    const chosen = i === this.by.column;
    const order = chosen ? (this.by.down ? "descending" : "ascending") : "none";
    const sort = () => {
      const text = this.rows.length && typeof this.columns[i].value(this.rows[0]) === "string";
      this.by = { column: i, down: chosen ? !this.by.down : !text };
      this.draw();
    };
    const arrow = chosen ? (this.by.down ? " ↓" : " ↑") : "";
    const look = left ? "left" : upright ? "upright" : "";
    return el("th", { ariaSort: order, class: look }, button(title + arrow, hint, sort));
  }

  line(row) {
    const cells = this.columns.map(({ value, show, left }) =>
      el("td", { class: left ? "left" : "" }, show ? show(row) : whole(value(row))),
    );
    return el("tr", { on: { click: (event) => event.target.closest("a") || this.open(row) } }, cells);
  }
}
