"""Files of every kind with a value put elsewhere, cut short or damaged: read, or refused in one line."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from viewed import CLASSES, make_viewed

from checks.label_reading import read_dataset
from dataset.labels import read_classes, read_split
from dataset.splits import read_splits
from dataset.video_record import frame_stamps, read_record
from evaluation.rule import Origin, find_rule
from label_forms.forms import read_labels
from util.config import read_config, trained_on
from util.errors import UserError
from util.io import write_json
from util.predictions import best_epoch, read_predictions

MUTATIONS = 60  # of each kind of file
HOSTILE = ["NaN", "-Infinity", "1e999", "1" + "0" * 400, "9" * 5000, "-1", "1000000000", "1.5", "true", "null", "[]",
           "{}", "[[]]", '{"a": 1}', "[" * 3000 + "]" * 3000, '""', '"x"', '"\\u0000"', '"\\ud800"',
           '"' + "x" * 3000 + '"']
MARK = "@hostile@"


def marked(value: Any) -> Iterator[Any]:
    """The value with the mark in place of each of its parts, one at a time; of lists the first two parts."""
    yield MARK
    if isinstance(value, dict):
        for key, part in value.items():
            yield from (value | {key: other} for other in marked(part))
    elif isinstance(value, list):
        for index, part in enumerate(value[:2]):
            yield from ([*value[:index], other, *value[index + 1:]] for other in marked(part))


def mutations(data: bytes, rng: random.Random) -> Iterator[bytes]:
    try:
        places = [json.dumps(value) for value in marked(json.loads(data))]
    except ValueError:  # no JSON, but lines
        places = [data.decode().replace(word, json.dumps(MARK), 1) for word in data.decode().split()]
    for _ in range(MUTATIONS - 10):
        yield rng.choice(places).replace(json.dumps(MARK), rng.choice(HOSTILE)).encode()
    yield b"\xef\xbb\xbf" * 2 + data
    for _ in range(4):
        yield data[: rng.randrange(len(data))]
    for _ in range(5):
        at = rng.randrange(len(data))
        yield data[:at] + bytes([rng.randrange(256)]) + data[at + 1:]


def read_stamps(folder: Path) -> object:
    record = read_record(folder) or {}
    return frame_stamps(record) if record.get("num_frames") and record.get("fps") else None


@pytest.fixture
def readers(tmp_path) -> list[tuple[Path, Callable[[], object]]]:
    """Good files of each kind, and what reads them."""
    viewed = make_viewed(tmp_path, frames=False)
    data, model, labels = str(viewed.dataset), viewed.model, tmp_path / "AnnotatedVideos"
    write_json(model / "config.json", {
        "dataset": data, "num_classes": 2, "feature_arch": "rny002_gsm", "temporal_arch": "gru", "modality": "rgb",
        "clip_len": 16, "batch_size": 2, "crop_dim": None, "classes": CLASSES})
    write_json(model / "threshold.json", {"epoch": 1, "threshold": 0.5, "nms_window": 1, "tolerance": 1})
    write_json(labels / "one" / "a.json", {"fps": 25, "num_frames": 60, "events": [{"frame": 3, "label": "PASS"}]})
    write_json(labels / "two" / "a.json", {"UrlLocal": "x", "annotations": [
        {"gameTime": "1 - 00:03", "position": "3000", "label": "PASS"}]})
    (labels / "three").mkdir()
    (labels / "three" / "a.csv").write_text("video,frame,label\na,3,PASS\na,9,DRIVE\n", encoding="utf-8")
    write_json(tmp_path / "splits.json", {"train": ["a"], "val": ["b"]})
    write_json(tmp_path / "video.json", {"num_frames": 3, "fps": 25.0, "source_frames": 3, "source_fps": 25.0,
                                         "options": {"fps": None}})
    truth = read_split(data, "test")
    predictions = [model / f"pred-test.epoch01{end}" for end in (".json", ".recall.json.gz")]
    return [
        (viewed.dataset / "class.txt", lambda: read_classes(data)),
        (viewed.dataset / "test.json", lambda: read_split(data, "test")),
        (viewed.dataset / "val.json", lambda: read_dataset(data)),
        (model / "config.json", lambda: (read_config(model), trained_on(model))),
        (model / "loss.json", lambda: best_epoch(model)),
        (model / "threshold.json", lambda: find_rule(Origin(model, "", 1, CLASSES, lambda _: truth))),
        *((path, lambda path=path: read_predictions(path, truth, CLASSES)) for path in predictions),
        *((labels / name / file, lambda name=name: read_labels(labels / name))
          for name, file in (("one", "a.json"), ("two", "a.json"), ("three", "a.csv"))),
        (tmp_path / "splits.json", lambda: read_splits(tmp_path / "splits.json", {"a": "a", "b": "b"})),
        (tmp_path / "video.json", lambda: read_stamps(tmp_path)),
    ]


def test_no_file_is_a_traceback(readers):
    rng = random.Random(0)
    refused = 0
    for path, read in readers:
        read()  # the good one
        good = path.read_bytes()
        unpack, pack = (gzip.decompress, gzip.compress) if path.suffix == ".gz" else (bytes, bytes)
        for data in mutations(unpack(good), rng):
            path.write_bytes(pack(data))
            try:
                read()
            except UserError as error:
                refused += 1
                assert "\n" not in str(error)
            except Exception as error:
                raise AssertionError(f"{path.name}: {data[:300]!r}") from error
        path.write_bytes(good)
    assert refused > len(readers) * MUTATIONS / 4
