"""Which match a video belongs to, and which part of it it shows, as far as its name tells.

    argentina_brazil_1   argentina_brazil_2   argentina_brazil_2_720p   halves of argentina_brazil
    argentina_brazil/1   argentina_brazil/2_224p                        halves of argentina_brazil
    argentina_brazil     argentina_brazil/720p                          the whole of argentina_brazil

Parts 3 and 4 are extra time. Names that end in other numbers (final_2024, usopen_166072_166372, dive_07, 01__2)
are taken as they stand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

PARTS = (1, 2, 3, 4)
_QUALITY = r"(?:\d{3,4}p|[hl]q)"
_NUMBERED = re.compile(rf"(.*[^_/][_/])(\d{{1,3}})(?:_{_QUALITY})?", re.IGNORECASE)
_WHOLE = re.compile(rf"(.+)[_/]{_QUALITY}", re.IGNORECASE)


def match_and_part(video: str) -> tuple[str, int | None]:
    """The match and the part (1 to 4) that a name speaks of; part None: the whole match, or it does not tell."""
    numbered = _NUMBERED.fullmatch(video)
    if numbered and numbered[2] in map(str, PARTS):
        return numbered[1][:-1], int(numbered[2])
    whole = _WHOLE.fullmatch(video)
    return (whole[1] if whole else video), None


def matches_of(videos: Iterable[str]) -> dict[str, str]:
    """The match of each video, judged by all the names that there are.

    Where names that differ in their last number alone go past 4, or have 0 or leading zeros, it counts videos and
    not halves: cup_1 to cup_7 are seven matches. cup_1 to cup_4 could be four matches or two halves and extra
    time, and are taken as one, which never lets a match stand in two splits.
    """
    videos = list(videos)
    counted = set()
    for video in videos:
        numbered = _NUMBERED.fullmatch(video)
        if numbered and numbered[2] not in map(str, PARTS):
            counted.add(numbered[1])
    matches = {}
    for video in videos:
        numbered = _NUMBERED.fullmatch(video)
        matches[video] = video if numbered and numbered[1] in counted else match_and_part(video)[0]
    return matches
