"""Where labels lie: in which video an event is, and on which of its extracted frames.

A label set speaks of one video, or of a match whose halves are videos of their own. Its positions count frames or
seconds from the start of the video, of the match or of a half; times become frames by the time stamps of the frames.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

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
class Placement:
    """The entries of videos, as they stand in a split, and what there is to say of how they were made."""

    entries: list[dict] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    homeless: list[str] = field(default_factory=list)  # of events in a half that has no video: where and which
    outside: list[str] = field(default_factory=list)  # for each video with events that it does not show: a message
    unplaced: int = 0  # events that are in no entry, for either reason


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
    parts, first = labelled.parts, records[labelled.parts[min(labelled.parts)]]
    labels = _with_times(labelled.labels, first)
    if first.get("announced"):  # a file that lost frames tells a mean rate alone, by which frames and times differ
        labels = replace(labels, events=tuple(replace(event, stated=None) for event in labels.events))
    labelled = replace(labelled, labels=labels)
    clocks = {part: clock_of(labels, records[video]) for part, video in parts.items()}
    placement = Placement()
    starts = _starts(labelled, clocks, second_half.get(labelled.match) or second_half.get(""), placement)
    events = _by_part(labelled, starts, clocks, placement)
    for part, video in parts.items():
        inside = [placed for placed in events[part] if clocks[part].holds(placed[0])]
        outside = [placed for placed in events[part] if not clocks[part].holds(placed[0])]
        if video in labelled.superseded:
            note = f"{labels.path}: {number_of(len(inside), 'event')} of {video} left out, as {video}.json labels it"
            placement.notes.append(note)
            continue
        if outside:
            placement.outside.append(_describe_outside(labelled, video, clocks[part], outside))
            placement.unplaced += len(outside)
        entry = _entry(labels, video, records[video], clocks[part], inside)
        keys = extracted_keys(labels, records[video], starts[part] if labelled.is_cut else 0)
        if "rejected" in keys:
            keys["rejected"] = [{**event, "frame": frame} for event, frame in keys["rejected"]]
        entry |= keys
        placement.entries.append(entry)
        different = {(at, event.fields["label"]) for at, event in inside}
        merged = len(different) - len({(event["frame"], event["label"]) for event in entry["events"]})
        if merged:
            placement.warnings.append(f"{labels.path}: {number_of(merged, 'event')} of {video} came to the frame of "
                                      "another of the same class when converted")
        placement.warnings += _doubt_length(labels, records[video])
    _describe_conversion(labelled, records, events, starts, clocks, placement)
    return placement


def _by_part(
    labelled: Labelled, starts: Mapping[int, float], clocks: Mapping[int, Clock], placement: Placement
) -> dict[int, list[Placed]]:
    """The events of each part."""
    events: dict[int, list[Placed]] = {part: [] for part in labelled.parts}
    for event in labelled.labels.events:
        part = _part_of(event, labelled, starts)
        if part is None:
            there = ", ".join(f"{video!r}" for video in labelled.parts.values())
            placement.homeless.append(f"{labelled.labels.path}: {event.place}: there is no video for half {event.half} "
                                      f"of {labelled.match!r} (there is {there}); add it")
            continue
        at = event.position + (starts[event.half] if event.half else -starts[part])
        _check_stated(labelled.labels, event, at, clocks[part])
        events[part].append((at, event))
    placement.unplaced = len(placement.homeless)
    return events


def _with_times(labels: LabelSet, record: Mapping) -> LabelSet:
    """Time codes, which count at the rate of the video, as seconds."""
    codes = [isinstance(event.position, Timecode) for event in labels.events]
    if not any(codes):
        return labels
    if not all(codes):
        raise UserError(f"{labels.path}: {labels.events[codes.index(False)].place} is no time code, but "
                        f"{labels.events[codes.index(True)].place} is; write all alike")
    fps = timecode_rate(record)
    events = tuple(replace(event, position=event.position.frame(fps) / fps) for event in labels.events)
    return replace(labels, events=events)


def _check_stated(labels: LabelSet, event: LabelledEvent, at: float, clock: Clock) -> None:
    """Raise a UserError where an event has a frame and a time that contradict each other."""
    if event.stated is None:
        return
    seconds, exactness = event.stated
    times = {clock.time_of(at), clock.time_of(at) - clock.shown.start, event.position / clock.rate}
    slack = exactness + 2 / clock.rate + CLOCK_DRIFT * seconds
    if all(abs(time - seconds) > slack for time in times):
        raise UserError(f"{labels.path}: {event.place}: its frame is at {show_time(clock.time_of(at))}, but its time "
                        f"is {show_time(seconds)}; correct one, or take one of the two out of the file")


def _starts(
    labelled: Labelled, clocks: Mapping[int, Clock], second: str | None, placement: Placement
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
        placement.notes.append(f"{labels.path}: positions are taken to count on through the halves, from the start of "
                            f"{parts[WHOLE]}")
        return dict.fromkeys(halves, 0.0)
    raise UserError(f"{labels.path}: has events of half 2, counted from where it begins, but {parts[WHOLE]!r} is one "
                    f"video for the match; say when it begins there, such as --second_half {labelled.match}=58:30.5")


def _part_of(event: LabelledEvent, labelled: Labelled, starts: Mapping[int, float]) -> int | None:
    """The part whose video shows an event; None if there is no video of its half."""
    parts = labelled.parts
    if event.half:
        there = event.half in starts and (WHOLE in parts or event.half in parts)
        return None if not there else event.half if event.half in parts else WHOLE
    return max((part for part in starts if starts[part] <= event.position), default=min(parts))


def _position(place: str, clock: Clock) -> float:
    """What --second_half says, in units of position."""
    value = parse_time(place)
    return value * clock.rate if ":" in place else value


def _entry(labels: LabelSet, video: str, record: Mapping, clock: Clock, events: Sequence[Placed]) -> dict:
    framed = [{**event.fields, "frame": clock.frame_of(at)} for at, event in events]
    known = {"video": video, "num_frames": record["num_frames"], "num_events": len(framed), "fps": record["fps"],
             "width": record["width"], "height": record["height"]}
    extra = {key: value for key, value in labels.keys.items() if key not in known}
    return {**known, **extra, "events": sorted(framed, key=lambda event: event["frame"])}


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


def _describe_outside(labelled: Labelled, video: str, clock: Clock, outside: Sequence[Placed]) -> str:
    labels = labelled.labels
    end = f"which is {show_time(clock.length)} long" if clock.seconds else f"whose last frame is {clock.length - 1:.0f}"
    at, event = min(outside, key=lambda placed: abs(placed[0]))
    text = f"{labels.path}: {event.place}: {_distance(clock, at)} of the video {video!r}, {end}"
    if len(outside) > 1:
        farthest, _ = max(outside, key=lambda placed: abs(placed[0]))
        text += f" (and {number_of(len(outside) - 1, 'more event')}, up to {_distance(clock, farthest)})"
    if labelled.is_cut and len(labelled.parts) > 1:
        return (f"{text}; if the labels' halves do not follow each other as the videos do (there is a break between "
                f"them, say), tell where the second one begins: --second_half {labelled.match}=FRAME or =TIME")
    if labelled.is_cut:
        return f"{text}; is the video of the second half, {labelled.match + '_2'!r}, missing?"
    if TIMECODE.search(event.place) and min(at for at, _ in outside) >= HOUR:
        return f"{text}; if the timeline does not start at 00:00:00:00, say where, such as --timecode_start 01:00:00:00"
    if (match_and_part(video)[1] or 1) > 1 and not event.half:
        return (f"{text}; if it counts from the start of the match, put the events of all halves into one file, "
                f"{labelled.match}{labels.path.suffix}")
    return f"{text}; were the labels made for another version of it, or another rate?"


def _distance(clock: Clock, at: float) -> str:
    """How far a position lies before or past what a video shows."""
    # of frames the first one outside is one past the last
    length = -at if at < 0 else at - clock.length + (not clock.seconds)
    time = show_time(length / clock.rate)
    amount = time if clock.seconds else f"{number_of(round(length), 'frame')} ({time})"
    return f"{amount} {'before the start' if at < 0 else 'past the end'}"


def _describe_conversion(
    labelled: Labelled,
    records: Mapping[str, Mapping],
    events: Mapping[int, Sequence[Placed]],
    starts: Mapping[int, float],
    clocks: Mapping[int, Clock],
    placement: Placement,
) -> None:
    labels, parts = labelled.labels, labelled.parts
    if len(parts) > 1:
        times = {part: show_time(starts[part] / clocks[part].rate) for part in parts if labelled.is_cut and part > 1}
        cuts = ", ".join(time if labels.seconds else f"frame {starts[part]:.0f} ({time})"
                         for part, time in times.items())
        numbers = ", ".join(f"{number_of(len(events[part]), 'event')} in {video}" for part, video in parts.items())
        placement.notes.append(f"{labels.path}: {f'cut at {cuts}: ' if cuts else ''}{numbers}")
        placement.warnings += [f"{labels.path}: no event lies in {video}, and {len(labels.events)} in the whole match"
                            for part, video in parts.items() if labels.events and not events[part]]
    elif parts[min(parts)] not in labels.names:
        placement.notes.append(f"{labels.path}: is taken for the labels of {parts[min(parts)]}")
    if labelled.is_cut:
        placement.warnings += _doubt_cut(labelled, events, clocks)
    placement.warnings += _doubt_rate(labels, records[parts[min(parts)]], clocks[min(parts)])
    converted = [part for part in parts if events[part] and (labels.seconds or clocks[part].converts)]
    if converted:
        number = sum(len(events[part]) for part in converted)
        rates = " and ".join(dict.fromkeys(f"{records[parts[part]]['fps']:g}" for part in converted))
        what = (f"{number_of(number, 'time')} converted to frames at" if labels.seconds else
                f"{number_of(number, 'event')} converted from {clocks[converted[0]].rate:g} to")
        placement.notes.append(f"{labels.path}: {what} {rates} fps")


def _doubt_cut(
    labelled: Labelled, events: Mapping[int, Sequence[Placed]], clocks: Mapping[int, Clock]
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
    stated, there = labels.keys.get("num_frames"), record["source_frames"]
    if stated in (None, there, record["num_frames"]):
        return []
    return [f"{labels.path}: its num_frames is {stated}, but the video has {number_of(there, 'frame')}; were the "
            "labels made for another version of it, or for frames of another tool? Then they may lie some frames off: "
            "look at them with check_data.py --sheet"]


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
