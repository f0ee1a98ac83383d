"""Frames of a live source as they come: a camera, an address, a pipe, or a file played at its own rate."""

from __future__ import annotations

import contextlib
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

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
        for attempt in range(sys.maxsize):
            self.sleep(PAUSES[min(attempt, len(PAUSES) - 1)])
            try:
                feed = self._open()
            except UserError:
                continue
            self.say(f"{self.source}: is back")
            return feed
        raise AssertionError

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

        def pictures() -> Iterator[tuple[bool, float, av.VideoFrame]]:
            begun = None
            try:
                while True:
                    before = self.now()
                    there, picture = camera.read()
                    if not there:
                        return
                    at = self.now()
                    begun = at if begun is None else begun
                    yield at - before > WAITED / fps, at - begun, av.VideoFrame.from_ndarray(picture, format="bgr24")
            finally:
                camera.release()

        return _Feed(self.options.fps or fps, False, True, self._pictures(pictures(), fps, 1))

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
        timed = _timed(container, stream, fps, self.now, stamped)
        paced = stamped and (piped or self.source.startswith("http"))
        pictures = self._pictures(timed, fps, stream.sample_aspect_ratio or 1)
        return _Feed(self.options.fps or fps, paced, not piped and not container.duration, pictures)

    def _pictures(
        self, frames: Iterator[tuple[bool, float, av.VideoFrame]], fps: float, aspect: float
    ) -> Iterator[tuple[bool, int, float, np.ndarray]]:
        """Frames with whether they were waited for and their seconds -> as `_Feed` has them."""
        fit = Fitter(self.options.height, aspect, "rgb")
        with closing(frames):
            if self.options.fps is None:
                for number, (waited, at, frame) in enumerate(frames):
                    yield waited, number, at, np.ascontiguousarray(fit(frame))
                return
            timed = ((at, (waited, frame)) for waited, at, frame in frames)
            for (waited, frame), numbers in resample(timed, self.options.fps, fps):
                picture = np.ascontiguousarray(fit(frame))
                for number in numbers:
                    yield waited, number, number / self.options.fps, picture


def _timed(
    container: av.container.InputContainer, stream: av.VideoStream, fps: float, now: Callable[[], float], stamped: bool
) -> Iterator[tuple[bool, float, av.VideoFrame]]:
    """Frames with whether their packet was waited for, and seconds since the first one, strictly rising."""
    zero, last, unit = None, -1 / fps, stream.time_base
    with container:
        before = now()
        for packet in _packets(container, stream):
            waited = now() - before > WAITED / fps
            for frame in _decoded(stream, packet):
                stamp = float(frame.pts * unit) if stamped and frame.pts is not None else None if stamped else now()
                if stamp is None:
                    stamp = (zero or 0.0) + last + 1 / fps
                if zero is None or not 0 < stamp - zero - last <= LEAP and stamped:
                    zero = stamp - (last + 1 / fps)
                last = stamp - zero
                yield waited, last, frame
            before = now()


def _packets(container: av.container.InputContainer, stream: av.VideoStream) -> Iterator[av.Packet | None]:
    """Those of a stream, and None where there are no more, or it was lost."""
    with contextlib.suppress(av.FFmpegError):
        yield from (packet for packet in container.demux(stream) if packet.size)
    yield None


def _decoded(stream: av.VideoStream, packet: av.Packet | None) -> list[av.VideoFrame]:
    try:
        return stream.codec_context.decode(packet)
    except av.FFmpegError:  # damaged, as packets of networks are
        return []
