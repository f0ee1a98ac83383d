"""The page of a dataset: everything on it is there, and what stands in names does no harm."""

import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest
from conftest import REPO, make_dataset

from checks.alignment import align
from checks.data_page import write_report
from checks.findings import Finding
from checks.label_reading import read_dataset


class Tags(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found, self.text = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module")
def noise(tmp_path_factory):
    root = tmp_path_factory.mktemp("noise")
    splits = {"train": ["a & b_1", "a & b_2"], "val": ["c_1"]}
    dataset, frame_dir = make_dataset(root, splits, num_frames=100, classes=("<b>PASS", "DRIVE"))
    return read_dataset(dataset), frame_dir


def test_the_page_shows_findings_plots_motion_and_sheets_with_links_that_exist(noise, tmp_path):
    labels, frame_dir = noise
    findings = [
        Finding("warning", "look", "train.json", "it is <i>odd</i>", "mend & go on"),
        Finding("warning", "look", "val.json", "this too", "mend & go on"),
        Finding("warning", "look", "test.json", "and that", "or so"),
        Finding("warning", "look", "class.txt", "and these", "mend & go on"),
        Finding("error", "gone", "test.json", "there is none"),
    ]
    alignment = align(labels, frame_dir, 1)
    index = write_report(tmp_path, labels, findings, frame_dir, alignment)
    page = index.read_text(encoding="utf-8")
    tags = Tags(page)
    images = [attrs["src"] for tag, attrs in tags.found if tag == "img"]
    assert images == ["plots.png", "motion.png", "sheet-01-_b_PASS.jpg", "sheet-02-DRIVE.jpg"]
    assert all((tmp_path / name).is_file() for name in images)
    assert not re.search(r"(src|href)=\"(https?:|//|/)", page)
    assert not {tag for tag, _ in tags.found} & {"i", "b", "script"}
    assert "it is <i>odd</i>" in tags.text and "Frames around <b>PASS" in tags.text
    assert tags.text.index("there is none") < tags.text.index("this too")
    assert tags.text.count("mend & go on") == 1 and tags.text.count("or so") == 1
    assert tags.text.index("and these") < tags.text.index("mend & go on")
    assert page.index("<nav>") < page.index("Findings")  # however many there are, pictures are a click away
    assert any(note in tags.text for note in alignment.notes)
    assert all(any(name in part for part in tags.text) for name in ("1 error and 4 warnings", "train", "val"))


def test_an_earlier_page_is_replaced_and_nothing_else_touched(noise, tmp_path):
    labels, _ = noise
    for name in ("sheet-07-OLD.jpg", "motion.png", "mine.jpg", "index.html"):
        (tmp_path / name).write_bytes(b"old")
    write_report(tmp_path, labels, [])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["index.html", "mine.jpg", "plots.png"]
    assert "Nothing was found" in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_of_thousands_of_findings_the_first_are_listed(noise, tmp_path):
    findings = [Finding("error", "gone", f"frame {i}", "missing") for i in range(5000)]
    page = write_report(tmp_path, noise[0], findings).read_text(encoding="utf-8")
    assert "5,000 errors" in page and "and 4,700 more" in page and page.count("<tr>") < 400


def test_the_looks_at_pictures_need_no_torch():
    code = "import sys, checks.data_page; sys.exit('torch' in sys.modules or 'matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=REPO, check=False).returncode == 0
