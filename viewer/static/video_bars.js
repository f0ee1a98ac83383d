// The bars of buttons of a video's page. Each button does what a key does: see bindings.js.

import { CLASS_KEYS } from "./bindings.js";
import { button, el, select, toast } from "./dom.js";
import { frameMeant, time } from "./format.js";
import { glyph } from "./glyphs.js";
import { SPEEDS } from "./player.js";
import { SHAPES, icon } from "./shapes.js";

/** Makes buttons with a drawn sign. */
const signs = (keys) => (sign, title, usual, props) => {
  const node = keys.button(glyph(sign), title, usual, props);
  node.ariaLabel = node.title;
  return node;
};

/** Steps, play, speed, and the number of the frame. */
export function transport(page) {
  const { player, video } = page;
  const { keys } = page.app;
  const sign = signs(keys);
  const play = sign("play", "play or stop", " ", { class: "play primary" });
  const number = el("input.counter", {
    type: "text",
    ariaLabel: "frame or time",
    title: keys.hint("frame; type another, or a time such as 0:20", "g"),
    on: { change: () => goTo(number.value) },
  });
  const goTo = (typed) => {
    const frame = frameMeant(typed, video);
    const last = video.num_frames - 1;
    const or = video.fps ? ", or a time, 0:20 or 1:02:03.5" : "; the rate of this video is not known";
    if (frame === null) toast(`${typed}: type a frame from 0 to ${last}${or}`, "bad");
    else if (frame > last) toast(`${typed}: the video ends at frame ${last} ${time(last, video)}`.trim(), "bad");
    player.pause();
    player.seek(frame ?? player.frame);
    number.value = player.frame;
  };
  const clock = el("output.of.clock");
  const loop = keys.button("Loop", "play the marked stretch, or what is around, again and again", "r");
  const speeds = SPEEDS.map((s) => [String(s), `${s}×`]);
  const speed = select("speed", speeds, "1", (s) => player.setSpeed(Number(s)));
  const update = () => {
    if (document.activeElement !== number) number.value = player.frame;
    clock.textContent = video.fps ? `${time(player.frame, video)} / ${time(video.num_frames - 1, video)}` : "";
    speed.value = String(player.speed);
    play.replaceChildren(glyph(player.playing ? "pause" : "play"));
    loop.classList.toggle("chosen", page.stretch.looping !== null);
  };
  update();
  const error = page.scene.session.models.length ? sign("error", "next error", "e", { class: "error" }) : null;
  const rate = video.fps ? `${+video.fps.toFixed(2)} fps` : "rate unknown: 25 fps";
  const element = el(
    "div.row.transport",
    el(
      "div.row.group",
      sign("previous", "previous event", "p"),
      sign("back10", "ten frames back", "Shift+ArrowLeft"),
      sign("back", "one frame back", "ArrowLeft"),
      play,
      sign("on", "one frame on", "ArrowRight"),
      sign("on10", "ten frames on", "Shift+ArrowRight"),
      sign("next", "next event", "n"),
      error,
    ),
    el("div.row.group", el("span.of", "frame"), number, el("span.of", `/ ${video.num_frames - 1}`), clock),
    el("div.row.group", loop, speed, el("span.of", rate)),
  );
  return { element, update, number };
}

/** A button for each class, and what can be done to the selected event. */
export function labelBar(page) {
  const { labelling, labels, scene } = page;
  const { keys } = page.app;
  const classes = scene.session.classes.map(({ name, colour }, i) => {
    const key = CLASS_KEYS[i] && keys.name(CLASS_KEYS[i]);
    const content = [key ? el("kbd", key) : null, el("span", name)];
    const title = `add ${name} on this frame${key ? ` (${key})` : ""}`;
    return button(content, title, () => labelling.add(name), { class: "row class", colour });
  });
  const sign = signs(keys);
  const [undo, redo] = [sign("undo", "undo", "Ctrl+z"), sign("redo", "do again", "Ctrl+y")];
  const update = () => {
    undo.disabled = !labels.done.length;
    redo.disabled = !labels.undone.length;
  };
  const accepting = [
    keys.button("Accept", "make the selected prediction, or the one on this frame, an event", "Enter"),
    keys.button("Reject", "refuse it, which is remembered, and learned from", "x"),
    keys.button("Accept all …", "make all predictions above the threshold events", "Shift+Enter"),
  ];
  const element = el(
    "div.row.label-bar",
    el("div.row", { class: `group classes ${classes.length > 5 ? "many" : ""}` }, el("span.of", "Add"), classes),
    el(
      "div.row.group",
      keys.button("Move here", "move what is selected to this frame", "m"),
      keys.button("Delete", "delete the selected event", "Delete"),
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
  const { models, split } = page.scene.session;
  const { keys } = page.app;
  const truth = models.length === 1 && split !== null ? "found" : "label"; // found by one model, missed by another
  const judged = split === null ? ["right", "proposed", "confused"] : ["missed", "right", "false", "confused"];
  const kinds = [truth, ...(models.length ? judged : [])];
  const sign = signs(keys);
  return el(
    "div.row.timeline-bar",
    el("ul.wrap.of.legend", kinds.map((kind) => el("li.row", icon(kind), el("span", SHAPES[kind].means)))),
    el(
      "div.row.group",
      keys.button("In", "a stretch begins at this frame", "i"),
      keys.button("Out", "it ends at this frame", "Shift+i"),
      keys.button("Labelled", "all of the stretch is labelled, even if nothing is there", "b"),
      models.length ? keys.button("What next?", "the stretch whose labels would teach most", "u") : null,
      page.why,
    ),
    el(
      "div.row.group",
      sign("less", "show more frames", "-"),
      sign("more", "show fewer frames", "+"),
      sign("all", "show the whole video", "0"),
    ),
  );
}
