"""spot_video.py --live as a user runs it: what it prints is what the same scoring gives afterwards."""

import json
from dataclasses import replace

import numpy as np
import pytest
from conftest import run_here, user_error, write_video
from test_live_source import Clock

import spot_video
import test_e2e
from evaluation.rule import Given
from evaluation.suppression import Suppression
from footage.live import LiveSource
from model.folder import load_model
from spotting.live import live_events
from spotting.whole_videos import find_events, settle
from util.io import read_json
from util.spans import Seconds


@pytest.fixture(scope="module")
def model(trained):
    return trained[0]


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return write_video(tmp_path_factory.mktemp("raw") / "cup_1.mp4", 40)


@pytest.mark.parametrize(("fps", "delay", "suppression"), [
    (None, 0.4, Suppression(1)), (None, None, Suppression(3)), (12.5, 1.0, Suppression(Seconds(0.16), soft=True))])
def test_over_a_file_it_finds_what_the_same_scoring_finds_afterwards(model, video, fps, delay, suppression):
    spotting = settle(load_model(model, "cpu"), fps=fps, given=Given(suppression, 0.02))
    spotting = replace(spotting, rule=replace(spotting.rule, moves={"PASS": 2}, own_threshold={"DRIVE": 0.03}))
    clock = Clock()
    live = LiveSource(str(video), spotting.options, print, clock.now, clock.sleep)
    found = list(live_events(spotting, live, delay))
    after = find_events(replace(spotting, delay=100.0 if delay is None else delay), video)
    assert [[e[key] for key in ("frame", "label", "score")] for e in found] == [
        [e[key] for key in ("frame", "label", "score")] for e in after]
    assert len(found) > 4 and not live.dropped
    assert [e["time"] for e in found[:2]] == [f"0:00:0{e['seconds']:.3f}" for e in after[:2]]


def test_events_alone_go_to_standard_output_and_the_delay_is_stated(model, video):
    done = run_here(spot_video, model, "--live", video, "--delay", 0.4, "--threshold", 0, "--device", "cpu")
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events and all(set(e) == {"frame", "label", "score", "time", "clock", "delay"} for e in events)
    assert all(e["delay"] > 0 for e in events[:-30])
    assert "an event is sure 10 frames after its own, 7 behind it in the head's window, 2 for the backbone's " \
           "look-ahead (which is 27; " in done.stderr and "1 for NMS; at 25 frames per second 0.40 s" in done.stderr
    assert f"{len(events)} events; " in done.stderr.splitlines()[-1]


def test_what_live_cannot_do_is_said(model, video):
    for options, said in (
        ([], "name videos, or a source with --live"), ([video, "--live", 0], "name videos, or a source with --live"),
        (["--live", 0, "--csv"], "leave out --csv"), (["--live", 0, "--with", model], "leave out --with"),
    ):
        done = run_here(spot_video, model, *options)
        assert done.returncode == 2 and said in done.stderr
    few = user_error(run_here(spot_video, model, "--live", video, "--delay", 0.01, "--device", "cpu"))
    assert "--delay: 0 frames are less than the 1 of NMS" in few
    assert "no such file" in user_error(run_here(spot_video, model, "--live", "nowhere.mp4", "--device", "cpu"))


def test_a_split_is_scored_as_it_would_be_live(model, tiny, tmp_path):
    whole, live, soon = (
        run_here(test_e2e, model, tiny[1], "-s", "test", "-d", tiny[0], "--device", "cpu", "--save_as", tmp_path / name,
                 *options) for name, options in (("w", ()), ("l", ("--delay", 100)), ("s", ("--delay", 0.2))))
    assert not whole.returncode and not live.returncode and not soon.returncode, live.stderr
    whole, live, soon = (np.array(read_json(tmp_path / f"{name}.score.json.gz")["cup/c_1"]) for name in "wls")
    np.testing.assert_allclose(live[:16], whole[:16], atol=1e-4)  # up to the last window
    assert np.abs(soon - whole).max() > 1e-4
