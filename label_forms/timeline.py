"""Where labels lie: in which video an event is, and on which of its extracted frames.

A label set speaks of one video, or of a match whose halves are videos of their own. Its positions count frames or
seconds from the start of the video, of the match or of a half.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from dataset.labels import SAME_FPS
from dataset.matches import match_and_part
from label_forms.sets import LabelledEvent, LabelSet
from label_forms.videos import WHOLE, Labelled
from util.clock import parse_time, show_time
from util.errors import UserError
from util.words import number_of

if TYPE_CHECKING:  # its decoder takes a while to import, and view.py needs none
    from footage.videos import VideoInfo

# The first event of a half is taken to be late if it comes after so many seconds, and so many times the longest
# pause between two other events: the halves of the videos may not be those of the labels then.
LATE_SECONDS, LATE_PAUSES = 30, 3


@dataclass(frozen=True)
class Clock:
    """How the positions of a label set count one video."""

    scale: float  # extracted frames per unit of position
    length: float  # of the video, in units of position
    end: float  # positions from here on are past the end: length, or half a frame more where times were rounded
    rate: float  # units of position per second


@dataclass
class Placed:
    """The entries of videos, as they stand in a split, and what there is to say of how they were made."""

    entries: list[dict] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)  # a message for each video with events that it does not show


def announced_record(info: VideoInfo, fps: float | None) -> dict:
    """What the record of a video's extracted frames would be, by what its file says of itself.

    Args:
        fps: to extract at; None for each frame of the video.
    """
    frames = info.announced_frames or 10**9  # which no label is past
    fps = fps or info.fps
    return {"num_frames": max(1, round(frames * fps / info.fps)), "fps": fps, "source_frames": frames,
            "source_fps": info.fps, "width": info.width, "height": info.height}


def clock_of(labels: LabelSet, record: Mapping) -> Clock:
    """How a label set's positions count a video.

    Args:
        record: of the extracted frames: num_frames, fps, and source_frames and source_fps of the video file.

    Raises:
        UserError: the labels name a rate that is neither the file's nor that of its extracted frames.
    """
    fps, source_fps, num_frames = record["fps"], record["source_fps"], record["num_frames"]
    if labels.seconds:
        return Clock(fps, num_frames / fps, (num_frames + 0.5) / fps, 1)
    counted = labels.fps or source_fps
    off_source, off_frames = abs(counted - source_fps), abs(counted - fps)
    if min(off_source, off_frames) < SAME_FPS:
        scale = fps / source_fps if off_source <= off_frames else 1.0
        length = num_frames if scale == 1 else record["source_frames"]
        return Clock(scale, length, length, source_fps if off_source <= off_frames else fps)
    if labels.fps_from == "option":
        scale = fps / counted
        return Clock(scale, num_frames / scale, (num_frames + 0.5) / scale, counted)
    rates = f"{source_fps:g}" if source_fps == fps else f"{source_fps:g} and its frames {fps:g}"
    if labels.fps_from == "form":
        raise UserError(f"{labels.path}: files of this form count {counted:g} frames a second, but the rate of the "
                        f"video is {rates}; say --label_fps {counted:g} if these count {counted:g} to a second too, "
                        f"or --label_fps {source_fps:g} if they count the video's own frames; it is then the rate of "
                        "all label files that do not tell theirs")
    raise UserError(f"{labels.path}: its fps is {counted:g}, but that of the video is {rates}; correct it, "
                    "or take it out if the events count the video's own frames")


def place_events(labelled: Labelled, records: Mapping[str, Mapping], second_half: Mapping[str, str]) -> Placed:
    """The split entries of the videos of a label set, with the events on the extracted frames, sorted by frame.

    Args:
        records: of the extracted frames of each video, as in `clock_of`, with width and height.
        second_half: where the second half begins in the labels of a match, in frames (seconds, if they count those)
            or as a time with colons; "" for all matches not named. By default it is where the first video ends.

    Raises:
        UserError: the rate is wrong, see `clock_of`, or it is not known which video an event is in.
    """
    labels, parts = labelled.labels, labelled.parts
    clocks = {part: clock_of(labels, records[video]) for part, video in parts.items()}
    placed = Placed()
    starts = _starts(labelled, clocks, second_half.get(labelled.match) or second_half.get(""), placed)
    events: dict[int, list[tuple[float, LabelledEvent]]] = {part: [] for part in parts}
    for event in labels.events:
        part, shift = _part_of(event, labelled, starts)
        events[part].append((event.position + shift, event))
    for part, video in parts.items():
        outside = [(at, event) for at, event in events[part] if not 0 <= at < clocks[part].end]
        if outside:
            placed.outside.append(_tell_outside(labelled, video, clocks[part], outside))
        else:
            entry = _entry(labels, video, records[video], clocks[part], events[part])
            placed.entries.append(entry)
            merged = _differing(events[part]) - len({(event["frame"], event["label"]) for event in entry["events"]})
            if merged:
                placed.warnings.append(f"{labels.path}: {number_of(merged, 'event')} of {video} came to the frame of "
                                       "another of the same class when converted")
            placed.warnings += _doubt_length(labels, records[video])
    _tell_conversion(labelled, records, events, starts, clocks, placed)
    return placed


def _starts(
    labelled: Labelled, clocks: Mapping[int, Clock], second: str | None, placed: Placed
) -> dict[int, float]:
    """At which position of a match each part begins, or where each half begins in the one video of the match."""
    labels, parts = labelled.labels, labelled.parts
    if labelled.is_cut:
        if 1 not in parts:
            raise UserError(f"{labels.path}: counts from the start of the match, but there is no video of its first "
                            f"half, {labelled.match + '_1'!r}; add it")
        starts = {1: 0.0}
        for part in sorted(parts)[1:]:
            if part - 1 not in parts:
                raise UserError(f"{labels.path}: there is a video of part {part} of {labelled.match!r}, but none of "
                                f"part {part - 1}; add it")
            starts[part] = starts[part - 1] + clocks[part - 1].length
            if part == 2 and second:
                starts[2] = _position(second, clocks[1])
        return starts
    halves = sorted({event.half for event in labels.events if event.half})
    if WHOLE not in parts or not halves:
        return dict.fromkeys([*parts, *halves], 0.0)
    own = match_and_part(parts[WHOLE])[1]
    if own or halves == [1]:
        return {own or 1: 0.0}
    if second:
        return {1: 0.0, 2: _position(second, clocks[WHOLE])}
    ranges = [[event.position for event in labels.events if event.half == half] for half in halves]
    if len(halves) > 1 and all(max(a) < min(b) for a, b in zip(ranges, ranges[1:], strict=False)):
        placed.notes.append(f"{labels.path}: positions are taken to count on through the halves, from the start of "
                            f"{parts[WHOLE]}")
        return dict.fromkeys(halves, 0.0)
    raise UserError(f"{labels.path}: has events of half 2, counted from where it begins, but {parts[WHOLE]!r} is one "
                    f"video for the match; say when it begins there, such as --second_half {labelled.match}=58:30.5")


def _part_of(event: LabelledEvent, labelled: Labelled, starts: Mapping[int, float]) -> tuple[int, float]:
    """The part whose video shows an event, and what to add to its position to count from the start of that video."""
    parts = labelled.parts
    if event.half:
        if event.half not in starts or (WHOLE not in parts and event.half not in parts):
            there = ", ".join(f"{video!r}" for video in parts.values())
            raise UserError(f"{labelled.labels.path}: {event.place}: there is no video for half {event.half} of "
                            f"{labelled.match!r} (there is {there}); add it, or take the events of that half out")
        return (event.half if event.half in parts else WHOLE), starts[event.half]
    part = max((part for part in starts if starts[part] <= event.position), default=min(parts))
    return part, -starts[part]


def _position(place: str, clock: Clock) -> float:
    """What --second_half says, in units of position."""
    value = parse_time(place)
    return value * clock.rate if ":" in place else value


def _entry(
    labels: LabelSet, video: str, record: Mapping, clock: Clock, events: Sequence[tuple[float, LabelledEvent]]
) -> dict:
    last = record["num_frames"] - 1  # to which the last frames of the file may not round down
    framed = [{**event.fields, "frame": min(round(at * clock.scale), last)} for at, event in events]
    known = {
        "video": video,
        "num_frames": record["num_frames"],
        "num_events": len(framed),
        "fps": record["fps"],
        "width": record["width"],
        "height": record["height"],
    }
    extra = {key: value for key, value in labels.keys.items() if key not in known}
    return {**known, **extra, "events": sorted(framed, key=lambda event: event["frame"])}


def _differing(events: Sequence[tuple[float, LabelledEvent]]) -> int:
    return len({(at, event.fields["label"]) for at, event in events})


# What there is to say of it


def _tell_outside(
    labelled: Labelled, video: str, clock: Clock, outside: Sequence[tuple[float, LabelledEvent]]
) -> str:
    labels, last = labelled.labels, f"{clock.length - 1:.0f}"
    end = f"which is {show_time(clock.length)} long" if labels.seconds else f"whose last frame is {last}"
    at, event = min(outside, key=lambda placed: abs(placed[0]))
    text = f"{labels.path}: {event.place}: {_distance(labels, clock, at)} of the video {video!r}, {end}"
    if len(outside) > 1:
        farthest, _ = max(outside, key=lambda placed: abs(placed[0]))
        text += f" (and {number_of(len(outside) - 1, 'more event')}, up to {_distance(labels, clock, farthest)})"
    if labelled.is_cut and len(labelled.parts) > 1:
        return (f"{text}; if the labels' halves do not follow each other as the videos do (there is a break between "
                f"them, say), tell where the second one begins: --second_half {labelled.match}=FRAME or =TIME")
    if labelled.is_cut:
        return f"{text}; is the video of the second half, {labelled.match + '_2'!r}, missing?"
    if (match_and_part(video)[1] or 1) > 1 and not event.half:
        return (f"{text}; if it counts from the start of the match, put the events of all halves into one file, "
                f"{labelled.match}{labels.path.suffix}")
    return f"{text}; were the labels made for another version of it, or another rate?"


def _distance(labels: LabelSet, clock: Clock, at: float) -> str:
    """How far a position lies before or past what a video shows."""
    if at < 0:
        return f"{_amount(labels, clock, -at)} before the start"
    # of frames the first one outside is one past the last
    return f"{_amount(labels, clock, at - clock.length + (not labels.seconds))} past the end"


def _amount(labels: LabelSet, clock: Clock, length: float) -> str:
    if labels.seconds:
        return show_time(length)
    return f"{number_of(round(length), 'frame')} ({show_time(length / clock.rate)})"


def _tell_conversion(
    labelled: Labelled,
    records: Mapping[str, Mapping],
    events: Mapping[int, Sequence[tuple[float, LabelledEvent]]],
    starts: Mapping[int, float],
    clocks: Mapping[int, Clock],
    placed: Placed,
) -> None:
    labels, parts = labelled.labels, labelled.parts
    if len(parts) > 1:
        cuts = ", ".join(_moment(labels, clocks[part], starts[part]) for part in parts if labelled.is_cut and part > 1)
        numbers = ", ".join(f"{number_of(len(events[part]), 'event')} in {video}" for part, video in parts.items())
        placed.notes.append(f"{labels.path}: {f'cut at {cuts}: ' if cuts else ''}{numbers}")
        placed.warnings += [f"{labels.path}: no event lies in {video}, and {len(labels.events)} in the whole match"
                            for part, video in parts.items() if labels.events and not events[part]]
    elif parts[min(parts)] not in labels.names:
        placed.notes.append(f"{labels.path}: is taken for the labels of {parts[min(parts)]}")
    if labelled.is_cut:
        placed.warnings += _doubt_cut(labelled, events, clocks)
    placed.warnings += _doubt_rate(labels, records[parts[min(parts)]], clocks[min(parts)])
    converted = [part for part in parts if events[part] and (labels.seconds or clocks[part].scale != 1)]
    if converted:
        number = sum(len(events[part]) for part in converted)
        rates = " and ".join(dict.fromkeys(f"{records[parts[part]]['fps']:g}" for part in converted))
        what = (f"{number_of(number, 'time')} converted to frames at" if labels.seconds else
                f"{number_of(number, 'event')} converted from {clocks[converted[0]].rate:g} to")
        placed.notes.append(f"{labels.path}: {what} {rates} fps")


def _moment(labels: LabelSet, clock: Clock, position: float) -> str:
    time = show_time(position / clock.rate)
    return time if labels.seconds else f"frame {position:.0f} ({time})"


def _doubt_cut(
    labelled: Labelled, events: Mapping[int, Sequence[tuple[float, LabelledEvent]]], clocks: Mapping[int, Clock]
) -> list[str]:
    """What speaks against the cut: a later half that begins with a long pause, or positions that start again."""
    path, doubts = labelled.labels.path, []
    times = {part: sorted(at / clocks[part].rate for at, _ in events[part]) for part in events}
    pauses = [after - before for part in times for before, after in pairwise(times[part])]
    for part, video in labelled.parts.items():
        first = times[part][0] if part > 1 and times[part] else 0
        if pauses and first > max(LATE_SECONDS, LATE_PAUSES * max(pauses)):
            doubts.append(f"{path}: the first event of {video} comes {show_time(first)} after its start, and no other "
                          f"pause is longer than {show_time(max(pauses))}; if the labels count a break between the "
                          f"halves, all events of {video} are late by it: tell where it begins in the labels, "
                          f"--second_half {labelled.match}=FRAME or =TIME")
    listed = labelled.labels.events
    falls = [index for index, (one, other) in enumerate(pairwise(listed), 1) if other.position < one.position]
    if len(falls) == 1 and listed[falls[0]].position < 0.3 * listed[falls[0] - 1].position:
        doubts.append(f"{path}: positions start again at {listed[falls[0]].place}, after "
                      f"{listed[falls[0] - 1].place}; if the second half counts from 0, make a file for each half, "
                      f"{labelled.match}_1{path.suffix} and {labelled.match}_2{path.suffix}")
    return doubts


def _doubt_length(labels: LabelSet, record: Mapping) -> list[str]:
    """Labels that tell how many frames they were made for, where neither the video nor its frames are so many."""
    told, there = labels.keys.get("num_frames"), record["source_frames"]
    if told in (None, there, record["num_frames"]):
        return []
    return [f"{labels.path}: its num_frames is {told}, but the video has {number_of(there, 'frame')}; were the labels "
            "made for another version of it, or for frames of another tool? Then they may lie some frames off: look at "
            "them with check_data.py --sheet"]


def _doubt_rate(labels: LabelSet, record: Mapping, clock: Clock) -> list[str]:
    """Where 30 was taken for 29.97, which of the two it is matters by the end of a half."""
    if not labels.fps or not labels.events:
        return []
    taken, other = clock.rate, record["source_fps"] if labels.fps == clock.rate else labels.fps
    last = max(event.position for event in labels.events)
    drift = round(last * abs(taken / other - 1))
    said = labels.fps == taken and labels.fps_from != "form"  # else nobody has thought about it
    if not drift or said or abs(taken - other) >= SAME_FPS:
        return []
    fps = f"{record['source_fps']:.6g}"
    say = f"write fps {fps} into it" if labels.fps_from == "file" else f"say --label_fps {fps}"
    return [f"{labels.path}: is taken to count {taken:g} frames a second, and not {other:g}; if that is wrong, its "
            f"last event is {number_of(drift, 'frame')} off: {say} if it counts the frames of the video, or extract "
            f"them with --fps {labels.fps:g} if it counts {labels.fps:g} to a second by the clock"]
