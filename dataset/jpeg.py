"""JPEG files of frames: decoded, or only their size from the header; with a checksum, so that damage shows.

A decoder fills what it cannot read with grey or wrong pixels and says nothing: of 600 frames with bytes flipped,
zeroed or overwritten OpenCV refuses 35, Pillow 155, FFmpeg 359 where it is strict; a checksum, which takes 3 us of the
200 that decoding does, all. It stands in a comment of the JPEG itself, where every reader of a single frame finds it.
"""

from __future__ import annotations

from pathlib import Path
from zlib import crc32

import cv2
import numpy as np
from PIL.JpegImagePlugin import JpegImageFile

from util.errors import UserError

END = b"\xff\xd9"
END_WITHIN = 64  # bytes of a file's end: some writers pad it after its end mark
JFIF_END = 20  # bytes: the first two, and the JFIF header, behind which a comment may stand
# Comments of a frame with a checksum: marker, length, text. One at either end, so that no damage hides both.
ANNOUNCED = b"\xff\xfe\x00\x07crc32"
CHECKSUM = b"\xff\xfe\x00\x10crc32:"  # and 8 hexadecimal digits, of all bytes before it
CHECKSUM_BYTES = len(CHECKSUM) + 8 + len(END)
MAX_PIXELS = 80_000_000  # of a frame: 8K has 33 million
MAKE_AGAIN = "delete its folder and run prepare_data.py again"


def with_checksum(jpeg: bytes) -> bytes:
    """A JPEG as OpenCV writes it, with the CRC-32 of its bytes in a comment."""
    announced = jpeg[:JFIF_END] + ANNOUNCED + jpeg[JFIF_END : -len(END)]
    return announced + _checksum(announced)


def _checksum(data: bytes | memoryview) -> bytes:
    return CHECKSUM + b"%08x" % crc32(data) + END


def has_checksum(jpeg: bytes) -> bool:
    return jpeg.startswith(ANNOUNCED, JFIF_END) or jpeg[-CHECKSUM_BYTES:].startswith(CHECKSUM)


def whole_jpeg(path: Path | str) -> bytes:
    """The bytes of a JPEG that is as it was written, as far as its checksum tells, or else its end mark.

    Raises:
        UserError: the file is missing, cut short (which a decoder would fill with grey), or damaged.
    """
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - half the time of Path.read_bytes
            data = file.read()
    except FileNotFoundError as error:
        raise UserError(f"{path}: frame is missing; run prepare_data.py again") from error
    except OSError as error:
        raise UserError(f"{path}: frame cannot be read ({error.strerror}); {MAKE_AGAIN}") from error
    if has_checksum(data):
        if data[-CHECKSUM_BYTES:] != _checksum(memoryview(data)[:-CHECKSUM_BYTES]):
            raise UserError(f"{path}: frame is damaged, its bytes are not those that were written; {MAKE_AGAIN}")
    elif END not in data[-END_WITHIN:]:
        raise UserError(f"{path}: frame is broken or cut short; {MAKE_AGAIN}")
    return data


def read_frame(path: Path | str) -> np.ndarray:
    """Read a JPEG as uint8 (H, W, 3), RGB.

    Raises:
        UserError: it is not whole, see `whole_jpeg`, or cannot be decoded.
    """
    data = whole_jpeg(path)
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION)
    except (cv2.error, MemoryError):  # larger than can be
        image = None
    if image is None or not data.startswith(b"\xff\xd8"):
        raise UserError(f"{path}: frame is broken or no JPEG; {MAKE_AGAIN}")
    return image


def jpeg_size(path: Path) -> tuple[int, int] | None:
    """Width and height from the header, with nothing decoded; None where the file is no whole JPEG, or larger than
    any frame.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        file.seek(0, 2)
        file.seek(max(0, file.tell() - END_WITHIN))
        if END not in file.read():
            return None
        file.seek(0)
        try:
            width, height = JpegImageFile(file).size  # Image.open warns of large ones
        except (SyntaxError, OSError, ValueError):  # of what it reads
            return None
    return (width, height) if 0 < width * height <= MAX_PIXELS else None
