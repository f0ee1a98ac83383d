// How work leaves the page: labels as files for other tools, and the commands of the next training.

import { getBytes, getJson, sendJson } from "./api.js";
import { button, el, show, toast } from "./dom.js";
import { plural } from "./format.js";

const ABOUT = {
  csv: "CSV table: frame, time, class, team and further fields",
  sportscode: "Sportscode XML: clips, for LongoMatch and Nacsport too",
  resolve: "DaVinci Resolve: EDL of timeline markers",
  premiere: "Premiere Pro: list of markers",
  boris: "BORIS: a project with the events",
  osl: "OSL JSON, version 2 (SoccerNet)",
  excel: "Excel sheet",
  srt: "Subtitles, SubRip",
  vtt: "Subtitles, WebVTT",
};

/** A dialog with a heading, what is in it, and a button that closes it. */
const open = (title, ...content) =>
  show("leaving", [el("h2", title), content], el("button", { value: "close", text: "Close" }));

/** Ask for a form, and have the browser keep a file of this video's labels, or an archive of all. */
export function showExport({ session, page }) {
  const names = Object.keys(session.exports);
  const forms = el(
    "select",
    { ariaLabel: "form", size: names.length },
    names.map((name, i) => el("option", { value: name, text: ABOUT[name] ?? name, selected: i === 0 })),
  );
  const index = page.index ?? null;
  const save = async (address, name) => {
    const link = el("a", { href: URL.createObjectURL(new Blob([await getBytes(address)])), download: name });
    link.click();
    URL.revokeObjectURL(link.href);
    toast(`${name} is in the browser's folder of downloads`);
  };
  const one = () => {
    const name = session.videos[index].name.split("/").at(-1);
    save(`/api/videos/${index}/export/${forms.value}`, name + session.exports[forms.value]);
  };
  open(
    "Export labels",
    el("p", "The events as they are now, with time, team and further fields; prepare_data.py --labels reads them again."),
    forms,
    el(
      "div.row",
      index === null ? null : button("This video", "a file", one, { class: "primary" }),
      button("All labelled videos", "a zip archive with a file for each", () =>
        save(`/api/export/${forms.value}`, `${session.name}.${forms.value}.zip`),
      ),
    ),
  );
}

/** Show the commands that put the labels into the splits and train on from the model. */
export async function showTraining(app) {
  const { session, settings } = app;
  const write = () => sendJson("POST", "/api/training/files", {}).finally(() => showTraining(app));
  const copy = () => navigator.clipboard.writeText(commands.join(" && ")).then(() => toast("copied"));
  const model = session.models.length ? `?model=${settings.model}` : "";
  const { commands, notes, too_few, unwritten } = await getJson(`/api/training${model}`);
  const bare = el(
    "p.bad",
    `The labels of ${plural(unwritten, "video")} stand in the splits alone, which the first command writes again `,
    `from the files in ${session.labels_dir}: `,
    button("Write these files", "with the labels of the splits", write),
  );
  open(
    "Train on these labels",
    too_few ? el("p.bad", too_few) : null,
    unwritten ? bare : null,
    el("p", "In the folder of the project, with its environment active:"),
    el("pre", commands.join(" && \\\n")),
    el("ul", notes.map((note) => el("li", note))),
    el("div.row", button("Copy as one line", null, copy)),
  );
}
