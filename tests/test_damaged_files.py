"""Files and requests of every kind with something wrong in them: each is read, or refused in one line.

Which mutations are made is drawn from a fixed seed.
"""

import copy
import gzip
import io
import json
import random
from pathlib import Path

import pytest
import torch
from viewed import WRITE, client, event, make_viewed, open_session

from checks.label_checks import event_findings
from checks.label_fields import field_findings
from checks.label_reading import read_dataset
from dataset.frames import how_frames_were_made
from dataset.jpeg import jpeg_size, read_frame
from dataset.labels import read_classes, read_split
from dataset.video_record import frame_stamps, read_record
from evaluation.report import evaluate
from evaluation.rule import Origin, find_rule
from label_forms.forms import read_labels
from label_forms.sets import settle_classes
from label_forms.timeline import place_events
from label_forms.videos import pair_labels
from model.architecture import Architecture
from model.checkpoint import checkpoint_path, load_optim, load_weights, optim_path, save_epoch
from model.spotter import EventSpotter
from model.weight_mean import WeightMean
from util.config import ModelConfig, read_config
from util.errors import UserError
from util.io import write_json
from util.predictions import best_epoch, read_predictions

MUTATIONS = 12  # of each file
BYTES = [b"", b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\x80", b"[" * 5000, b"9" * 400, b'"', b"\n", b",,", b"NaN",
         b"\xed\xa0\x80", b"-1e999", "\u200b".encode()]
VALUES = [None, True, "", "\ud800", "a\0b", "a\nb", "NaN", -1, 0.5, 1e308, 10**30, 10**400, float("nan"), float("inf"),
          [], {}, [[]], {"": None}, "9" * 5000, "../../x", "CON", 2**63]
TENSORS = [None, "text", -1, float("nan"), {}, [], torch.zeros(0), torch.zeros(3, 1), torch.full((2,), float("nan")),
           torch.zeros(2, dtype=torch.int64), torch.zeros(2, 2).to_sparse(), torch.zeros(2, device="meta")]


def damaged_bytes(data, rng):
    """Some bytes of a file cut out, doubled, replaced or cut off."""
    start, end = sorted(rng.randrange(len(data) + 1) for _ in range(2))
    end = min(end, start + rng.choice([1, 8, 500]))
    return rng.choice([
        data[:start] + rng.choice(BYTES) + data[end:],
        data[:start] + bytes(byte ^ 1 << rng.randrange(8) for byte in data[start:end]) + data[end:],
        data[:start] + 2 * data[start:end] + data[end:],
        data[:start],
    ])


def damaged_value(value, rng, odd):
    """A tree of dicts and lists in which something is missing, doubled, or of another kind."""
    value = copy.deepcopy(value)
    places = [(holder, key) for holder in _holders(value) for key in
              (holder if isinstance(holder, dict) else range(len(holder)))]
    if not places:
        return rng.choice(odd)
    holder, key = rng.choice(places)
    kind = rng.randrange(5)
    if kind == 0:
        del holder[key]
    elif kind == 1 and isinstance(holder, list):
        holder.append(holder[key])
    elif kind == 2 and isinstance(holder, dict) and isinstance(key, str):
        holder[rng.choice(["", "frame", "\ud800", "x" * 999])] = holder.pop(key)
    else:
        holder[key] = rng.choice(odd)
    return value


def _holders(value):
    if isinstance(value, dict | list):
        yield value
        for part in value.values() if isinstance(value, dict) else value:
            yield from _holders(part)


def damaged(path, data, rng):
    """What is to stand in a file instead of `data`: damaged as bytes or, where it has a form, as what they say."""
    if rng.random() < 0.4 or path.suffix in (".txt", ".csv", ".xml", ".jpg"):
        return damaged_bytes(data, rng)
    if path.suffix == ".pt":
        written = io.BytesIO()
        torch.save(damaged_value(torch.load(io.BytesIO(data), weights_only=True), rng, TENSORS), written)
        return written.getvalue()
    packed = path.suffix == ".gz"
    text = json.dumps(damaged_value(json.loads(gzip.decompress(data) if packed else data), rng, VALUES)).encode()
    return gzip.compress(text) if packed else text


LABELS = {
    "cup/a_1.json": {"video": "cup/a_1", "num_frames": 60, "fps": 25.0, "events": [{"frame": 8, "label": "PASS"}]},
    "cup/a/Labels-ball.json": {"annotations": [{"gameTime": "1 - 00:01", "label": "PASS", "position": "1000"}]},
    "label_studio.json": [{"data": {"video": "cup/a_1.mp4"}, "annotations": [{"result": [{
        "type": "timelinelabels", "value": {"timelinelabels": ["PASS"], "ranges": [{"start": 3, "end": 3}]}}]}]}],
    "cup/a_2.xml": "<file><ALL_INSTANCES><instance><ID>1</ID><start>1.0</start><end>1.5</end><code>PASS</code>"
                   "</instance></ALL_INSTANCES></file>",
    "a.csv": "video,frame,label\ncup/a_1,3,PASS\ncup/a_2,31,DRIVE\n",
}
RECORD = {"source": "a.mp4", "num_frames": 60, "fps": 25.0, "source_fps": 25.0, "source_frames": 60, "width": 96,
          "height": 64, "bytes": 100, "options": {"height": 64, "fps": None}}
CLASSES = ["DRIVE", "PASS"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A dataset with frames, labels, predictions and a small model: its folders and, by path, what reads each file."""
    viewed = make_viewed(tmp_path_factory.mktemp("place"))
    dataset, model = viewed.dataset.as_posix(), viewed.model
    torch.manual_seed(0)
    spotter = EventSpotter(Architecture("rny002", "", 2, "rgb"))
    optimizer, scaler = torch.optim.AdamW(spotter.parameters()), torch.amp.GradScaler("cpu", enabled=False)
    spotter.outputs(torch.zeros(1, 2, 3, 32, 32)).logits[-1].sum().backward()
    optimizer.step()
    history = [{"epoch": epoch, "train": 1.0, "val": 1.0, "val_mAP": 0.0} for epoch in (0, 1)]
    save_epoch(model, 1, WeightMean(spotter), optimizer, scaler, history)
    write_json(model / "config.json", {
        "dataset": dataset, "num_classes": 2, "classes": CLASSES, "clip_len": 8, "feature_arch": "rny002",
        "temporal_arch": "", "modality": "rgb", "crop_dim": None, "batch_size": 2})
    write_json(model / "threshold.json", {"epoch": 1, "threshold": 0.5, "nms_window": 1})
    write_json(viewed.frames / "cup/a_1/video.json", RECORD)
    truth = read_split(dataset, "test")

    def labels(path):
        root = next(folder for folder in path.parents if folder.name.startswith("labels"))
        sets, _ = settle_classes(read_labels(root), None, None)
        records = {entry["video"]: RECORD for entry in truth}
        for one in pair_labels(sets, records):
            place_events(one, records, {})

    def splits(_path):
        field_findings(read_dataset(dataset))
        event_findings(read_dataset(dataset))
        read_split(dataset, "test")

    def record(path):
        if known := read_record(path.parent):
            frame_stamps({"num_frames": 60, "fps": 25.0} | known)
        how_frames_were_made(viewed.frames, truth)
        open_session(*viewed.arguments())

    def predictions(path):
        evaluate(truth, read_predictions(path, truth, CLASSES), CLASSES)

    def scores(_path):
        page = client(*viewed.arguments())
        assert page.get("/api/videos/0/scores/0").status_code < 500

    def config(path):
        raw = read_config(model)
        ModelConfig.from_config(raw, path)
        Architecture.from_config(raw, path)
        open_session(*viewed.arguments())

    readers = {
        viewed.dataset / "class.txt": lambda _path: read_classes(dataset),
        viewed.dataset / "test.json": splits,
        viewed.frames / "cup/a_1/video.json": record,
        viewed.frames / "cup/a_1/000003.jpg": lambda path: (jpeg_size(path), read_frame(path)),
        model / "config.json": config,
        model / "loss.json": lambda _path: best_epoch(model),
        model / "threshold.json": lambda _path: find_rule(Origin(model, "", 1, CLASSES, lambda _: truth)),
        model / "pred-test.epoch01.json": predictions,
        model / "pred-test.epoch01.recall.json.gz": predictions,
        model / "pred-test.epoch01.score.json.gz": scores,
        checkpoint_path(model, 1): lambda path: load_weights(spotter, path),
        optim_path(model, 1): lambda path: load_optim(path, optimizer, scaler),
    }
    for name, content in LABELS.items():
        path = tmp_path_factory.mktemp("labels") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        readers[path] = labels
    return viewed, readers


def test_a_damaged_file_is_read_or_refused_in_one_line(place):
    rng = random.Random(0)
    refused = 0
    for path, reader in place[1].items():
        whole = path.read_bytes()
        reader(path)  # it can be read as it is
        for number in range(MUTATIONS):
            content = damaged(path, whole, rng)
            path.write_bytes(content)
            try:
                reader(path)
            except (UserError, OSError) as error:
                assert isinstance(error, UserError) or error.errno, content  # as run_script tells them apart
                refused += 1
            except Exception as error:
                raise AssertionError(f"mutation {number} of {path}: {content[:2000]!r}") from error
        path.write_bytes(whole)
    assert refused > MUTATIONS * len(place[1]) / 3


def test_a_damaged_request_is_answered_or_refused(place):
    rng = random.Random(0)
    page = client(*place[0].arguments())
    state = page.get("/api/videos/0/labels").get_json()
    requests = [
        ("PUT", "/api/videos/0/labels", {"revision": state["revision"], "events": [event(3), event(9, "DRIVE")]}),
        ("POST", "/api/videos/1/marks?threshold=0.5&window=1&tolerance=2", {"frames": [3, 9], "labels": [0, 1]}),
        *(("GET", address, None) for address in ("/api/overview?threshold=0.5&window=1&tolerance=2&truth=labels",
                                                "/api/cases?label=1&threshold=0.5", "/api/videos/1/scores/0")),
    ]
    for number in range(4 * MUTATIONS):
        method, address, body = rng.choice(requests)
        data = None if body is None else damaged(Path("body.json"), json.dumps(body).encode(), rng)
        if body is None or rng.random() < 0.3:
            address = "/" + damaged_bytes(address.encode(), rng).decode("latin-1").replace("\n", "").lstrip("/")
        headers = WRITE | rng.choice([{}, {"Origin": "http://[::"}, {"Content-Type": "text/\u00e9"}])
        with page.open(address, method=method, data=data, headers=headers) as answer:
            assert answer.status_code < 500, (number, method, address, data)
