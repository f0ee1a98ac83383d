// The signs on buttons, drawn: not every machine has letters for them.

import { svg } from "./dom.js";

const PATHS = {
  play: "M6 4L19 12L6 20Z",
  pause: "M6 4H10V20H6ZM14 4H18V20H14Z",
  back: "M15 5L8 12L15 19Z",
  on: "M9 5L16 12L9 19Z",
  back10: "M12 5L5 12L12 19ZM20 5L13 12L20 19Z",
  on10: "M4 5L11 12L4 19ZM12 5L19 12L12 19Z",
  previous: "M5 5H7.5V19H5ZM19 5L9 12L19 19Z",
  next: "M16.5 5H19V19H16.5ZM5 5L15 12L5 19Z",
  error: "M4 6L11 12L4 18ZM13 8.4L14.4 7L17 9.6L19.6 7L21 8.4L18.4 11L21 13.6L19.6 15L17 12.4L14.4 15L13 13.6L15.6 11Z",
  undo: "M9 4L3 9.5L9 15V11.5H14A3.5 3.5 0 0 1 14 18.5H8V21H14A6 6 0 0 0 14 8.5H9Z",
  redo: "M15 4L21 9.5L15 15V11.5H10A3.5 3.5 0 0 0 10 18.5H16V21H10A6 6 0 0 1 10 8.5H15Z",
  more: "M11 5H13V11H19V13H13V19H11V13H5V11H11Z",
  less: "M5 11H19V13H5Z",
  all: "M3 12L8 7V11H16V7L21 12L16 17V13H8V17Z",
};

export const glyph = (name) =>
  svg(
    "svg",
    { viewBox: "0 0 24 24", width: 18, height: 18, "aria-hidden": "true" },
    svg("path", { d: PATHS[name], fill: "currentColor" }),
  );
