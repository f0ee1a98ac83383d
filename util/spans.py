"""How far from an event: frames, or seconds, which are other numbers of frames in videos of other rates."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence

import numpy as np

from util.errors import UserError, number_of
from util.events import Video

MOST_FRAMES = 1000  # pictures and the page show each of them
MOST_SECONDS = 10
METAVAR = "FRAMES_or_SECONDS"
_ROUNDING = 1e-6  # frames, of seconds times a rate


class Seconds(float):
    """A span in seconds, at the rate of each video."""


Span = int | Seconds  # frames or seconds


def parse_span(text: str) -> Span:
    """The type of options: "2", frames, or "0.08s", seconds."""
    found = re.fullmatch(r"(\d{1,12})|(\d{1,12}\.?\d{0,12}|\.\d{1,12})s", text, re.ASCII)
    span = None if found is None else int(text) if found[1] else Seconds(found[2])
    if span is None or span > (MOST_SECONDS if isinstance(span, Seconds) else MOST_FRAMES):
        raise argparse.ArgumentTypeError(f"must be a whole number of frames from 0 to {MOST_FRAMES}, or seconds up to "
                                         f"{MOST_SECONDS} such as 0.08s, and not {text!r}")
    return span


def plain_span(span: Span) -> int | str:
    """As JSON can have it: 2, or "0.08s"; `parse_span` reads both."""
    return f"{span:g}s" if isinstance(span, Seconds) else span


def frames_of(span: Span, fps: np.ndarray | None, num_videos: int) -> np.ndarray:
    """int64 (V,): how many frames a span reaches in each video.

    Args:
        fps: float (V,), of the videos; None will do for a span in frames.
    """
    if isinstance(span, Seconds):
        return (fps * span + _ROUNDING).astype(np.int64)
    return np.full(num_videos, span, np.int64)


def rates_of(videos: Sequence[Video], spans: Sequence[Span] = (Seconds(),)) -> np.ndarray | None:
    """float64 (V,): the frames per second of videos, as `frames_of` takes them; None where no span needs them.

    Raises:
        UserError: one is needed and not known.
    """
    if not any(isinstance(span, Seconds) for span in spans):
        return None
    for video in videos:
        if not have_rates([video]):
            raise UserError(f"video {video['video']}: its fps is not known, so that nothing can be measured in "
                            "seconds; write it into the split, or give windows and tolerances in frames")
    return np.array([video["fps"] for video in videos], np.float64)


def have_rates(videos: Sequence[Video]) -> bool:
    """Whether the frames per second of all videos are known."""
    return all(video.get("fps", -1) > 0 for video in videos)


def both_ways(span: Span, videos: Sequence[Video]) -> str:
    """A span in words, in frames and in seconds: "2 frames (0.08 s)"; of videos of several rates "(0.04 to 0.08 s)"."""
    rates = np.unique([video["fps"] for video in videos if video.get("fps", -1) > 0])
    if isinstance(span, Seconds):
        reached = frames_of(span, rates[[0, -1]], 2).tolist() if len(rates) else []
        least = f"{reached[0]} to " if len(set(reached)) > 1 else ""
        return f"{span:g} s" + (f" ({least}{number_of(reached[-1], 'frame')})" if reached else "")
    said = [f"{span / rate:.2g}" for rate in rates[[-1, 0]]] if len(rates) else []
    return number_of(span, "frame") + (f" ({' to '.join(dict.fromkeys(said))} s)" if said else "")
