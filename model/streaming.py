"""A video that comes in stretches: what its shift modules carry over from one stretch to the next."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import torch
from torch import Tensor


class Carry:
    """What one shift module keeps of one video.

    A frame's shifted channels depend on frames up to `reach` away. So the last `reach` frames of a stretch wait for
    those after them, and a residual block works `reach` frames behind the one before it; and the `reach` frames before
    them are kept beside them. Past either end of the video there are no frames, as past a clip's.
    """

    def __init__(self, reach: int) -> None:
        self.reach = reach
        self.ended = False  # set when no more frames will come
        self.kept: Tensor | None = None  # frames (n, C, H, W) that are done, `done` of them, and then those that wait
        self.done = 0
        self.window: tuple[Tensor, slice] | None = None

    def take_in(self, frames: Tensor) -> Tensor:
        """A residual block's next input frames (T, C, H, W) -> those that it can work on now."""
        if self.kept is not None and len(self.kept):  # an empty tensor's layout in memory would prevail
            frames = torch.cat((self.kept, frames)) if len(frames) else self.kept
        end = len(frames) if self.ended else max(self.done, len(frames) - self.reach)
        ready = slice(self.done, end)
        self.done = min(self.reach, end)
        self.kept = frames[end - self.done :].clone()  # and not a view, which would keep the whole stretch in memory
        self.window = frames, ready
        return frames[ready]

    def shift(self, channels: int, shift: Callable[[Tensor, int], Tensor]) -> Tensor:
        """Shift the first channels of the frames that `take_in` gave, among their neighbours.

        Args:
            shift: does so with (n, channels, H, W), the length n of a clip beside it.
        """
        (frames, ready), self.window = self.window, None
        first = frames[:, :channels]
        return shift(first, len(first))[ready] if len(first[ready]) else first[ready]

    def copy(self) -> Carry:
        """One that goes on by itself; networks that only give scores write into what is kept."""
        other = copy.copy(self)
        other.kept = None if self.kept is None else self.kept.clone()
        return other


class Stream(Protocol):
    """What a backbone computes of one video that comes in stretches. Others may go through the backbone in between."""

    def push(self, frames: Tensor) -> Tensor:
        """The next frames (T, C, H, W), normalised -> features (T', D) of the next T' frames that need no others."""

    def end(self) -> Tensor:
        """Features of the frames that wait, as no others will come; nothing can be pushed after it."""

    def copy(self) -> Stream:
        """One that goes on by itself: its end is what the features would be if the video ended here."""


def run_through(stream: Stream, stretches: Iterable[Tensor]) -> Iterator[Tensor]:
    """The features of a whole video, as they come."""
    empty = True
    for frames in stretches:
        empty = False
        yield stream.push(frames)
    if not empty:
        yield stream.end()
