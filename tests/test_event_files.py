"""Files of events for other tools, in their forms."""

from spotting.event_files import read_made_with, write_csv, write_events, write_soccernet
from util.io import read_json

EVENTS = [
    {"label": "PASS, long", "frame": 30, "score": 0.9, "seconds": 1.2},
    {"label": "é", "frame": 100_000, "score": 0.25, "seconds": 3999.9996},
]


def test_json_is_the_prediction_format_with_times(tmp_path):
    write_events(tmp_path / "m.json", "cup/m", 25.0, EVENTS)
    assert read_json(tmp_path / "m.json") == [{"video": "cup/m", "fps": 25.0, "events": [
        {"label": "PASS, long", "frame": 30, "score": 0.9, "time": "0:00:01.200"},
        {"label": "é", "frame": 100_000, "score": 0.25, "time": "1:06:40.000"},
    ]}]


def test_what_a_file_was_made_with_is_read_again_and_none_of_other_files(tmp_path):
    write_events(tmp_path / "m.json", "cup/m", 25.0, EVENTS, "9f86d081")
    assert read_made_with(tmp_path / "m.json") == "9f86d081"
    for text in ("[]", "[1]", "{", "[{}]", "null"):
        (tmp_path / "m.json").write_text(text)
        assert read_made_with(tmp_path / "m.json") is None
    assert read_made_with(tmp_path / "none.json") is None


def test_csv_quotes_what_it_must_and_has_plain_line_ends(tmp_path):
    write_csv(tmp_path / "m.csv", EVENTS)
    assert (tmp_path / "m.csv").read_bytes().decode() == (
        'frame,time,seconds,label,score\n30,0:00:01.200,1.200,"PASS, long",0.9\n'
        "100000,1:06:40.000,4000.000,é,0.25\n")


def test_soccernet_has_the_halves_in_order_minutes_past_59_and_milliseconds(tmp_path):
    write_soccernet(tmp_path / "r.json", "league/season/match", {2: EVENTS[1:], 1: EVENTS[:1]})
    assert read_json(tmp_path / "r.json") == {"UrlLocal": "league/season/match", "predictions": [
        {"gameTime": "1 - 00:01", "label": "PASS, long", "position": "1200", "half": "1", "confidence": "0.9"},
        {"gameTime": "2 - 66:40", "label": "é", "position": "4000000", "half": "2", "confidence": "0.25"},
    ]}


def test_a_team_stands_with_its_events_and_its_share_of_the_score_with_soccernet(tmp_path):
    sided = [EVENTS[0] | {"team": "left", "team_score": 0.75}, EVENTS[1]]
    write_csv(tmp_path / "m.csv", sided)
    lines = (tmp_path / "m.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0].endswith(",score,team,team_score")
    assert lines[1].endswith(",0.9,left,0.75") and lines[2].endswith(",0.25,,")
    write_soccernet(tmp_path / "r.json", "match", {1: sided})
    first, second = read_json(tmp_path / "r.json")["predictions"]
    assert first["team"] == "left" and float(first["confidence"]) == 0.9 * 0.75
    assert "team" not in second and second["confidence"] == "0.25"
