"""Contact sheets: the frames around the labels of a class, a row an event, to see whether labels sit right."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL.ImageColor import getrgb

from checks.label_reading import LabelledVideo
from dataset.jpeg import read_frame
from dataset.video_record import frame_name
from plots.style import INK, class_colour
from util.clock import show_time
from util.errors import UserError, number_of
from util.io import whole_file

AROUND = 4  # frames to either side of the label
ROWS = 24  # of a page
CELL = 200  # pixels, sides of the square that a frame is fitted into;
SMALLEST = 160  # one that is less wide is enlarged
GAP, CAPTION, HEADER = 6, 24, 64  # pixels between cells, and high
FRAME = 4  # pixels of the frame around the middle cell
RING = 9  # pixels, radius of the ring around an event's place
PAPER, BLANK, GONE = "#FFFFFF", "#F1F1F1", "#D9D9D9"
JPEG_OPTIONS = [cv2.IMWRITE_JPEG_QUALITY, 92, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]

Sampled = tuple[LabelledVideo, int]  # a video, and the place of an event in its events


class Cell(NamedTuple):
    """A frame on a page."""

    video: str
    frame: int
    offset: int  # from the label
    box: tuple[float, ...]  # left, top, width and height, in % of the page's


class Sheet(NamedTuple):
    """A page that was written."""

    path: Path
    cells: list[Cell]


def write_sheets(
    folder: Path, videos: list[LabelledVideo], classes: list[str], frame_dir: Path, per_class: int = ROWS,
    crop: int | None = None,
) -> dict[str, list[Sheet]]:
    """Write pages of events for each class into a folder.

    Args:
        per_class: events at most of a class, drawn evenly over videos and time.
        crop: side of the square in the middle of a frame that a model sees, which is drawn; None: all of it.

    Returns:
        The pages of each class that has events.

    Raises:
        UserError: a page cannot be written.
    """
    pages: dict[str, list[Sheet]] = {}
    for index, label in enumerate(classes):
        sample = sample_events(videos, label, per_class, np.random.default_rng([0, index]))
        total = sum(event["label"] == label for video in videos for event in video.events)
        some = f"{len(sample):,} of " if len(sample) < total else ""
        name = f"sheet-{index + 1:02d}-" + re.sub(r"[^\w.-]+", "_", label)[:60]  # that any system takes
        parts = [sample[start : start + ROWS] for start in range(0, len(sample), ROWS)]
        for number, part in enumerate(parts, 1):
            title = f"{label}: {some}{number_of(total, 'event')}"
            title += f", page {number} of {len(parts)}" if len(parts) > 1 else ""
            path = folder / f"{name}{f'-{number}' if number > 1 else ''}.jpg"
            picture, cells = draw_sheet(part, frame_dir, title, class_colour(index), crop)
            with whole_file(path) as scratch:
                scratch.write_bytes(cv2.imencode(".jpg", picture, JPEG_OPTIONS)[1])
            pages.setdefault(label, []).append(Sheet(path, cells))
    return pages


def sample_events(videos: list[LabelledVideo], label: str, count: int, rng: np.random.Generator) -> list[Sampled]:
    """Draw events of a class: as many from each video as from any other, and evenly over its time."""
    found = [(video, events) for video in videos
             if (events := [i for i in np.argsort(video.frames, kind="stable") if video.events[i]["label"] == label])]
    if len(found) > count:
        found = [found[i] for i in _spread(len(found), count, rng)]
    order = rng.permutation(len(found))  # a round takes one of each video that has more
    turns = sorted((turn, place, i) for place, i in enumerate(order) for turn in range(len(found[i][1])))[:count]
    share = np.bincount([i for _, _, i in turns], minlength=len(found))
    return [(video, int(events[i])) for (video, events), part in zip(found, share, strict=True)
            for i in _spread(len(events), part, rng)]


def _spread(length: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """`count` different numbers below `length`, one from each of as many equal parts, in order."""
    edges = np.linspace(0, length, count + 1).astype(int)
    return rng.integers(edges[:-1], edges[1:]) if count else np.zeros(0, int)


def draw_sheet(
    sample: list[Sampled], frame_dir: Path, title: str, colour: str, crop: int | None = None
) -> tuple[np.ndarray, list[Cell]]:
    """Draw one page: uint8 (H, W, 3), BGR, and where its frames lie.

    Args:
        colour: of the title and of the frame around the labelled picture, "#RRGGBB".
        crop: see `write_sheets`.
    """
    offsets = range(-AROUND, AROUND + 1)
    rows = [[_cell(video, event["frame"] + offset, frame_dir, crop, None if offset else event.get("xy"))
             for offset in offsets] for video, i in sample for event in [video.events[i]]]
    cells: list[Cell] = []
    width = max((cell.shape[1] for row in rows for cell in row if cell is not None), default=CELL)
    heights = [max((cell.shape[0] for cell in row if cell is not None), default=CELL * 9 // 16) for row in rows]
    lefts = [GAP + i * (width + GAP) for i in range(len(offsets))]
    tall, wide = HEADER + sum(heights) + (CAPTION + 2 * GAP) * len(rows), lefts[-1] + width + GAP
    page = np.full((tall, wide, 3), getrgb(PAPER)[::-1], np.uint8)
    _write(page, title, (GAP, 24), colour, 20, 700)
    for offset, left in zip(offsets, lefts, strict=True):
        name = f"{offset:+d}" if offset else "label"
        _write(page, name, (left + width // 2, HEADER - 12), INK if offset else colour, 16, 600, True)
    top = HEADER
    for (video, event), row, height in zip(sample, rows, heights, strict=True):
        label = video.events[event]["frame"]
        at = f"  ·  {show_time(label / video.fps)}" if video.fps else ""
        caption = f"{video.name}  ·  frame {label:,}{at}  ·  {video.split}"
        _write(page, caption, (GAP, top + CAPTION - 8), INK, 15, 400)
        top += CAPTION
        for offset, left, cell in zip(offsets, lefts, row, strict=True):
            _fill(page[top : top + height, left : left + width], cell)
            if 0 <= label + offset < video.num_frames:
                box = (left / wide, top / tall, width / wide, height / tall)
                cells.append(Cell(video.name, label + offset, offset, tuple(round(100 * part, 3) for part in box)))
        edge, left = FRAME // 2 + 1, lefts[AROUND]
        cv2.rectangle(page, (left - edge, top - edge), (left + width + edge - 1, top + height + edge - 1),
                      getrgb(colour)[::-1], FRAME)
        top += height + 2 * GAP
    return page, cells


def _cell(
    video: LabelledVideo, number: int, frame_dir: Path, crop: int | None, xy: list[float] | None
) -> np.ndarray | None:
    """A frame at the size it is shown at, BGR, with a ring around a place; empty past the video's ends, None where it
    cannot be read."""
    if not 0 <= number < video.num_frames:
        return np.zeros((0, 0, 3), np.uint8)
    try:
        frame = read_frame(frame_dir / video.name / frame_name(number))
    except UserError:
        return None
    shown = fitted(frame[..., ::-1])
    if crop:
        shown = _mark_crop(shown, crop * shown.shape[0] / frame.shape[0])
    if xy:
        middle = round(xy[0] * shown.shape[1]), round(xy[1] * shown.shape[0])
        for grey, thickness in ((0, 3), (255, 1)):  # seen on light and on dark
            cv2.circle(shown, middle, RING, (grey,) * 3, thickness, cv2.LINE_AA)
    return shown


def _mark_crop(picture: np.ndarray, side: float) -> np.ndarray:
    """Darken what is outside the square in the middle, where it leaves anything."""
    height, width = picture.shape[:2]
    top, left = (max(0, round((size - side) / 2)) for size in (height, width))
    marked = picture // 2
    marked[top : height - top, left : width - left] = picture[top : height - top, left : width - left]
    if top or left:
        cv2.rectangle(marked, (left, top), (width - left - 1, height - top - 1), (255, 255, 255), 1)
    return marked


def fitted(frame: np.ndarray) -> np.ndarray:
    """A frame brought to a size at which one sees what happens, and to which many fit a page."""
    height, width = frame.shape[:2]
    scale = min(1, CELL / width, 2 * CELL / height)
    if width < SMALLEST and height < SMALLEST:
        scale = CELL // max(width, height)
        if scale > 1:  # whole pixels stay sharp
            return cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_NEAREST)
        scale = CELL / max(width, height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(frame, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)


def _fill(box: np.ndarray, cell: np.ndarray | None) -> None:
    """Lay a picture into the middle of its place on the page."""
    if cell is None:
        box[:] = getrgb(GONE)[::-1]
        height, width = box.shape[:2]
        cv2.line(box, (0, 0), (width, height), getrgb(PAPER)[::-1], 2, cv2.LINE_AA)
        cv2.line(box, (0, height), (width, 0), getrgb(PAPER)[::-1], 2, cv2.LINE_AA)
        _write(box, "no frame", (width // 2, height // 2 + 6), INK, 15, 400, True)
        return
    box[:] = getrgb(BLANK)[::-1]
    top, left = (box.shape[0] - cell.shape[0]) // 2, (box.shape[1] - cell.shape[1]) // 2
    box[top : top + cell.shape[0], left : left + cell.shape[1]] = cell


def _write(picture: np.ndarray, text: str, place: tuple[int, int], colour: str, size: int, weight: int,
           centred: bool = False) -> None:
    """Write a line of text in any alphabet, from `place` on or around it; the part that has no room is left out."""
    face = cv2.FontFace("sans")
    if centred:
        left, _, width, _ = cv2.getTextSize(picture.shape[1::-1], text, (0, 0), face, size, weight)
        place = (place[0] - left - width // 2, place[1])
    cv2.putText(picture, text, place, getrgb(colour)[::-1], face, size, weight)
