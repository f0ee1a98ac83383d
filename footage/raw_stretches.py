"""A raw video as the stretches that a network scores one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import Tensor

from dataset.frames import STRETCH_PIXELS, centre, crop_frame


def stretches(frames: Iterable[tuple[int, np.ndarray]], crop: int | None) -> Iterator[tuple[int, Tensor]]:
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


def _channels_first(pictures: np.ndarray) -> Tensor:
    return torch.from_numpy(pictures).permute(0, 3, 1, 2)
