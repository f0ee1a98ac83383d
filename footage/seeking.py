"""Begin to read a raw video in the middle, and know the number of each frame."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av

from footage.decoding import Decoder, open_video
from footage.frame_index import CannotSeek, FrameIndex, KeyFrame, read_index
from util.errors import UserError


def find_entry(path: Path, seconds: float) -> tuple[FrameIndex, KeyFrame]:
    """Where to begin for the frames from a time on, counted by reading the packets before it without decoding them: the
    frames from the first one to beyond the one that is sought, and the key frame that reading may begin with.

    Raises:
        CannotSeek: the packets do not tell, or none of them is a key frame before that time.
        UserError: it is no video.
    """
    index = read_index(path, seconds)
    # a frame before the first one shows when that one begins to be shown, another that numbers are right
    place = bisect_left(index.pts, (index.zero + seconds) / float(index.unit)) - 2
    key = index.key_before(place)
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
    places = {other.pts: other.place for other in index.keys if other.pts <= key.pts}
    first = number = None
    for at, frame in decoder:
        if first is None:
            # in files that were joined, the same time may be in other places
            if frame.pts is None or places.get(decoder.begun_with.pts) != decoder.begun_with.pos:
                raise CannotSeek
            first = number = bisect_left(index.pts, frame.pts)
        if number < first + 2 and index.pts[number : number + 1] != [frame.pts]:
            raise CannotSeek
        yield number, at, frame
        number += 1
    if first is None:
        raise CannotSeek


WORTH_READING = 16  # frames that are read in the time in which another reading begins


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
        self._begin(index.key_before(number))

    def _begin(self, key: KeyFrame | None) -> None:
        self.decoder = Decoder(self.path, self._threads)
        self.next = bisect_left(self.index.pts, key.pts) if key else 0
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
            self._begin(None)
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
        key = self.index.key_before(number)
        begin = bisect_left(self.index.pts, key.pts) - WORTH_READING if key else 0
        return begin <= self.next <= number

    def close(self) -> None:
        self._numbered.close()
        self.decoder.__exit__()


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
