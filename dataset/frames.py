"""Extracted frames: checked, and read as clips, uint8 tensors."""

from __future__ import annotations

import math
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from util.errors import UserError

PAST_END = 5  # frames by which a clip may reach past either end of a video
DEFAULT_WORKERS = min(4, os.cpu_count() or 1)  # decoding is cheap: four keep any one card busy
JPEG_END = b"\xff\xd9"


@dataclass(frozen=True)
class Clip:
    """`length` frames in a row of one video, some of which may lie past its ends."""

    frames: Tensor  # uint8 (T, 3, H, W) in RGB, laid out channels-last; black past the ends
    inside: Tensor  # float (T,), 1 for a frame of the video, 0 past its ends
    video: int  # the video's place in its split
    start: int  # frame number of the clip's first frame, negative before the video
    targets: Tensor | None = None  # float (T, K + 1), where the clip is for training


@dataclass(frozen=True)
class Batch:
    """B clips of T frames: each field of `Clip` stacked."""

    frames: Tensor
    inside: Tensor
    videos: list[int]
    starts: list[int]
    targets: Tensor | None = None

    def pin_memory(self) -> Batch:
        targets = None if self.targets is None else self.targets.pin_memory()
        return Batch(self.frames.pin_memory(), self.inside.pin_memory(), self.videos, self.starts, targets)


def stack(clips: list[Clip]) -> Batch:
    """Make a batch of clips, keeping the frames channels-last in memory."""
    return Batch(
        torch.stack([c.frames.permute(0, 2, 3, 1) for c in clips]).permute(0, 1, 4, 2, 3),
        torch.stack([c.inside for c in clips]),
        [c.video for c in clips],
        [c.start for c in clips],
        None if clips[0].targets is None else torch.stack([c.targets for c in clips]),
    )


def read_frame(path: Path) -> np.ndarray:
    """Read a JPEG as uint8 (H, W, 3), RGB.

    Raises:
        UserError: the file is missing, broken, or cut short (which a decoder would fill with grey).
    """
    try:
        data = np.fromfile(path, np.uint8)
    except OSError as error:
        raise UserError(f"{path}: frame is missing; run prepare_data.py again") from error
    image = None
    if JPEG_END in data[-64:].tobytes():  # some writers pad the file after its end mark
        image = cv2.imdecode(data, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if image is None:
        raise UserError(f"{path}: frame is broken or cut short; delete its folder and run prepare_data.py again")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def centre(height: int, width: int, crop: int | None) -> tuple[int, int]:
    """Top and left of the centred crop, rounded as torchvision's CenterCrop rounds; below 0 where it is larger
    than the frame."""
    if crop is None:
        return 0, 0
    top, left = ((size - crop) / 2 for size in (height, width))
    return round(top) if top > 0 else math.ceil(top), round(left) if left > 0 else math.ceil(left)


def crop_frame(frame: np.ndarray, top: int, left: int, crop: int | None) -> np.ndarray:
    """(H, W, 3) -> (crop, crop, 3), black where the crop reaches out of the frame; all of it for crop None."""
    if crop is None:
        return frame
    height, width = frame.shape[:2]
    inner = frame[max(top, 0) : top + crop, max(left, 0) : left + crop]
    if inner.shape[:2] == (crop, crop):
        return inner
    out = np.zeros((crop, crop, 3), np.uint8)
    y, x = max(-top, 0), max(-left, 0)
    out[y : y + inner.shape[0], x : x + inner.shape[1]] = inner
    return out


def read_clip(
    folder: Path, start: int, length: int, num_frames: int, crop: int | None, place: tuple[float, float] | None = None
) -> tuple[Tensor, Tensor]:
    """Read frames start .. start + length of a video, of which those past its ends are black.

    Args:
        folder: the video's frames, 000000.jpg and on.
        num_frames: of the whole video.
        crop: side of the square that is cut out; None for the whole frame.
        place: where the square lies, from (0, 0) top left to (1, 1) bottom right; None for the centre.

    Returns:
        frames uint8 (T, 3, H, W) in RGB, channels-last in memory; inside float (T,).
    """
    first, last = max(start, 0), min(start + length, num_frames)
    out = None
    numbers = range(first, last)
    for number in numbers or [min(first, num_frames - 1)]:  # a clip past an end: any frame tells the size
        frame = read_frame(folder / f"{number:06d}.jpg")
        height, width = frame.shape[:2]
        if place is None:
            top, left = centre(height, width, crop)
        else:
            top, left = round(place[0] * (height - crop)), round(place[1] * (width - crop))
        frame = crop_frame(frame, top, left, crop)
        if out is None:
            out = np.zeros((length, *frame.shape), np.uint8)
        elif out.shape[1:] != frame.shape:
            raise UserError(f"{folder}: frame {number:06d}.jpg differs in size from those before it; "
                            "delete the folder and run prepare_data.py again")
        if numbers:
            out[number - start] = frame
    inside = torch.tensor([float(first <= t < last) for t in range(start, start + length)])
    return torch.from_numpy(out).permute(0, 3, 1, 2), inside


def check_frames(frame_dir: Path, videos: list[dict], crop: int | None) -> None:
    """Make sure that the frames of all videos are there and can be put in one batch; warn of frames smaller than
    the crop, which are filled up with black.

    Raises:
        UserError: a folder or a frame is missing, or whole frames (crop None) differ in size.
    """
    sizes: dict[tuple[int, int], str] = {}
    small = []
    for entry in videos:
        folder = frame_dir / entry["video"]
        try:
            with os.scandir(folder) as found:
                names = {f.name for f in found}
        except OSError as error:
            raise UserError(f"{folder}: no frames of this video; extract them with prepare_data.py") from error
        missing = [n for n in range(entry["num_frames"]) if f"{n:06d}.jpg" not in names]
        if missing:
            raise UserError(
                f"{folder}: {len(missing)} of {entry['num_frames']} frames are missing, the first "
                f"{missing[0]:06d}.jpg; run prepare_data.py again"
            )
        height, width = read_frame(folder / "000000.jpg").shape[:2]
        sizes.setdefault((width, height), entry["video"])
        if crop is not None and crop > min(height, width):
            small.append(f"{entry['video']} ({width}x{height})")
    if crop is None and len(sizes) > 1:
        (one, a), (other, b) = list(sizes.items())[:2]
        raise UserError(
            f"{frame_dir}: frames of {a} are {one[0]}x{one[1]}, of {b} {other[0]}x{other[1]}, and one batch cannot "
            "hold both; give a --crop_dim"
        )
    if small:
        print(f"warning: frames smaller than the crop of {crop} are filled up with black, in {len(small)} of "
              f"{len(videos)} videos, such as {small[0]}; a smaller --crop_dim in training avoids it", file=sys.stderr)


class VideoClips(Dataset):
    """The clips that cover whole videos, as the original E2E-Spot lays them: from frame -5 on, every
    clip_len - overlap frames, while the start lies before num_frames - overlap."""

    def __init__(self, frame_dir: Path, videos: list[dict], clip_len: int, overlap: int, crop: int | None) -> None:
        self.frame_dir, self.videos, self.clip_len, self.crop = frame_dir, videos, clip_len, crop
        self.places = [
            (number, start)
            for number, entry in enumerate(videos)
            for start in range(-PAST_END, max(entry["num_frames"] - overlap, -PAST_END + 1), clip_len - overlap)
            if start + clip_len > 0
        ]

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, index: int) -> Clip:
        number, start = self.places[index]
        entry = self.videos[number]
        folder = self.frame_dir / entry["video"]
        frames, inside = read_clip(folder, start, self.clip_len, entry["num_frames"], self.crop)
        return Clip(frames, inside, number, start)


def loader(clips: Dataset, batch_size: int, workers: int, order: range | None = None, pin: bool = False) -> DataLoader:
    """Batches of clips in the given order (default: all, one after the other), read ahead by worker processes.

    Workers are spawned on every system, as Windows must: what runs on one runs on all.
    """
    return DataLoader(
        clips,
        batch_size,
        sampler=order,
        num_workers=workers,
        collate_fn=stack,
        multiprocessing_context="spawn" if workers else None,
        persistent_workers=workers > 0,
        worker_init_fn=_one_thread if workers else None,
        pin_memory=pin,
    )


def _one_thread(_worker: int) -> None:
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
