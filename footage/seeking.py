"""Begin to read a raw video in the middle, and know the number of each frame."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av

from footage.decoding import LONGEST_PAUSE, LONGEST_TURN, Decoder, open_video

# Formats whose every frame has a time stamp of its own: where they are computed, as in AVI and MPEG program streams,
# they come out otherwise after a leap.
STAMP_FRAMES = ("flv", "matroska", "mov", "mpegts", "mxf")


class CannotSeek(Exception):
    """The frames of a video cannot be numbered without decoding all before them."""


@dataclass(frozen=True)
class Entry:
    """A place to begin in a video, and what is to be found there. Times are in units of the stream."""

    zero: float  # seconds of the file that count as 0
    start: float  # seconds from there to the video's first frame
    stamps: list[int]  # `pts` of the frames from the first one to beyond the time that is sought, in order of display
    key: int  # time, in order of decoding, of the last key frame that reading may begin with
    keys: dict[int, int]  # where in the file the key frames up to that one lie, in bytes, by `pts`


def find_entry(path: Path, seconds: float) -> Entry:
    """Where to begin for the frames from a time on, counted by reading the packets before it without decoding them.

    Raises:
        CannotSeek: the packets do not tell, or none of them is a key frame before that time.
        UserError: it is no video.
    """
    with Decoder(path, threads=1) as decoder:
        start, first = next(((at, frame.pts) for at, frame in decoder), (0, None))
        unit = float(decoder.stream.time_base)
        if first is None or decoder.container.format.name.split(",")[0] not in STAMP_FRAMES:
            raise CannotSeek
    zero = first * unit - start
    target = (zero + seconds) / unit
    stamps, keys = _packet_stamps(path, first, target)
    if any(later - stamp > LONGEST_PAUSE / unit or later == stamp for stamp, later in pairwise(stamps)):
        raise CannotSeek  # see Decoder, which replaces such
    # a frame before the first one shows when that one begins to be shown, another that numbers are right
    place = bisect_left(stamps, target) - 2
    before = [key for key in keys if first < key.pts <= stamps[max(0, place)]]
    if place < 0 or not before:
        raise CannotSeek
    time = before[-1].pts if before[-1].dts is None else before[-1].dts
    return Entry(zero, start, stamps, time, {key.pts: key.pos for key in before})


def _packet_stamps(path: Path, first: int, target: float) -> tuple[list[int], list[av.Packet]]:
    """The `pts`, from `first` on, of packets to the second key frame after `target`; and the key frames' packets."""
    stamps, keys, beyond, latest = [], [], 0, first
    container, stream = open_video(path)
    with container:
        for packet in container.demux(stream):
            if packet.is_discard or not packet.size:
                continue
            if packet.pts is None or (packet.pts - latest) * stream.time_base < -LONGEST_TURN:
                raise CannotSeek
            latest = max(latest, packet.pts)
            if packet.pts < first:
                continue
            stamps.append(packet.pts)
            if packet.is_keyframe:
                keys.append(packet)
                beyond += packet.pts > target
                if beyond == 2:  # what follows it may be shown before it, but not before the first
                    break
    return sorted(stamps), keys


def frames_from(decoder: Decoder, entry: Entry) -> Iterator[tuple[int, float, av.VideoFrame]]:
    """Number, seconds since the container's start, and frame, from an entry on.

    Raises:
        CannotSeek: with one of the first two, if they are not what the packets promise.
    """
    decoder.seek(entry.key, entry.zero, entry.start)
    first = number = None
    for at, frame in decoder:
        if first is None:
            # in files that were joined, the same time may be in other places
            if frame.pts is None or entry.keys.get(decoder.begun_with.pts) != decoder.begun_with.pos:
                raise CannotSeek
            first = number = bisect_left(entry.stamps, frame.pts)
        if number < first + 2 and frame.pts != entry.stamps[number]:
            raise CannotSeek
        yield number, at, frame
        number += 1
    if first is None:
        raise CannotSeek


def spread_frames(path: Path, count: int) -> Iterator[tuple[av.VideoFrame, Fraction]]:
    """A few frames from all over a video, or one where it cannot be leapt about in, with the shape of their pixels.

    Raises:
        UserError: it is no video.
    """
    with Decoder(path, threads=1) as decoder:
        container, stream = decoder.container, decoder.stream
        duration = container.duration or 0
        for number in range(count if duration else 1):
            try:
                if duration:
                    container.seek((container.start_time or 0) + round(duration * (number + 0.5) / count))
                frame = next(container.decode(stream), None)
            except av.FFmpegError:
                frame = None
            if frame is not None:
                yield frame, decoder.aspect


def count_packets(path: Path) -> int:
    """Packets of a video, which are about its frames, by reading it through.

    Raises:
        UserError: it is no video.
    """
    container, stream = open_video(path)
    with container:
        return sum(bool(packet.size) for packet in container.demux(stream))
