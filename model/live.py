"""Scores of a video while it goes on: each frame's at most so many frames after it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, tee

import numpy as np
import torch
from torch import Tensor

from model.device import no_benchmark
from model.folding import for_inference
from model.inference import finite, frame_scores, mean_scores, mirrored, normalised, with_mirrored
from model.spotter import EventSpotter
from util.batch import Batch
from util.errors import UserError

PIECE = 8  # frames that go through the CNN at once, at most: those of a window are not all left to its last moment


@dataclass(frozen=True)
class Delay:
    """What comes after a frame before it is settled, in frames."""

    window: int  # of the head's window, behind the frame
    backbone: int  # behind the window, seen by the features of its last frames
    suppression: int  # scored as well before the frame's events are sure
    step: int  # from one window of the head to the next
    wanted: int  # `backbone`, if the features were to be those of the whole video

    @property
    def frames(self) -> int:
        return self.window + self.backbone + self.suppression

    def __str__(self) -> str:
        of_backbone = f"{self.backbone} for the backbone's look-ahead" + (
            f" (which is {self.wanted}; what is missing is taken for the video's end)" * (self.backbone < self.wanted))
        return f"{self.window} behind it in the head's window, {of_backbone}, {self.suppression} for NMS"


def plan_delay(spotter: EventSpotter, overlap: int, suppression: int, frames: int | None = None) -> Delay:
    """Share out a delay: first to NMS, without which nothing is sure, then to the head, then to the backbone.

    Args:
        overlap: frames that one window of the head shares with the next where a whole video is scored; here each frame
            is in as many windows.
        suppression: frames behind an event that decide on it.
        frames: that may pass; None: as many as it takes for the scores of the whole video.

    Raises:
        UserError: they do not do.
    """
    clip_len, wanted = spotter.architecture.clip_len, spotter.backbone.look_ahead
    left = clip_len - 1 + wanted if frames is None else frames - suppression
    if left < 0:
        raise UserError(f"--delay: {frames} frames are less than the {suppression} of NMS; give more, or a smaller "
                        "--nms_window")
    window = min(clip_len - 1, left)
    step = max(1, (window + 1) * (clip_len - overlap) // clip_len)
    return Delay(window, min(wanted, left - window), suppression, step, wanted)


def live_videos(
    spotter: EventSpotter, stretches: Iterable[Batch], videos: list[dict], overlap: int, seconds: float,
    suppression: Callable[[float], int], flip: bool = False,
) -> dict[str, np.ndarray]:
    """Score whole videos as they would be scored live, with what `inference.score_videos` takes and gives.

    Args:
        videos: [{"video", "num_frames", "fps"}].
        seconds: of delay.
        suppression: frames per second -> as `plan_delay` takes it.

    Raises:
        UserError: the rate of a video is not known.
    """
    spotter = for_inference(spotter)
    scores = {}
    with no_benchmark():
        for number, parts in groupby(stretches, key=lambda part: part.videos[0]):
            name, fps = videos[number]["video"], videos[number].get("fps") or -1
            if fps <= 0:
                raise UserError(f"--delay: the split does not tell the frame rate of {name}; add its fps there")
            delay = plan_delay(spotter, overlap, suppression(fps), frames_in(seconds, fps))
            scores[name] = np.concatenate(list(live_scores(spotter, (part.frames[0] for part in parts), delay, flip)))
    return scores


def frames_in(seconds: float, fps: float) -> int:
    """Whole frames in a time."""
    return math.floor(seconds * fps + 1e-6)


@torch.inference_mode()
def live_scores(
    spotter: EventSpotter, stretches: Iterable[Tensor], delay: Delay, flip: bool = False
) -> Iterator[np.ndarray]:
    """Score one video as its frames come, like `inference.score_stretches`, but with a bounded delay.

    The head sees windows that end `delay.step` frames after one another, as if the video ended `delay.backbone` frames
    after each. A frame's scores are the mean over the windows that hold it with at most `delay.window` frames behind
    it: with a long enough delay those that `score_stretches` gives, but for the last `clip_len` frames of the video,
    of which some are settled before it is known that they are the last.

    Args:
        stretches: the video's frames, uint8 (T, 3, H, W) on the model's device, T as it comes.
        flip: score the mirrored frames as well, and give the mean of both.

    Yields:
        float32 (n, K + 1), scores of the next n frames.
    """
    if flip:
        frames, again = tee(stretches)
        turned = (mirrored(stretch, spotter.architecture.modality) for stretch in again)
        both = (live_scores(spotter, each, delay) for each in (frames, turned))
        yield from (with_mirrored(*rows) for rows in zip(*both, strict=True))
        return
    scorer = _Scorer(spotter, delay)
    for piece in _pieces(stretches, scorer):
        if len(rows := scorer.push(piece)):
            yield finite(rows.cpu().numpy())
    if scorer.seen:
        yield finite(scorer.end().cpu().numpy())


def _pieces(stretches: Iterable[Tensor], scorer: _Scorer) -> Iterator[Tensor]:
    """The frames in pieces that depend on nothing but their number: so scores do not, to the last digit."""
    waiting: list[Tensor] = []
    for stretch in stretches:
        waiting.append(stretch)
        while sum(map(len, waiting)) >= (most := min(PIECE, scorer.room)):
            frames = torch.cat(waiting) if len(waiting) > 1 else waiting[0]
            waiting = [frames[most:]] if len(frames) > most else []
            yield frames[:most]
    if waiting:
        yield torch.cat(waiting)


class _Scorer:
    """What is kept of one video: of its features those of a window, and of its scores those that are not settled."""

    def __init__(self, spotter: EventSpotter, delay: Delay) -> None:
        self.spotter, self.delay, self.clip_len = spotter, delay, spotter.architecture.clip_len
        self.stream = spotter.backbone.open_stream()
        self.seen = 0  # frames that came
        self.features: Tensor | None = None  # float32 (n, D), those of the frames from `first` on that need no others
        self.first = 0
        self.next_end = delay.window + 1  # where the next window ends: the frame after its last
        self.end_of_last = 0
        self.sums: Tensor | None = None  # (n, K + 2), of `frame_scores`, from frame `given` on
        self.given = 0

    @property
    def room(self) -> int:
        """Frames until the next window."""
        return self.next_end + self.delay.backbone - self.seen

    def push(self, frames: Tensor) -> Tensor:
        """The next frames uint8 (T, 3, H, W), at most `room` -> the scores (n, K + 1) of the next n frames."""
        for part in normalised(self.spotter, [frames]):
            self._keep(self.stream.push(part))
        self.seen += len(frames)
        if self.room:
            return self._settled(self.given)
        features = self.features
        if self.first + len(features) < self.next_end:
            features = torch.cat((features, self.stream.copy().end().float()))
        self._add_window(features, self.next_end)
        drop = min(max(0, self.next_end - self.clip_len - self.first), len(self.features))
        self.features, self.first = self.features[drop:], self.first + drop  # a last window may end one frame later
        self.next_end += self.delay.step
        return self._settled(max(self.given, self.next_end - 1 - self.delay.window))

    def end(self) -> Tensor:
        """The scores of the frames that are left, as no others come."""
        self._keep(self.stream.end())
        while self.next_end <= self.seen:
            self._add_window(self.features, self.next_end)
            self.next_end += self.delay.step
        if self.end_of_last < self.seen:
            self._add_window(self.features, self.seen)
        return self._settled(self.seen)

    def _keep(self, new: Tensor) -> None:
        self.features = new.float() if self.features is None else torch.cat((self.features, new.float()))

    def _add_window(self, features: Tensor, end: int) -> None:
        """Add up the scores of the frames of a window to which not too many are behind."""
        begin = max(0, end - self.clip_len)
        outputs = self.spotter.head(features[None, begin - self.first : end - self.first])
        scores = frame_scores(outputs, by_clip=True)[0]
        begin = max(begin, end - 1 - self.delay.window, self.given)
        self.sums = scores.new_zeros(0, *scores.shape[1:]) if self.sums is None else self.sums
        missing = end - self.given - len(self.sums)
        self.sums = torch.cat((self.sums, self.sums.new_zeros(max(0, missing), *scores.shape[1:])))
        self.sums[begin - self.given : end - self.given] += scores[len(scores) - (end - begin) :]
        self.end_of_last = end

    def _settled(self, until: int) -> Tensor:
        """Give the scores of the frames up to one, not included."""
        if self.sums is None:
            return torch.zeros(0)
        ready, self.sums = self.sums.split((until - self.given, len(self.sums) - until + self.given))
        self.given = until
        return mean_scores(ready)
