"""The published spotters give the values that their own code gives."""

import json
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import REPO, golden_state

from model.architecture import Architecture
from model.inference import frame_scores
from model.published import architecture_config, from_published
from model.spotter import EventSpotter

GOLDEN = REPO.parent / "shared" / "golden"


def golden_frames(golden: dict) -> torch.Tensor:
    """uint8 (B, T, 3, H, W), made by the rule of the README of the golden values."""
    rng = np.random.default_rng(zlib.crc32(golden["input"]["name"].encode()))
    return torch.from_numpy(rng.integers(0, 256, golden["input"]["shape"], dtype=np.uint8))


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("tdeed-*.json")), ids=lambda path: path.stem)
def test_t_deed_gives_its_golden_values(path: Path, shared):
    golden = json.loads(path.read_text(encoding="utf-8"))
    spotter = EventSpotter(Architecture.from_config(architecture_config(golden["config"]), path)).eval()
    state = {key: torch.from_numpy(value) for key, value in golden_state(golden).items()}
    spotter.load_state_dict(from_published(state))
    with torch.inference_mode():
        outputs = spotter(golden_frames(golden))
    expected = {key: torch.tensor(golden[key]) for key in ("logits", "displacement", "scores")}
    logits = torch.cat([part for part in (outputs.logits[-1], outputs.joint_logits) if part is not None], -1)
    torch.testing.assert_close(logits, expected["logits"], atol=1e-4, rtol=0)
    torch.testing.assert_close(outputs.displacement, expected["displacement"], atol=1e-4, rtol=0)
    torch.testing.assert_close(frame_scores(outputs)[..., :-1], expected["scores"], atol=1e-4, rtol=0)
    if outputs.team is not None:
        torch.testing.assert_close(outputs.team, torch.tensor(golden["team"]), atol=1e-4, rtol=0)


def test_all_golden_values_of_t_deed_are_looked_at(shared):
    assert len(list(GOLDEN.glob("tdeed-*.json"))) == 3
