// When each frame of a video is on display, and which frame a time shows.

const read = new WeakMap(); // the time stamps of videos of uneven rate

/** Seconds at which frames come on display; null where they come at one rate. `stamps` are those of video.json. */
function stampsOf(video) {
  if (!video.stamps) return null;
  if (!read.has(video)) {
    const { first, unit, steps } = video.stamps;
    const [above, below] = unit.split("/").map(Number);
    const seconds = new Float64Array(video.num_frames + 1);
    let [frame, ticks] = [0, 0];
    for (const word of steps.split(" ")) {
      const [step, times = 1] = word.split("x").map(Number);
      for (let k = 0; k < times; k++) {
        seconds[frame++] = first + (ticks * above) / below;
        ticks += step;
      }
    }
    seconds[frame] = first + (ticks * above) / below;
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
  if (!stamps) return Math.max(0, Math.min(last, Math.floor((seconds - video.start) * video.fps + 1e-6)));
  let [low, high] = [0, last];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (stamps[middle] <= seconds + 1e-6) low = middle;
    else high = middle - 1;
  }
  return low;
}
