"""Frames of a live source as they come: a camera, an address, a pipe, or a file played at its own rate."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, repeat
from pathlib import Path
from typing import TypeVar

import av
import cv2
import numpy as np

from footage.pictures import Fitter
from footage.raw_videos import FrameOptions, Frames, probe, resample
from util.errors import UserError

MOST_LATE = 1.0  # seconds by which reading may fall behind the source for want of time, before frames are dropped
WAITED = 0.3  # of the time between two frames: who waits longer for the next has read all that there was
PATIENCE = 10  # seconds without a packet after which a source counts as lost
PAUSES = (1, 2, 4, 8)  # seconds before it is tried again, the last one from then on
LEAP = 1.0  # seconds: after stamps that turn back, or leap further, time counts from there

Packet = TypeVar("Packet")


@dataclass(frozen=True)
class LiveFrame:
    number: int  # from 0; those that were dropped or lost count
    seconds: float  # since the first frame; of a file since its start, as a player shows it
    wall: float  # seconds since 1970 when it was there, or, of a file, due
    picture: np.ndarray  # RGB uint8 (H, W, 3)
    begins: bool  # what comes before it is not the frame before it


@dataclass(frozen=True)
class _Feed:
    """A source while it holds."""

    fps: float
    paced: bool  # it gives frames faster than they are to be shown
    returns: bool  # that it ends means that it was lost
    frames: Iterator[tuple[bool, int, float, np.ndarray]]  # whether it was waited for, number, seconds, picture


class LiveSource:
    """Gives the frames of a source, for ever if it has no end.

    Attributes:
        fps: frames per second, after resampling.
        dropped: frames that came while the machine was busy.
        lost: how many times the source was lost.
    """

    def __init__(
        self, source: str, options: FrameOptions, say: Callable[[str], None] | None = None,
        now: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Open it.

        Args:
            source: the number of a camera, an address (rtsp://, http://, ...), "-" for standard input, or a file.
            say: called with what happens to the source, in words.
            now, sleep: seconds; a test has its own.

        Raises:
            UserError: it cannot be opened.
        """
        self.source, self.options, self.now, self.sleep = source, options, now, sleep
        self.say = say or (lambda text: print(text, file=sys.stderr, flush=True))
        self.dropped = self.lost = self._told = 0
        self._feed = self._open()
        self.fps = self._feed.fps

    def __iter__(self) -> Iterator[LiveFrame]:
        begun, base, base_seconds = None, 0, 0.0
        while True:
            feed, number = self._feed, -1
            for begins, late, number, seconds, picture in self._in_time(feed):
                now = self.now() - max(0.0, late)  # when it was there
                if begun is None:
                    begun, wall = now - seconds, time.time() - self.now()
                elif begins and not number:  # after a loss
                    base, base_seconds = max(base, round((now - begun) * feed.fps)), now - begun
                yield LiveFrame(base + number, base_seconds + seconds, wall + now, picture, begins)
            if not feed.returns:
                return
            base += number + 1
            self._feed = self._again()

    def _in_time(self, feed: _Feed) -> Iterator[tuple[bool, float, int, float, np.ndarray]]:
        """The frames of a feed when they are due, without those for which there is no time: whether one is left out
        before it, by how many seconds it is late, number, seconds, picture."""
        start = upto = None  # the source's time when it began, and when nothing of it was left waiting, in ours
        begins, dropping = True, False
        with closing(feed.frames):
            for waited, number, seconds, picture in feed.frames:
                now = self.now()
                start = now - seconds if start is None else start
                if feed.paced and (early := start + seconds - now) > 0:
                    self.sleep(early)
                    now, waited = self.now(), True
                upto = now - seconds if waited or upto is None else upto
                late = now - seconds - upto
                if dropping or late > MOST_LATE:
                    if not dropping and self.dropped >= 2 * self._told:  # not each time
                        self._told = max(1, self.dropped)
                        self.say(f"{self.source}: this machine is too slow, {late:.1f} s behind; frames are dropped, "
                                 f"{self.dropped} so far")
                    dropping = late > 0
                    begins = True
                    self.dropped += dropping
                if not dropping:
                    yield begins, late, number, seconds, picture
                    begins = False

    def _again(self) -> _Feed:
        """The source once more, as soon as it can be had."""
        self.lost += 1
        self.say(f"{self.source}: lost; trying again")
        pauses = chain(PAUSES, repeat(PAUSES[-1]))
        while True:
            self.sleep(next(pauses))
            with suppress(UserError):
                feed = self._open()
                self.say(f"{self.source}: is back")
                return feed

    def _open(self) -> _Feed:
        if re.fullmatch(r"\d{1,3}", self.source):
            return self._camera(int(self.source))
        if self.source == "-" or "://" in self.source:
            return self._stream()
        if not Path(self.source).is_file():
            raise UserError(f"--live {self.source}: no such file; give a camera's number, an address such as "
                            "rtsp://HOST/PATH, a video file, or - for standard input")
        frames = Frames(Path(self.source), self.options)
        each = ((False, number, frames.times[number], picture) for number, picture in frames)
        return _Feed(self.options.fps or probe(frames.path).fps, True, False, each)

    def _camera(self, number: int) -> _Feed:
        camera = cv2.VideoCapture(number)
        if not camera.isOpened():
            raise UserError(f"--live {number}: no camera of this number can be opened; another number may, or another "
                            "program holds it")
        fps = camera.get(cv2.CAP_PROP_FPS)
        fps = fps if 1 <= fps <= 300 else 30.0

        def pictures() -> Iterator[av.VideoFrame]:
            try:
                while (read := camera.read())[0]:
                    yield av.VideoFrame.from_ndarray(read[1], format="bgr24")
            finally:
                camera.release()

        timed = _timed(pictures(), lambda frame: [frame], fps, None, self.now)
        return _Feed(self.options.fps or fps, False, True, self._pictures(timed, fps, 1))

    def _stream(self) -> _Feed:
        piped = self.source == "-"
        try:
            container = av.open("pipe:0" if piped else self.source, timeout=None if piped else PATIENCE,
                                metadata_errors="replace", options={"rtsp_transport": "tcp"})
        except (av.FFmpegError, OSError) as error:
            raise UserError(f"--live {self.source}: cannot be opened ({error.strerror or error})") from error
        if not container.streams.video:
            container.close()
            raise UserError(f"--live {self.source}: holds no video")
        stream = container.streams.video[0]
        stream.thread_type = "SLICE"  # threads by frame would give each some frames later
        fps = float(stream.average_rate or stream.guessed_rate or 25)
        stamped = "mpjpeg" not in container.format.name  # whose pictures come when they come

        def decoded(packet: av.Packet | None) -> list[av.VideoFrame]:
            with suppress(av.FFmpegError):  # damaged, as packets of networks are
                return stream.codec_context.decode(packet)
            return []

        timed = _timed(_packets(container, stream), decoded, fps, stream.time_base if stamped else None, self.now)
        paced = stamped and (piped or self.source.startswith("http"))
        pictures = self._pictures(timed, fps, stream.sample_aspect_ratio or 1)
        return _Feed(self.options.fps or fps, paced, not piped and not container.duration, pictures)

    def _pictures(
        self, frames: Iterator[tuple[bool, float, av.VideoFrame]], fps: float, aspect: float
    ) -> Iterator[tuple[bool, int, float, np.ndarray]]:
        """Frames with whether they were waited for and their seconds -> as `_Feed` has them."""
        fit, to = Fitter(self.options.height, aspect, "rgb"), self.options.fps
        with closing(frames):
            timed = ((one[1], one) for one in frames)
            shown = resample(timed, to, fps) if to else ((one, range(n, n + 1)) for n, (_, one) in enumerate(timed))
            for (waited, at, frame), numbers in shown:
                picture = np.ascontiguousarray(fit(frame))
                for number in numbers:
                    yield waited, number, number / to if to else at, picture


def _packets(container: av.container.InputContainer, stream: av.VideoStream) -> Iterator[av.Packet | None]:
    """Those of a stream, and None where there are no more, or it was lost."""
    with container:
        with suppress(av.FFmpegError):
            yield from (packet for packet in container.demux(stream) if packet.size)
        yield None


def _timed(
    packets: Iterator[Packet], decoded: Callable[[Packet], list[av.VideoFrame]], fps: float, unit: Fraction | None,
    now: Callable[[], float],
) -> Iterator[tuple[bool, float, av.VideoFrame]]:
    """Frames with whether their packet was waited for, and seconds since the first one, strictly rising: by their
    stamps, in units of so many seconds; None: as they come."""
    zero, last = None, -1 / fps
    with closing(packets):
        before = now()
        for packet in packets:
            waited = now() - before > WAITED / fps
            for frame in decoded(packet):
                usual = last + 1 / fps
                guess = now() if unit is None else (zero or 0.0) + usual
                stamp = guess if unit is None or frame.pts is None else float(frame.pts * unit)
                if zero is None or (unit and not 0 < stamp - zero - last <= LEAP):
                    zero = stamp - usual
                last = stamp - zero
                yield waited, last, frame
            before = now()
