// The sliders: each model's threshold, the window of NMS or soft NMS, the tolerance. All numbers follow.

import { button, el, toast } from "./dom.js";
import { inSeconds, spanOf, theOtherWay } from "./spans.js";

// how far a slider goes, by which steps, and up to what can be typed
const SHARE = { most: 1, step: 0.005, decimals: 3, limit: 1 };
const FRAMES = { most: 30, step: 1, decimals: 0, limit: 1000 };
const SECONDS = { most: 1.2, step: 0.01, decimals: 3, limit: 10 };

/** A bar of sliders that follows the settings until `signal` is aborted. */
export function controls(app, signal) {
  const { session, settings } = app;
  const many = session.models.length > 1;
  const parts = session.models.map((model, of) =>
    slider({
      name: many ? `${model.name}: threshold` : "Threshold",
      scale: () => SHARE,
      hint:
        "Predictions that score above it count; those below 0.01 are not kept, so that less shows no more. " +
        `At first ${model.threshold.toFixed(3)}, ${model.threshold_from}`,
      read: () => settings.thresholds[of],
      write: (threshold) => settings.set({ threshold, of }),
      usual: () => settings.defaults.thresholds[of],
    }),
  );
  if (session.models.length) {
    parts.push(
      nmsSlider(session, settings, signal),
      slider({
        name: "Tolerance",
        scale: () => ({ ...FRAMES, most: 12 }),
        unit: "frames",
        usual: () => settings.defaults.tolerance,
        hint: "By so many frames a right prediction may be off",
        read: () => settings.tolerance,
        write: (tolerance) => settings.set({ tolerance }),
      }),
    );
  }
  settings.addEventListener("change", () => parts.forEach((part) => part.update()), { signal });
  return el("div.wrap", { class: `controls ${many ? "many" : ""}` }, parts.map((part) => part.element));
}

/** The window in frames, or in seconds where they are typed; the name says what it is in the other. */
function nmsSlider(session, settings, signal) {
  const seconds = () => inSeconds(settings.window);
  const type = (text) => {
    const window = spanOf(text);
    const unknown = session.videos.some(({ fps }) => fps === null);
    if (window === null) toast(`${text}: give frames, such as 2, or seconds, such as 0.08s`, "bad");
    else if (inSeconds(window) && unknown) toast("the rate of a video is not known: give frames", "bad");
    else settings.set({ window });
  };
  return slider({
    name: "NMS window",
    saying: () => {
      const other = theOtherWay(settings.window, session.videos);
      return other ? `NMS ± ${other}` : "NMS window";
    },
    scale: () => (seconds() ? SECONDS : FRAMES),
    unit: softSwitch(session, settings, signal),
    usual: () => session.defaults[settings.soft ? "soft_window" : "window"],
    hint:
      "Of predictions of a class at most so far from each other only the best is kept; " +
      "soft: the best lowers the scores of the others; 0 keeps all. " +
      "Frames, or with s behind it, 0.08s, seconds at the rate of each video",
    read: () => Number.parseFloat(settings.window),
    text: () => settings.window,
    write: (number) => settings.set({ window: `${number}${seconds() ? "s" : ""}` }),
    type,
  });
}

/** Soft NMS or NMS; each has its own usual window. */
function softSwitch({ defaults }, settings, signal) {
  const flip = (event) => {
    const soft = Number(event.target.checked);
    settings.set({ soft, window: defaults[soft ? "soft_window" : "window"] });
    event.target.blur();
  };
  const box = el("input", { type: "checkbox", checked: settings.soft === 1, on: { change: flip } });
  settings.addEventListener("change", () => (box.checked = settings.soft === 1), { signal });
  return el("label", box, "soft");
}

/**
 * A value as a slider and as a number. What is more than a number has `text()`, which `type(text)` sets, and it may have
 * a name that says more of it, `saying()`.
 */
function slider({ name, saying, scale, unit, hint, read, write, usual, text, type = write }) {
  const shown = text ?? (() => read().toFixed(scale().decimals));
  const take = (value) => {
    const { decimals, limit } = scale();
    if (value !== "" && Number(value) >= 0) write(Math.min(limit, Number(Number(value).toFixed(decimals))));
  };
  const range = el("input", {
    type: "range",
    min: 0,
    ariaLabel: name,
    on: { input: (event) => take(event.target.value), pointerup: (event) => event.target.blur() },
  });
  range.addEventListener("keydown", (event) => {
    const { most, step, decimals } = scale();
    const by = { ArrowLeft: -step, ArrowDown: -step, ArrowRight: step, ArrowUp: step }[event.key];
    if (!by || !decimals) return;
    event.preventDefault();
    write(Math.max(0, Math.min(most, Number((read() + by).toFixed(decimals)))));
  });
  const number = el("input", {
    type: text ? "text" : "number",
    min: 0,
    max: scale().limit,
    step: 10 ** -scale().decimals, // so that all that it shows is what a number may be
    ariaLabel: `${name}, as a number`,
    on: {
      change: ({ target }) => {
        (text ? type : take)(target.value);
        target.value = shown();
      },
    },
  });
  const reset = button("↺", "back to what is usual", () => type(usual()), { class: "quiet reset" });
  const label = el("span.name");
  const update = () => {
    const { most, step, decimals } = scale();
    Object.assign(range, { max: most, step: decimals ? "any" : step });
    range.value = read();
    if (document.activeElement !== number) number.value = shown();
    reset.style.visibility = (text ?? read)() === usual() ? "hidden" : "";
    label.title = label.textContent = saying ? saying() : name;
  };
  update();
  const parts = [label, range, number, unit ? el("span.unit.of", unit) : null, reset];
  return { element: el("div.row.slider", { title: hint }, parts), update };
}
