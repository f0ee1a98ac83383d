"""SoccerNet's metrics: the servers' numbers, their rules word for word on random cases, and folders in their forms."""

import numpy as np
import pytest
from conftest import run_here, user_error

import eval as eval_script
from evaluation.report import ALL
from evaluation.soccernet import METRICS, soccernet_scores
from evaluation.soccernet_events import V1_CLASSES, V2_CLASSES, read_games, settle_games
from util.io import read_json, write_json

SUFFIXES = {"all": "", "shown": "_visible", "unshown": "_unshown"}
GAME = "league/2024/red - blue"
CLASSES = ["DRIVE", "PASS"]


def write_games(folder, labels, predictions, label_file="Labels-ball.json"):
    """Games in SoccerNet's forms: the two folders."""
    for kind, name, games in (("labels", label_file, labels), ("results", "results_spotting.json", predictions)):
        for game, content in games.items():
            write_json(folder / kind / game / name, content)
    return folder / "labels", folder / "results"


def evaluated(folders, tmp_path, *options):
    done = run_here(eval_script, "--soccernet", *folders, "--json", tmp_path / "r.json", *options)
    assert done.returncode == 0, done.stderr
    return read_json(tmp_path / "r.json"), done.stdout


@pytest.fixture
def golden(shared):
    return read_json(shared / "golden" / "soccernet.json")


@pytest.mark.parametrize("fps", [2, 25])
def test_the_servers_numbers_come_out_of_their_folders(golden, tmp_path, fps):
    results, _ = evaluated(write_games(tmp_path, golden["labels"], golden["predictions"]), tmp_path,
                           "--soccernet_fps", fps)
    for metric in METRICS:
        expected = golden["expected"][f"{metric}@{fps}"]
        for kind, suffix in SUFFIXES.items():
            assert results[metric][kind] == pytest.approx(expected[f"a_mAP{suffix}"], abs=1e-9)
            classes = results[metric]["classes" if kind == "all" else f"classes_{kind}"]
            in_order = [classes[name] for name in golden["classes"]]
            assert in_order == pytest.approx(expected[f"a_mAP_per_class{suffix}"], abs=1e-9)
    expected = golden["expected"]["team_at1@25, half 1 alone"]
    assert [results["team_at1"][kind] for kind in SUFFIXES] == pytest.approx(
        [expected[f"mAP{suffix}"] for suffix in SUFFIXES.values()], abs=1e-9)
    assert [results["team_at1"]["classes"][name] for name in golden["classes"]] == pytest.approx(
        expected["mAP_per_class"], abs=1e-9)


def test_a_split_of_the_same_events_has_the_same_numbers(golden, tmp_path):
    """Each half is a video of the split, in frames at the rate of the servers."""
    def frame(event):
        return int(25 * (int(event["position"]) / 1000))

    truth, predicted = [], []
    for game in golden["labels"]:
        for half in "12":
            video = {"video": f"{game}_{half}", "fps": 25.0, "num_frames": 180_000}
            truth.append(video | {"events": [
                {key: event[key] for key in ("label", "team", "visibility")} | {"frame": frame(event)}
                for event in golden["labels"][game]["annotations"] if event["gameTime"][0] == half]})
            predicted.append(video | {"events": [
                {"label": event["label"], "frame": frame(event), "score": event["confidence"], "team": event["team"]}
                for event in golden["predictions"][game]["predictions"] if event["half"] == half]})
    data = tmp_path / "data"
    for name, content in (("test", truth), ("pred-test.1", predicted)):
        write_json(data / f"{name}.json", content)
    (data / "class.txt").write_text("\n".join(golden["classes"]), encoding="utf-8")
    done = run_here(eval_script, "-s", "test", data / "pred-test.1.json", "-d", data, "--metric", "soccernet",
                    "--nms_window", 0, "--json", tmp_path / "r.json")
    assert done.returncode == 0, done.stderr
    results = read_json(tmp_path / "r.json")
    for metric in METRICS:
        expected = golden["expected"][f"{metric}@25"]
        assert results[metric]["all"] == pytest.approx(expected["a_mAP"], abs=1e-9)
        assert results[metric]["unshown"] == pytest.approx(expected["a_mAP_unshown"], abs=1e-9)
    assert "team_at1" in results and results["split"] == "test"


def literal_precision(halves, fps, seconds, kind):
    """The average precision of a class, by the rules' words alone.

    Args:
        halves: [([(frame, shown)], [(frame, score)])] of each half, in file order.
    """
    judged, num_true = [], 0
    for true, predicted in halves:
        true, predicted = dict(true), dict(predicted)
        free = {frame: score for frame, score in predicted.items() if score >= 0}
        num_true += sum(kind == "all" or shown == (kind == "shown") for shown in true.values())
        right = set()
        for at in sorted(true):
            near = [frame for frame in sorted(free) if abs(frame - at) <= seconds * fps / 2 and frame not in right]
            if near:
                right.add(max(near, key=lambda frame: free[frame]))
        for frame, score in free.items():
            # the later of two that are as close, the earlier where their middle is no frame
            at = min(true, key=lambda other: (abs(2 * (other - frame) - (other > frame)), -other), default=None)
            if kind == "all" or (at is not None and true[at]) == (kind == "shown"):
                judged.append((score, frame in right))
    total = 0
    for recall in range(11):
        best = 0
        for threshold in np.linspace(0, 1, 200):
            above = [right for score, right in judged if score >= threshold]
            if above and (sum(above) / num_true if num_true else 0) >= recall / 10:
                best = max(best, sum(above) / len(above))
        total += best
    return total / 11


@pytest.mark.parametrize("seed", range(4))
def test_the_rules_word_for_word_on_random_halves(tmp_path, seed):
    rng = np.random.default_rng(seed)
    annotations, predictions = [], []
    for half in (1, 2):
        for _ in range((0, 12, 25)[(seed + half) % 3]):
            second = int(rng.integers(200))
            annotations.append({"gameTime": f"{half} - {second // 60:02d}:{second % 60:02d}", "label": "PASS",
                                "visibility": str(rng.choice(["visible", "not shown"]))})
            predictions += [{"half": str(half), "label": "PASS", "confidence": float(rng.choice([1, 0.5, chance])),
                             "position": str(max(0, int(1000 * second + rng.normal(0, 2000))))}
                            for chance in rng.random(2)]
    games = {GAME: {"annotations": annotations}}, {GAME: {"predictions": predictions}}
    read = read_games(*write_games(tmp_path, *games))
    scores = soccernet_scores(read.true, read.predicted, read.predicted, ["PASS"], 2)

    def clock(event):
        return 60 * int(event["gameTime"][4:6]) + int(event["gameTime"][7:])

    halves = [([(2 * clock(one), one["visibility"] == "visible") for one in annotations if one["gameTime"][0] == half],
               [(int(2 * (int(one["position"]) / 1000)), one["confidence"])
                for one in predictions if one["half"] == half]) for half in "12"]
    for kind in SUFFIXES:
        assert scores["at1"].loc[ALL, kind] == pytest.approx(literal_precision(halves, 2, 1, kind))
        values = np.array([literal_precision(halves, 2, seconds, kind) for seconds in range(1, 6)])
        assert scores["tight"].loc["PASS", kind] == pytest.approx(((values[1:] + values[:-1]) / 2).mean())


def annotation(second, label="PASS", **fields):
    return {"gameTime": f"1 - {second // 60:02d}:{second % 60:02d}", "label": label, "position": str(1000 * second),
            **fields}


def prediction(second, label="PASS", score=0.9, **fields):
    return {"position": str(1000 * second), "half": "1", "label": label, "confidence": str(score), **fields}


def test_of_two_events_on_a_frame_the_last_counts_and_what_is_late_ends_after_two_hours(tmp_path):
    labels = {GAME: {"annotations": [annotation(5), annotation(7300)]}}
    results = {GAME: {"predictions": [prediction(5, score=0.1), prediction(5, score=0.9), prediction(9000, score=0.8)]}}
    scores, _ = evaluated(write_games(tmp_path, labels, results), tmp_path)
    assert scores["at1"]["all"] == 1
    assert "team_at1" not in scores


def test_what_is_in_neither_half_does_not_count(tmp_path):
    labels = {"a": {"annotations": [annotation(5), annotation(70) | {"gameTime": "3 - 01:10"}]},
              "b": {"annotations": [annotation(5)]}}
    results = {game: {"predictions": [prediction(5, score=0.8), prediction(90, half="3")]} for game in "ab"}
    scores, _ = evaluated(write_games(tmp_path, labels, results), tmp_path)
    assert scores["at1"]["all"] == 1


def test_the_classes_are_those_of_the_set_of_the_labels_or_of_the_dataset_named(tmp_path):
    def classes(label_file, *labels):
        folders = write_games(tmp_path / label_file, {GAME: {"annotations": [annotation(1, name) for name in labels]}},
                              {GAME: {"predictions": [prediction(1, "soccer")]}}, label_file)
        return settle_games(read_games(*folders), None)

    assert classes("Labels-v2.json", "Goal", "Corner")[1] == list(V2_CLASSES)
    games, names = classes("Labels.json", "y-card", "soccer-ball-own")
    assert names == list(V1_CLASSES) and games.true.label.tolist() == ["card", "soccer"]
    assert classes("Labels-own.json", "PASS", "DRIVE")[1] == CLASSES
    (tmp_path / "class.txt").write_text("Goal\nOther\n", encoding="utf-8")
    scores, _ = evaluated([tmp_path / "Labels-v2.json" / part for part in ("labels", "results")], tmp_path,
                          "-d", tmp_path)
    assert list(scores["tight"]["classes"]) == ["Goal", "Other"]


def test_games_are_paired_by_their_folders_and_one_without_results_is_refused(tmp_path):
    labels = {GAME: {"annotations": [annotation(1)]}, "a": {"annotations": [annotation(2)]}}
    folders = write_games(tmp_path, labels, {"elsewhere/red - blue": {"predictions": [prediction(1)]}})
    message = user_error(run_here(eval_script, "--soccernet", *folders))
    assert "labels/a: this game has labels, but no results_spotting.json" in message.replace("\\", "/")
    scores, out = evaluated(folders, tmp_path, "--skip_missing")
    assert "1 game, Labels-ball.json, 1 event, 1 predicted" in out and "at 25 frames" in out
    assert scores["tight"]["all"] == 1


@pytest.mark.parametrize(("key", "value"), [("position", "soon"), ("confidence", None), ("label", 3), ("half", "x")])
def test_a_result_that_cannot_be_read_is_named(tmp_path, key, value):
    folders = write_games(tmp_path, {GAME: {"annotations": [annotation(1)]}},
                          {GAME: {"predictions": [prediction(1), prediction(2) | {key: value}]}})
    message = user_error(run_here(eval_script, "--soccernet", *folders))
    assert "predictions[1]" in message and "results_spotting.json" in message


def test_folders_without_games_and_options_without_a_split_are_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    assert "has no game in it" in user_error(run_here(eval_script, "--soccernet", tmp_path / "empty", tmp_path))
    assert "no such folder" in user_error(run_here(eval_script, "--soccernet", tmp_path / "no", tmp_path))
    write_json(tmp_path / "both" / "a.json", {"annotations": []})
    write_json(tmp_path / "both" / "b.json", {"annotations": []})
    assert "a.json and b.json" in user_error(run_here(eval_script, "--soccernet", tmp_path / "both", tmp_path))
    assert "-s SPLIT" in run_here(eval_script, "-s", "test").stderr
