
"""Reading extracted frames: single ones, clips, whole videos, batches; and what is refused."""

import contextlib
import time

import cv2
import numpy as np
import pytest
import torch
from conftest import complaint, make_dataset, write_image
from torchvision.transforms.functional import center_crop

from dataset import frames
from dataset.clips import RandomClips
from dataset.frames import (
    Clip,
    Loader,
    VideoClips,
    centre,
    crop_frame,
    crop_stretch,
    how_frames_were_made,
    read_batch,
    stretches,
)
from dataset.jpeg import read_frame
from dataset.labels import read_split
from dataset.targets import TargetMaker
from util.errors import UserError
from util.io import write_json

CPU = torch.device("cpu")


@pytest.fixture
def video(tmp_path):
    """Ten frames of 40x30 in uniform colours that tell the frame's number: 10 more red with each."""
    for index in range(10):
        write_image(tmp_path / f"{index:06d}.jpg", np.full((30, 40, 3), (0, 128, 100 + 10 * index), np.uint8))
    return tmp_path


def number_of(frames):
    """The numbers of frames (T, 3, H, W) of `video`, -1 for black ones."""
    red = frames[:, 0].float().mean((1, 2))
    return [-1 if r < 50 else round((float(r) - 100) / 10) for r in red]


def test_a_frame_is_read_as_red_green_blue(tmp_path):
    write_image(tmp_path / "a.jpg", np.full((6, 8, 3), (10, 100, 200), np.uint8))  # OpenCV's blue, green, red
    frame = read_frame(tmp_path / "a.jpg")
    assert frame.shape == (6, 8, 3) and frame.dtype == np.uint8
    np.testing.assert_allclose(frame.mean((0, 1)), (200, 100, 10), atol=3)


def test_a_frame_in_a_folder_of_any_alphabet_is_read(tmp_path):
    write_image(tmp_path / "España – Ελλάς" / "a.jpg", np.zeros((6, 8, 3), np.uint8))
    assert read_frame(tmp_path / "España – Ελλάς" / "a.jpg").shape == (6, 8, 3)


def test_a_grey_frame_is_read_as_three_equal_channels(tmp_path):
    write_image(tmp_path / "a.jpg", np.full((6, 8), 77, np.uint8))
    assert (read_frame(tmp_path / "a.jpg") == 77).all()


@pytest.mark.parametrize("padding", [b"\0", b"\0" * 40, b"\n"])
def test_what_some_writers_put_after_a_frames_end_does_no_harm(padding, video):
    path = video / "000003.jpg"
    before = read_frame(path)
    path.write_bytes(path.read_bytes() + padding)
    assert np.array_equal(read_frame(path), before)


def test_a_missing_frame_is_named(tmp_path):
    assert complaint(read_frame, tmp_path / "000007.jpg").startswith(f"{tmp_path / '000007.jpg'}: frame is missing")


@pytest.mark.parametrize("share", [0, 0.02, 0.3, 0.5, 0.99])
def test_a_frame_cut_short_anywhere_is_refused(share, tmp_path):
    path = tmp_path / "a.jpg"
    write_image(path, np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8))
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    assert complaint(read_frame, path).startswith(f"{path}: frame is broken or cut short")


@pytest.mark.parametrize("data", [b"no picture", b"\xff\xd8\xff\xd9", b"\0" * 300 + b"\xff\xd9"])
def test_a_frame_that_is_no_picture_is_refused(data, tmp_path):
    (tmp_path / "a.jpg").write_bytes(data)
    assert "frame is broken" in complaint(read_frame, tmp_path / "a.jpg")


@pytest.mark.parametrize("crop", [1, 16, 17, 30, 31, 32, 33, 34, 35, 64, 65])
@pytest.mark.parametrize(("height", "width"), [(32, 40), (33, 41), (30, 31), (16, 63)])
def test_the_centre_crop_is_torchvisions(height, width, crop):
    frame = np.random.default_rng(0).integers(1, 256, (height, width, 3), dtype=np.uint8)
    ours = crop_frame(frame, *centre(height, width, crop), crop)
    theirs = center_crop(torch.from_numpy(frame).permute(2, 0, 1), crop).permute(1, 2, 0).numpy()
    assert np.array_equal(ours, theirs)


def test_without_a_crop_the_whole_frame_is_taken():
    frame = np.ones((5, 7, 3), np.uint8)
    assert crop_frame(frame, *centre(5, 7, None), None) is frame


@pytest.mark.parametrize(("place", "top", "left"), [((0, 0), 0, 0), ((1, 1), 14, 24), ((0.5, 0.25), 7, 6)])
def test_a_crop_can_lie_anywhere_in_the_frame(place, top, left, tmp_path):
    picture = cv2.resize(np.random.default_rng(0).integers(0, 256, (3, 4, 3), dtype=np.uint8), (40, 30))
    write_image(tmp_path / "000000.jpg", picture)
    frames = read_batch([Clip(tmp_path, 1, 0, 0, 1, 16, place)]).frames
    expected = read_frame(tmp_path / "000000.jpg")[top : top + 16, left : left + 16]
    assert np.array_equal(frames[0, 0].permute(1, 2, 0).numpy(), expected)


@pytest.mark.parametrize(("start", "length"), [(0, 10), (2, 3), (-5, 8), (7, 8), (-3, 20), (-5, 4), (-5, 5), (10, 3),
                                               (12, 1), (-1, 1)])
def test_a_clip_holds_its_frames_and_black_past_the_ends(start, length, video):
    batch = read_batch([Clip(video, 10, 0, start, length, None)])
    frames, inside = batch.frames[0], batch.inside[0]
    numbers = [t if 0 <= t < 10 else -1 for t in range(start, start + length)]
    assert frames.shape == (length, 3, 30, 40) and frames.dtype == torch.uint8
    assert number_of(frames) == numbers
    assert inside.tolist() == [float(t >= 0) for t in numbers]
    assert not frames[inside == 0].any()


def test_a_clip_does_not_reach_past_what_the_split_says(video):
    batch = read_batch([Clip(video, 8, 0, 4, 6, None)])  # two more lie in the folder
    assert number_of(batch.frames[0]) == [4, 5, 6, 7, -1, -1] and batch.inside.sum() == 4


def test_a_frame_of_another_size_within_a_video_is_named(video):
    write_image(video / "000004.jpg", np.zeros((30, 44, 3), np.uint8))
    assert "000004.jpg differs in size" in complaint(read_batch, [Clip(video, 10, 0, 2, 5, None)])
    batch = read_batch([Clip(video, 10, 0, 2, 5, 16)])  # squares of one size can be cut out of both
    assert number_of(batch.frames[0]) == [2, 3, -1, 5, 6]


def by_the_design(num_frames, clip_len, overlap):
    starts, start = [], -5
    while start < num_frames - overlap:
        starts.append(start)
        start += clip_len - overlap
    return starts or [-5]  # a video so short that even the first start is too late still has frames to score


@pytest.mark.parametrize("overlap", [True, False])
@pytest.mark.parametrize("clip_len", [1, 2, 5, 8, 9, 16, 100])
@pytest.mark.parametrize("num_frames", [1, 2, 7, 8, 45, 46, 100, 101, 237])
def test_clips_lie_as_the_design_says_and_cover_every_frame(num_frames, clip_len, overlap, tmp_path):
    reach = clip_len // 2 if overlap else 0
    videos = [{"video": "a", "num_frames": num_frames}, {"video": "b", "num_frames": 3}]
    places = VideoClips(tmp_path, videos, clip_len, reach, None).places
    starts = [start for video, start in places if video == 0]
    within = [s for s in by_the_design(num_frames, clip_len, reach) if s + clip_len > 0]
    assert starts == within
    covered = {t for start in starts for t in range(start, start + clip_len)}
    assert covered >= set(range(num_frames))
    assert {video for video, _ in places} == {0, 1}


def test_a_batch_keeps_clips_in_order_and_channels_last(video):
    clips = [VideoClips(video.parent, [{"video": video.name, "num_frames": 10}], 8, 4, 20)[i] for i in (1, 0)]
    batch = read_batch(clips)
    assert batch.frames.shape == (2, 8, 3, 20, 20) and batch.starts == [-1, -5] and batch.videos == [0, 0]
    assert batch.targets is None
    assert [number_of(frames) for frames in batch.frames] == [[-1, *range(7)], [-1] * 5 + [0, 1, 2]]
    assert batch.frames.flatten(0, 1).is_contiguous(memory_format=torch.channels_last)


def same(one, other):
    return (torch.equal(one.frames, other.frames) and torch.equal(one.inside, other.inside)
            and one.videos == other.videos and one.starts == other.starts
            and torch.equal(one.targets.labels, other.targets.labels))


@pytest.mark.parametrize("ahead", [True, False])
@pytest.mark.parametrize("workers", [1, 2, 7])
def test_workers_give_the_same_batches_in_the_same_order(workers, ahead, tmp_path):
    dataset, folder = make_dataset(tmp_path, {"train": ["a", "b"]}, num_frames=25, size=(24, 16))
    clips = RandomClips(folder, read_split(dataset, "train"), TargetMaker(["DRIVE", "PASS"], 1), 21, 13, 8, 0.5)
    alone = list(Loader(clips, 2, 0, CPU))
    by_workers = Loader(clips, 2, workers, CPU, ahead=ahead)
    assert len(alone) == len(by_workers) == 7 and len(alone[-1].frames) == 1
    for _ in range(2):
        assert all(same(*pair) for pair in zip(by_workers, alone, strict=True))
    later = list(Loader(clips, 2, workers, CPU, range(4, 13), ahead=ahead))
    assert all(same(*pair) for pair in zip(later, alone[2:], strict=True))


def test_workers_read_ahead_but_no_further_than_they_must(video):
    class Watched:
        asked = []

        def __len__(self):
            return 50

        def __getitem__(self, index):
            self.asked.append(index)
            return Clip(video, 10, 0, index % 10, 1, None)

    batches = iter(Loader(Watched(), 2, 3, CPU))
    first = next(batches)
    ahead = set(range(2 * (1 + 3 + 1)))
    end = time.monotonic() + 60
    while set(Watched.asked) != ahead:  # with nobody asking for more
        assert time.monotonic() < end
        time.sleep(0.01)
    batches.close()  # and none goes on reading
    time.sleep(0.1)
    assert first.starts == [0, 1] and set(Watched.asked) == ahead


@pytest.mark.parametrize(("workers", "ahead"), [(0, True), (1, True), (3, True), (3, False)])
def test_a_workers_error_comes_where_its_batch_is_asked_for(workers, ahead, video):
    (video / "000007.jpg").write_bytes((video / "000007.jpg").read_bytes()[:300])
    clips = VideoClips(video.parent, [{"video": video.name, "num_frames": 10}], 2, 0, None)
    batches = iter(Loader(clips, 1, workers, CPU, ahead=ahead))
    assert [next(batches).starts[0] for _ in range(4)] == [-1, 1, 3, 5]
    with pytest.raises(UserError, match="000007.jpg: frame is broken or cut short"):
        next(batches)


def frames_of(root, video, height, num_frames, fps=None, **record):
    write_image(root / video / "000000.jpg", np.zeros((height, 2 * height, 3), np.uint8))
    if record:
        write_json(root / video / "video.json", record)
    return {"video": video, "num_frames": num_frames} | ({} if fps is None else {"fps": fps})


def test_what_most_frames_have_is_told(tmp_path):
    videos = [
        frames_of(tmp_path, "a", 96, 500, 25.0, options={"height": 96, "fps": 25.0}),
        frames_of(tmp_path, "b", 90, 300, 30.0, options={"height": 96, "fps": None}),
        frames_of(tmp_path, "c", 90, 100, 30.0),
    ]
    assert how_frames_were_made(tmp_path, videos) == {
        "frame_width": 192, "frame_height": 96, "frame_fps": 25.0, "resample_fps": 25.0}
    assert how_frames_were_made(tmp_path, videos[1:]) == {
        "frame_width": 180, "frame_height": 90, "frame_fps": 30.0, "resample_fps": None}


def test_a_rate_that_is_not_known_is_none(tmp_path):
    for fps in (None, -1):
        assert how_frames_were_made(tmp_path, [frames_of(tmp_path, "a", 48, 9, fps)])["frame_fps"] is None


def raw_pictures(number, first=7):
    rng = np.random.default_rng(0)
    return [(first + i, rng.integers(0, 256, (20, 31, 3), dtype=np.uint8)) for i in range(number)]


@pytest.mark.parametrize("crop", [None, 16, 24])
def test_frames_are_cropped_as_extracted_ones_are(tmp_path, crop):
    paths = [tmp_path / "m" / f"{index:06d}.jpg" for index in range(5)]
    for path, (_, picture) in zip(paths, raw_pictures(5), strict=True):
        write_image(path, picture)
    ((first, stretch),) = stretches(enumerate(map(read_frame, paths), 7), crop)
    clip = VideoClips(tmp_path, [{"video": "m", "num_frames": 5}], 15, 0, crop)[0]
    assert first == 7 and torch.equal(stretch, read_batch([clip]).frames[0, 5:10])


def test_stretches_follow_each_other_and_have_few_enough_pixels(monkeypatch):
    monkeypatch.setattr(frames, "STRETCH_PIXELS", 3 * 20 * 31)
    given = raw_pictures(8)
    parts = list(stretches(given, None))
    assert [(first, len(stretch)) for first, stretch in parts] == [(7, 3), (10, 3), (13, 2)]
    joined = torch.cat([stretch for _, stretch in parts])
    assert torch.equal(joined, torch.from_numpy(np.stack([p for _, p in given])).permute(0, 3, 1, 2))
    assert list(stretches([], None)) == []


def test_a_card_is_sent_the_next_batch_while_it_works_on_one_and_waits_for_its_copy(video, monkeypatch):
    """With what stands for a card's streams: what is done, in order."""
    done = []

    class Stream:
        def record_event(self):
            done.append("copied")
            return len([what for what in done if what == "copied"])

        def wait_event(self, event):
            done.append(f"wait for {event}")

    class Tensor(torch.Tensor):
        def record_stream(self, stream):
            done.append("kept")

    def to_card(batch, device):
        assert device.type == "cuda" and streams == [copying]
        return frames.Batch(batch.frames.as_subclass(Tensor), batch.inside, batch.videos, batch.starts)

    copying, working, streams = Stream(), Stream(), []

    @contextlib.contextmanager
    def within(stream):
        streams.append(stream)
        yield
        streams.pop()

    monkeypatch.setattr(torch.cuda, "Stream", lambda card: copying)
    monkeypatch.setattr(torch.cuda, "stream", within)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda card: working)
    monkeypatch.setattr(torch.Tensor, "record_stream", lambda tensor, stream: None)
    monkeypatch.setattr(frames, "to_device", to_card)
    monkeypatch.setattr(frames, "read_batch", lambda clips, pin, each: read_batch(clips))  # no card pins memory
    clips = [Clip(video, 10, 0, start, 2, None) for start in (0, 2, 4)]
    for batch in Loader(clips, 1, 0, torch.device("cuda")):
        done.append(f"work on {batch.starts[0]}")
    assert done == ["copied", "copied", "wait for 1", "kept", "work on 0",
                    "copied", "wait for 2", "kept", "work on 2", "wait for 3", "kept", "work on 4"]


@pytest.mark.parametrize("crop", [None, 20, 31, 40, 60])
def test_stretches_are_cropped_as_frames_are(crop):
    pictures = np.random.default_rng(0).integers(0, 256, (3, 31, 50, 3), dtype=np.uint8)
    (_, cropped), = stretches(enumerate(pictures), crop)
    (_, whole), = stretches(enumerate(pictures), None)
    assert torch.equal(crop_stretch(whole, crop), cropped)
