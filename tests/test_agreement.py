"""How far two people agree: planted offsets, misses, confusions and teams are found again."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from clean_labels import clean_entries, write_splits
from conftest import run_here, user_error, write_labels

import check_data
from checks import frame_checks
from checks.agreement import agreement, compare_labels
from dataset.video_record import write_record
from util.io import read_json

NAMES = ("anna", "ben")


def entry(events, **more):
    listed = [{"frame": frame, "label": label, **({"team": team[0]} if team else {})} for frame, label, *team in events]
    return {"video": "a", "num_frames": 20_000, "fps": 25.0, "events": listed} | more


def test_planted_offsets_misses_and_confusions_are_found():
    rng = np.random.default_rng(0)
    first = [(100 * at, "PASS" if at % 2 else "DRIVE") for at in range(1, 181)]
    offsets = {"PASS": rng.permutation(np.repeat([-2, 0, 1, 5], [10, 40, 20, 20])), "DRIVE": np.full(90, 1)}
    second = [(frame + int(offsets[label][index // 2]), label) for index, (frame, label) in enumerate(first)]
    second[1] = (second[1][0], "PASS")  # a DRIVE taken for a PASS
    second.pop(2)  # the second PASS is missed by the second
    second.append((15_050, "PASS"))  # seen by the second alone
    found = agreement(NAMES, [entry(first)], [entry(second)])
    planted = np.delete(offsets["PASS"], 1)
    row = found.offsets.loc["PASS"]
    assert row[["first", "second", "both", "first only", "second only"]].tolist() == [90, 91, 89, 1, 2]
    assert row["mean"] == pytest.approx(planted.mean()) and row["spread"] == pytest.approx(planted.std())
    assert [row[f"within {t}"] for t in (0, 1, 2, 4)] == pytest.approx(
        [100 * (abs(planted) <= t).mean() for t in (0, 1, 2, 4)])
    assert found.offsets.loc["DRIVE", ["both", "mean", "spread", "within 0"]].tolist() == [89, 1, 0, 0]
    assert found.offsets.loc["all", "both"] == 178
    assert found.confused.to_dict("index") == {("DRIVE", "PASS"): {"events": 1}}
    right = (abs(planted) <= 4).sum() + 89
    assert found.scores.loc[4, "F1"] == pytest.approx(2 * right / 360)
    passes = (abs(planted) <= 4).sum()
    assert found.scores.loc[4, "mAP"] == pytest.approx((passes / 90 * passes / 91 + 89 / 90) / 2)
    assert found.scores.loc[0, "F1"] < found.scores.loc[4, "F1"]
    other = agreement(NAMES, [entry(second)], [entry(first)])
    assert other.scores.equals(found.scores) and other.offsets.loc["PASS", "mean"] == -row["mean"]
    assert str(found).isascii() and json.dumps(found.as_json(), allow_nan=False)


def test_the_closest_are_paired_first_and_none_twice():
    found = agreement(NAMES, [entry([(10, "PASS"), (14, "PASS")])], [entry([(13, "PASS"), (12, "PASS")])])
    assert found.offsets.loc["PASS", ["both", "mean"]].tolist() == [2, 0.5]
    far = agreement(NAMES, [entry([(10, "PASS")])], [entry([(23, "PASS")])])  # more than half a second
    assert far.offsets.loc["PASS", ["both", "first only", "second only"]].tolist() == [0, 1, 1]
    assert np.isnan(far.offsets.loc["PASS", "mean"]) and far.scores.loc[4, "F1"] == 0


def test_teams_are_compared_and_what_one_did_not_label_is_left_out():
    first = entry([(10, "PASS", "left"), (90, "PASS", "left"), (200, "PASS")], labelled=[[0, 150]])
    second = entry([(10, "PASS", "left"), (91, "PASS", "right"), (300, "PASS")], labelled=[[5, 400]])
    found = agreement(NAMES, [first], [second])
    assert found.teams == 0.5 and found.offsets.loc["all", ["first", "second"]].tolist() == [2, 2]
    assert np.isnan(agreement(NAMES, [entry([])], [entry([])]).teams)


def test_label_files_are_compared_with_each_other_by_the_records_of_the_frames(tmp_path):
    record = {"num_frames": 50, "fps": 12.5, "source_frames": 100, "source_fps": 25.0}
    write_record(tmp_path / "F" / "cup" / "a", record)
    write_labels(tmp_path / "anna" / "cup" / "a.json", [(30, "PASS"), (50, "DRIVE"), (80, "PASS")])
    (tmp_path / "ben.csv").write_text("video,time,label\ncup/a,1.28,PASS\ncup/a,2.0,drive\ncup/a,9,PASS\n")
    done = run_here(check_data, tmp_path / "anna", tmp_path / "F", "--compare", tmp_path / "ben.csv", "--json",
                    tmp_path / "found.json")
    assert done.returncode == 0, done.stderr
    assert "left out: " in done.stdout and "past the end of the video 'cup/a'" in done.stdout
    found = read_json(tmp_path / "found.json")["agreement"]
    assert found["offsets"].keys() == {"PASS", "DRIVE", "all"} and found["offsets"]["DRIVE"]["both"] == 1
    assert found["offsets"]["PASS"] == {
        "first": 2, "second": 1, "both": 1, "first only": 1, "second only": 0, "mean": 1.0, "spread": 0.0,
        "within 0": 0.0, "within 1": 100.0, "within 2": 100.0, "within 4": 100.0}


def test_two_datasets_need_no_records_and_label_files_no_list_of_frames(tmp_path, monkeypatch):
    write_record(tmp_path / "F" / "cup" / "m0_1", {"num_frames": 4000, "fps": 25.0})
    scanned = []

    def scandir(path, scan=os.scandir):
        if Path(path).is_relative_to(tmp_path / "F"):
            scanned.append(Path(path))
        return scan(path)

    monkeypatch.setattr(frame_checks.os, "scandir", scandir)
    one, other = (write_splits(tmp_path / name, clean_entries(1)) for name in ("one", "other"))
    assert compare_labels(one, other, tmp_path / "F").offsets.loc["all", "first only"] == 0 and not scanned
    write_labels(tmp_path / "ben" / "cup" / "m0_1.json", [(3, "PASS")])
    write_labels(tmp_path / "anna" / "cup" / "m0_1.json", [(4, "PASS")])
    assert compare_labels(*(str(tmp_path / name) for name in ("ben", "anna")), tmp_path / "F").videos == ["cup/m0_1"]
    assert scanned == [tmp_path / "F", tmp_path / "F" / "cup"]


def test_the_script_takes_tables_and_says_what_it_needs(tmp_path):
    splits = clean_entries(1)
    dataset = write_splits(tmp_path / "data", splits)
    lines = [f"{one['video']},{event['frame'] + 1},{event['label']}" for entries in splits.values() for one in entries
             for event in one["events"]]
    table = tmp_path / "ben.csv"
    table.write_text("\n".join(["video,frame,label", *lines[:-1], "elsewhere,3,PASS"]) + "\n")
    done = run_here(check_data, dataset, "--compare", table, "--json", tmp_path / "found.json")
    assert done.returncode == 0, done.stderr
    assert "1 event of 'elsewhere' left out" in done.stdout
    found = read_json(tmp_path / "found.json")["agreement"]
    assert found["offsets"]["all"]["mean"] == 1 and found["offsets"]["all"]["first only"] == 1
    assert found["scores"]["0"]["F1"] < 0.1 and found["scores"]["1"]["F1"] > 0.99
    write_labels(tmp_path / "anna" / "a.json", [(3, "PASS")])
    assert "whose videos are known by their frames; name FRAME_DIR" in user_error(
        run_here(check_data, f"{tmp_path}/anna", "--compare", table))
    assert "anna: is no dataset" in user_error(
        run_here(check_data, f"{tmp_path}/anna", "--compare", table, "--sheet", tmp_path / "sheets"))
    assert "no such folder; FRAME_DIR" in user_error(
        run_here(check_data, f"{tmp_path}/anna", f"{tmp_path}/none", "--compare", table))
    assert "is neither a dataset nor" in user_error(run_here(check_data, dataset, "--compare", f"{tmp_path}/none"))
