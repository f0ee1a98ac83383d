"""Pictures of raw videos on demand: always the frame that was asked for, in any order, by several at a time."""

import random
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from conftest import pattern_index
from encoded import cut, encode

from footage.decoding import Decoder
from footage.frame_folders import JPEG_OPTIONS
from footage.pictures import Fitter
from footage.raw_videos import SourceVideo
from util.errors import UserError
from viewer import video_pictures
from viewer.video_pictures import Pictures

FRAME_BYTES = 96 * 64 * 3 // 2


def pictures(folder, *names, num_frames=120, **options):
    paths = [encode(folder / name, num_frames=num_frames, **options) for name in names]
    return Pictures({i: SourceVideo(path, folder / f"{i}.json.gz", None) for i, path in enumerate(paths)})


def number(jpeg):
    return pattern_index(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR))


@pytest.mark.parametrize("room", [6, 40, 1000])
@pytest.mark.parametrize("name", ["a.mp4", "a.avi"])
def test_each_frame_is_the_one_asked_for_in_any_order(tmp_path, monkeypatch, room, name):
    monkeypatch.setattr(video_pictures, "CACHE_BYTES", room * FRAME_BYTES)
    shown = pictures(tmp_path, name)
    jumps = random.Random(0).sample(range(120), 20)
    for frame in [*range(30), *range(70, 30, -1), *jumps, 119, 0]:
        assert number(shown.jpeg(0, frame)) == frame
    assert shown._bytes <= max(2, room) * 2 * FRAME_BYTES  # planes are wider in memory than pictures


def test_many_ask_at_once_and_get_their_frames_or_nothing(tmp_path):
    shown = pictures(tmp_path, "a.mp4", "b.mkv")
    asked = [(video, frame) for frame in random.Random(1).sample(range(120), 40) for video in (0, 1)]
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda place: shown.jpeg(*place), asked))
    given = [(place, number(jpeg)) for place, jpeg in zip(asked, got, strict=True) if jpeg]
    assert given and all(frame == seen for (_, frame), seen in given)


def test_what_was_asked_for_around_another_frame_is_given_up(tmp_path):
    shown = pictures(tmp_path, "a.mp4", num_frames=200)
    assert number(shown.jpeg(0, 10, shown=12)) == 10
    waiting = shown._wanted.setdefault((0, 199), video_pictures.Future())
    assert number(shown.jpeg(0, 11)) == 11
    assert waiting.result(timeout=20) is None


def test_a_video_that_breaks_off_gives_what_it_has_and_says_what_is_wrong(tmp_path):
    shown = pictures(tmp_path, "a.ts", num_frames=100)
    index = shown.videos[0].index
    assert len(index.stamps) == 100
    cut(shown.videos[0].path, 0.5)  # while view.py runs
    assert number(shown.jpeg(0, 20)) == 20
    with pytest.raises(UserError, match="damaged"):
        shown.jpeg(0, 99)
    assert number(shown.jpeg(0, 21)) == 21


def test_what_is_read_ahead_is_there_before_it_is_asked_for(tmp_path):
    shown = pictures(tmp_path, "a.mp4")
    shown.jpeg(0, 60)
    with shown._news:
        while shown._next() is not None:
            shown._news.wait(0.01)
    kept = {frame for _, frame in shown._frames}
    assert kept >= set(range(60 - video_pictures.BEHIND, 61 + video_pictures.AHEAD))


def test_of_real_videos_each_frame_is_that_of_decoding_from_the_start(shared, tmp_path):
    """With B-frames and sound, turned, without a count of frames, higher than wide: whatever is in the folder."""
    paths = sorted(path for path in (shared / "videos").iterdir() if path.suffix in (".mp4", ".webm"))
    made = Pictures({i: SourceVideo(path, tmp_path / f"{i}.json.gz", None) for i, path in enumerate(paths)})
    for video, path in enumerate(paths):
        with Decoder(path) as decoder:
            frames = [frame for _, frame in decoder]
        fit = Fitter(180, decoder.aspect)
        assert len(made.videos[video].index.stamps) == len(frames)
        for number in random.Random(0).sample(range(len(frames)), 15):
            jpeg = cv2.imencode(".jpg", fit(frames[number]), JPEG_OPTIONS)[1].tobytes()
            assert made.jpeg(video, number, lines=180) == jpeg, (path.name, number)
