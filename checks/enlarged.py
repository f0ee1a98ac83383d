"""The frames of the sheets at the resolution of the video files: a click on a frame opens them, arrow keys step on.

A ball of 12 pixels at 1080 lines is one pixel of a sheet's cell.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from checks.label_reading import LabelledVideo
from checks.sheets import AROUND, Cell, Sheet
from dataset.video_record import read_record
from footage.frame_index import Cursor
from footage.pictures import Fitter
from footage.raw_videos import SourceVideo, find_videos
from util.errors import UserError, number_of
from util.io import whole_folder

FOLDER = "enlarged"  # beside the sheets
KEPT = ".videos"  # what was read of the video files
MOST_PICTURES = 600  # about 200 KB each
MOST_LINES = 1080
JPEG_OPTIONS = [cv2.IMWRITE_JPEG_QUALITY, 85]


def find_sources(
    videos_dir: Path, folder: Path, videos: Sequence[LabelledVideo], frame_dir: Path
) -> dict[str, SourceVideo]:
    """The files of labelled videos, by name, as far as they are there.

    Args:
        folder: of the sheets, where what was read of the files is kept.

    Raises:
        UserError: no such folder, or no video in it.
    """
    files, sources = find_videos(videos_dir), {}
    for video in (video for video in videos if video.name in files):
        record = None
        with suppress(UserError):  # which is reported as such
            record = read_record(frame_dir / video.name)
        full = record if record and record.get("num_frames") and record.get("fps") else None
        sources[video.name] = SourceVideo(files[video.name], folder / KEPT / f"{video.name}.json.gz", video.num_frames,
                                          video.fps, full)
    return sources


def enlarge(
    folder: Path, sheets: Sequence[Sheet], sources: Mapping[str, SourceVideo]
) -> tuple[dict[Cell, str], list[str]]:
    """Write the frames of sheets as they are in the video files: all, or of too many those nearest to the labels.

    Returns:
        The file of each cell that has one, below `folder`, and notes on what has none.

    Raises:
        UserError: a picture cannot be written.
    """
    cells = [cell for sheet in sheets for cell in sheet.cells]
    missing = sorted({cell.video for cell in cells} - sources.keys())
    notes = [f"No video file of {missing[0]}" + (f" and {number_of(len(missing) - 1, 'other')}" if missing[1:] else "")
             + ": its frames are not enlarged."] if missing else []
    cells = [cell for cell in cells if cell.video in sources]
    reach = next((reach for reach in range(AROUND, 0, -1)
                  if sum(abs(cell.offset) <= reach for cell in cells) <= MOST_PICTURES), 0)
    chosen = [cell for cell in cells if abs(cell.offset) <= reach][:MOST_PICTURES]
    if len(chosen) < len(cells):
        notes.append(f"Of {len(cells):,} frames {len(chosen):,} are enlarged, up to {reach} from a label; fewer "
                     "--events, or a dataset of fewer classes, enlarges more.")
    files: dict[Cell, str] = {}
    with whole_folder(folder / FOLDER) as scratch, tqdm(total=len(chosen), unit="picture", ascii=True,
                                                        disable=None) as bar:
        for place, video in enumerate(sorted({cell.video for cell in chosen})):
            try:
                wanted: dict[int, list[Cell]] = defaultdict(list)
                for cell in (cell for cell in chosen if cell.video == video):
                    wanted[int(sources[video].numbers[cell.frame])].append(cell)
                for number, picture in _pictures(sources[video], sorted(wanted)):
                    name = f"{place:03d}-{number:06d}.jpg"
                    (scratch / name).write_bytes(cv2.imencode(".jpg", picture, JPEG_OPTIONS)[1])
                    files.update(dict.fromkeys(wanted[number], f"{FOLDER}/{name}"))
                    bar.update(len(wanted[number]))
            except UserError as error:
                notes.append(f"{error}.")
    return files, notes


def _pictures(source: SourceVideo, numbers: Sequence[int]) -> Iterator[tuple[int, np.ndarray]]:
    """Frames of a file, by rising numbers: uint8 (H, W, 3), BGR.

    Raises:
        UserError: the video, or the rest of it, cannot be read.
    """
    fit = Fitter(MOST_LINES, source.index.aspect)
    cursor = Cursor(source.path, source.index, numbers[0])
    for number in numbers:
        if not cursor.is_near(number):
            cursor.close()
            cursor = Cursor(source.path, source.index, number)
        while (found := cursor.read()) and found[0] < number:
            pass
        if found is None:
            raise UserError(f"{source.path}: ends before frame {number}; its frames are not enlarged from there on")
        yield number, fit(found[1])
    cursor.close()
