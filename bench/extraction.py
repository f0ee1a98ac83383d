"""Frames of a 1080p video: decoded, shrunk and written as JPEG, beside decoding alone."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import av
import cv2

from bench.rows import Row, Settings
from bench.timing import fastest
from footage.decoding import Decoder
from footage.extraction import FramesJob, extract_all
from footage.frame_folders import extract_frames
from footage.raw_videos import FrameOptions
from simulation.draw import Renderer
from simulation.sim import MATCHES, simulate

SIZE = (1920, 1080)  # width, height
FPS = 30
BIT_RATE = 8_000_000  # a second: what match footage of this size usually has


def measure(folder: Path, settings: Settings) -> Iterator[Row]:
    """Frames a second of one video on all cores, and of a video for each core."""
    cv2.setNumThreads(1)  # as in prepare_data.py's workers
    video = write_video(folder / "match.mp4", drawn=30 if settings.quick else 60,
                        num_frames=300 if settings.quick else 1080)
    yield one_video(video, folder, settings.seconds)
    if not settings.quick:
        yield many_videos(video, folder, settings.seconds)


def one_video(video: Path, folder: Path, seconds: float) -> Row:
    """Its floor is to decode it in the same threads, and to throw the frames away."""
    folders = (folder / f"one_{number}" for number in itertools.count())  # never emptied: files made where others
    # were just deleted take Linux's ext4 up to 0.7 ms each, for 0.02
    records = []
    decoding, took = fastest(
        lambda: decode(video, cores()),
        lambda: records.append(extract_frames(video, next(folders), FrameOptions(), cores())),
        seconds=seconds,
    )
    record = records[0]
    count = record["source_frames"]
    return Row(f"extraction of a 1080p H.264 video at {FrameOptions().height} lines", count / took, count / decoding,
               "frames/s", f"{8e-6 * record['source_size'] * FPS / count:.1f} Mbit/s")


def many_videos(video: Path, folder: Path, seconds: float) -> Row:
    """Its floor is to decode them in as many processes, and to throw the frames away."""
    number = cores()
    copies = [folder / f"copy_{copy}.mp4" for copy in range(number)]
    for copy in copies:
        copy.hardlink_to(video)
    frames = decode(video, cores())
    folders = (folder / f"many_{number}" for number in itertools.count())

    def decode_all() -> None:
        with ProcessPoolExecutor(number, get_context("spawn")) as pool:
            list(pool.map(decode, copies, [1] * number))

    def extract() -> None:
        output = next(folders)
        jobs = [FramesJob(path.stem, path, output / path.stem, frames, frames) for path in copies]
        records, failures = extract_all(jobs, FrameOptions(), number)
        assert len(records) == number and not failures

    decoding, took = fastest(decode_all, extract, seconds=seconds)
    return Row(f"extraction of {number} such videos, processes and all", number * frames / took,
               number * frames / decoding, "frames/s")


def decode(video: Path, threads: int) -> int:
    """Decode a video and throw the frames away; returns their number."""
    with Decoder(video, threads) as decoder:
        return sum(1 for _ in decoder)


def cores() -> int:
    return os.cpu_count() or 1


def write_video(path: Path, drawn: int, num_frames: int) -> Path:
    """Encode a drawn scene as H.264 with B-frames, and repeat its packets up to a number of frames."""
    states, _ = simulate(MATCHES[1], 1, drawn, seed=0)
    renderer = Renderer(MATCHES[1], 1, SIZE, seed=0)
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", FPS, options={"preset": "fast", "bf": "3", "g": str(drawn),
                                                              "maxrate": "9M", "bufsize": "9M"})
        (stream.width, stream.height), stream.pix_fmt, stream.bit_rate = SIZE, "yuv420p", BIT_RATE
        frames = [av.VideoFrame.from_ndarray(renderer.frame(state), format="bgr24") for state in states]
        packets = [packet for frame in [*frames, None] for packet in stream.encode(frame)]
        length = round(drawn / (FPS * packets[0].time_base))
        times = [(packet.pts, packet.dts, packet) for packet in packets]
        for repeat, (pts, dts, packet) in itertools.product(range(num_frames // drawn), times):
            copy = av.Packet(bytes(packet))
            copy.pts, copy.dts, copy.time_base = pts + repeat * length, dts + repeat * length, packet.time_base
            copy.stream, copy.is_keyframe = stream, packet.is_keyframe
            container.mux(copy)
    return path
