"""Augmentation and mixup of whole batches, on the device that holds them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from util.batch import Batch, each_tensor

LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601
CHANCE = 0.25  # that a clip is changed in one way
RANGE = (0.7, 1.2)  # of brightness, contrast and saturation
HUE = 0.2  # at most this part of a full turn, either way
BLUR_TAPS = 5
BLUR_SIGMA = (0.1, 2.0)  # pixels
NOISE_SIGMA = (0.0, 0.04)  # of white, 1
MIXUP_ALPHA = 0.2


def augment(batch: Batch, modality: str, rngs: Sequence[np.random.Generator]) -> Batch:
    """Flip, recolour and blur clips at random and lay noise over them: each clip in its own way, all its frames alike.

    Args:
        batch: with frames uint8 (B, T, 3, H, W), fastest channels-last; those past a video's ends stay black.
        rngs: B of them, one for each clip, so that what becomes of it does not depend on its batch.
        modality: of "flow" the horizontal part, the blue plane, turns about when the clip is flipped; colours stay.

    Returns:
        The batch with frames float (B, T, 3, H, W) in 0..1, laid out as before; sides change with the picture's.
    """
    out = torch.empty_like(batch.frames, dtype=torch.float32)
    team = batch.targets.team.clone() if batch.targets and batch.targets.team is not None else None
    # clip by clip: most changes come to few of them, and what lies in between is an eighth as large; on a card an
    # operation on one of 100 frames moves 60 MB, which takes longer than its launch
    for number, (clip, inside, target, rng) in enumerate(zip(batch.frames, batch.inside, out, rngs, strict=True)):
        flipped = rng.random() < 0.5
        clip = (clip.flip(-1) if flipped else clip).float().div_(255)
        if flipped and team is not None:
            team[number] = team[number].flip(-1)
        if modality != "flow":
            clip = _add_noise(_blur(_recolour(clip, rng), rng), rng)
        elif flipped:
            clip[:, 2] = 1 - clip[:, 2]
        torch.mul(clip, inside[:, None, None, None], out=target)
    targets = batch.targets if team is None else replace(batch.targets, team=team)
    return replace(batch, frames=out, targets=targets)


def mixup(batch: Batch, rngs: Sequence[np.random.Generator]) -> Batch:
    """Lay every second clip over the one before it, with a weight from Beta(0.2, 0.2) (Zhang et al., "mixup", ICLR
    2018): frames (float), what is inside, and all targets.

    Args:
        batch: of 2 * B clips.
        rngs: one for each of these; of a pair the first one's draws the weight.

    Returns:
        B clips, with the places of the first of each pair.
    """
    weight = _to(batch.frames, np.array([rng.beta(MIXUP_ALPHA, MIXUP_ALPHA) for rng in rngs[::2]]))

    def mix(x: Tensor) -> Tensor:
        return torch.lerp(x[::2], x[1::2], weight.view(-1, *[1] * (x.dim() - 1)))

    return replace(each_tensor(mix, batch), videos=batch.videos[::2], starts=batch.starts[::2])


def _factor(low: float, high: float, neutral: float, rng: np.random.Generator) -> float:
    return rng.uniform(low, high) if rng.random() < CHANCE else neutral


def _recolour(clip: Tensor, rng: np.random.Generator) -> Tensor:
    """Brightness, contrast, saturation and hue of a clip (T, 3, H, W): all are linear in the colours, so one 1x1
    convolution does them together."""
    brightness, contrast, saturation = (_factor(*RANGE, 1, rng) for _ in range(3))
    turn = _factor(-HUE, HUE, 0, rng)
    if (brightness, contrast, saturation, turn) == (1, 1, 1, 0):
        return clip
    matrix = contrast * brightness * (saturation * _hue_rotation(2 * math.pi * turn) + (1 - saturation) * LUMA)
    mean = clip.mean((0, 2, 3)) @ _to(clip, LUMA)  # neither saturation nor hue moves it
    offset = ((1 - contrast) * brightness * mean).expand(3)
    return F.conv2d(clip, _to(clip, matrix)[:, :, None, None], offset).clamp_(0, 1)


def _to(clip: Tensor, values: np.ndarray) -> Tensor:
    """The values as a clip's; on a card without waiting until it has done what it has to do."""
    return torch.from_numpy(values).to(clip.dtype).to(clip.device, non_blocking=clip.is_cuda)


def _hue_rotation(angle: float) -> np.ndarray:
    """(3, 3): a turn, in radians, of the colour plane of YIQ, which leaves luma as it is."""
    to_yiq = np.array([LUMA, [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
    cos, sin = math.cos(angle), math.sin(angle)
    return np.linalg.inv(to_yiq) @ [[1, 0, 0], [0, cos, -sin], [0, sin, cos]] @ to_yiq


def _blur(clip: Tensor, rng: np.random.Generator) -> Tensor:
    """Gaussian blur of a clip (T, 3, H, W), now and then; the edge pixels go on past the edges."""
    if rng.random() >= CHANCE:
        return clip
    reach = BLUR_TAPS // 2
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / rng.uniform(*BLUR_SIGMA)) ** 2)
    kernel = np.outer(weights, weights) / weights.sum() ** 2
    return F.conv2d(F.pad(clip, [reach] * 4, "replicate"), _to(clip, kernel).expand(3, 1, -1, -1), groups=3)


def _add_noise(clip: Tensor, rng: np.random.Generator) -> Tensor:
    """Gaussian noise of one strength over a clip, now and then: another in each pixel of each frame."""
    if rng.random() >= CHANCE:
        return clip
    sigma, seed = rng.uniform(*NOISE_SIGMA), int(rng.integers(2**63))
    noise = torch.empty_like(clip.movedim(1, -1), memory_format=torch.contiguous_format)  # in a row: twice as fast
    noise.normal_(0, sigma, generator=torch.Generator(clip.device).manual_seed(seed))
    return noise.movedim(-1, 1).add_(clip).clamp_(0, 1)
