"""JPEG files of frames: decoded, or only their size told from the header."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from util.errors import UserError

END = b"\xff\xd9"
END_WITHIN = 64  # bytes of a file's end: some writers pad it after its end mark
_SIZE_MARKS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # start of frame, of any kind of JPEG
_HEADER = 4096  # bytes, in which the size stands unless a camera put a preview before it


def read_frame(path: Path | str) -> np.ndarray:
    """Read a JPEG as uint8 (H, W, 3), RGB.

    Raises:
        UserError: the file is missing, broken, or cut short (which a decoder would fill with grey).
    """
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - half the time of Path.read_bytes
            data = file.read()
    except OSError as error:
        raise UserError(f"{path}: frame is missing; run prepare_data.py again") from error
    image = None
    if END in data[-END_WITHIN:]:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION)
    if image is None:
        raise UserError(f"{path}: frame is broken or cut short; delete its folder and run prepare_data.py again")
    return image


def jpeg_size(path: Path) -> tuple[int, int] | None:
    """Width and height as the header tells them, with nothing decoded; None where the file is no whole JPEG.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(_HEADER)
        file.seek(0, 2)
        file.seek(max(0, file.tell() - END_WITHIN))
        if END not in file.read():
            return None
        size = _size_in(head)
        if size is None and head[:2] == b"\xff\xd8":
            file.seek(0)
            size = _size_in(file.read())
    return size


def _size_in(data: bytes) -> tuple[int, int] | None:
    """Follow the segments from one to the next up to the one that tells the size."""
    at = 2
    while data[:2] == b"\xff\xd8" and at + 9 <= len(data) and data[at] == 0xFF:
        mark = data[at + 1]
        if mark in _SIZE_MARKS:
            height, width = (int.from_bytes(data[i : i + 2], "big") for i in (at + 5, at + 7))
            return (width, height) if width and height else None
        at += 1 if mark == 0xFF else 2 + int.from_bytes(data[at + 2 : at + 4], "big")  # bytes may fill a gap
    return None
