// When each frame of a video is on display, and which frame a time shows.

import { below } from "./view.js";

const SLACK = 1e-6; // s; what rounding leaves of a time
const read = new WeakMap(); // the time stamps of videos of uneven rate

/** Seconds at which frames come on display; null where they come at one rate. `stamps` are those of video.json. */
function stampsOf(video) {
  if (!video.stamps) return null;
  if (!read.has(video)) {
    const { first, unit, steps } = video.stamps;
    const [over, under] = unit.split("/").map(Number);
    const seconds = new Float64Array(video.num_frames + 1);
    let [frame, ticks] = [0, 0];
    for (const word of steps.split(" ")) {
      const [step, times = 1] = word.split("x").map(Number);
      for (let k = 0; k < times; k++) {
        seconds[frame++] = first + (ticks * over) / under;
        ticks += step;
      }
    }
    seconds[frame] = first + (ticks * over) / under;
    read.set(video, seconds);
  }
  return read.get(video);
}

/** When a frame comes on display, in seconds. */
export function secondsOf(frame, video) {
  return stampsOf(video)?.[frame] ?? video.start + frame / video.fps;
}

/** The last frame that comes on display no later than a time, in seconds. */
export function frameAt(seconds, video) {
  const stamps = stampsOf(video);
  const last = video.num_frames - 1;
  const frame = stamps
    ? below(stamps, seconds + SLACK, (stamp) => stamp) - 1
    : Math.floor((seconds - video.start) * video.fps + 1e-6);
  return Math.max(0, Math.min(last, frame));
}
