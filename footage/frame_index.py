"""All frames of a raw video: when each is on display, and where in the file one may begin to read.

It is made of the packets of the file, without decoding them, and kept for the next time, as reading through hours of
video takes a while. Where packets do not tell, the video is decoded once from first to last frame.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from footage.decoding import LONGEST_PAUSE, LONGEST_TURN, Decoder, nothing_decoded, open_video
from footage.pictures import fitted_size
from util.io import read_json, write_json
from util.stamps import Stamps

# Formats whose every frame has a time stamp of its own: where they are computed, as in AVI and MPEG program streams,
# they come out otherwise after a leap.
STAMP_FRAMES = ("flv", "matroska", "mov", "mpegts", "mxf")
TRIED = 40  # frames that are decoded to see whether there is one to each packet


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

    def key_before(self, number: int) -> KeyFrame | None:
        """The last key frame that is not after a frame; None: one begins with the first frame of the video."""
        if not self.pts or number < 0:
            return None
        place = bisect_right(self.keys, self.pts[min(number, len(self.pts) - 1)], key=lambda key: key.pts)
        return self.keys[place - 1] if place else None

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
    pts, keys, lasts = _packet_stamps(path, first, (zero + until) / float(unit))
    if any(later - stamp > LONGEST_PAUSE / unit or later == stamp for stamp, later in pairwise(pts)):
        raise CannotSeek  # see Decoder, which replaces such
    seconds = np.array(pts) * float(unit) - zero
    lasts = lasts * float(unit) if 0 < lasts * unit <= LONGEST_PAUSE else 1 / fps
    return FrameIndex(fps, size, aspect, unit, zero, Stamps(seconds, seconds[-1] + lasts), pts, keys)


def _packet_stamps(path: Path, first: int, until: float) -> tuple[list[int], list[KeyFrame], int]:
    """The `pts`, from `first` on, of packets to the second key frame after a time; the key frames; and how long the
    last of them is shown."""
    found: list[tuple[int, int]] = []  # pts, duration
    keys: list[KeyFrame] = []
    beyond, latest = 0, first
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
            found.append((packet.pts, packet.duration or 0))
            if packet.is_keyframe:
                if packet.pts > first:
                    keys.append(KeyFrame(packet.pts, packet.pts if packet.dts is None else packet.dts, packet.pos))
                beyond += packet.pts > until
                if beyond == 2:  # what follows it may be shown before it, but not before the first
                    break
    found.sort()
    return [pts for pts, _ in found], sorted(keys), found[-1][1]


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
