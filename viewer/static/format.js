// Numbers as text.

import { frameAt, secondsOf } from "./stamps.js";

const ROUNDED = 0.001; // s, by which a time that was read off is less than the frame's

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

/** The frame that a person means: by its number, "1234" or "f1234", or by a time, "0:20", "1:02:03.5" or "20 s"; past the
 * end num_frames or more; null where it is neither, or nothing tells the times of the video. */
export function frameMeant(text, video) {
  const number = /^\s*f?\s*(\d+)\s*$/i.exec(text);
  if (number) return Number(number[1]);
  const found = /^\s*(?:(?:(\d+):)?(\d+):(\d\d?(?:[.,]\d*)?)|(\d+(?:[.,]\d*)?)\s*s)\s*$/.exec(text);
  if (!found || !video.fps) return null;
  const [h, m, s] = [found[1] ?? 0, found[2] ?? 0, (found[3] ?? found[4]).replace(",", ".")].map(Number);
  const seconds = 3600 * h + 60 * m + s + ROUNDED;
  return seconds < secondsOf(video.num_frames, video) ? frameAt(seconds, video) : video.num_frames;
}
