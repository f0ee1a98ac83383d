"""The events of a video, as the forms of other tools are written from them."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from util.events import Event
from util.stamps import SLACK, Stamps

KNOWN_FIELDS = ("frame", "label", "seconds", "time", "score", "team", "team_score")  # that forms have places for
AROUND = 3.0  # seconds
DROP_FRAME_RATES = (30000 / 1001, 60000 / 1001)  # whose time codes leave numbers out, to keep pace with the clock


def code_rate(seconds: Sequence[float], fps: float) -> float:
    """The frames per second at which time codes count a video, by when its frames are on display: see
    `dataset.video_record.timecode_rate`, which tells the same of extracted frames."""
    stamps = Stamps(np.asarray(seconds), seconds[-1] + 1 / fps)
    return fps if stamps.is_even(fps) else stamps.usual_fps


@dataclass(frozen=True)
class ExportedVideo:
    """A video and its events."""

    name: str  # as in a split, with / between folders and without suffix
    file: str  # of the video, below the folder of videos
    fps: float  # at which time codes count the video file
    events: Sequence[Event]  # {"frame", "label", "seconds"}, maybe "score", "team" and further fields
    classes: Sequence[str]  # in the order that gives them their colours
    lead: float = AROUND  # seconds of the video before an event, where a tool shows clips
    lag: float = AROUND  # and after it
    end: float = math.inf  # seconds, of the video; where no clip may go on

    def timecode(self, seconds: float) -> str:
        """The first one, hh:mm:ss:ff, at which the frame that comes on display at `seconds` is shown."""
        rate = round(self.fps)
        number = max(0, math.ceil((seconds - SLACK) * self.fps))
        if self.drops:
            left_out = round(rate / 15)  # 2 or 4 at each minute but for the tenth
            tens, rest = divmod(number, 600 * rate - 9 * left_out)
            number += 9 * left_out * tens + left_out * (max(0, rest - left_out) // (60 * rate - left_out))
        second, frame = divmod(number, rate)
        return f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}{';' if self.drops else ':'}{frame:02d}"

    @property
    def drops(self) -> bool:
        """Whether its time codes are drop frame."""
        return any(abs(self.fps - rate) < 1e-3 for rate in DROP_FRAME_RATES)

    def subtitle(self, event: Event) -> str:
        """What a person reads of an event: PASS (left) 92 %."""
        team = f" ({event['team']})" if event.get("team") else ""
        score = event.get("score")  # of labels it may be anything
        score = f" {100 * score:.0f} %" if type(score) in (int, float) else ""
        return f"{event['label']}{team}{score}"


def further_fields(event: Event) -> dict[str, str]:
    """What people noted of an event beside label and team, such as its player, as text."""
    return {name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            for name, value in event.items() if name not in KNOWN_FIELDS and value is not None}


def in_words(event: Event) -> str:
    """Score and further fields of an event, for the one field of a form that takes any text."""
    score = [str(event["score"])] if "score" in event else []
    return "; ".join(score + [f"{name}: {text}" for name, text in further_fields(event).items()])
