"""A page that shows a dataset: what a check found, its labels as plots, and its events as contact sheets."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from jinja2 import Environment

from checks.alignment import SHOWN, Alignment
from checks.enlarged import FOLDER, enlarge, find_sources
from checks.findings import Finding, by_kind, count_levels, ranked, unique_advice
from checks.label_reading import Labels
from checks.motion import STEPS_PER_SECOND
from checks.sheets import ROWS, Cell, Sheet, write_sheets
from plots.labels import Lane, label_picture, motion_picture
from util.io import remove, write_text

TEMPLATE = Path(__file__).with_name("page.html")
MAX_ROWS = 300  # findings that are listed


def write_report(
    folder: Path,
    labels: Labels,
    findings: Sequence[Finding],
    frame_dir: Path | None = None,
    alignment: Alignment | None = None,
    per_class: int = ROWS,
    videos_dir: Path | None = None,
    crop: int | None = None,
) -> Path:
    """Write plots.png, motion.png where motion was read, sheet-*.jpg where there are frames, enlarged/ where their
    videos are there, and index.html.

    Sheets and motion of an earlier page in the folder are removed; nothing else in it is touched.

    Args:
        findings: of the whole check; listed at the top.
        per_class: events at most of a class on its sheets.
        videos_dir: folder of the video files, whose pictures open with a click.
        crop: side of the square in the middle of a frame that a model sees, which is drawn; None: all of it.

    Returns:
        The page, index.html, which shows all of it.

    Raises:
        UserError: something cannot be written.
    """
    classes = labels.classes or sorted(set(labels.events.label))
    pictures = {"Labels": [Sheet(folder / "plots.png", [])]}
    label_picture(folder / "plots.png", _lanes(labels, classes), classes)
    if alignment and alignment.curves:
        steps = np.arange(-SHOWN, SHOWN + 1)
        times, unit = (steps / STEPS_PER_SECOND, "seconds") if alignment.timed else (steps, "frames")
        motion_picture(folder / "motion.png", alignment.curves, classes, times, unit)
        pictures["Motion around events"] = [Sheet(folder / "motion.png", [])]
    sheets = write_sheets(folder, labels.videos, classes, frame_dir, per_class, crop) if frame_dir else {}
    pictures |= {f"Frames around {label}": pages for label, pages in sheets.items()}
    files: dict[Cell, str] = {}
    enlarged = ["With --videos DIR, the folder of the video files, a click on a frame opens it as it is there."]
    if frame_dir and videos_dir:
        sources = find_sources(videos_dir, folder, labels.videos, frame_dir)
        files, notes = enlarge(folder, [page for pages in sheets.values() for page in pages], sources)
        enlarged = ["A click on a frame opens it as it is in the video.", *notes]
    _remove_others(folder, {page.path.name for pages in pictures.values() for page in pages}, bool(files))
    rows = ranked(findings)
    groups = [(group, unique_advice(group)) for group in by_kind(rows[:MAX_ROWS])]
    template = Environment(autoescape=True, trim_blocks=True).from_string(TEMPLATE.read_text(encoding="utf-8"))
    write_text(folder / "index.html", template.render(
        name=labels.folder, counts=_counts(labels, classes), found=count_levels(rows), more=len(rows) - MAX_ROWS,
        groups=groups, pictures=pictures, files=files,
        notes=alignment.notes if alignment else [], enlarged=enlarged if frame_dir else []))
    return folder / "index.html"


def _lanes(labels: Labels, classes: list[str]) -> list[Lane]:
    """By split, and the halves of a match next to each other."""
    ordered = sorted(labels.videos, key=lambda video: (labels.splits.index(video.split), labels.match_of[video.name],
                                                       video.name))
    return [Lane(video.name, video.split, video.num_frames, video.fps, video.frames,
                 np.array([classes.index(event["label"]) for event in video.events], int)) for video in ordered]


def _remove_others(folder: Path, written: set[str], keep_enlarged: bool) -> None:
    if not keep_enlarged:
        remove(folder / FOLDER)
    for path in folder.iterdir():
        if re.fullmatch(r"sheet-\d{2,}-.*\.jpg|motion\.png", path.name) and path.name not in written:
            remove(path)


def _counts(labels: Labels, classes: list[str]) -> pd.DataFrame:
    """Numbers of videos, frames, events, and events of each class, a row for each split."""
    videos = labels.table.groupby("split").num_frames.agg(videos="size", frames="sum")
    events = pd.crosstab(labels.events.split, labels.events.label).reindex(columns=classes, fill_value=0)
    parts = videos, events.sum(axis=1).rename("events"), events
    return pd.concat([part.reindex(labels.splits, fill_value=0) for part in parts], axis=1)
