"""The forms in which events go to other tools; a new one is a file write_<form>.py and a line in EXPORTS."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from label_forms.exported import Clip, ExportedVideo
from label_forms.write_boris import write_boris
from label_forms.write_excel import check_excel, write_excel
from label_forms.write_markers import write_premiere, write_resolve
from label_forms.write_osl import write_osl
from label_forms.write_sportscode import write_sportscode
from label_forms.write_subtitles import write_srt, write_vtt
from util.options import rate


class Export(NamedTuple):
    """A form of events for other tools."""

    suffix: str  # of a video's file
    write: Callable[[Path, ExportedVideo], None]


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
    add, clip = parser.add_argument, Clip()
    add("--export", nargs="+", choices=EXPORTS, default=[], metavar="FORM",
        help=f"events for other tools, a file for each video: {', '.join(EXPORTS)}")
    add("--lead", type=rate, default=clip.lead, metavar="SECONDS",
        help=f"with which a clip begins before its event, in Sportscode's XML (default: {clip.lead:g})")
    add("--lag", type=rate, default=clip.lag, metavar="SECONDS",
        help=f"with which it ends after it (default: {clip.lag:g})")


def check_exports(args: argparse.Namespace) -> None:
    """
    Raises:
        UserError: a package is not there that one of the forms asked for needs.
    """
    if "excel" in args.export:
        check_excel()


def export_video(base: Path, video: ExportedVideo, args: argparse.Namespace) -> list[Path]:
    """Write the events of a video in all forms asked for, and give the paths: that of `base` and a suffix each."""
    video = replace(video, clip=Clip(args.lead, args.lag))
    paths = []
    for name in dict.fromkeys(args.export):
        paths.append(base.with_name(base.name + EXPORTS[name].suffix))
        EXPORTS[name].write(paths[-1], video)
    return paths
