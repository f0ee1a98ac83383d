"""The forms in which people have labels: recognised by content, read and checked.

A new form is a file with a function that recognises its content and one that reads it, and a line in FORMS; a table of
another tool is a line in tools.TOOLS.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

from label_forms import markers, per_video, projects, soccernet, table, xml_files
from label_forms.sets import LabelFile, LabelSet
from label_forms.tools import TOOLS
from util.errors import UserError
from util.io import parse_file, parse_json, read_json


class Form(NamedTuple):
    """A form of label files."""

    kind: str  # of its content: "json", "xml", "text" or "table"
    fits: Callable[[Any], bool]  # whether a content of that kind is of this form
    read: Callable[[LabelFile], list[LabelSet]]


# The first that fits is taken: those that say more about their content come first
FORMS = {
    "labelstudio": Form("json", projects.is_label_studio, projects.read_label_studio),
    "video": Form("json", per_video.fits, per_video.read_video),
    "boris_project": Form("json", projects.is_boris, projects.read_boris),
    "osl": Form("json", soccernet.osl_key, soccernet.read_osl),
    "soccernet": Form("json", lambda content: soccernet.form_of(content) == "soccernet", soccernet.read_match),
    "raw": Form("json", lambda content: soccernet.form_of(content) == "raw", soccernet.read_match),
    "sportscode": Form("xml", xml_files.is_sportscode, xml_files.read_sportscode),
    "cvat": Form("xml", xml_files.is_cvat, xml_files.read_cvat),
    "edl": Form("text", markers.is_edl, markers.read_edl),
    "subtitles": Form("text", markers.is_subtitles, markers.read_subtitles),
    **{name: Form("table", lambda content, tool=tool: tool.knows(content.cells.columns), table.read_table)
       for name, tool in TOOLS.items()},
    "csv": Form("table", lambda _: True, table.read_table),
}
_FORCED = ("video", "soccernet", "raw")  # that --label_form may call what is not recognised as such
_TEXTS = (".edl", ".srt", ".vtt")
# Those that are looked for in a folder: subtitles are not, as they may be of what is spoken
_SUFFIXES = (".json", ".jsonl", ".csv", ".tsv", ".txt", ".xml", ".edl", ".boris", *table.EXCEL)


def read_labels(
    labels: Path | str, form: str | None = None, label_fps: float | None = None, instant: str | None = None,
    columns: Mapping[str, str] | None = None, pattern: str | None = None,
) -> list[LabelSet]:
    """Read a label file, or all at any depth below a folder.

    Args:
        form: one of FORMS, or None to recognise that of each file by its content.
        label_fps: the rate at which frames are counted, for files that do not tell it.
        instant: "start", "middle" or "end" of what lasts; None for what is usual in the form.
        columns: of a table, or of a list of JSON objects, by their meaning; None where their names tell it.
        pattern: of the files to take below a folder, such as *.edl or anna/*.csv; None: all that may be label files.

    Raises:
        UserError: no such file or folder, no label files in it, or one of them is not what it must be.
    """
    labels, columns = Path(labels), dict(columns or {})
    root = labels if labels.is_dir() else labels.parent
    form = "csv" if columns else form
    sets = []
    for path in _label_files(labels, pattern):
        kind = FORMS[form].kind if form else _kind(path)
        is_note = not form and not pattern and path != labels and path.suffix.lower() == ".txt" and kind == "table"
        content = None
        with suppress(UserError) if is_note else nullcontext():
            content = _load(path, kind, columns)
        if is_note and (content is None or not table.has_events(content.cells.columns)):
            continue
        if form and form not in _FORCED and not FORMS[form].fits(content):
            raise UserError(f"{path}: is no file of the form {form}; name another one with --label_form, or none")
        found = form or _recognise(path, kind, content)
        name = path.relative_to(root).with_suffix("").as_posix()
        sets += FORMS[found].read(LabelFile(path, found, name, path == labels, content, label_fps, instant, columns))
    if not sets:
        wanted = f"no file {pattern}" if pattern else f"no label files ({', '.join(_SUFFIXES)})"
        raise UserError(f"{labels}: holds {wanted}; each video needs a <video>.json, or its lines in a table")
    return sets


def parse_label_file(path: Path, content: bytes) -> LabelSet:
    """The labels of a <video>.json that has been read.

    Raises:
        UserError: it is not what it must be.
    """
    sets = per_video.read_video(LabelFile(path, "video", path.stem, True, parse_file(path, content)))
    if len(sets) != 1:
        raise UserError(f"{path}: holds {len(sets)} entries; a label file holds that of one video")
    return sets[0]


def _label_files(labels: Path, pattern: str | None) -> list[Path]:
    if labels.is_file():
        return [labels]
    if not labels.is_dir():
        raise UserError(f"{labels}: no such file or folder; --labels names a folder of label files, or one file")
    found = ((path, path.relative_to(labels)) for path in labels.rglob("*"))
    files = {name.as_posix(): path for path, name in found if not any(x.startswith((".", "~$")) for x in name.parts)
             and (name.match(pattern) and path.is_file() if pattern else path.suffix.lower() in _SUFFIXES)}
    return [files[name] for name in sorted(files)]


def _load(path: Path, kind: str, columns: Mapping[str, str]) -> Any:
    """What a file of a kind holds."""
    if kind == "json":
        return _load_json(path)
    if kind == "text":
        return table.read_text(path)[0]
    if kind == "table":
        rows = _load_json(path) if columns and _kind(path) == "json" else None
        return table.load_table(path, columns) if rows is None else table.table_of(path, rows)
    try:
        return ElementTree.fromstring(path.read_bytes())
    except (ElementTree.ParseError, LookupError, ValueError, OSError) as error:  # LookupError: an encoding
        raise UserError(f"{path}: is not valid XML ({error}); correct it or write it again") from error


def _kind(path: Path) -> str:
    """By its first characters, or else by its name: what is broken is reported as such."""
    try:
        with path.open("rb") as file:
            start = file.read(64).removeprefix(b"\xef\xbb\xbf").lstrip()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from error
    suffix = path.suffix.lower()
    if start[:1] in (b"{", b"[") or suffix in (".json", ".jsonl", ".boris"):
        return "json"
    if start[:1] == b"<" or suffix == ".xml":
        return "xml"
    return "text" if start.startswith((b"TITLE:", b"WEBVTT")) or suffix in _TEXTS else "table"


def _load_json(path: Path) -> Any:
    """JSON, or a JSON value on each line."""
    try:
        return read_json(path)
    except UserError:
        with suppress(ValueError, OSError):
            lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
            values = [parse_json(line) for line in lines if line.strip()]
            if len(values) > 1:
                return values
        raise


def _recognise(path: Path, kind: str, content: Any) -> str:
    for name, form in FORMS.items():
        if form.kind == kind and form.fits(content):
            return name
    if isinstance(content, list) and all(isinstance(one, dict) and "video" in one for one in content):
        raise UserError(f"{path}: names videos without events; if it says which split they are in, take it away and "
                        "give its folder to --splits")
    if kind == "json" and soccernet.annotations_of(content) is not None:
        raise UserError(f'{path}: its annotations have no gameTime such as "1 - 12:30" (SoccerNet) or "00:14:07" '
                        "(raw), so that the unit of position is unknown; name the form with --label_form")
    needed = {"json": "neither events nor annotations", "text": "no markers and no cues"}.get(
        kind, "no ALL_INSTANCES, as Sportscode's XML has, and no tracks, as CVAT's")
    raise UserError(f"{path}: is no label file of a known form: it has {needed}; correct it or take it away")
