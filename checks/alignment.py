"""Do labels sit where the pictures change? Judged by the motion around the events of each video and of the others.

What is told this way is told by comparison: were all labels of a dataset late by the same, nothing would show but the
place where motion rises, which is told as information.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import exp, log
from pathlib import Path

import numpy as np

from checks.findings import Finding
from checks.label_fit import LEAST_LAG, LEAST_OTHERS, Fit, judge, usual_late
from checks.label_reading import LabelledVideo
from checks.motion import CHANNELS, camera_cuts, measure_motion
from checks.motion_source import STEP_FPS, grouped, make_source, stretches_to_read
from util.clock import show_time
from util.words import number_of

LONGEST = 5_000_000  # frames, which are two days
PROFILE = 30  # steps of 1/25 s to either side of the label that are shown
NEAR = 20  # of those in which the motion of the event itself is looked for
LEAST_TO_SHOW = 30  # events that the motion around a class is described by
AT_CUT = 2  # frames around a camera cut
CHANCE = 1e-5  # of so many events at cuts, below which they are told
CHECKS = {"late": "labels-shifted", "drifts": "labels-drift", "elsewhere": "labels-elsewhere",
          "nowhere": "labels-elsewhere"}
ADVICE = (
    "judged by motion alone, which another camera or habit of labelling changes too: look at the events with --sheet; "
    "if they are off, extract the frames again from the very file that was labelled, or correct the labels"
)


@dataclass(frozen=True)
class Profile:
    """Mean motion around the events of a class in one video, or in several short ones."""

    label: str
    source: str
    events: int
    fits: bool  # whether the labels are in line with those of the others
    levels: np.ndarray  # (steps, C) mean deviation from the usual motion of the video, -PROFILE to PROFILE steps


@dataclass(frozen=True)
class Alignment:
    """What motion tells of the labels of a dataset."""

    fits: list[Fit]
    profiles: list[Profile]
    findings: list[Finding]
    notes: list[str]  # lines for the reader: what is told, and what cannot be

    @property
    def tells(self) -> bool:
        """Whether it could be judged of any video."""
        return any(fit.verdict != "unknown" for fit in self.fits)


def align(
    frame_dir: Path, videos: list[LabelledVideo], classes: list[str], workers: int, seed: int = 0
) -> Alignment:
    """Read frames of all videos and judge whether their labels go with what moves.

    Long videos are read in part, see `checks.motion_source`; frames that are missing or broken are left out,
    and so are videos that have no frames at all or more than can be.

    Args:
        classes: those of class.txt, that all events are of; where there is none, those of the events are taken.
        workers: processes that read; 1 or less reads in this one.
        seed: of what is read of long videos, and of the intervals.
    """
    rng = np.random.default_rng(seed)
    classes = classes or sorted({event["label"] for video in videos for event in video.events})
    videos = [video for video in videos if video.num_frames <= LONGEST and (frame_dir / video.name).is_dir()]
    groups = grouped(videos)
    stretches = stretches_to_read(groups, rng)
    motion = measure_motion(frame_dir, stretches, {video.name: video.num_frames for video in videos}, workers)
    sources = [make_source(name, group, motion, classes) for name, group in groups.items()]
    sources = [source for source in sources if not np.isnan(source.levels).all()]
    fits = judge(sources, len(classes), rng)
    profiles = _profiles(fits, classes)
    findings = [*_fit_findings(fits, groups), *_cut_findings(videos, motion)]
    return Alignment(fits, profiles, findings, _notes(fits, profiles))


def _fit_findings(fits: list[Fit], groups: dict[str, list[LabelledVideo]]) -> list[Finding]:
    findings = [
        Finding("warning", CHECKS[fit.verdict], _where(fit.source.name, groups), fit.message, ADVICE)
        for fit in fits if fit.verdict in CHECKS
    ]
    if usual_late(fits)[1] >= LEAST_LAG:  # the videos differ by so much that none can be told to be out of line
        placed = [fit for fit in fits if fit.placed and fit.verdict != "drifts"]
        first, last = (end(placed, key=lambda fit: fit.late) for end in (min, max))
        text = (f"by the motion around them, its labels are {last.late - first.late} frames later than those of "
                f"{first.source.name!r}, and those of other videos lie between")
        findings.append(Finding("warning", "labels-disagree", _where(last.source.name, groups), text, ADVICE))
    return findings


def _where(name: str, groups: dict[str, list[LabelledVideo]]) -> str:
    group = groups[name]
    if len(group) == 1:
        return group[0].where
    files = ", ".join(sorted({video.where.split(": video ")[0] for video in group}))
    return f"{files}: {len(group)} videos {name!r}"


def _cut_findings(videos: list[LabelledVideo], motion: dict[str, np.ndarray]) -> list[Finding]:
    """Videos in which more events of a class lie at camera cuts than chance, and other videos, make believe."""
    at_cuts, counts, chances = Counter(), Counter(), {}
    for video in videos:
        if video.name not in motion:
            continue
        known = ~np.isnan(motion[video.name]).any(1)
        near = np.convolve(camera_cuts(motion[video.name]), np.ones(2 * AT_CUT + 1))[AT_CUT:-AT_CUT] > 0.5
        chances[video.name] = (near & known).sum() / max(known.sum(), 1)
        for event in video.events:
            if known[event["frame"]]:
                counts[video.name, event["label"]] += 1
                at_cuts[video.name, event["label"]] += int(near[event["frame"]])
    where = {video.name: video.where for video in videos}
    findings = []
    for (name, label), found in at_cuts.items():
        of = counts[name, label]
        others = [key for key in counts if key[1] == label and key[0] != name]
        usual = sum(at_cuts[key] for key in others) / max(sum(counts[key] for key in others), 1)
        chance = max(chances[name], usual)
        if found >= 5 and _chance_of(found, of, chance) < CHANCE / len(counts):
            text = (f"{found} of {of} {label} lie within {AT_CUT} frames of a camera cut, where {chance * of:.1f} are "
                    "expected")
            findings.append(Finding("warning", "labels-at-cuts", where[name], text, ADVICE))
    return findings


def _chance_of(found: int, of: int, chance: float) -> float:
    """Chernoff's bound of the chance that so many or more come about."""
    share = found / of
    if share <= chance:
        return 1.0
    if chance == 0:
        return 0.0
    rest = (1 - share) * log((1 - share) / (1 - chance)) if share < 1 else 0.0
    return exp(-of * (share * log(share / chance) + rest))


def _profiles(fits: list[Fit], classes: list[str]) -> list[Profile]:
    profiles = []
    for label, name in enumerate(classes):
        for fit in fits:
            source = fit.source
            steps = np.rint(np.arange(-PROFILE, PROFILE + 1) * source.step).astype(int)
            places = source.frames[source.labels == label][:, None] + steps
            around = source.levels[places[(places >= 0).all(1) & (places < len(source.levels)).all(1)]]
            around = around[~np.isnan(around).any((1, 2))]
            if len(around):
                in_line = fit.verdict in ("fits", "unknown")
                profiles.append(Profile(name, source.name, len(around), in_line, around.mean(0)))
    return profiles


def _notes(fits: list[Fit], profiles: list[Profile]) -> list[str]:
    """What is told in words."""
    timed = all(fit.source.fps for fit in fits)
    fitting = [fit for fit in fits if fit.verdict == "fits"]
    unknown = [fit.source.name for fit in fits if fit.verdict == "unknown"]
    notes = []
    if fitting:
        furthest = _span(max([1.0, *(abs(fit.late) / fit.source.step for fit in fitting)]), timed)
        notes.append(f"motion: the labels of {len(fitting)} of {number_of(len(fits), 'video')} sit alike against the "
                     f"motion around them, to within {furthest}; a shift of less than {_span(LEAST_LAG, timed)} is not "
                     "told, nor one that all of them share, which --sheet shows")
    if unknown:
        more = f" and {len(unknown) - 3:,} more" if len(unknown) > 3 else ""
        why = "too few events, or the motion around them is not alike enough"
        if len(fits) <= LEAST_OTHERS:
            why = f"it takes {LEAST_OTHERS + 1} videos to compare"
        elif len(unknown) == len(fits):
            why += ", as where the labels of all videos are off: look at them with --sheet"
        notes.append(f"motion: cannot be told of {', '.join(unknown[:3])}{more}: {why}")
    if not fits:
        notes.append("motion: no frames could be read")
    for label in dict.fromkeys(profile.label for profile in profiles):
        notes += _rise(label, [profile for profile in profiles if profile.label == label and profile.fits], timed)
    return notes


def _rise(label: str, profiles: list[Profile], timed: bool) -> list[str]:
    """Where motion around a class rises: late in all videos if all labels are early."""
    events = sum(profile.events for profile in profiles)
    if events < LEAST_TO_SHOW:
        return []
    mean = sum(profile.events * profile.levels[:, CHANNELS.index("all")] for profile in profiles) / events
    mean = mean[PROFILE - NEAR : PROFILE + NEAR + 1]
    highest = int(mean.argmax()) - NEAR
    soft = np.convolve(mean, np.ones(3) / 3, "valid")
    steepest = int(np.diff(soft).argmax()) + 2 - NEAR
    rise, top = (_after(steps, timed) for steps in (steepest, highest))
    peak = f" and is highest {top}" if abs(highest) < NEAR else ""
    return [f"motion: around {label} it rises most steeply {rise}{peak}"]


def _after(steps: int, timed: bool) -> str:
    return f"{_span(abs(steps), timed)} {'after' if steps > 0 else 'before'} the label" if steps else "on the label"


def _span(steps: float, timed: bool) -> str:
    return show_time(steps / STEP_FPS) if timed else number_of(round(steps), "frame")
