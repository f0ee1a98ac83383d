import pytest

from dataset.labels import SPLITS, read_split
from util.matches import doubtful_matches, match_and_part, matches_of, part_number, parts_of


@pytest.mark.parametrize("video, match, part", [
    ("argentina_brazil_1", "argentina_brazil", 1),
    ("argentina_brazil_2_720p", "argentina_brazil", 2),
    ("argentina_brazil/1", "argentina_brazil", 1),
    ("cup/argentina_brazil/2_224p", "cup/argentina_brazil", 2),
    ("2015-02-21 - 18-00 Chelsea 1 - 1 Burnley/1_HQ", "2015-02-21 - 18-00 Chelsea 1 - 1 Burnley", 1),
    ("cup/2024_1/argentina_brazil_2", "cup/2024_1/argentina_brazil", 2),
    ("argentina_brazil_3", "argentina_brazil", 3),  # extra time
    ("argentina_brazil", "argentina_brazil", None),
    ("argentina_brazil/720p", "argentina_brazil", None),
    ("argentina_brazil_720p", "argentina_brazil", None),
    ("argentina_brazil1", "argentina_brazil1", None),
    ("argentina_brazil_10", "argentina_brazil_10", None),
    ("dive_01", "dive_01", None),
    ("01__2", "01__2", None),
    ("final_2024", "final_2024", None),
    ("usopen_2019_womens_osaka_gauff_31842_32211", "usopen_2019_womens_osaka_gauff_31842_32211", None),
    ("1", "1", None),
])
def test_what_a_name_tells(video, match, part):
    assert match_and_part(video) == (match, part)


@pytest.mark.parametrize("first, second, part", [
    ("{}_first_half", "{}_second_half", 2), ("{}_H1", "{}_h2", 2), ("{} 1st half", "{} 2nd half", 2),
    ("{}-1", "{}-2", 2), ("{}.1", "{}.2", 2), ("{}_part1", "{}_part2", 2), ("{} (1)", "{} (2)", 2),
    ("{}(1)", "{}(2)", 2), ("{}/first half", "{}/Second Half", 2), ("first half/{}", "second half/{}", 2),
    ("{}_1_1080p60", "{}_2_1080p60", 2), ("{}_1 [720p]", "{}_2_25fps_h264", 2), ("{}_Q1", "{}_Q4", 4),
    ("{}_1", "{}_5", 5), ("{}_half1", "{}_half-2", 2), ("{}_1H", "{}_2H", 2), ("{} period 1", "{} Period_2", 2),
    ("{}_P1", "{}_P2", 2), ("{}_pt_1", "{}_pt_2", 2), ("{}_first", "{}_second", 2), ("{}_1st", "{}_2nd", 2),
    ("{}_1", "{}_ET1", 3), ("{}_1", "{}_extra_time", 3), ("{}_2", "{}_extra time 2", 4), ("{}_2", "{}_penalties", 5),
    ("{} Teil 1", "{} Teil 2", 2), ("{} 1. Halbzeit", "{} 2. Halbzeit", 2),
    ("{}_primer_tiempo", "{}_segundo tiempo", 2),
    ("{}_1T", "{}_2T", 2), ("{}_primo tempo", "{}_secondo tempo", 2), ("{}_mi-temps1", "{}_mi-temps2", 2),
    ("{}_H1_1080p", "{}_H2_4k", 2), ("{}_firsthalf", "{}_SECONDHALF", 2), ("{}/half1", "{}/half2", 2),
    ("{} - 1", "{} - 2", 2), ("{} [1]", "{} [2]", 2), ("{}FirstHalf", "{}SecondHalf", 2), ("{}1stHalf", "{}2ndHalf", 2),
])
@pytest.mark.parametrize("match", ["red_blue", "cup 2024/Red Blue", "2024-05-01 red-blue 2-1 final"])
def test_parts_however_they_are_named(first, second, part, match):
    videos = [first.format(match), second.format(match), "green_white_1"]
    parts = parts_of(videos)
    assert parts[videos[0]][0] == parts[videos[1]][0] != "green_white" and parts[videos[1]][1] == part
    assert parts[videos[0]][1] == 1 or "2" in videos[0]


@pytest.mark.parametrize("video", [
    "red_blue_2-1", "red 3 - 2", "2024-05-01", "red_2024_05_02", "counterpart", "half", "quarter_final", "cam2", "red1",
    "match_hd2", "1", "01__2", "second_hand_cam3"])
def test_numbers_that_are_no_parts(video):
    assert match_and_part(video) == (video, None)


def test_the_same_numbers_in_several_matches_are_pieces_of_each():
    videos = [f"{match}_{number}" for match in ("red_blue", "red_green", "blue_green") for number in range(9)]
    assert sorted(set(matches_of(videos).values())) == ["blue_green", "red_blue", "red_green"]
    assert parts_of(videos)["red_blue_8"] == ("red_blue", 8)
    assert set(matches_of(["red_blue_01", "red_blue_02"]).values()) == {"red_blue"}
    assert set(matches_of(["red_blue_0", "red_blue_1", "red_blue_2"]).values()) == {"red_blue"}
    assert len(set(matches_of(["Red Blue H1", "red_blue_h2"]).values())) == 1


def test_names_that_may_be_parts_are_doubted_and_those_that_are_understood_are_not():
    def doubted(*videos):
        return doubtful_matches(dict(zip(videos, ("train", "val", "test") * 9, strict=False)))

    for videos in (("GOPR0001", "GOPR0002"), ("red1", "red2"), ("red_I", "red_II"), ("a_first_cam", "a_second_cam"),
                   ("game_1_left", "game_2_left"), [f"cup_{number}" for number in range(1, 8)]):
        assert doubted(*videos)[0] == tuple(videos[:2])
    for videos in (("final_2023", "final_2024"), ("a 2024-05-01", "a 2024-05-08"), ("us_166072_166372", "us_1_2"),
                   ("m1_1", "m2_1"), ("ab", "ac"), [f"dive_{number}" for number in range(1, 15)]):
        assert doubted(*videos) == []
    assert doubtful_matches({"red1": "train", "red2": "train"}) == []


@pytest.mark.parametrize("text, part", [
    ("1", 1), ("1st", 1), ("H1", 1), ("first half", 1), (2.0, 2), ("2.0", 2), ("ET1", 3), ("second", 2), ("2H", 2),
    ("Q4", 4), (" 2 ", 2), ("2.", 2), ("II", 2),
    ("zweite Halbzeit", 2), ("own", None), ("", None), ("0", None), ("12", None), ("left", None),
])
def test_what_a_cell_says_of_the_part(text, part):
    assert part_number(text) == part


def test_halves_have_one_match_whatever_their_size():
    videos = ["a_1", "a_2", "b/1_224p", "b/2_720p", "c", "c_1_x"]
    assert list(matches_of(videos).values()) == ["a", "a", "b", "b", "c", "c_1_x"]


def test_a_number_that_counts_videos_is_no_half():
    cup = [f"cup_{number}" for number in range(1, 8)]
    assert list(matches_of(cup).values()) == cup
    assert set(matches_of(cup[:4]).values()) == {"cup"}  # it cannot be told, and no match must be torn apart
    assert matches_of([*cup, "cup_3_1", "cup_3_2"])["cup_3_2"] == "cup_3"
    padded = ["m_1", "m_2", "m_03"]
    assert list(matches_of(padded).values()) == padded
    assert matches_of(["cup_7", "other_1", "other_2"])["other_2"] == "other"


@pytest.mark.parametrize("name", ["tennis", "fs_comp", "fs_perf", "finediving"])
def test_videos_of_real_label_sets_are_not_taken_for_halves(shared, name):
    dataset = str(shared / "labels" / name)
    matches = matches_of(entry["video"] for split in SPLITS for entry in read_split(dataset, split))
    assert all(match == video for video, match in matches.items()) and len(matches) > 300
