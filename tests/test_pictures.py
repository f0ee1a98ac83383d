import itertools
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from encoded import encode

from footage.decoding import Decoder
from footage.pictures import MATRICES, Fitter, fitted_size

# bars of BGR colours
COLOURS = np.array([(40, 40, 220), (60, 200, 50), (210, 70, 30), (30, 220, 230), (200, 200, 200), (20, 20, 20)], float)
LIMITED, FULL = 1, 2
BT709, UNTOLD, BT601, BT2020 = 1, 2, 5, 9


def first_picture(path, height=224, order="bgr"):
    with Decoder(path, threads=1) as decoder:
        _, frame = next(iter(decoder))
        return Fitter(height, decoder.aspect, order)(frame)


def bars(matrix, full, pixels, size=(96, 64)):
    """A frame of coloured bars, its YUV reckoned as the standards define it, apart from the code under test."""
    red, blue = {BT709: (0.2126, 0.0722), BT2020: (0.2627, 0.0593)}.get(matrix, (0.299, 0.114))
    b, g, r = np.repeat(COLOURS / 255, size[0] // len(COLOURS), axis=0).T
    y = red * r + (1 - red - blue) * g + blue * b
    pb, pr = (b - y) / (2 * (1 - blue)), (r - y) / (2 * (1 - red))
    bits = 10 if "10" in pixels else 8
    scale = 2 ** (bits - 8)
    top = 2**bits - 1
    planes = [y * top, pb * top + 128 * scale, pr * top + 128 * scale] if full else [
        (16 + 219 * y) * scale, (128 + 224 * pb) * scale, (128 + 224 * pr) * scale]
    frame = av.VideoFrame(*size, pixels)
    for plane, row in zip(frame.planes, planes, strict=True):
        values = np.rint(row[:: size[0] // plane.width]).clip(0, top).astype(np.uint16 if bits > 8 else np.uint8)
        line = np.zeros(plane.line_size // values.itemsize, values.dtype)
        line[: len(values)] = values
        plane.update(np.tile(line, plane.height).tobytes())
    frame.colorspace, frame.color_range = matrix, FULL if full else LIMITED
    return frame


@pytest.mark.parametrize("matrix", [BT709, BT601, BT2020, UNTOLD])
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("pixels", ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le"])
@pytest.mark.parametrize("height", [64, 32])
def test_colours_are_those_that_the_file_means(matrix, full, pixels, height):
    picture = Fitter(height, Fraction(1))(bars(matrix, full, pixels)).astype(float)
    bar = picture.shape[1] // len(COLOURS)
    for number, colour in enumerate(COLOURS):
        inside = picture[:, number * bar + bar // 4 : (number + 1) * bar - bar // 4]
        assert np.abs(inside - colour).max() <= (3.5 if "10" in pixels else 2.5), number  # ten bits are dithered


def test_rgb_is_bgr_in_the_other_order():
    frame = bars(BT709, False, "yuv420p")
    assert np.array_equal(Fitter(32, Fraction(1), "rgb")(frame), Fitter(32, Fraction(1))(frame)[..., ::-1])
    assert set(MATRICES) >= {BT709, BT2020}


@pytest.mark.parametrize("name, codec, pixels", [("a.mkv", "ffv1", "bgr0"), ("a.avi", "rawvideo", "bgr24"),
                                                 ("a.mov", "png", "rgb24"), ("a.mov", "png", "gray")])
def test_files_of_rgb_and_of_grey_keep_their_values(tmp_path, name, codec, pixels):
    picture = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    if pixels == "gray":
        picture[:] = picture[..., :1]
    path = encode(tmp_path / name, codec, pixels=pixels, pictures=[picture] * 2)
    assert np.array_equal(first_picture(path), picture)
    assert np.array_equal(first_picture(path, order="rgb"), picture[..., ::-1])


@pytest.mark.parametrize("size, height, fitted", [
    ((1920, 1080), 224, (398, 224)), ((354, 492), 224, (161, 224)), ((800, 448), 224, (400, 224)),
    ((1921, 1081), 224, (398, 224)), ((320, 180), 224, (320, 180)), ((10, 900), 90, (1, 90)),
    ((3, 2000), 100, (1, 100)),
])
def test_height_shrinks_with_the_aspect_ratio_and_never_enlarges(size, height, fitted):
    assert fitted_size(av.VideoFrame(*size, "yuv444p"), Fraction(1), height) == fitted
    assert Fitter(height, Fraction(1))(av.VideoFrame(*size, "yuv444p")).shape == (*fitted[::-1], 3)


def exact_average(picture, height, width):
    """Each new pixel the mean of the area that it covers."""
    def weights(old, new):
        edges = np.arange(new + 1) * old / new
        begin, end = edges[:-1, None], edges[1:, None]
        overlap = np.minimum(end, np.arange(1, old + 1)) - np.maximum(begin, np.arange(old))
        return overlap.clip(0) / (old / new)

    lines, columns = picture.shape[:2]
    low = np.tensordot(weights(lines, height), picture.astype(float), 1)
    return np.einsum("jc,icx->ijx", weights(columns, width), low, optimize=True)


def test_shrinking_averages_areas():
    light = np.random.default_rng(0).integers(16, 236, (1080, 1920), dtype=np.uint8)
    frame = av.VideoFrame(1920, 1080, "yuv420p")
    for plane, values in zip(frame.planes, (light, light[::2, ::2] * 0 + 128, light[::2, ::2] * 0 + 128), strict=True):
        plane.update(values.tobytes())  # noise without colour
    wanted = exact_average((light[..., None] - 16.0) * 255 / 219, 224, 398).round().astype(np.uint8).repeat(3, 2)
    assert cv2.PSNR(np.ascontiguousarray(Fitter(224, Fraction(1))(frame)), wanted) > 45


@pytest.mark.parametrize("turned, turns", [(0, 0), (90, 1), (180, 2), (270, 3)])
def test_a_video_is_turned_as_it_is_displayed_before_it_is_shrunk(tmp_path, turned, turns):
    upright = first_picture(encode(tmp_path / "a.mp4", num_frames=2, size=(96, 64)), height=1000)
    path = encode(tmp_path / "b.mp4", num_frames=2, size=(96, 64), turned=turned)
    assert np.array_equal(first_picture(path, height=1000), np.rot90(upright, turns))
    lines, columns = np.rot90(upright, turns).shape[:2]
    assert first_picture(path, height=48).shape == (48, round(columns * 48 / lines), 3)
    seen = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG).read()[1]
    assert cv2.PSNR(seen, np.ascontiguousarray(np.rot90(upright, turns))) > 30


def test_the_rotated_file_of_a_phone_stands_as_opencv_shows_it(shared):
    path = shared / "videos" / "nasa_13013_rotated.mp4"
    seen = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG).read()[1]
    assert seen.shape == (480, 270, 3)
    assert cv2.PSNR(first_picture(path, height=480), seen) > 35


@pytest.mark.parametrize("pixel, height, shape", [(Fraction(4, 3), 64, (64, 128)), (Fraction(4, 3), 32, (32, 64)),
                                                  (Fraction(8, 9), 32, (32, 43)), (Fraction(1000, 999), 64, (64, 96))])
def test_pixels_that_are_not_square_are_shown_as_they_are_meant(tmp_path, pixel, height, shape):
    path = encode(tmp_path / "a.mkv", num_frames=2, size=(96, 64), sample_aspect_ratio=pixel)
    assert first_picture(path, height).shape == (*shape, 3)


def test_one_fitter_takes_frames_of_several_kinds():
    fit = Fitter(32, Fraction(1))
    kinds = itertools.product([BT709, BT601], [False, True])
    for matrix, full in [*kinds, (BT709, False)]:
        frame = bars(matrix, full, "yuv444p")
        assert np.array_equal(fit(frame), Fitter(32, Fraction(1))(frame))
