"""XML that Sportscode, LongoMatch, Nacsport and others exchange: instances with a start, an end, a code and labels.

    <instance><start>0.5</start><end>1.5</end><code>PASS</code>
        <label><group>Team</group><text>RED</text></label></instance>

The code is the class, a label of the group Team the team, one of the group Half the half that the clock counts in; all
others are kept by their group. Where all instances have a label of the group INSTANT, that is when their events are.
"""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as Xml

from PIL.ImageColor import getrgb

from label_forms.exported import ExportedVideo, further_fields
from label_forms.fields import EventReader, columns_of
from label_forms.sets import LabelFile, LabelSet
from plots.style import class_colour
from util.io import whole_file

_OWN = ("ID", "start", "end", "code")  # elements of an instance
_INSTANT = "Event time"  # seconds; written, since lead and lag need not be alike


def is_sportscode(root: Xml.Element) -> bool:
    return root.find(".//ALL_INSTANCES") is not None


def read_sportscode(file: LabelFile) -> list[LabelSet]:
    """The instances of a file, which is named as its video or match is."""
    rows = [_row(instance) for instance in file.content.iterfind(".//ALL_INSTANCES/instance")]
    named = columns_of(name for row in rows for name in row if name not in _OWN)
    columns = {"start": "start", "end": "end", "label": "code"} | {
        meaning: named[meaning] for meaning in ("half", "team") if meaning in named}
    if rows and all(_INSTANT in row for row in rows):
        columns = {"time": _INSTANT} | {meaning: columns[meaning] for meaning in columns.keys() - {"start", "end"}}
    reader = EventReader.of(rows, columns, file.moment, timed=True, left_out=("ID", "start", "end", _INSTANT))
    events = [reader.read(f"{file.path}: instance[{index}]", row) for index, row in enumerate(rows)]
    return [file.label_set(file.own_names(), events, True, notes=reader.notes())]


def _row(instance: Xml.Element) -> dict[str, str]:
    row = {child.tag: (child.text or "").strip() for child in instance if child.tag in _OWN}
    for label in instance.iterfind("label"):
        group = (label.findtext("group") or "label").strip() or "label"
        name = f"{group} of a label" if group.casefold() in ("id", "start", "end", "code", "label", "frame") else group
        text = (label.findtext("text") or "").strip()
        row[name] = f"{row[name]}, {text}" if row.get(name) else text
    return row


def write_sportscode(path: Path, video: ExportedVideo) -> None:
    """A clip for each event, from `lead` seconds before it to `lag` after it, whose labels hold all else and the
    instant; and a coloured row for each class."""
    root = Xml.Element("file")
    Xml.SubElement(root, "SESSION_INFO")
    instances = Xml.SubElement(root, "ALL_INSTANCES")
    for number, event in enumerate(video.events, 1):
        instance = Xml.SubElement(instances, "instance")
        seconds = event["seconds"]
        ends = max(0.0, seconds - video.lead), min(seconds + video.lag, video.end)
        fields = {"ID": number, "start": f"{ends[0]:.3f}", "end": f"{ends[1]:.3f}", "code": event["label"]}
        for name, value in fields.items():
            Xml.SubElement(instance, name).text = str(value)
        labels = {"Team": event.get("team"), "Score": event.get("score"), _INSTANT: f"{seconds:.3f}",
                  **further_fields(event)}
        for group, text in labels.items():
            if text is not None:
                label = Xml.SubElement(instance, "label")
                Xml.SubElement(label, "group").text = group
                Xml.SubElement(label, "text").text = str(text)
    rows = Xml.SubElement(root, "ROWS")
    for index, name in enumerate(video.classes):
        row = Xml.SubElement(rows, "row")
        Xml.SubElement(row, "sort_order").text = str(index + 1)
        Xml.SubElement(row, "code").text = name
        for channel, level in zip("RGB", getrgb(class_colour(index)), strict=True):
            Xml.SubElement(row, channel).text = str(257 * level)  # 0 to 65535
    Xml.indent(root)
    with whole_file(path) as scratch:
        Xml.ElementTree(root).write(scratch, encoding="UTF-8", xml_declaration=True)
