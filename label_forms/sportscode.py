"""XML that Sportscode, LongoMatch, Nacsport and others exchange: instances with a start, an end, a code and labels.

    <instance><start>0.5</start><end>1.5</end><code>PASS</code>
        <label><group>Team</group><text>RED</text></label></instance>

The code is the class, a label of the group Team the team, one of the group Half the half that the clock counts in; all
others are kept by their group. Where all instances have a label of the group INSTANT, that is when their events are.
"""

from __future__ import annotations

from xml.etree import ElementTree

from label_forms.fields import EventReader, columns_of
from label_forms.sets import LabelFile, LabelSet

_OWN = ("ID", "start", "end", "code")  # elements of an instance

INSTANT = "Event time"  # seconds; write_sportscode.py writes it, since lead and lag need not be alike


def is_sportscode(root: ElementTree.Element) -> bool:
    return root.find(".//ALL_INSTANCES") is not None


def read_sportscode(file: LabelFile) -> list[LabelSet]:
    """The instances of a file, which is named as its video or match is."""
    rows = [_row(instance) for instance in file.content.iterfind(".//ALL_INSTANCES/instance")]
    named = columns_of(name for row in rows for name in row if name not in _OWN)
    columns = {"start": "start", "end": "end", "label": "code"} | {
        meaning: named[meaning] for meaning in ("half", "team") if meaning in named}
    if rows and all(INSTANT in row for row in rows):
        columns = {"time": INSTANT} | {meaning: columns[meaning] for meaning in columns.keys() - {"start", "end"}}
    reader = EventReader.of(rows, columns, file.moment, timed=True, left_out=("ID", "start", "end", INSTANT))
    events = [reader.read(f"{file.path}: instance[{index}]", row) for index, row in enumerate(rows)]
    return [file.label_set(file.own_names(), events, True, notes=reader.notes())]


def _row(instance: ElementTree.Element) -> dict[str, str]:
    row = {child.tag: (child.text or "").strip() for child in instance if child.tag in _OWN}
    for label in instance.iterfind("label"):
        group = (label.findtext("group") or "label").strip() or "label"
        name = f"{group} of a label" if group.casefold() in ("id", "start", "end", "code", "label", "frame") else group
        text = (label.findtext("text") or "").strip()
        row[name] = f"{row[name]}, {text}" if row.get(name) else text
    return row
