"""ONNX files give what PyTorch gives: a video in stretches and the head's windows, and whole clips."""

import shutil

import numpy as np
import pytest
import torch
from conftest import REPO, run_here, user_error, write_video

import export_model
from footage.raw_videos import Frames
from model.architecture import Architecture, Regions
from model.folder import load_model
from model.onnx_export import answer_names, export_clips, export_stretches
from model.spotter import EventSpotter
from spotting import whole_videos
from util.errors import UserError
from util.io import read_json, write_json

onnxruntime = pytest.importorskip("onnxruntime", reason="needs the package onnxruntime")
SIZE, CLIP = (32, 40), 12


def spotter_of(arch, head="gru", **options):
    torch.manual_seed(3)
    spotter = EventSpotter(Architecture(arch, head, 2, clip_len=CLIP, **options)).eval()
    for name, value in spotter.named_parameters():
        if "gate" in name or "fuse" in name:
            torch.nn.init.normal_(value, std=0.3)
    for module in spotter.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(module.bias, std=0.2)  # so that nothing and a black frame are not the same
    return spotter


def video(num_frames):
    return torch.randint(0, 256, (num_frames, 3, *SIZE), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


def session(path):
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def streamed(backbone, frames):
    """The features of a video by the file, stretch by stretch, and on with nothing until the last has come."""
    _, *carried = backbone.get_inputs()
    length = backbone.get_inputs()[0].shape[0]
    state = {each.name: np.zeros(each.shape, np.float32) for each in carried}
    features, start = [], 0
    while sum(map(len, features)) < len(frames):
        part = frames[start : start + length]
        state["there"] = (np.arange(length) < len(part)).astype(np.float32)
        given = np.concatenate([part, np.zeros((length - len(part), *frames.shape[1:]), np.uint8)])
        rows, there, *new = backbone.run(None, {"frames": given, **state})
        state |= dict(zip([each.name for each in carried[1:]], new, strict=True))
        features.append(rows[there > 0])
        start += length
    return np.concatenate(features)


@pytest.mark.parametrize(("arch", "options"), [
    ("rn18_gsm", {"modality": "rgb_diff", "event_team": True}), ("rn18", {}),
    ("rny002_gsf", {"shift_stages": "34", "radi_displacement": 2})])
def test_a_video_in_stretches_and_the_head_s_windows(tmp_path, arch, options):
    spotter, frames = spotter_of(arch, **options), video(29)
    paths = export_stretches(spotter, tmp_path, SIZE, length=8)
    with torch.inference_mode():
        whole = spotter.backbone(spotter.normalise(frames)[None])
        expected = spotter.head(whole[:, :CLIP])
    features = streamed(session(paths[0]), frames.numpy())
    np.testing.assert_allclose(features, whole[0].numpy(), atol=1e-4 * float(whole.abs().max()), rtol=1e-4)
    names = answer_names(spotter)
    answers = dict(zip(names, session(paths[1]).run(names, {"features": features[None, :CLIP]}), strict=True))
    np.testing.assert_allclose(answers["scores"], expected.logits[-1].softmax(-1), atol=1e-4)
    if "displacement" in answers:
        np.testing.assert_allclose(answers["displacement"], expected.displacement, atol=1e-4)
    if "right" in answers:
        np.testing.assert_allclose(answers["right"], expected.team.sigmoid(), atol=1e-4)


@pytest.mark.parametrize(("arch", "head"), [("rn18_gsm", "gru"), ("rn18", "ed_sgp_mixer")])
def test_whole_clips_with_frames_past_the_end_of_the_video(tmp_path, arch, head):
    spotter, frames = spotter_of(arch, head), video(CLIP)[None]
    inside = torch.ones(1, CLIP)
    frames[0, 9:], inside[0, 9:] = 0, 0
    export_clips(spotter, tmp_path / "clip.onnx", SIZE)
    with torch.inference_mode():
        expected = spotter(frames, inside).logits[-1].softmax(-1)
    clip = session(tmp_path / "clip.onnx")
    given = {"frames": frames.numpy(), "inside": inside.numpy()}
    (scores,) = clip.run(["scores"], {each.name: given[each.name] for each in clip.get_inputs()})
    np.testing.assert_allclose(scores, expected, atol=1e-4)


def test_what_has_no_such_form_is_one_line(tmp_path):
    with pytest.raises(UserError, match="--clip"):
        export_stretches(spotter_of("rny002_gsf", regions=Regions()), tmp_path, SIZE, 8)
    with pytest.raises(UserError, match="asformer"):
        export_clips(spotter_of("rn18", "asformer"), tmp_path / "clip.onnx", SIZE)
    assert not list(tmp_path.iterdir())


def test_the_example_in_the_docs_finds_in_a_video_what_spot_video_finds(trained, tmp_path, monkeypatch, capsys):
    folder, _ = trained
    write_video(tmp_path / "match.mp4", 40, width=64, height=48)
    done = run_here(export_model, folder, "--output", tmp_path / "out" / "onnx", "--stretch", 8)
    assert done.returncode == 0 and "written: " in done.stdout, done.stderr
    about = read_json(tmp_path / "out" / "onnx" / "about.json")
    assert about["classes"] == ["DRIVE", "PASS"] and about["size"] == [48, 64] and len(about["thresholds"]) == 2
    older = shutil.copytree(folder, tmp_path / "older")
    config = read_json(older / "config.json")
    write_json(older / "config.json", {key: value for key, value in config.items() if key != "frame_width"})
    assert "name their size" in user_error(run_here(export_model, older))
    code = (REPO / "docs" / "export.md").read_text(encoding="utf-8").partition("```python\n")[2].partition("```")[0]
    monkeypatch.chdir(tmp_path)
    found = {}
    exec(code, found)
    settled = whole_videos.settle(load_model(folder, "cpu", "float32"), height=48)
    _, scores = whole_videos.score(settled, Frames(tmp_path / "match.mp4", settled.options), None, "match")
    assert found["scores"].shape == scores.shape
    np.testing.assert_allclose(found["scores"], scores, atol=0.02)  # OpenCV's colours are not quite FFmpeg's
