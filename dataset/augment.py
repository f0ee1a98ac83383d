"""Augmentation and mixup of whole batches, on the device that holds them."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601
CHANCE = 0.25  # that one kind of change befalls a clip
RANGE = (0.7, 1.2)  # of brightness, contrast and saturation
HUE = 0.2  # at most this part of a full turn, either way
BLUR_TAPS = 5
BLUR_SIGMA = (0.1, 2.0)  # pixels
MIXUP_ALPHA = 0.2


def augment(frames: Tensor, inside: Tensor, modality: str, rng: np.random.Generator) -> Tensor:
    """Flip, recolour and blur clips at random: each clip in its own way, all frames of a clip alike.

    Args:
        frames: uint8 (B, T, 3, H, W).
        inside: float (B, T); frames past a video's ends (0) stay black.
        modality: of "flow" the horizontal part, the blue plane, turns about when the clip is flipped; colours stay.

    Returns:
        float (B, T, 3, H, W) in 0..1.
    """
    frames = frames.float() / 255
    if modality != "flow":
        frames = _recolour(frames, rng)
        frames = _blur(frames, rng)
    flipped = _flags(len(frames), 0.5, rng)
    mirror = frames[flipped].flip(-1)
    if modality == "flow":
        mirror[:, :, 2] = 1 - mirror[:, :, 2]
    frames[flipped] = mirror
    return frames * inside[..., None, None, None]


def mixup(frames: Tensor, inside: Tensor, targets: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Lay each clip over the next one of the batch, with a weight from Beta(0.2, 0.2) (Zhang et al., "mixup",
    ICLR 2018); `inside` (B, T) and the targets (B, T, K + 1) likewise."""
    weight = torch.from_numpy(rng.beta(MIXUP_ALPHA, MIXUP_ALPHA, len(frames))).to(frames)

    def mix(x: Tensor) -> Tensor:
        w = weight.view(-1, *[1] * (x.dim() - 1))
        return torch.lerp(x.roll(1, 0), x, w)

    return mix(frames), mix(inside), mix(targets)


def _flags(clips: int, chance: float, rng: np.random.Generator) -> Tensor:
    return torch.from_numpy(rng.random(clips) < chance)


def _factors(clips: int, low: float, high: float, neutral: float, rng: np.random.Generator) -> np.ndarray:
    return np.where(rng.random(clips) < CHANCE, rng.uniform(low, high, clips), neutral)


def _recolour(frames: Tensor, rng: np.random.Generator) -> Tensor:
    """Brightness, contrast, saturation and hue: all are linear in the colours, so one 3x3 matrix and one offset a
    clip do them together."""
    clips = len(frames)
    brightness, contrast, saturation = (_factors(clips, *RANGE, 1, rng)[:, None, None] for _ in range(3))
    angle = 2 * math.pi * _factors(clips, -HUE, HUE, 0, rng)
    grey = np.broadcast_to(LUMA, (3, 3))
    matrix = saturation * _hue_rotations(angle) + (1 - saturation) * grey
    matrix = torch.from_numpy(brightness * matrix).to(frames)
    contrast = torch.from_numpy(contrast).to(frames).view(-1, 1, 1)

    colours = frames.movedim(2, -1)
    mean = colours.flatten(1, 3).mean(1) @ torch.from_numpy(LUMA).to(frames)  # neither saturation nor hue moves it
    mean = mean.view(-1, 1, 1) * torch.from_numpy(brightness).to(frames)
    flat = torch.baddbmm((1 - contrast) * mean, colours.flatten(1, 3), (contrast * matrix).transpose(1, 2))
    return flat.clamp_(0, 1).view(colours.shape).movedim(-1, 2)


def _hue_rotations(angles: np.ndarray) -> np.ndarray:
    """(B,) radians -> (B, 3, 3): turns of the colour plane of YIQ, which leave luma as it is."""
    to_yiq = np.array([LUMA, [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
    cos, sin = np.cos(angles), np.sin(angles)
    turn = np.zeros((len(angles), 3, 3))
    turn[:, 0, 0] = 1
    turn[:, 1, 1], turn[:, 1, 2], turn[:, 2, 1], turn[:, 2, 2] = cos, -sin, sin, cos
    return np.linalg.inv(to_yiq) @ turn @ to_yiq


def _blur(frames: Tensor, rng: np.random.Generator) -> Tensor:
    """Gaussian blur of some clips, each by its own width."""
    sigma = rng.uniform(*BLUR_SIGMA, len(frames))
    chosen = _flags(len(frames), CHANCE, rng)
    if not chosen.any():
        return frames
    taps = np.arange(BLUR_TAPS) - BLUR_TAPS // 2
    weights = np.exp(-0.5 * (taps / sigma[chosen.numpy()][:, None]) ** 2)
    weights = torch.from_numpy(weights / weights.sum(1, keepdims=True)).to(frames)
    blurred = frames[chosen]
    for axis in (-1, -2):
        blurred = _blur_along(blurred, weights, axis)
    frames[chosen] = blurred
    return frames


def _blur_along(clips: Tensor, weights: Tensor, axis: int) -> Tensor:
    """clips (B, T, 3, H, W), weights (B, taps); the edge pixels go on past the edges."""
    reach = weights.shape[1] // 2
    size = clips.shape[axis]
    at = torch.arange(size, device=clips.device)
    out = torch.zeros_like(clips)
    for tap in range(-reach, reach + 1):
        moved = clips.index_select(axis, (at + tap).clamp(0, size - 1))
        out.addcmul_(moved, weights[:, tap + reach].view(-1, 1, 1, 1, 1))
    return out
