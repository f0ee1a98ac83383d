"""Make the frames of many videos: what is done, what space the rest takes, and all cores at work on it."""

from __future__ import annotations

from util.script import start_worker, worker_processes

import math
import multiprocessing
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import av
import cv2
import numpy as np
from tqdm import tqdm

from dataset.video_record import frame_stamps
from footage.decoding import Faults, count_packets
from footage.frame_folders import encode_jpeg, existing_frames, extract_frames
from footage.frame_index import spread_frames
from footage.pictures import Fitter
from footage.raw_videos import FrameOptions, VideoInfo, probe
from util.cluster import Cluster
from util.errors import UserError
from util.io import sweep, sweep_lost
from util.stamps import SLACK
from util.time_limit import NO_LIMIT, TimeLimit

MOST_PROCESSES = 61  # Windows can wait for no more
SAMPLED_VIDEOS, SAMPLED_FRAMES = 20, 3  # by which the size of JPEG files is estimated
DISK_BLOCK = 4096  # bytes: most file systems give out no less
SPARE = 1.1  # an estimate may be short by as much


@dataclass(frozen=True)
class FramesJob:
    """One video file to be made into a frame folder."""

    video: str
    path: Path
    folder: Path
    source_frames: int  # to be expected
    num_frames: int  # to be made of them


def probe_all(videos: dict[str, Path]) -> tuple[dict[str, VideoInfo], dict[str, str]]:
    """What the videos say of themselves, and what is wrong with those that are none."""
    def probed(path: Path) -> VideoInfo | str:
        try:
            return probe(path)
        except (UserError, OSError) as error:
            return str(error) if isinstance(error, UserError) else f"{path}: {error.strerror}"

    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        found = dict(zip(videos, pool.map(probed, videos.values()), strict=True))
    return ({video: info for video, info in found.items() if isinstance(info, VideoInfo)},
            {video: wrong for video, wrong in found.items() if isinstance(wrong, str)})


def plan_frames(
    videos: dict[str, Path], infos: dict[str, VideoInfo], output: Path, options: FrameOptions, allow_short: bool,
    look: Callable[[Callable[..., dict | None], list[Path], list[Path]], Iterable[dict | None]] = map,
) -> tuple[dict[str, dict], list[FramesJob]]:
    """The records of the frames that are there already, and what is to be made.

    Args:
        look: does what `map` does: for each folder every one of its files is looked at.

    Raises:
        UserError: a folder below `output` holds something else.
    """
    output.mkdir(parents=True, exist_ok=True)
    sweep(*{(output / video).parent for video in infos})
    there = [video for video in infos if (output / video).exists()]
    found = look(partial(existing_frames, options=options, allow_short=allow_short),
                 [videos[video] for video in there], [output / video for video in there])
    records = {video: record for video, record in zip(there, found, strict=True) if record}
    jobs = []
    for video in [video for video in infos if video not in records]:
        source_frames = infos[video].announced_frames or count_packets(videos[video])
        num_frames = math.ceil(source_frames * (options.fps or infos[video].fps) / infos[video].fps)
        jobs.append(FramesJob(video, videos[video], output / video, source_frames, num_frames))
    return records, jobs


def check_space(jobs: list[FramesJob], output: Path, options: FrameOptions) -> str:
    """What the frames will take on the disk, estimated from a few of them, and what is free there.

    Raises:
        UserError: there is not enough.
    """
    num_frames = sum(job.num_frames for job in jobs)
    needed, free = num_frames * _bytes_a_frame(jobs, options), shutil.disk_usage(output).free
    if needed * SPARE > free:
        raise UserError(f"{output}: {num_frames:,} frames take about {_size(needed)}, and a tenth to spare, but "
                        f"{_size(free)} are free; make room, choose another --output, or a lower --height or --fps")
    return f"{num_frames:,} frames, about {_size(needed)}; {_size(free)} are free"


def _bytes_a_frame(jobs: list[FramesJob], options: FrameOptions) -> float:
    """On the disk, on average; of more videos than a few, some stand for all."""
    taken = frames = 0
    for job in jobs[:: max(1, math.ceil(len(jobs) / SAMPLED_VIDEOS))]:
        files = [len(encode_jpeg(Fitter(options.height, aspect, "bgr")(frame)))
                 for frame, aspect in spread_frames(job.path, SAMPLED_FRAMES)]
        if files:
            taken += job.num_frames * DISK_BLOCK * float(np.ceil(np.array(files) / DISK_BLOCK).mean())
            frames += job.num_frames
    return taken / max(1, frames)


def _size(count: float) -> str:
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:,.1f} MB"


def extract_all(
    jobs: list[FramesJob], options: FrameOptions, cores: int | None, allow_short: bool = False,
    limit: TimeLimit = NO_LIMIT, cluster: Cluster | None = None,
) -> tuple[dict[str, dict], dict[str, str]]:
    """Make the frames of many videos, with one bar over all their frames.

    Args:
        cores: to work on, of a cluster each on a video of its own; None for all that there are.

    Returns:
        The records of the videos that went well, and what was wrong with others, each by video. Those in neither were
        not begun before the time was up.
    """
    if not jobs or limit.over:
        return {}, {}
    records, failures = {}, {}
    # the longest first, so that none is left to run alone at the end
    jobs = sorted(jobs, key=lambda job: -job.source_frames)
    try:
        with tqdm(total=sum(job.source_frames for job in jobs), unit="frame", ascii=True, disable=None) as bar:
            work = _on_cluster(cluster, jobs, options, cores, allow_short, limit, bar) if cluster else (
                _in_processes(jobs, options, cores or os.cpu_count() or 1, allow_short, limit, bar))
            with closing(work) as results:
                for job, result in results:
                    (failures if isinstance(result, str) else records)[job.video] = result
    finally:
        sweep(*{job.folder.parent for job in jobs})  # of workers that died, or were ended
    return records, failures


def _in_processes(
    jobs: list[FramesJob], options: FrameOptions, cores: int, allow_short: bool, limit: TimeLimit, bar: tqdm
) -> Iterator[tuple[FramesJob, dict | str]]:
    """Do jobs in worker processes, and give what came of each: the record, or what is wrong."""
    workers = min(cores, len(jobs), MOST_PROCESSES)
    last = len(jobs) % workers  # that many run at the end, and share the cores
    left, running, decoded, before = [], {}, multiprocessing.get_context("spawn").Value("q", 0), bar.n
    with worker_processes(workers, _start_worker, decoded) as pool:
        for number, job in enumerate(jobs):
            share = math.ceil(cores / (last if number >= len(jobs) - last else workers))
            running[pool.submit(frames_of_job, job, options, share, allow_short, _count_frames)] = job
        while running:
            if limit.over:
                running = {future: job for future, job in running.items() if not future.cancel()}
            for future in wait(running, timeout=0.2, return_when=FIRST_COMPLETED).done:
                job, error = running.pop(future), future.exception()
                if isinstance(error, BrokenProcessPool):
                    left.append(job)
                elif isinstance(error, UserError):
                    yield job, str(error)
                else:
                    yield job, future.result()
                    bar.total += future.result()["source_frames"] - job.source_frames
            bar.update(before + decoded.value - bar.n)
    for job in left:  # a worker died: which of them killed it?
        if len(jobs) > 1:
            yield from _in_processes([job], options, cores, allow_short, limit, bar)
        else:
            yield job, f"{job.path}: its worker process died; free memory, or try -j 1"


def _on_cluster(
    cluster: Cluster, jobs: list[FramesJob], options: FrameOptions, most: int | None, allow_short: bool,
    limit: TimeLimit, bar: tqdm
) -> Iterator[tuple[FramesJob, dict | str]]:
    """The same, each by a task of one core and so many at once."""
    work = partial(_frames_there, options=options, allow_short=allow_short)
    for job, outcome in cluster.each(work, jobs, lambda job: job.path, most, limit):
        outcome.tell()
        yield job, outcome.error or outcome.value
        bar.update(job.source_frames)


def report_frames(records: dict[str, dict], options: FrameOptions) -> tuple[list[str], list[str]]:
    """A line for each video, and warnings of those whose frames are not what one would think."""
    lines, warnings = [], []
    for video, record in sorted(records.items()):
        lines.append(f"{video}: {record['num_frames']} frames of {record['width']}x{record['height']}, "
                     f"{record['fps']:g} per second")
        if record["variable_rate"] and not options.fps:
            lines[-1] += " on average, at an uneven rate: times are converted by the stamp of each frame"
        if (begins := frame_stamps(record).start) > SLACK:
            lines[-1] += (f"; the first is {begins:.3f} s after the start of the file, from which players and labels "
                          "count")
        if record["lost_start"]:
            warnings.append(f"{video}: the key frame that it should begin with is missing, and with it "
                            f"{record['lost_start']} frames; frame 0 is the first that can be decoded")
        if faults := Faults(record["missing_frames"], record["damaged_frames"], record["trouble"]):
            warnings.append(f"{video}: {faults}; taken as it is (--allow_short), so that frames after a gap have lower "
                            "numbers than in the whole video")
        if record["fps"] > 1.01 * record["source_fps"]:
            warnings.append(f"{video}: has only {record['source_fps']:g} frames per second; some are repeated to give "
                            "those of --fps")
    return lines, warnings


_decoded = None  # of a worker process: the frames decoded by all


def _start_worker(decoded) -> None:
    global _decoded
    _decoded = decoded
    start_worker()
    cv2.setNumThreads(1)


def _frames_there(job: FramesJob, options: FrameOptions, allow_short: bool) -> dict:
    """Frames made on a machine of a cluster."""
    cv2.setNumThreads(1)
    sweep_lost(job.folder)
    done = existing_frames(job.path, job.folder, options, allow_short)  # by a process that died right after it
    return done or frames_of_job(job, options, 1, allow_short)


def frames_of_job(
    job: FramesJob, options: FrameOptions, cores: int, allow_short: bool,
    on_frames: Callable[[int], None] = lambda count: None,
) -> dict:
    """As `extract_frames`; all that can be wrong with a video or a disk is a UserError."""
    try:
        return extract_frames(job.path, job.folder, options, cores, allow_short, on_frames)
    except av.FFmpegError as error:
        raise UserError(f"{job.path}: FFmpeg cannot read it ({error.strerror})") from error
    except OSError as error:
        raise UserError(f"{job.path}: {error.strerror or error} ({error.filename or job.folder})") from error
    except cv2.error as error:
        raise UserError(f"{job.path}: OpenCV cannot make pictures of it ({error.err})") from error


def _count_frames(count: int) -> None:
    with _decoded.get_lock():
        _decoded.value += count
