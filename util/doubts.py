"""What is probably not meant, and asked about: a class that is another one misspelt, videos of quite other rates."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher

from util.errors import number_of

RARE = 10  # times as many events has the class that a misspelt one should be
ONE_EDIT, TWO_EDITS = 4, 6  # letters of a name, from which one of so many edits may be the other
OTHER_RATE = 1.5  # times the usual rate, or the usual one times it: 25 and 30 are near enough to each other


def doubt_classes(numbers: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """Rare classes whose name is a letter or two from a frequent one's, with what to say; numbers apart make no doubt.

    Args:
        numbers: of events of each class.
    """
    for name, number in numbers.items():
        for other, many in numbers.items():
            longest = max(len(name), len(other))
            if (0 < number * RARE <= many and re.sub(r"\d+", "", name) != re.sub(r"\d+", "", other)
                    and _edits(name, other) <= (longest >= ONE_EDIT) + (longest >= TWO_EDITS)):
                yield name, (f"{number_of(number, 'event')}, while {other} has {many:,}, so it may be misspelt; "
                             "if it is, correct the labels, as a class of its own would be learned")


def _edits(one: str, other: str) -> int:
    """Letters that are exchanged, left out or put in."""
    steps = SequenceMatcher(None, one, other, autojunk=False).get_opcodes()
    return sum(max(end - start, to - at) for kind, start, end, at, to in steps if kind != "equal")


def doubt_rates(rates: Mapping[str, float | None]) -> str | None:
    """What to say of videos that have quite another rate than most; None if there are none.

    Args:
        rates: frames per second of each video; None or -1 where it is not known.
    """
    known = {video: round(fps, 2) for video, fps in rates.items() if fps and fps > 0}
    counts = Counter(known.values())
    usual = max(counts, key=lambda fps: (counts[fps], -fps), default=0)
    others = [video for video, fps in known.items() if max(fps / usual, usual / fps) >= OTHER_RATE]
    if not others:
        return None
    more = f" (and {len(others) - 1:,} more such)" if len(others) > 1 else ""
    return (f"{others[0]!r} has {known[others[0]]:g} frames per second, and most videos have {usual:g}{more}; what "
            f"moves looks slower or faster there: prepare_data.py --fps {usual:g} makes all alike (with --overwrite "
            "where the dataset stands)")
