"""eval.py as a user runs it: tables, JSON, picture, and what it says to bad input."""

import json

import numpy as np
import pytest
from conftest import read_image, run_here, run_script, user_error

import eval as eval_script
from evaluation.report import evaluate
from util.io import read_json, write_json
from util.predictions import prediction_prefix, read_predictions, save_predictions

CLASSES = ["DRIVE", "PASS"]
NUM_FRAMES = 300


@pytest.fixture
def model(tmp_path):
    """A model folder with predictions of epochs 1 and 2 for val and test, and its dataset."""
    data, folder = tmp_path / "data", tmp_path / "out"
    data.mkdir()
    (data / "class.txt").write_text("DRIVE\nPASS\n", encoding="utf-8")
    rng = np.random.default_rng(0)
    for split, videos in {"val": ["cup/d_1", "cup/d_2"], "test": ["cup/a_1", "cup/a_2"]}.items():
        truth = [make_truth(rng, video) for video in videos]
        write_json(data / f"{split}.json", truth)
        for epoch in (1, 2):
            scores = {entry["video"]: make_scores(rng, entry, blur=epoch) for entry in truth}
            save_predictions(prediction_prefix(folder, split, epoch), truth, scores, CLASSES)
    write_json(folder / "config.json", {"dataset": f"{data.as_posix()}", "num_classes": 2})
    rows = [{"epoch": e, "train": 1.0, "val": 1.0, "val_mAP": m} for e, m in enumerate((0.0, 0.7, 0.6))]
    write_json(folder / "loss.json", rows)
    return folder


def make_truth(rng, video):
    frames = np.sort(rng.choice(NUM_FRAMES, 20, replace=False)).tolist()
    events = [{"frame": frame, "label": CLASSES[rng.integers(2)]} for frame in frames]
    return {"video": video, "num_frames": NUM_FRAMES, "num_events": 20, "fps": 25.0, "events": events}


def make_scores(rng, entry, blur):
    """float32 (num_frames, 3): the truth, off by some frames, in noise."""
    logits = rng.normal(0, 1, (NUM_FRAMES, 3))
    logits[:, 0] += 3
    for event in entry["events"]:
        frame = int(np.clip(event["frame"] + rng.integers(-blur, blur + 1), 0, NUM_FRAMES - 1))
        logits[frame, 1 + CLASSES.index(event["label"])] += rng.normal(5, 2)
    scores = np.exp(logits)
    return (scores / scores.sum(axis=1, keepdims=True)).astype(np.float32)


def scored(*args):
    """Run eval.py with no picture of a video, which takes a second."""
    done = run_here(eval_script, *args, "--timelines", 0)
    assert done.returncode == 0, done.stderr
    return done


def complaint(*args):
    return user_error(run_here(eval_script, *args))


def test_a_model_folder_gives_tables_a_picture_and_json_of_its_best_epoch(model, tmp_path):
    out = run_script("eval.py", "-s", "test", f"{model}/", "--json", tmp_path / "results.json").stdout
    results = read_json(tmp_path / "results.json")
    assert out.isascii()
    assert "pred-test.epoch01.recall.json.gz" in out
    assert f"{100 * results['mean_mAP']['nms']:.2f}" in out
    truth = read_json(model.parent / "data" / "test.json")
    predicted = read_predictions(model / "pred-test.epoch01.recall.json.gz", truth, CLASSES)
    assert results["no_nms"] == evaluate(truth, predicted, CLASSES).as_json()["no_nms"]
    assert list(results["nms"]) == list(results["f1"]) == ["0", "1", "2", "4"]
    assert list(results["nms"]["0"]) == ["DRIVE", "PASS", "mAP"]
    assert list(results["f1"]["4"]) == ["DRIVE", "PASS", "all"]
    assert list(results["f1"]["4"]["all"]) == ["precision", "recall", "f1", "tp", "fp", "fn"]
    about = {key: results[key] for key in ("split", "epoch", "nms_window", "dataset")}
    assert about == {
        "split": "test", "epoch": 1, "nms_window": 1, "dataset": (model.parent / "data").as_posix()
    }
    for kind in ("pr", "confusion", "offsets"):
        assert read_image(model / f"pred-test.epoch01.{kind}.png").shape[0] > 300
    for video in ("cup/a_1", "cup/a_2"):
        assert read_image(model / "pred-test.epoch01.timelines" / f"{video}.png").shape[0] > 150


def test_the_threshold_comes_from_val_and_not_from_the_split_reported(model, tmp_path):
    def threshold(*args):
        out = scored("-s", *args, "--json", tmp_path / "r.json").stdout
        return read_json(tmp_path / "r.json")["threshold"], out

    chosen, out = threshold("test", model)
    assert "chosen on val (pred-val.epoch01.recall.json.gz)" in out
    swapped = model / "pred-test.epoch01.recall.json.gz"
    write_json(swapped, [{**video, "events": video["events"][::3]} for video in read_json(swapped)])
    assert threshold("test", model)[0] == chosen != 0.5
    assert threshold("test", model, "--threshold", "0.25")[0] == 0.25
    fixed, out = threshold("val", model)
    assert fixed == 0.5 and "precision, recall and F1 do not compare with those of a split" in out
    for path in model.glob("pred-val.*.json*"):
        path.unlink()
    fixed, out = threshold("test", model)
    assert fixed == 0.5
    assert "test_e2e.py" in out
    assert "-s val --save" in out


def test_no_more_timelines_are_drawn_than_asked_for_and_that_is_said(model):
    out = run_here(eval_script, "-s", "test", model, "--timelines", 1).stdout
    assert "the first 1 of 2 videos; --timelines N draws more" in out
    drawn = model / "pred-test.epoch01.timelines" / "cup"
    assert [path.name for path in drawn.iterdir()] == ["a_1.png"]
    assert "Along time" not in run_here(eval_script, "-s", "val", model, "--timelines", 0).stdout
    assert not (model / "pred-val.epoch01.timelines").exists()


def test_a_file_of_either_kind_or_old_name_is_scored_with_a_dataset_given(model, tmp_path):
    data = model.parent / "data"
    for kind in (".json", ".recall.json.gz"):
        old = tmp_path / "old" / f"pred-test.41{kind}"
        write_json(old, read_json(model / f"pred-test.epoch01{kind}"))
        results = tmp_path / "r.json"
        scored("-s", "test", old, "-d", data, "-t", 2, "--nms_window", 0, "--json", results)
        assert read_json(results)["epoch"] == 41
        assert list(read_json(results)["no_nms"]) == ["2"]
        assert read_json(results)["no_nms"] == read_json(results)["nms"]
    assert (tmp_path / "old" / "pred-test.41.pr.png").is_file()
    named_by_hand = tmp_path / "mine.json"
    write_json(named_by_hand, read_json(model / "pred-test.epoch01.json"))
    out = scored("-s", "test", named_by_hand, "-d", data).stdout
    assert "has no epoch" in out
    assert (tmp_path / "mine.pr.png").is_file()


def test_soft_nms_is_another_suppression_for_the_tables_and_the_threshold(model, tmp_path):
    def results(*options):
        out = scored("-s", "test", model, "--json", tmp_path / "r.json", *options).stdout
        return read_json(tmp_path / "r.json"), out

    hard, out = results("--nms_window", 5)
    assert "after NMS, window 5" in out and not hard["soft_nms"]
    soft, out = results("--soft_nms", 5)
    assert "after soft NMS, window 5" in out and soft["soft_nms"] and soft["nms_window"] == 5
    assert soft["threshold"] != hard["threshold"] and "chosen on val" in soft["threshold_from"]
    assert soft["nms"] != hard["nms"] and soft["no_nms"] == hard["no_nms"]
    assert results("--soft_nms")[0]["nms_window"] == 3
    both = run_here(eval_script, "-s", "test", model, "--soft_nms", "--nms_window", 1)
    assert both.returncode == 2 and "not allowed with" in both.stderr


def test_a_window_in_seconds_keeps_two_events_as_far_apart_whatever_the_frame_rate(model, tmp_path):
    """80 ms between two events of a class, and 40 ms behind each the same event once more, at 25 and 100 frames a
    second."""
    for split in ("val", "test"):
        truth, found = [], []
        for video, fps in (("cup/a_1", 25.0), ("cup/a_2", 100.0)):
            step = round(0.04 * fps)
            frames = [first + k for first in range(20, 250, 40) for k in (0, 2 * step)]
            truth.append({"video": video, "num_frames": NUM_FRAMES, "num_events": len(frames), "fps": fps,
                          "events": [{"frame": frame, "label": "PASS"} for frame in frames]})
            found.append({"video": video, "fps": fps, "events": [
                {"label": "PASS", "frame": frame + late, "score": score} for frame in frames
                for late, score in ((0, 0.9), (step, 0.3))]})
        write_json(model.parent / "data" / f"{split}.json", truth)
        write_json(model / f"pred-{split}.epoch01.recall.json.gz", found)

    def results(*options):
        done = scored("-s", "test", model, "--threshold", 0.1, "--json", tmp_path / "r.json", *options)
        result = read_json(tmp_path / "r.json")
        return result["f1"]["0"]["all"], result, done.stdout

    counts, result, printed = results("--nms_window", "0.05s")
    assert (counts["tp"], counts["fp"], counts["fn"]) == (24, 0, 0)
    assert result["nms_window"] == "0.05s" and "after NMS, window 0.05 s (1 to 5 frames)" in printed
    assert result["suppression"] == "NMS, window 0.05 s (1 to 5 frames)"
    counts, _, printed = results("--nms_window", 4)
    assert (counts["tp"], counts["fp"], counts["fn"]) == (24, 0, 0)  # of equals none goes
    assert "after NMS, window 4 frames (0.04 to 0.16 s)" in printed
    assert results("--nms_window", 1)[0]["fp"] == 12  # of the video with more frames a second
    softer = [results("--soft_nms", window)[1]["no_nms"] for window in ("0.05s", "3")]
    assert softer[0] == softer[1] and results("--soft_nms", "0.05s")[1]["nms_window"] == "0.05s"
    several = run_here(eval_script, "-s", "test", model, model, "--nms_window", "0.05s")
    assert several.returncode == 0, several.stderr


def test_tolerances_in_seconds_are_frames_at_the_rate_of_each_video(model, tmp_path):
    data = model.parent / "data"

    def results(*options):
        scored("-s", "test", model, "--json", tmp_path / "r.json", *options)
        return read_json(tmp_path / "r.json")

    in_frames = results("-t", 1, 4)
    in_seconds = results("-t", "0.04s", "0.16s")
    assert list(in_seconds["nms"]) == ["0.04s", "0.16s"]
    assert list(in_seconds["nms"].values()) == list(in_frames["nms"].values())
    assert in_seconds["threshold"] == in_frames["threshold"] and "within 0.04 s" in in_seconds["threshold_from"]
    first, second = read_json(data / "test.json")
    write_json(data / "test.json", [first, second | {"fps": 100.0}])
    mixed = results("-t", "0.04s")["nms"]["0.04s"]["mAP"]
    assert in_frames["nms"]["1"]["mAP"] < mixed < in_frames["nms"]["4"]["mAP"]
    write_json(data / "test.json", [first, second | {"fps": -1}])
    for unknown in (("-t", "1s"), ("--nms_window", "0.1s"), ("--soft_nms", ".1s")):
        assert "video cup/a_2: its fps is not known" in complaint("-s", "test", model, *unknown)
    assert "give all in one of them" in complaint("-s", "test", model, "-t", "1s", 1)


def test_a_picture_that_cannot_be_written_is_one_line_and_the_results_come_all_the_same(model, tmp_path):
    (model / "pred-test.epoch01.pr.png").mkdir()
    done = scored("-s", "test", model, "--json", tmp_path / "r.json")
    assert "mAP" in done.stdout
    assert read_json(tmp_path / "r.json")["split"] == "test"
    assert len(done.stderr.splitlines()) == 1
    assert "pred-test.epoch01.pr.png" in done.stderr


def test_results_that_cannot_be_written_are_an_error_that_names_the_file(model):
    (model / "file").write_text("")
    assert "results.json" in complaint("-s", "test", model, "--json", model / "file" / "results.json")


def test_a_missing_folder_and_one_without_predictions_are_errors(model):
    assert "no such model folder" in complaint("-s", "test", model / "nowhere")
    for path in model.glob("pred-test.*"):
        path.unlink()
    assert f"python test_e2e.py {model} FRAME_DIR -s test --save" in complaint("-s", "test", model)


def test_a_folder_without_config_or_dataset_in_it_asks_for_d(model):
    write_json(model / "config.json", {"num_classes": 2})
    assert "with -d" in complaint("-s", "test", model)
    (model / "config.json").unlink()
    assert "with -d" in complaint("-s", "test", model)
    scored("-s", "test", model, "-d", model.parent / "data")


def test_predictions_for_other_videos_than_the_truth_are_an_error_that_names_both(model):
    file = model / "pred-val.epoch01.json"
    message = complaint("-s", "test", file)
    assert file.name in message
    assert "cup/d_1" in message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[{", "is not valid JSON"),
        ('{"cup/a_1": [[1, 0, 0]]}', "holds no list of events"),
        ('[{"video": "cup/a_1", "events": [{"frame": 3, "label": "PASS"}]}]', "score is missing"),
        ('[{"video": "cup/a_1", "events": [{"frame": 3, "label": "SHOT", "score": 1}]}]', "class.txt"),
    ],
)
def test_a_damaged_prediction_file_is_one_line_and_writes_nothing(model, text, expected):
    file = model / "pred-test.epoch01.json"
    file.write_text(text, encoding="utf-8")
    message = complaint("-s", "test", file, "--json", model / "results.json")
    assert file.name in message
    assert expected in message
    assert not list(model.glob("*.pr.png")) + list(model.glob("results.json"))


def test_a_split_without_events_and_one_that_is_not_there_are_errors(model):
    data = model.parent / "data"
    truth = json.loads((data / "test.json").read_text(encoding="utf-8"))
    write_json(data / "test.json", [{**entry, "events": []} for entry in truth])
    assert "no events" in complaint("-s", "test", model)
    (data / "test.json").unlink()
    assert "test.json" in complaint("-s", "test", model)


@pytest.mark.parametrize("option", [("-t", "-1"), ("-t", "1.5"), ("-t", "1001"), ("--nms_window", "99999999"),
                                    ("--nms_window", "x"), ("--soft_nms", "1001"), ("-t", "99s"),
                                    ("--nms_window", "1e1s"), ("--threshold", "nan")])
def test_an_option_of_a_wrong_kind_is_refused(model, option):
    done = run_here(eval_script, "-s", "test", model, *option)
    assert done.returncode == 2
    assert option[0] in done.stderr


def test_events_above_the_threshold_go_to_other_tools_at_the_times_of_the_frames(model, tmp_path):
    options = ["-s", "test", model, "--timelines", 0, "--threshold", 0.3, "--export", "osl", "srt"]
    assert run_here(eval_script, *options, "--json", tmp_path / "r.json").returncode == 0
    folder = model / "pred-test.epoch01.export" / "cup"
    assert {path.name for path in folder.iterdir()} == {"a_1.osl.json", "a_1.srt", "a_2.osl.json", "a_2.srt"}

    def events(video):
        return read_json(folder / f"{video}.osl.json")["data"][0]["events"]

    counted = read_json(tmp_path / "r.json")["all"]["0"]
    assert len(events("a_1")) + len(events("a_2")) == counted["tp"] + counted["fp"]
    assert all(event["confidence"] > 0.3 and int(event["position_ms"]) % 40 == 0 for event in events("a_1"))
    even = events("a_1")
    record = {"num_frames": NUM_FRAMES, "fps": 25.0, "start": 0.4}
    write_json(tmp_path / "frames" / "cup" / "a_1" / "video.json", record)
    assert run_here(eval_script, *options, "--frames", tmp_path / "frames").returncode == 0
    assert [int(one["position_ms"]) for one in events("a_1")] == [int(one["position_ms"]) + 400 for one in even]
    refused = run_here(eval_script, *options, "--metric", "soccernet")
    assert refused.returncode == 2 and "--export goes with" in refused.stderr
