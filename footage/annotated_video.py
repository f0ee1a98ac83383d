"""A copy of a video that shows its events: a banner when one happens, and all of them on a timeline below."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from av.codec.codec import UnknownCodecError

from plots.style import INK, class_colour, ink_on
from util.clock import exact_time
from util.errors import UserError
from util.events import Event
from util.io import whole_file

ENCODER = "libx264"
ENCODING = {"preset": "veryfast", "crf": "23"}
TIME_BASE = Fraction(1, 90_000)  # seconds
ANNOTATED_HEIGHT = 720  # lines; a video with fewer keeps its own
BANNER = 1.0  # seconds that one is shown, from the frame of its event on
MAX_BANNERS = 4  # at once, the newest
PAPER = 0.8  # of white below the marks of the timeline; the rest is the picture
FONT_WEIGHT = 600


def check_encoder() -> None:
    """
    Raises:
        UserError: PyAV was built without the encoder.
    """
    try:
        av.codec.Codec(ENCODER, "w")
    except UnknownCodecError as error:
        raise UserError(f"--annotate: this PyAV cannot encode H.264 ({ENCODER}); pip install --force-reinstall av "
                        "brings one that can") from error


def write_annotated(
    path: Path, frames: Iterable[tuple[float, np.ndarray]], events: Sequence[Event], classes: Sequence[str],
    first: int, num_frames: int, fps: float,
) -> None:
    """Write H.264 in MP4, with its index first, as browsers play it; without sound.

    Args:
        frames: seconds, rising, and picture, RGB uint8 (H, W, 3), of a stretch of the video.
        events: [{"label", "frame", "score", "seconds"}], by frame.
        first: frame number of the first of `frames`.
        num_frames: how many they are.
        fps: frames per second, on average.

    Raises:
        UserError: the file cannot be written.
    """
    options = {"movflags": "+faststart"}
    with whole_file(path) as scratch:
        try:
            with av.open(f"file:{scratch}", "w", format="mp4", options=options) as container:
                _encode(container, frames, events, classes, first, num_frames, fps)
        except av.FFmpegError as error:
            raise UserError(f"{path}: cannot be written ({error.strerror})") from error


def _encode(
    container: av.container.OutputContainer, frames: Iterable[tuple[float, np.ndarray]], events: Sequence[Event],
    classes: Sequence[str], first: int, num_frames: int, fps: float,
) -> None:
    stream = overlay = begun = None
    for number, (at, picture) in enumerate(frames, first):
        picture = picture[: picture.shape[0] // 2 * 2, : picture.shape[1] // 2 * 2].copy()  # H.264 takes even sizes
        if stream is None or overlay is None or begun is None:
            stream = container.add_stream(ENCODER, rate=Fraction(fps).limit_denominator(1001), options=ENCODING)
            stream.height, stream.width = picture.shape[:2]
            stream.pix_fmt, stream.codec_context.time_base = "yuv420p", TIME_BASE
            overlay, begun = Overlay(picture.shape, events, classes, first, num_frames, round(BANNER * fps)), at
        overlay.draw(picture, number)
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts, frame.time_base = round((at - begun) / TIME_BASE), TIME_BASE
        container.mux(stream.encode(frame))
    if stream is not None:
        container.mux(stream.encode())


class Overlay:
    """What is drawn over the frames of a video.

    Args:
        shape: of a picture, (H, W, 3).
        events, classes, first, num_frames: see `write_annotated`.
        shown: frames that a banner stays.
    """

    def __init__(
        self, shape: tuple[int, ...], events: Sequence[Event], classes: Sequence[str], first: int, num_frames: int,
        shown: int,
    ) -> None:
        self.events, self.first, self.num_frames, self.shown = events, first, num_frames, max(1, shown)
        self.height, self.width = shape[:2]
        self.margin = max(2, self.height // 40)
        self.colours = {name: class_colour(index) for index, name in enumerate(classes)}
        self.numbers = np.array([event["frame"] for event in events], np.int64)
        self.boxes: dict[int, np.ndarray] = {}  # the banners that are shown, by event
        self.strip = self._timeline()
        self.marks = self.strip.any(axis=-1, keepdims=True)

    def draw(self, picture: np.ndarray, number: int) -> None:
        """Draw on frame `number`, RGB uint8 (H, W, 3), in place."""
        strip = picture[-len(self.strip) :]
        paper = cv2.addWeighted(strip, 1 - PAPER, np.full_like(strip, 255), PAPER, 0)
        strip[:] = np.where(self.marks, self.strip, paper)
        x, thick = self._place(number), max(1, self.width // 400)
        strip[:, max(0, x - thick) : x + thick] = _rgb(INK)

        since = number - self.numbers
        recent = np.flatnonzero((since >= 0) & (since < self.shown))[-MAX_BANNERS:].tolist()
        kept, self.boxes = self.boxes, {}
        top = self.margin
        for index in reversed(recent):
            box = self.boxes[index] = kept[index] if index in kept else self._banner(self.events[index])
            room = picture[top : top + box.shape[0], self.margin : self.width]
            room[:, : box.shape[1]] = box[: room.shape[0], : room.shape[1]]
            top += box.shape[0] + self.margin // 2
        if 0 in since[recent]:
            event = self.events[recent[-1]]
            edge = max(2, self.height // 90)
            cv2.rectangle(picture, (0, 0), (self.width - 1, self.height - 1), _rgb(self.colours[event["label"]]), edge)

    def _place(self, number: int) -> int:
        """The column of a frame on the timeline."""
        return round((number - self.first) / max(1, self.num_frames - 1) * (self.width - 1))

    def _timeline(self) -> np.ndarray:
        """Marks of all events, on black: uint8 (h, W, 3)."""
        strip = np.zeros((max(8, self.height // 14), self.width, 3), np.uint8)
        thick = max(2, self.width // 400)  # one column alone would lose its colour: the video has half as many of it
        for event in self.events:
            x = self._place(event["frame"])
            strip[len(strip) // 4 :, max(0, x - thick // 2) : x + (thick + 1) // 2] = _rgb(self.colours[event["label"]])
        return strip

    def _banner(self, event: Event) -> np.ndarray:
        """Class, time and score on the colour of the class: uint8 (h, w, 3)."""
        text = f"{event['label']}  {exact_time(event['seconds'])}  {event['score']:.2f}"
        font, size, room = cv2.FontFace("sans"), max(12, self.height // 18), self.width - 2 * self.margin
        width = _text_width(text, font, size)
        if width + size > room:  # higher than wide, or a long name
            size = max(6, size * room // (width + size))
            width = _text_width(text, font, size)
        padding = size // 2
        colour = self.colours[event["label"]]
        box = np.full((size + 2 * padding, width + 2 * padding, 3), _rgb(colour), np.uint8)
        cv2.putText(box, text, (padding, padding + round(0.82 * size)), _rgb(ink_on(colour)), font, size, FONT_WEIGHT)
        return box


def _text_width(text: str, font: cv2.FontFace, size: int) -> int:
    _, _, width, _ = cv2.getTextSize((0, 0), text, (0, 0), font, size, FONT_WEIGHT)
    return width


def _rgb(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))
