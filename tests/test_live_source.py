"""Live sources: files at their own rate, pipes, addresses that are lost and come back, cameras, a machine too slow."""

import os
import threading
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice

import numpy as np
import pytest
from conftest import complaint, pattern_frame, pattern_index, write_video
from encoded import encode

from footage.live import LiveSource
from footage.raw_videos import FrameOptions, Frames

OPTIONS = FrameOptions(64)


class Clock:
    """Time that passes where someone sleeps or works, and else stands still."""

    def __init__(self):
        self.time, self.slept = 1000.0, 0.0

    def now(self):
        return self.time

    def sleep(self, seconds):
        self.time += seconds
        self.slept += seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def said():
    return []


def source(address, clock, said, options=OPTIONS):
    return LiveSource(str(address), options, said.append, clock.now, clock.sleep)


def shown(frames):
    """The numbers that the pictures show."""
    return [pattern_index(frame.picture) for frame in frames]


@contextmanager
def served(*answers):
    """A local server whose answers are these one after the other: bytes, after which it hangs up, or None: an error."""
    left = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            content = left.pop(0) if left else None
            self.send_response(200 if content else 503)
            self.send_header("Content-Type", "video/mp2t")
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/live.ts"
        server.shutdown()


def test_a_file_is_played_at_its_own_rate_with_the_frames_of_extraction(clock, said, tmp_path):
    video = write_video(tmp_path / "v.mp4", 50)
    for options in (OPTIONS, FrameOptions(64, fps=10)):
        began, live = clock.time, source(video, clock, said, options)
        frames, offline = list(live), Frames(video, options)
        for frame, (number, picture) in zip(frames, offline, strict=True):
            assert frame.number == number and np.array_equal(frame.picture, picture)
        assert [frame.seconds for frame in frames] == list(offline.times)
        assert clock.time - began == pytest.approx(frames[-1].seconds) and live.dropped == 0 and not said
        assert [frame.begins for frame in frames] == [True] + [False] * (len(frames) - 1)
        assert frames[-1].wall - frames[0].wall == pytest.approx(frames[-1].seconds)


def test_a_machine_too_slow_leaves_frames_out_counts_them_and_stays_near_the_present(clock, said, tmp_path):
    live = source(write_video(tmp_path / "v.mp4", 250), clock, said)
    given, late = [], []
    for frame in live:
        given.append(frame)
        late.append(clock.time - 1000 - frame.seconds)
        clock.time += 0.1  # two and a half frames
    assert live.dropped == 250 - len(given) and 90 < len(given) < 130
    assert max(late) < 1.1 and "this machine is too slow, 1.0 s behind; frames are dropped, 0 so far" in said[0]
    assert shown(given) == [frame.number for frame in given]
    begins = [number for number, frame in enumerate(given) if frame.begins]
    gaps = [n for n in range(1, len(given)) if given[n].number > given[n - 1].number + 1]
    assert begins == [0, *gaps] and len(gaps) > 3 and len(said) < 6  # few and long, not one here and there
    assert all(frame.wall - given[0].wall == pytest.approx(frame.seconds) for frame in given)


def test_a_machine_that_was_busy_for_a_moment_catches_up(clock, said, tmp_path):
    numbers = []
    for frame in source(write_video(tmp_path / "v.mp4", 100), clock, said):
        numbers.append(frame.number)
        clock.time += 0.9 if frame.number == 50 else 0.01
    assert numbers == list(range(100)) and not said


@pytest.mark.parametrize("suffix", ["ts", "mkv"])
def test_a_pipe_is_read_to_its_end(clock, said, tmp_path, suffix):
    video = encode(tmp_path / f"v.{suffix}", num_frames=40)
    kept = os.dup(0)
    with video.open("rb") as file:
        os.dup2(file.fileno(), 0)
        try:
            live = source("-", clock, said)
            frames = list(live)
        finally:
            os.dup2(kept, 0)
            os.close(kept)
    assert live.fps == 25 and shown(frames) == list(range(40)) == [frame.number for frame in frames]
    assert [round(frame.seconds, 3) for frame in frames] == [round(n / 25, 3) for n in range(40)]
    assert clock.slept == pytest.approx(39 / 25) and live.lost == 0 and not said


def test_an_address_that_is_lost_is_tried_until_it_is_back(clock, said, tmp_path):
    first, second = (encode(tmp_path / f"{name}.ts", num_frames=30).read_bytes() for name in "ab")
    cut = len(first) * 2 // 3 // 188 * 188
    with served(first[:cut], None, None, second) as address, closing(iter(source(address, clock, said))) as frames:
        given = list(islice(frames, 40))
    back = next(n for n in range(1, 40) if given[n].begins)
    assert 10 <= back < 30 and shown(given[back:]) == list(range(40 - back))
    assert shown(given[: back - 1]) == list(range(back - 1))  # and one whose neighbours were cut off
    assert said == [f"{address}: lost; trying again", f"{address}: is back"]
    away = 1 + 2 + 4  # seconds that it waited
    assert given[back].seconds - given[back - 1].seconds == pytest.approx(away, abs=0.1)
    assert given[back].number - given[back - 1].number == pytest.approx(25 * away, abs=2)
    assert given[back].wall - given[0].wall == pytest.approx(given[back].seconds)
    assert [frame.number - given[back].number for frame in given[back:]] == list(range(40 - back))


def test_an_address_of_a_whole_video_ends_with_it(clock, said, tmp_path):
    content = encode(tmp_path / "v.mp4", num_frames=30, container={"movflags": "+faststart"}).read_bytes()
    with served(content) as address:
        assert shown(source(address, clock, said)) == list(range(30)) and not said


def test_a_camera_gives_what_it_has_and_is_opened_again(clock, said, monkeypatch):
    class Camera:
        opened = 0

        def __init__(self, number):
            assert number == 3
            Camera.opened += 1
            self.left = 10

        def isOpened(self):
            return True

        def get(self, _):
            return 25.0

        def read(self):
            clock.time += 0.04
            self.left -= 1
            return self.left >= 0, pattern_frame(Camera.opened)

        def release(self):
            pass

    monkeypatch.setattr("cv2.VideoCapture", Camera)
    with closing(iter(source(3, clock, said))) as frames:
        given = list(islice(frames, 15))
    assert shown(given) == [1] * 10 + [2] * 5 and said == ["3: lost; trying again", "3: is back"]
    assert given[9].seconds == pytest.approx(0.36) and given[10].seconds == pytest.approx(1.44)  # a second's pause


def test_what_cannot_be_opened_is_one_line(clock, said, tmp_path):
    assert "nowhere.mp4: no such file; give a camera's number" in complaint(source, "nowhere.mp4", clock, said)
    with served(None) as address:
        assert "cannot be opened" in complaint(source, address, clock, said)
    broken = tmp_path / "x.mp4"
    broken.write_bytes(b"no video")
    assert "cannot be opened as a video" in complaint(source, broken, clock, said)
    assert "no camera of this number" in complaint(source, 99, clock, said)
