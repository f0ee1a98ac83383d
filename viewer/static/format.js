// Numbers as text.

import { secondsOf } from "./stamps.js";

/** When a frame comes on display, as m:ss.mmm or h:mm:ss.mmm; "" where the frame rate is unknown. */
export function time(frame, video, decimals = 3) {
  return video.fps ? clock(secondsOf(frame, video), decimals) : "";
}

/** Seconds as m:ss.mmm or h:mm:ss.mmm. */
export function clock(total, decimals = 3) {
  const unit = 10 ** decimals;
  const ticks = Math.round(total * unit);
  const seconds = Math.floor(ticks / unit);
  const rest = decimals ? "." + String(ticks % unit).padStart(decimals, "0") : "";
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (n) => String(n).padStart(2, "0");
  return h ? `${h}:${two(m)}:${two(s)}${rest}` : `${m}:${two(s)}${rest}`;
}

/** A share as per cent with one decimal; a dash where there is none. */
export const percent = (share) => (share === null || share === undefined ? "–" : (100 * share).toFixed(1));

export const whole = (number) => number.toLocaleString("en-US");

export const plural = (number, noun) => `${whole(number)} ${noun}${number === 1 ? "" : "s"}`;

export const signed = (number) => (number > 0 ? `+${number}` : number < 0 ? `−${-number}` : "0");
