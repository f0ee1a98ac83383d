// What the keys of a video's page do.

import { bind } from "./keys.js";
import { SPEEDS } from "./player.js";
import { skip } from "./shuttle.js";

// Of the classes in their order: as many as SoccerNet has. Letters that nothing else needs.
export const CLASS_KEYS = [..."123456789", ..."acdhqwyz"];

const MOUSE = [
  bind([], "zoom the picture, or the timeline", null, { shown: "wheel" }),
  bind([], "move what is zoomed in", null, { shown: "drag" }),
  bind([], "the whole picture again", null, { shown: "double click" }),
];

/** The keys of a video's page, as Keys takes them. */
export function bindings(page) {
  const { session } = page.scene;
  return [
    { title: "Looking", column: 0, bindings: looking(page) },
    { title: "Add on this frame", bindings: classes(page) },
    { title: "Mouse", bindings: MOUSE },
    { title: "Labelling", column: 2, bindings: [...editing(page), ...(session.models.length ? proposals(page) : [])] },
  ];
}

/** Keys that may be held down. */
const held = (keys, does, run) => bind(keys, does, run, { repeats: true });

/** Each of two keys, the first for one way and the second for the other. */
const pair = (back, on, does, run) => held([back, on], does, (key) => run(key === back ? -1 : 1));

function looking(page) {
  const { player, shuttle, stretch, scene, timeline } = page;
  const shuttling = { j: () => shuttle.backwards(), k: () => shuttle.stop(), l: () => shuttle.forwards() };
  const marking = { i: () => stretch.from(scene.frame), "Shift+i": () => stretch.to(scene.frame) };
  return [
    bind(" ", "play or stop", () => shuttle.toggle()),
    pair("ArrowLeft", "ArrowRight", "one frame back, on", (way) => player.step(way)),
    pair("Shift+ArrowLeft", "Shift+ArrowRight", "ten frames back, on", (way) => player.step(10 * way)),
    pair("Ctrl+ArrowLeft", "Ctrl+ArrowRight", "one second back, on", (way) => skip(player, way)),
    pair("Ctrl+Shift+ArrowLeft", "Ctrl+Shift+ArrowRight", "five seconds back, on", (way) => skip(player, 5 * way)),
    held(["j", "k", "l"], "play backwards, stop, play; again: faster; with K held: steps", (key) => shuttling[key]()),
    pair(",", ".", "slower, faster", (way) => changeSpeed(player, way)),
    bind(["Home", "End"], "first, last frame", (key) => player.seek(key === "Home" ? 0 : Infinity)),
    bind("g", "type a frame, 1234, or a time, 0:20", () => page.transport.number.select()),
    held(["p", "n", "ArrowUp", "ArrowDown"], "previous, next event of the list", (key) =>
      page.goNext(["p", "ArrowUp"].includes(key) ? -1 : 1),
    ),
    bind("/", "search the list", () => page.list.search.select()),
    pair("Shift+e", "e", "previous, next error or open proposal", (way) => page.goNext(way, true)),
    pair("PageUp", "PageDown", "previous, next video", (way) => page.app.beside(way)),
    bind(["i", "Shift+i"], "mark a stretch: its first, last frame here", (key) => marking[key]()),
    bind("r", "play it, or what is around, in a loop at 0.25×", () => stretch.loop()),
    held(["-", "+", "="], "timeline: more, fewer frames", (key) => timeline.zoom(key === "-" ? 2 : 0.5)),
    bind("0", "timeline: the whole video", () => timeline.showAll()),
    bind("v", scene.session.models.length > 1 ? "look at the next model" : "", () => page.nextModel()),
    bind("Escape", "select nothing, mark no stretch", () => page.letGo()),
  ];
}

/** A key for each class, and with Shift the same key for what is there already. */
function classes({ labelling, scene }) {
  const names = scene.session.classes.map(({ name }) => name).slice(0, CLASS_KEYS.length);
  const keys = CLASS_KEYS.slice(0, names.length);
  const relabel = (key) => labelling.relabel(names[keys.indexOf(key)]);
  return [
    ...keys.map((key, i) => bind(key, names[i], () => labelling.add(names[i]))),
    bind(keys, "make the event there one of it", relabel, { with: "Shift+", shown: "Shift + key" }),
  ];
}

function editing({ labelling }) {
  const there = "move the event on this frame, or the selected one, by one";
  return [
    pair("Alt+ArrowLeft", "Alt+ArrowRight", there, (way) => labelling.move(way)),
    pair("Alt+Shift+ArrowLeft", "Alt+Shift+ArrowRight", "move it by ten", (way) => labelling.move(10 * way)),
    bind("m", "move what is selected to this frame", () => labelling.moveHere()),
    bind("s", "its team: none, the one, the other", () => labelling.nextTeam()),
    bind("f", "type its fields: team, player, note, …", () => labelling.typeFields()),
    bind(["Delete", "Backspace"], "delete the event on this frame, or the selected one", () => labelling.remove()),
    held("Ctrl+z", "undo", () => labelling.undo()),
    held(["Ctrl+y", "Ctrl+Shift+z"], "do again", () => labelling.redo()),
    bind("b", "the marked stretch is labelled, even if nothing is there", () => labelling.finish()),
    bind("Shift+b", "the stretch here is not labelled after all", () => labelling.unfinish()),
  ];
}

function proposals({ labelling, app }) {
  return [
    bind("Enter", "accept the selected prediction; on to the next", () => labelling.accept()),
    bind("x", "reject it, which is learned from; on to the next", () => labelling.reject()),
    bind("Shift+Enter", "accept all predictions above the threshold", () => labelling.acceptAll()),
    bind("u", "what to label next: the stretch that would teach most", () => app.suggestions.next()),
  ];
}

function changeSpeed(player, by) {
  player.setSpeed(SPEEDS[Math.max(0, Math.min(SPEEDS.length - 1, SPEEDS.indexOf(player.speed) + by))]);
}
