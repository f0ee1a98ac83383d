"""Distribute the matches of a dataset over train, val and test.

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
from util.entries import composed, shown
from util.errors import UserError
from util.io import read_json
from util.matches import doubt_matches, match_and_part

HELD_OUT = 0.15  # of the matches, to val and to test each
ALL_SPLITS = 5000  # up to so many possible splits are all tried: those of 13 matches
STARTS, SWAPS = 8, 4096  # where there are more: random beginnings, and exchanges that are compared at a time
ROUNDING = 1e-9  # of sums of shares
NEAR_BEST = 1.25  # to a seed, splits that are uneven by so many times the least are as good as the best
LACKING = 1e4  # a class that a split lacks outweighs any unevenness
LISTED = 60  # matches, up to which the table names each

TRAIN, TEST, VAL = range(3)

HeldOut = tuple[tuple[int, ...], tuple[int, ...]]  # the numbers of the matches in test, and in val


def choose_splits(entries: Iterable[dict], match_of: Mapping[str, str], seed: int = 0) -> dict[str, str]:
    """The split of each match, the same in whatever order the entries (video, num_frames, events) come.

    Of n matches round(0.15 n), at least one, go to test, as many to val and the others to train: of seven,
    five, one and one. Of two, one is val and none is test; a single one is train. Those are chosen with which train
    lacks as few classes as can be, then val and test do, then the parts of the frames and of the events of each
    class in val and test come nearest to their part of the matches. Up to 13 matches all splits are tried; of more,
    matches are exchanged between the splits, from random beginnings, as long as it helps.

    Args:
        match_of: the match of each video, or the video itself where each stands alone.
        seed: 0 for the most even splits that are found; any other draws some that are nearly as even.
    """
    matches: dict[str, list[dict]] = defaultdict(list)
    for entry in entries:
        matches[match_of[entry["video"]]].append(entry)
    names = sorted(matches)
    where = dict.fromkeys(names, "train")
    if len(names) > 1:
        held_out = max(1, round(HELD_OUT * len(names)))
        shares = _shares([matches[name] for name in names])
        chosen = _choose_held_out(shares, held_out if len(names) > 2 else 0, held_out, seed)
        for split, indices in zip(("test", "val"), chosen, strict=True):
            where |= {names[index]: split for index in indices}
    return where


def read_splits(path: Path, match_of: Mapping[str, str]) -> dict[str, str]:
    """The split of each match, by a file such as {"train": ["a_b", "c_d"], "val": ["e_f"], "test": ["g_h"]}.

    Or by a folder of train.json, val.json and test.json, such as those of E2E-Spot, T-DEED and AdaSpot, of whose videos
    those that are not there are left out; a match that it does not name goes to train, such as one that was labelled
    since.

    Args:
        match_of: the match of each video; the file must name each match once.

    Raises:
        UserError: the file is not so.
    """
    content = _listed_matches(path, match_of) if path.is_dir() else read_json(path)
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
    if missing and path.is_dir():
        where |= dict.fromkeys(missing, "train")
    elif missing:
        rest = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        raise UserError(f"{path}: does not name {missing[0]!r}{rest}; add it to one of the splits")
    return where


def _listed_matches(folder: Path, match_of: Mapping[str, str]) -> dict[str, list[str]]:
    """The matches, of those that there are, whose videos a folder lists for each split."""
    matches = {composed(match): match for match in match_of.values()}
    matches |= {composed(video): match for video, match in match_of.items()}
    found: dict[str, list[str]] = {}
    for path in (folder / f"{split}.json" for split in SPLITS):
        entries = read_json(path) if path.exists() else []
        if not isinstance(entries, list) or not all(isinstance(entry, dict) and isinstance(entry.get("video"), str)
                                                    for entry in entries):
            raise UserError(f"{path}: must be a list of videos, each with its name as video")
        names = [name for entry in entries for name in (entry["video"], match_and_part(entry["video"])[0])]
        found[path.stem] = list(dict.fromkeys(matches[name] for name in map(composed, names) if name in matches))
    return found


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
    counts = [Counter(event["label"] for entry in match for event in entry["events"]) for match in matches]
    classes = sorted(set().union(*counts))
    frames = [sum(entry["num_frames"] for entry in match) for match in matches]
    table = np.array([[number, *(count[name] for name in classes)]
                      for number, count in zip(frames, counts, strict=True)], float)
    return table / table.sum(0)


def _unevenness(held_out: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """What is to be small: whole thousands for classes that a split lacks, the rest for its distance from its size.

    Args:
        held_out: the parts of frames and classes that are in test and in val, float (..., 2, 1 + classes).
        sizes: the parts of the matches that are, float (2,).
    """
    lost = (held_out.sum(-2) > 1 - ROUNDING).sum(-1)  # classes that train lacks
    lacking = ((held_out < ROUNDING) & (sizes[:, None] > 0)).sum((-2, -1))
    return LACKING * (LACKING * lost + lacking) + np.abs(held_out - sizes[:, None]).sum((-2, -1))


def _choose_held_out(shares: np.ndarray, in_test: int, in_val: int, seed: int) -> HeldOut:
    """The matches that go to test and to val, chosen as `choose_splits` says."""
    number, rng = len(shares), np.random.default_rng(seed)
    if math.comb(number, in_test) * math.comb(number - in_test, in_val) <= ALL_SPLITS:
        candidates = list(_all_splits(number, in_test, in_val))
    else:
        candidates = [_exchange(shares, in_test, in_val, rng) for _ in range(STARTS)]
    sizes = np.array([in_test, in_val]) / number

    def cost(candidate: HeldOut) -> tuple:
        held_out = np.stack([shares[list(matches)].sum(0) for matches in candidate])
        # of two that differ in which part is val and which is test, the more even part is test
        test_alone = _unevenness(held_out * [[1], [0]], sizes * [1, 0])
        return round(float(_unevenness(held_out, sizes)), 9), round(float(test_alone), 9), candidate

    costs = sorted(map(cost, candidates))
    least = costs[0][0]
    near = [row for row in costs if row[0] <= least + (NEAR_BEST - 1) * (least % LACKING)]
    return costs[0][2] if seed == 0 else near[rng.integers(len(near))][2]


def _all_splits(number: int, in_test: int, in_val: int) -> Iterator[HeldOut]:
    for test in combinations(range(number), in_test):
        for val in combinations([index for index in range(number) if index not in test], in_val):
            yield test, val


def _exchange(shares: np.ndarray, in_test: int, in_val: int, rng: np.random.Generator) -> HeldOut:
    """Exchange matches between splits, from a random beginning, the best pair of many each time, while it helps."""
    number = len(shares)
    split_of = rng.permutation(np.repeat([TRAIN, TEST, VAL], [number - in_test - in_val, in_test, in_val]))
    sizes = np.array([in_test, in_val]) / number
    while True:
        in_split = split_of == np.array([[TEST], [VAL]])  # (2, number)
        held_out = in_split @ shares
        one, other = rng.integers(number, size=(2, SWAPS))
        gain = in_split[:, one].astype(float) - in_split[:, other]  # (2, SWAPS): 1 where `other` comes for `one`
        moved = gain.T[:, :, None] * (shares[other] - shares[one])[:, None]
        costs = _unevenness(held_out + moved, sizes)
        swap = int(costs.argmin())
        if costs[swap] >= _unevenness(held_out, sizes) - ROUNDING:
            return tuple(tuple(np.flatnonzero(matches).tolist()) for matches in in_split)
        split_of[one[swap]], split_of[other[swap]] = split_of[other[swap]], split_of[one[swap]]


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
            yield f"the {split} split has no {', '.join(missing)}; move a match that has it there: --splits"
    sizes = Counter(whole.values())
    large = max(sizes, key=sizes.get)
    if len(sizes) < 3 and sizes[large] > 2:
        yield (f"the {sizes[large]} videos of {large!r} are taken for parts of one match; if each is a match of its "
               "own, say --split_by video")
    splits_of = defaultdict(set)
    for split in SPLITS:
        for entry in splits[split]:
            splits_of[match_of[entry["video"]]].add(split)
    divided = [match for match in sorted(splits_of) if len(splits_of[match]) > 1]
    if divided:
        rest = f" (and of {len(divided) - 1} more)" if len(divided) > 1 else ""
        yield (f"the videos of match {divided[0]!r}{rest} stand in more than one split: the score will tell "
               "how well a match is remembered, and not how well a new one is spotted")
    elif doubt := doubt_matches({entry["video"]: split for split in SPLITS for entry in splits[split]}):
        yield doubt


def _counts(entries: list[dict], classes: Sequence[str]) -> list[int]:
    """Videos, frames, and events of each class."""
    events = Counter(event["label"] for entry in entries for event in entry["events"])
    return [len(entries), sum(entry["num_frames"] for entry in entries), *(events[name] for name in classes)]
