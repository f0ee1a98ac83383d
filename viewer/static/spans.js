// Windows in frames or in seconds, which are other numbers of frames in videos of other rates.

import { plural } from "./format.js";

/** A window as the server takes it, "2" frames or "0.08s" seconds; null where a text is neither. */
export function spanOf(text) {
  const [, number, unit] = /^\s*(\d{0,4}(?:\.\d{0,3})?)\s*(s?)\s*$/.exec(text) ?? [null, "", ""];
  const value = number === "" || number === "." ? NaN : Number(number);
  const sound = unit ? value <= 10 : value <= 1000 && Number.isInteger(value);
  return sound ? `${value}${unit}` : null;
}

export const inSeconds = (window) => window.endsWith("s");

/** What a window in frames is in seconds, and the other way; from the least to the most of videos of several rates, ""
 * where a rate is not known. */
export function theOtherWay(window, videos) {
  const rates = videos.map(({ fps }) => fps);
  if (rates.includes(null)) return "";
  const value = Number.parseFloat(window);
  const measured = (fps) =>
    inSeconds(window) ? Math.floor(value * fps + 1e-6) : Number((value / fps).toPrecision(2));
  const ends = [Math.min(...rates), Math.max(...rates)].map(measured).sort((a, b) => a - b);
  if (ends[0] !== ends[1]) return `${ends[0]}–${ends[1]} ${inSeconds(window) ? "frames" : "s"}`;
  return inSeconds(window) ? plural(ends[1], "frame") : `${ends[1]} s`;
}

/** Both: "2 frames (0.08 s)". */
export function bothWays(window, videos) {
  const other = theOtherWay(window, videos);
  const own = inSeconds(window) ? `${Number.parseFloat(window)} s` : plural(Number(window), "frame");
  return other ? `${own} (${other})` : own;
}
