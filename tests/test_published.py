"""The published spotters give the values that their own code gives."""

import argparse
import json
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import REPO, complaint, golden_state, make_dataset, run_here

import test_e2e
from model.architecture import Architecture
from model.folder import load_model, network_options, start_or_resume
from model.inference import frame_scores
from model.published import from_published
from model.regions import find_regions, saliency
from model.spotter import EventSpotter
from util.config import own_config
from util.io import read_json, write_json

GOLDEN = REPO.parent / "shared" / "golden"


def golden_frames(golden: dict) -> torch.Tensor:
    """uint8 (B, T, 3, H, W), made by the rule of the README of the golden values."""
    rng = np.random.default_rng(zlib.crc32(golden["input"]["name"].encode()))
    return torch.from_numpy(rng.integers(0, 256, golden["input"]["shape"], dtype=np.uint8))


def published_spotter(golden: dict, path: Path) -> EventSpotter:
    spotter = EventSpotter(Architecture.from_config(own_config(golden["config"], path), path)).eval()
    state = {key: torch.from_numpy(value) for key, value in golden_state(golden).items()}
    spotter.load_state_dict(from_published(state))
    return spotter


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("tdeed-*.json")), ids=lambda path: path.stem)
def test_t_deed_gives_its_golden_values(path: Path, shared):
    golden = json.loads(path.read_text(encoding="utf-8"))
    with torch.inference_mode():
        outputs = published_spotter(golden, path)(golden_frames(golden))
    expected = {key: torch.tensor(golden[key]) for key in ("logits", "displacement", "scores")}
    logits = torch.cat([part for part in (outputs.logits[-1], outputs.joint_logits) if part is not None], -1)
    torch.testing.assert_close(logits, expected["logits"], atol=1e-4, rtol=0)
    torch.testing.assert_close(outputs.displacement, expected["displacement"], atol=1e-4, rtol=0)
    scores = frame_scores(outputs)
    if outputs.team is not None:
        torch.testing.assert_close(outputs.team, torch.tensor(golden["team"]), atol=1e-4, rtol=0)
        by_team = torch.cat((scores[..., :1, :].sum(-1), scores[..., 1:-1, :].flatten(-2)), -1)
        torch.testing.assert_close(by_team, torch.tensor(golden["scores_by_team"]), atol=1e-4, rtol=0)
        scores = scores.sum(-1)
    torch.testing.assert_close(scores[..., :-1], expected["scores"], atol=1e-4, rtol=0)


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("adaspot-*.json")), ids=lambda path: path.stem)
def test_adaspot_gives_its_golden_values(path: Path, shared):
    golden = json.loads(path.read_text(encoding="utf-8"))
    spotter, frames = published_spotter(golden, path), golden_frames(golden)
    for t in range(frames.shape[1]):
        frames[:, t, :, 10 + 9 * t : 34 + 9 * t, 20 + 12 * t : 44 + 12 * t] = 255
    with torch.inference_mode():
        torch.testing.assert_close(spotter(frames).logits[-1], torch.tensor(golden["logits"]), atol=1e-3, rtol=0)
        normalised, options = spotter.normalise(frames), spotter.architecture.regions
        place = saliency(spotter.backbone.low.maps(spotter.backbone.small(normalised)))
        centres, sides = find_regions(place, options.size, frames.shape[-2:], options.threshold)
    torch.testing.assert_close(centres, torch.tensor(golden["centres"]), atol=1e-3, rtol=0)
    assert sides.tolist() == [[int(height) for height, _ in clip] for clip in golden["sizes"]]


def published_folder(golden: dict, folder: Path, **changes) -> Path:
    """The weights and the configuration of a golden file as T-DEED and AdaSpot leave them."""
    folder.mkdir(exist_ok=True)
    state = {key: torch.from_numpy(value) for key, value in golden_state(golden).items()}
    torch.save(state, folder / "checkpoint_best.pt")
    config = {"dataset": "tiny", "batch_size": 2, **golden["config"], **changes}
    write_json(folder / "Tiny_small.json", {key: value for key, value in config.items() if value != "gone"})
    write_json(folder / "loss.json", [{"epoch": 0, "train": 1.0, "val": 1.0}])  # another JSON file
    return folder


@pytest.mark.parametrize("name", ["tdeed-team-rny002_gsf-joint", "adaspot-rny002_gsf"])
def test_published_folders_are_scored_as_they_are_by_clips_and_as_whole_videos(name, shared, tmp_path):
    golden = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    dataset, frames = make_dataset(tmp_path, {"test": ["a"]}, num_frames=20)
    split = Path(dataset) / "test.json"
    write_json(split, [{**entry, "events": []} for entry in read_json(split)])
    classes = [f"class{number}" for number in range(golden["config"]["num_classes"])]
    (Path(dataset) / "class.txt").write_text("\n".join(classes), encoding="utf-8")
    folder = published_folder(golden, tmp_path / "model")
    for way in ("clips", "video"):
        done = run_here(test_e2e, folder, frames, "-s", "test", "-d", dataset, "--inference", way,
                        "--precision", "float32", "--save_as", tmp_path / way, "--device", "cpu", "-j", 0)
        assert done.returncode == 0, done.stderr
        scores = np.array(read_json(tmp_path / f"{way}.score.json.gz")["a"])
        assert scores.shape == (20, len(classes) + 1) and scores.std() > 0.01


@pytest.mark.parametrize(("name", "changes", "says"), [
    ("tdeed-rny002_gsf", {"sgp_ks": "gone"}, "lacks sgp_ks"),
    ("tdeed-rny002_gsf", {"feature_arch": "gone"}, "needs one JSON file with the configuration of checkpoint_best.pt"),
    ("tdeed-rny002_gsf", {"n_layers": 3}, "belongs to another architecture"),
    ("tdeed-rny002_gsf", {"pretrain": 3}, "the second dataset must be an object"),
    ("adaspot-rny002_gsf", {"hr_dim": "gone"}, "lacks hr_dim"),
    ("adaspot-rny002_gsf", {"lr_dim": [112]}, "low of the regions must be height and width"),
    ("adaspot-rny002_gsf", {"threshold": "high"}, "regions cannot have threshold 'high'"),
])
def test_a_wrong_or_missing_configuration_is_named(name, changes, says, shared, tmp_path):
    golden = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    assert says in complaint(load_model, published_folder(golden, tmp_path, **changes), "cpu")


def test_a_configuration_in_parts_is_read(shared, tmp_path):
    golden = json.loads((GOLDEN / "adaspot-rny002_gsf.json").read_text(encoding="utf-8"))
    parts = {"data": ("clip_len", "dataset", "num_classes"), "training": ("lowres_loss", "highres_loss")}
    config = dict(golden["config"])
    nested = {part: {key: config.pop(key) for key in keys} for part, keys in parts.items()}
    in_parts, flat = (own_config(given, tmp_path) for given in ({**nested, "model": config}, golden["config"]))
    assert in_parts["regions"] == flat["regions"] and in_parts["num_classes"] == flat["num_classes"]


def test_all_golden_values_are_looked_at(shared):
    assert len(list(GOLDEN.glob("tdeed-*.json"))) == 3 and len(list(GOLDEN.glob("adaspot-*.json"))) == 1


@pytest.mark.parametrize("name", ["tdeed-rny002_gsf", "adaspot-rny002_gsf"])
def test_a_training_starts_from_a_published_folder(name, shared, tmp_path):
    golden = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    folder = published_folder(golden, tmp_path / "published")
    classes = [f"c{number}" for number in range(load_model(folder, "cpu").spotter.architecture.num_classes)]
    options = network_options(folder)
    architecture = Architecture.from_options(argparse.Namespace(**options), 2)
    config = {"init": str(folder), "init_classes": classes, "classes": ["c1", "new"], "joint_class_names": None,
              "weights": "auto"}
    spotter, _ = start_or_resume(tmp_path / "model", architecture, config, resume=False)
    source = load_model(folder, "cpu").spotter
    ours, theirs = spotter.state_dict(), source.state_dict()
    assert ours.keys() <= theirs.keys()
    of_classes = [key for key, value in ours.items() if value.shape != theirs[key].shape]
    assert of_classes and all(torch.equal(ours[key][:2], theirs[key][[0, 2]]) for key in of_classes)
    assert all(torch.equal(value, theirs[key]) for key, value in ours.items() if key not in of_classes)
