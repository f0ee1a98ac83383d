"""make_demo.py and the synthetic futsal world behind it."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import run_script

from simulation.agents import Action
from simulation.draw import Renderer
from simulation.sim import MATCHES, Event, FrameState, Match, simulate

SECONDS = 60


def make_demo(*options: str) -> subprocess.CompletedProcess:
    return run_script("make_demo.py", *options, check=False)


def read_labels(folder: Path) -> dict[str, dict]:
    return {p.stem: json.loads(p.read_text(encoding="utf-8")) for p in sorted((folder / "Labels").iterdir())}


Played = list[tuple[Match, list[FrameState], list[Event]]]


@pytest.fixture(scope="module")
def played() -> Played:
    """Eight halves."""
    halves = [(match, half) for match in MATCHES[:4] for half in (1, 2)]
    return [(match, *simulate(match, half, SECONDS * match.fps, 0)) for match, half in halves]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One match of eight seconds a half, made by the script with two processes."""
    folder = tmp_path_factory.mktemp("demo") / "matches"
    done = make_demo("--output", str(folder), "--matches", "1", "--seconds", "8", "-j", "2")
    assert done.returncode == 0, done.stderr
    return folder


def speed(velocity: np.ndarray) -> float:
    return float(np.hypot(*velocity[:2]))


# The script


def test_script_writes_a_label_file_beside_each_video(demo: Path) -> None:
    videos = sorted(p.name for p in (demo / "Videos").iterdir())
    assert videos == ["argentina_brazil_1.mp4", "argentina_brazil_2.mp4"]
    assert sorted(read_labels(demo)) == ["argentina_brazil_1", "argentina_brazil_2"]


def test_labels_are_entries_of_the_design(demo: Path) -> None:
    for video, entry in read_labels(demo).items():
        assert list(entry) == ["video", "num_frames", "num_events", "fps", "width", "height", "events"]
        assert (entry["video"], entry["num_frames"], entry["fps"]) == (video, 200, 25.0)
        assert (entry["width"], entry["height"], entry["num_events"]) == (384, 216, len(entry["events"]))
        assert entry["events"]
        for event in entry["events"]:
            assert list(event) == ["frame", "label", "team"]
            assert isinstance(event["frame"], int)
            assert event["label"] in ("PASS", "DRIVE")
            assert event["team"] in ("ARG", "BRA")


def test_videos_decode_to_the_frames_size_and_rate_of_their_labels(demo: Path) -> None:
    for video, entry in read_labels(demo).items():
        capture = cv2.VideoCapture(str(demo / "Videos" / f"{video}.mp4"))
        assert capture.get(cv2.CAP_PROP_FPS) == entry["fps"]
        frames = 0
        while (read := capture.read())[0]:
            assert read[1].shape == (216, 384, 3)
            frames += 1
        assert frames == entry["num_frames"]


def test_labels_do_not_depend_on_workers_size_or_number_of_matches(demo: Path, tmp_path: Path) -> None:
    done = make_demo("--output", str(tmp_path), "--matches", "2", "--seconds", "8", "-j", "1",
                     "--width", "96", "--height", "64")
    assert done.returncode == 0, done.stderr
    other = read_labels(tmp_path)
    for video, entry in read_labels(demo).items():
        assert other[video]["events"] == entry["events"]


@pytest.mark.parametrize("options, words", [
    (["--matches", "0"], "--matches 0"),
    (["--matches", "8"], "--matches 8"),
    (["--seconds", "0.2"], "--seconds 0.2"),
    (["--seconds", "nan"], "--seconds nan"),
    (["--width", "383"], "--width 383"),
    (["--height", "20"], "--height 20"),
    (["--seed", "-1"], "--seed -1"),
    (["-j", "0"], "--workers 0"),
])
def test_bad_option_is_one_line_and_exit_code_2(options: list[str], words: str, tmp_path: Path) -> None:
    done = make_demo("--output", str(tmp_path / "demo"), *options)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ") and words in done.stderr and done.stderr.count("\n") == 1
    assert not (tmp_path / "demo").exists()


def test_help_says_how_many_matches_there_are() -> None:
    assert "up to 7, which is the default" in " ".join(make_demo("--help").stdout.split())


def test_only_halves_that_are_not_there_with_their_labels_are_drawn_again(demo: Path, tmp_path: Path) -> None:
    again = shutil.copytree(demo, tmp_path / "again")
    before = {path.name: path.stat().st_mtime_ns for path in (again / "Videos").iterdir()}
    labels = sorted((again / "Labels").iterdir())
    labels[0].unlink()
    make_demo("--output", str(again), "--matches", "1", "--seconds", "8")
    after = {path.name: path.stat().st_mtime_ns for path in (again / "Videos").iterdir()}
    assert [name for name in before if after[name] != before[name]] == [labels[0].with_suffix(".mp4").name]
    assert labels[0].read_bytes() == (demo / "Labels" / labels[0].name).read_bytes()


def test_output_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    done = make_demo("--output", str(tmp_path / "file" / "demo"))
    assert done.returncode == 2
    assert "cannot be written" in done.stderr and "choose another" in done.stderr and done.stderr.count("\n") == 1


# The world


def test_same_seed_plays_the_same_match_and_another_seed_another() -> None:
    first, again, other = (simulate(MATCHES[0], 1, 500, seed) for seed in (3, 3, 4))
    assert first[1] == again[1] != other[1]
    for one, same in zip(first[0], again[0], strict=True):
        assert (one.pos == same.pos).all() and (one.ball == same.ball).all()


def test_longer_half_begins_like_the_shorter_one() -> None:
    short, long = (simulate(MATCHES[1], 2, frames, 0)[1] for frames in (400, 900))
    assert short and short == [event for event in long if event.frame < 400]


def test_halves_and_matches_differ(played: Played) -> None:
    assert len({tuple(event.frame for event in events) for _, _, events in played}) == len(played)


def test_about_four_passes_to_a_drive_and_an_event_every_two_to_five_seconds(played: Played) -> None:
    events = [event for _, _, found in played for event in found]
    passes = sum(event.label == "PASS" for event in events)
    assert 3 <= passes / (len(events) - passes) <= 5
    assert 2 <= SECONDS * len(played) / len(events) <= 5


def test_events_lie_within_the_video_in_order(played: Played) -> None:
    for _, states, events in played:
        frames = [event.frame for event in events]
        assert frames == sorted(set(frames)) and frames[0] >= 0 and frames[-1] < len(states)


def test_both_teams_have_the_ball_in_each_match(played: Played) -> None:
    for first, second in zip(played[::2], played[1::2], strict=True):
        assert {event.team for event in first[2] + second[2]} == set(first[0].teams)


def test_ball_leaves_a_player_of_the_named_team_at_speed_on_each_pass(played: Played) -> None:
    for match, states, events in played:
        for event in events:
            if event.label != "PASS":
                continue
            before, now = states[event.frame - 1], states[event.frame]
            assert match.teams[before.carrier // 5] == event.team
            assert np.hypot(*(now.ball[:2] - now.pos[before.carrier])) < 0.8
            assert speed(before.ball_vel) < 2 and speed(now.ball_vel) > 7


def test_drive_starts_slowly_and_becomes_a_run_with_the_ball(played: Played) -> None:
    starts, runs = [], []
    for match, states, events in played:
        for event in events:
            if event.label != "DRIVE" or event.frame + match.fps > len(states):
                continue
            carrier = states[event.frame].carrier
            assert match.teams[carrier // 5] == event.team
            starts.append(speed(states[event.frame].vel[carrier]))
            soon = states[event.frame : event.frame + match.fps]
            runs.append(max(speed(state.vel[carrier]) for state in soon))
    assert len(starts) > 20
    assert np.mean(np.array(starts) < 1.5) > 0.9
    assert np.mean(np.array(runs) > 4.0) > 0.9


def test_ball_is_held_for_half_a_second_before_a_drive(played: Played) -> None:
    for match, states, events in played:
        for event in events:
            if event.label == "DRIVE":
                held = states[event.frame - match.fps // 2 : event.frame]
                assert {state.carrier for state in held} == {states[event.frame].carrier}


def test_touches_and_shots_are_not_labelled(played: Played) -> None:
    unlabelled = {Action.TOUCH: 0, Action.SHOT: 0, Action.LUNGE: 0}
    for _, states, events in played:
        labelled = {event.frame for event in events}
        for frame, state in enumerate(states):
            for action in unlabelled:
                struck = ((state.action == action) & (state.since == 0)).any()
                unlabelled[action] += bool(struck) and frame not in labelled
    assert unlabelled[Action.TOUCH] > 100
    assert unlabelled[Action.SHOT] > 0 and unlabelled[Action.LUNGE] > 0


def test_there_are_stretches_with_nothing(played: Played) -> None:
    gaps = [np.diff([event.frame for event in events]).max() / match.fps for match, _, events in played]
    assert sum(gap > 5 for gap in gaps) >= 3


def test_play_goes_on_for_minutes() -> None:
    for match, half in ((MATCHES[6], 1), (MATCHES[4], 2)):
        frames = 200 * match.fps
        events = simulate(match, half, frames, 0)[1]
        assert np.diff([0, *(event.frame for event in events), frames]).max() < 30 * match.fps


def test_bodies_and_ball_move_without_jumps(played: Played) -> None:
    for match, states, _ in played:
        places = np.array([state.pos for state in states])
        steps = np.sqrt((np.diff(places, axis=0) ** 2).sum(-1)) * match.fps
        assert steps.max() < 9  # m/s, with the shove of another body
        balls = np.array([state.ball[:2] for state in states])
        assert (np.sqrt((np.diff(balls, axis=0) ** 2).sum(-1)) * match.fps).max() < 45


# The picture


def test_ball_is_nearly_always_in_the_picture(played: Played) -> None:
    for match, states, _ in played[::3]:
        camera = Renderer(match, 1, (160, 96), 0).camera
        inside = []
        for state in states:
            camera.follow(state.ball, state.ball_vel)
            (x, y), _ = camera.project(state.ball)
            inside.append(2 < x < 158 and 2 < y < 94)
        assert np.mean(inside) > 0.98


def test_players_are_a_third_of_the_picture_high(played: Played) -> None:
    match, states, _ = played[0]
    camera = Renderer(match, 1, (170, 96), 0).camera
    heights = []
    for state in states:
        camera.follow(state.ball, state.ball_vel)
        nearest = np.sqrt(((state.pos - state.ball[:2]) ** 2).sum(1)).argmin()
        _, scale = camera.project(np.append(state.pos[nearest], 0.9))
        heights.append(1.8 * scale)
    assert np.percentile(heights, 5) > 28 and np.percentile(heights, 95) < 45


def test_ball_is_drawn_in_its_own_colour_where_the_camera_has_it() -> None:
    match = MATCHES[2]
    states, _ = simulate(match, 1, 250, 0)
    renderer = Renderer(match, 1, (384, 216), 0)
    seen = []
    for state in states:
        image = renderer.frame(state).astype(int)
        (x, y), _ = renderer.camera.project(state.ball + (0, 0, 0.165))
        blue, green, red = image[np.clip(int(y), 0, 215), np.clip(int(x), 0, 383)]
        seen.append(red > 150 and red - blue > 90 and red > green + 40)
    assert 0.6 < np.mean(seen) < 1.0  # hidden behind a player now and then
