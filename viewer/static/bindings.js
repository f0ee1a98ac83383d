// What the keys of a video's page do.

import { SPEEDS } from "./player.js";
import { skip } from "./shuttle.js";

// Of the classes in their order: as many as SoccerNet has. Letters that nothing else needs.
export const CLASS_KEYS = [..."123456789", ..."acdhqwyz"];

const MOUSE = [
  { shown: "wheel", does: "zoom the picture, or the timeline" },
  { shown: "drag", does: "move what is zoomed in" },
  { shown: "double click", does: "the whole picture again" },
].map((line) => ({ keys: [], ...line }));

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

/** Each of two keys, the first for one way and the second for the other. */
const pair = (back, on, does, run) => ({
  keys: [back, on],
  does,
  repeats: true,
  run: (key) => run(key === back ? -1 : 1),
});

function looking(page) {
  const { player, shuttle, stretch, scene, timeline } = page;
  return [
    { keys: [" "], does: "play or stop", run: () => shuttle.toggle() },
    pair("ArrowLeft", "ArrowRight", "one frame back, on", (way) => player.step(way)),
    pair("Shift+ArrowLeft", "Shift+ArrowRight", "ten frames back, on", (way) => player.step(10 * way)),
    pair("Ctrl+ArrowLeft", "Ctrl+ArrowRight", "one second back, on", (way) => skip(player, way)),
    pair("Ctrl+Shift+ArrowLeft", "Ctrl+Shift+ArrowRight", "five seconds back, on", (way) => skip(player, 5 * way)),
    {
      keys: ["j", "k", "l"],
      does: "play backwards, stop, play; again: faster; with K held: steps",
      repeats: true,
      run: (key) => ({ j: () => shuttle.backwards(), k: () => shuttle.stop(), l: () => shuttle.forwards() })[key](),
    },
    pair(",", ".", "slower, faster", (way) => changeSpeed(player, way)),
    { keys: ["Home", "End"], does: "first, last frame", run: (key) => player.seek(key === "Home" ? 0 : Infinity) },
    { keys: ["g"], does: "type a frame, 1234, or a time, 0:20", run: () => page.transport.number.select() },
    {
      keys: ["p", "n", "ArrowUp", "ArrowDown"],
      does: "previous, next event of the list",
      repeats: true,
      run: (key) => page.goNext(["p", "ArrowUp"].includes(key) ? -1 : 1),
    },
    { keys: ["/"], does: "search the list", run: () => page.list.search.select() },
    pair("Shift+e", "e", "previous, next error", (way) => page.goNext(way, true)),
    pair("PageUp", "PageDown", "previous, next video", (way) => page.app.beside(way)),
    { keys: ["i", "Shift+i"], does: "mark a stretch: its first, last frame here", run: (key) => markHere(page, key) },
    {
      keys: ["r"],
      does: "play it, or what is around, in a loop at 0.25×",
      run: () => stretch.loop(),
    },
    {
      keys: ["-", "+", "="],
      does: "timeline: more, fewer frames",
      repeats: true,
      run: (key) => timeline.zoom(key === "-" ? 2 : 0.5),
    },
    { keys: ["0"], does: "timeline: the whole video", run: () => timeline.showAll() },
    { keys: ["v"], does: scene.session.models.length > 1 ? "look at the next model" : "", run: () => page.nextModel() },
    { keys: ["Escape"], does: "select nothing, mark no stretch", run: () => page.letGo() },
  ];
}

/** A key for each class, and with Shift the same key for what is there already. */
function classes({ labelling, scene }) {
  const names = scene.session.classes.map(({ name }) => name).slice(0, CLASS_KEYS.length);
  const keys = CLASS_KEYS.slice(0, names.length);
  const adding = keys.map((key, i) => ({
    keys: [key],
    does: names[i],
    run: () => labelling.add(names[i]),
  }));
  return [
    ...adding,
    {
      keys,
      with: "Shift+",
      shown: "Shift + key",
      does: "make the event there one of it",
      run: (key) => labelling.relabel(names[keys.indexOf(key)]),
    },
  ];
}

function editing({ labelling }) {
  return [
    pair("Alt+ArrowLeft", "Alt+ArrowRight", "move the event on this frame, or the selected one, by one", (way) =>
      labelling.move(way),
    ),
    pair("Alt+Shift+ArrowLeft", "Alt+Shift+ArrowRight", "move it by ten", (way) => labelling.move(10 * way)),
    { keys: ["m"], does: "move what is selected to this frame", run: () => labelling.moveHere() },
    { keys: ["s"], does: "its team: none, the one, the other", run: () => labelling.nextTeam() },
    { keys: ["f"], does: "type its fields: team, player, note, …", run: () => labelling.typeFields() },
    {
      keys: ["Delete", "Backspace"],
      does: "delete the event on this frame, or the selected one",
      run: () => labelling.remove(),
    },
    { keys: ["Ctrl+z"], does: "undo", repeats: true, run: () => labelling.undo() },
    { keys: ["Ctrl+y", "Ctrl+Shift+z"], does: "do again", repeats: true, run: () => labelling.redo() },
    { keys: ["b"], does: "the marked stretch is labelled, even if nothing is there", run: () => labelling.finish() },
    { keys: ["Shift+b"], does: "the stretch here is not labelled after all", run: () => labelling.unfinish() },
  ];
}

function proposals({ labelling, app }) {
  return [
    { keys: ["Enter"], does: "accept the selected prediction; on to the next", run: () => labelling.accept() },
    { keys: ["x"], does: "reject it, which is learned from; on to the next", run: () => labelling.reject() },
    { keys: ["Shift+Enter"], does: "accept all predictions above the threshold", run: () => labelling.acceptAll() },
    { keys: ["u"], does: "what to label next: the stretch that would teach most", run: () => app.suggestions.next() },
  ];
}

function markHere({ stretch, scene }, key) {
  if (key === "i") stretch.from(scene.frame);
  else stretch.to(scene.frame);
}

function changeSpeed(player, by) {
  player.setSpeed(SPEEDS[Math.max(0, Math.min(SPEEDS.length - 1, SPEEDS.indexOf(player.speed) + by))]);
}
