"""How much moves from one extracted frame to the next, read in parallel processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from dataset.video_record import frame_name
from util.errors import UserError

# What is told of each frame, in grey levels of change from the frame before: the mean of the picture as it is, its
# mean after the camera's own movement is taken out, and the mean of the hundredth of it that then changes most.
CHANNELS = ("all", "without camera", "local")
WIDTH = 128  # pixels at least of the pictures compared; JPEG gives a half, quarter or eighth at little cost
BORDER = 8  # pixels of a compared picture that the camera's movement may bring in
CHUNK = 400  # frames of one job
AROUND = 12  # frames to either side that a camera cut stands out from

Stretch = tuple[int, int]  # first frame, and the one past the last


def measure_motion(
    frame_dir: Path, stretches: dict[str, list[Stretch]], num_frames: dict[str, int], workers: int
) -> dict[str, np.ndarray]:
    """Read stretches of videos, with a bar over all of them.

    Args:
        stretches: those to be read of each video.
        workers: processes; 1 or less reads in this one.

    Returns:
        float32 (num_frames, 3) of each video, see CHANNELS; NaN for frames that were not read, are missing or broken,
        or have no frame before them.

    Raises:
        UserError: a process died.
    """
    jobs = [(frame_dir / video, video, *chunk) for video, spans in stretches.items() for chunk in _chunks(spans)]
    motion = {video: np.full((num_frames[video], len(CHANNELS)), np.nan, np.float32) for video in stretches}
    total = sum(stop - start for _, _, start, stop in jobs)
    with tqdm(total=total, unit="frame", desc="motion", ascii=True, disable=None) as bar:
        for (_, video, start, stop), levels in _each_done(jobs, min(workers, len(jobs))):
            motion[video][start:stop] = levels
            bar.update(stop - start)
    return motion


def camera_cuts(motion: np.ndarray) -> np.ndarray:
    """bool (num_frames,): the frames that a camera cut begins with, such as (num_frames, 3) of motion tells them.

    A cut changes the picture by 12 grey levels or more, and by five times what the frames around it do: a flash, which
    changes it twice in a row, is none.
    """
    change = motion[:, CHANNELS.index("all")].astype(float)
    around = np.lib.stride_tricks.sliding_window_view(np.pad(change, AROUND, constant_values=np.nan), 2 * AROUND + 1)
    beside = np.delete(around, AROUND, axis=1)
    known = (~np.isnan(beside)).sum(1) >= AROUND // 2
    usual = np.zeros(len(change))
    usual[known] = np.nanmedian(beside[known], axis=1)
    next_to_it = np.nan_to_num(beside[:, AROUND - 2 : AROUND + 2]).max(1)
    return known & (change >= 12) & (change >= 5 * usual) & (change >= 2 * next_to_it)


def _chunks(spans: Iterable[Stretch]) -> Iterator[Stretch]:
    for first, last in spans:
        for start in range(first, last, CHUNK):
            yield start, min(start + CHUNK, last)


def _each_done(jobs: list[tuple], workers: int) -> Iterator[tuple[tuple, np.ndarray]]:
    if workers <= 1:
        yield from ((job, _levels(*job)) for job in jobs)
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(workers, 61), context, _start_worker)  # Windows can wait for no more
    try:
        running = {pool.submit(_levels, *job): job for job in jobs}
        for done in as_completed(running):
            yield running.pop(done), done.result()
    except BrokenProcessPool as error:
        raise UserError("a process that read frames died; free memory, or try -j 1") from error
    finally:
        pool.shutdown(cancel_futures=True)


def _start_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the main process, which gives out no more
    cv2.setNumThreads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A worker whose main process was killed would wait for work for ever."""
    multiprocessing.parent_process().join()
    os._exit(1)


def _levels(folder: Path, _video: str, start: int, stop: int) -> np.ndarray:
    """float32 (stop - start, 3), see `measure_motion`."""
    levels = np.full((stop - start, len(CHANNELS)), np.nan, np.float32)
    before, scale, window = None, None, None
    for number in range(max(start - 1, 0), stop):
        path = folder / frame_name(number)
        scale = scale or _scale(path)
        picture = _small_grey(path, scale)
        if number >= start and picture is not None and before is not None and picture.shape == before.shape:
            if window is None or window.shape != picture.shape:
                window = cv2.createHanningWindow(tuple(max(side, 2) for side in picture.shape[::-1]), cv2.CV_32F)
            levels[number - start] = _change(before, picture, window)
        before = picture
    return levels


def _scale(path: Path) -> int | None:
    """How many times smaller frames like this one are compared; None where it cannot be read."""
    picture = _small_grey(path, 1)
    if picture is None:
        return None
    return max([scale for scale in _FLAGS if picture.shape[1] >= scale * WIDTH], default=1)


_FLAGS = {1: cv2.IMREAD_GRAYSCALE, 2: cv2.IMREAD_REDUCED_GRAYSCALE_2, 4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
          8: cv2.IMREAD_REDUCED_GRAYSCALE_8}


def _small_grey(path: Path, scale: int | None) -> np.ndarray | None:
    """float32 (H, W); None where there is no such picture."""
    try:
        data = np.fromfile(path, np.uint8)
    except OSError:
        return None
    picture = cv2.imdecode(data, _FLAGS[scale or 1] | cv2.IMREAD_IGNORE_ORIENTATION) if len(data) else None
    # the noise of compression, and the blur of a shift by part of a pixel, weigh less in a soft picture
    return None if picture is None else cv2.GaussianBlur(picture.astype(np.float32), (3, 3), 0)


def _change(before: np.ndarray, picture: np.ndarray, window: np.ndarray) -> tuple[float, float, float]:
    """The three levels of CHANNELS; the camera's movement is taken as a shift of the whole picture."""
    height, width = picture.shape
    dx = dy = 0.0
    if window.shape == picture.shape:
        # of copies: it multiplies pictures of some sizes by the window in place
        (dx, dy), _ = cv2.phaseCorrelate(before.copy(), picture.copy(), window)
    if abs(dx) > width / 4 or abs(dy) > height / 4:  # no shift of this picture, such as at a cut
        dx = dy = 0.0
    shift = np.float32([[1, 0, dx], [0, 1, dy]])
    followed = cv2.warpAffine(before, shift, (width, height), borderMode=cv2.BORDER_REPLICATE)
    inner = tuple(slice(min(BORDER, side // 4), side - min(BORDER, side // 4)) for side in picture.shape)
    rest = cv2.absdiff(picture, followed)[inner].ravel()
    most = max(1, len(rest) // 100)
    local = np.partition(rest, len(rest) - most)[-most:]
    return float(cv2.absdiff(picture, before).mean()), float(rest.mean()), float(local.mean())
