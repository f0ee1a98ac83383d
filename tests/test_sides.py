"""Sides of teams: read, refused, and put into labels half by half."""

import json

import pytest
from conftest import complaint

from dataset.sides import read_team_sides, require_sides, with_sides

MATCH = {"arg_bra": {"ARG": "left", "BRA": "right"}}


def teams(names, team_sides, given=("ARG", "BRA", "left", "FRA", None, 7)):
    events = [{"frame": 3, "label": "PASS", **({} if team is None else {"team": team})} for team in given]
    return [[event.get("team") for event in video["events"]]
            for video in with_sides([{"video": name, "events": events} for name in names], team_sides)]


def test_a_matchs_sides_hold_for_its_first_half_and_change_for_the_second():
    first, second, extra, other = teams(["arg_bra_1", "arg_bra_2", "arg_bra_3", "esp_por_1"], MATCH)
    assert first == ["left", "right", "left", None, None, None]
    assert second == ["right", "left", "left", None, None, None]
    assert extra == other == [None, None, "left", None, None, None]


def test_a_videos_own_sides_go_before_those_of_its_match():
    sides = {**MATCH, "arg_bra_2": {"ARG": "left"}, "arg_bra_3": {"BRA": "left"}}
    _, second, extra = teams(["arg_bra_1", "arg_bra_2", "arg_bra_3"], sides, ("ARG", "BRA"))
    assert second == ["left", None] and extra == [None, "left"]


def test_without_a_file_a_team_that_is_a_side_stays_and_the_labels_are_left_as_they_are():
    labels = [{"video": "a", "fps": 25, "events": [{"frame": 1, "team": "right", "x": 2}, {"frame": 2, "team": "BRA"}]}]
    before = json.dumps(labels)
    assert with_sides(labels, None) == [
        {"video": "a", "fps": 25, "events": [{"frame": 1, "x": 2, "team": "right"}, {"frame": 2}]}]
    assert json.dumps(labels) == before


@pytest.mark.parametrize("content", ["[]", '{"a": "left"}', '{"a": {"ARG": "home"}}', '{"a": {"ARG": ["left"]}}', "{"])
def test_a_file_that_says_no_sides_is_refused_in_one_line(content, tmp_path):
    path = tmp_path / "sides.json"
    path.write_text(content, encoding="utf-8")
    assert str(path) in complaint(read_team_sides, path)


def test_labels_without_any_side_teach_none(capsys):
    assert "--team_sides" in complaint(require_sides, [{"events": [{"frame": 1}, {"frame": 2, "team": "BRA"}]}])
    require_sides([{"events": [{"frame": 1, "team": "left"}, {"frame": 2}]}])
    assert capsys.readouterr().out.startswith("1 of 2 events")
