"""Extracted frames, read as clips: uint8 tensors."""

from __future__ import annotations

import math
import os
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dataset.jpeg import jpeg_size, read_frame
from dataset.video_record import frame_name, read_record
from util.batch import Batch, Targets, each_tensor, stack, to_device
from util.errors import UserError

PAST_END = 5  # frames by which a clip may reach past either end of a video
STRETCH_PIXELS = 96 * 224 * 224  # of a stretch's frames: with fewer, a small network's operations wait for each other
PIECE = 8  # frames that a thread reads at a time, where several share a batch
DEFAULT_WORKERS = min(4, os.cpu_count() or 1)  # decoding is cheap: four keep any one card busy


@dataclass(frozen=True)
class Clip:
    """Frames in a row of one video, some of which may lie past its ends: where they are. `read_batch` reads them."""

    folder: Path  # the video's frames, 000000.jpg and on
    num_frames: int  # of the whole video
    video: int  # the video's place in its split
    start: int  # frame number of the clip's first frame, negative before the video
    length: int  # T
    crop: int | None  # side of the square that is cut out; None for the whole frame
    place: tuple[float, float] | None = None  # of the square: (0, 0) top left, (1, 1) bottom right; None: the centre
    targets: Targets | None = None  # where the clip is for training


def how_frames_were_made(frame_dir: Path, videos: list[dict]) -> dict[str, Any]:
    """The size, rate and resampling of most of a split's frames.

    Args:
        videos: [{"video", "num_frames", "fps"}]; fps may be missing or -1. Their frames are there.

    Returns:
        {"frame_width", "frame_height": pixels, "frame_fps": frames per second or None where it is not known,
        "resample_fps": what prepare_data.py --fps was given, or None}.
    """
    counts: defaultdict[str, Counter] = defaultdict(Counter)
    for entry in videos:
        folder = frame_dir / entry["video"]
        options = (read_record(folder) or {}).get("options") or {}
        width, height = jpeg_size(folder / frame_name(0)) or (None, None)
        found = {"frame_width": width, "frame_height": height, "frame_fps": entry.get("fps"),
                 "resample_fps": options.get("fps")}
        for key, value in found.items():
            counts[key][value] += entry["num_frames"]
    made = {key: counter.most_common(1)[0][0] for key, counter in counts.items()}
    if not made["frame_fps"] or made["frame_fps"] <= 0:
        made["frame_fps"] = None
    return made


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


def read_batch(clips: Sequence[Clip], pin: bool = False, each: Callable[..., Iterable[np.ndarray]] = map) -> Batch:
    """Read clips of one length and one size of frame, uint8, each frame straight to its place in the batch.

    Args:
        pin: read into memory that a CUDA card fetches from by itself.
        each: as `map`, such as that of a pool whose threads are to share the work.

    Raises:
        UserError: a frame is missing, broken or, where frames are taken whole, of another size.
    """
    shape = (len(clips), clips[0].length, *frame_size(clips[0].folder, clips[0].crop), 3)
    # numpy's memory comes in large pages where the system has them, torch's does not: half the time (measured)
    frames = torch.empty(shape, dtype=torch.uint8, pin_memory=True) if pin else torch.from_numpy(np.empty(shape, "u1"))
    pieces = [
        (replace(clip, start=clip.start + first, length=min(PIECE, clip.length - first)), out[first : first + PIECE])
        for clip, out in zip(clips, frames.numpy(), strict=True)
        for first in range(0, clip.length, PIECE)
    ]
    inside = np.concatenate(list(each(_read_clip, *zip(*pieces, strict=True))))
    return Batch(
        frames.permute(0, 1, 4, 2, 3),
        torch.from_numpy(inside).float().view(len(clips), -1),
        [clip.video for clip in clips],
        [clip.start for clip in clips],
        None if clips[0].targets is None else stack([clip.targets for clip in clips]),
    )


def frame_size(folder: Path, crop: int | None) -> tuple[int, int]:
    """Height and width of what is cut out of the frames of a folder."""
    if crop:
        return crop, crop
    first = folder / frame_name(0)
    size = jpeg_size(first) if first.is_file() else None
    return (size[1], size[0]) if size else read_frame(first).shape[:2]  # which says what is wrong with it


def _read_clip(clip: Clip, out: np.ndarray) -> np.ndarray:
    """Fill uint8 (T, H, W, 3); gives bool (T,), whether a frame lies inside the video."""
    numbers = np.arange(clip.start, clip.start + clip.length)
    inside = (numbers >= 0) & (numbers < clip.num_frames)
    out[~inside] = 0
    for t in np.flatnonzero(inside).tolist():
        frame = read_frame(f"{clip.folder}{os.sep}{frame_name(clip.start + t)}")  # a Path takes long
        height, width = frame.shape[:2]
        if clip.place is None:
            top, left = centre(height, width, clip.crop)
        else:
            top, left = round(clip.place[0] * (height - clip.crop)), round(clip.place[1] * (width - clip.crop))
        frame = crop_frame(frame, top, left, clip.crop)
        if frame.shape != out.shape[1:]:
            raise UserError(f"{clip.folder}: frame {frame_name(clip.start + t)} differs in size from those before it; "
                            "delete the folder and run prepare_data.py again")
        out[t] = frame
    return inside


class VideoClips:
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
        return Clip(folder, entry["num_frames"], number, start, self.clip_len, self.crop)


class VideoStretches:
    """Whole videos in stretches, one after the other, each frame once."""

    def __init__(self, frame_dir: Path, videos: list[dict], crop: int | None) -> None:
        self.frame_dir, self.videos, self.crop = frame_dir, videos, crop
        height, width = frame_size(frame_dir / videos[0]["video"], crop) if videos else (1, 1)
        length = max(1, STRETCH_PIXELS // (height * width))
        self.places = [
            (number, start, min(length, entry["num_frames"] - start))
            for number, entry in enumerate(videos)
            for start in range(0, entry["num_frames"], length)
        ]

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, index: int) -> Clip:
        number, start, length = self.places[index]
        entry = self.videos[number]
        return Clip(self.frame_dir / entry["video"], entry["num_frames"], number, start, length, self.crop)


class Loader:
    """Batches of clips, read ahead by threads while the network computes; can be gone through many times.

    Decoding lets go of Python's lock: threads read as fast as processes would, and need neither their start nor
    their memory, nor copying from one to the other.

    Args:
        clips: gives the Clip of each index; those of one batch have one length and one size.
        workers: threads, a batch each unless `ahead` is False; 0 reads a batch when it is asked for.
        order: the indices to go through; default all, one after the other.
        device: where the batches come to lie.
        ahead: False to read a batch when it is asked for, all threads together. A network on the same processor loses
            more by waiting for cores that read than is won (a tenth of the time, measured on two).
    """

    def __init__(
        self,
        clips: Sequence[Clip],
        batch_size: int,
        workers: int,
        device: torch.device,
        order: Sequence[int] | None = None,
        ahead: bool = True,
    ) -> None:
        self.clips, self.workers, self.device, self.ahead = clips, workers, device, ahead
        order = range(len(clips)) if order is None else order
        self.parts = [order[i : i + batch_size] for i in range(0, len(order), batch_size)]

    def __len__(self) -> int:
        return len(self.parts)

    def __iter__(self) -> Iterator[Batch]:
        if self.device.type == "cuda":
            yield from _sent_ahead(self._batches(), self.device)
        else:
            yield from (to_device(batch, self.device) for batch in self._batches())

    def _batches(self) -> Iterator[Batch]:
        if not self.workers:
            yield from map(self._read, self.parts)
            return
        pool = ThreadPoolExecutor(self.workers)
        if not self.ahead:
            with pool:
                yield from (self._read(part, pool.map) for part in self.parts)
            return
        ahead: deque[Future[Batch]] = deque()
        try:
            for part in self.parts:
                ahead.append(pool.submit(self._read, part))
                if len(ahead) > self.workers + 1:  # one more than are being read
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _read(self, part: Sequence[int], each: Callable[..., Iterable[np.ndarray]] = map) -> Batch:
        return read_batch([self.clips[index] for index in part], self.device.type == "cuda", each)


def _sent_ahead(batches: Iterator[Batch], card: torch.device) -> Iterator[Batch]:
    """Batches on a card: each is copied there, by a stream of its own, while the network works on the one before."""
    copying, sent = torch.cuda.Stream(card), deque()  # whose memory is let go of with what is taken out
    for batch in batches:
        with torch.cuda.stream(copying):
            sent.append((to_device(batch, card), copying.record_event()))
        if len(sent) > 1:
            yield _arrived(*sent.popleft(), torch.cuda.current_stream(card))
    if sent:
        yield _arrived(*sent.popleft(), torch.cuda.current_stream(card))


def _arrived(batch: Batch, copied: torch.cuda.Event, working: torch.cuda.Stream) -> Batch:
    """The batch, for what comes next in a stream: that waits for the copy, and the memory is free once it is done."""
    working.wait_event(copied)

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        tensor.record_stream(working)
        return tensor

    return each_tensor(keep, batch)


def load_stretches(frame_dir: Path, videos: list[dict], crop: int | None, workers: int, device: torch.device) -> Loader:
    """Whole videos in stretches, a batch each, read as suits the device of the network that takes them."""
    clips = VideoStretches(frame_dir, videos, crop)
    return Loader(clips, 1, workers, device, ahead=device.type != "cpu")


def stretches(frames: Iterable[tuple[int, np.ndarray]], crop: int | None) -> Iterator[tuple[int, torch.Tensor]]:
    """Gather frames, each cropped in its centre as extracted ones are for inference.

    Args:
        frames: number, and picture, RGB uint8 (H, W, 3), all of one size, one after the other.
        crop: side of the square; None for whole frames.

    Yields:
        The number of the first frame, and uint8 (T, 3, H, W), laid out channels-last, of at most STRETCH_PIXELS.
    """
    room, first, filled = None, 0, 0
    for number, picture in frames:
        cropped = crop_frame(picture, *centre(*picture.shape[:2], crop), crop)
        if room is None:
            height, width = cropped.shape[:2]
            room = np.empty((max(1, STRETCH_PIXELS // (height * width)), height, width, 3), np.uint8)
            first, filled = number, 0
        room[filled] = cropped
        filled += 1
        if filled == len(room):
            yield first, _channels_first(room)
            room = None
    if room is not None:
        yield first, _channels_first(room[:filled])


def _channels_first(pictures: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(pictures).permute(0, 3, 1, 2)


def crop_stretch(frames: torch.Tensor, crop: int | None) -> torch.Tensor:
    """Frames (T, 3, H, W) -> their centre, as `stretches` cuts it out."""
    height, width = frames.shape[-2:]
    if crop is None or (height, width) == (crop, crop):
        return frames
    top, left = centre(height, width, crop)
    inner = frames[..., max(top, 0) : top + crop, max(left, 0) : left + crop]
    y, x = max(-top, 0), max(-left, 0)
    return torch.nn.functional.pad(inner, (x, crop - x - inner.shape[-1], y, crop - y - inner.shape[-2]))
