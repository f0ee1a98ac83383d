"""Deal the matches of a dataset out over train, val and test.

The frames of one match look alike: the same light, kits and camera. Were its halves in two splits, the score
would tell how well the model remembers a match, and not how well it spots events in one that it never saw.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np

from dataset.labels import SPLITS
from dataset.matches import doubt_matches
from util.entries import composed, shown
from util.errors import UserError
from util.io import read_json

HELD_OUT = 0.15  # of the matches, to val and to test each
ALL_SPLITS = 5000  # up to so many ways to deal the matches out are all tried: those of 13 matches
STARTS, SWAPS = 8, 4096  # where there are more: random beginnings, and exchanges that are weighed at a time
NEAR_BEST = 1.25  # to a seed, splits that are uneven by so many times the least are as good as the best
LACKING = 1e4  # a class that a split lacks outweighs any unevenness
LISTED = 60  # matches, up to which the table names each

TRAIN, TEST, VAL = range(3)

Dealt = tuple[tuple[int, ...], tuple[int, ...]]  # the numbers of the matches in test, and in val


def choose_splits(entries: Iterable[dict], match_of: Mapping[str, str], seed: int = 0) -> dict[str, str]:
    """The split of each match, the same in whatever order the entries (video, num_frames, events) come.

    Of n matches round(0.15 n), at least one, go to test, as many to val and the others to train: of seven,
    five, one and one. Of two, one is val and none is test; a single one is train. Those are chosen with which train
    lacks as few classes as can be, then val and test do, then the parts of the frames and of the events of each
    class in val and test come nearest to their part of the matches. Up to 13 matches all ways are tried; of more,
    matches are exchanged between the splits, from random beginnings, as long as it helps.

    Args:
        match_of: the match of each video, or the video itself where each is dealt out alone.
        seed: 0 for the most even splits that are found; any other draws some that are nearly as even.
    """
    matches: dict[str, list[dict]] = defaultdict(list)
    for entry in entries:
        matches[match_of[entry["video"]]].append(entry)
    names = sorted(matches)
    where = dict.fromkeys(names, "train")
    if len(names) > 1:
        held_out = max(1, round(HELD_OUT * len(names)))
        ways = _deal(_shares([matches[name] for name in names]), held_out if len(names) > 2 else 0, held_out, seed)
        for split, of_split in zip(("test", "val"), ways, strict=True):
            where |= {names[index]: split for index in of_split}
    return where


def read_splits(path: Path, match_of: Mapping[str, str]) -> dict[str, str]:
    """The split of each match, by a file such as {"train": ["a_b", "c_d"], "val": ["e_f"], "test": ["g_h"]}.

    Args:
        match_of: the match of each video; the file must name each match once.

    Raises:
        UserError: the file is not so.
    """
    content = read_json(path)
    if not isinstance(content, dict) or not content or not set(content) <= set(SPLITS):
        raise UserError(f'{path}: must be such as {{"train": ["a_b", "c_d"], "val": ["e_f"], "test": ["g_h"]}}')
    where: dict[str, str] = {}
    matches = {composed(match): match for match in match_of.values()}
    videos = {composed(video): match for video, match in match_of.items()}
    for split, names in content.items():
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise UserError(f"{path}: {split} is {shown(names)}; it must be a list of names")
        for name in map(composed, names):
            if name not in matches:
                hint = f"name its match, {videos[name]!r}" if name in videos else "correct it or take it out"
                raise UserError(f"{path}: {split} names {name!r}, which is no match with labels; {hint}")
            name = matches[name]
            if name in where:
                raise UserError(f"{path}: names {name!r} in {where[name]} and again in {split}; leave one")
            where[name] = split
    missing = sorted(set(matches.values()) - where.keys())
    if missing:
        rest = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        raise UserError(f"{path}: does not name {missing[0]!r}{rest}; add it to one of the splits")
    return where


def split_entries(
    entries: Iterable[dict], match_of: Mapping[str, str], where: Mapping[str, str]
) -> dict[str, list[dict]]:
    """Split entries by the split of their match: {"train": entries, ...}, each sorted by video, maybe empty."""
    splits: dict[str, list[dict]] = {split: [] for split in SPLITS}
    for entry in sorted(entries, key=lambda entry: entry["video"]):
        splits[where[match_of[entry["video"]]]].append(entry)
    return splits


# How even a split is


def _shares(matches: Sequence[list[dict]]) -> np.ndarray:
    """The part that each match has of all frames and of all events of each class, float (matches, 1 + classes)."""
    counts = [Counter(event["label"] for entry in of for event in entry["events"]) for of in matches]
    classes = sorted(set().union(*counts))
    frames = [sum(entry["num_frames"] for entry in of) for of in matches]
    table = np.array([[number, *(count[name] for name in classes)]
                      for number, count in zip(frames, counts, strict=True)], float)
    return table / table.sum(0)


def _unevenness(test: np.ndarray, val: np.ndarray, parts: tuple[float, float]) -> np.ndarray:
    """What shall be as little as can be: whole thousands for classes that a split lacks, the rest for its shares.

    Args:
        test, val: their parts of frames and classes, float (..., 1 + classes).
        parts: their parts of the matches.
    """
    hair = 1e-9
    lost = (test + val > 1 - hair).sum(-1)  # classes that train lacks
    lacking = sum((of < hair).sum(-1) for of, part in zip((test, val), parts, strict=True) if part)
    uneven = sum(np.abs(of - part).sum(-1) for of, part in zip((test, val), parts, strict=True))
    return LACKING * (LACKING * lost + lacking) + uneven


def _deal(shares: np.ndarray, in_test: int, in_val: int, seed: int) -> Dealt:
    """The matches that go to test and to val, chosen as `choose_splits` says."""
    number, rng = len(shares), np.random.default_rng(seed)
    if math.comb(number, in_test) * math.comb(number - in_test, in_val) <= ALL_SPLITS:
        ways = list(_all_splits(number, in_test, in_val))
    else:
        ways = [_exchange(shares, in_test, in_val, rng) for _ in range(STARTS)]
    parts = (in_test / number, in_val / number)

    def cost(way: Dealt) -> tuple:
        test, val = (shares[list(names)].sum(0) for names in way)
        # of two ways that differ in which is val and which is test, the more even one is test
        alone = _unevenness(test, 0 * test, (parts[0], 0))
        return round(float(_unevenness(test, val, parts)), 9), round(float(alone), 9), way

    costs = sorted(map(cost, ways))
    least = costs[0][0]
    near = [row for row in costs if row[0] <= least + (NEAR_BEST - 1) * (least % LACKING)]
    return costs[0][2] if seed == 0 else near[rng.integers(len(near))][2]


def _all_splits(number: int, in_test: int, in_val: int) -> Iterator[Dealt]:
    for test in combinations(range(number), in_test):
        for val in combinations([index for index in range(number) if index not in test], in_val):
            yield test, val


def _exchange(shares: np.ndarray, in_test: int, in_val: int, rng: np.random.Generator) -> Dealt:
    """Exchange matches between splits, from a random beginning, the best pair of many each time, while it helps."""
    number = len(shares)
    where = rng.permutation(np.repeat([TRAIN, TEST, VAL], [number - in_test - in_val, in_test, in_val]))
    parts = (in_test / number, in_val / number)
    while True:
        test, val = (shares[where == split].sum(0) for split in (TEST, VAL))
        one, other = rng.integers(number, size=(2, SWAPS))
        moved = shares[other] - shares[one]  # what the split of `one` gains, and that of `other` loses
        gains = ((where[one] == split) * 1.0 - (where[other] == split) for split in (TEST, VAL))
        costs = _unevenness(*(of + moved * gain[:, None] for of, gain in zip((test, val), gains, strict=True)), parts)
        swap = int(costs.argmin())
        if costs[swap] >= _unevenness(test, val, parts) - 1e-9:
            return tuple(np.flatnonzero(where == TEST).tolist()), tuple(np.flatnonzero(where == VAL).tolist())
        where[one[swap]], where[other[swap]] = where[other[swap]], where[one[swap]]


# What went where


def report_splits(
    splits: Mapping[str, list[dict]], whole: Mapping[str, str], match_of: Mapping[str, str], classes: Sequence[str]
) -> tuple[list[str], list[str]]:
    """A table of what went where, a line for each split and for each match if they are few, and warnings.

    Args:
        whole: what was to stay whole, for each video: its match, or the video alone.
        match_of: the match of each video.
    """
    rows = [("split", "match", "videos", "frames", *classes)]
    for split in SPLITS:
        matches: dict[str, list[dict]] = defaultdict(list)
        for entry in splits[split]:
            matches[whole[entry["video"]]].append(entry)
        if len(set(whole.values())) <= LISTED:
            rows += [(split, match, *_counts(matches[match], classes)) for match in sorted(matches)]
        rows.append((split, f"({len(matches)} in all)", *_counts(splits[split], classes)))
    widths = [max(len(str(row[column])) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        text = [str(cell).ljust(width) for cell, width in zip(row[:2], widths, strict=False)]
        numbers = [str(cell).rjust(width) for cell, width in zip(row[2:], widths[2:], strict=True)]
        lines.append("  ".join(text + numbers))
    return lines, list(_warnings(splits, whole, match_of, classes))


def _warnings(
    splits: Mapping[str, list[dict]], whole: Mapping[str, str], match_of: Mapping[str, str], classes: Sequence[str]
) -> Iterator[str]:
    for split in SPLITS:
        missing = [name for name in classes if not _counts(splits[split], [name])[-1]]
        if not splits[split]:
            yield f"no {split} split, for lack of matches; three or more are needed for all splits"
        elif missing:
            yield f"the {split} split has no {', '.join(missing)}"
    sizes = Counter(whole.values())
    large = max(sizes, key=sizes.get)
    if len(sizes) < 3 and sizes[large] > 2:
        yield (f"the {sizes[large]} videos of {large!r} are taken for parts of one match; if each is a match of its "
               "own, say --split_by video")
    splits_of = defaultdict(set)
    for split in SPLITS:
        for entry in splits[split]:
            splits_of[match_of[entry["video"]]].add(split)
    torn = [match for match in sorted(splits_of) if len(splits_of[match]) > 1]
    if torn:
        rest = f" (and of {len(torn) - 1} more)" if len(torn) > 1 else ""
        yield (f"the videos of match {torn[0]!r}{rest} stand in more than one split: the score will tell "
               "how well a match is remembered, and not how well a new one is spotted")
    elif doubt := doubt_matches({entry["video"]: split for split in SPLITS for entry in splits[split]}):
        yield doubt


def _counts(entries: list[dict], classes: Sequence[str]) -> list[int]:
    """Videos, frames, and events of each class."""
    events = Counter(event["label"] for entry in entries for event in entry["events"])
    return [len(entries), sum(entry["num_frames"] for entry in entries), *(events[name] for name in classes)]
