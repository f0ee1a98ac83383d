"""Motion around the events of videos: the mean difference of successive frames, small and grey."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from checks.label_reading import LabelledVideo, Labels
from dataset.jpeg import whole_jpeg
from dataset.video_record import frame_name
from util.errors import UserError

STEPS_PER_SECOND = 25  # of what is compared, whatever the videos' rates
WINDOW = 66  # steps to either side of an event
EVENTS = 100  # of a video that are read at most, evenly over its time: about 13,000 frames
CLIP = 4.0  # deviations from a video's usual motion: a camera cut must not outweigh all the rest


@dataclass(frozen=True)
class EventMotion:
    """The motion around the events of a video, or of all short clips of one recording."""

    name: str
    where: str  # file and video, for a message
    step: float  # frames: 1/25 s, or one where the rate of a video is unknown
    labels: np.ndarray  # int (n,), classes from 0, in the order of time
    windows: np.ndarray  # float32 (n, 2 * WINDOW + 1), deviations from the usual; NaN where unknown


def read_event_motion(labels: Labels, classes: list[str], frame_dir: Path, workers: int) -> list[EventMotion]:
    """Read the frames around events, with a bar over all videos; those of which no two frames are there are left out.

    Args:
        workers: threads that read.
    """
    timed = all(video.fps for video in labels.videos)
    groups: dict[str, list[LabelledVideo]] = {}
    for video in labels.videos:
        if video.events and (frame_dir / video.name).is_dir():
            groups.setdefault(labels.recording_of[video.name], []).append(video)
    found = []
    with ThreadPoolExecutor(workers) as pool:
        for name, group in tqdm(groups.items(), unit="video", desc="motion", ascii=True, disable=None):
            every = -(-sum(len(video.events) for video in group) // EVENTS)
            steps = [video.fps / STEPS_PER_SECOND if timed else 1.0 for video in group]
            parts = [_around_events(frame_dir / video.name, video, every, step, pool)
                     for video, step in zip(group, steps, strict=True)]
            names = [classes.index(event["label"]) for events, _ in parts for event in events]
            where = group[0].where if len(group) == 1 else f"{labels.folder}: {len(group)} videos of {name!r}"
            windows = np.concatenate([part for _, part in parts])
            found.append(EventMotion(name, where, steps[0], np.array(names), windows))
    return [motion for motion in found if not np.isnan(motion.windows).all()]


def _around_events(
    folder: Path, video: LabelledVideo, every: int, step: float, pool: ThreadPoolExecutor
) -> tuple[list[dict], np.ndarray]:
    """One in `every` events of a video, in the order of time, and their windows, see EventMotion."""
    events = sorted(video.events, key=lambda event: event["frame"])[::every]
    offsets = np.rint(np.arange(-WINDOW, WINDOW + 1) * step).astype(int)
    places = np.array([event["frame"] for event in events])[:, None] + offsets
    inside = (places > 0) & (places < video.num_frames)
    numbers = np.unique(places[inside])
    pieces = np.array_split(numbers, max(1, len(numbers) // 200))
    levels = np.concatenate([*pool.map(lambda piece: np.fromiter(_changes(folder, piece), np.float32), pieces)])
    windows = np.full(places.shape, np.nan, np.float32)
    windows[inside] = deviations(levels)[np.searchsorted(numbers, places[inside])]
    return events, windows


def _changes(folder: Path, numbers: np.ndarray) -> Iterator[float]:
    """Mean difference of each of these frames from the one before it, in grey levels; NaN where either is missing."""
    pictures: dict[int, np.ndarray | None] = {}
    for number in numbers.tolist():
        pictures = {at: pictures[at] if at in pictures else _small_grey(folder / frame_name(at))
                    for at in (number - 1, number)}
        before, now = pictures.values()
        known = now is not None and before is not None and now.shape == before.shape
        yield float(cv2.absdiff(now, before).mean()) if known else np.nan


def _small_grey(path: Path) -> np.ndarray | None:
    """uint8 (H / 2, W / 2), which JPEG gives at half the cost; None where there is no whole picture."""
    try:
        data = np.frombuffer(whole_jpeg(path), np.uint8)
        return cv2.imdecode(data, cv2.IMREAD_REDUCED_GRAYSCALE_2 | cv2.IMREAD_IGNORE_ORIENTATION)
    except (UserError, cv2.error, MemoryError):
        return None


def deviations(levels: np.ndarray) -> np.ndarray:
    """(n,) motion in grey levels as deviations from the usual, in robust standard deviations of its logarithm."""
    levels = np.log(levels + 0.1)
    known = levels[~np.isnan(levels)]
    if not len(known):
        return levels
    middle = np.median(known)
    spread = 1.4826 * np.median(abs(known - middle))
    return np.clip((levels - middle) / max(spread, 1e-3), -CLIP, CLIP)
