// The bars of buttons of a video's page, and its keys.

import { button, el } from "./dom.js";
import { time } from "./format.js";
import { glyph } from "./glyphs.js";
import { SPEEDS } from "./player.js";
import { SHAPES, icon } from "./shapes.js";

const sign = (name, title, act, props = {}) => {
  const node = button("", title, act, { ariaLabel: title, ...props });
  node.append(glyph(name));
  return node;
};

/** Steps, play, speed, and the number of the frame. */
export function transport(page) {
  const { player, video } = page;
  const play = sign("play", "play or stop (Space)", () => player.toggle(), { class: "play" });
  const number = el("input.counter", {
    type: "number",
    min: 0,
    max: video.num_frames - 1,
    ariaLabel: "frame",
    title: "frame (G to type one)",
    on: {
      change: (event) => {
        player.pause();
        player.seek(Number(event.target.value));
      },
    },
  });
  const clock = el("output.clock");
  const speed = el(
    "select",
    {
      title: "speed",
      ariaLabel: "speed",
      on: {
        change: (event) => {
          player.setSpeed(Number(event.target.value));
          event.target.blur();
        },
      },
    },
    SPEEDS.map((s) => el("option", { value: s, text: `${s}×`, selected: s === 1 })),
  );
  const end = `/ ${video.num_frames - 1}`;
  const update = () => {
    if (document.activeElement !== number) number.value = player.frame;
    clock.textContent = video.fps ? `${time(player.frame, video)} / ${time(video.num_frames - 1, video)}` : "";
    speed.value = String(player.speed);
    play.replaceChildren(glyph(player.playing ? "pause" : "play"));
  };
  update();
  const element = el(
    "div.transport",
    el(
      "div.group",
      sign("previous", "previous event (P)", () => page.goNext(-1)),
      sign("back10", "ten frames back (Shift + ←)", () => player.step(-10)),
      sign("back", "one frame back (←)", () => player.step(-1)),
      play,
      sign("on", "one frame on (→)", () => player.step(1)),
      sign("on10", "ten frames on (Shift + →)", () => player.step(10)),
      sign("next", "next event (N)", () => page.goNext(1)),
      page.scene.session.models.length
        ? sign("error", "next error (E)", () => page.goNext(1, true), { class: "error" })
        : null,
    ),
    el("div.group", el("span.of", "frame"), number, el("span.of", end), clock),
    el(
      "div.group",
      speed,
      video.fps
        ? el("span.of", `${+video.fps.toFixed(2)} fps`)
        : el("span.of", "rate unknown: 25 fps"),
    ),
  );
  return { element, update, number };
}

/** A button for each class, and what can be done to the selected event. */
export function labelBar(page) {
  const { labelling, labels, scene } = page;
  const classes = scene.session.classes.map(({ name, colour }, i) =>
    el(
      "button.class",
      {
        type: "button",
        colour,
        title: `add ${name} on this frame${i < 9 ? ` (${i + 1})` : ""}`,
        on: {
          click: (event) => {
            event.currentTarget.blur();
            labelling.add(name);
          },
        },
      },
      i < 9 ? el("kbd", i + 1) : null,
      el("span", name),
    ),
  );
  const undo = sign("undo", "undo (Ctrl + Z)", () => labelling.undo());
  const redo = sign("redo", "do again (Ctrl + Y)", () => labelling.redo());
  const update = () => {
    undo.disabled = !labels.done.length;
    redo.disabled = !labels.undone.length;
  };
  const accepting = [
    button("Accept", "make the selected prediction, or the one on this frame, an event (Enter)", () =>
      labelling.accept(),
    ),
    button("Accept all …", "make all predictions above the threshold events (Shift + Enter)", () =>
      labelling.acceptAll(),
    ),
  ];
  const element = el(
    "div.label-bar",
    el("div", { class: `group classes ${classes.length > 5 ? "many" : ""}` }, el("span.of", "Add"), classes),
    el(
      "div.group",
      button("Move here", "move the selected event to this frame (M)", () => labelling.moveHere()),
      button("Delete", "delete the selected event (Delete)", () => labelling.remove()),
      scene.session.models.length ? accepting : null,
      undo,
      redo,
    ),
  );
  update();
  return { element, update };
}

/** What the marks mean, and the zoom of the timeline. */
export function timelineBar(page) {
  const { session } = page.scene;
  const truth = session.models.length === 1 ? "found" : "label"; // to one model it may be found, to another missed
  const kinds = session.models.length ? [truth, "missed", "right", page.scene.verdicts.alone, "confused"] : [truth];
  return el(
    "div.timeline-bar",
    el("ul.legend", kinds.map((kind) => el("li", icon(kind), el("span", SHAPES[kind].means)))),
    el(
      "div.group",
      sign("less", "show more frames (−)", () => page.timeline.zoom(2)),
      sign("more", "show fewer frames (+)", () => page.timeline.zoom(0.5)),
      sign("all", "show the whole video (0)", () => page.timeline.showAll()),
    ),
  );
}

/** The keys of a video's page, as Keys takes them. */
export function bindings(page) {
  const { player, labelling, scene, timeline } = page;
  const names = scene.session.classes.slice(0, 9).map(({ name }) => name);
  const digits = names.map((_, i) => String(i + 1));
  const range = digits.length > 1 ? `1 – ${digits.length}` : "1";
  const looking = [
    { keys: [" "], does: "play or stop", run: () => player.toggle() },
    {
      keys: ["ArrowLeft", "ArrowRight"],
      does: "one frame back, on",
      repeats: true,
      run: (key) => player.step(key === "ArrowLeft" ? -1 : 1),
    },
    {
      keys: ["Shift+ArrowLeft", "Shift+ArrowRight"],
      does: "ten frames back, on",
      repeats: true,
      run: (key) => player.step(key.endsWith("Left") ? -10 : 10),
    },
    { keys: ["Home", "End"], does: "first, last frame", run: (key) => player.seek(key === "Home" ? 0 : Infinity) },
    {
      keys: ["p", "n", "ArrowUp", "ArrowDown"],
      does: "previous, next event of the list",
      repeats: true,
      run: (key) => page.goNext(["p", "ArrowUp"].includes(key) ? -1 : 1),
    },
    { keys: ["e"], does: "next error", repeats: true, run: () => page.goNext(1, true) },
    { keys: ["Shift+e"], does: "previous error", repeats: true, run: () => page.goNext(-1, true) },
    { keys: [",", "."], does: "slower, faster", run: (key) => changeSpeed(player, key === "," ? -1 : 1) },
    { keys: ["g"], does: "type the number of a frame", run: () => page.transport.number.select() },
    {
      keys: ["-", "+", "="],
      does: "timeline: more, fewer frames",
      repeats: true,
      run: (key) => timeline.zoom(key === "-" ? 2 : 0.5),
    },
    { keys: ["0"], does: "timeline: the whole video", run: () => timeline.showAll() },
    { keys: ["v"], does: scene.session.models.length > 1 ? "look at the next model" : "", run: () => page.nextModel() },
    { keys: ["Escape"], does: "select nothing", run: () => page.select(null) },
  ];
  const editing = [
    {
      keys: digits,
      shown: [range],
      does: `add an event on this frame: ${names.join(", ")}`,
      run: (key) => labelling.add(names[key - 1]),
    },
    {
      keys: digits.map((d) => `Shift+${d}`),
      shown: [`Shift+${range}`],
      does: "make it one of that class",
      run: (key) => labelling.relabel(names[key.at(-1) - 1]),
    },
    {
      keys: ["Alt+ArrowLeft", "Alt+ArrowRight"],
      does: "move the event on this frame, or the selected one, by one",
      repeats: true,
      run: (key) => labelling.move(key.endsWith("Left") ? -1 : 1),
    },
    {
      keys: ["Alt+Shift+ArrowLeft", "Alt+Shift+ArrowRight"],
      does: "move it by ten",
      repeats: true,
      run: (key) => labelling.move(key.endsWith("Left") ? -10 : 10),
    },
    { keys: ["m"], does: "move the selected event to this frame", run: () => labelling.moveHere() },
    {
      keys: ["Delete", "Backspace"],
      does: "delete the event on this frame, or the selected one",
      run: () => labelling.remove(),
    },
    { keys: ["Ctrl+z"], does: "undo", repeats: true, run: () => labelling.undo() },
    { keys: ["Ctrl+y", "Ctrl+Shift+z"], does: "do again", repeats: true, run: () => labelling.redo() },
  ];
  if (scene.session.models.length) {
    editing.push(
      {
        keys: ["Enter"],
        does: "accept the selected prediction, or the one on this frame",
        run: () => labelling.accept(),
      },
      { keys: ["Shift+Enter"], does: "accept all predictions above the threshold", run: () => labelling.acceptAll() },
    );
  }
  return [{ title: "Looking", bindings: looking }, { title: "Labelling", bindings: editing }];
}

function changeSpeed(player, by) {
  player.setSpeed(SPEEDS[Math.max(0, Math.min(SPEEDS.length - 1, SPEEDS.indexOf(player.speed) + by))]);
}
