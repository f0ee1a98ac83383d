"""Scores of whole videos from clips, against the mean over clips written as a loop."""

import numpy as np
import pytest
import torch
from conftest import complaint, write_image
from test_streaming import open_gates

from dataset.frames import VideoClips, load_stretches
from dataset.jpeg import read_frame
from model.architecture import Architecture
from model.device import move, pick_precision
from model.inference import frame_scores, head_overlap, score_clips, score_stretches, score_videos
from model.spotter import EventSpotter
from util.batch import Batch, Outputs

CPU = torch.device("cpu")
VIDEOS = [{"video": "a/x_1", "num_frames": 23}, {"video": "b", "num_frames": 3}]


class Counting(torch.nn.Module):
    """Logits from a frame's first pixel, its place in the clip and the clip: they differ from clip to clip."""

    architecture, device = Architecture("rny002", "", 2), torch.device("cpu")

    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(()))

    def forward(self, frames, inside):
        value = frames[:, :, :, 0, 0].float() / 20
        place = torch.arange(frames.shape[1])[:, None] / 10
        wrong = torch.full_like(value, 99.0)
        answer = value + place * torch.tensor([1.0, -1, 0.5]) * inside[..., None]
        return Outputs(self.scale * torch.stack([wrong, answer]))


def make_clip(video, start, length):
    """Frames uint8 (T, 3, 1, 1) whose colour tells video and frame; black past the ends."""
    frames, inside = torch.zeros(length, 3, 1, 1, dtype=torch.uint8), torch.zeros(length)
    for t in range(length):
        if 0 <= start + t < VIDEOS[video]["num_frames"]:
            frames[t, :, 0, 0] = torch.tensor([start + t, 50 * video, 7 * (start + t) % 31])
            inside[t] = 1
    return frames, inside


def to_batches(places, length, size):
    for i in range(0, len(places), size):
        clips = [make_clip(*place, length) for place in places[i : i + size]]
        frames, inside = (torch.stack(part) for part in zip(*clips, strict=True))
        yield Batch(frames, inside, *map(list, zip(*places[i : i + size], strict=True)))


def slow_scores(places, length):
    seen = {(v, t): [] for v, entry in enumerate(VIDEOS) for t in range(entry["num_frames"])}
    for video, start in places:
        frames, inside = make_clip(video, start, length)
        shares = Counting()(frames[None], inside[None]).logits[-1, 0].softmax(-1).detach()
        for t in range(length):
            if (video, start + t) in seen:
                seen[video, start + t].append(shares[t].numpy())
    return {entry["video"]: np.stack([np.mean(seen[v, t], 0) for t in range(entry["num_frames"])])
            for v, entry in enumerate(VIDEOS)}


@pytest.mark.parametrize("overlap", [0, 4])
def test_scores_are_the_mean_of_the_last_stages_softmax_over_all_clips_that_hold_a_frame(overlap, tmp_path):
    places = VideoClips(tmp_path, VIDEOS, 8, overlap, None).places
    expected = slow_scores(places, 8)
    for order, size in ((places, 2), (places[::-1], 3), (places[3:] + places[:3], 1)):
        scores = score_clips(Counting(), to_batches(order, 8, size), VIDEOS)
        assert list(scores) == ["a/x_1", "b"]
        for video, value in scores.items():
            assert value.dtype == np.float32
            np.testing.assert_allclose(value, expected[video], atol=1e-6)


def test_videos_in_stretches_from_files_have_the_scores_that_each_has_by_itself(tmp_path, monkeypatch):
    monkeypatch.setattr("dataset.frames.STRETCH_PIXELS", 7 * 32 * 32)
    torch.manual_seed(0)
    videos = [{"video": f"cup/{name}", "num_frames": count} for name, count in (("a_1", 23), ("a_2", 7), ("b_1", 16))]
    rng = np.random.default_rng(0)
    for video in videos:
        for number in range(video["num_frames"]):
            write_image(tmp_path / video["video"] / f"{number:06d}.jpg", rng.integers(0, 256, (40, 32, 3), np.uint8))
    spotter = EventSpotter(Architecture("rny002_gsm", "gru", 2))
    open_gates(spotter)
    device = torch.device("cpu")
    together = score_videos(spotter, load_stretches(tmp_path, videos, 32, 2, device), videos, 8, 4)
    assert list(together) == [video["video"] for video in videos]
    for video in videos:
        frames = [read_frame(tmp_path / video["video"] / f"{n:06d}.jpg")[4:36] for n in range(video["num_frames"])]
        whole = torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2)
        alone = np.concatenate(list(score_stretches(spotter.eval(), [whole], 8, 4)))
        assert np.ptp(alone, axis=0).max() > 0.005  # frames do differ
        np.testing.assert_allclose(together[video["video"]], alone, atol=1e-4)


def test_cudnn_stays_as_it_is_while_videos_are_scored_and_tries_no_algorithms(monkeypatch):
    seen = []

    def stretches():
        for start in (0, 3):
            cudnn = torch.backends.cudnn
            seen.append((cudnn.enabled, cudnn.benchmark, cudnn.allow_tf32))
            yield Batch(torch.zeros(1, 3, 3, 32, 32, dtype=torch.uint8), torch.ones(1, 3), [0], [start])

    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", torch.backends.cudnn.allow_tf32)
    assert pick_precision("float32", torch.device("cuda")) == torch.float32
    spotter = EventSpotter(Architecture("rny002", "", 2))
    score_videos(spotter, stretches(), [{"video": "a", "num_frames": 6}], 4, 2)
    assert seen == [(True, False, False)] * 2 and torch.backends.cudnn.benchmark


@pytest.mark.parametrize("arch", ["rny002_gsm", "rn18_tsm"])
def test_half_precisions_give_nearly_the_scores_of_the_full_one(arch):
    torch.manual_seed(0)
    spotter = EventSpotter(Architecture(arch, "gru", 2))
    stretch = Batch(torch.randint(256, (1, 6, 3, 32, 32), dtype=torch.uint8), torch.ones(1, 6), [0], [0])
    scores = {}
    for dtype in (torch.float32, torch.bfloat16, torch.float16):
        move(spotter, CPU, dtype)
        scores[dtype] = score_videos(spotter, [stretch], [{"video": "a", "num_frames": 6}], 4, 2)["a"]
    for half in (torch.bfloat16, torch.float16):
        assert 0 < np.abs(scores[half] - scores[torch.float32]).max() < 0.01


def test_scoring_neither_trains_nor_keeps_gradients(tmp_path):
    model = Counting().train()
    places = VideoClips(tmp_path, VIDEOS, 8, 4, None).places
    score_clips(model, to_batches(places, 8, 2), VIDEOS)
    assert not model.training


def test_scores_go_to_the_frame_of_their_event_and_the_highest_of_each_class_stays():
    torch.manual_seed(0)
    logits, displacement = torch.randn(1, 3, 9, 4), 3 * torch.randn(3, 9)
    expected = torch.zeros(3, 9, 5)
    for clip, scores in enumerate(logits[0].softmax(-1)):
        for t in range(9):
            place = min(max(t - round(displacement[clip, t].item()), 0), 8)
            expected[clip, place, :4] = torch.maximum(expected[clip, place, :4], scores[t])
            expected[clip, place, 4] = 1
    assert (expected[..., 4] == 0).any()
    torch.testing.assert_close(frame_scores(Outputs(logits, displacement)), expected)
    expected[..., 4] = 1  # a frame of a whole video is given a score by each window of the head that holds it
    torch.testing.assert_close(frame_scores(Outputs(logits, displacement), by_clip=True), expected)


@pytest.mark.parametrize(("head", "windows"), [("gru", 4), ("ed_sgp_mixer", 8)])
def test_a_frame_of_a_whole_video_is_in_more_windows_where_the_head_knows_the_places_in_them(head, windows):
    spotter = EventSpotter(Architecture("rny002", head, 1, clip_len=16))
    assert 16 - head_overlap(spotter) == 16 // windows


class Undecided(torch.nn.Module):
    """A head that sees its event on frame 6 of the video, but in every second window on frame 7."""

    calls = 0

    def forward(self, windows):
        logits, displacement = torch.zeros(1, *windows.shape[:2], 2), torch.zeros(windows.shape[:2])
        for number, window in enumerate(windows):
            logits[0, number, :, 1] = torch.where(window[:, 0] == 6, 10.0, -10.0)
            displacement[number] = -1.0 * ((self.calls + number) % 2)
        self.calls += len(windows)
        return Outputs(logits, displacement)


def test_a_frame_on_which_one_window_of_two_puts_an_event_scores_half():
    spotter = EventSpotter(Architecture("rny002", "gru", 1, clip_len=4, radi_displacement=1)).eval()
    spotter.backbone.open_stream = None  # features are the frames' numbers
    spotter.backbone.stream = lambda stretches: (torch.arange(12.0)[:, None] for _ in stretches)
    spotter.head = Undecided()
    scores = np.concatenate(list(score_stretches(spotter, [torch.zeros(12, 3, 8, 8, dtype=torch.uint8)], 4, 2)))
    assert scores[6:8, 1] == pytest.approx(0.5, abs=1e-3)


class OneFrameLate(Counting):
    """Each frame says that its event was the frame before."""

    def forward(self, frames, inside):
        outputs = super().forward(frames, inside)
        return Outputs(outputs.logits, torch.ones(frames.shape[:2]))


def test_over_clips_the_mean_is_of_those_that_put_something_there():
    places = [(1, 0), (1, 2)]  # frames 0, 1 and 2 of the video; the second clip puts nothing on its last frame
    scores = score_clips(OneFrameLate(), to_batches(places, 2, 2), [{"video": "a", "num_frames": 1}, VIDEOS[1]])["b"]
    first, second = (Counting()(*(x[None] for x in make_clip(1, start, 2))).logits[-1, 0].softmax(-1).detach()
                     for start in (0, 2))
    np.testing.assert_allclose(scores[0], torch.maximum(first[0], first[1]), rtol=1e-6)
    assert (scores[1] == 0).all()  # nobody put anything there
    np.testing.assert_allclose(scores[2], torch.maximum(second[0], second[1]), rtol=1e-6)


@pytest.mark.parametrize("of", ["head.classify.weight", "head.further.displacement.bias"])
def test_scores_that_are_no_numbers_end_in_a_line(of):
    spotter = EventSpotter(Architecture("rny002", "gru", 2, radi_displacement=2)).eval()
    spotter.get_parameter(of).data.fill_(3e38 if "weight" in of else torch.inf)  # finite, but too large to be used
    if "weight" in of:
        spotter.head.classify.bias.data.fill_(3e38)
        spotter.head.gru.bias_hh_l0.data.fill_(10)
    frames = torch.randint(256, (9, 3, 32, 32), dtype=torch.uint8)
    message = "the network's scores are no numbers"
    assert message in complaint(lambda: list(score_stretches(spotter, [frames], 8, 4)))
    batch = Batch(frames[None], torch.ones(1, 9), [0], [0])
    assert message in complaint(score_clips, spotter, [batch], [{"video": "a", "num_frames": 9}])


class Sided(Counting):
    """Tells sides: the further into its clip a frame is, the more it is the right one's."""

    architecture = Architecture("rny002", "", 2, event_team=True)

    def forward(self, frames, inside):
        place = torch.arange(frames.shape[1]).float().expand(frames.shape[:2])
        return Outputs(super().forward(frames, inside).logits, team=place - 2)


def test_parts_of_the_sides_are_the_mean_over_clips_too_and_add_up_to_the_scores():
    places = [(0, start) for start in range(0, 23, 4)]
    both, alone = (score_clips(model, to_batches(places, 8, 2), VIDEOS[:1])["a/x_1"] for model in (Sided(), Counting()))
    assert both.shape == (23, 3, 2) and both.dtype == np.float32
    np.testing.assert_allclose(both.sum(-1), alone, atol=1e-6)
    shares = [Counting()(*(x[None] for x in make_clip(*place, 8))).logits[-1, 0].softmax(-1).detach().numpy()
              for place in places[:2]]  # frame 5 is in two clips
    right = [1 / (1 + np.exp(2 - (5 - start))) for _, start in places[:2]]
    expected = (right[0] * shares[0][5] + right[1] * shares[1][1]) / 2
    np.testing.assert_allclose(both[5, :, 1], expected, atol=1e-6)


@pytest.mark.parametrize("radius", [0, 2])
def test_whole_videos_have_the_parts_of_the_sides_by_windows(radius):
    torch.manual_seed(0)
    spotter = EventSpotter(Architecture("rny002", "gru", 2, event_team=True, radi_displacement=radius)).eval()
    frames = torch.randint(256, (21, 3, 32, 32), dtype=torch.uint8)
    both = np.concatenate(list(score_stretches(spotter, frames.split(5), 8, 4)))
    assert both.shape == (21, 3, 2) and 0 < np.ptp(both[..., 1] / both.sum(-1).clip(1e-9)) < 1
    team = spotter.head.further.pop("team")
    alone = np.concatenate(list(score_stretches(spotter, frames.split(5), 8, 4)))
    np.testing.assert_allclose(both.sum(-1), alone, atol=1e-6)
    torch.nn.init.zeros_(team.weight)
    torch.nn.init.constant_(team.bias, 1.0)
    spotter.head.further["team"] = team  # the same side everywhere
    fixed = np.concatenate(list(score_stretches(spotter, frames.split(5), 8, 4)))
    np.testing.assert_allclose(fixed[..., 1], alone / (1 + np.exp(-1)), atol=1e-6)
