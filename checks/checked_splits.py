"""What a training takes: splits whose labels and frames have gone through the quick checks."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from checks.findings import Finding, by_kind, ranked
from checks.frame_checks import require_frames
from checks.label_checks import event_findings
from checks.label_density import density_findings
from checks.label_fields import field_findings
from checks.label_reading import LabelledVideo, Labels, as_video
from checks.label_steps import step_findings
from dataset.labels import SPLITS, dataset_dir, read_classes, read_entries
from util.entries import raise_first
from util.errors import UserError, number_of

KINDS_SHOWN = 5  # of warnings before a training


def label_findings(labels: Labels) -> list[Finding]:
    """All that the labels tell by themselves, without frames."""
    return [*event_findings(labels), *field_findings(labels), *step_findings(labels), *density_findings(labels)]


def read_checked_splits(
    dataset: str, frame_dir: Path, crop: int | None, region: int = 0, names: Sequence[str] = SPLITS
) -> tuple[list[str], dict[str, list[dict]]]:
    """The classes; and the entries of splits, of test where it is there with its frames. What is worth a look is
    printed on stderr.

    Raises:
        UserError: train or val or their frames are not what they must be, or would teach something false.
    """
    command = " ".join(f'"{part}"' if " " in part else part for part in (dataset, str(frame_dir)))
    command = f"python check_data.py {command}"
    classes = read_classes(dataset)
    splits: dict[str, list[dict]] = {}
    videos: list[LabelledVideo] = []
    findings: list[Finding] = []
    for name in names:
        try:
            entries, problems = read_entries(dataset, name)
            raise_first(problems)
            contents = [entry.content for entry in entries]
            findings += problems
            findings += require_frames(frame_dir, contents, crop, region)
        except UserError as error:
            if name != "test":
                raise UserError(f"{error}; {command} tells more") from error
            print(f"no results on test at the end: {error}", file=sys.stderr)
        else:
            splits[name] = contents
            videos += [as_video(entry.content, name, entry.where, entry.indices) for entry in entries]
    labels = Labels(dataset_dir(dataset), classes, list(splits), videos, findings)
    findings = ranked(label_findings(labels))
    errors = [finding for finding in findings if finding.level == "error"]
    if errors:
        more = f" ({number_of(len(errors) - 1, 'more error')})" if len(errors) > 1 else ""
        first = errors[0]
        advice = f": {first.advice}" if first.advice else ""
        raise UserError(f"{first.where}: {first.message}{advice}{more}; {command} tells more")
    if findings:
        _warn(findings, command)
    return classes, splits


def _warn(findings: list[Finding], command: str) -> None:
    """A line for each kind of warning, up to some."""
    kinds = by_kind(findings)
    for group in kinds[:KINDS_SHOWN]:
        more = f" (and {len(group) - 1:,} more)" if len(group) > 1 else ""
        print(f"warning: {group[0].check}: {group[0].where}: {group[0].message}{more}", file=sys.stderr)
    others = f"{number_of(len(kinds) - KINDS_SHOWN, 'other kind')} of warnings; " if len(kinds) > KINDS_SHOWN else ""
    print(f"{others}{command} tells more", file=sys.stderr)
