"""Where labels lie: in which video an event is, and on which of its extracted frames.

A label set speaks of one video, or of a match whose halves are videos of their own. Its positions count frames or
seconds from the start of the video, of the match or of a half; times become frames by the time stamps of the frames.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

from dataset.labels import SAME_FPS
from dataset.video_record import timecode_rate
from label_forms.clock import Clock, clock_of
from label_forms.fields import TIMECODE, Timecode
from label_forms.sets import LabelledEvent, LabelSet
from label_forms.videos import WHOLE, Labelled
from util.clock import parse_time, show_time
from util.entries import joined_ranges
from util.errors import UserError, number_of
from util.matches import match_and_part

# The first event of a half is taken to be late if it comes after so many seconds, and so many times the longest
# pause between two other events: the halves of the videos may not be those of the labels then.
LATE_SECONDS, LATE_PAUSES = 30, 3
HOUR = 3600  # seconds; where timelines of editing programs begin
CLOCK_DRIFT = 0.002  # of a time: 30 frames a second taken for 29.97 come to half as much


Placed = tuple[float, LabelledEvent]  # its position from the start of its video, and the event


@dataclass
class _Part:
    """A video that labels are about."""

    video: str
    record: Mapping
    clock: Clock
    events: list[Placed] = field(default_factory=list)


_Parts = dict[int, _Part]  # by number, see `Labelled`


@dataclass
class Placement:
    """The entries of videos, as they stand in a split, and what there is to say of how they were made."""

    path: Path  # of the labels, which all messages begin with
    entries: list[dict] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    homeless: list[str] = field(default_factory=list)  # of events in a half that has no video: where and which
    outside: list[str] = field(default_factory=list)  # for each video with events that it does not show: a message
    unplaced: int = 0  # events that are in no entry, for either reason

    def note(self, message: str) -> None:
        self.notes.append(f"{self.path}: {message}")

    def warn(self, message: str) -> None:
        self.warnings.append(f"{self.path}: {message}")


def place_events(labelled: Labelled, records: Mapping[str, Mapping], second_half: Mapping[str, str]) -> Placement:
    """The split entries of the videos of a label set, with the events on the extracted frames, sorted by frame.

    Events that no video shows are in no entry: the placement counts them and says which.

    Args:
        records: of the extracted frames of each video, as in `clock_of`, with width and height.
        second_half: where the second half begins in the labels of a match, in frames (seconds, if they count those)
            or as a time with colons; "" for all matches not named. By default it is where the first video ends.

    Raises:
        UserError: the rate is wrong, see `clock_of`, an event's frame and time contradict each other, or it is not
            known which video an event is in.
    """
    first = records[labelled.parts[min(labelled.parts)]]
    labels = _with_times(labelled.labels, first)
    if first.get("announced"):  # a file that lost frames tells a mean rate alone, by which frames and times differ
        labels = labels.changed(replace(event, stated=None) for event in labels.events)
    labelled, placement = replace(labelled, labels=labels), Placement(labels.path)
    parts = {part: _Part(video, records[video], clock_of(labels, records[video]))
             for part, video in labelled.parts.items()}
    starts = _starts(labelled, parts, second_half.get(labelled.match) or second_half.get(""), placement)
    _deal_events(labelled, parts, starts, placement)
    for part, one in parts.items():
        inside = [placed for placed in one.events if one.clock.holds(placed[0])]
        outside = [placed for placed in one.events if not one.clock.holds(placed[0])]
        if one.video in labelled.superseded:
            placement.note(f"{number_of(len(inside), 'event')} of {one.video} left out, as {one.video}.json labels it")
            continue
        if outside:
            placement.outside.append(f"{labels.path}: {_describe_outside(labelled, one, outside)}")
            placement.unplaced += len(outside)
        entry = _entry(labels, one, inside, starts[part] if labelled.is_cut else 0)
        placement.entries.append(entry)
        different = {(at, event.fields["label"]) for at, event in inside}
        merged = len(different) - len({(event["frame"], event["label"]) for event in entry["events"]})
        if merged:
            placement.warn(f"{number_of(merged, 'event')} of {one.video} came to the frame of another of the same "
                           "class when converted")
        _doubt_length(labels, one.record, placement)
    _describe_conversion(labelled, parts, starts, placement)
    return placement


def _deal_events(labelled: Labelled, parts: _Parts, starts: Mapping[int, float], placement: Placement) -> None:
    """Find the part of each event."""
    for event in labelled.labels.events:
        if not event.half:
            part = max((part for part in starts if starts[part] <= event.position), default=min(parts))
        elif event.half in starts and not parts.keys().isdisjoint((event.half, WHOLE)):
            part = event.half if event.half in parts else WHOLE
        else:
            there = ", ".join(f"{one.video!r}" for one in parts.values())
            placement.homeless.append(f"{placement.path}: {event.place}: there is no video for half {event.half} of "
                                      f"{labelled.match!r} (there is {there}); add it")
            continue
        at = event.position + (starts[event.half] if event.half else -starts[part])
        _check_stated(placement.path, event, at, parts[part].clock)
        parts[part].events.append((at, event))
    placement.unplaced = len(placement.homeless)


def _with_times(labels: LabelSet, record: Mapping) -> LabelSet:
    """Time codes, which count at the rate of the video, as seconds."""
    codes = [isinstance(event.position, Timecode) for event in labels.events]
    if not any(codes):
        return labels
    if not all(codes):
        raise UserError(f"{labels.path}: {labels.events[codes.index(False)].place} is no time code, but "
                        f"{labels.events[codes.index(True)].place} is; write all alike")
    fps = timecode_rate(record)
    return labels.changed(replace(event, position=event.position.frame(fps) / fps) for event in labels.events)


def _check_stated(path: Path, event: LabelledEvent, at: float, clock: Clock) -> None:
    """Raise a UserError where an event has a frame and a time that contradict each other."""
    if event.stated is None:
        return
    seconds, exactness = event.stated
    times = {clock.time_of(at), clock.time_of(at) - clock.shown.start, event.position / clock.rate}
    slack = exactness + 2 / clock.rate + CLOCK_DRIFT * seconds
    if all(abs(time - seconds) > slack for time in times):
        raise UserError(f"{path}: {event.place}: its frame is at {show_time(clock.time_of(at))}, but its time is "
                        f"{show_time(seconds)}; correct one, or take one of the two out of the file")


def _starts(labelled: Labelled, parts: _Parts, second: str | None, placement: Placement) -> dict[int, float]:
    """At which position of a match each part begins, or where each half begins in the one video of the match."""
    path, events = placement.path, labelled.labels.events
    if labelled.is_cut:
        if 1 not in parts:
            raise UserError(f"{path}: counts from the start of the match, but there is no video of its first half, "
                            f"{labelled.match + '_1'!r}; add it")
        starts = {1: 0.0}
        for part in sorted(parts)[1:]:
            if part - 1 not in parts:
                raise UserError(f"{path}: there is a video of part {part} of {labelled.match!r}, but none of part "
                                f"{part - 1}; add it")
            before = parts[part - 1].clock
            starts[part] = _position(second, before) if part == 2 and second else starts[part - 1] + before.length
        return starts
    halves = sorted({event.half for event in events if event.half})
    if WHOLE not in parts or not halves:
        return dict.fromkeys([*parts, *halves], 0.0)
    video = parts[WHOLE].video
    own = match_and_part(video)[1]
    if own or halves == [1]:
        return {own or 1: 0.0}
    if second:
        return {1: 0.0, 2: _position(second, parts[WHOLE].clock)}
    ranges = [[event.position for event in events if event.half == half] for half in halves]
    if len(halves) > 1 and all(max(a) < min(b) for a, b in pairwise(ranges)):
        placement.note(f"positions are taken to count on through the halves, from the start of {video}")
        return dict.fromkeys(halves, 0.0)
    raise UserError(f"{path}: has events of half 2, counted from where it begins, but {video!r} is one video for the "
                    f"match; say when it begins there, such as --second_half {labelled.match}=58:30.5")


def _position(place: str, clock: Clock) -> float:
    """What --second_half says, in units of position."""
    value = parse_time(place)
    return value * clock.rate if ":" in place else value


def _entry(labels: LabelSet, part: _Part, events: Sequence[Placed], start: float) -> dict:
    framed = [{**event.fields, "frame": part.clock.frame_of(at)} for at, event in events]
    known = {"video": part.video, "num_frames": part.record["num_frames"], "num_events": len(framed)}
    known |= {key: part.record[key] for key in ("fps", "width", "height")}
    keys = extracted_keys(labels, part.record, start)
    if "rejected" in keys:
        keys["rejected"] = [{**event, "frame": frame} for event, frame in keys["rejected"]]
    return known | labels.keys | known | {"events": sorted(framed, key=lambda event: event["frame"])} | keys


def extracted_keys(labels: LabelSet, record: Mapping, start: float = 0) -> dict[str, list]:
    """What labels say of a video beside its events, as far as they do: "labelled", its labelled ranges as extracted
    frames, and "rejected", what was rejected in it, each with its extracted frame.

    Args:
        start: position of the video's first frame in the labels.
    """
    keys: dict[str, list] = {}
    if labels.keys.keys().isdisjoint(("labelled", "rejected")):
        return keys
    rate, frames = labels.keys.get("fps", -1), record["num_frames"]
    # both count the frames of the file, even where the events have times
    by_frame = replace(labels, seconds=False, fps=rate if rate > 0 else None, fps_from="file")
    clock = clock_of(by_frame if labels.seconds else labels, record)
    before = round(start * clock.rate) if labels.seconds else int(start)
    if "labelled" in labels.keys:
        inside = ((max(first - before, 0), last - before) for first, last in labels.keys["labelled"])
        ranges = [(clock.frame_of(first), clock.frame_of(last + 1) if last + 1 < clock.length else frames)
                  for first, last in inside if first < clock.length and last >= 0]
        keys["labelled"] = joined_ranges((first, min(max(first, end - 1), frames - 1)) for first, end in ranges)
    if "rejected" in labels.keys:
        keys["rejected"] = [(event, clock.frame_of(event["frame"] - before)) for event in labels.keys["rejected"]
                            if clock.holds(event["frame"] - before)]
    return keys


# What there is to say of it


def _describe_outside(labelled: Labelled, part: _Part, outside: Sequence[Placed]) -> str:
    clock, path = part.clock, labelled.labels.path
    end = f"which is {show_time(clock.length)} long" if clock.seconds else f"whose last frame is {clock.length - 1:.0f}"
    (at, event), *_, (farthest, _) = sorted(outside, key=lambda placed: abs(placed[0])) * 2
    text = f"{event.place}: {_distance(clock, at)} of the video {part.video!r}, {end}"
    if len(outside) > 1:
        text += f" (and {number_of(len(outside) - 1, 'more event')}, up to {_distance(clock, farthest)})"
    if labelled.is_cut and len(labelled.parts) > 1:
        return (f"{text}; if the labels' halves do not follow each other as the videos do (there is a break between "
                f"them, say), tell where the second one begins: --second_half {labelled.match}=FRAME or =TIME")
    if labelled.is_cut:
        return f"{text}; is the video of the second half, {labelled.match + '_2'!r}, missing?"
    if TIMECODE.search(event.place) and min(at for at, _ in outside) >= HOUR:
        return f"{text}; if the timeline does not start at 00:00:00:00, say where, such as --timecode_start 01:00:00:00"
    if (match_and_part(part.video)[1] or 1) > 1 and not event.half:
        return (f"{text}; if it counts from the start of the match, put the events of all halves into one file, "
                f"{labelled.match}{path.suffix}")
    return f"{text}; were the labels made for another version of it, or another rate?"


def _distance(clock: Clock, at: float) -> str:
    """How far a position lies before or past what a video shows."""
    # of frames the first one outside is one past the last
    length = -at if at < 0 else at - clock.length + (not clock.seconds)
    time = show_time(length / clock.rate)
    amount = time if clock.seconds else f"{number_of(round(length), 'frame')} ({time})"
    return f"{amount} {'before the start' if at < 0 else 'past the end'}"


def _describe_conversion(labelled: Labelled, parts: _Parts, starts: Mapping[int, float], placement: Placement) -> None:
    labels, first = labelled.labels, parts[min(parts)]
    if len(parts) > 1:
        times = {starts[part]: show_time(starts[part] / one.clock.rate)
                 for part, one in parts.items() if labelled.is_cut and part > 1}
        cuts = ", ".join(time if labels.seconds else f"frame {start:.0f} ({time})" for start, time in times.items())
        numbers = ", ".join(f"{number_of(len(one.events), 'event')} in {one.video}" for one in parts.values())
        placement.note(f"{f'cut at {cuts}: ' if cuts else ''}{numbers}")
        for one in parts.values():
            if labels.events and not one.events:
                placement.warn(f"no event lies in {one.video}, and {len(labels.events)} in the whole match")
    elif first.video not in labels.names:
        placement.note(f"is taken for the labels of {first.video}")
    if labelled.is_cut:
        _doubt_cut(labelled, parts, placement)
    _doubt_rate(labels, first, placement)
    converted = [one for one in parts.values() if one.events and (labels.seconds or one.clock.converts)]
    if converted:
        number = sum(len(one.events) for one in converted)
        rates = " and ".join(dict.fromkeys(f"{one.record['fps']:g}" for one in converted))
        what = (f"{number_of(number, 'time')} converted to frames at" if labels.seconds else
                f"{number_of(number, 'event')} converted from {converted[0].clock.rate:g} to")
        placement.note(f"{what} {rates} fps")


def _doubt_cut(labelled: Labelled, parts: _Parts, placement: Placement) -> None:
    """What speaks against the cut: a later half that begins with a long pause, or positions that start again."""
    times = {part: sorted(at / one.clock.rate for at, _ in one.events) for part, one in parts.items()}
    longest = max((after - before for part in times for before, after in pairwise(times[part])), default=None)
    for part, one in parts.items():
        first = times[part][0] if part > 1 and times[part] else 0
        if longest is not None and first > max(LATE_SECONDS, LATE_PAUSES * longest):
            placement.warn(f"the first event of {one.video} comes {show_time(first)} after its start, and no other "
                           f"pause is longer than {show_time(longest)}; if the labels count a break between the "
                           f"halves, all events of {one.video} are late by it: tell where it begins in the labels, "
                           f"--second_half {labelled.match}=FRAME or =TIME")
    falls = [(before, after) for before, after in pairwise(labelled.labels.events) if after.position < before.position]
    if len(falls) == 1 and falls[0][1].position < 0.3 * falls[0][0].position:
        ((before, after),), suffix = falls, placement.path.suffix
        placement.warn(f"positions start again at {after.place}, after {before.place}; if the second half counts from "
                       f"0, make a file for each half, {labelled.match}_1{suffix} and {labelled.match}_2{suffix}")


def _doubt_length(labels: LabelSet, record: Mapping, placement: Placement) -> None:
    """Labels that tell how many frames they were made for, where neither the video nor its frames are so many."""
    stated, there = labels.keys.get("num_frames"), record["source_frames"]
    if stated not in (None, there, record["num_frames"]):
        placement.warn(f"its num_frames is {stated}, but the video has {number_of(there, 'frame')}; were the labels "
                       "made for another version of it, or for frames of another tool? Then they may lie some frames "
                       "off: look at them with check_data.py --sheet")


def _doubt_rate(labels: LabelSet, part: _Part, placement: Placement) -> None:
    """Where 30 was taken for 29.97, which of the two it is matters by the end of a half."""
    if not labels.fps or not labels.events:
        return
    source_fps, taken = part.record["source_fps"], part.clock.rate
    other = source_fps if labels.fps == taken else labels.fps
    drift = round(max(event.position for event in labels.events) * abs(taken / other - 1))
    said = labels.fps == taken and labels.fps_from != "form"  # else nobody has thought about it
    if drift and not said and abs(taken - other) < SAME_FPS:
        fps = f"{source_fps:.6g}"
        say = f"write fps {fps} into it" if labels.fps_from == "file" else f"say --label_fps {fps}"
        placement.warn(f"is taken to count {taken:g} frames a second, and not {other:g}; if that is wrong, its last "
                       f"event is {number_of(drift, 'frame')} off: {say} if it counts the frames of the video, or "
                       f"extract them with --fps {labels.fps:g} if it counts {labels.fps:g} to a second by the clock")
