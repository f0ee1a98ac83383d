"""Small videos of pattern frames in any codec and container, and what can go wrong with a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from conftest import pattern_frame, pattern_index

X264 = {"preset": "ultrafast", "bf": "2", "b-adapt": "0", "g": "10", "x264-params": "scenecut=0"}
OPTIONS = {
    "libx264": X264,
    "libx265": {"preset": "ultrafast", "x265-params": "bframes=2:keyint=10:log-level=none"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8", "g": "10"},
    "mpeg2video": {"bf": "2", "g": "10"},
    "mpeg4": {"bf": "2", "g": "10"},
}


def encode(
    path: Path,
    codec: str = "libx264",
    num_frames: int = 40,
    size: tuple[int, int] = (96, 64),
    fps: Fraction | int = 25,
    pixels: str = "yuv420p",
    pts: Iterable[int] | None = None,
    time_base: Fraction | None = None,
    container: dict[str, str] | None = None,
    turned: int = 0,
    sound: float = 0,
    beep: float | None = None,
    pictures: Iterable[np.ndarray] | None = None,
    **stream_options: object,
) -> Path:
    """Write a video.

    Args:
        pts: the time stamp of each frame in units of `time_base`; by default they come `fps` a second.
        container: options of the container.
        turned: degrees by which a player is to turn the picture.
        sound: seconds of silence beside it.
        beep: second from which on the sound is a tone.
        pictures: BGR uint8 (H, W, 3), instead of pattern frames.
        stream_options: attributes of the codec context, such as color_range.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", options=container or {}) as output:
        stream = output.add_stream(codec, fps, options=OPTIONS.get(codec, {}))
        (stream.width, stream.height), stream.pix_fmt = size, pixels
        for name, value in stream_options.items():
            setattr(stream.codec_context, name, value)
        if time_base:
            stream.time_base = stream.codec_context.time_base = time_base
        if turned:
            stream.set_display_rotation(turned)
        heard = output.add_stream("aac", 48000) if sound else None
        pictures = pictures or (pattern_frame(index, *size) for index in range(num_frames))
        stamps = iter(pts) if pts is not None else None
        for picture in pictures:
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24").reformat(format=pixels)
            if stamps:
                frame.pts, frame.time_base = next(stamps), time_base
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
        if heard:
            output.mux(packet for frame in _silence(sound, beep) for packet in heard.encode(frame))
    return path


def _silence(seconds: float, beep: float | None = None) -> Iterator[av.AudioFrame | None]:
    for number in range(round(seconds * 48000 / 1024)):
        at = (np.arange(1024, dtype=np.float32) + 1024 * number) / 48000
        tone = 0.5 * np.sin(2 * np.pi * 440 * at) * (at >= (np.inf if beep is None else beep))
        frame = av.AudioFrame.from_ndarray(tone[None].astype(np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 48000, 1024 * number
        yield frame
    yield None


def copy_packets(
    source: Path, target: Path, keep: Callable[[int], bool] = lambda number: True, shift: float = 0
) -> Path:
    """Write the packets of a video into another container.

    Args:
        keep: whether to take a packet, by its number.
        shift: seconds to add to the time stamps.
    """
    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        stream = old.streams.video[0]
        copied = new.add_stream_from_template(stream)
        later = round(shift / stream.time_base)
        for number, packet in enumerate(packet for packet in old.demux(stream) if packet.size):
            if keep(number):
                packet.pts, packet.dts = packet.pts + later, packet.dts + later
                packet.stream = copied
                new.mux(packet)
    return target


def cut(path: Path, share: float = 0.6) -> Path:
    """Leave only the beginning of a file."""
    content = path.read_bytes()
    path.write_bytes(content[: round(share * len(content))])
    return path


def damage(path: Path, at: float = 0.55, length: int = 1500) -> Path:
    """Put zeros into the midst of a file."""
    content = bytearray(path.read_bytes())
    begin = round(at * len(content))
    content[begin : begin + length] = bytes(length)
    path.write_bytes(content)
    return path


def noise(num_frames: int, size: tuple[int, int] = (96, 64), seed: int = 0) -> list[np.ndarray]:
    """Pattern frames whose lower half is noise, so that a file of them is no longer small."""
    rng = np.random.default_rng(seed)
    pictures = [pattern_frame(index, *size) for index in range(num_frames)]
    for picture in pictures:
        picture[size[1] * 3 // 4 :] = rng.integers(0, 120, (size[1] - size[1] * 3 // 4, size[0], 3))
    return pictures


def indices(pictures: Iterable[np.ndarray]) -> list[int]:
    """The numbers that pattern frames show."""
    return [pattern_index(picture) for picture in pictures]


def silence(path: Path) -> Path:
    """Write a file with sound alone."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream("aac", 48000)
        output.mux(packet for frame in _silence(0.5) for packet in stream.encode(frame))
    return path
