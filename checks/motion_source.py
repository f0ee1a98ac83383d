"""What motion is judged by: long videos each for itself, short ones in groups, read whole or in stretches."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

import numpy as np

from checks.label_reading import LabelledVideo
from checks.motion import Stretch

ENOUGH = 12  # events that a video is judged by at least; videos with fewer are judged in groups
FRAMES_OF_ALL = 600_000  # that are read at most or so, and of each source at least and at most:
FRAMES_OF_SOURCE = (4_000, 12_000)
STRETCH = 400  # frames that are read in a row
GAP = 80  # steps, unknown, between two videos of a source: further than labels are moved there
STEP_FPS = 25.0  # steps a second, so that videos of several rates are compared; for an unknown rate a step is a frame
CLIP = 4.0  # deviations from a video's usual motion: a camera cut must not outweigh all the rest


@dataclass(frozen=True)
class Source:
    """Motion that is judged as one: a video, or several short ones with gaps between them."""

    name: str
    videos: tuple[str, ...]
    levels: np.ndarray  # float32 (N, C), deviations from the usual; NaN where not known, and in gaps
    frames: np.ndarray  # int (n,), the labelled places in it
    labels: np.ndarray  # int (n,), classes from 0
    fps: float | None  # frames per second; None where unknown

    @property
    def step(self) -> float:
        """Frames of a step."""
        return frames_of_step(self.fps)


def frames_of_step(fps: float | None) -> float:
    return fps / STEP_FPS if fps else 1.0


def grouped(videos: list[LabelledVideo]) -> dict[str, list[LabelledVideo]]:
    """Videos to be judged as one, by a name: the video's, or what the names of several short ones begin with.

    Videos with fewer than ENOUGH events are put together with those of the same rate whose names differ in the last
    number only, then in the last two, until there are enough, or no number is left.
    """
    groups: dict[tuple[str, int], list[LabelledVideo]] = {}
    for video in videos:
        groups.setdefault((video.name, round(video.fps or -1)), []).append(video)
    while True:
        merged: dict[tuple[str, int], list[LabelledVideo]] = {}
        for (name, fps), group in groups.items():
            shorter = re.sub(r"[\W_]*\d+$", "", name)
            few = sum(len(video.events) for video in group) < ENOUGH
            merged.setdefault((shorter if few and shorter else name, fps), []).extend(group)
        if merged.keys() == groups.keys():
            break
        groups = merged
    rates = Counter(name for name, _ in groups)
    named = {}
    for (name, fps), group in groups.items():
        start = f"{name}..." if len(group) > 1 else name
        named[f"{start} at {fps} fps" if rates[name] > 1 else start] = group
    return named


def stretches_to_read(
    groups: dict[str, list[LabelledVideo]], rng: np.random.Generator
) -> dict[str, list[Stretch]]:
    """What is read of each video: all of it, or stretches around some events and as many at even distances.

    Of a group as many videos are read, in random order, as there is room for.
    """
    room = int(np.clip(FRAMES_OF_ALL // max(len(groups), 1), *FRAMES_OF_SOURCE))
    stretches = {}
    for group in groups.values():
        left = room
        for index in rng.permutation(len(group)):
            video = group[index]
            if left > 0:
                stretches[video.name] = _stretches(video, left, rng)
                left -= sum(stop - start for start, stop in stretches[video.name])
    return stretches


def _stretches(video: LabelledVideo, room: int, rng: np.random.Generator) -> list[Stretch]:
    if video.num_frames <= room:
        return [(0, video.num_frames)]
    count = max(room // STRETCH, 1)
    at_events = count // 2 if video.events else 0
    anywhere = (np.arange(count - at_events) + rng.random()) * video.num_frames / (count - at_events)
    chosen = (np.arange(at_events) + rng.random()) * len(video.events) / max(at_events, 1)
    middles = np.concatenate([anywhere, np.sort(video.frames)[chosen.astype(int)]])
    merged: list[Stretch] = []
    for middle in np.sort(middles).astype(int):
        start = min(max(int(middle) - STRETCH // 2, 0), video.num_frames - STRETCH)
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], start + STRETCH)
        else:
            merged.append((start, start + STRETCH))
    return merged


def make_source(
    name: str, group: list[LabelledVideo], motion: dict[str, np.ndarray], classes: list[str]
) -> Source:
    """Lay those videos of a group that were read one after the other.

    Args:
        motion: (num_frames, C) of each video that was read, see `checks.motion`.
    """
    levels, frames, labels, start = [], [], [], 0
    group = [video for video in group if video.name in motion]
    step = frames_of_step(group[0].fps)
    gap = round(GAP * step)
    for video in group:
        motion_of = deviations(motion[video.name], step)
        levels += [motion_of, np.full((gap, motion_of.shape[1]), np.nan, np.float32)]
        frames += [start + event["frame"] for event in video.events]
        labels += [classes.index(event["label"]) for event in video.events]
        start += len(motion_of) + gap
    names = tuple(video.name for video in group)
    return Source(name, names, np.concatenate(levels), np.array(frames, int), np.array(labels, int), group[0].fps)


def deviations(motion: np.ndarray, step: float) -> np.ndarray:
    """Motion of a video as deviations from its usual, in robust standard deviations of its logarithm.

    Args:
        motion: (num_frames, C) in grey levels, NaN where not known.
        step: frames over which it is averaged, if more than one.
    """
    levels = np.log(motion + 0.1)
    width = round(step)
    if width > 1:
        padded = np.pad(levels, ((width // 2, width - 1 - width // 2), (0, 0)), constant_values=np.nan)
        levels = np.lib.stride_tricks.sliding_window_view(padded, width, axis=0).mean(-1)
    known = levels[~np.isnan(levels).any(1)]
    if not len(known):
        return np.full_like(motion, np.nan)
    middle = np.median(known, axis=0)
    spread = 1.4826 * np.median(abs(known - middle), axis=0)
    return np.clip((levels - middle) / np.maximum(spread, 1e-3), -CLIP, CLIP).astype(np.float32)
