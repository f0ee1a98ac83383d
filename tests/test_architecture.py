"""The description of the network: from config.json and from options, and back."""

import argparse
from dataclasses import asdict

import pytest

from model.architecture import MODALITIES, SHIFTS, Architecture, add_architecture_options
from model.backbone import SHIFT_LAYERS
from model.spotter import CHANNELS, EventSpotter
from util.errors import UserError


def test_config_entries_are_read_back():
    architecture = Architecture("rny002_gsm", "mstcn", 3, "bw")
    assert Architecture.from_config({**asdict(architecture), "seed": 8}, "config.json") == architecture
    spotter = EventSpotter(architecture)
    assert spotter.architecture == architecture and spotter.head.stages[-1][-1].out_channels == 4


def test_options_make_the_same_as_their_config_entries():
    parser = argparse.ArgumentParser()
    add_architecture_options(parser)
    args = parser.parse_args(["-m", "regnet_y", "-t", "", "--modality", "flow"])
    assert Architecture.from_options(args, 4) == Architecture("rny008_gsm", "", 4, "flow")


@pytest.mark.parametrize(("key", "value", "says"), [
    ("feature_arch", "vgg", "must be one of rn18, "), ("feature_arch", ["rn18"], "must be one of"),
    ("temporal_arch", None, "must be one of gru, .*''"), ("modality", "depth", "must be one of rgb_diff, rgb"),
    ("num_classes", 0, "must be a whole number above 0"), ("num_classes", 2.0, "must be a whole number"),
    ("num_classes", True, "must be a whole number"),
])
def test_what_is_not_known_is_named_with_what_is(key, value, says):
    config = {**asdict(Architecture("rn18", "gru", 2)), key: value}
    with pytest.raises(UserError, match=f"^config.json: {key} {says}.*not ") as caught:
        Architecture.from_config(config, "config.json")
    assert "\n" not in str(caught.value)


def test_a_key_that_older_folders_do_not_have_means_what_they_were():
    old = {"feature_arch": "rn18", "temporal_arch": "", "num_classes": 1, "clip_len": 100}
    assert Architecture.from_config(old, "config.json") == Architecture("rn18", "", 1, "rgb")


def test_each_name_has_what_it_stands_for():
    assert set(SHIFT_LAYERS) == set(SHIFTS) and set(CHANNELS) == set(MODALITIES)
