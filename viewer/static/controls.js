// The sliders: each model's threshold, the window of NMS or soft NMS, the tolerance. All numbers follow.

import { button, el } from "./dom.js";

const MOST = { window: 30, tolerance: 12 }; // frames; more can be typed

/** A bar of sliders that follows the settings until `signal` is aborted. */
export function controls(app, signal) {
  const { session, settings } = app;
  const many = session.models.length > 1;
  const parts = session.models.map((model, of) =>
    slider({
      name: many ? `${model.name}: threshold` : "Threshold",
      most: 1,
      step: 0.005,
      hint: `Predictions that score above it count. At first ${model.threshold.toFixed(3)}, ${model.threshold_from}`,
      read: () => settings.thresholds[of],
      write: (threshold) => settings.set({ threshold, of }),
      usual: () => settings.defaults.thresholds[of],
    }),
  );
  if (session.models.length) {
    parts.push(
      slider({
        name: "NMS window",
        most: MOST.window,
        unit: softSwitch(session, settings, signal),
        usual: () => session.defaults[settings.soft ? "soft_window" : "window"],
        hint:
          "Of predictions of a class so many frames from each other only the best is kept; " +
          "soft: the best lowers the scores of the others; 0 keeps all",
        read: () => settings.window,
        write: (window) => settings.set({ window }),
      }),
      slider({
        name: "Tolerance",
        most: MOST.tolerance,
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

function slider({ name, most, step = 1, unit, hint, read, write, usual }) {
  const decimals = step < 1 ? 3 : 0;
  const take = ({ value }) => {
    if (value !== "" && Number(value) >= 0) write(Math.min(1000, Number(Number(value).toFixed(decimals))));
  };
  const range = el("input", {
    type: "range",
    min: 0,
    max: most,
    step: decimals ? "any" : step,
    ariaLabel: name,
    on: { input: (event) => take(event.target), pointerup: (event) => event.target.blur() },
  });
  range.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -step, ArrowDown: -step, ArrowRight: step, ArrowUp: step }[event.key];
    if (!by || !decimals) return;
    event.preventDefault();
    write(Math.max(0, Math.min(most, Number((read() + by).toFixed(decimals)))));
  });
  const number = el("input", {
    type: "number",
    min: 0,
    max: decimals ? 1 : 1000,
    step,
    ariaLabel: `${name}, as a number`,
    on: { change: (event) => take(event.target) },
  });
  const reset = button("↺", "back to what is usual", () => write(usual()), { class: "quiet reset" });
  const update = () => {
    range.value = read();
    if (document.activeElement !== number) number.value = read().toFixed(decimals);
    reset.style.visibility = read() === usual() ? "hidden" : "";
  };
  update();
  const label = el("span.name", { text: name, title: name });
  const parts = [label, range, number, unit ? el("span.unit.of", unit) : null, reset];
  return { element: el("div.row.slider", { title: hint }, parts), update };
}
