"""What a training costs: the batch that a device's memory holds, and the time, estimated from the first steps."""

from __future__ import annotations

import contextlib
import gc
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cache

import torch
from tqdm import tqdm

from model.architecture import Architecture
from model.device import move
from model.memory import GIB, blank_step, counted_step, machine_memory, peak_memory
from model.spotter import EventSpotter
from util.clock import about
from util.errors import UserError
from util.processes import local_number

MARGIN = 0.5 * GIB  # of a card's free memory: augmentation's, a running mean of the weights, what others take later
FEW = 4  # clips: batch norm's statistics of fewer are poor
SHARE = 0.5  # of a machine's memory that a training on its processor may take
FORWARD = 1 / 3  # of a training step's time: what scoring as many frames takes
REST = 10  # seconds of steps from which the time is estimated, without the first, which chooses algorithms
SHORT = 60  # seconds; of a training that takes less nothing is said
LONG = 86_400  # seconds; where one takes more, what makes it shorter


def batch_that_fits(
    architecture: Architecture,
    frame: tuple[int, int],
    device: torch.device,
    precision: torch.dtype,
    grad_checkpoint: bool,
    most: int,
) -> tuple[int, bool]:
    """The largest batch with which a training step fits a device, and whether with --grad_checkpoint: where else batch
    norm would see but a few clips. Tried on a card, elsewhere counted to take half of the machine's memory at most.

    Args:
        frame: height and width.
        most: clips; more are not tried.

    Raises:
        UserError: not even one clip fits.
    """
    most, on_card = max(1, most), device.type == "cuda"
    room = torch.cuda.mem_get_info(device)[0] - MARGIN if on_card else SHARE * machine_memory() / local_number()

    def largest_with(sparing: bool) -> int:
        if on_card:
            return largest_tried(architecture, frame, device, precision, sparing, room, most)
        return largest(lambda size: counted_step(architecture, size, frame, precision, sparing), room, most)

    batch = largest_with(grad_checkpoint)
    if batch < min(most, FEW) and not grad_checkpoint:
        batch, grad_checkpoint = largest_with(True), True
    if not batch:
        raise UserError(f"--batch_size auto: not one clip of {architecture.clip_len} frames of {frame[1]}x{frame[0]} "
                        f"fits the {room / GIB:.1f} GiB there are; use a smaller -m, --clip_len or --crop_dim")
    why = f"in {room / GIB:.1f} GiB" if batch < most else "as many as should make an update of the weights"
    print(f"--batch_size auto: {batch} clips{' with --grad_checkpoint' * grad_checkpoint}, {why}")
    return batch, grad_checkpoint


def largest_tried(
    architecture: Architecture,
    frame: tuple[int, int],
    device: torch.device,
    precision: torch.dtype,
    grad_checkpoint: bool,
    room: float,
    most: int,
) -> int:
    """`largest` by steps on a card, whose memory is held to `room` bytes."""
    def peak(batch_size: int) -> float:
        _empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
        try:
            spotter = move(EventSpotter(architecture), device, precision)
            if grad_checkpoint:
                spotter.backbone.recompute_blocks()
            optimizer = torch.optim.AdamW(spotter.parameters(), fused=True)
            for _ in range(2):  # the optimiser's state is there from the second on
                blank_step(spotter, batch_size, frame)
                optimizer.step()
                optimizer.zero_grad()
        except torch.OutOfMemoryError:
            return float("inf")
        return torch.cuda.max_memory_allocated(device)

    with _held_to(room, device):
        return largest(peak, room, most)


@contextlib.contextmanager
def _held_to(room: float, device: torch.device) -> Iterator[None]:
    """As a card with so many bytes; Windows would lend the host's memory to a larger batch, and crawl."""
    total = torch.cuda.get_device_properties(device).total_memory
    torch.cuda.set_per_process_memory_fraction(min(1.0, max(0.0, room) / total), device)
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, device)
        _empty_cache()


def _empty_cache() -> None:
    gc.collect()
    torch.cuda.empty_cache()


def largest(peak: Callable[[int], float], room: float, most: int) -> int:
    """The largest batch, up to `most`, whose peak fits `room`; 0 where none does.

    What a clip takes is nearly the same for each: from two peaks the answer is near, and is sought from there.
    """
    peak = cache(peak)

    def fits(batch: int) -> bool:
        return batch <= most and peak(batch) <= room

    if not fits(1) or not fits(2):
        return int(fits(1))
    one, two = peak(1), peak(2)
    batch = max(2, min(most, 2 + int((room - two) / max(1, two - one))))
    while not fits(batch):
        batch -= 1
    while fits(batch + 1):
        batch += 1
    return batch


class Forecast:
    """Says what a training will take: once some seconds of steps are done, after the first epoch, and after the first
    that has val scored.

    Args:
        epochs: that are to come.
        updates: of the weights in an epoch.
        loss: frames that the val loss is of, over those of an epoch.
        maps: epochs, the last ones, after which val is scored.
        lengths: frames of the splits that are scored at the end, val first, over those of an epoch.
    """

    def __init__(
        self, device: torch.device, epochs: int, updates: int, loss: float, maps: int, lengths: Sequence[float]
    ) -> None:
        self.device, self.epochs, self.updates, self.loss = device, epochs, updates, loss
        self.maps, self.lengths = max(0, maps), lengths
        self.scoring: float | None = None  # of as many frames as an epoch has: measured, in epochs
        self.began: float | None = None  # when the first update was done
        self.done, self.said, self.first = 0, False, True

    def update(self) -> None:
        """To be called after each update of the weights."""
        now = time.monotonic()
        if self.said or self.began is None:
            self.began = self.began or now
            return
        self.done += 1
        if now - self.began >= REST:
            each = (now - self.began) / self.done
            self._say(f"from {self.done} steps", self.updates * each * (1 + FORWARD * self.loss))

    def epoch(self, trained: float, scored: float) -> None:
        """To be called after each epoch with the seconds that it took, and those that scoring val took then."""
        with_map = self.epochs <= self.maps and self.scoring is None
        if with_map:
            self.scoring = scored / trained / self.lengths[0]
        self.epochs -= 1
        if self.first or with_map:
            self._say("from an epoch", trained)
        self.said, self.first = True, False

    def _say(self, of: str, epoch: float) -> None:
        self.said = True
        frames = min(self.maps, self.epochs) * self.lengths[0] + sum(self.lengths)
        whole = (self.epochs + frames * (FORWARD if self.scoring is None else self.scoring)) * epoch
        if whole >= SHORT:
            held = f"; {memory}" if (memory := _held(self.device)) else ""
            shorter = "; docs/first_training.md says what makes it shorter" if whole > LONG else ""
            tqdm.write(f"estimated {of}: an epoch takes {about(epoch)}, all that is to come, with scoring, "
                       f"{about(whole)}{held}{shorter}")


def _held(device: torch.device) -> str:
    if device.type == "cuda":
        total = torch.cuda.get_device_properties(device).total_memory
        return f"{torch.cuda.max_memory_reserved(device) / GIB:.1f} of the card's {total / GIB:.1f} GiB taken"
    return f"{held:.1f} of {machine_memory() / GIB:.1f} GiB taken" if (held := peak_memory()) else ""
