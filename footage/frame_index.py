"""All frames of a raw video: when each is on display, and where in the file one may begin to read; and reading from
there, with the number of each frame.

The index is made of the packets of the file, without decoding them, and kept for the next time, as reading through
hours of video takes a while. Where packets do not tell, the video is decoded once from first to last frame.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np

from footage.decoding import LONGEST_PAUSE, LONGEST_TURN, Decoder, nothing_decoded, open_video
from footage.pictures import fitted_size
from util.errors import UserError
from util.io import read_json, write_json
from util.stamps import Stamps

# Formats whose every frame has a time stamp of its own: where they are computed, as in AVI and MPEG program streams,
# they come out otherwise after a leap.
STAMP_FRAMES = ("flv", "matroska", "mov", "mpegts", "mxf")
TRIED = 40  # frames that are decoded to see whether there is one to each packet
WORTH_READING = 16  # frames that are read in the time in which another reading begins


class CannotSeek(Exception):
    """The frames of a video cannot be numbered without decoding all before them."""


class KeyFrame(NamedTuple):
    """A frame that reading may begin with. Times are in units of the stream."""

    pts: int
    time: int  # in order of decoding
    place: int  # of its packet in the file, in bytes


@dataclass(frozen=True)
class FrameIndex:
    """All frames of a video, in order of display."""

    fps: float  # frames per second that the file announces
    size: tuple[int, int]  # width and height in pixels, as displayed
    aspect: Fraction  # width of a stored pixel by its height
    unit: Fraction  # seconds, of `pts` and of times of key frames
    zero: float  # seconds of the file that count as 0
    stamps: Stamps
    pts: list[int]  # of each frame; empty where it does not tell them apart
    keys: list[KeyFrame]  # those after the first frame that reading may begin with

    def begin_for(self, number: int) -> tuple[int, KeyFrame | None]:
        """The last key frame that is not after a frame, and its number; 0, None: the first frame of the video."""
        pts = self.pts[min(number, len(self.pts) - 1)] if self.pts and number >= 0 else -math.inf
        place = bisect_right(self.keys, pts, key=lambda key: key.pts)
        return (bisect_left(self.pts, self.keys[place - 1].pts), self.keys[place - 1]) if place else (0, None)

    def record(self, path: Path) -> dict[str, Any]:
        """What video.json would say of the frames, if each were extracted; see `extract_frames`."""
        rate = self.stamps.even_rate(self.fps)
        fps, (width, height) = rate or self.fps, self.size
        return {"source": path.name, "source_fps": fps, "source_frames": len(self.stamps), "fps": fps,
                "variable_rate": rate is None, "num_frames": len(self.stamps), "width": width, "height": height,
                "stamps": self.stamps.to_json(self.unit)}


def kept_index(path: Path, kept: Path) -> FrameIndex:
    """The index of a video as it was kept in a file, if the video is still the same; or else made, and kept there.

    Raises:
        UserError: it is no video, nothing in it can be decoded, or `kept` cannot be written.
    """
    stat = path.stat()
    identity = {"bytes": stat.st_size, "modified": stat.st_mtime_ns}
    if kept.is_file():
        content = read_json(kept)
        if isinstance(content, dict) and content.get("of") == identity:
            return _from_json(content)
    index = make_index(path)
    write_json(kept, {"of": identity, **_to_json(index)})
    return index


def make_index(path: Path) -> FrameIndex:
    """Of all frames, by packets if they can be trusted.

    Raises:
        UserError: it is no video, or nothing in it can be decoded.
    """
    try:
        index = read_index(path)
        with Decoder(path, threads=1) as decoder:
            shown = [frame.pts for _, frame in islice(decoder, TRIED)]
        if shown == index.pts[: len(shown)]:
            return index
    except CannotSeek:
        pass
    size = None
    with Decoder(path) as decoder:
        for _, frame in decoder:
            size = size or fitted_size(frame, decoder.aspect)
        if size is None:
            raise nothing_decoded(path)
        return FrameIndex(decoder.fps, size, decoder.aspect, decoder.time_base, 0.0, decoder.stamps(), [], [])


def read_index(path: Path, until: float = math.inf) -> FrameIndex:
    """Of the frames from first to the second key frame after a time in seconds, by their packets alone.

    Raises:
        CannotSeek: the packets do not tell.
        UserError: it is no video.
    """
    with Decoder(path, threads=1) as decoder:
        start, frame = next(iter(decoder), (0.0, None))
        unit = decoder.time_base
        if frame is None or frame.pts is None or decoder.container.format.name.split(",")[0] not in STAMP_FRAMES:
            raise CannotSeek
        size, aspect, fps, first = fitted_size(frame, decoder.aspect), decoder.aspect, decoder.fps, frame.pts
    zero = float(first * unit) - start
    found: list[tuple[int, int]] = []  # pts, duration
    keys: list[KeyFrame] = []
    beyond, latest = 0, first
    container, stream = open_video(path)
    with container:
        for packet in container.demux(stream):
            if packet.is_discard or not packet.size:
                continue
            if packet.pts is None or (packet.pts - latest) * unit < -LONGEST_TURN:
                raise CannotSeek
            latest = max(latest, packet.pts)
            if packet.pts < first:
                continue
            found.append((packet.pts, packet.duration or 0))
            if packet.is_keyframe:
                if packet.pts > first:
                    keys.append(KeyFrame(packet.pts, packet.pts if packet.dts is None else packet.dts, packet.pos))
                beyond += packet.pts > (zero + until) / float(unit)
                if beyond == 2:  # what follows it may be shown before it, but not before the first
                    break
    pts, shown_for = zip(*sorted(found), strict=True)
    if any(later - stamp > LONGEST_PAUSE / unit or later == stamp for stamp, later in pairwise(pts)):
        raise CannotSeek  # see Decoder, which replaces such
    seconds = np.array(pts) * float(unit) - zero
    lasts = shown_for[-1] * float(unit) if 0 < shown_for[-1] * unit <= LONGEST_PAUSE else 1 / fps
    return FrameIndex(fps, size, aspect, unit, zero, Stamps(seconds, seconds[-1] + lasts), list(pts), sorted(keys))


def _to_json(index: FrameIndex) -> dict[str, Any]:
    return {"fps": index.fps, "size": index.size, "aspect": str(index.aspect), "unit": str(index.unit),
            "zero": index.zero, "num_frames": len(index.stamps), "stamps": index.stamps.to_json(index.unit),
            "first": index.pts[0] if index.pts else None, "keys": index.keys}


def _from_json(content: dict[str, Any]) -> FrameIndex:
    """What `_to_json` gave: nobody else writes such files."""
    unit, first = Fraction(content["unit"]), content["first"]
    stamps = Stamps.from_json(content["stamps"], content["num_frames"])
    ticks = np.rint((stamps.seconds - stamps.start) / float(unit)).astype(np.int64)
    pts = [] if first is None else (first + ticks).tolist()
    return FrameIndex(content["fps"], tuple(content["size"]), Fraction(content["aspect"]), unit, content["zero"],
                      stamps, pts, [KeyFrame(*key) for key in content["keys"]])


def find_entry(path: Path, seconds: float) -> tuple[FrameIndex, KeyFrame]:
    """Where to begin for the frames from a time on, counted by reading the packets before it without decoding them: the
    frames from the first one to beyond the one that is sought, and the key frame that reading may begin with.

    Raises:
        CannotSeek: the packets do not tell, or none of them is a key frame before that time.
        UserError: it is no video.
    """
    index = read_index(path, seconds)
    # a frame before the first one shows when that one begins to be shown, another that numbers are right
    _, key = index.begin_for(bisect_left(index.pts, (index.zero + seconds) / float(index.unit)) - 2)
    if key is None:
        raise CannotSeek
    return index, key


def frames_from(
    decoder: Decoder, index: FrameIndex | None = None, key: KeyFrame | None = None
) -> Iterator[tuple[int, float, av.VideoFrame]]:
    """Number, seconds since the container's start, and frame, from a key frame of an index on, or from the first.

    Raises:
        CannotSeek: with one of the first two, if they are not what the packets promise.
    """
    if key is None:
        yield from ((number, at, frame) for number, (at, frame) in enumerate(decoder))
        return
    decoder.seek(key.time, index.zero, index.stamps.start)
    frames = iter(decoder)
    begun = at, frame = next(frames, (0.0, None))
    places = {other.pts: other.place for other in index.keys if other.pts <= key.pts}
    # in files that were joined, the same time may be in other places
    if frame is None or frame.pts is None or places.get(decoder.begun_with.pts) != decoder.begun_with.pos:
        raise CannotSeek
    first = bisect_left(index.pts, frame.pts)
    for number, (at, frame) in enumerate(chain([begun], frames), first):
        if number < first + 2 and index.pts[number : number + 1] != [frame.pts]:
            raise CannotSeek
        yield number, at, frame


class Cursor:
    """A place in a video, from which its frames are read on one by one, each by its number.

    Attributes:
        next: the number of the frame that comes next, or of the key frame before it.
    """

    def __init__(self, path: Path, index: FrameIndex, number: int, threads: int = 0) -> None:
        """
        Args:
            index: of all frames.
            number: of the frame that is sought: the first that is read is the last key frame that is not after it.
            threads: cores to decode on; 0 for all.

        Raises:
            UserError: it is no video.
        """
        self.path, self.index, self._threads = path, index, threads
        self._begin(*index.begin_for(number))

    def _begin(self, number: int, key: KeyFrame | None) -> None:
        self.decoder, self.next = Decoder(self.path, self._threads), number
        self._numbered = frames_from(self.decoder, self.index, key)

    def read(self) -> tuple[int, av.VideoFrame] | None:
        """The next frame and its number; None at the end.

        Raises:
            UserError: a frame that the file promises does not come.
        """
        try:
            found = next(self._numbered, None)
        except CannotSeek:  # slow, but sure
            self.close()
            self._begin(0, None)
            found = next(self._numbered, None)
        if found is None:
            return None
        number, _, frame = found
        self.next = number + 1
        if self.index.pts and self.index.pts[number : number + 1] != [frame.pts]:
            raise UserError(f"{self.path}: cannot be decoded from frame {number} on as its packets promise; it is "
                            "damaged: get a whole copy of it")
        return number, frame

    def is_near(self, number: int) -> bool:
        """Whether reading on leads to a frame sooner than a new reading from the key frame before it."""
        begin, key = self.index.begin_for(number)
        return begin - WORTH_READING * (key is not None) <= self.next <= number

    def close(self) -> None:
        self._numbered.close()
        self.decoder.__exit__()


def spread_frames(path: Path, count: int) -> Iterator[tuple[av.VideoFrame, Fraction]]:
    """A few frames from all over a video, or one where it cannot be leapt about in, with the shape of their pixels.

    Raises:
        UserError: it is no video.
    """
    with Decoder(path, threads=1) as decoder:
        container, duration = decoder.container, decoder.container.duration or 0
        for number in range(count if duration else 1):
            try:
                if duration:
                    container.seek((container.start_time or 0) + round(duration * (number + 0.5) / count))
                if frame := next(container.decode(decoder.stream), None):
                    yield frame, decoder.aspect
            except av.FFmpegError:
                continue
