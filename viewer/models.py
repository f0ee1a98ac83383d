"""The models that are looked at: their predicted events, their scores, and the rule chosen on val."""

from __future__ import annotations

import math
import sys
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from dataset.labels import SAME_FPS
from evaluation.rule import UNCHOSEN, Rule, lengths_of, read_predicted, rule_for, rule_from
from spotting.event_files import CANDIDATES, SPOTTED, Square, read_first_model, read_square
from util.config import TeamSides, trained_with
from util.errors import UserError
from util.events import Event, EventTable, Video, event_table, score_curves
from util.io import read_json
from util.predictions import check_entries, parse_name
from util.stamps import SLACK, Stamps
from viewer.viewed_videos import ViewedVideo

FULL = 65535  # stands for a score of 1 in the curves


@dataclass
class Model:
    """A model's predictions for the videos that are looked at."""

    name: str
    path: Path  # of the predictions; of several models as one, of the first's
    predicted: EventTable  # in file order, which decides between equal scores; moved as the rule says
    rule: Rule
    num_frames: dict[str, int]  # of each video that is looked at, by name, in their order
    classes: Sequence[str]
    crop: int | None = None  # side of the square that it sees of extracted frames, pixels; None: all of them
    frame_height: int | None = None  # lines of the frames that it was trained on, where that is known
    squares: Mapping[str, Square] = field(default_factory=dict)  # that it saw of videos, where spot_video.py says so
    made_by: Path | None = None  # the model as spot_video.py was given it, where that is said
    team_sides: TeamSides | None = None  # with which it was trained, where labels name teams
    scores: Mapping[str, np.ndarray] | None = None  # float (num_frames, K + 1) by video, where no file has them
    _reading: threading.Lock = field(default_factory=threading.Lock)

    @property
    def origin(self) -> Path | None:
        """The model's folder, or checkpoint, of several the first's; None where it is unknown or no longer there."""
        if (self.path.parent / "config.json").exists():
            return self.path.parent
        return self.made_by if self.made_by and self.made_by.exists() else None

    def square_of(self, video: ViewedVideo) -> tuple[int, int | None] | None:
        """Side of the square in the middle of a frame that it sees, pixels, and lines of such a frame, None for those
        of the picture; None: it sees all."""
        if video.name in self.squares:
            return self.squares[video.name]
        lines = video.size[1] if video.size else self.frame_height if video.source else None
        return None if self.crop is None or (video.source and not lines) else (self.crop, lines)

    def curves(self, video: str) -> np.ndarray:
        """The scores of a video along time: uint16 (K, num_frames), 65535 for 1.

        They are those of the file with all scores, if it is there, else those of the predicted events.
        """
        with self._reading:  # the file is large: two pages wait for one reading of it
            curves = self._all_curves.get(video)
        if curves is None:
            events = self.predicted.take(self.predicted.video == list(self.num_frames).index(video))
            curves = _as_curves(score_curves(events, self.num_frames[video], len(self.classes)))
        return curves

    @cached_property
    def _all_curves(self) -> dict[str, np.ndarray]:
        if self.scores is not None:
            return {name: self._moved(_as_curves(table[:, 1:].T)) for name, table in self.scores.items()}
        path = self.path.with_name(self.path.name.replace(".recall.json.gz", ".score.json.gz"))
        if path == self.path or not path.is_file():
            return {}
        curves = {}
        try:
            for name, rows in read_json(path).items():
                scores = np.array(rows, float)
                if not np.isfinite(scores).all():
                    raise ValueError(f"a score of {name!r} is no number")
                if scores.shape == (self.num_frames.get(name), len(self.classes) + 1):
                    curves[name] = self._moved(_as_curves(scores[:, 1:].T))
        except (UserError, AttributeError, TypeError, ValueError) as error:
            print(f"warning: {path}: cannot be used ({error}); curves show the predicted events", file=sys.stderr)
        return curves

    def _moved(self, curves: np.ndarray) -> np.ndarray:
        """Curves of raw scores, on the frames to which the rule moves each class."""
        for curve, name in zip(curves, self.classes, strict=True):
            if move := self.rule.moves.get(name, 0):
                curve[:] = np.roll(curve, move)
                curve[slice(0, move) if move > 0 else slice(move, None)] = 0
        return curves


def _as_curves(scores: np.ndarray) -> np.ndarray:
    """float (K, num_frames) -> uint16 (K, num_frames)."""
    return np.ascontiguousarray((scores.clip(0, 1) * FULL).round().astype("<u2"))


def read_split_models(
    paths: Sequence[Path],
    split: str,
    entries: Sequence[Video],
    classes: Sequence[str],
    read_split: Callable[[str], list[Video]],
    others: Sequence[Path] = (),
    weights: Sequence[float] | None = None,
) -> list[Model]:
    """The predictions of model folders, or prediction files, for a split, with the rules that eval.py takes; where
    there are `others`, last the mean of the first one's scores and theirs.

    Args:
        entries: of the split.
        read_split, weights, and errors: as of `read_predicted`.
    """
    names, models = _names(paths), []
    for path, further in [*((path, ()) for path in paths), *[(path, others) for path in paths[:1] if others]]:
        name = f"mean of {', '.join(_names([path, *others]))}" if further else names[len(models)]
        found = read_predicted(path, further, weights, split, entries, classes, read_split)
        rule, folder = rule_for(found.origin, truth=entries), found.origin.folder
        predicted = rule.moved(found.events, classes, lengths_of(entries))
        lengths = {entry["video"]: entry["num_frames"] for entry in entries}
        crops = [trained_with(each.folder, "crop_dim") for each in found.origin.members or [found.origin]]
        models.append(Model(name, found.path, predicted, rule, lengths, classes,
                            None if None in crops else max(crops), trained_with(folder, "frame_height"),
                            team_sides=trained_with(folder, "team_sides"), scores=found.scores))
    return models


def read_proposals(paths: Sequence[Path], videos: Sequence[ViewedVideo], classes: Sequence[str]) -> list[Model]:
    """Predictions for some of the videos, whatever split they are of; the other videos have none.

    Args:
        paths: prediction files, or folders of those that spot_video.py writes.

    Raises:
        UserError: a file is missing or damaged, or is not for these frames and classes, or none is for these videos.
    """
    models = []
    for path, name in zip(paths, _names(paths), strict=True):
        files = _files(path)
        if not files:
            raise UserError(f"{path}: holds no *{SPOTTED}; with --label give what spot_video.py wrote, or a prediction "
                            "file")
        by_file = {file: _read_file(file, videos, classes) for file in files}
        used = [file for file in files if by_file[file]]
        if not used:
            raise UserError(f"{files[0]}: has predictions for none of the videos with frames; check the frame folder")
        for file in sorted(by_file.keys() - used):
            print(f"warning: {file}: left out, as its video has no frames here", file=sys.stderr)
        entries = [entry for file in used for entry in by_file[file]]
        if twice := [name for name, n in Counter(entry["video"] for entry in entries).items() if n > 1]:
            raise UserError(f"{path}: has predictions for {twice[0]} in more than one file; take one of them away")
        rule = UNCHOSEN
        if parse_name(used[0]) is None:  # of spot_video.py
            stated = next((entry["rule"] for entry in entries if "rule" in entry), None)
            rule = Rule(threshold=0.0, source="all that are in the file") if stated is None else rule_from(
                stated, "that of spot_video.py")
            if rule is None:
                raise UserError(f"{path}: a rule in it is none; spot the videos again")
        lengths = {video.name: video.num_frames for video in videos}
        predicted = event_table(entries, list(lengths), classes)
        squares = {entry["video"]: square for entry in entries if (square := read_square(entry))}
        made_by = next((path for entry in entries if (path := read_first_model(entry))), None)
        models.append(Model(name, used[0], predicted, rule, lengths, classes, squares=squares, made_by=made_by))
    return models


def proposed_classes(paths: Sequence[Path]) -> list[str] | None:
    """The classes of the model whose events spot_video.py wrote there, in their order; None where no file tells."""
    for file in (file for path in paths for file in _files(path)):
        content = read_json(file)
        entry = content[0] if isinstance(content, list) and content else None
        named = entry.get("classes") if isinstance(entry, dict) else None
        if isinstance(named, list) and named and all(isinstance(name, str) for name in named):
            return named
    return None


def _files(path: Path) -> list[Path]:
    """A prediction file, or those that spot_video.py wrote into a folder."""
    return [*map(_candidates, sorted(path.rglob(f"*{SPOTTED}")) if path.is_dir() else [path])]


def _candidates(path: Path) -> Path:
    """The file of spot_video.py that has the weaker events too, where it is there."""
    weaker = path.with_name(path.name.removesuffix(SPOTTED) + CANDIDATES)
    return weaker if path.name.endswith(SPOTTED) and weaker.is_file() else path


def _read_file(path: Path, videos: Sequence[ViewedVideo], classes: Sequence[str]) -> list[Video]:
    """The predictions of a file for the videos, which may leave out some or all of them."""
    known = {video.name: video for video in videos}
    content = read_json(path)
    named = [v for v in content if isinstance(v, dict)] if isinstance(content, list) else []
    there = {v["video"]: _other_rate(v, known[v["video"]]) for v in named
             if isinstance(v.get("video"), str) and v["video"] in known}
    if not there:
        return []
    truth = [{"video": name, "num_frames": known[name].num_frames if fps is None else
              math.ceil((known[name].stamps.end - known[name].stamps.start) * fps)} for name, fps in there.items()]
    return [
        prediction if (fps := there[prediction["video"]]) is None
        else prediction | {"events": _by_time(prediction["events"], fps, known[prediction["video"]].stamps)}
        for prediction in check_entries(content, path, truth, classes)
    ]


def _other_rate(entry: Mapping[str, Any], video: ViewedVideo) -> float | None:
    """Frames per second that predictions count, where the video's are others, as after spot_video.py --fps."""
    fps = entry.get("fps", -1)
    other = video.fps and video.stamps and type(fps) in (int, float) and 0 < fps < math.inf
    return fps if other and abs(fps - video.fps) >= SAME_FPS else None


def _by_time(events: Sequence[Event], fps: float, stamps: Stamps) -> list[Event]:
    """Events on the frames nearest in time, from which frames at another rate were made; of several of a class on one
    frame the best."""
    between = (stamps.seconds[1:] + stamps.seconds[:-1]) / 2
    best: dict[tuple[str, int], Event] = {}
    for event in events:
        frame = int(np.searchsorted(between, stamps.start + event["frame"] / fps - SLACK))
        there = best.get((event["label"], frame))
        if there is None or event["score"] > there["score"]:
            best[event["label"], frame] = {**event, "frame": frame}
    return list(best.values())


def _names(paths: Sequence[Path]) -> list[str]:
    """The shortest ends of paths that tell them apart."""
    parts = [path.resolve().parts for path in paths]
    for length in range(1, max(map(len, parts), default=0)):
        names = ["/".join(part[-length:]) for part in parts]
        if len(set(names)) == len(names):
            return names
    return [str(path) for path in paths]
