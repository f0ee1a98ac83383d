"""The largest batch of training clips on a card of 8 GB: tried on a card, elsewhere counted."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

from bench.rows import Row, Settings
from bench.systems import NETWORKS, called, frame_side, network
from model.cost import largest, largest_tried
from model.device import pick_device, pick_precision
from model.memory import GIB, counted_step

ROOM = 7.5  # GiB of the card, beside its screen
MOST = 64  # clips
UNCOUNTED = 1.0  # GiB of these that are left for what cannot be counted: head, workspaces, what the allocator wastes


def measure(_folder: Path, settings: Settings) -> Iterator[Row]:
    """Clips, by network, with all kept and with --grad_checkpoint."""
    for name, sparing in itertools.product(NETWORKS, (False, True)):
        yield clips_that_fit(name, sparing, settings)


def clips_that_fit(name: str, sparing: bool, settings: Settings) -> Row:
    device = pick_device(settings.device)
    architecture, precision = network(name, settings.clip_len), pick_precision(settings.precision, device)
    frame = (frame_side(name, settings.crop),) * 2
    if device.type == "cuda":
        clips, note = largest_tried(architecture, frame, device, precision, sparing, ROOM * GIB, MOST), "tried"
    else:
        one, two = (counted_step(architecture, size, frame, precision, sparing) for size in (1, 2))
        clips = largest(lambda size: one + (size - 1) * (two - one), (ROOM - UNCOUNTED) * GIB, MOST)
        note = f"counted: {(two - one) / GIB:.2f} GiB each"
    option = ", --grad_checkpoint" if sparing else ""
    return Row(f"training {called(name)}{option}, largest batch in {ROOM} GiB", clips, None, "clips", note)
