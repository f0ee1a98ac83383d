"""Which videos labels are about: one of their name, or the halves of a match."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import PurePosixPath

from label_forms.sets import LabelSet
from util.entries import composed
from util.errors import UserError, number_of
from util.matches import match_and_part, parts_of

WHOLE = 0  # the part of a video that is labelled by itself, or that shows the whole match


@dataclass(frozen=True)
class Labelled:
    """A label set and the videos that it is about, by part: {WHOLE: video}, or {1: first half, 2: second half}."""

    labels: LabelSet
    parts: dict[int, str]
    superseded: frozenset[str] = frozenset()  # those of the videos that another file labels, their own <video>.json

    @property
    def match(self) -> str:
        return composed(match_and_part(self.parts[min(self.parts)])[0])

    @property
    def is_cut(self) -> bool:
        """Whether positions count through the match, and must be dealt out over its halves."""
        return WHOLE not in self.parts and not any(event.half for event in self.labels.events)

    @property
    def needs_second_half(self) -> bool:
        """Whether it must be known where the second half begins."""
        if WHOLE not in self.parts:
            return self.is_cut
        halved = any(event.half and event.half > 1 for event in self.labels.events)
        return halved and match_and_part(self.parts[WHOLE])[1] is None


def without_missing(sets: Sequence[LabelSet], videos: Collection[str]) -> tuple[list[LabelSet], list[str]]:
    """The sets that have a video, and what there is to say of the others."""
    find, there, notes = _finder(videos), [], []
    for labels in sets:
        if any(map(find, labels.names)):
            there.append(labels)
        else:
            notes.append(f"{labels.path}: {number_of(len(labels.events), 'event')} of {labels.names[0]!r} left out, as "
                         "there is no such video")
    return there, notes


def pair_labels(sets: Sequence[LabelSet], videos: Collection[str]) -> list[Labelled]:
    """Find the videos that each label set is about.

    The name of a set is that of a video; or of a match, whose halves are called <match>_1 and <match>_2, or 1 and 2
    in a folder <match>, or which is one video, such as the only one in a folder <match>. A size such as _720p may
    follow a video's name. Where a video has a <video>.json of its own, as view.py writes it, that is taken for it, and
    not what a file for the match or a table says.

    Raises:
        UserError: a set has no video, or one of two; or a video has two sets.
    """
    find, paired, owners = _finder(videos), [], {}
    for labels in sets:
        parts = next(filter(None, map(find, labels.names)), None)
        if parts is None:
            raise UserError(f"{labels.path}: {_no_video(labels, videos)}")
        if fault := _parts_fault(parts):
            raise UserError(f"{labels.path}: {fault}")
        paired.append(Labelled(labels, {part: video for part, (video,) in sorted(parts.items())}))
        for video in paired[-1].parts.values():
            other = owners.setdefault(video, labels)
            if _is_own(labels, video) > _is_own(other, video):
                owners[video] = labels
            elif other is not labels and _is_own(labels, video) == _is_own(other, video):
                raise UserError(f"{labels.path}: labels the video {video!r}, and so does {other.path}; take one of the "
                                "files away, or join them")
    return [replace(one, superseded=frozenset(video for video in one.parts.values() if owners[video] is not one.labels))
            for one in paired]


def _is_own(labels: LabelSet, video: str) -> bool:
    """Whether the labels are a file <video>.json."""
    path = composed(labels.path.absolute().with_suffix("").as_posix())
    return labels.form == "video" and path.endswith(f"/{composed(video)}")


def _finder(videos: Collection[str]) -> Callable[[str], dict[int, list[str]] | None]:
    """What finds the videos of each part of what labels call by a name; None if there are none."""
    by_name = {composed(video): video for video in videos}
    by_part: dict[str, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    by_folder: dict[str, list[str]] = defaultdict(list)
    for name, (match, part) in sorted(parts_of(by_name).items()):
        by_part[match][part or WHOLE].append(by_name[name])
        by_folder[str(PurePosixPath(name).parent)].append(by_name[name])
        match, part = match_and_part(f"./{name}")
        if match == ".":  # a half of the only match that there is
            by_part[match][part or WHOLE].append(by_name[name])

    def find(name: str) -> dict[int, list[str]] | None:
        name = composed(name)
        match, part = match_and_part(name)
        if name in by_name:
            return {WHOLE: [by_name[name]]}
        if part in by_part.get(match, ()):
            return {WHOLE: by_part[match][part]}
        if name in by_part:
            return by_part[name]
        in_folder = by_folder.get(name, ())
        return {WHOLE: in_folder} if len(in_folder) == 1 else None

    return find


def _parts_fault(parts: Mapping[int, list[str]]) -> str | None:
    """What is wrong with the videos of a label set; None if nothing is."""
    whole = parts.get(WHOLE)
    if whole and len(parts) > 1 and re.search(r"(?<!\d)0\W*$", whole[0]):
        return (f"the parts of a match count from 1, and {whole[0]!r} is none of them; rename it, and those after it, "
                "or take it away")
    if whole and len(parts) > 1:
        return (f"{whole[0]!r} shows the whole of what it labels, and there are halves of it too; take one or the "
                "other away")
    for part, found in parts.items():
        if len(found) > 1:
            shown = f"half {part}" if part else "the whole"
            return (f"{' and '.join(map(repr, found))} show {shown} of what it labels; take all but one of these "
                    "videos away")
    return None


def _no_video(labels: LabelSet, videos: Collection[str]) -> str:
    name = labels.names[0]
    if name == ".":  # a file that its folder names, but not in one
        return (f"lies in no folder that names its match; move it into one, such as "
                f"{match_and_part(min(videos))[0]}/{labels.path.name}")
    like = get_close_matches(name, videos, 1)
    hint = f" (is it {like[0]!r}?)" if like else ""
    what = "these lines" if labels.form == "csv" else "the label file"
    return (f"there is no video {name!r}{hint}, nor its halves {name + '_1'!r} and {name + '_2'!r}; rename one of "
            f"them, take {what} away, or leave such labels out with --skip_missing")


def check_second_half(labelled: Sequence[Labelled], second_half: Mapping[str, str]) -> None:
    """Raise a UserError where it names a match that is not there, or no labels need it."""
    need = sorted({composed(one.match) for one in labelled if one.needs_second_half})
    for match in second_half:
        if not need:
            raise UserError("--second_half: no label file counts through a match of two halves; leave it out")
        if match and match not in need:
            raise UserError(f"--second_half {match}: no labels count through such a match; those of these do: "
                            f"{', '.join(need)}")
