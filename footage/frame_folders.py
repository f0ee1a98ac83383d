"""The folder of frames that is made of one video: written whole or not at all, and known again.

It holds 000000.jpg, 000001.jpg, ... and video.json, which tells what they were made from.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from threading import local

import av
import cv2
import numpy as np

from dataset.jpeg import with_checksum
from dataset.video_record import RECORD_NAME, frame_name, read_record, write_record
from footage.decoding import nothing_decoded
from footage.raw_videos import FrameOptions, Frames
from util.errors import UserError
from util.io import remove, whole_folder

# Full colour (4:4:4) at quality 90 takes about the bytes of the usual halved colour at 95, and comes 1 dB
# nearer to a plain frame, 14 dB to a colourful one: what tells a ball of a few pixels from the court is often
# its colour.
JPEG_QUALITY = 90
JPEG_OPTIONS = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY,
                cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]

# Of a record, without which it was changed by hand, or is of another version
NEVER_EMPTY = ("stamps", "fps", "source_fps", "source_frames", "width", "height")
ALWAYS_THERE = {"variable_rate", "lost_start", "missing_frames", "damaged_frames", "trouble"}

CORES_A_WRITER = 4  # decoding on as many keeps a core busy with what becomes of the frames
FRAMES_A_WRITER = 3  # of full size, that wait for it or are being written
MORE_ON_THE_WAY = 4  # frames that are decoded beyond one a core: what waits for a writer leaves no core idle


def existing_frames(path: Path, folder: Path, options: FrameOptions, allow_short: bool = False) -> dict | None:
    """The record of frames made before from the same source with the same options; None if there are none, or if
    their time stamps or another part of the record were not kept.

    Args:
        path: the video file. One with another date is the same if it has the same content.
        allow_short: take frames of a video that is not whole.

    Raises:
        UserError: the folder holds something that `extract_frames` did not write, which it would remove.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return None
    record = read_record(folder)
    if not record or not record.get("num_frames"):
        raise UserError(f"{folder}: is there already, and not from prepare_data.py (no {RECORD_NAME} in it); "
                        "move it away, or choose another --output")
    short = any(record.get(key) for key in ("missing_frames", "damaged_frames", "trouble"))
    made_as_now = all(record.get(key) == value for key, value in _identity(path, options).items())
    complete = all(map(record.get, NEVER_EMPTY)) and record.keys() >= ALWAYS_THERE
    if not made_as_now or not complete or (short and not allow_short):
        return None
    with os.scandir(folder) as found:
        sizes = {file.name: file.stat().st_size for file in found if file.name.endswith(".jpg")}
    if sizes.keys() != set(map(frame_name, range(record["num_frames"]))) or sum(sizes.values()) != record.get("bytes"):
        return None
    modified = path.stat().st_mtime_ns
    if record.get("source_modified") == modified:
        return record
    if record.get("source_sha256") != _sha256(path):
        return None
    record["source_modified"] = modified  # a copy: not to be read through each time
    write_record(folder, record)
    return record


def made_options(folder: Path) -> dict | None:
    """What the frames in a folder were made with, as in `FrameOptions`; None if there are no such frames."""
    return (read_record(folder) or {}).get("options")


def lack_stamps(folder: Path) -> bool:
    """Whether frames in a folder were made before their time stamps were kept, which is why they are made again."""
    return not (read_record(folder) or {"stamps": "no frames"}).get("stamps")


def extract_frames(
    path: Path,
    folder: Path,
    options: FrameOptions,
    cores: int = 0,
    allow_short: bool = False,
    on_frames: Callable[[int], None] = lambda count: None,
) -> dict:
    """Decode a video into `folder`, replacing frames made before.

    Args:
        cores: to work on; 0 for all.
        allow_short: take a video that is not whole.
        on_frames: called with how many more frames were decoded; what it raises ends the work and leaves no trace.

    Returns:
        The record that stands in video.json. Of the source: source (its name), source_size (bytes), source_modified
        (nanoseconds), source_sha256, source_fps, variable_rate (whether its frames come at no even rate),
        source_frames (decoded), announced_frames, lost_start (frames before the first key frame, which cannot be
        decoded), missing_frames, damaged_frames, trouble (see `Faults`), stamps (see `Stamps.to_json`). Then options,
        and of the frames fps, width, height, num_frames, bytes.

    Raises:
        UserError: it is no video, is not whole, not one frame can be decoded, or its frames change in size.
    """
    cores = cores or os.cpu_count() or 1
    before = path.stat()
    with whole_folder(folder) as scratch:
        frames, written = _write_frames(path, scratch, options, cores, on_frames)
        if frames.faults and not allow_short:
            raise UserError(f"{path}: {frames.faults} ({frames.decoder.decoded_frames} could be decoded); get a whole "
                            "copy of it, or take what there is with --allow_short")
        if frames.faults and cores > 1:  # on several cores, what is damaged does not come out the same each time
            on_frames(-frames.decoder.decoded_frames)
            remove(scratch)
            scratch.mkdir()
            frames, written = _write_frames(path, scratch, options, 1, on_frames)
        if (path.stat().st_size, path.stat().st_mtime_ns) != (before.st_size, before.st_mtime_ns):
            raise UserError(f"{path}: was changed while it was read; run again once it is whole")
        decoder, rate = frames.decoder, frames.decoder.even_rate()
        record = _identity(path, options) | {
            "source_modified": before.st_mtime_ns,
            "source_sha256": _sha256(path),
            "source_fps": rate or decoder.fps,
            "variable_rate": rate is None,
            "source_frames": decoder.decoded_frames,
            "announced_frames": decoder.announced_frames,
            "lost_start": decoder.lost_start,
            "missing_frames": frames.faults.missing,
            "damaged_frames": frames.faults.damaged,
            "trouble": frames.faults.trouble,
            "fps": options.fps or rate or decoder.fps,
            "stamps": decoder.stamps().to_json(decoder.time_base),
            **written,
        }
        write_record(scratch, record)
    return record


def encode_jpeg(picture: np.ndarray) -> bytes:
    """The JPEG file of a frame, BGR uint8 (H, W, 3), with a checksum."""
    return with_checksum(cv2.imencode(".jpg", picture, JPEG_OPTIONS)[1].tobytes())


def _write_frames(
    path: Path, folder: Path, options: FrameOptions, cores: int, on_frames: Callable[[int], None]
) -> tuple[Frames, dict]:
    """Write numbered JPEG files; returns what they came from, and their width, height, num_frames and bytes."""
    frames = Frames(path, options, threads=cores + MORE_ON_THE_WAY if cores > 1 else 1)
    writers = math.ceil(cores / CORES_A_WRITER) if cores > 1 else 0  # none: a frame is written where it is decoded
    own = local()  # to each thread: a Fitter
    sizes, shapes = [], set()  # of the files, in bytes; of the pictures

    def write(frame: av.VideoFrame, numbers: range) -> None:
        own.fit = getattr(own, "fit", None) or frames.fitter("bgr")
        picture = own.fit(frame)
        jpeg = encode_jpeg(picture)
        for number in numbers:
            with open(f"{folder}{os.sep}{frame_name(number)}", "wb", 0) as file:  # noqa: PTH123 - Path takes long
                file.write(jpeg)
            sizes.append(len(jpeg))
        shapes.add(picture.shape[:2])

    running: deque[Future] = deque()
    counted = 0
    with ThreadPoolExecutor(max(1, writers)) as pool:
        for frame, numbers in frames.decoded():
            if writers:
                running.append(pool.submit(write, frame, numbers))
            else:
                write(frame, numbers)
            if len(running) > FRAMES_A_WRITER * writers:
                running.popleft().result()
            on_frames(frames.decoder.decoded_frames - counted)
            counted = frames.decoder.decoded_frames
        for future in running:
            future.result()
    if not sizes:
        raise nothing_decoded(path)
    height, width = shapes.pop()
    return frames, {"width": width, "height": height, "num_frames": len(sizes), "bytes": sum(sizes)}


def _identity(path: Path, options: FrameOptions) -> dict:
    """What must be the same for frames not to be made again, beside the content of the source."""
    options_used = asdict(options) | {"jpeg_quality": JPEG_QUALITY}
    return {"source": path.name, "source_size": path.stat().st_size, "options": options_used}


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
