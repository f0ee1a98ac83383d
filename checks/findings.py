"""What a check found: in few lines, errors first, and as JSON whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable

from util.entries import Problem as Finding
from util.errors import number_of

LEVELS = ("error", "warning")
SHOWN = 3  # findings of one kind that are printed in full


def ranked(findings: Iterable[Finding]) -> list[Finding]:
    """Errors before warnings; within them by kind, the kinds and each one's findings in the order they came."""
    return [finding for group in by_kind(findings) for finding in group]


def by_kind(findings: Iterable[Finding]) -> list[list[Finding]]:
    """Findings of one level and check each, errors first."""
    kinds: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        kinds.setdefault((finding.level, finding.check), []).append(finding)
    return [group for level in LEVELS for (of, _), group in kinds.items() if of == level]


def count_levels(findings: Collection[Finding]) -> str:
    """As in "1 error and 2 warnings"; empty without any."""
    counts = Counter(finding.level for finding in findings)
    return " and ".join(number_of(counts[level], level) for level in LEVELS if counts[level])


def has_errors(findings: Iterable[Finding]) -> bool:
    return any(finding.level == "error" for finding in findings)


def format_findings(findings: Iterable[Finding]) -> str:
    """A block for each kind: level, name and count, the first findings with their places, the advice."""
    return "\n\n".join(_format_kind(group) for group in by_kind(findings))


def _format_kind(group: list[Finding]) -> str:
    count = f" ({len(group):,} times)" if len(group) > 1 else ""
    lines = [f"{group[0].level}: {group[0].check}{count}"]
    lines += [f"  {finding.where}: {finding.message}" for finding in group[:SHOWN]]
    if len(group) > SHOWN:
        lines.append(f"  ... and {len(group) - SHOWN:,} more; --json FILE lists all")
    lines += [f"  -> {advice}" for advice in unique_advice(group[:SHOWN])]
    return "\n".join(lines)


def unique_advice(group: Iterable[Finding]) -> list[str]:
    """What to do about findings of one kind, each once."""
    return [advice for advice in dict.fromkeys(finding.advice for finding in group) if advice]


def findings_json(findings: Iterable[Finding]) -> dict:
    """{"errors": number, "warnings": number, "findings": [{"level", "check", "where", "message", "advice"}, ...]}"""
    rows = ranked(findings)
    errors = sum(finding.level == "error" for finding in rows)
    return {"errors": errors, "warnings": len(rows) - errors, "findings": [finding._asdict() for finding in rows]}
