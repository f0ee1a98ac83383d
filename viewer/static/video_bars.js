// The bars of buttons of a video's page.

import { CLASS_KEYS } from "./bindings.js";
import { button, el, toast } from "./dom.js";
import { frameMeant, time } from "./format.js";
import { glyph } from "./glyphs.js";
import { SPEEDS } from "./player.js";
import { SHAPES, icon } from "./shapes.js";

const sign = (name, title, act, props = {}) => {
  const node = button("", title, act, { ariaLabel: title, ...props });
  node.append(glyph(name));
  return node;
};

/** Makes buttons that a key presses too. */
const withKey = (keys) => (text, title, usual, act) => button(text, keys.hint(title, usual), act);

/** Steps, play, speed, and the number of the frame. */
export function transport(page) {
  const { player, video } = page;
  const { keys } = page.app;
  const play = sign("play", keys.hint("play or stop", " "), () => page.shuttle.toggle(), { class: "play" });
  const number = el("input.counter", {
    type: "text",
    ariaLabel: "frame or time",
    title: keys.hint("frame; type another, or a time such as 0:20", "g"),
    on: {
      change: (event) => {
        const frame = frameMeant(event.target.value, video);
        if (frame === null) toast(`${event.target.value}: type a frame, 1234, or a time, 0:20 or 1:02:03.5`, "bad");
        player.pause();
        player.seek(frame ?? player.frame);
        event.target.value = player.frame;
      },
    },
  });
  const clock = el("output.clock");
  const loop = button("Loop", keys.hint("play the marked stretch, or what is around, again and again", "r"), () =>
    page.stretch.loop(),
  );
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
    loop.classList.toggle("chosen", page.stretch.looping !== null);
  };
  update();
  const element = el(
    "div.transport",
    el(
      "div.group",
      sign("previous", keys.hint("previous event", "p"), () => page.goNext(-1)),
      sign("back10", keys.hint("ten frames back", "Shift+ArrowLeft"), () => player.step(-10)),
      sign("back", keys.hint("one frame back", "ArrowLeft"), () => player.step(-1)),
      play,
      sign("on", keys.hint("one frame on", "ArrowRight"), () => player.step(1)),
      sign("on10", keys.hint("ten frames on", "Shift+ArrowRight"), () => player.step(10)),
      sign("next", keys.hint("next event", "n"), () => page.goNext(1)),
      page.scene.session.models.length
        ? sign("error", keys.hint("next error", "e"), () => page.goNext(1, true), { class: "error" })
        : null,
    ),
    el("div.group", el("span.of", "frame"), number, el("span.of", end), clock),
    el(
      "div.group",
      loop,
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
  const { keys } = page.app;
  const keyOf = (i) => (CLASS_KEYS[i] ? keys.name(CLASS_KEYS[i]) : null);
  const classes = scene.session.classes.map(({ name, colour }, i) =>
    el(
      "button.class",
      {
        type: "button",
        colour,
        title: `add ${name} on this frame${keyOf(i) ? ` (${keyOf(i)})` : ""}`,
        on: {
          click: (event) => {
            event.currentTarget.blur();
            labelling.add(name);
          },
        },
      },
      keyOf(i) ? el("kbd", keyOf(i)) : null,
      el("span", name),
    ),
  );
  const undo = sign("undo", keys.hint("undo", "Ctrl+z"), () => labelling.undo());
  const redo = sign("redo", keys.hint("do again", "Ctrl+y"), () => labelling.redo());
  const update = () => {
    undo.disabled = !labels.done.length;
    redo.disabled = !labels.undone.length;
  };
  const does = withKey(keys);
  const accepting = [
    does("Accept", "make the selected prediction, or the one on this frame, an event", "Enter", () => labelling.accept()),
    does("Reject", "refuse it, which is remembered, and learned from", "x", () => labelling.reject()),
    does("Accept all …", "make all predictions above the threshold events", "Shift+Enter", () => labelling.acceptAll()),
  ];
  const element = el(
    "div.label-bar",
    el("div", { class: `group classes ${classes.length > 5 ? "many" : ""}` }, el("span.of", "Add"), classes),
    el(
      "div.group",
      does("Move here", "move what is selected to this frame", "m", () => labelling.moveHere()),
      does("Delete", "delete the selected event", "Delete", () => labelling.remove()),
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
  const { keys } = page.app;
  const truth = session.models.length === 1 ? "found" : "label"; // to one model it may be found, to another missed
  const judged = session.split === null ? ["right", "proposed", "confused"] : ["missed", "right", "false", "confused"];
  const kinds = session.models.length ? [session.split === null ? "label" : truth, ...judged] : [truth];
  const { app, stretch, labelling } = page;
  const does = withKey(keys);
  return el(
    "div.timeline-bar",
    el("ul.legend", kinds.map((kind) => el("li", icon(kind), el("span", SHAPES[kind].means)))),
    el(
      "div.group",
      does("In", "a stretch begins at this frame", "i", () => stretch.from(page.player.frame)),
      does("Out", "it ends at this frame", "Shift+i", () => stretch.to(page.player.frame)),
      does("Labelled", "all of the stretch is labelled, even if nothing is there", "b", () => labelling.finish()),
      session.models.length
        ? does("What next?", "the stretch whose labels would teach most", "u", () => app.suggestions.next())
        : null,
      page.why,
    ),
    el(
      "div.group",
      sign("less", keys.hint("show more frames", "-"), () => page.timeline.zoom(2)),
      sign("more", keys.hint("show fewer frames", "+"), () => page.timeline.zoom(0.5)),
      sign("all", keys.hint("show the whole video", "0"), () => page.timeline.showAll()),
    ),
  );
}
