"""Pictures of raw videos for the page: any frame on demand, decoded by one thread that reads ahead of what is shown.

A step on is the next frame of the same reading. A step back is there already: of what lies between a key frame and the
frame that is shown the last part is kept, and before one comes to its beginning, the part before that is read.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Mapping
from concurrent.futures import Future

import av
import cv2

from footage.frame_folders import JPEG_OPTIONS
from footage.frame_index import Cursor
from footage.pictures import Fitter
from footage.raw_videos import SourceVideo
from util.errors import UserError

CACHE_BYTES = 400 * 2**20  # of decoded frames: 128 of 1080 lines
BEHIND, AHEAD = 32, 16  # frames around the one that is shown that are read before they are asked for
WINDOW_SHARE = 0.5  # of the cache that these may fill: of a video of 4K they are fewer
FORWARD_WEIGHT = 3  # a frame so far ahead is kept as long as one three times as far behind, which costs more to read
NEAR = 3 * BEHIND  # frames from the one that is shown; what else was asked for before it is given up
CURSORS = 3  # places in videos that are read on from

Place = tuple[int, int]  # a video, and the number of a frame in its file


class Pictures:
    """JPEG files of the frames of some videos, for threads that ask at the same time."""

    def __init__(self, videos: Mapping[int, SourceVideo]) -> None:
        self.videos = videos
        self._opening = threading.Lock()
        self._fitters: dict[tuple[int, int], list[Fitter]] = defaultdict(list)  # of a video and lines; not in use
        self._news = threading.Condition()  # guards what follows
        self._frames: dict[Place, av.VideoFrame] = {}
        self._bytes = 0  # of these
        self._wanted: dict[Place, Future[av.VideoFrame | None]] = {}
        self._shown: Place = (-1, 0)
        self._ends: dict[int, int] = {}  # of videos in which reading ahead failed: the frame at which it did
        self._worker: threading.Thread | None = None
        self._cursors: list[tuple[int, Cursor]] = []  # of the worker alone; used longest ago first

    def jpeg(self, video: int, frame: int, shown: int | None = None, lines: int = 1080) -> bytes | None:
        """A picture of at most so many lines; None where another frame is shown before it could be read, so that it
        is probably not wanted any more.

        Args:
            frame: extracted.
            shown: the frame that the page shows; None: this one.

        Raises:
            UserError: the video cannot be read, or not this frame of it.
        """
        with self._opening:  # two threads wait for one reading
            numbers, index = self.videos[video].numbers, self.videos[video].index
        number, shown = (int(numbers[min(n, len(numbers) - 1)]) for n in (frame, frame if shown is None else shown))
        decoded = self._get((video, number), (video, shown))
        if decoded is None:
            return None
        free = self._fitters[video, lines]
        fit = free.pop() if free else Fitter(lines, index.aspect)
        jpeg = cv2.imencode(".jpg", fit(decoded), JPEG_OPTIONS)[1].tobytes()
        free.append(fit)
        return jpeg

    def _get(self, place: Place, shown: Place) -> av.VideoFrame | None:
        with self._news:
            if shown != self._shown:
                self._shown = shown
                for far in [other for other in self._wanted if other != place and self._distance(other) > NEAR]:
                    self._wanted.pop(far).set_result(None)
            decoded = self._frames.get(place)
            if decoded is None:
                wanted = self._wanted.setdefault(place, Future())
            if self._worker is None:
                self._worker = threading.Thread(target=self._work, daemon=True)
                self._worker.start()
            self._news.notify()
        return wanted.result() if decoded is None else decoded

    def _distance(self, place: Place) -> float:
        """How far a frame is from the one that is shown, to be fetched or kept."""
        if place[0] != self._shown[0]:
            return float("inf")
        ahead = place[1] - self._shown[1]
        return FORWARD_WEIGHT * ahead if ahead > 0 else -ahead

    def _work(self) -> None:
        while True:
            with self._news:
                while (place := self._next()) is None:
                    self._news.wait()
            try:
                self._read(place)
            except Exception as error:  # noqa: BLE001 - goes to whoever waits for the frame
                self._fail(place, error)

    def _next(self) -> Place | None:
        """The frame to read now: that which is shown, another one that is waited for, or one around."""
        if self._wanted:
            return min(self._wanted, key=self._distance)
        video, shown = self._shown
        end = self._ends.get(video, len(self.videos[video].index.stamps))
        room = 1.0
        if self._frames:
            room = min(1.0, WINDOW_SHARE * CACHE_BYTES / (BEHIND + AHEAD) / (self._bytes / len(self._frames)))
        behind, ahead = range(0, -round(BEHIND * room) - 1, -1), range(1, round(AHEAD * room) + 1)
        around = ((video, shown + by) for by in (*behind, *ahead) if 0 <= shown + by < end)
        return next((place for place in around if place not in self._frames), None)

    def _read(self, place: Place) -> None:
        """Read on to a frame, unless another one comes first meanwhile."""
        cursor = self._cursor(place)
        while True:
            found = cursor.read()
            if found is None:
                raise UserError(f"{cursor.path}: ends before frame {place[1]}; it is damaged: get a whole copy of it")
            number, frame = found
            with self._news:
                self._keep((place[0], number), frame)
                if number >= place[1] or self._next() != place:
                    return

    def _cursor(self, place: Place) -> Cursor:
        """One that is on its way to a frame, or a new one from the last key frame before it."""
        video, number = place
        source = self.videos[video]
        on_the_way = [one for one in self._cursors if one[0] == video and one[1].is_near(number)]
        if on_the_way:
            chosen = max(on_the_way, key=lambda one: one[1].next)
            self._cursors.remove(chosen)
        else:
            chosen = video, Cursor(source.path, source.index, number)
        self._cursors.append(chosen)
        while len(self._cursors) > CURSORS:
            self._cursors.pop(0)[1].close()
        return chosen[1]

    def _keep(self, place: Place, frame: av.VideoFrame) -> None:
        if place in self._wanted:
            self._wanted.pop(place).set_result(frame)
        if place not in self._frames:
            self._frames[place] = frame
            self._bytes += _size(frame)
        while self._bytes > CACHE_BYTES and len(self._frames) > 1:
            self._bytes -= _size(self._frames.pop(max(self._frames, key=self._distance)))

    def _fail(self, place: Place, error: Exception) -> None:
        for one in [one for one in self._cursors if one[0] == place[0]]:
            self._cursors.remove(one)
            one[1].close()
        with self._news:
            if place in self._wanted:
                self._wanted.pop(place).set_exception(error)
            self._ends[place[0]] = min(place[1], self._ends.get(place[0], place[1]))


def _size(frame: av.VideoFrame) -> int:
    return sum(plane.buffer_size for plane in frame.planes)
