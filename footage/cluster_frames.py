"""Frame folders made on the machines of a cluster, each video by a task of one core."""

from __future__ import annotations

from functools import partial

import cv2
from tqdm import tqdm

from footage.extraction import FramesJob, frames_of_job
from footage.frame_folders import existing_frames
from footage.raw_videos import FrameOptions
from util.cluster import Cluster
from util.io import sweep, sweep_lost
from util.time_limit import NO_LIMIT, TimeLimit


def extract_on(
    cluster: Cluster, jobs: list[FramesJob], options: FrameOptions, most: int | None = None, allow_short: bool = False,
    limit: TimeLimit = NO_LIMIT,
) -> tuple[dict[str, dict], dict[str, str]]:
    """What `extract_all` does, on a cluster.

    Args:
        most: videos at once; None for one on each core that the cluster has.
    """
    records, failures = {}, {}
    jobs = sorted(jobs, key=lambda job: -job.source_frames)
    work = partial(_frames, options=options, allow_short=allow_short)
    with tqdm(total=sum(job.source_frames for job in jobs), unit="frame", ascii=True, disable=None) as bar:
        for job, outcome in cluster.each(work, jobs, lambda job: job.path, most, limit):
            outcome.tell()
            if outcome.error:
                failures[job.video] = outcome.error
            else:
                records[job.video] = outcome.value
            bar.update(job.source_frames)
    sweep(*{job.folder.parent for job in jobs})
    return records, failures


def _frames(job: FramesJob, options: FrameOptions, allow_short: bool) -> dict:
    cv2.setNumThreads(1)
    sweep_lost(job.folder)
    done = existing_frames(job.path, job.folder, options, allow_short)  # by a process that died right after it
    return done or frames_of_job(job, options, 1, allow_short)
