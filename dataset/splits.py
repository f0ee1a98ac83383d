"""Deal the matches of a dataset out over train, val and test.

The frames of one match look alike: the same light, kits and camera. Were its halves in two splits, the score
would tell how well the model remembers a match, and not how well it spots events in one that it never saw.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

FRAMES = ""  # stands for "frames" beside the classes, which are never empty strings


def match_of(video: str) -> str:
    """The match that a video belongs to: its name without the half, `_1` or `_2`; slashes are kept."""
    return re.sub(r"_[12]$", "", video)


def split_by_match(entries: Iterable[dict]) -> dict[str, list[dict]]:
    """Split entries (video, num_frames, events) by match, the same way in whatever order they come.

    Of n matches round(0.15 n), at least one, go to test, as many to val and the others to train: of seven,
    five, one and one. Of two, one is val and none is test; a single one is train. The test matches, then the
    val matches, are taken one at a time so that no class is lost to train, then that none is lacking where
    they go, then that their parts of frames and of each class come nearest to their part of the matches.

    Returns:
        {"train": entries, "val": entries, "test": entries}, each sorted by video; val or test may be empty.
    """
    matches: dict[str, list[dict]] = {}
    for entry in sorted(entries, key=lambda entry: entry["video"]):
        matches.setdefault(match_of(entry["video"]), []).append(entry)
    counts = {match: _count(videos) for match, videos in matches.items()}
    held_out = max(1, round(0.15 * len(matches)))
    train = sorted(matches)
    chosen: dict[str, list[str]] = {"val": [], "test": []}
    for split in ("test", "val"):
        needed = {"test": 3, "val": 2}[split]
        for _ in range(held_out if len(matches) >= needed else 0):
            match = _next_match(train, chosen[split], counts)
            chosen[split].append(match)
            train.remove(match)
    by_split = {"train": train, "val": sorted(chosen["val"]), "test": sorted(chosen["test"])}
    return {
        split: [entry for match in names for entry in matches[match]] for split, names in by_split.items()
    }


def _count(videos: list[dict]) -> Counter[str]:
    """Events of each class, and frames."""
    count = Counter(event["label"] for entry in videos for event in entry["events"])
    count[FRAMES] = sum(entry["num_frames"] for entry in videos)
    return count


def _next_match(train: list[str], chosen: list[str], counts: dict[str, Counter[str]]) -> str:
    """Which of the matches that are still in train goes best with those chosen for a split."""
    total = sum(counts.values(), Counter())
    share = (len(chosen) + 1) / len(counts)

    def cost(match: str) -> tuple:
        split = sum((counts[name] for name in [*chosen, match]), Counter())
        rest = sum((counts[name] for name in train if name != match), Counter())
        uneven = sum(abs(split[key] / total[key] - share) for key in total)
        return sum(not rest[key] for key in total), sum(not split[key] for key in total), uneven, match

    return min(train, key=cost)
