// The pictures of a video: fetched ahead, decoded off the page's thread, kept while memory allows.

const BYTES = 320 * 2 ** 20; // of decoded pictures: 38 of 1080 lines
const AT_ONCE = 5; // a browser opens six connections to one server, and labels need one
const PAUSE = 50; // ms before a frame that view.py gave up for another one is asked for again

export class Frames {
  /** `address(n, lines)` is where frame n is; `arrived(n)` is called when it can be drawn or is found missing. */
  constructor(numFrames, address, arrived) {
    Object.assign(this, { numFrames, address, arrived });
    this.pictures = new Map(); // n -> ImageBitmap, the one used longest ago first; null for a missing one
    this.reasons = new Map(); // n -> why it is missing
    this.lines = Infinity; // that pictures need to have, as far as their video has them
    this.sharpness = new Map(); // n -> the lines that its picture was asked for with
    this.shown = 0; // the frame that is looked at; view.py reads ahead from there
    this.loading = new Map(); // n -> AbortController
    this.queue = [];
    this.most = 64;
  }

  /** The picture of frame n: an ImageBitmap, null if there is none, undefined if it is not here yet. */
  get(n) {
    const picture = this.pictures.get(n);
    if (picture !== undefined) {
      this.pictures.delete(n);
      this.pictures.set(n, picture);
    }
    return picture;
  }

  /** Whether a picture is here with all the lines that it needs. */
  has(n) {
    return this.pictures.has(n) && (this.sharpness.get(n) ?? 0) >= this.lines;
  }

  /** The last frame from `first` to `last` that can be drawn at once; -1 where none can. */
  newest(first, last) {
    for (let n = last; n >= first; n--) if (this.pictures.get(n)) return n;
    return -1;
  }

  /**
   * Say what is needed: frame n first, then those that may be next: after more of the last step, one and ten frames
   * away, and `likely`. What is not among them is given up.
   */
  want(n, step = 1, likely = []) {
    this.shown = n;
    this.take([
      n,
      n + step,
      n + 2 * step,
      n - step,
      n + 1,
      n - 1,
      ...likely,
      n + 3 * step,
      n + 10,
      n - 10,
      n + 2,
      n - 2,
    ]);
  }

  /** Say that frames from n on are needed one after the other. Those on their way still come: where all come too late,
   * late ones are what there is to show. */
  wantFrom(n) {
    this.shown = n;
    this.queueUp(Array.from({ length: Math.min(30, this.most - 2) }, (_, i) => n + i));
  }

  take(frames) {
    this.queueUp(frames);
    for (const [k, abort] of this.loading) if (!this.queue.includes(k)) abort.abort();
  }

  queueUp(frames) {
    this.queue = [...new Set(frames)].filter((k) => k >= 0 && k < this.numFrames && !this.has(k));
    this.pump();
  }

  pump() {
    while (this.loading.size < AT_ONCE) {
      const next = this.queue.find((k) => !this.loading.has(k));
      if (next === undefined) return;
      this.load(next);
    }
  }

  async load(n) {
    const abort = new AbortController();
    const { lines } = this;
    this.loading.set(n, abort);
    try {
      const response = await fetch(this.address(n, lines), { signal: abort.signal, headers: { "X-Shown": this.shown } });
      if (response.status === 204) {
        this.queue = this.queue.filter((k) => k !== n);
        if (n === this.shown) setTimeout(() => n === this.shown && this.take([n, ...this.queue]), PAUSE);
      } else {
        if (!response.ok) this.reasons.set(n, (await response.json().catch(() => ({}))).error ?? response.statusText);
        this.keep(n, response.ok ? await createImageBitmap(await response.blob()) : null, lines);
      }
    } catch {
      // given up, or view.py does not answer: the next step asks again
      this.queue = this.queue.filter((k) => k !== n);
    }
    if (this.loading.get(n) === abort) this.loading.delete(n);
    this.queue = this.queue.filter((k) => !this.has(k));
    this.pump();
  }

  keep(n, picture, lines) {
    const before = this.pictures.get(n);
    if (before && this.sharpness.get(n) >= lines) return void picture?.close();
    before?.close();
    this.pictures.delete(n);
    this.pictures.set(n, picture);
    this.sharpness.set(n, lines);
    if (picture) this.most = Math.max(32, Math.min(1500, Math.floor(BYTES / (4 * picture.width * picture.height))));
    for (const [old, bitmap] of this.pictures) {
      if (this.pictures.size <= this.most) break;
      bitmap?.close();
      this.pictures.delete(old);
      this.sharpness.delete(old);
    }
    return this.arrived(n);
  }

  close() {
    this.queue = [];
    this.shown = -1;
    for (const abort of this.loading.values()) abort.abort();
    for (const bitmap of this.pictures.values()) bitmap?.close();
    this.pictures.clear();
  }
}
