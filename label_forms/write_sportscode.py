"""XML for Sportscode, LongoMatch, Nacsport and others: a clip for each event, a coloured row for each class."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as Xml

from label_forms.exported import ExportedVideo, further_fields
from label_forms.sportscode import INSTANT
from plots.style import class_colour
from util.io import whole_file


def write_sportscode(path: Path, video: ExportedVideo) -> None:
    """Instances from `lead` seconds before the event to `lag` after it; labels hold all else and the instant."""
    root = Xml.Element("file")
    Xml.SubElement(root, "SESSION_INFO")
    instances = Xml.SubElement(root, "ALL_INSTANCES")
    for number, event in enumerate(video.events, 1):
        instance = Xml.SubElement(instances, "instance")
        seconds = event["seconds"]
        ends = max(0.0, seconds - video.clip.lead), min(seconds + video.clip.lag, video.end)
        fields = {"ID": number, "start": f"{ends[0]:.3f}", "end": f"{ends[1]:.3f}", "code": event["label"]}
        for name, value in fields.items():
            Xml.SubElement(instance, name).text = str(value)
        labels = {"Team": event.get("team"), "Score": event.get("score"), INSTANT: f"{seconds:.3f}",
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
        colour = class_colour(index)
        for channel, at in (("R", 1), ("G", 3), ("B", 5)):
            Xml.SubElement(row, channel).text = str(257 * int(colour[at : at + 2], 16))  # 0 to 65535
    Xml.indent(root)
    with whole_file(path) as scratch:
        Xml.ElementTree(root).write(scratch, encoding="UTF-8", xml_declaration=True)
