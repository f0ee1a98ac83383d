"""Which match a video belongs to, and which part of it it shows, as far as names tell.

    argentina_brazil_1    argentina_brazil-2   argentina_brazil (2)   argentina_brazil_2_1080p60   argentina_brazil/1
    argentina_brazil_H1   argentina_brazil_2H  argentina_brazil_P2    argentina_brazil_Q3   argentina_brazil_pt2
    argentina_brazil_first_half   argentina_brazil 2nd half   half1/argentina_brazil   argentina_brazil/Period 2
    argentina_brazil_ET1  argentina_brazil_extra_time   argentina_brazil_OT   argentina_brazil_penalties

Words are known in English, German, Spanish, French, Italian and Portuguese, in any case. Quality, rate and codec behind
them (_720p, _25fps, _h264) do not count. Parts 3 and 4 are extra time (or quarters), 5 is what follows. Names that end
in other numbers (final_2024, usopen_166072_166372, dive_07, 01__2) are taken as they stand, unless all names together
say more: see `parts_of`.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

LAST_PART = 5  # two halves, two of extra time, a shootout
LAST_PIECE = 12  # where several matches have the same numbers, they may be as many pieces of a recording
ALIKE = 3  # matches whose numbers are the same show that numbers count pieces

_GAP = r"[\s_.-]*"
# Of a word, where _ is no letter; a capital or digit after a small letter begins one as well.
_START, _END = r"(?:(?<![^\W_])|(?-i:(?<=[a-z])(?=[A-Z\d])))", r"(?![^\W_])"
_ORDINALS = ("first|erste[rs]?|prim(?:er[ao]?|eir[ao]|o)|premi[e\u00e8]re?|one",
             "second|zweite[rs]?|segund[ao]|second[oe]|deuxi[e\u00e8]me|two",
             "third|dritte[rs]?|tercer[ao]?|terz[ao]|troisi[e\u00e8]me|three",
             "fourth|vierte[rs]?|cuart[ao]|quart[ao]|quatri[e\u00e8]me|four")
_ORDINAL = rf"(?:[1-9](?:st|nd|rd|th|er|re|e|\u00e8re|[.\u00b0\u00ba\u00aa])?|{'|'.join(_ORDINALS)})"
_NOUN = ("(?:half|period|part|quarter|qtr|pt|halbzeit|hz|teil|tempo|tiempo|mi-?temps|parte|partie|periodo|periode|"
         "p\u00e9riode)")
_EXTRA = rf"(?:extra{_GAP}time|et|verl\u00e4ngerung|pr\u00f3rroga|prolongations?)"
_OVERTIME = "(?:overtime|ot)"
_SHOOTOUT = rf"(?:penalties|penalty{_GAP}shoot{_GAP}out|pens?|shoot{_GAP}out|pso|elfmeterschie(?:\u00df|ss)en)"

# What tells a part, the clearest first. Those below the line count only at the end of a name.
_WORDED = [re.compile(f"{_START}{words}{_END}", re.IGNORECASE) for words in (
    rf"{_EXTRA}{_GAP}(?P<extra>[12])|(?P<extra_ordinal>(?!\d[\s_.-]){_ORDINAL}){_GAP}{_EXTRA}",
    rf"{_NOUN}{_GAP}(?P<noun>0?\d|{'|'.join(_ORDINALS)})",
    rf"(?P<ordinal>{_ORDINAL}){_GAP}{_NOUN}",
)]
_AT_END = re.compile(
    rf"{_START}(?:(?P<only_extra>{_EXTRA})|{_OVERTIME}(?P<overtime>{_GAP}\d?)|(?P<shootout>{_SHOOTOUT})|"
    rf"[hpq](?P<letter>0?[1-9])|(?P<digit>[1-9])[htq]|(?P<bare>[1-9](?:st|nd|rd|th)|{'|'.join(_ORDINALS)}))\W*$",
    re.IGNORECASE)
_NUMBERED = re.compile(r"(?P<match>.*[^\W_]|\.)(?:[_/ ]|(?<!\d)\s*[-.]\s*|\s?(?=[(\[]))"
                       r"(?P<number>\d{1,3}|\(\d{1,3}\)|\[\d{1,3}\])")
_QUALITY = re.compile(
    r"(?<=[^\W_])[\s_./-]*(?:(?<![^\W_])|(?=[\[(]))[\[(]?(?:\d{3,4}[pi]\d{0,3}|[48]k|[hl]q|[uf]?hd|sd|\d{3,4}x\d{3,4}|"
    r"[hx]\.?26[45]|hevc|avc|av1|vp9|\d{2,3}(?:\.\d+)?\s?fps|\d+(?:\.\d+)?\s?[km](?:bps|bit))[\])]?$", re.IGNORECASE)
_DATE = re.compile(r"(?:19|20)\d\d([-_. ]?)\d\d?\1\d\d?(?!\d)")
_COUNTER = re.compile(rf"(?<!\d)(?!(?:19|20)\d\d(?!\d))\d{{1,5}}(?!\d)|"
                      rf"{_START}(?:{'|'.join(_ORDINALS)}|i{{1,3}}|iv){_END}", re.IGNORECASE)
_ROMAN = ("I", "II", "III", "IV")
_SEPARATORS = " \t_-./()[]"


def match_and_part(video: str) -> tuple[str, int | None]:
    """The match and the part (1, 2, ...) that a name speaks of; part None: the whole match, or it does not tell."""
    name = _without_quality(video)
    part, start, end = _worded_part(name)
    if part:
        before, after = name[:start].rstrip(_SEPARATORS), name[end:].lstrip(_SEPARATORS)
        gap = "/" if "/" in name[len(before) : start] + name[end : len(name) - len(after)] else "_"
        return _without_quality(gap.join(filter(None, (before, after)))) or ".", part
    match, number = _numbered(name)
    if number and number == str(int(number)) and int(number) <= LAST_PART:
        return match, int(number) or None
    return name, None


def parts_of(videos: Iterable[str]) -> dict[str, tuple[str, int | None]]:
    """The match and the part of each video, judged by all the names that there are.

    Names that differ in their last number alone are parts of one match if the numbers go up to 5 at most (cup_1 to
    cup_4 could be four matches, but then no match stands in two splits), or up to 12 if three matches have the same
    ones; they count videos if they go further: cup_1 to cup_7 are seven matches. 01 and 02 are parts as 1 and 2 are,
    but not beside them. Matches that differ only in case and separators are one.
    """
    videos = list(videos)
    families: dict[str, dict[str, str]] = defaultdict(dict)
    for video in videos:
        match, number = _numbered(_without_quality(video))
        if number and not _worded_part(_without_quality(video))[0]:
            families[match][video] = number
    number_sets = Counter(frozenset(of.values()) for of in families.values())
    found = {video: match_and_part(video) for video in videos}
    for match, of in families.items():
        numbers = [int(number) for number in of.values()]
        alike = number_sets[frozenset(of.values())] >= ALIKE and max(numbers) <= LAST_PIECE and len(of) > 1
        padded = {len(number) for number in of.values()} == {2} and len(of) > 1
        plain = all(number == str(int(number)) for number in of.values())
        is_match = (alike or max(numbers) <= LAST_PART) and (plain or padded)
        for video, number in of.items():
            found[video] = (match, int(number) or None) if is_match else (_without_quality(video), None)
        if not is_match and len({match for match, _ in map(found.get, of)}) < len(of):  # 03 and 03_720p
            found |= {video: (video, None) for video in of}
    named: dict[str, str] = {}
    for match, _ in sorted(found.values(), key=str):
        named.setdefault(_plain(match), match)
    return {video: (named[_plain(found[video][0])], found[video][1]) for video in videos}


def matches_of(videos: Iterable[str]) -> dict[str, str]:
    """The match of each video, see `parts_of`."""
    return {video: match for video, (match, _) in parts_of(videos).items()}


def doubtful_matches(split_of: Mapping[str, str]) -> list[tuple[str, str]]:
    """Pairs of videos in two splits that may be parts of one match: their names differ by one number or ordinal alone.

    Videos whose names tell which part they show are understood, as are years, dates, and numbers of which there are
    more than a match has pieces: they count videos.

    Args:
        split_of: the split of each video.

    Returns:
        A pair for each name that there is without the number, sorted.
    """
    alike: dict[tuple[str, str], list[str]] = defaultdict(list)
    numbers: dict[str, set[str]] = defaultdict(set)  # by the name with all numbers left out
    for video, (name, part) in sorted(parts_of(split_of).items()):
        dates = [range(*date.span()) for date in _DATE.finditer(name)]
        for found in _COUNTER.finditer(name) if part is None else ():
            if not any(found.start() in date for date in dates):
                rest = name[: found.start()].casefold(), name[found.end() :].casefold()
                alike[rest].append(video)
                numbers[re.sub(r"\d+", "#", "\0".join(rest))].add(found[0])
    pairs = [(one, next((other for other in others if split_of[other] != split_of[one]), None))
             for rest, (one, *others) in alike.items()
             if len(numbers[re.sub(r"\d+", "#", "\0".join(rest))]) <= LAST_PIECE]
    return sorted({(one, other) for one, other in pairs if other})


def doubt_matches(split_of: Mapping[str, str]) -> str | None:
    """What to say of `doubtful_matches`; None if there are none."""
    pairs = doubtful_matches(split_of)
    if not pairs:
        return None
    one, other = pairs[0]
    more = f" (and {len(pairs) - 1:,} more such pairs)" if len(pairs) > 1 else ""
    return (f"{one!r} is in {split_of[one]} and {other!r} in {split_of[other]}, and the names differ by no more than a "
            f"number{more}; if they are parts of one match, name them <match>_1 and <match>_2, or say with --splits of "
            "prepare_data.py what goes where")


def part_number(text: str) -> int | None:
    """The part that a cell or a field names: 1, "1st", "H1", "first half", 2.0, "II", "ET1"; None if it names none."""
    text = re.sub(r"\.0*$", "", str(text).strip())
    if re.fullmatch(r"\d", text):
        return int(text) or None
    if text.upper() in _ROMAN:
        return _ROMAN.index(text.upper()) + 1
    part, start, end = _worded_part(text)
    return part if part and not text[:start].strip(_SEPARATORS) and not text[end:].strip(_SEPARATORS) else None


def _without_quality(name: str) -> str:
    while (shorter := _QUALITY.sub("", name)) != name:
        name = shorter
    return name


def _worded_part(name: str) -> tuple[int | None, int, int]:
    """The part that words in a name tell, and where they stand in it; None where there are no such words."""
    for words in (*_WORDED, _AT_END):
        *_, found = [None, *words.finditer(name)]
        if found:
            kind, text = next((kind, text) for kind, text in found.groupdict().items() if text is not None)
            part = {"only_extra": 3, "shootout": LAST_PART}.get(kind) or _number(text, 1 if kind == "overtime" else 0)
            part += {"extra": 2, "extra_ordinal": 2, "overtime": 4}.get(kind, 0)
            return part or None, *found.span()
    return None, 0, 0


def _number(text: str, default: int) -> int:
    if digits := re.search(r"\d+", text):
        return int(digits[0])
    return next((number for number, words in enumerate(_ORDINALS, 1) if re.fullmatch(words, text, re.IGNORECASE)),
                default)


def _numbered(name: str) -> tuple[str, str | None]:
    """What stands before the number at the end of a name, and the number; None where there is none, or a date."""
    found = _NUMBERED.fullmatch(name)
    if not found or any(date.end() == len(name) for date in _DATE.finditer(name)):
        return name, None
    return _without_quality(found["match"]), found["number"].strip("()[]")


def _plain(match: str) -> str:
    return re.sub(r"[\s_.-]+", " ", match).casefold()
