"""Raw videos to be spotted: which they are, and where what is found in them goes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from footage.raw_videos import find_videos
from util.errors import UserError
from util.matches import match_and_part

SOCCERNET = "results_spotting.json"


@dataclass(frozen=True)
class Source:
    """A video file."""

    name: str  # the path below the folder that was given, or the file's name; without suffix
    path: Path
    base: Path  # of the files written for it: their path without ".events.json" and so on
    match: str  # the match it shows, as SoccerNet's UrlLocal names it
    part: int  # the half that it is of it; 1 where its name tells none
    match_file: Path  # for SoccerNet

    @property
    def lock(self) -> str:
        """The name of the file that is locked while the video is worked on."""
        return f".{self.base.name}.lock"

    def file(self, suffix: str) -> Path:
        """The file beside the video or in the folder of outputs with its name and `suffix`."""
        return self.base.with_name(self.base.name + suffix)


def find_sources(given: Iterable[Path], output: Path | None) -> list[Source]:
    """The video files that are given, and those in folders that are given, each once.

    Args:
        output: folder for what is written; None puts it beside each video.

    Raises:
        UserError: a file or folder is not there, a folder holds no video, `output` is a file, or two videos' files
            would have one name.
    """
    if output and output.exists() and not output.is_dir():
        raise UserError(f"{output}: is a file; name a folder")
    sources: list[Source] = []
    for path in given:
        if path.is_dir():
            sources += [_source(name, file, output or path, output) for name, file in find_videos(path).items()]
        elif path.is_file():
            sources.append(_source(path.stem, path, output or path.parent, output))
        else:
            raise UserError(f"{path}: no such video file or folder")
    bases: dict[str, Source] = {}
    for source in sources:
        other = bases.setdefault(str(source.base).casefold(), source)
        if not other.path.samefile(source.path):
            raise UserError(f"{source.path}: its events would go to the same file as {other.path}'s; rename one, or "
                            "spot them one by one with an --output each")
    return list(bases.values())


def check_matches(sources: Iterable[Source]) -> None:
    """
    Raises:
        UserError: two videos are the same half of a match.
    """
    halves: dict[tuple[Path, int], Source] = {}
    for source in sources:
        other = halves.setdefault((source.match_file, source.part), source)
        if other is not source:
            raise UserError(f"{source.path}: is half {source.part} of {source.match}, and so is {other.path}; "
                            "rename one, or spot them one by one")


def _source(name: str, path: Path, root: Path, output: Path | None) -> Source:
    base = root / name
    match, part = match_and_part(name)
    folder = root / match
    if part is None:  # SoccerNet's halves are 1_720p.mkv and 2_720p.mkv in a folder league/season/match
        parents = path.resolve().parent.parts[1:][-3:]
        of_folder, part = match_and_part("/".join((*parents, path.stem)))
        if part is None or of_folder != "/".join(parents):
            part = 1
        else:
            match, folder = of_folder, output / of_folder if output else path.parent
    return Source(name, path, base, match, part, folder / SOCCERNET)
