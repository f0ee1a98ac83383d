import pytest

from dataset.labels import SPLITS, read_split
from dataset.matches import match_and_part, matches_of


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
