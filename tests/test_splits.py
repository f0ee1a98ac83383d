import json
import random
from itertools import combinations

import pytest

from dataset.splits import choose_splits, read_splits, report_splits, split_entries
from util.errors import UserError
from util.matches import matches_of


def entry(video, passes=8, drives=2, num_frames=100):
    events = [{"frame": i, "label": label} for i, label in enumerate(["PASS"] * passes + ["DRIVE"] * drives)]
    return {"video": video, "num_frames": num_frames, "events": events}


def halves(*matches, **counts):
    return [entry(f"{match}_{half}", **counts) for match in matches for half in (1, 2)]


def odd_matches(number, seed=3):
    rng = random.Random(seed)
    return [entry(f"m{chr(97 + i)}_{half}", rng.randrange(5, 40), rng.randrange(1, 8), rng.randrange(900, 1500))
            for i in range(number) for half in (1, 2)]


def split(entries, seed=0):
    match_of = matches_of(entry["video"] for entry in entries)
    return split_entries(entries, match_of, choose_splits(entries, match_of, seed))


def names(splits):
    return {split: [entry["video"] for entry in entries] for split, entries in splits.items()}


def matches(splits):
    return {split: sorted({video[:-2] for video in videos}) for split, videos in names(splits).items()}


def unevenness(entries, held_out):
    """The sum of what parts of frames, passes and drives differ from that of the matches, for val and for test."""
    totals, of = {}, {}
    for one in entries:
        counts = {"frames": one["num_frames"], "PASS": 0, "DRIVE": 0}
        for event in one["events"]:
            counts[event["label"]] += 1
        for key, number in counts.items():
            totals[key] = totals.get(key, 0) + number
            of[one["video"][:-2], key] = of.get((one["video"][:-2], key), 0) + number
    share = len(held_out[0]) / (len(entries) / 2)
    parts = (sum(of[match, key] for match in group) / totals[key] for group in held_out for key in totals)
    return sum(abs(part - share) for part in parts)


def sizes(num_matches):
    return [len(found) for found in matches(split(halves(*(f"m{chr(97 + i)}" for i in range(num_matches))))).values()]


def test_number_of_matches_per_split():
    assert [sizes(n) for n in (0, 1, 2, 3, 7, 10, 20)] == [
        [0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 1], [5, 1, 1], [6, 2, 2], [14, 3, 3]
    ]


@pytest.mark.parametrize("number", [7, 20])
def test_halves_of_a_match_stay_together_and_no_video_is_lost(number):
    entries = odd_matches(number)
    for seed in (0, 1, 2):
        splits = split(entries, seed)
        groups = matches(splits)
        assert not any(set(groups[a]) & set(groups[b]) for a, b in combinations(groups, 2))
        assert sorted(sum(names(splits).values(), [])) == sorted(entry["video"] for entry in entries)
        assert all(videos == sorted(videos) for videos in names(splits).values())


@pytest.mark.parametrize("number", [12, 20])
def test_order_of_the_entries_does_not_matter(number):
    entries = odd_matches(number)
    for seed in (0, 7):
        first = names(split(entries, seed))
        random.Random(seed).shuffle(entries)
        assert names(split(entries, seed)) == first


def test_no_other_choice_of_seven_matches_is_more_even():
    entries = odd_matches(7)
    groups = matches(split(entries))
    found = unevenness(entries, [groups["val"], groups["test"]])
    every = sorted({one["video"][:-2] for one in entries})
    assert found == pytest.approx(min(unevenness(entries, [[a], [b]]) for a, b in combinations(every, 2)))


def test_twenty_matches_are_dealt_out_more_evenly_than_the_best_of_many_draws():
    entries = odd_matches(20)
    groups = matches(split(entries))
    rng, every = random.Random(0), sorted({one["video"][:-2] for one in entries})
    drawn = [rng.sample(every, 6) for _ in range(1000)]
    least = min(unevenness(entries, [six[:3], six[3:]]) for six in drawn)
    assert unevenness(entries, [groups["val"], groups["test"]]) < least


def test_a_seed_draws_other_splits_that_are_nearly_as_even():
    entries = odd_matches(10)
    splits = [matches(split(entries, seed)) for seed in range(12)]
    assert len({json.dumps(groups) for groups in splits}) > 2
    assert splits[5] == matches(split(entries, 5))
    costs = [unevenness(entries, [groups["val"], groups["test"]]) for groups in splits]
    assert min(costs) == costs[0] and max(costs) <= 1.25 * costs[0] + 1e-9


def test_val_and_test_get_every_class_where_the_matches_allow_it():
    entries = halves("a", "b", "c", "d", drives=0) + halves("x", "y", "z")
    for seed in range(4):
        for of_split in split(entries, seed).values():
            assert {event["label"] for one in of_split for event in one["events"]} == {"PASS", "DRIVE"}


def test_train_keeps_a_class_that_only_one_match_has():
    for rare in "abcdefg":
        entries = halves(*(set("abcdefg") - {rare}), drives=0) + halves(rare)
        assert f"{rare}_1" in names(split(entries))["train"]


def test_a_match_like_the_average_is_held_out_rather_than_an_odd_one():
    odd = halves("long", num_frames=5000, passes=80, drives=20) + halves("short", passes=1)
    held_out = names(split(halves("a", "b", "c", "d") + odd))
    assert not {"long_1", "short_1"} & set(held_out["val"] + held_out["test"])


MATCH_OF = {"a_1": "a", "a_2": "a", "b_1": "b", "c": "c"}


def read(tmp_path, content):
    path = tmp_path / "splits.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return read_splits(path, MATCH_OF)


def test_a_file_may_name_the_matches_of_each_split(tmp_path):
    where = read(tmp_path, {"test": ["a"], "train": ["c", "b"]})
    assert where == {"a": "test", "b": "train", "c": "train"}
    entries = [entry(video) for video in reversed(MATCH_OF)]
    assert names(split_entries(entries, MATCH_OF, where)) == {"train": ["b_1", "c"], "val": [], "test": ["a_1", "a_2"]}


def test_or_a_folder_may_list_the_videos_of_each_split_of_which_some_are_not_there(tmp_path):
    listed = {"train": ["b_1", "c", "elsewhere"], "test": ["a/half1", "a/half2"]}
    for split, videos in listed.items():
        (tmp_path / f"{split}.json").write_text(json.dumps([{"video": name, "num_frames": 9} for name in videos]))
    assert read_splits(tmp_path, MATCH_OF) == {"a": "test", "b": "train", "c": "train"}
    (tmp_path / "train.json").write_text('[{"video": "a_1"}, {"video": "b_1"}, {"video": "c"}]')
    with pytest.raises(UserError, match="names 'a' in train and again in test"):
        read_splits(tmp_path, MATCH_OF)


@pytest.mark.parametrize("content, said", [
    ([], "must be such as"),
    ({"challenge": ["a"]}, "must be such as"),
    ({"train": "a"}, 'train is "a"; it must be a list'),
    ({"train": ["a", "b", "d"], "test": ["c"]}, "train names 'd', which is no match with labels; correct it"),
    ({"train": ["a_1", "b"], "test": ["c"]}, "train names 'a_1', .*; name its match, 'a'"),
    ({"train": ["a", "b"], "test": ["c", "a"]}, "names 'a' in train and again in test"),
    ({"train": ["a", "a", "b"], "test": ["c"]}, "names 'a' in train and again in train"),
    ({"train": ["a"]}, r"does not name 'b' \(and 1 more\); add it"),
])
def test_a_file_of_splits_that_does_not_name_each_match_once_is_refused(tmp_path, content, said):
    with pytest.raises(UserError, match=rf"splits\.json: {said}"):
        read(tmp_path, content)


def test_the_report_counts_by_match_and_warns_of_what_is_lacking():
    entries = halves("a", "b", drives=0) + halves("c")
    match_of = matches_of(one["video"] for one in entries)
    where = {"a": "train", "b": "val", "c": "train"}
    lines, warnings = report_splits(split_entries(entries, match_of, where), match_of, match_of, ["DRIVE", "PASS"])
    rows = [line.split() for line in lines]
    assert ["train", "a", "2", "200", "0", "16"] in rows
    assert ["train", "(2", "in", "all)", "4", "400", "4", "32"] in rows
    assert warnings == ["the val split has no DRIVE; move a match that has it there: --splits",
                        "no test split, for lack of matches; three or more are needed for all splits"]


def test_the_report_warns_of_matches_torn_apart_and_of_what_may_be_many_matches():
    entries = halves("a", "b", "c")
    match_of = matches_of(one["video"] for one in entries)
    alone = {video: video for video in match_of}
    where = dict.fromkeys(alone, "train") | {"b_2": "val", "c_1": "test"}
    _, warnings = report_splits(split_entries(entries, alone, where), alone, match_of, ["PASS"])
    assert len(warnings) == 1 and "match 'b' (and of 1 more) stand in more than one split" in warnings[0]

    cup = [entry(f"cup_{number}") for number in (1, 2, 3)]
    match_of = matches_of(one["video"] for one in cup)
    splits = split_entries(cup, match_of, choose_splits(cup, match_of))
    warning = report_splits(splits, match_of, match_of, ["PASS"])[1][-1]
    assert "the 3 videos of 'cup' are taken for parts of one match; if each is" in warning


def test_of_many_matches_the_report_has_the_sums_alone():
    entries = [entry(f"dive{number}") for number in range(100)]
    match_of = matches_of(one["video"] for one in entries)
    splits = split_entries(entries, match_of, choose_splits(entries, match_of))
    assert len(report_splits(splits, match_of, match_of, ["PASS"])[0]) == 4
