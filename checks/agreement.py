"""How far two people agree who labelled the same videos, which is as far as a model's agreement means anything."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from checks.frame_checks import videos_with_frames
from checks.label_reading import as_video
from dataset.labels import SPLITS, dataset_dir, read_split
from dataset.video_record import read_record
from evaluation.metrics import count_events, mean_of_known, precision_recall_f1
from evaluation.pairing import TOLERANCES, find_partners, pair_events
from evaluation.report_text import show_table
from label_forms.forms import read_labels
from label_forms.sets import plain_label, settle_classes
from label_forms.timeline import place_events
from label_forms.videos import pair_labels, without_missing
from util.errors import UserError, number_of
from util.events import EventTable, event_table, of_labelled

REACH = 0.5  # seconds, within which two labels may be of one event
UNKNOWN_REACH = 12  # frames, where the rate is not known


@dataclass(frozen=True)
class Agreement:
    """What two sets of labels of the same videos have in common, and what not."""

    names: tuple[str, str]
    videos: list[str]  # that both label
    alone: list[str]  # that one of them labels, left out
    reach: int  # frames, within which two labels are taken to be of one event
    offsets: pd.DataFrame  # rows: classes and all; numbers of events, of pairs, and by how many frames they differ
    confused: pd.DataFrame  # rows: class of the first, class of the second; number of events, most first
    scores: pd.DataFrame  # rows: tolerances; F1 of each against the other, and the mAP that this comes to
    notes: list[str]  # of what else was left out
    teams: float  # share of the pairs that have the same team, of those that have one on both sides; NaN without such

    def as_json(self) -> dict[str, Any]:
        """Plain values; None where there is nothing to measure by."""
        def rows(table: pd.DataFrame) -> dict[str, Any]:
            return json.loads(table.to_json(orient="index", double_precision=15))

        confused = [{"first": one, "second": other, "events": int(number)}
                    for (one, other), number in self.confused["events"].items()]
        return {"of": list(self.names), "videos": self.videos, "left_out": self.alone, "reach": self.reach,
                "offsets": rows(self.offsets), "confused": confused, "scores": rows(self.scores),
                "same_team": None if np.isnan(self.teams) else self.teams}

    def __str__(self) -> str:
        first, second = self.names
        left_out = [f"left out, as one of them alone labels them: {', '.join(self.alone)}"] if self.alone else []
        parts = [
            "\n".join([f"{second} (second) against {first} (first), {number_of(len(self.videos), 'video')}", *left_out,
                       *self.notes]),
            f"frames by which the second is later, of labels of one class up to {number_of(self.reach, 'frame')} "
            f"apart; within: % of the pairs\n{show_table(self.offsets)}",
            f"if one were the truth and the other a model, in %\n{show_table(100 * self.scores)}\n"
            "  a model that reaches this agrees with one person as well as the other does: more cannot be measured",
        ]
        if len(self.confused):
            parts.insert(2, f"taken for each other, up to {number_of(self.reach, 'frame')} apart\n"
                            f"{show_table(self.confused.reset_index().set_index('first'))}")
        if not np.isnan(self.teams):
            parts.append(f"the same team in {100 * self.teams:.1f} % of the pairs that have one")
        return "\n\n".join(parts)


def compare_labels(first: str, second: str, frame_dir: Path | None) -> Agreement:
    """How far two sets of labels agree on the videos that both have.

    Args:
        first, second: datasets, or folders or files of labels in any form.
        frame_dir: extracted frames, whose records tell when each is on display; without them, one of the two must be a
            dataset, by whose frames and rates the other is read.

    Raises:
        UserError: one cannot be read, or they have no video in common.
    """
    datasets = [_dataset_entries(name) for name in (first, second)]
    files = None in datasets  # which lie on frames that only their records tell of
    records = _records(frame_dir, [entry for entries in datasets for entry in entries or ()]) if files else {}
    (one, notes), (other, more) = (
        _label_entries(name, records) if entries is None else ({entry["video"]: entry for entry in entries}, [])
        for name, entries in zip((first, second), datasets, strict=True))
    shared = sorted(one.keys() & other.keys())
    if not shared:
        raise UserError(f"{second}: labels no video that {first} labels; compare labels of the same videos")
    ours, theirs = ([entries[name] for name in shared] for entries in (one, other))
    return agreement((first, second), ours, _spelled_as(ours, theirs), sorted(one.keys() ^ other.keys()),
                     [*notes, *more])


def _spelled_as(ours: Sequence[dict], theirs: Sequence[dict]) -> list[dict]:
    """The second entries, with labels that differ in case or blanks alone as the first ones have them."""
    spelling = {plain_label(event["label"]): event["label"] for entry in ours for event in entry["events"]}
    return [entry | {"events": [event | {"label": spelling.get(plain_label(event["label"]), event["label"])}
                                for event in entry["events"]]} for entry in theirs]


def is_dataset(name: str) -> bool:
    return (dataset_dir(name) / "class.txt").is_file()


def _dataset_entries(name: str) -> list[dict] | None:
    """The entries of all splits of a dataset; None if it is none."""
    if not is_dataset(name):
        return None
    splits = sorted(path.stem for path in dataset_dir(name).glob("*.json"))
    return [entry for split in splits if split in SPLITS or split == "challenge" for entry in read_split(name, split)]


def _records(frame_dir: Path | None, entries: Sequence[dict]) -> dict[str, dict]:
    """What is known of the frames of each video: by their records, or else by the entries of a dataset."""
    known = {entry["video"]: {"num_frames": entry["num_frames"], "fps": entry["fps"]} for entry in entries
             if entry.get("fps", -1) > 0}
    for video in sorted(videos_with_frames(frame_dir)) if frame_dir else ():
        record = read_record(frame_dir / video) or {}
        if record.get("num_frames") and record.get("fps"):
            known[video] = record
    return {video: {"source_frames": record["num_frames"], "source_fps": record["fps"], "width": -1, "height": -1}
            | record for video, record in known.items()}


def _label_entries(name: str, records: Mapping[str, dict]) -> tuple[dict[str, dict], list[str]]:
    """The entries that prepare_data.py would make of label files, by video, and what there is to say of them."""
    if not Path(name).exists():
        raise UserError(f"{name}: is neither a dataset nor a file or folder of labels")
    if not records:
        raise UserError(f"{name}: are labels, whose videos are known by their frames; name FRAME_DIR")
    sets, notes = without_missing(read_labels(name), records)
    sets, _ = settle_classes(sets, None, None) if any(labels.events for labels in sets) else (sets, [])
    placed = [place_events(labelled, records, {}) for labelled in pair_labels(sets, records)]
    notes += [f"left out: {message}" for one in placed for message in (*one.homeless, *one.outside)]
    return {entry["video"]: entry for one in placed for entry in one.entries}, notes


def agreement(
    names: tuple[str, str], first: Sequence[dict], second: Sequence[dict], alone: Sequence[str] = (),
    notes: Sequence[str] = (),
) -> Agreement:
    """That of two lists of entries of the same videos in the same order; of what one of them has not labelled nothing
    counts."""
    videos = [entry["video"] for entry in first]
    classes = sorted({event["label"] for entry in (*first, *second) for event in entry["events"]})
    rates = [video.fps for video in map(as_video, first) if video.fps]
    reach = round(REACH * float(np.median(rates))) if rates else UNKNOWN_REACH
    tables = []
    for entries in (first, second):
        events = event_table(entries, videos, classes, scored=False)
        rows = of_labelled(of_labelled(replace(events, score=np.arange(len(events))), first), second).score
        teams = [event.get("team") for entry in entries for event in entry["events"]]
        teams = np.array([team if isinstance(team, str) else "" for team in teams], object)[rows]
        tables.append((events.take(rows), teams))
    (true, true_team), (other, other_team) = tables
    partner = _closest(true, other, len(classes), reach, len(videos))
    ours, theirs = true_team[partner[partner >= 0]], other_team[partner >= 0]
    same = (ours == theirs)[(ours != "") & (theirs != "")]
    return Agreement(
        names, videos, list(alone), reach, _offsets(true, other, partner, classes),
        _confused(true, other, partner, classes, reach, len(videos)), _scores(true, other, len(classes)), list(notes),
        float(same.mean()) if len(same) else np.nan)


def _closest(true: EventTable, other: EventTable, num_classes: int, reach: int, num_videos: int) -> np.ndarray:
    """int64 (N,): the row in `true` of each event of `other`, or -1: those that are closest to each other first."""
    partner = np.full(len(other), -1)
    for distance in range(reach + 1):
        free, left = np.flatnonzero(partner < 0), np.setdiff1d(np.arange(len(true)), partner)
        found = find_partners(true.take(left), other.take(free), num_classes, np.full(num_videos, distance))
        partner[free[found >= 0]] = left[found[found >= 0]]
    return partner


def _offsets(true: EventTable, other: EventTable, partner: np.ndarray, classes: Sequence[str]) -> pd.DataFrame:
    counts = {name: np.append(np.bincount(events.label, minlength=len(classes)), len(events))
              for name, events in (("first", true), ("second", other), ("both", other.take(partner >= 0)))}
    table = pd.DataFrame(counts)
    for name in ("first", "second"):
        table[f"{name} only"] = table[name] - table.both
    paired = partner >= 0
    apart = pd.Series(other.frame[paired] - true.frame[partner[paired]], other.label[paired])
    offsets = pd.concat([apart, apart.set_axis([len(classes)] * len(apart))]).groupby(level=0)
    table["mean"], table["spread"] = offsets.mean(), offsets.std(ddof=0)
    for tolerance in TOLERANCES:
        table[f"within {tolerance}"] = 100 * offsets.agg(lambda apart, most=tolerance: (abs(apart) <= most).mean())
    table.index = pd.Index([*classes, "all"], name="class")
    return table[~table.index.duplicated(keep="last")]


def _confused(
    true: EventTable, other: EventTable, partner: np.ndarray, classes: Sequence[str], reach: int, num_videos: int
) -> pd.DataFrame:
    """What has no partner of its class and lies near one of another."""
    left, free = np.setdiff1d(np.arange(len(true)), partner), np.flatnonzero(partner < 0)
    any_class = [replace(events, label=0 * events.label) for events in (true.take(left), other.take(free))]
    found = _closest(*any_class, 1, reach, num_videos)
    names, paired = np.array(classes, object), found >= 0
    pairs = pd.DataFrame({"first": names[true.label[left[found[paired]]]], "second": names[other.label[free[paired]]]})
    return pairs.value_counts().to_frame("events")


def _scores(true: EventTable, other: EventTable, num_classes: int) -> pd.DataFrame:
    """F1 over all classes; and mAP where each label is as sure as any other: the mean over the classes of precision
    times recall. Both are the same whichever of the two is the truth."""
    rows = {}
    for pairing in pair_events(true, other, num_classes, TOLERANCES):
        counts = count_events(pairing)
        rates = precision_recall_f1(counts)
        both = np.where(counts.sum(axis=1) > 0, np.nan_to_num(rates[:, 0]) * np.nan_to_num(rates[:, 1]), np.nan)
        rows[pairing.tolerance] = {"F1": float(precision_recall_f1(counts.sum(axis=0))[2]), "mAP": mean_of_known(both)}
    table = pd.DataFrame.from_dict(rows, "index").rename_axis("tolerance")
    table.loc["mean"] = table.mean()
    return table
