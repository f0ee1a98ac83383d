"""Labels as a list of annotations, each with a position: SoccerNet's, and a match's frames counted through.

    soccernet  {"annotations": [{"gameTime": "1 - 12:30", "position": "750480", "label": "PASS", "team": "left"}]},
               a half, and milliseconds in that half
               (Labels-v3.json has the same of each action, {"actions": {"0.png": {"imageMetadata": {...}}}})
    raw        {"annotations": [{"gameTime": "00:14:07", "position": "25421", "label": "PASS", "team": "BRA"}]},
               position being the frame in the match, 30 to a second
    osl        {"videos": [{"path": ..., "annotations": [...]}]} and, its second version,
               {"data": [{"inputs": [{"path": ...}], "events": [{"label": "PASS", "position_ms": "1000"}]}]}

gameTime is in whole seconds and tells no frame: position does. Both are left out of the events, as the frame that
is made of position stands for them; all other keys are carried through.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from label_forms.fields import class_name
from label_forms.sets import LabelFile, LabelledEvent, LabelSet, path_names
from util.clock import parse_time, show_time
from util.entries import MAX_WHOLE, rate, shown, whole_number
from util.errors import UserError
from util.matches import LAST_PART

RAW_FPS = 30  # of the raw form, where neither the file nor an option says

_USUAL_RATES = (24, 25, 30, 50, 60, 1000)  # of frames, and of milliseconds
_GAME_TIME = re.compile(rf"(?s:\s*(?:([1-{LAST_PART}])\s*[-\u2013]\s*(?=\S+\s*$))?(.*))")  # "1 - 12:30", "00:14:07"
_ACTION_KEYS = ("gameTime", "position", "label", "team", "visibility")  # of Labels-v3.json
# Labels-ball.json: it is its folder that names the match
_NAMELESS = re.compile(r"(labels?|annotations?|events?|results)(?![^\W_])", re.IGNORECASE)


def annotations_of(content: Any) -> Any:
    """The annotations of a file, or the predictions in SoccerNet's results_spotting.json, or the actions of its
    Labels-v3.json; None where it has none of them."""
    if not isinstance(content, dict):
        return None
    actions = content.get("actions")
    if isinstance(actions, dict) and all(isinstance(one, dict) and "imageMetadata" in one for one in actions.values()):
        listed = [action["imageMetadata"] for action in actions.values()]  # what it says of the picture too
        return [{key: one[key] for key in _ACTION_KEYS if key in one} if isinstance(one, dict) else one
                for one in listed]
    return content.get("annotations", content.get("predictions"))


def form_of(content: Any) -> str | None:
    """Whether the annotations of a file name halves, "soccernet", or count through a match, "raw"; None for neither."""
    annotations = annotations_of(content)
    listed = annotations if isinstance(annotations, list) else []
    times = [_game_time(one.get("gameTime")) for one in listed if isinstance(one, dict)]
    halves = sum(half is not None for half, _ in times)
    without = sum(half is None and seconds is not None for half, seconds in times)
    if halves >= max(without, 1) or (not without and annotations is not None and any(
            key.startswith("Url") for key in content)):
        return "soccernet"
    return "raw" if without > halves or annotations == [] or not isinstance(annotations, list | None) else None


def _game_time(text: Any) -> tuple[int | None, float | None]:
    """The half and the seconds that a gameTime tells; None for what it does not."""
    half, time = _GAME_TIME.fullmatch(text).groups() if isinstance(text, str) else (None, "")
    return half and int(half), parse_time(time)


def osl_key(content: Any) -> str | None:
    """Where the videos stand, in the first version or the second; None in what is neither."""
    content = content if isinstance(content, dict) else {}
    return next((key for key, of_video in (("videos", "annotations"), ("data", "events"))
                 if isinstance(videos := content.get(key), list) and videos
                 and all(isinstance(one, dict) and of_video in one for one in videos)), None)


def read_match(file: LabelFile) -> list[LabelSet]:
    """A file of a match: of the form soccernet, whose events name their half, or raw, whose events count its frames."""
    return [_read_match(file, file.content, str(file.path), _match_names(file))]


def read_osl(file: LabelFile) -> list[LabelSet]:
    """A file of many videos, each with its annotations or events."""
    key, sets = osl_key(file.content), []
    for index, video in enumerate(file.content[key]):
        where, inputs = f"{file.path}: {key}[{index}]", video.get("inputs") or video
        inputs = inputs if isinstance(inputs, list) else [video]
        named = [*(one.get("path") for one in inputs if isinstance(one, dict)), video.get("id")]
        names = [name for path in named if isinstance(path, str) for name in path_names(path)]
        if not names:
            raise UserError(f"{where}: has no path; it must name the video")
        if key == "data":
            events = video["events"] if isinstance(video["events"], list) else [video["events"]]
            video = {"annotations": [{"position": event.get("position_ms"), **{
                name: value for name, value in event.items() if name not in ("position_ms", "gameTime", "head")}}
                if isinstance(event, dict) else event for event in events]}
        sets.append(_read_match(file, video, where, names, halves=key == "videos"))
    return sets


def _read_match(file: LabelFile, content: Any, where: str, names: Iterable[str], halves: bool = True) -> LabelSet:
    """`halves`: whether gameTime names the half that position counts in."""
    annotations = annotations_of(content)
    if not isinstance(annotations, list):
        raise UserError(f'{where}: must be such as {{"annotations": [{{"gameTime": ..., "position": ..., "label": '
                        '"PASS"}]}, in the form ' + file.form)
    file_fps = rate(content.get("fps"), text=True)
    if file_fps is None:
        raise UserError(f"{where}: fps is {shown(content['fps'])}; it must be a number")
    timed = file.form != "raw"
    # as in SoccerNet's first Labels.json
    whole_seconds = bool(annotations) and timed and halves and all(
        isinstance(one, dict) and "position" not in one and _game_time(one.get("gameTime"))[0] for one in annotations)
    events = [_read_annotation(f"{where}: annotations[{index}]", annotation, timed, timed and halves, whole_seconds)
              for index, annotation in enumerate(annotations)]
    framed = sum("frame" in annotation for annotation in annotations)
    notes = (f"{framed} have a frame too, which is not taken: position is",) if framed else ()
    labels = file.label_set(names, events, timed, file_fps, RAW_FPS, notes=notes)
    warning = _compare_clocks(labels, [annotation.get("gameTime") for annotation in annotations])
    if whole_seconds:
        warning = (f"{where}: tells no position, so that gameTime is taken, in whole seconds: events lie up to a "
                   "second early, and no model can learn a frame from them")
    return replace(labels, warnings=(warning,)) if warning else labels


def _read_annotation(where: str, annotation: Any, timed: bool, halves: bool, whole_seconds: bool) -> LabelledEvent:
    if not isinstance(annotation, dict):
        raise UserError(f"{where}: must be an object with gameTime, position and label")
    text, value = annotation.get("gameTime"), annotation.get("position")
    half, seconds = _game_time(text)
    position = _milliseconds(value) if timed else whole_number(value, text=True)
    if whole_seconds and seconds is not None:
        position = 1000 * seconds
    if position is None:
        unit = "milliseconds" + " in the half" * halves if timed else "a whole number, the frame in the match"
        raise UserError(f"{where}: position is {shown(value)}; it must be {unit} (gameTime, in whole seconds, cannot "
                        "stand in for it)")
    fields = {key: value for key, value in annotation.items() if key not in ("position", "gameTime")}
    fields = {"frame": None} | fields | {"label": class_name(where, annotation.get("label"))}
    if halves and not half:
        raise UserError(f'{where}: gameTime is {shown(text)}; it must name the half, such as "1 - 12:30"; correct '
                        "it, or choose another form with --label_form")
    if half and not halves:
        raise UserError(f"{where}: gameTime is {shown(text)}, as SoccerNet writes it, in a file of the raw form; "
                        "correct it, or choose a form with --label_form")
    if text is not None and seconds is None:
        example = "1 - 12:30" if halves else "00:14:07"
        raise UserError(f"{where}: gameTime is {shown(text)}; it must be such as {example}")
    when = f"{text + ', ' if text else ''}{position:.0f} ms" if timed else f"frame {position}"
    return LabelledEvent(f"{where.rsplit(': ', 1)[1]} ({when})", position / 1000 if timed else position, fields, half)


def _milliseconds(value: Any) -> float | None:
    """A number, as a number or as text; None for anything else."""
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?[0-9]{1,15}(\.[0-9]{0,15})?\s*", value):
        return float(value)
    return float(value) if type(value) in (int, float) and abs(value) < MAX_WHOLE else None


def _match_names(file: LabelFile) -> tuple[str, ...]:
    """What the match may be called: by its file, or by the folder of one that has no name of its own."""
    folder, _, stem = file.name.rpartition("/")
    names = (folder or ".", file.path.absolute().parent.name) if _NAMELESS.match(stem) else (file.name,)
    content = file.content if isinstance(file.content, dict) else {}
    about = content.get("GameMetadata")  # in Labels-v3.json
    url = (about if isinstance(about, dict) else content).get("UrlLocal")  # SoccerNet's folder
    return (*names, url.strip("/")) if isinstance(url, str) else names


def _compare_clocks(labels: LabelSet, texts: Sequence[str | None]) -> str | None:
    """What to say where gameTime is more than a second from position: position has another unit or start.

    Args:
        texts: gameTime of each event.
    """
    seconds = np.array([_game_time(text)[1] for text in texts], float)  # NaN where there is none
    both = np.flatnonzero(~np.isnan(seconds))
    times = np.array([event.position for event in labels.events], float) / (labels.fps or 1)
    apart = np.abs(times - seconds)[both]
    if not (apart > 1).any():
        return None
    worst = both[apart.argmax()]
    unit = f"frames at {labels.fps:g} fps" if labels.fps else "milliseconds"
    hint = _explain_clocks(seconds[both], times[both], labels.fps)
    return (f"{labels.path}: gameTime and position are more than a second apart in {(apart > 1).sum()} of {len(both)} "
            f"events, such as {labels.events[worst].place}: gameTime {texts[worst]}, but position, in {unit}, says "
            f"{show_time(times[worst])}{hint}; position is taken")


def _explain_clocks(seconds: np.ndarray, times: np.ndarray, fps: float | None) -> str:
    """Another rate or another start with which gameTime and position do agree, in words; "" where none does."""
    middle = seconds + 0.5  # of the second that is named
    ahead = float(np.median(times - middle))
    if np.abs(times - middle - ahead).max() <= 1:
        return f"; position is {show_time(abs(ahead))} {'ahead of' if ahead > 0 else 'behind'} gameTime all through"
    if len(seconds) < 3 or np.ptp(times) == 0:
        return ""
    slope, start = np.polyfit(times, middle, 1)
    if slope <= 0 or np.abs(slope * times + start - middle).max() > 1 or abs(start) > 2:
        return ""
    fitted = (fps or 1000) / slope  # as exact as a second is within all that is labelled
    usual = min(_USUAL_RATES, key=lambda rate: abs(rate - fitted))
    text = f"{usual}" if abs(usual / fitted - 1) * np.ptp(seconds) <= 1 else f"{fitted:.2f}"
    return f"; they agree {f'at {text} fps: see --label_fps' if fps else f'if position counts {text} to a second'}"
