"""Where a frame is worth a closer look: regions of AdaSpot (Xarles et al., "AdaSpot: Spend Resolution Where It Matters
for Precise Event Spotting", CVPR 2026), found in the feature maps of a low-resolution backbone, cut out of the frames
at high resolution."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

ENLARGED = 8  # times, what the maps are enlarged to before they are smoothed: a region is placed that much finer
SMOOTHED = (7, ENLARGED + 1, ENLARGED + 1)  # frames, rows, columns under the Gaussian, whose deviation is a quarter
SMOOTHINGS = 2  # passes of it
REACH = SMOOTHINGS * (SMOOTHED[0] // 2)  # frames to either side on which a region depends
SIZE_STEP = 28  # pixels from one size of a region to the next that is tried


def region_sizes(smallest: int, side: int) -> range:
    """The sides of the squares, in pixels of a frame with the given side, that are tried one after the other."""
    return range(smallest, side, SIZE_STEP)


def saliency(maps: Tensor) -> Tensor:
    """How much of what a backbone sees is where: the maps' mean over channels, from 0 to 1 in each frame, enlarged,
    smoothed in space and time, and made to add up to 1 in each frame.

    Args:
        maps: float (B, T, C, H, W), the last feature maps of T frames in a row.

    Returns:
        float32 (B, T, 8 H, 8 W).
    """
    mean = maps.float().mean(2)
    low, high = mean.amin((-2, -1), keepdim=True), mean.amax((-2, -1), keepdim=True)
    mean = (mean - low) / (high - low + 1e-5)
    x = mean.repeat_interleave(ENLARGED, -2).repeat_interleave(ENLARGED, -1)[:, None]  # (B, 1, T, 8 H, 8 W)
    for _ in range(SMOOTHINGS):
        for axis, width in enumerate(SMOOTHED, 2):
            x = _smooth(x, axis, width)
    x = x[:, 0]
    return x / (x.sum((-2, -1), keepdim=True) + 1e-5)


def _smooth(x: Tensor, axis: int, width: int) -> Tensor:
    """A Gaussian of `width` places along one axis of (B, 1, T, H, W), mirrored at the ends. Three of these, one for
    each axis, are the Gaussian in three dimensions."""
    places = torch.arange(width, device=x.device) - (width - 1) / 2
    kernel = torch.exp(-(places**2) / (2 * (width / 4) ** 2))
    kernel = (kernel / kernel.sum()).to(x.dtype)
    x = x.movedim(axis, -1)
    lines = x.reshape(-1, 1, x.shape[-1])
    reach = min(width // 2, lines.shape[-1] - 1)  # a clip of three frames has but two to be mirrored
    lines = F.pad(F.pad(lines, (reach, reach), mode="reflect"), [width // 2 - reach] * 2, mode="replicate")
    return F.conv1d(lines, kernel.view(1, 1, -1)).view(x.shape).movedim(-1, axis)


def find_regions(saliency: Tensor, smallest: int, side: tuple[int, int], threshold: float) -> tuple[Tensor, Tensor]:
    """The smallest square of each frame that holds more than `threshold` of its saliency, where it holds most.

    Args:
        saliency: float (B, T, H, W), adding up to 1 in each frame.
        smallest: side of the smallest square, in pixels of the frames that it will be cut from.
        side: height and width of those frames.
        threshold: share of the saliency, 0 to 1.

    Returns:
        centres (B, T, 2), y and x as shares of the frame, and sides int64 (B, T), in pixels.
    """
    rows, columns = saliency.shape[-2:]
    flat = saliency.flatten(0, 1)
    sizes = region_sizes(smallest, min(side)) or range(smallest, smallest + 1)
    # where nothing is found, or what is found is the very first place: the published model takes 0 for "not found"
    fallback = rows * columns // 2 // ENLARGED**2
    centre = torch.full((len(flat),), fallback, device=flat.device)
    chosen = torch.full((len(flat),), sizes[-1], device=flat.device)
    left = torch.arange(len(flat), device=flat.device)  # frames without a region so far
    for size in sizes:
        if not len(left):
            break
        window = [int(size / of * cells) | 1 for of, cells in zip(side, (rows, columns), strict=True)]  # odd
        mass, place = _window_sums(flat[left], window).flatten(1).max(1)
        enough = mass > threshold
        centre[left[enough]], chosen[left[enough]] = place[enough], size
        left = left[~enough]
    centre[centre == 0] = fallback
    centres = torch.stack((centre // columns / rows, centre % columns / columns), -1)
    return centres.unflatten(0, saliency.shape[:2]), chosen.unflatten(0, saliency.shape[:2])


def _window_sums(x: Tensor, window: list[int]) -> Tensor:
    """The sum of x (N, H, W) over a window of odd height and width about each place, with zeros past the borders."""
    for axis, width in zip((1, 2), window, strict=True):
        reach = width // 2
        sums = F.pad(x.double().movedim(axis, -1), (reach + 1, reach)).cumsum(-1)  # sums[i]: of what comes before
        x = (sums[..., width:] - sums[..., :-width]).movedim(-1, axis)
    return x


def cut_regions(frames: Tensor, centres: Tensor, sides: Tensor, size: tuple[int, int]) -> Tensor:
    """Cut each frame's square out, moved to lie within the frame, and bring it to one size.

    Args:
        frames: (B, T, C, H, W).
        centres, sides: as `find_regions` gives them.
        size: height and width of what comes out.

    Returns:
        (B, T, C, *size).
    """
    flat, half = frames.flatten(0, 1), sides.flatten()[:, None] // 2
    of = torch.tensor(frames.shape[-2:], device=frames.device)
    corners = (torch.minimum((centres.flatten(0, 1) * of).long().clamp(min=half), of - half - 1) - half).clamp(min=0)
    out = flat.new_empty(len(flat), *size, frames.shape[2]).movedim(-1, 1)
    places: dict[int, list[tuple[int, int, int]]] = {}  # by side: frame, top and left
    for number, (top, left, side) in enumerate(torch.cat((corners, 2 * half), 1).tolist()):
        places.setdefault(side, []).append((number, top, left))
    for side, of_side in places.items():  # slices: to index each pixel takes several times as long
        squares = torch.stack([flat[n, :, top : top + side, left : left + side] for n, top, left in of_side])
        if squares.shape[-2:] != tuple(size):
            squares = F.interpolate(squares, tuple(size), mode="bilinear", align_corners=False)
        out[[number for number, *_ in of_side]] = squares
    return out.unflatten(0, frames.shape[:2])


def halved(frames: Tensor) -> Tensor:
    """Frames float32 (N, C, H, W), H and W even and at least 4, at half the size: what `F.interpolate` with antialias
    makes of them, within rounding, in a third of its time on a processor. A pixel is made of four by four, the outer
    ones of three."""
    weights = torch.tensor([1.0, 3, 3, 1], device=frames.device) / 8
    kernel = torch.outer(weights, weights).expand(frames.shape[1], 1, -1, -1)
    small = F.conv2d(frames, kernel.contiguous(), stride=2, padding=1, groups=frames.shape[1])
    for end in (0, -1):
        small[..., end] *= 8 / 7
        small[..., end, :] *= 8 / 7
    return small
