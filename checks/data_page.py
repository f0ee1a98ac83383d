"""A page that shows a dataset: what a check found, its labels as plots, and its events as contact sheets."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape
from itertools import groupby
from pathlib import Path
from urllib.parse import quote

import numpy as np

from checks.alignment import SHOWN, Alignment
from checks.enlarged import FOLDER, SCRIPT, enlarge, find_sources, linked
from checks.enlarged import STYLE as ENLARGED_STYLE
from checks.findings import LEVELS, Finding, ranked
from checks.label_reading import LabelledVideo, Labels
from checks.motion import STEPS_PER_SECOND
from checks.sheets import ROWS, Cell, Sheet, write_sheets
from plots.labels import Lane, label_picture, motion_picture
from util.errors import number_of
from util.io import remove, write_text

MAX_ROWS = 300  # findings that are listed

STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #222; --pale: #666; --line: #ddd; --band: #f6f6f6;
  --error: #b00020; --warning: #8a5a00; }
@media (prefers-color-scheme: dark) { :root { --paper: #16181b; --ink: #e8e8e8; --pale: #a5a5a5; --line: #3a3d42;
  --band: #202327; --error: #ff8a80; --warning: #ffc766; } }
body { margin: 0 auto; padding: 1.5rem; max-width: 1840px; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 .3rem; } h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem; }
p, ul { margin: .4rem 0; max-width: 75rem; } .pale { color: var(--pale); }
table { border-collapse: collapse; } .wide { width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem .3rem; border-bottom: 1px solid var(--line);
  overflow-wrap: anywhere; } th { color: var(--pale); font-weight: 600; } td.n, th.n { text-align: right; }
tr.advice td { background: var(--band); color: var(--pale); }
.error { color: var(--error); font-weight: 700; } .warning { color: var(--warning); font-weight: 700; }
td.kind { white-space: nowrap; overflow-wrap: normal; } .scroll { overflow-x: auto; }
img { max-width: 100%; height: auto; background: #fff; border: 1px solid var(--line); border-radius: 4px; }
nav a { margin-right: 1.2rem; } a { color: inherit; }
"""


def write_report(
    folder: Path,
    labels: Labels,
    findings: Sequence[Finding],
    frame_dir: Path | None = None,
    alignment: Alignment | None = None,
    per_class: int = ROWS,
    videos_dir: Path | None = None,
    crop: int | None = None,
) -> Path:
    """Write plots.png, motion.png where motion was read, sheet-*.jpg where there are frames, enlarged/ where their
    videos are there, and index.html.

    Sheets and motion of an earlier page in the folder are removed; nothing else in it is touched.

    Args:
        findings: of the whole check; listed at the top.
        per_class: events at most of a class on its sheets.
        videos_dir: folder of the video files, whose pictures open with a click.
        crop: side of the square in the middle of a frame that a model sees, which is drawn; None: all of it.

    Returns:
        The page, index.html, which shows all of it.

    Raises:
        UserError: something cannot be written.
    """
    classes = labels.classes or sorted({event["label"] for video in labels.videos for event in video.events})
    label_picture(folder / "plots.png", [_lane(video, classes) for video in _ordered(labels)], classes)
    pictures: dict[str, list[Path | Sheet]] = {"Labels": [folder / "plots.png"]}
    if alignment and alignment.curves:
        steps = np.arange(-SHOWN, SHOWN + 1)
        times, unit = (steps / STEPS_PER_SECOND, "seconds") if alignment.timed else (steps, "frames")
        motion_picture(folder / "motion.png", alignment.curves, classes, times, unit)
        pictures["Motion around events"] = [folder / "motion.png"]
    sheets = write_sheets(folder, labels.videos, classes, frame_dir, per_class, crop) if frame_dir else {}
    pictures |= {f"Frames around {label}": pages for label, pages in sheets.items()}
    files: dict[Cell, str] = {}
    notes = ["With --videos DIR, the folder of the video files, a click on a frame opens it as it is there."]
    if frame_dir and videos_dir:
        sources = find_sources(videos_dir, folder, labels.videos, frame_dir)
        files, notes = enlarge(folder, [page for pages in sheets.values() for page in pages], sources)
        notes.insert(0, "A click on a frame opens it as it is in the video.")
    names = {(one if isinstance(one, Path) else one.path).name for pages in pictures.values() for one in pages}
    _remove_others(folder, names, keep_enlarged=bool(files))
    page = _page(labels, classes, findings, alignment, pictures, files, notes if frame_dir else [])
    write_text(folder / "index.html", page)
    return folder / "index.html"


def _ordered(labels: Labels) -> list[LabelledVideo]:
    """By split, and the halves of a match next to each other."""
    return sorted(labels.videos, key=lambda video: (labels.splits.index(video.split), labels.match_of[video.name],
                                                    video.name))


def _lane(video: LabelledVideo, classes: list[str]) -> Lane:
    found = [classes.index(event["label"]) for event in video.events]
    return Lane(video.name, video.split, video.num_frames, video.fps, video.frames, np.array(found, int))


def _remove_others(folder: Path, written: set[str], keep_enlarged: bool) -> None:
    if not keep_enlarged:
        remove(folder / FOLDER)
    for path in folder.iterdir():
        if re.fullmatch(r"sheet-\d{2,}-.*\.jpg|motion\.png", path.name) and path.name not in written:
            remove(path)


def _page(
    labels: Labels, classes: list[str], findings: Sequence[Finding], alignment: Alignment | None,
    pictures: dict[str, list[Path | Sheet]], files: dict[Cell, str], enlarged: Sequence[str],
) -> str:
    name = escape(str(labels.folder))
    links = "".join(f'<a href="#p{i}">{escape(title)}</a>' for i, title in enumerate(pictures))
    notes = "".join(f"<li>{escape(note)}</li>" for note in (alignment.notes if alignment else []))
    shown = "\n".join(_section(i, title, pages, files) for i, (title, pages) in enumerate(pictures.items()))
    of_frames = "".join(f'<p class="pale">{escape(note)}</p>' for note in enlarged)
    opened = f'<dialog><img alt="a frame of the video"><p></p></dialog>\n<script>{SCRIPT}</script>' if files else ""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{name}</title>
<style>{STYLE}{ENLARGED_STYLE}</style>
</head>
<body>
<h1>{name}</h1>
{_counts_table(labels, classes)}
<h2>Findings</h2>
{_findings_table(findings)}
{f'<ul class="pale">{notes}</ul>' if notes else ""}
<nav>{links}</nav>
{of_frames}
{shown}
{opened}
</body>
</html>
"""


def _counts_table(labels: Labels, classes: list[str]) -> str:
    rows = []
    for split in labels.splits:
        videos = labels.of_split(split)
        counts = Counter(event["label"] for video in videos for event in video.events)
        numbers = [len(videos), sum(video.num_frames for video in videos), counts.total(),
                   *(counts[label] for label in classes)]
        rows.append(f"<tr><td>{escape(split)}</td>{_cells(numbers, 'td')}</tr>")
    heads = _cells(["videos", "frames", "events", *classes], "th")
    return f'<div class="scroll"><table><tr><th>split</th>{heads}</tr>{"".join(rows)}</table></div>'


def _cells(values: Iterable[int | str], tag: str) -> str:
    texts = (value if isinstance(value, str) else f"{value:,}" for value in values)
    return "".join(f'<{tag} class="n">{escape(text)}</{tag}>' for text in texts)


def _findings_table(findings: Sequence[Finding]) -> str:
    """Errors first; the advice once, below all that it is for."""
    if not findings:
        return "<p>Nothing was found.</p>"
    rows = ranked(findings)
    head = " and ".join(number_of(count, level) for level in LEVELS
                        if (count := sum(finding.level == level for finding in rows)))
    lines = []
    for (level, check, advice), group in groupby(rows[:MAX_ROWS], lambda row: (row.level, row.check, row.advice)):
        kind = f'<tr><td class="kind {escape(level)}">{escape(level)}</td><td class="kind">{escape(check)}</td>'
        lines += [f"{kind}<td>{escape(row.where)}</td><td>{escape(row.message)}</td></tr>" for row in group]
        if advice:
            lines.append(f'<tr class="advice"><td></td><td colspan="3">{escape(advice)}</td></tr>')
    more = f"<p>... and {len(rows) - MAX_ROWS:,} more; --json FILE lists all.</p>" if len(rows) > MAX_ROWS else ""
    return (f'<p>{head}</p><table class="wide"><tr><th>level</th><th>kind</th><th>where</th><th>what</th></tr>'
            f'{"".join(lines)}</table>{more}')


def _section(number: int, title: str, pages: list[Path | Sheet], files: dict[Cell, str]) -> str:
    images = "\n".join(
        f'<p><a href="{quote(page.name)}"><img src="{quote(page.name)}" alt="{escape(title)}" loading="lazy"></a></p>'
        if isinstance(page, Path) else linked(page, title, files)
        for page in pages
    )
    return f'<h2 id="p{number}">{escape(title)}</h2>\n{images}'
