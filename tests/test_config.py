"""config.json and the types of command line options: what they take and what they refuse."""

import argparse
import json

import pytest
from conftest import complaint

from model.architecture import Architecture
from util import config
from util.config import ModelConfig, check_same
from util.errors import UserError
from util.options import count, positive, rate, share

# an original E2E-Spot folder's, to the key
ORIGINAL = {
    "dataset": "tennis", "num_classes": 6, "modality": "rgb", "feature_arch": "rny002_gsm", "temporal_arch": "gru",
    "clip_len": 100, "batch_size": 8, "crop_dim": 224, "num_epochs": 50, "warm_up_epochs": 3, "learning_rate": 0.001,
    "start_val_epoch": 30, "gpu_parallel": False, "epoch_num_frames": 500000, "dilate_len": 0, "mixup": True,
    "fg_upsample": None,
}


def read_config(folder):
    raw, path = config.read_config(folder), folder / "config.json"
    Architecture.from_config(raw, path)
    return ModelConfig.from_config(raw, path)


def write(folder, value):
    (folder / "config.json").write_text(json.dumps(value), encoding="utf-8")


def test_an_originals_config_is_read(tmp_path):
    write(tmp_path, ORIGINAL)
    assert read_config(tmp_path) == ModelConfig("tennis", 8, 224, None, None, None, None, None)


def test_our_own_config_tells_the_classes(tmp_path):
    write(tmp_path, {**ORIGINAL, "num_classes": 2, "classes": ["DRIVE", "PASS"], "weights_used": "none"})
    assert read_config(tmp_path).classes == ("DRIVE", "PASS")


@pytest.mark.parametrize("crop_dim", [None, 0, -1])
def test_a_crop_of_nothing_means_whole_frames(crop_dim, tmp_path):
    write(tmp_path, {**ORIGINAL, "crop_dim": crop_dim})
    assert read_config(tmp_path).crop_dim is None


def test_a_config_without_a_crop_means_whole_frames(tmp_path):
    write(tmp_path, {key: value for key, value in ORIGINAL.items() if key != "crop_dim"})
    assert read_config(tmp_path).crop_dim is None


@pytest.mark.parametrize("key", ["dataset", "num_classes", "feature_arch", "temporal_arch", "clip_len", "batch_size"])
def test_a_key_that_is_missing_is_named(key, tmp_path):
    write(tmp_path, {k: value for k, value in ORIGINAL.items() if k != key})
    message = complaint(read_config, tmp_path)
    assert message.startswith(f"{tmp_path / 'config.json'}: {key} must be")


@pytest.mark.parametrize(("key", "value"), [
    ("dataset", 3), ("num_classes", "two"), ("num_classes", True), ("num_classes", 0), ("clip_len", 0),
    ("clip_len", 8.0), ("batch_size", -1), ("crop_dim", "224"), ("classes", "PASS"), ("classes", [1, 2]),
    ("temporal_arch", None),
])
def test_a_value_of_a_wrong_kind_is_named(key, value, tmp_path):
    write(tmp_path, {**ORIGINAL, key: value})
    message = complaint(read_config, tmp_path)
    assert message.startswith(f"{tmp_path / 'config.json'}: {key} must be")


def test_a_config_that_is_not_there_or_no_object_is_refused(tmp_path):
    assert "config.json: no such file" in complaint(read_config, tmp_path)
    write(tmp_path, [ORIGINAL])
    assert "must be an object" in complaint(read_config, tmp_path)
    (tmp_path / "config.json").write_text("{", encoding="utf-8")
    assert "is not valid JSON" in complaint(read_config, tmp_path)


def test_the_same_options_go_on_and_others_are_named(tmp_path):
    write(tmp_path, {"clip_len": 8, "seed": 1, "weights_used": "none"})
    check_same(tmp_path, {"clip_len": 8, "seed": 1})
    message = complaint(check_same, tmp_path, {"clip_len": 16, "seed": 1})
    assert "{'clip_len': 8}" in message and "{'clip_len': 16}" in message and "seed" not in message
    write(tmp_path, [])
    assert "must be an object" in complaint(check_same, tmp_path, {"clip_len": 16})


@pytest.mark.parametrize(("kind", "text", "value"), [
    (count, "0", 0), (count, "12", 12), (positive, "1", 1), (share, "0", 0), (share, "0.25", 0.25), (share, "1", 1),
    (rate, "0", 0), (rate, "1e-3", 0.001), (rate, "12", 12),
])
def test_options_are_read(kind, text, value):
    assert kind(text) == value


@pytest.mark.parametrize(("kind", "texts"), [
    (count, ["-1", "1.5", "", "x", "1e3", "٣", "9" * 13]),
    (positive, ["0", "-1", "one"]),
    (share, ["-0.1", "1.1", "nan", "inf", "half", ""]),
    (rate, ["-0.1", "nan", "inf", "fast", ""]),
])
def test_options_that_cannot_be_are_refused_in_words(kind, texts):
    for text in texts:
        with pytest.raises(argparse.ArgumentTypeError, match="must be"):
            kind(text)


def test_how_frames_were_made_is_read_and_must_be_numbers(tmp_path):
    made = {"frame_height": 96, "frame_fps": 25.0, "resample_fps": None}
    write(tmp_path, {**ORIGINAL, **made})
    assert {key: getattr(read_config(tmp_path), key) for key in made} == made
    for value in (0, -1, "96", True):
        write(tmp_path, {**ORIGINAL, "frame_height": value})
        with pytest.raises(UserError, match="frame_height must be a number above 0"):
            read_config(tmp_path)
