import random

from dataset.splits import match_of, split_by_match


def entry(video, passes=8, drives=2, num_frames=100):
    events = [{"frame": i, "label": label} for i, label in enumerate(["PASS"] * passes + ["DRIVE"] * drives)]
    return {"video": video, "num_frames": num_frames, "events": events}


def halves(*matches, **counts):
    return [entry(f"{match}_{half}", **counts) for match in matches for half in (1, 2)]


def names(splits):
    return {split: [entry["video"] for entry in entries] for split, entries in splits.items()}


def sizes(num_matches):
    splits = split_by_match(halves(*(f"m{chr(97 + i)}" for i in range(num_matches))))
    return [len({match_of(entry["video"]) for entry in splits[split]}) for split in ("train", "val", "test")]


def test_match_of_strips_the_half_and_nothing_else():
    assert match_of("argentina_brazil_1") == match_of("argentina_brazil_2") == "argentina_brazil"
    assert match_of("cup/2024_1/argentina_brazil_2") == "cup/2024_1/argentina_brazil"
    assert match_of("argentina_brazil_3") == "argentina_brazil_3"
    assert match_of("argentina_brazil1") == "argentina_brazil1"
    assert match_of("final_2024") == "final_2024"


def test_number_of_matches_per_split():
    assert [sizes(n) for n in (0, 1, 2, 3, 7, 10, 20)] == [
        [0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 1], [5, 1, 1], [6, 2, 2], [14, 3, 3]
    ]


def test_halves_of_a_match_stay_together_and_no_video_is_lost():
    entries = halves("a", "b", "c", "d", "e", "f", "g")
    splits = split_by_match(entries)
    where = {}
    for split, videos in names(splits).items():
        for video in videos:
            where.setdefault(match_of(video), set()).add(split)
    assert all(len(found) == 1 for found in where.values())
    assert sorted(sum(names(splits).values(), [])) == sorted(entry["video"] for entry in entries)


def test_order_of_the_entries_does_not_matter():
    rng = random.Random(3)
    videos = [f"m{i:02d}_{half}" for i in range(12) for half in (1, 2)]
    entries = [entry(video, rng.randrange(1, 20), rng.randrange(1, 5)) for video in videos]
    first = names(split_by_match(entries))
    for _ in range(5):
        rng.shuffle(entries)
        assert names(split_by_match(entries)) == first


def test_val_and_test_get_every_class_where_the_matches_allow_it():
    entries = halves("a", "b", "c", "d", drives=0) + halves("x", "y", "z")
    splits = split_by_match(entries)
    for split in splits.values():
        assert {event["label"] for entry in split for event in entry["events"]} == {"PASS", "DRIVE"}


def test_train_keeps_a_class_that_only_one_match_has():
    for rare in "abcdefg":
        entries = halves(*(set("abcdefg") - {rare}), drives=0) + halves(rare)
        assert f"{rare}_1" in names(split_by_match(entries))["train"]


def test_a_match_like_the_average_is_held_out_rather_than_an_odd_one():
    odd = halves("long", num_frames=5000, passes=80, drives=20) + halves("short", passes=1)
    entries = halves("a", "b", "c", "d") + odd
    held_out = names(split_by_match(entries))
    assert not {"long_1", "short_1"} & set(held_out["val"] + held_out["test"])
