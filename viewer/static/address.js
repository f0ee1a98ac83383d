// The part of the address after #, by which a place can be shared: #video=...&frame=...

const PAUSE = 300; // ms; browsers refuse to have an address changed much more often than that

export class Address {
  constructor(settings) {
    this.settings = settings;
    this.timer = null;
  }

  /** What the address bar says now. */
  read() {
    const stated = new URLSearchParams(location.hash.slice(1));
    return { video: stated.get("video"), frame: Number.parseInt(stated.get("frame") ?? "0", 10) || 0, stated };
  }

  /** The address of a frame, or of the overview where `video` is null, with the settings that are not the usual. */
  of(video, frame) {
    const place = video === null ? {} : { video, frame };
    const parts = Object.entries({ ...place, ...this.settings.differing() });
    return "#" + parts.map(([key, value]) => `${key}=${encodeURIComponent(value)}`).join("&");
  }

  /** Go there in a way that the back button undoes. */
  push(video, frame) {
    clearTimeout(this.timer);
    if (this.of(video, frame) !== location.hash) history.pushState(null, "", this.of(video, frame));
  }

  /** Have the address bar follow. */
  follow(video, frame) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => history.replaceState(null, "", this.of(video, frame)), PAUSE);
  }

  cancel() {
    clearTimeout(this.timer);
  }
}
