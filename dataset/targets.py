"""What a clip's frames are to be taken for: the targets of a training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from util.batch import Targets
from util.events import SIDES


@dataclass(frozen=True)
class TargetMaker:
    """Makes the targets of clips.

    Of two events that claim a frame the nearer one has it, then the earlier in the file. A frame outside what is
    labelled, and with no event, is not known to be background: its shares are zeros, which the loss leaves out; where a
    proposal was rejected it is.
    """

    classes: Sequence[str]  # class i (from 1) is index i of the labels
    dilate: int = 0  # frames to either side of an event that carry its label too
    displacement: int = 0  # the same, and how far they are from it is a target as well; 0: it is none
    team: bool = False  # whether the side is

    @property
    def reach(self) -> int:
        return max(self.dilate, self.displacement)

    def __call__(self, entry: Mapping, start: int, clip_len: int) -> Targets:
        """The targets of the clip of `clip_len` frames that begins with frame `start` of a video, without B."""
        index = {name: i for i, name in enumerate(self.classes, 1)}
        label = np.zeros(clip_len, int)
        offset = np.full(clip_len, self.reach + 1)  # frames after the event that has the frame
        side = np.full(clip_len, -1)
        for event in entry["events"]:
            centre = event["frame"] - start
            for t in range(max(centre - self.reach, 0), min(centre + self.reach + 1, clip_len)):
                if abs(t - centre) < abs(offset[t]):
                    label[t], offset[t] = index[event["label"]], t - centre
                    side[t] = SIDES.index(event["team"]) if event.get("team") in SIDES else -1
        offset[label == 0] = 0
        known = label > 0
        for first, last in entry.get("labelled", [(start, start + clip_len)]):
            known[max(first - start, 0) : max(last + 1 - start, 0)] = True
        for event in entry.get("rejected", ()):
            known[max(event["frame"] - start - self.reach, 0) : max(event["frame"] - start + self.reach + 1, 0)] = True
        shares = torch.nn.functional.one_hot(torch.from_numpy(label), len(index) + 1).float()
        return Targets(
            shares * torch.from_numpy(known)[:, None],
            displacement=torch.from_numpy(offset).float() if self.displacement else None,
            team=torch.from_numpy(side[:, None] == np.arange(len(SIDES))).float() if self.team else None,
        )
