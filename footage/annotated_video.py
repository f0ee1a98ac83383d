"""A copy of a video that shows its events: a banner when one happens, and below the picture a clock and all of them
along time. Its sound stays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
import cv2
import numpy as np
from av.codec.codec import UnknownCodecError
from av.video.reformatter import ColorRange, Colorspace
from PIL.ImageColor import getrgb

from plots.style import INK, class_colour, ink_on
from util.clock import exact_time
from util.errors import UserError
from util.events import Event
from util.io import whole_file

ENCODER = "libx264"
ENCODING = {"preset": "veryfast", "crf": "23"}
BT709 = 1  # FFmpeg's number of the colours that players take an HD video to have: others would change those of classes
TIME_BASE = Fraction(1, 90_000)  # seconds
SOUND_RATE = 48_000  # samples per second
SOUND_PIECE = 1024  # samples, those of a frame of AAC
ANNOTATED_HEIGHT = 720  # lines of the picture; a video with fewer keeps its own
BANNER = 1.0  # seconds that one is shown, from the frame of its event on
MAX_BANNERS = 4  # at once, the newest
FONT, FONT_WEIGHT = cv2.FontFace("sans"), 600
PAPER, LANE = (255, 255, 255), (240, 241, 243)  # of the strip below the picture


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
    first: int, num_frames: int, fps: float, crop: float | None = None, sound: Path | None = None,
) -> None:
    """Write H.264 in MP4, with its index first, as browsers play it.

    Args:
        frames: seconds, rising, and picture, RGB uint8 (H, W, 3), of a stretch of the video.
        events: [{"label", "frame", "score", "seconds"}], by frame.
        first: frame number of the first of `frames`.
        num_frames: how many they are.
        fps: frames per second, on average.
        crop: side of the square in the middle that the model saw, by the height of a frame; None: all of it.
        sound: the video whose sound it gets, where that has any.

    Raises:
        UserError: the file cannot be written.
    """
    overlay = Overlay(events, classes, first, num_frames, round(BANNER * fps), crop)
    drawn = ((at, overlay.draw(picture, number, at)) for number, (at, picture) in enumerate(frames, first))
    with whole_file(path) as scratch:
        try:
            with av.open(f"file:{scratch}", "w", format="mp4", options={"movflags": "+faststart"}) as container:
                _encode(container, drawn, fps, sound)
        except av.FFmpegError as error:
            raise UserError(f"{path}: cannot be written ({error.strerror})") from error


def _encode(
    container: av.container.OutputContainer, frames: Iterator[tuple[float, np.ndarray]], fps: float, sound: Path | None
) -> None:
    begun, picture = first = next(frames, (0.0, None))
    if picture is None:
        return
    stream, heard = container.add_stream(ENCODER, rate=Fraction(fps).limit_denominator(1001), options=ENCODING), None
    codec = stream.codec_context
    stream.height, stream.width = picture.shape[:2]
    stream.pix_fmt, codec.time_base = "yuv420p", TIME_BASE
    codec.colorspace, codec.color_primaries, codec.color_trc, codec.color_range = BT709, BT709, BT709, 1
    pieces = _sound(sound, begun) if sound else iter(())
    if (piece := next(pieces, None)) is not None:
        heard = container.add_stream("aac", rate=SOUND_RATE, layout="stereo")
        heard.codec_context.time_base = Fraction(1, SOUND_RATE)
    for at, picture in chain([first], frames):
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(
            format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG)
        frame.pts, frame.time_base = round((at - begun) / TIME_BASE), TIME_BASE
        container.mux(stream.encode(frame))
        while piece is not None and piece.pts < (at + 1 / fps - begun) * SOUND_RATE:
            container.mux(heard.encode(piece))
            piece = next(pieces, None)
    for each in (stream, heard):
        if each is not None:
            container.mux(each.encode(None))


def _sound(path: Path, begin: float) -> Iterator[av.AudioFrame]:
    """The sound of a video, from a time in seconds since the start of its container on, in pieces whose `pts` count
    samples from there; what cannot be decoded is left out."""
    resampler = av.AudioResampler("fltp", "stereo", SOUND_RATE, SOUND_PIECE)
    with av.open(f"file:{path}", metadata_errors="replace") as source, suppress(av.FFmpegError):
        zero = (source.start_time or 0) / av.time_base + begin
        for frame in source.decode(source.streams.audio[0]) if source.streams.audio else ():
            for piece in resampler.resample(frame):
                at = round((piece.pts * piece.time_base - zero) * SOUND_RATE)
                if at >= 0:
                    piece.pts, piece.time_base = at, Fraction(1, SOUND_RATE)
                    yield piece


class Overlay:
    """What is drawn over the frames of a video, and the strip below them.

    Args:
        events, classes, first, num_frames, crop: see `write_annotated`.
        shown: frames that a banner stays.
    """

    def __init__(
        self, events: Sequence[Event], classes: Sequence[str], first: int, num_frames: int, shown: int,
        crop: float | None = None,
    ) -> None:
        self.events, self.first, self.num_frames, self.shown, self.crop = events, first, num_frames, max(1, shown), crop
        self.colours = {name: getrgb(class_colour(index)) for index, name in enumerate(classes)}
        self.numbers = np.array([event["frame"] for event in events], np.int64)
        self.boxes: dict[int, np.ndarray] = {}  # the banners that are shown, by event
        self.strip: np.ndarray | None = None

    def _lay_out(self, height: int, width: int) -> None:
        self.height, self.width = height, width
        self.margin, self.text_size = max(2, height // 40), max(8, height // 24)
        self.row = round(1.5 * self.text_size)  # lines of the strip's upper part, that with text
        self.seen, side = None, max(height, width) if self.crop is None else round(self.crop * height)
        if side < max(height, width):  # two corners of the square in the middle
            left, top = max(0, (width - side) // 2), max(0, (height - side) // 2)
            self.seen = (left, top), (width - 1 - left, height - 1 - top)
        self.strip = self._strip()

    def draw(self, picture: np.ndarray, number: int, seconds: float) -> np.ndarray:
        """Frame `number`, RGB uint8 (H, W, 3), with what there is to show: (H + h, W, 3), which is even, as H.264 takes
        it. All frames are of one size."""
        picture = picture[: picture.shape[0] // 2 * 2, : picture.shape[1] // 2 * 2]
        if self.strip is None:
            self._lay_out(*picture.shape[:2])
        out = np.concatenate((picture, self.strip))
        x, thick = self._place(number), max(1, self.width // 400)
        out[self.height + self.row :, max(0, x - thick) : x + thick] = getrgb(INK)
        self._write(out, f"{exact_time(seconds)}  {number}", self.margin, self.height, self.text_size)
        if self.seen:
            for colour, wide in ((0, 3), (255, 1)):  # white on black: seen on any picture
                cv2.rectangle(out, *self.seen, (colour,) * 3, wide * max(1, self.height // 700))
        self._banners(out[: self.height], number)
        return out

    def _banners(self, picture: np.ndarray, number: int) -> None:
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
            cv2.rectangle(picture, (0, 0), (self.width - 1, self.height - 1), self.colours[event["label"]], edge)

    def _place(self, number: int) -> int:
        """The column of a frame on the timeline."""
        return round((number - self.first) / max(1, self.num_frames - 1) * (self.width - 1))

    def _strip(self) -> np.ndarray:
        """Room for the clock, the classes, and below marks of all events: uint8 (h, W, 3), h even."""
        lane = max(8, self.height // 20)
        strip = np.full(((self.row + lane + 1) // 2 * 2, self.width, 3), PAPER, np.uint8)
        strip[self.row :] = LANE
        thick = max(2, self.width // 400)  # one column alone would lose its colour: the video has half as many of it
        for event in self.events:
            x = self._place(event["frame"])
            strip[self.row + 2 :, max(0, x - thick // 2) : x + (thick + 1) // 2] = self.colours[event["label"]]
        self._legend(strip)
        return strip

    def _legend(self, strip: np.ndarray) -> None:
        """Which class has which colour, of those that occur, in the right half of the strip's upper part."""
        names = [name for name in self.colours if any(event["label"] == name for event in self.events)]
        size = _fitting(names, range(self.text_size, self.text_size // 2 - 1, -1), 2, self.width // 2)
        left = self.width - self.width // 2
        for name in names:
            width = _text_width(name, size) + 2 * size
            if left + width > self.width:
                break
            strip[self.row // 4 : self.row * 3 // 4, left : left + size // 2] = self.colours[name]
            self._write(strip, name, left + size * 3 // 4, 0, size)
            left += width

    def _write(self, picture: np.ndarray, text: str, left: int, top: int, size: int) -> None:
        """Write into the upper part of a strip that begins at a line."""
        baseline = top + round(0.5 * self.row + 0.36 * size)
        cv2.putText(picture, text, (left, baseline), getrgb(INK), FONT, size, FONT_WEIGHT)

    def _banner(self, event: Event) -> np.ndarray:
        """Class, time and score on the colour of the class: uint8 (h, w, 3)."""
        text = f"{event['label']}  {exact_time(event['seconds'])}  {event['score']:.2f}"
        # smaller where the picture is higher than wide, or the name long
        size = _fitting([text], range(max(12, self.height // 18), 5, -1), 1, self.width - 2 * self.margin)
        padding, colour = size // 2, self.colours[event["label"]]
        box = np.full((size + 2 * padding, _text_width(text, size) + 2 * padding, 3), colour, np.uint8)
        ink = getrgb(ink_on(tuple(level / 255 for level in colour)))
        cv2.putText(box, text, (padding, padding + round(0.82 * size)), ink, FONT, size, FONT_WEIGHT)
        return box


def _fitting(texts: Sequence[str], sizes: range, gap: int, room: int) -> int:
    """The first of some sizes in which texts, each with so many times its size beside it, have room; or the last."""
    return next((size for size in sizes if sum(_text_width(text, size) + gap * size for text in texts) <= room),
                sizes[-1])


def _text_width(text: str, size: int) -> int:
    return cv2.getTextSize((0, 0), text, (0, 0), FONT, size, FONT_WEIGHT)[2]
