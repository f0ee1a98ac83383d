"""JPEG files: whatever damage there is to a frame with a checksum is noticed; sizes are those of the decoder."""

import cv2
import numpy as np
import pytest
from conftest import complaint, write_image

from dataset.jpeg import END, MAKE_AGAIN, has_checksum, jpeg_size, read_frame, with_checksum


def picture(width=61, height=40, channels=3):
    return np.random.default_rng(0).integers(0, 256, (height, width, channels), dtype=np.uint8)


def encoded(**options):
    return cv2.imencode(".jpg", picture(**options))[1].tobytes()


def damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """Some bytes changed, a stretch zeroed or overwritten, or the end cut off."""
    out = bytearray(data)
    kind, size = rng.integers(4), int(rng.integers(1, 512))
    start = int(rng.integers(len(out) - size))
    if kind == 0:
        for at in rng.integers(len(out), size=8):
            out[at] ^= int(rng.integers(1, 256))
    elif kind == 1:
        out[start : start + size] = bytes(size)
    elif kind == 2:
        out[start : start + size] = rng.bytes(size)
    else:
        del out[-size:]
    return bytes(out)


def test_damage_to_a_frame_with_a_checksum_is_always_noticed(tmp_path):
    data, rng, path = with_checksum(encoded()), np.random.default_rng(0), tmp_path / "a.jpg"
    for _ in range(600):
        path.write_bytes(damaged(data, rng))
        message = complaint(read_frame, path)
        assert message.startswith(f"{path}: frame is ") and message.endswith("; " + MAKE_AGAIN)


def test_a_checksum_changes_no_pixel_and_stands_in_a_comment(tmp_path):
    plain, data = encoded(), with_checksum(encoded())
    assert has_checksum(data) and not has_checksum(plain) and len(data) == len(plain) + 27
    (tmp_path / "a.jpg").write_bytes(plain)
    (tmp_path / "b.jpg").write_bytes(data)
    assert np.array_equal(read_frame(tmp_path / "a.jpg"), read_frame(tmp_path / "b.jpg"))
    assert jpeg_size(tmp_path / "b.jpg") == (61, 40)


def huge(data: bytes, side: int = 40_000) -> bytes:
    """The same with a header that says so many pixels to a side."""
    at = data.index(b"\xff\xc0") + 5
    return data[:at] + side.to_bytes(2, "big") * 2 + data[at + 4 :]


ODD = {
    "empty": b"", "two bytes": b"\xff\xd8", "no picture": b"no picture" + END, "marks alone": b"\xff\xd8" + END,
    "zeros": b"\0" * 300 + END, "cut short": encoded()[:700], "40000x40000": huge(encoded()),
    "a PNG": cv2.imencode(".png", picture())[1].tobytes() + END,
}


@pytest.mark.parametrize("data", ODD.values(), ids=ODD)
def test_what_is_no_frame_is_one_line_and_has_no_size(data, tmp_path):
    path = tmp_path / "000000.jpg"
    path.write_bytes(data)
    assert jpeg_size(path) is None
    message = complaint(read_frame, path)
    assert message.startswith(f"{path}: frame is ") and message.endswith("; " + MAKE_AGAIN)


@pytest.mark.parametrize("side", [10_000, 15_000, 65_535])
def test_a_size_that_no_frame_has_is_none(side, tmp_path, recwarn):
    (tmp_path / "a.jpg").write_bytes(huge(encoded(), side))
    assert jpeg_size(tmp_path / "a.jpg") is None and not recwarn.list


def test_a_folder_in_a_frames_place_is_one_line(tmp_path):
    (tmp_path / "000000.jpg").mkdir()
    assert "000000.jpg: frame cannot be read (" in complaint(read_frame, tmp_path / "000000.jpg")


@pytest.mark.parametrize("options", [[], [cv2.IMWRITE_JPEG_PROGRESSIVE, 1], [cv2.IMWRITE_JPEG_RST_INTERVAL, 2],
                                     [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420]])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_kind_of_jpeg_has_the_size_of_its_picture(options, channels, tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(cv2.imencode(".jpg", picture(channels=channels), options)[1])
    assert jpeg_size(path) == (61, 40)


def test_a_long_preview_before_the_size(tmp_path):
    data = encoded()
    preview = b"\xff\xe1" + (60_002).to_bytes(2, "big") + b"\xff\xc0" * 30_000
    (tmp_path / "a.jpg").write_bytes(data[:2] + preview + data[2:] + b"\0\0")
    assert jpeg_size(tmp_path / "a.jpg") == (61, 40)


@pytest.mark.parametrize("share", [0, 0.01, 0.1, 0.5, 0.99])
def test_a_file_cut_short_has_no_size(share, tmp_path):
    write_image(tmp_path / "a.jpg", picture())
    data = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(data[: int(share * len(data))])
    assert jpeg_size(tmp_path / "a.jpg") is None


def test_a_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(OSError):
        jpeg_size(tmp_path / "a.jpg")
