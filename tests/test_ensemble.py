"""Ensembles and mirrored frames: the mean of models' scores, against literal loops and through test_e2e.py."""

import shutil

import numpy as np
import pytest
import torch
from conftest import complaint, run_here, user_error, write_video

import eval as eval_script
import spot_video
import test_e2e
import view
from evaluation.report import evaluate
from evaluation.rule import Given, Predicted, choose_rule
from footage.raw_videos import Frames
from model.folder import load_model
from model.inference import mirrored, with_mirrored
from spotting import whole_videos
from util.ensemble import Member, average_scores, ensemble_weights, own_classes
from util.events import predicted_events
from util.io import read_json, write_json
from util.predictions import best_epoch, prediction_prefix, save_predictions

OPTIONS = ["--device", "cpu", "-j", 0]


def average_literally(scores, members, classes, weights):
    out = np.zeros((len(scores[0]), 1 + len(classes)))
    for t in range(len(out)):
        for table, own, weight in zip(scores, members, weights, strict=True):
            for i, score in enumerate(table[t]):
                name = own[i - 1] if i else None
                common = name in classes and all(name in other for other in members)
                out[t, 1 + classes.index(name) if common else 0] += weight * float(score) / sum(weights)
    return out


def weighted(members, weights):
    return [Member(None, None, own, weight) for own, weight in zip(members, weights, strict=True)]


def test_the_mean_is_taken_by_name_over_the_classes_that_all_know():
    rng = np.random.default_rng(0)
    members, classes = [["PASS", "DRIVE"], ["SHOT", "DRIVE", "PASS", "OUT"]], ["DRIVE", "SHOT", "PASS"]
    scores = [rng.dirichlet(np.ones(len(own) + 1), 50).astype(np.float32) for own in members]
    for weights in ([1, 1], [0.3, 2.5], [0, 1]):
        found = average_scores(scores, weighted(members, weights), classes)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, average_literally(scores, members, classes, weights), rtol=1e-6)
        assert not found[:, 2].any()  # SHOT, which one does not know
        np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-6)


def test_equal_scores_have_themselves_as_mean_whatever_the_weights():
    one = np.random.default_rng(1).random((40, 3)).astype(np.float32)
    for weights in ([1, 1, 1], [0.1, 0.2, 0.7]):
        assert np.array_equal(average_scores([one] * 3, weighted([["A", "B"]] * 3, weights), ["A", "B"]), one)


def test_sides_stay_where_all_tell_them():
    rng = np.random.default_rng(2)
    by_side, both = rng.random((2, 5, 3, 2)).astype(np.float32), weighted([["A", "B"]] * 2, [1, 1])
    assert average_scores(list(by_side), both, ["A", "B"]).shape == (5, 3, 2)
    assert average_scores([by_side[0], by_side[1].sum(-1)], both, ["A", "B"]).shape == (5, 3)


@pytest.mark.parametrize("given", [[1.0], [1.0, 2.0, 3.0], [0.0, 0.0]])
def test_weights_that_are_not_one_for_each_or_all_0_are_refused(given):
    assert "--ensemble_weights" in complaint(ensemble_weights, given, 2)


def test_a_model_of_unnamed_classes_must_have_as_many_as_the_dataset(tmp_path):
    assert own_classes(None, 2, ["A", "B"], tmp_path) == ["A", "B"]
    assert str(tmp_path) in complaint(own_classes, None, 3, ["A", "B"], tmp_path)


def test_a_mirror_turns_frames_flow_and_sides_about():
    frames = torch.randint(0, 256, (2, 3, 4, 5), dtype=torch.uint8)
    assert torch.equal(mirrored(frames, "rgb"), frames.flip(-1))
    flow = mirrored(frames, "flow")
    assert torch.equal(flow[:, :2], frames[:, :2].flip(-1)) and torch.equal(flow[:, 2], 255 - frames[:, 2].flip(-1))
    sides = np.array([[[0.2, 0.6]]], np.float32)
    np.testing.assert_allclose(with_mirrored(sides, sides[..., ::-1]), sides)


@pytest.fixture(scope="module")
def other(trained, tmp_path_factory):
    """A second model folder: the first one's newest epoch, its classes in another order and its head with them."""
    folder = tmp_path_factory.mktemp("other") / "out_b"
    folder.mkdir()
    model, newest = trained[0], max(trained[0].glob("checkpoint_*.pt"))
    state = torch.load(newest, weights_only=True)
    order = torch.tensor([0, 2, 1])
    for key in [key for key, value in state.items() if key.startswith("head.classify") and len(value) == 3]:
        state[key] = state[key][order] + 0.1
    torch.save(state, folder / newest.name)
    config = read_json(model / "config.json")
    write_json(folder / "config.json", {**config, "classes": config["classes"][::-1]})
    return folder


def scores_of(prefix, *args):
    done = run_here(test_e2e, *args, "--save_as", prefix, *OPTIONS)
    assert done.returncode == 0, done.stderr
    return np.array(read_json(f"{prefix}.score.json.gz")["cup/c_1"]), done.stdout


def test_several_models_give_the_mean_of_what_each_gives_alone(trained, other, tiny, tmp_path):
    model, frames, best = trained[0], tiny[1], best_epoch(trained[0])
    reordered = tmp_path / "data"
    shutil.copytree(tiny[0], reordered)
    (reordered / "class.txt").write_text("PASS\nDRIVE\n", encoding="utf-8")
    one, _ = scores_of(tmp_path / "a", model / f"checkpoint_{best:03d}.pt", frames, "-s", "test")
    two, _ = scores_of(tmp_path / "b", other, frames, "-s", "test", "-d", reordered)
    both, out = scores_of(tmp_path / "c", model, frames, "-s", "test", "--with", other, "--ensemble_weights", 1, 3)
    np.testing.assert_allclose(both, (one + 3 * two[:, [0, 2, 1]]) / 4, atol=2e-6)
    assert str(other) in out and "of epoch" in out  # out_b has no val predictions to choose the threshold on
    assert np.abs(one - two[:, [0, 2, 1]]).max() > 1e-3


@pytest.mark.parametrize("inference", ["video", "clips"])
def test_flip_gives_the_mean_with_mirrored_frames(trained, tiny, tmp_path, inference):
    from PIL import Image

    model, how = trained[0], ["-s", "test", "--inference", inference, "--precision", "float32"]
    alone, _ = scores_of(tmp_path / "a", model, tiny[1], *how)
    both, _ = scores_of(tmp_path / "b", model, tiny[1], *how, "--flip")
    for path in sorted((tiny[1] / "cup" / "c_1").glob("*.jpg")):
        (tmp_path / "frames" / "cup" / "c_1").mkdir(parents=True, exist_ok=True)
        turned = Image.open(path).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        turned.save(tmp_path / "frames" / "cup" / "c_1" / path.name, quality=100, subsampling=0)
    turned, _ = scores_of(tmp_path / "c", model, tmp_path / "frames", *how)
    assert np.abs(both - alone).max() > 1e-4
    np.testing.assert_allclose(both, (alone + turned) / 2, atol=5e-3)  # JPEG loses a little


def test_saved_predictions_are_named_for_all_models_and_leave_those_of_one_alone(trained, other, tiny, tmp_path):
    model = shutil.copytree(trained[0], tmp_path / "out")
    best, newest = best_epoch(model), int(max(other.glob("*.pt")).stem[-3:])
    before = {path.name: path.read_bytes() for path in model.iterdir()}
    for options in (["--flip"], ["--with", other]):
        assert run_here(test_e2e, model, tiny[1], "-s", "test", "--save", *options, *OPTIONS).returncode == 0
    new = {path.name for path in model.iterdir()} - before.keys()
    tags = ("+flip", f"+out_b-{newest}")
    assert new == {f"pred-test.epoch{best:02d}{tag}{kind}" for tag in tags
                   for kind in (".json", ".recall.json.gz", ".score.json.gz")}
    assert all((model / name).read_bytes() == content for name, content in before.items())


def test_wrong_weights_and_models_are_one_line(trained, tiny, tmp_path):
    def refused(*args):
        return user_error(run_here(test_e2e, trained[0], tiny[1], "-s", "test", *args, *OPTIONS))

    assert "must be 2 numbers" in refused("--with", trained[0], "--ensemble_weights", 1)
    assert "nowhere" in refused("--with", tmp_path / "nowhere")
    assert "checkpoint_099.pt" in refused("--with", trained[0] / "checkpoint_099.pt")


SPLITS = {"val": ["cup/b_1"], "test": ["cup/c_1", "cup/c_2"]}
ORDERS = {"out_a": ["DRIVE", "PASS"], "out_b": ["PASS", "DRIVE"]}


@pytest.fixture
def saved(tmp_path):
    """Two model folders with scores of a dataset, of 200 frames to a video, their classes in other orders; its truth,
    and the scores of each with the dataset's classes, both by split."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "class.txt").write_text("DRIVE\nPASS\n", encoding="utf-8")
    rng, truth, scores = np.random.default_rng(3), {}, {}
    for split, videos in SPLITS.items():
        events = [{"frame": int(t), "label": "PASS" if t % 2 else "DRIVE"} for t in range(5, 200, 13)]
        truth[split] = [{"video": name, "num_frames": 200, "num_events": len(events), "fps": 25.0, "events": events}
                        for name in videos]
        write_json(tmp_path / "data" / f"{split}.json", truth[split])
        for folder, order in ORDERS.items():
            own = {name: rng.dirichlet([8, 1, 1], 200).astype(np.float32).round(4) for name in videos}
            for table in own.values():
                table[[e["frame"] for e in events], [1 + order.index(e["label"]) for e in events]] += 0.1
            save_predictions(prediction_prefix(tmp_path / folder, split, 1), truth[split], own, order)
            by_name = [0, *(1 + order.index(name) for name in ORDERS["out_a"])]
            scores[split, folder] = {name: table[:, by_name] for name, table in own.items()}
    for folder, order in ORDERS.items():
        write_json(tmp_path / folder / "config.json", {"dataset": str(tmp_path / "data"), "classes": order})
    return tmp_path, truth, scores


def test_eval_scores_the_mean_of_saved_scores_with_the_threshold_of_their_mean_on_val(saved):
    folder, truth, scores = saved
    pictures = folder / "out_a" / "pred-test.epoch01.pr.png"
    pictures.write_bytes(b"of out_a alone")
    mean = {split: {v: (scores[split, "out_a"][v] + 3 * scores[split, "out_b"][v]) / 4 for v in SPLITS[split]}
            for split in SPLITS}
    predicted = {split: predicted_events(truth[split], mean[split]) for split in SPLITS}
    threshold = choose_rule(Predicted(truth["val"], predicted["val"], ""), ORDERS["out_a"]).threshold
    expected = evaluate(truth["test"], predicted["test"], ORDERS["out_a"]).as_json()
    for other in ("out_b", "out_b/pred-test.epoch01.score.json.gz"):
        done = run_here(eval_script, "-s", "test", folder / "out_a", "--with", folder / other, "--ensemble_weights", 1,
                        3, "--timelines", 0, "--json", folder / "found.json")
        assert done.returncode == 0, done.stderr
        found = read_json(folder / "found.json")
        assert "mean scores of 2 models" in done.stdout
        assert found["threshold"] == pytest.approx(threshold, abs=1e-5)
        assert found["mAP"]["nms"] == pytest.approx(expected["mAP"]["nms"], abs=1e-4)
        assert [model["weight"] for model in found["mean_of"]] == [1, 3]
    assert pictures.read_bytes() == b"of out_a alone"
    assert (folder / "out_a" / "pred-test.epoch01+out_b-1.pr.png").is_file()
    compared = run_here(eval_script, "-s", "test", folder / "out_a", folder / "out_a", "--with", folder / "out_b",
                        "--json", folder / "table.json")
    assert compared.returncode == 0, compared.stderr
    assert len(read_json(folder / "table.json")["models"]) == 2


def test_scores_that_eval_cannot_average_are_one_line(saved):
    folder, _, _ = saved
    first = ["-s", "test", folder / "out_a"]
    (folder / "out_b" / "pred-test.epoch01.score.json.gz").unlink()
    assert "pred-test.epoch01.score.json.gz" in user_error(run_here(eval_script, *first, "--with", folder / "out_b"))
    val = folder / "out_b" / "pred-val.epoch01.score.json.gz"
    assert "no scores of video cup/c_1" in user_error(run_here(eval_script, *first, "--with", val))
    assert "must be 2 numbers" in user_error(
        run_here(eval_script, *first, "--with", folder / "out_a", "--ensemble_weights", 1))


def test_a_raw_video_is_scored_by_the_mean_of_models_each_on_frames_of_its_own_height(trained, other, tmp_path):
    video = write_video(tmp_path / "cup_1.mp4", 40)
    taller = shutil.copytree(other, tmp_path / "out_c")
    write_json(taller / "config.json", {**read_json(taller / "config.json"), "frame_height": 64})
    first, second = (load_model(folder, "cpu") for folder in (trained[0], taller))

    def scores_by(model, **options):
        ready = whole_videos.settle(model, given=Given(threshold=0.5), **options)
        start, scores = whole_videos.score(ready, Frames(video, ready.options, start=0.4), None, "cup_1")
        assert (start, ready.classes) == (10, list(model.config.classes))
        return scores

    both = scores_by(first, others=[second], weights=[1, 3])
    one, two = scores_by(first), scores_by(second)[:, [0, 2, 1]]
    assert len(both) == 30 and np.abs(one - two).max() > 1e-3
    np.testing.assert_allclose(both, (one + 3 * two) / 4, atol=1e-6)


def test_models_of_one_height_share_the_decoding_each_with_its_own_crop(trained, other, tmp_path, monkeypatch):
    video = write_video(tmp_path / "cup_1.mp4", 40)
    small = shutil.copytree(other, tmp_path / "out_d")
    write_json(small / "config.json", {**read_json(small / "config.json"), "crop_dim": 32})
    first, second = (load_model(folder, "cpu") for folder in (trained[0], small))
    first, second, both = (whole_videos.settle(model, given=Given(threshold=0.5), others=others)
                           for model, others in ((first, ()), (second, ()), (first, [second])))
    one, two = (whole_videos.score(each, Frames(video, each.options), None, "cup_1")[1] for each in (first, second))
    opened = []
    monkeypatch.setattr(Frames, "_read", lambda *args, read=Frames._read: opened.append(1) or read(*args))
    together = whole_videos.score(both, Frames(video, both.options), None, "cup_1")[1]
    assert len(opened) == 1
    np.testing.assert_allclose(together, (one + two[:, [0, 2, 1]]) / 2, atol=1e-6)


def test_spot_video_takes_models_of_one_rate_and_the_threshold_of_their_mean(trained, other, tmp_path):
    video, data = write_video(tmp_path / "cup_1.mp4", 40), tmp_path / "found"
    again = shutil.copytree(trained[0], tmp_path / "out_c")
    done = run_here(spot_video, trained[0], video, "--output", data, "--device", "cpu", "--with", again)
    assert done.returncode == 0, done.stderr
    assert "mean scores of 2 models" in done.stdout and (data / "cup_1.events.json").is_file()
    config = read_json(again / "config.json")
    write_json(again / "config.json", {**config, "resample_fps": 12.5})
    refused = user_error(run_here(spot_video, trained[0], video, "--device", "cpu", "--with", again))
    assert "12.5" in refused and "--fps" in refused
    assert not (tmp_path / "cup_1.events.json").exists()


def test_view_shows_the_mean_beside_the_first_model(saved, monkeypatch):
    folder, truth, scores = saved
    arguments = [folder / "out_a", folder / "Frames", "-s", "test", "--with", folder / "out_b"]
    monkeypatch.setattr("sys.argv", ["view.py", *map(str, arguments)])
    for name in SPLITS["test"]:
        (folder / "Frames" / name).mkdir(parents=True)
        for t in range(200):
            (folder / "Frames" / name / f"{t:06d}.jpg").touch()
    alone, mean = view.open_session(view.parse_args()).models
    assert mean.name == "mean of out_a, out_b" and "mean scores of 2 models" in mean.rule.source
    both = (scores["test", "out_a"]["cup/c_1"] + scores["test", "out_b"]["cup/c_1"]) / 2
    np.testing.assert_allclose(mean.curves("cup/c_1") / 65535, both[:, 1:].T.clip(0, 1), atol=2e-5)
    assert alone.name == "out_a" and len(mean.predicted) > 0
