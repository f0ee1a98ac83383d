"""Events as an Excel sheet."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from label_forms.exported import ExportedVideo, further_fields
from util.clock import exact_time
from util.errors import UserError
from util.io import whole_file


def check_excel() -> None:
    """
    Raises:
        UserError: the package that writes sheets is not there.
    """
    if find_spec("openpyxl") is None:
        raise UserError("--export excel needs the package openpyxl; install it (pip install openpyxl), or export csv")


def write_excel(path: Path, video: ExportedVideo) -> None:
    """A sheet with a line for each event: video, frame, time, label, team, score, further fields."""
    import pandas as pd

    check_excel()
    rows = [{"video": video.name, "frame": event["frame"], "time": exact_time(event["seconds"]),
             "label": event["label"], "team": event.get("team"), "score": event.get("score"),
             **further_fields(event)} for event in video.events]
    columns = dict.fromkeys(("video", "frame", "time", "label", "team", "score", *(key for row in rows for key in row)))
    sheet = pd.DataFrame(rows, columns=list(columns))
    with whole_file(path) as scratch:
        sheet.to_excel(scratch, sheet_name="events", index=False)
