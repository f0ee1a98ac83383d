"""Labels as annotators hand them over, whatever the form of their files: a set of events for a video or a match."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from util.entries import as_place, clean_label, composed, place_fault, unknown_class
from util.errors import UserError, number_of

NOT_SHOWN = ("not shown", "not visible", "invisible")  # SoccerNet's visibility


@dataclass(frozen=True)
class LabelledEvent:
    """An event as an annotator gave it."""

    place: str  # where it stands in its file, and when it is: "annotations[3] (frame 25421)"
    position: Any  # frames or seconds, as its label set says, or a Timecode
    fields: dict[str, Any]  # label, and whatever else is carried through
    half: int | None = None  # in which position counts, where the form tells
    stated: tuple[float, float] | None = None  # its time beside its frame, and by how much that may be off; seconds


@dataclass(frozen=True)
class LabelSet:
    """The events that a file holds for one video, or for one match."""

    path: Path
    form: str
    names: tuple[str, ...]  # that its video or match may have, the likeliest first
    events: tuple[LabelledEvent, ...]
    seconds: bool = False  # whether positions are seconds; else frames
    fps: float | None = None  # that frames count at; None: they count those of the video file
    fps_from: str = ""  # who says so: "file", "option" or "form"
    keys: dict[str, Any] = field(default_factory=dict)  # of its entry beside the events, carried through
    read: int = 0  # events in the file, before any was dropped
    notes: tuple[str, ...] = ()  # what was changed or dropped, and why
    warnings: tuple[str, ...] = ()

    def changed(self, events: Iterable[LabelledEvent], *notes: str) -> LabelSet:
        """It with other events, and with what there is to say of that."""
        return replace(self, events=tuple(events), notes=(*self.notes, *notes))


@dataclass(frozen=True)
class LabelFile:
    """A file of labels and what a reader of its form needs."""

    path: Path
    form: str  # see label_forms.forms
    name: str  # below the folder of labels, without suffix: what its video or match may be called
    alone: bool  # it was named itself, so that no folder tells where its video lies
    content: Any  # JSON value, XML element or Table
    label_fps: float | None = None  # at which frames are counted, where the file does not tell
    instant: str | None = None  # of what has a start and an end; None: as is usual for the form
    columns: dict[str, str] | None = None  # of a table, by meaning; None: as their names tell

    @property
    def moment(self) -> str:
        """The instant: tools that cut out clips add a lead and a lag to it; others mark what happens from its start."""
        return self.instant or ("middle" if self.form in ("sportscode", "longomatch") else "start")

    def own_names(self) -> tuple[str, ...]:
        """What the video may be called by the file's name: spot_video.py writes <video>.events.json, .premiere.csv."""
        return self.name, self.name.removesuffix(".events").removesuffix(".premiere")

    def label_set(
        self, names: Iterable[str], events: Sequence[LabelledEvent], seconds: bool, fps: float | None = None,
        usual_fps: float | None = None, **more: Any,
    ) -> LabelSet:
        """What it says of one video or match.

        Args:
            fps: at which the file says that frames are counted.
            usual_fps: at which they are in this form.
            more: other fields of the set.

        Raises:
            UserError: the place of an event is none.
        """
        rates = ((fps if fps and fps > 0 else None, "file"), (self.label_fps, "option"), (usual_fps, "form"))
        rate, said_by = next((one for one in rates if one[0] and not seconds), (None, ""))
        placed = tuple(map(self._with_place, events))
        return LabelSet(self.path, self.form, tuple(dict.fromkeys(names)), placed, seconds, rate, said_by,
                        read=len(events), **more)

    def _with_place(self, event: LabelledEvent) -> LabelledEvent:
        if "xy" not in event.fields:
            return event
        xy = as_place(event.fields["xy"])
        if fault := place_fault(xy):
            raise UserError(f"{self.path}: {event.place}: {fault}")
        return replace(event, fields=event.fields | {"xy": xy})


def path_names(video: str) -> tuple[str, ...]:
    """What a video may be called by a path to it, of any machine: with and without folders, and the suffix."""
    path = composed(video).replace("\\", "/").removeprefix("file://")
    stem, dot, suffix = path.rpartition(".")
    has_suffix = dot and stem and suffix.isalnum() and len(suffix) <= 4 and not suffix.isdigit()
    parts = re.sub(r"^([A-Za-z]:)?[/.]*/", "", stem if has_suffix else path).split("/")
    shorter = ["/".join(parts[index:]) for index in range(len(parts))]
    uploaded = re.sub(r"^[0-9a-f]{8}-", "", parts[-1])  # as Label Studio calls a file that was uploaded
    return tuple(dict.fromkeys([path, *shorter, uploaded]))


def settle_classes(
    sets: Sequence[LabelSet], classes: Sequence[str] | None, only: Collection[str] | None
) -> tuple[list[LabelSet], list[str]]:
    """Give every event a class: one of `classes`, or of those in the labels where there are none yet.

    Labels that differ in case or blanks alone are one; it is written as in `classes`, or as it is most often. An
    event that stands there twice, with all its keys, is taken once. Notes of the sets count all that was changed.

    Args:
        only: the classes to keep; events of others are dropped. None keeps all.

    Returns:
        The sets, and the classes: `classes` as they are, or those kept, sorted.

    Raises:
        UserError: a label that is none of `classes`, a name in `only` that no event has, or no event left.
    """
    found = Counter(event.fields["label"] for labels in sets for event in labels.events)
    spellings: dict[str, str] = {}
    for name in classes or sorted(found, key=lambda name: (-found[name], name)):
        spellings.setdefault(plain_label(name), " ".join(name.split()) if classes is None else name)
    unknown = [name for name in only or () if plain_label(name) not in spellings]
    if unknown:
        raise UserError(f"--only {unknown[0]}: no such class; there are: {', '.join(sorted(spellings.values()))}")
    wanted = {plain_label(name) for name in only} if only else None
    settled = [_settled(labels, spellings, wanted) for labels in sets]
    kept = sorted({event.fields["label"] for labels in settled for event in labels.events})
    if not kept and classes is None:
        raise UserError(f"{sets[0].path}: no label file holds an event; there is nothing to learn")
    return settled, list(classes) if classes is not None else kept


def _settled(labels: LabelSet, spellings: Mapping[str, str], wanted: Collection[str] | None) -> LabelSet:
    taken, dropped = Counter(), Counter()
    seen: dict[tuple, list[dict]] = defaultdict(list)  # by position
    events, twins = [], []
    for event in labels.events:
        label = event.fields["label"]
        if wanted is not None and plain_label(label) not in wanted:
            dropped[label] += 1
            continue
        if plain_label(label) not in spellings:
            message, advice = unknown_class(label, spellings.values())
            raise UserError(f"{labels.path}: {event.place}: {message}; {advice}, or name the classes to keep, such as "
                            "--only PASS DRIVE, which drops the others")
        name = spellings[plain_label(label)]
        taken[label, name] += 1
        event = replace(event, fields=event.fields | {"label": name})
        others = seen[event.half, event.position]
        (twins if event.fields in others else events).append(event)
        others.append(event.fields)
    notes = [f"{number} labelled {label!r} taken as {name}" for (label, name), number in sorted(taken.items())
             if name != label]
    if dropped:
        notes.append(f"{dropped.total()} dropped by --only ({_counted(dropped)})")
    if twins:
        more = f" and {len(twins) - 1} more" if len(twins) > 1 else ""
        notes.append(f"{len(twins)} dropped, the same event as one before ({twins[0].place}{more})")
    return labels.changed(events, *notes)


def drop_not_shown(sets: Sequence[LabelSet], drop: bool) -> list[LabelSet]:
    """Leave out, if `drop`, the events that the picture does not show by SoccerNet's visibility; a note counts them."""
    settled, done = [], "dropped" if drop else "kept (--drop not_shown leaves them out)"
    for labels in sets:
        shown = [event for event in labels.events if event.fields.get("visibility") not in NOT_SHOWN]
        hidden = len(labels.events) - len(shown)
        notes = [f"{hidden} not shown in the picture, {done}"] * bool(hidden)
        settled.append(labels.changed(shown if drop else labels.events, *notes))
    return settled


def split_teams(sets: Sequence[LabelSet], separator: str) -> list[LabelSet]:
    """Part labels such as PASS-left into label and team, at the last separator."""
    def parted(event: LabelledEvent) -> LabelledEvent:
        label, _, team = map(str.strip, event.fields["label"].rpartition(separator))
        return replace(event, fields=event.fields | {"label": label, "team": team}) if label and team else event

    return [labels.changed(map(parted, labels.events)) for labels in sets]


def count_timecodes(sets: Sequence[LabelSet], zero: Any) -> list[LabelSet]:
    """Let time codes count from that at which the videos begin."""
    return [labels.changed(
        replace(event, position=event.position._replace(zero=zero)) if hasattr(event.position, "zero") else event
        for event in labels.events) for labels in sets]


def report_labels(sets: Sequence[LabelSet]) -> list[str]:
    """Lines on what was read: one for each file, and one for all; warnings are left to the caller."""
    files: dict[Path, list[LabelSet]] = defaultdict(list)
    for labels in sets:
        files[labels.path].append(labels)
    lines = []
    for path, of in files.items():
        labels, several = of[0], len(of) > 1
        events = Counter(event.fields["label"] for one in of for event in one.events)
        unit = "times" if labels.seconds else f"frames at {labels.fps:g} fps" if labels.fps else "frames of the video"
        videos = f", {number_of(len(of), 'video')}" if several or labels.form == "csv" else ""
        kept = f" ({_counted(events)})" if events else ""
        notes = "".join(f"; {f'{one.names[0]}: ' if several else ''}{note}" for one in of for note in one.notes)
        lines.append(f"{path}: {labels.form}, {unit}{videos}: {number_of(sum(one.read for one in of), 'event')}{kept}"
                     f"{notes}")
    read, kept = sum(labels.read for labels in sets), sum(len(labels.events) for labels in sets)
    forms = Counter(of[0].form for of in files.values())
    lines.append(f"labels: {number_of(len(files), 'file')} ({_counted(forms)}), {number_of(read, 'event')} read, "
                 f"{read - kept:,} dropped, {kept:,} kept")
    return lines


def plain_label(label: str) -> str:
    """A label as it is compared: labels that differ in case or blanks alone are one."""
    return " ".join(clean_label(label).split()).casefold()


def _counted(numbers: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in sorted(numbers.items()))
