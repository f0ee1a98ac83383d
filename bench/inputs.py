"""What is measured on: frames of a synthetic match."""

from __future__ import annotations

from pathlib import Path

import cv2

from dataset.jpeg import with_checksum
from dataset.video_record import frame_name
from simulation.draw import Renderer
from simulation.sim import MATCHES, simulate

FRAME_SIZE = (398, 224)  # width, height: what prepare_data.py makes of a 16:9 video by default
VIDEO = "bench"


def write_frames(folder: Path, num_frames: int, size: tuple[int, int] = FRAME_SIZE, drawn: int = 400) -> list[dict]:
    """Draw a match as frames on disk, <folder>/bench/000000.jpg and on; gives its split, of one video.

    Args:
        drawn: frames after which they come again, since drawing takes long.
    """
    match = MATCHES[0]
    states, events = simulate(match, 1, num_frames, seed=0)
    renderer = Renderer(match, 1, size, seed=0)
    (folder / VIDEO).mkdir(parents=True)
    jpegs = [with_checksum(cv2.imencode(".jpg", renderer.frame(state))[1].tobytes()) for state in states[:drawn]]
    for number in range(num_frames):
        (folder / VIDEO / frame_name(number)).write_bytes(jpegs[number % len(jpegs)])
    events = [{"frame": event.frame, "label": event.label} for event in events]
    return [{"video": VIDEO, "num_frames": num_frames, "num_events": len(events), "fps": float(match.fps),
             "width": size[0], "height": size[1], "events": events}]
