"""The frames of the sheets at the resolution of the video files: a click on a frame opens them, arrow keys step on.

A ball of 12 pixels at 1080 lines is one pixel of a sheet's cell.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from urllib.parse import quote

import cv2
from tqdm import tqdm

from checks.label_reading import LabelledVideo
from checks.sheets import AROUND, Cell, Sheet
from dataset.video_record import read_record
from footage.pictures import Fitter
from footage.raw_videos import find_videos
from footage.seeking import Cursor
from footage.source_frames import SourceVideo
from util.errors import UserError, number_of
from util.io import whole_folder

FOLDER = "enlarged"  # beside the sheets
KEPT = ".videos"  # what was read of the video files
MOST_PICTURES = 600  # about 200 KB each
MOST_LINES = 1080
JPEG_OPTIONS = [cv2.IMWRITE_JPEG_QUALITY, 85]

STYLE = """
.sheet { position: relative; display: inline-block; } .sheet .cell { position: absolute; cursor: zoom-in; }
.sheet .cell:hover { outline: 3px solid var(--ink); }
dialog { padding: 0; border: 0; max-width: 100vw; max-height: 100vh; background: #000; color: #fff; }
dialog img { display: block; max-width: 100vw; max-height: 92vh; border: 0; border-radius: 0; cursor: zoom-in; }
dialog.full { overflow: auto; } dialog.full img { max-width: none; max-height: none; cursor: zoom-out; }
dialog p { margin: 0; padding: 4px 10px; max-width: none; } dialog::backdrop { background: #000c; }
"""
SCRIPT = """
const dialog = document.querySelector("dialog");
const [image, words] = dialog.children;
const cells = [...document.querySelectorAll("a.cell")];
let at = 0;
const show = (n) => {
  at = Math.max(0, Math.min(cells.length - 1, n));
  image.src = cells[at].href;
  words.textContent = `${cells[at].title} · arrow keys: other frames · click: every pixel · Esc`;
};
document.addEventListener("click", (event) => {
  const cell = event.target.closest("a.cell");
  if (cell && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    show(cells.indexOf(cell));
    dialog.showModal();
  } else if (event.target === image) dialog.classList.toggle("full");
  else if (event.target === dialog) dialog.close();
});
dialog.addEventListener("keydown", (event) => {
  const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (by) event.preventDefault();
  if (by) show(at + by);
});
"""


def find_sources(
    videos_dir: Path, folder: Path, videos: Sequence[LabelledVideo], frame_dir: Path
) -> dict[str, SourceVideo]:
    """The files of labelled videos, by name, as far as they are there.

    Args:
        folder: of the sheets, where what was read of the files is kept.

    Raises:
        UserError: no such folder, or no video in it.
    """
    files, sources = find_videos(videos_dir), {}
    for video in videos:
        if video.name in files:
            try:
                record = read_record(frame_dir / video.name)
            except UserError:  # which is reported as such
                record = None
            full = record if record and record.get("num_frames") and record.get("fps") else None
            sources[video.name] = SourceVideo(files[video.name], folder / KEPT / f"{video.name}.json.gz",
                                              video.num_frames, video.fps, full)
    return sources


def enlarge(
    folder: Path, sheets: Sequence[Sheet], sources: Mapping[str, SourceVideo]
) -> tuple[dict[Cell, str], list[str]]:
    """Write the frames of sheets as they are in the video files: all, or of too many those nearest to the labels.

    Returns:
        The file of each cell that has one, below `folder`, and notes on what has none.

    Raises:
        UserError: a picture cannot be written.
    """
    cells = [cell for sheet in sheets for cell in sheet.cells]
    missing = sorted({cell.video for cell in cells} - sources.keys())
    notes = [f"No video file of {missing[0]}" + (f" and {number_of(len(missing) - 1, 'other')}" if missing[1:] else "")
             + ": its frames are not enlarged."] if missing else []
    cells = [cell for cell in cells if cell.video in sources]
    reach = next((reach for reach in range(AROUND, 0, -1)
                  if sum(abs(cell.offset) <= reach for cell in cells) <= MOST_PICTURES), 0)
    chosen = [cell for cell in cells if abs(cell.offset) <= reach][:MOST_PICTURES]
    if len(chosen) < len(cells):
        notes.append(f"Of {len(cells):,} frames {len(chosen):,} are enlarged, up to {reach} from a label; fewer "
                     "--events, or a dataset of fewer classes, enlarges more.")
    by_video: dict[str, list[Cell]] = defaultdict(list)
    for cell in chosen:
        by_video[cell.video].append(cell)
    files: dict[Cell, str] = {}
    with whole_folder(folder / FOLDER) as scratch, tqdm(total=len(chosen), unit="picture", ascii=True,
                                                        disable=None) as bar:
        for place, (name, of_video) in enumerate(sorted(by_video.items())):
            try:
                _enlarge_video(scratch, place, sources[name], of_video, files, bar)
            except UserError as error:
                notes.append(f"{error}.")
    return files, notes


def _enlarge_video(
    scratch: Path, place: int, source: SourceVideo, cells: list[Cell], files: dict[Cell, str], bar: tqdm
) -> None:
    """
    Args:
        place: number of the video, which begins the names of its pictures.
        files: to which those that are written are added.

    Raises:
        UserError: the video, or the rest of it, cannot be read.
    """
    wanted: dict[int, list[Cell]] = defaultdict(list)
    for cell in cells:
        wanted[int(source.numbers[cell.frame])].append(cell)
    fit, cursor = Fitter(MOST_LINES, source.index.aspect), None
    for number in sorted(wanted):
        if cursor is None or not cursor.is_near(number):
            if cursor:
                cursor.close()
            cursor = Cursor(source.path, source.index, number)
        while (found := cursor.read()) and found[0] < number:
            pass
        if found is None:
            raise UserError(f"{source.path}: ends before frame {number}; its frames are not enlarged from there on")
        name = f"{place:03d}-{number:06d}.jpg"
        (scratch / name).write_bytes(cv2.imencode(".jpg", fit(found[1]), JPEG_OPTIONS)[1])
        files.update(dict.fromkeys(wanted[number], f"{FOLDER}/{name}"))
        bar.update(len(wanted[number]))
    cursor.close()


def linked(sheet: Sheet, title: str, files: Mapping[Cell, str]) -> str:
    """HTML of a sheet, whose frames open as `files` has them."""
    links = []
    for cell in sheet.cells:
        if cell in files:
            left, top, width, height = (f"{100 * part:.3f}%" for part in cell.box)
            offset = f"{cell.offset:+d}" if cell.offset else "label"
            words = f"{cell.video} · frame {cell.frame:,} ({offset})"
            links.append(f'<a class="cell" href="{quote(files[cell])}" title="{escape(words)}" '
                         f'style="left:{left};top:{top};width:{width};height:{height}"></a>')
    name = quote(sheet.path.name)
    return (f'<div class="sheet"><a href="{name}"><img src="{name}" alt="{escape(title)}" loading="lazy"></a>'
            f'{"".join(links)}</div>')
