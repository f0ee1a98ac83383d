"""Raw videos to be spotted: which they are, of which match, and where their files go."""

import pytest

from spotting.video_files import check_matches, find_sources
from util.errors import UserError


def touch(*paths):
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


def told(sources, root):
    return [(s.name, s.match, s.part, s.match_file.relative_to(root).as_posix()) for s in sources]


def test_halves_named_by_their_match_go_together_wherever_they_are_named(tmp_path):
    files = [tmp_path / "cup" / f"a_b_{half}.mp4" for half in (1, 2)]
    touch(*files, tmp_path / "cup" / "a_b_1.events.mp4")
    assert told(find_sources([tmp_path], None), tmp_path) == [
        ("cup/a_b_1", "cup/a_b", 1, "cup/a_b/results_spotting.json"),
        ("cup/a_b_2", "cup/a_b", 2, "cup/a_b/results_spotting.json"),
    ]
    alone = find_sources(files, tmp_path / "out")
    assert told(alone, tmp_path) == [
        ("a_b_1", "a_b", 1, "out/a_b/results_spotting.json"), ("a_b_2", "a_b", 2, "out/a_b/results_spotting.json")]
    assert alone[0].file(".events.json") == tmp_path / "out" / "a_b_1.events.json"


def test_halves_of_soccernet_name_league_season_and_match_in_whatever_way_they_are_given(tmp_path):
    match = tmp_path / "league" / "2014-2015" / "A 1 - 0 B"
    touch(match / "1_720p.mkv", match / "2_720p.mkv")
    url = "league/2014-2015/A 1 - 0 B"
    for given in ([tmp_path], [match], sorted(match.iterdir())):
        found = find_sources(given, None)
        assert [(s.match, s.part, s.match_file) for s in found] == [
            (url, 1, match / "results_spotting.json"), (url, 2, match / "results_spotting.json")]
        written = find_sources(given, tmp_path / "out")[0].match_file
        assert written == tmp_path / "out" / url / "results_spotting.json"


def test_a_name_that_tells_no_half_is_the_first_and_only(tmp_path):
    touch(tmp_path / "final 2024.mp4")
    assert told(find_sources([tmp_path / "final 2024.mp4"], None), tmp_path) == [
        ("final 2024", "final 2024", 1, "final 2024/results_spotting.json")]


def test_a_file_that_is_named_twice_is_taken_once(tmp_path):
    touch(tmp_path / "a_1.mp4", tmp_path / "a_2.mp4")
    for output in (None, tmp_path / "out"):
        found = find_sources([tmp_path / "a_2.mp4", tmp_path, tmp_path / "a_1.mp4"], output)
        assert [source.name for source in found] == ["a_2", "a_1"]


def test_files_of_one_name_and_halves_of_one_number_are_refused(tmp_path):
    touch(tmp_path / "x" / "a_1.mp4", tmp_path / "y" / "a_1.mkv", tmp_path / "x" / "a_1_720p.mp4")
    with pytest.raises(UserError, match="would go to the same file"):
        find_sources([tmp_path / "x" / "a_1.mp4", tmp_path / "y" / "a_1.mkv"], tmp_path / "out")
    with pytest.raises(UserError, match=r"a_1\.mkv: is a file"):
        find_sources([tmp_path / "x"], tmp_path / "y" / "a_1.mkv")
    with pytest.raises(UserError, match="is half 1 of a, and so is"):
        check_matches(find_sources([tmp_path / "x"], None))
