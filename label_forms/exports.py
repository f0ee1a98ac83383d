"""The forms in which events go to other tools; a new one is a function beside what reads it, and a line in EXPORTS."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from label_forms.boris import write_boris
from label_forms.edl import write_resolve
from label_forms.exported import AROUND, ExportedVideo, further_fields
from label_forms.soccernet import write_osl
from label_forms.sportscode import write_sportscode
from label_forms.subtitles import write_srt, write_vtt
from label_forms.tools import write_premiere
from util.clock import exact_time
from util.errors import UserError
from util.io import whole_file
from util.options import rate


class Export(NamedTuple):
    """A form of events for other tools."""

    suffix: str  # of a video's file
    write: Callable[[Path, ExportedVideo], None]


def check_exports(forms: Collection[str]) -> None:
    """
    Raises:
        UserError: the package that writes Excel sheets is not there, and they are asked for.
    """
    if "excel" in forms and find_spec("openpyxl") is None:
        raise UserError("--export excel needs the package openpyxl; install it (pip install openpyxl), or export csv")


def write_excel(path: Path, video: ExportedVideo) -> None:
    """A sheet with a line for each event: video, frame, time, label, team, score, further fields."""
    import pandas as pd

    check_exports(["excel"])
    rows = [{"video": video.name, "frame": event["frame"], "time": exact_time(event["seconds"]),
             "label": event["label"], "team": event.get("team"), "score": event.get("score"),
             **further_fields(event)} for event in video.events]
    columns = dict.fromkeys(("video", "frame", "time", "label", "team", "score", *(key for row in rows for key in row)))
    sheet = pd.DataFrame(rows, columns=list(columns))
    with whole_file(path) as scratch:
        sheet.to_excel(scratch, sheet_name="events", index=False)


EXPORTS = {
    "sportscode": Export(".xml", write_sportscode),
    "resolve": Export(".edl", write_resolve),
    "premiere": Export(".premiere.csv", write_premiere),
    "boris": Export(".boris", write_boris),
    "osl": Export(".osl.json", write_osl),
    "excel": Export(".xlsx", write_excel),
    "srt": Export(".srt", write_srt),
    "vtt": Export(".vtt", write_vtt),
}


def add_export_options(parser: argparse._ActionsContainer) -> None:
    """--export, --lead, --lag."""
    add = parser.add_argument
    add("--export", nargs="+", choices=EXPORTS, default=[], metavar="FORM",
        help=f"events for other tools, a file for each video: {', '.join(EXPORTS)}")
    add("--lead", type=rate, default=AROUND, metavar="SECONDS",
        help=f"with which a clip begins before its event, in Sportscode's XML (default: {AROUND:g})")
    add("--lag", type=rate, default=AROUND, metavar="SECONDS",
        help=f"with which it ends after it (default: {AROUND:g})")


def export_video(base: Path, video: ExportedVideo, args: argparse.Namespace) -> list[Path]:
    """Write the events of a video in all forms asked for, and give the paths: that of `base` and a suffix each."""
    video = replace(video, lead=args.lead, lag=args.lag)
    paths = []
    for name in dict.fromkeys(args.export):
        paths.append(base.with_name(base.name + EXPORTS[name].suffix))
        EXPORTS[name].write(paths[-1], video)
    return paths
