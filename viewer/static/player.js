// The frame, large: steps, plays at the video's speed, and can be looked at more closely with the wheel.

import { onDrag } from "./canvas.js";
import { el } from "./dom.js";
import { Frames } from "./frames.js";
import { frameAt, secondsOf } from "./stamps.js";

const USUAL_FPS = 25; // where the rate is unknown
export const SPEEDS = [0.1, 0.25, 0.5, 1, 2, 4];
const MOST_ZOOM = 16;
const LINES = [360, 540, 720, 1080]; // of pictures from video files: no more than the screen shows, or stepping takes long

/** Dispatches "frame" when another frame is the current one, and "play" when playing starts or ends. */
export class Player extends EventTarget {
  constructor(video, index) {
    super();
    this.video = video;
    this.pace = video.fps ? video : { ...video, fps: USUAL_FPS };
    this.frame = 0; // the current one; it is drawn as soon as it is here
    this.drawn = -1;
    this.likely = () => []; // (n) -> frames to which one may go from n
    this.over = () => {}; // (ctx, picture, its place) draws over the picture
    this.playing = false;
    this.speed = 1;
    this.place = { zoom: 1, x: 0.5, y: 0.5 }; // the part that is shown, by its middle
    this.canvas = el("canvas.frame", { tabIndex: -1 });
    this.note = el("p.note", { hidden: true });
    this.element = el("div.screen", this.canvas, this.note);
    this.frames = new Frames(
      video.num_frames,
      (n, lines) => `/frames/${index}/${n}.jpg?v=${video.stamp}${video.from_file ? `&lines=${lines}` : ""}`,
      (n) => this.arrived(n),
    );
    this.resizing = new ResizeObserver(() => this.show());
    this.sharpen();
    this.resizing.observe(this.element);
    this.lookCloser();
  }

  /** Have pictures of as many lines as are shown. */
  sharpen() {
    const shown = (this.element.clientHeight || LINES[0]) * devicePixelRatio * this.place.zoom;
    const lines = LINES.find((some) => some >= shown) ?? LINES.at(-1);
    if (lines === this.frames.lines) return;
    this.frames.lines = lines;
    if (this.drawn >= 0) this.frames.want(this.frame);
  }

  /** Make frame n the current one, within the video. */
  seek(n) {
    n = Math.max(0, Math.min(this.video.num_frames - 1, Math.round(n)));
    const moved = n - this.frame;
    this.frame = n;
    if (this.playing) {
      this.restart(n);
      this.frames.wantFrom(n);
    } else this.frames.want(n, Math.abs(moved) <= 10 ? moved || 1 : Math.sign(moved), this.likely(n));
    this.draw();
    if (moved) this.dispatchEvent(new Event("frame"));
  }

  step(by) {
    this.pause();
    this.seek(this.frame + by);
  }

  arrived(n) {
    const closer = Math.abs(n - this.frame) < Math.abs(this.drawn - this.frame);
    if (n === this.frame) this.draw();
    else if (closer && !this.playing && this.frames.get(n)) this.paint(n); // while a key is held down
  }

  /** Draw the current frame, if it is here. */
  draw() {
    const picture = this.frames.get(this.frame);
    if (picture) this.paint(this.frame);
    this.note.hidden = picture !== null;
    if (picture !== null) return;
    this.note.textContent = this.frames.reasons.get(this.frame);
    this.drawn = -1;
    this.canvas.getContext("2d").clearRect(0, 0, this.canvas.width, this.canvas.height);
  }

  paint(n) {
    const picture = this.frames.get(n);
    const { canvas } = this;
    const [width, height] = [this.element.clientWidth, this.element.clientHeight].map((s) =>
      Math.round(s * devicePixelRatio),
    );
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const ctx = canvas.getContext("2d", { alpha: false });
    const { zoom, x, y } = this.place;
    const scale = Math.min(width / picture.width, height / picture.height) * zoom;
    const [w, h] = [picture.width * scale, picture.height * scale];
    const left = w <= width ? (width - w) / 2 : Math.min(0, Math.max(width - w, width / 2 - x * w));
    const top = h <= height ? (height - h) / 2 : Math.min(0, Math.max(height - h, height / 2 - y * h));
    this.shown = { left, top, w, h };
    Object.assign(this.place, { x: (width / 2 - left) / w, y: (height / 2 - top) / h }); // as far as the edges let it
    ctx.imageSmoothingQuality = scale < 1 ? "high" : "medium";
    ctx.fillStyle = "#000";
    ctx.fillRect(0, 0, width, height);
    ctx.drawImage(picture, left, top, w, h);
    this.over(ctx, picture, this.shown);
    this.drawn = n;
    canvas.dataset.frame = n;
  }

  toggle() {
    if (this.playing) return this.pause();
    if (this.frame >= this.video.num_frames - 1) this.seek(0);
    this.playing = true;
    this.restart(this.frame);
    this.frames.wantFrom(this.frame);
    this.dispatchEvent(new Event("play"));
    return requestAnimationFrame((now) => this.tick(now));
  }

  pause() {
    if (!this.playing) return;
    this.playing = false;
    this.frames.want(this.frame);
    this.dispatchEvent(new Event("play"));
  }

  setSpeed(speed) {
    this.speed = speed;
    this.restart(this.frame);
    this.dispatchEvent(new Event("play"));
  }

  restart(n) {
    this.began = { seconds: secondsOf(n, this.pace), at: performance.now() };
  }

  /** Show the frame that is due, or the newest before it that is here: time goes on at its own pace. */
  tick(now) {
    if (!this.playing) return;
    const passed = (Math.max(0, now - this.began.at) / 1000) * this.speed;
    const last = this.video.num_frames - 1;
    const due = frameAt(this.began.seconds + passed, this.pace);
    const n = this.frames.newest(this.frame + 1, due);
    if (n > this.frame) {
      this.frame = n;
      this.draw();
      this.dispatchEvent(new Event("frame"));
    }
    this.frames.wantFrom(due);
    if (due === last && (this.frame === last || this.frames.get(last) === null)) this.pause();
    requestAnimationFrame((time) => this.tick(time));
  }

  /** The wheel zooms about the pointer, dragging moves the picture, a double click shows all of it. */
  lookCloser() {
    const { canvas, place } = this;
    const zoomIn = (event) => {
      event.preventDefault();
      if (!this.shown) return;
      const { left, top, w, h } = this.shown;
      const zoom = Math.max(1, Math.min(MOST_ZOOM, place.zoom * Math.exp(-event.deltaY * 0.002)));
      const at = [event.offsetX * devicePixelRatio, event.offsetY * devicePixelRatio];
      const grow = zoom / place.zoom;
      this.show({
        zoom,
        x: (at[0] - left) / w + (canvas.width / 2 - at[0]) / (w * grow),
        y: (at[1] - top) / h + (canvas.height / 2 - at[1]) / (h * grow),
      });
    };
    canvas.addEventListener("wheel", zoomIn, { passive: false });
    canvas.addEventListener("dblclick", () => this.show({ zoom: 1, x: 0.5, y: 0.5 }));
    onDrag(canvas, (down) => {
      let [x, y] = [down.clientX, down.clientY];
      const move = ({ clientX, clientY }) => {
        place.x -= ((clientX - x) * devicePixelRatio) / this.shown.w;
        place.y -= ((clientY - y) * devicePixelRatio) / this.shown.h;
        [x, y] = [clientX, clientY];
        this.draw();
      };
      return place.zoom > 1 && move;
    });
  }

  /** Show this part of the picture. */
  show(place) {
    Object.assign(this.place, place);
    this.sharpen();
    this.draw();
  }

  close() {
    this.playing = false;
    this.resizing.disconnect();
    this.frames.close();
  }
}
