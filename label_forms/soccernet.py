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
from pathlib import Path
from typing import Any

import numpy as np

from label_forms.exported import ExportedVideo, further_fields
from label_forms.fields import class_name
from label_forms.sets import LabelFile, LabelledEvent, LabelSet, path_names
from util.clock import parse_time, show_time
from util.entries import MAX_WHOLE, rate, shown, whole_number
from util.errors import UserError
from util.events import Event
from util.io import write_json
from util.matches import LAST_PART

RAW_FPS = 30  # of the raw form, where neither the file nor an option says

_USUAL_RATES = (24, 25, 30, 50, 60, 1000)  # of frames, and of milliseconds
_HALF_TIME = re.compile(rf"\s*([1-{LAST_PART}])\s*[-\u2013]\s*(\S+)\s*")  # "1 - 12:30"
_ACTION_KEYS = ("gameTime", "position", "label", "team", "visibility")  # of Labels-v3.json
_HEAD = "action"  # in OSL that is written, the name of the only set of classes
# Labels-ball.json: it is its folder that names the match
_NAMELESS = re.compile(r"(labels?|annotations?|events?|results)(?![^\W_])", re.IGNORECASE)


def annotations_of(content: Any) -> Any:
    """The annotations of a file, or the predictions in SoccerNet's results_spotting.json, or the actions of its
    Labels-v3.json; None where it has none of them."""
    if not isinstance(content, dict):
        return None
    actions = content.get("actions")
    if isinstance(actions, dict) and all(isinstance(one, dict) and "imageMetadata" in one for one in actions.values()):
        return list(map(_action, actions.values()))
    return content.get("annotations", content.get("predictions"))


def _action(action: dict) -> Any:
    """What Labels-v3.json says of a picture's event, without what it says of the picture."""
    about = action["imageMetadata"]
    return {key: about[key] for key in _ACTION_KEYS if key in about} if isinstance(about, dict) else about


def is_soccernet(content: Any) -> bool:
    with_half, without = _game_times(content)
    named = annotations_of(content) is not None and any(key.startswith("Url") for key in content)
    return with_half >= max(without, 1) or (not without and named)


def is_raw(content: Any) -> bool:
    with_half, without = _game_times(content)
    annotations = annotations_of(content)
    return without > with_half or annotations == [] or not isinstance(annotations, list | None)


def _game_times(content: Any) -> tuple[int, int]:
    """How many annotations of a file have a gameTime with and without a half."""
    annotations = annotations_of(content)
    listed = annotations if isinstance(annotations, list) else []
    times = [time for one in listed if isinstance(one, dict) and isinstance(time := one.get("gameTime"), str)]
    return (sum(bool(_HALF_TIME.fullmatch(time)) for time in times),
            sum(parse_time(time) is not None for time in times))


def is_osl(content: Any) -> bool:
    return bool(_osl_videos(content))


def _osl_videos(content: Any) -> list[tuple[str, dict, Any]]:
    """Each video with its place and its annotations, of the first version or the second."""
    for key, of_video in (("videos", "annotations"), ("data", "events")):
        videos = content.get(key) if isinstance(content, dict) else None
        if isinstance(videos, list) and videos and all(isinstance(one, dict) and of_video in one for one in videos):
            return [(f"{key}[{index}]", one, one[of_video]) for index, one in enumerate(videos)]
    return []


def read_match(file: LabelFile) -> list[LabelSet]:
    """A file of a match: of the form soccernet, whose events name their half, or raw, whose events count its frames."""
    return [_read_match(file, file.content, str(file.path), _match_names(file))]


def read_osl(file: LabelFile) -> list[LabelSet]:
    """A file of many videos, each with its annotations or events."""
    if not is_osl(file.content):
        raise UserError(f'{file.path}: must be such as {{"videos": [{{"path": ..., "annotations": [...]}}]}}')
    sets = []
    for place, video, listed in _osl_videos(file.content):
        inputs = video.get("inputs") or video
        paths = [one["path"] for one in (inputs if isinstance(inputs, list) else [video])
                 if isinstance(one, dict) and isinstance(one.get("path"), str)]
        paths += [video["id"]] if isinstance(video.get("id"), str) else []
        if not paths:
            raise UserError(f"{file.path}: {place}: has no path; it must name the video")
        names = [name for path in paths for name in path_names(path)]
        first_version = place.startswith("videos")
        content = video if first_version else {
            "annotations": list(map(_osl_annotation, listed)) if isinstance(listed, list) else listed}
        sets.append(_read_match(file, content, f"{file.path}: {place}", names, halves=first_version))
    return sets


def _osl_annotation(event: Any) -> Any:
    if not isinstance(event, dict):
        return event
    rest = {key: value for key, value in event.items() if key not in ("position_ms", "gameTime", "head")}
    return rest | {"position": event.get("position_ms")}


def _read_match(file: LabelFile, content: Any, where: str, names: Iterable[str], halves: bool = True) -> LabelSet:
    """`halves`: whether gameTime names the half that position counts in."""
    annotations = annotations_of(content)
    if not isinstance(annotations, list):
        raise UserError(f'{where}: must be such as {{"annotations": [{{"gameTime": ..., "position": ..., "label": '
                        '"PASS"}]}, in the form ' + file.form)
    timed = file.form != "raw"
    file_fps = rate(content.get("fps"), text=True)
    if file_fps is None:
        raise UserError(f"{where}: fps is {shown(content['fps'])}; it must be a number")
    whole_seconds = timed and halves and _tell_no_position(annotations)
    if whole_seconds:
        annotations = [one | {"position": _milliseconds(one["gameTime"])} for one in annotations]
    read = [_read_annotation(f"{where}: annotations[{index}]", annotation, timed, timed and halves)
            for index, annotation in enumerate(annotations)]
    framed = sum("frame" in annotation for annotation in annotations)
    notes = (f"{framed} have a frame too, which is not taken: position is",) if framed else ()
    labels = file.label_set(names, [event for event, _ in read], timed, file_fps, RAW_FPS, notes=notes)
    texts = [annotation.get("gameTime") for annotation in annotations]
    warning = _compare_clocks(labels, texts, np.array([seconds for _, seconds in read], float))
    if whole_seconds:
        warning = (f"{where}: tells no position, so that gameTime is taken, in whole seconds: events lie up to a "
                   "second early, and no model can learn a frame from them")
    return replace(labels, warnings=(warning,)) if warning else labels


def _tell_no_position(annotations: list) -> bool:
    """Whether gameTime is all that they tell, as in SoccerNet's first Labels.json."""
    return bool(annotations) and all(
        isinstance(one, dict) and "position" not in one and isinstance(one.get("gameTime"), str)
        and _HALF_TIME.fullmatch(one["gameTime"]) for one in annotations)


def _milliseconds(game_time: str) -> float | None:
    seconds = parse_time(_HALF_TIME.fullmatch(game_time)[2])
    return None if seconds is None else 1000 * seconds


def _read_annotation(where: str, annotation: Any, timed: bool, halves: bool) -> tuple[LabelledEvent, float | None]:
    """The event, and the seconds of its gameTime."""
    if not isinstance(annotation, dict):
        raise UserError(f"{where}: must be an object with gameTime, position and label")
    position = _position(annotation.get("position"), timed)
    if position is None:
        unit = "milliseconds" + " in the half" * halves if timed else "a whole number, the frame in the match"
        raise UserError(f"{where}: position is {shown(annotation.get('position'))}; it must be {unit} "
                        "(gameTime, in whole seconds, cannot stand in for it)")
    fields = {key: value for key, value in annotation.items() if key not in ("position", "gameTime")}
    fields = {"frame": None} | fields | {"label": class_name(where, annotation.get("label"))}
    text = annotation.get("gameTime")
    half, seconds = _game_time(where, text, halves)
    number = where.rsplit(": ", 1)[1]
    place = f"{number} ({text + ', ' if text else ''}{position:g} ms)" if timed else f"{number} (frame {position})"
    return LabelledEvent(place, position / 1000 if timed else position, fields, half), seconds


def _position(value: Any, timed: bool) -> float | int | None:
    """A number, as a number or as text; a whole one where it is a frame; None for anything else."""
    if not timed:
        return whole_number(value, text=True)
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?[0-9]{1,15}(\.[0-9]{0,15})?\s*", value):
        return float(value)
    return float(value) if type(value) in (int, float) and abs(value) < MAX_WHOLE else None


def _game_time(where: str, text: Any, halves: bool) -> tuple[int | None, float | None]:
    """The half and the seconds that a gameTime tells."""
    found = _HALF_TIME.fullmatch(text) if isinstance(text, str) else None
    if halves and not found:
        raise UserError(f'{where}: gameTime is {shown(text)}; it must name the half, such as "1 - 12:30"; correct '
                        "it, or choose another form with --label_form")
    if found and not halves:
        raise UserError(f"{where}: gameTime is {shown(text)}, as SoccerNet writes it, in a file of the raw form; "
                        "correct it, or choose a form with --label_form")
    time = found[2] if found else text
    seconds = parse_time(time) if isinstance(time, str) else None
    if text is not None and seconds is None:
        example = "1 - 12:30" if halves else "00:14:07"
        raise UserError(f"{where}: gameTime is {shown(text)}; it must be such as {example}")
    return int(found[1]) if found else None, seconds


def _match_names(file: LabelFile) -> tuple[str, ...]:
    """What the match may be called: by its file, or by the folder of one that has no name of its own."""
    folder, _, stem = file.name.rpartition("/")
    names = (folder or ".", file.path.absolute().parent.name) if _NAMELESS.match(stem) else (file.name,)
    content = file.content if isinstance(file.content, dict) else {}
    about = content.get("GameMetadata")  # in Labels-v3.json
    url = (about if isinstance(about, dict) else content).get("UrlLocal")  # SoccerNet's folder
    return (*names, url.strip("/")) if isinstance(url, str) else names


def _compare_clocks(labels: LabelSet, texts: Sequence[Any], seconds: np.ndarray) -> str | None:
    """What to say where gameTime is more than a second from position: position has another unit or start.

    Args:
        texts: gameTime of each event.
        seconds: that it tells, whole ones; NaN where there is none.
    """
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


def write_osl(path: Path, video: ExportedVideo) -> None:
    """OSL, version 2, SoccerNet's present form of labels and results: a data set of one video."""
    write_json(path, {
        "version": "2.0",
        "task": "action_spotting",
        "dataset_name": video.name,
        "modalities": ["video"],
        "labels": {_HEAD: {"type": "single_label", "labels": list(video.classes)}},
        "data": [{"id": video.name, "inputs": [{"type": "video", "path": video.file, "fps": video.fps}],
                  "events": [_osl_event(event) for event in video.events]}],
    })


def _osl_event(event: Event) -> dict[str, Any]:
    millis = round(1000 * event["seconds"])
    more = further_fields(event) | {"team": event.get("team"), "confidence": event.get("score")}
    return {"head": _HEAD, "label": event["label"], "position_ms": millis,
            "gameTime": f"1 - {millis // 60_000:02d}:{millis // 1000 % 60:02d}",
            **{key: value for key, value in more.items() if value is not None}}
