"""The size of a JPEG is told from its header as the decoder tells it; what is no whole JPEG has none."""

import cv2
import numpy as np
import pytest
from conftest import write_image

from dataset.jpeg import jpeg_size


def picture(width=61, height=40, channels=3):
    return np.random.default_rng(0).integers(0, 256, (height, width, channels), dtype=np.uint8)


@pytest.mark.parametrize("options", [[], [cv2.IMWRITE_JPEG_PROGRESSIVE, 1], [cv2.IMWRITE_JPEG_RST_INTERVAL, 2],
                                     [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420]])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_kind_of_jpeg(options, channels, tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(cv2.imencode(".jpg", picture(channels=channels), options)[1])
    assert jpeg_size(path) == (61, 40)


def test_a_long_preview_before_the_size(tmp_path):
    path = tmp_path / "a.jpg"
    data = cv2.imencode(".jpg", picture())[1].tobytes()
    preview = b"\xff\xe1" + (60_002).to_bytes(2, "big") + b"\xff\xc0" * 30_000
    path.write_bytes(data[:2] + preview + data[2:] + b"\0\0")
    assert jpeg_size(path) == (61, 40)


@pytest.mark.parametrize("share", [0, 0.01, 0.1, 0.5, 0.99])
def test_a_file_cut_short_has_no_size(share, tmp_path):
    write_image(tmp_path / "a.jpg", picture())
    data = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(data[: int(share * len(data))])
    assert jpeg_size(tmp_path / "a.jpg") is None


@pytest.mark.parametrize("data", [b"no picture\xff\xd9", b"\xff\xd8\xff\xd9", b"\0" * 300 + b"\xff\xd9", b"\xff\xd8"])
def test_what_is_no_jpeg_has_no_size(data, tmp_path):
    (tmp_path / "a.jpg").write_bytes(data)
    assert jpeg_size(tmp_path / "a.jpg") is None


def test_a_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(OSError):
        jpeg_size(tmp_path / "a.jpg")
