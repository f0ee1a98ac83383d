"""What recipes settle, what options say over them, and what is told of it before a training begins."""

import argparse

import pytest

from dataset.recipe import (
    RECIPES,
    add_recipe_options,
    clips_in_update,
    describe,
    fitting_rate,
    share_about_events,
)

VIDEOS = [{"video": "a", "num_frames": 1200, "events": [{"frame": 3, "label": "PASS"}, {"frame": 9, "label": "PASS"}]},
          {"video": "b", "num_frames": 300, "events": [{"frame": 3, "label": "DRIVE"}]}]


def options(*given):
    parser = argparse.ArgumentParser()
    add_recipe_options(parser)
    parser.set_defaults(**RECIPES[parser.parse_args(given).recipe])
    return parser.parse_args(given)


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_settles_all_options_that_have_no_default(recipe):
    settled = vars(options("--recipe", recipe))
    assert {key for key, value in settled.items() if value is None} <= {
        "acc_grad_iter", "start_val_epoch", "epoch_num_frames", "fg_upsample", "learning_rate"}


def test_original_is_e2e_spots():
    original = options("--recipe", "original")
    assert (original.crop_dim, original.batch_size, original.epoch_num_frames) == (224, 8, 500_000)
    assert (original.fg_upsample, original.mixup, original.dilate_len) == (0, True, 0)
    assert (original.num_epochs, original.warm_up_epochs, original.learning_rate) == (50, 3, 0.001)
    assert (original.modality, original.settle_bn) == ("rgb", 0)


def test_a_small_training_has_fewer_clips_in_an_update():
    assert [clips_in_update(clips) for clips in (1, 1500, 4800, 9600, 250_000)] == [2, 2, 3, 6, 8]


def test_a_network_that_begins_from_nothing_is_changed_faster_the_fewer_the_updates():
    assert [fitting_rate(updates, True) for updates in (1, 750, 1600, 100_000)] == [0.003, 0.003, 0.0014, 0.001]
    assert fitting_rate(1, False) == 0.001


@pytest.mark.parametrize(("clip_len", "share"), [(24, 0.79), (1000, 0.5)])
def test_where_events_are_rare_more_clips_are_drawn_about_them(clip_len, share):
    assert share_about_events(VIDEOS, clip_len) == share  # three events in 1,500 frames


def test_what_is_given_counts_more_than_a_recipe():
    given = options("--recipe", "original", "--no-mixup", "--fg_upsample", "0.9", "--batch_size", "3")
    assert (given.mixup, given.fg_upsample, given.batch_size, given.dilate_len) == (False, 0.9, 3, 0)


def test_what_is_learned_from_and_how_is_told():
    assert describe(options("--fg_upsample", "0.5", "-lr", "0.002"), VIDEOS, ["DRIVE", "PASS"]) == (
        "learns from 1 DRIVE, 2 PASS, in 1,500 frames of 2 videos\n"
        "recipe auto: whole frames, rgb_diff, 50% of clips about events, no mixup, "
        "labels on the event's frame alone, learning rate 0.002")
    partly = [VIDEOS[0], VIDEOS[1] | {"labelled": [[0, 99]]}]
    assert "in 1,300 frames" in describe(options("--fg_upsample", "0.5"), partly, ["PASS"])
    assert describe(options("--recipe", "original", "--dilate_len", "2"), VIDEOS, ["PASS"]).endswith(
        "recipe original: squares of 224 pixels, rgb, 0% of clips about events, mixup, "
        "labels 2 frames to either side of the event too, learning rate 0.001")
