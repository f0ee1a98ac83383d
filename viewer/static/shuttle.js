// Ways to go about in a video beside steps: by seconds, J K L as editing programs have them, and a stretch in a loop.

import { frameAt, secondsOf } from "./stamps.js";

const FASTEST = 4; // times the video's speed
const LOOP_SPEED = 0.25;
const AROUND = 1; // s to either side of the current frame: what is played in a loop where no stretch is marked

/** Go on by seconds, or back. */
export function skip(player, seconds) {
  player.pause();
  player.seek(frameAt(secondsOf(player.frame, player.pace) + seconds, player.pace));
}

/** J plays backwards, L forwards, each faster when pressed again; K stops, and while it is held down they are steps. */
export class Shuttle {
  constructor(player, signal) {
    this.player = player;
    this.back = 0; // how fast it plays backwards
    this.held = false; // whether K is
    addEventListener("keyup", () => (this.held = false), { signal });
  }

  stop() {
    this.held = true;
    this.back = 0;
    this.player.pause();
    this.player.setSpeed(1);
  }

  /** Play or stop, whichever way it plays. */
  toggle() {
    if (this.back) this.back = 0;
    else this.player.toggle();
  }

  forwards() {
    const { player } = this;
    this.back = 0;
    if (this.held) player.step(1);
    else if (player.playing) player.setSpeed(Math.min(FASTEST, player.speed * 2));
    else player.toggle();
  }

  backwards() {
    const { player } = this;
    player.pause();
    if (this.held) return player.step(-1);
    const begins = !this.back;
    this.back = Math.min(FASTEST, this.back ? this.back * 2 : 1);
    this.began = { seconds: secondsOf(player.frame, player.pace), at: performance.now() };
    this.at = player.frame;
    return begins && requestAnimationFrame((now) => this.tick(now));
  }

  /** Show the frame that is due, if the last one has been drawn; whatever else moves the frame ends it. */
  tick(now) {
    const { player } = this;
    if (player.frame !== this.at || player.playing) this.back = 0;
    if (!this.back) return;
    const passed = (Math.max(0, now - this.began.at) / 1000) * this.back;
    const due = frameAt(this.began.seconds - passed, player.pace);
    if (due < player.frame && player.drawn === player.frame) {
      this.at = due;
      player.seek(due);
    }
    if (this.at > 0) requestAnimationFrame((time) => this.tick(time));
    else this.back = 0;
  }
}

/** A stretch of the video that is marked, and played in a loop. */
export class Stretch {
  /** `changed` is called when it is another. */
  constructor(player, changed) {
    Object.assign(this, { player, changed });
    this.range = null; // [first, last] frame
    this.why = "";
    this.looping = null; // the same while it is played
    player.addEventListener("frame", () => this.turn());
  }

  /** `why`: in words, where somebody wants to know. */
  mark(range, why = "") {
    Object.assign(this, { range, why });
    this.end();
    this.changed();
  }

  /** Have it begin, or end, at the current frame. */
  from(frame) {
    this.mark([frame, Math.max(frame, this.range?.[1] ?? frame)]);
  }

  to(frame) {
    this.mark([Math.min(frame, this.range?.[0] ?? frame), frame]);
  }

  /** Play the stretch, or what is around the current frame, again and again; or end that. */
  loop() {
    const { player } = this;
    if (this.looping) {
      player.pause();
      return this.end();
    }
    const at = secondsOf(player.frame, player.pace);
    const around = [at - AROUND, at + AROUND].map((seconds) => frameAt(seconds, player.pace));
    this.usual = player.speed;
    this.looping = this.range ?? around;
    player.seek(this.looping[0]);
    player.setSpeed(LOOP_SPEED);
    if (!player.playing) player.toggle();
    return this.changed();
  }

  turn() {
    const { player, looping } = this;
    if (!looping || !player.playing) return;
    const last = Math.min(looping[1], player.video.num_frames - 2); // at the video's last frame playing ends
    if (player.frame > last || player.frame < looping[0]) player.seek(looping[0]);
  }

  end() {
    if (!this.looping) return;
    this.looping = null;
    this.player.setSpeed(this.usual);
    this.changed();
  }
}
