"""Tables of events for other tools: BORIS's tabular events, and an Excel sheet."""

from __future__ import annotations

import csv
import io
from importlib.util import find_spec
from pathlib import Path

from label_forms.exported import ExportedVideo, write_text
from util.clock import exact_time
from util.errors import UserError
from util.io import whole_file

_BORIS = ("Observation id", "Observation date", "Description", "Observation type", "Source", "Time offset (s)",
          "Subject", "Observation duration (s)", "Behavior", "Behavioral category", "Behavior type", "Time",
          "Media file name", "Image index", "Image file path", "Comment")


def write_boris(path: Path, video: ExportedVideo) -> None:
    """A point event each; the subject is the team."""
    text = io.StringIO()
    table = csv.DictWriter(text, _BORIS, restval="", lineterminator="\n")
    table.writeheader()
    for event in video.events:
        table.writerow({
            "Observation id": video.name, "Observation type": "Media file(s)", "Source": video.file,
            "Time offset (s)": "0.0", "Subject": event.get("team") or "", "Behavior": event["label"],
            "Behavior type": "POINT", "Time": f"{event['seconds']:.3f}", "Media file name": video.file,
            "Image index": event["frame"], "Image file path": "NA", "Comment": event.get("score", "")})
    write_text(path, text.getvalue())


def check_excel() -> None:
    """
    Raises:
        UserError: the package that writes sheets is not there.
    """
    if find_spec("openpyxl") is None:
        raise UserError("--export excel needs the package openpyxl; install it (pip install openpyxl), or export csv")


def write_excel(path: Path, video: ExportedVideo) -> None:
    """A sheet with a line for each event: video, frame, time, label, team, score."""
    import pandas as pd

    check_excel()
    rows = [{"video": video.name, "frame": event["frame"], "time": exact_time(event["seconds"]),
             "label": event["label"], "team": event.get("team"), "score": event.get("score")} for event in video.events]
    sheet = pd.DataFrame(rows, columns=["video", "frame", "time", "label", "team", "score"])
    with whole_file(path) as scratch:
        sheet.to_excel(scratch, sheet_name="events", index=False)
