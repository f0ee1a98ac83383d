"""Frame numbers rounded to a step are found, with the step and its odds; those that are not rounded never are."""

import numpy as np
import pytest
from clean_labels import clean_entries, labels_of, only

from checks.label_reading import read_dataset
from checks.label_steps import step_findings


def rounded(splits, to):
    """Move every event to `to(event's frame, entry)`."""
    for entries in splits.values():
        for entry in entries:
            for event in entry["events"]:
                event["frame"] = min(to(event["frame"], entry), entry["num_frames"] - 1)
    return splits


@pytest.mark.parametrize("uneven", [0.2, 0.6])
def test_nothing_is_found_in_many_random_datasets(uneven, tmp_path):
    for seed in range(25):
        splits = clean_entries(seed, matches=4, num_frames=2500, events=40, uneven=uneven)
        assert not step_findings(labels_of(tmp_path, splits)), seed


def test_nothing_is_found_where_there_are_no_events(tmp_path):
    splits = clean_entries()
    for entries in splits.values():
        for entry in entries:
            entry["events"] = []
    assert not step_findings(labels_of(tmp_path, splits))


@pytest.mark.parametrize(("fps", "step"), [(30.0, 30), (25.0, 25), (50.0, 25), (-1, 30)])
def test_whole_and_half_seconds_are_an_error(fps, step, tmp_path):
    splits = rounded(clean_entries(3, fps=fps), lambda frame, _: frame // step * step)
    found = only(step_findings(labels_of(tmp_path / "mine", splits)), "error", "frames-rounded")
    events = sum(len(entry["events"]) for entries in splits.values() for entry in entries)
    assert found.where == str(tmp_path / "mine")
    assert f"{events} of {events} frame numbers are multiples of {step} (" in found.message
    assert f"chance puts {events / step:.0f}" in found.message and "1 in 10^" in found.message
    assert f"up to {step - 1} frames beside" in found.advice and "exact frame numbers" in found.advice


def test_whole_seconds_at_a_rate_that_is_no_whole_number(tmp_path):
    splits = rounded(clean_entries(3, fps=29.97, num_frames=20_000), lambda frame, _: int(frame // 29.97 * 29.97))
    found = only(step_findings(labels_of(tmp_path, splits)), "error", "frames-rounded")
    assert "are those of whole seconds" in found.message


def test_whole_seconds_where_videos_differ_in_rate(tmp_path):
    splits = clean_entries(3)
    for entry in splits["train"][::2]:
        entry["fps"] = 30.0
    rounded(splits, lambda frame, entry: int(frame // entry["fps"] * entry["fps"]))
    found = only(step_findings(labels_of(tmp_path, splits)), "error", "frames-rounded")
    assert "are those of whole seconds" in found.message


def test_exceptions_do_not_hide_the_rest(tmp_path):
    rng = np.random.default_rng(0)
    splits = rounded(clean_entries(3, fps=30.0), lambda frame, _: frame if rng.random() < 0.07 else frame // 30 * 30)
    found = only(step_findings(labels_of(tmp_path, splits)), "error", "frames-rounded")
    assert "are multiples of 30" in found.message


@pytest.mark.parametrize(("step", "remainder"), [(2, 0), (2, 1), (4, 3), (5, 0)])
def test_labels_on_every_few_frames_are_a_warning(step, remainder, tmp_path):
    splits = rounded(clean_entries(3), lambda frame, _: frame // step * step + remainder)
    found = only(step_findings(labels_of(tmp_path, splits)), "warning", "frames-rounded")
    says = f"leave {remainder} when divided by {step}" if remainder else f"are multiples of {step}"
    assert f"frame numbers {says}, where chance" in found.message


def test_a_match_that_alone_is_rounded_is_named(tmp_path):
    splits = clean_entries(3, matches=20)
    rounded({"train": splits["train"][6:8]}, lambda frame, _: frame // 12 * 12)
    found = only(step_findings(labels_of(tmp_path, splits)), "warning", "frames-rounded")
    assert found.where.endswith(": match 'm3'") and "are multiples of 12" in found.message


def test_a_video_that_alone_is_rounded_is_named(tmp_path):
    splits = clean_entries(3, matches=20)
    rounded({"val": splits["val"][1:]}, lambda frame, _: frame // 25 * 25)
    found = only(step_findings(labels_of(tmp_path, splits)), "error", "frames-rounded")
    assert found.where.endswith("val.json: video 'm18_2'")


def test_whole_seconds_of_a_short_video_are_found_though_few_gaps_differ(tmp_path):
    splits = clean_entries(3, fps=30.0)
    rng = np.random.default_rng(0)
    events = [{"frame": 30 * int(second), "label": "PASS"} for second in np.cumsum(rng.integers(1, 6, 30))]
    splits["train"][0]["events"] = events
    found = only(step_findings(labels_of(tmp_path, splits)), "error", "frames-rounded")
    assert found.where.endswith("train.json: video 'm0_1'") and "30 of 30 frame numbers are mult" in found.message


def test_a_clockwork_of_events_is_no_rounding(tmp_path):
    splits = clean_entries()
    for entries in splits.values():
        for entry in entries:
            entry["events"] = [{"frame": frame, "label": "PASS"} for frame in range(0, 4000, 30)]
    assert not step_findings(labels_of(tmp_path, splits))


def test_clips_cut_alike_about_an_event_are_no_rounding(tmp_path):
    rng = np.random.default_rng(0)
    clips = [{"video": f"clip_{number:03d}", "num_frames": 100, "fps": 25,
              "events": [{"frame": 50, "label": "PASS"}, {"frame": int(rng.integers(55, 100)), "label": "DRIVE"}]}
             for number in range(400)]
    assert not step_findings(labels_of(tmp_path, {"train": clips[:300], "val": clips[300:]}))


@pytest.mark.parametrize("dataset", ["tennis", "fs_comp", "fs_perf"])
def test_real_labels_are_not_rounded(dataset, shared):
    assert not step_findings(read_dataset(str(shared / "labels" / dataset)))


def test_real_labels_of_which_a_part_is_on_every_fourth_frame(shared):
    found = only(step_findings(read_dataset(str(shared / "labels" / "finediving"))), "warning", "frames-rounded")
    assert "2,540 of 7,010 frame numbers leave 3 when divided by 4" in found.message
    assert "most of all in 01__*: 243 of 405" in found.message


def test_a_dataset_without_splits_has_nothing_rounded(tmp_path):
    assert step_findings(labels_of(tmp_path, {})) == []
