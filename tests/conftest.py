"""What the tests share: run a script as a user does, and make small videos, frames and datasets.

Import the helpers with `from conftest import run_script`; `shared` is a fixture.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from unittest import mock

import cv2
import numpy as np
import pytest
from browsed import driver, serve  # noqa: F401  fixtures

from util import script as scripts
from util.errors import UserError
from util.io import scratch_path

# models of the tests are so small that a second thread costs more than it brings; before torch is imported
os.environ.setdefault("OMP_NUM_THREADS", "1")

REPO = Path(__file__).resolve().parents[1]
INDEX_BITS = 12  # of the frame numbers that pattern_frame draws


@pytest.fixture
def shared() -> Path:
    """Folder with real videos and labels beside the repository, where there is one."""
    folder = REPO.parent / "shared"
    if not folder.is_dir():
        pytest.skip("needs the folder shared/ beside the repository")
    return folder


def run_script(
    script: str, *args: object, cwd: Path | None = None, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run a script of the repository with this Python; stdout and stderr are kept as text.

    With `check`, a run that fails fails the test and shows what the script said.
    """
    command = [sys.executable, str(REPO / script), *map(str, args)]
    done = subprocess.run(command, cwd=cwd or REPO, capture_output=True, encoding="utf-8", check=False)
    if check and done.returncode:
        pytest.fail(f"{script} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


def user_error(done: subprocess.CompletedProcess[str]) -> str:
    """The last line that a script said, which must be an error of the user's and no traceback."""
    assert done.returncode == 2, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr, done.stderr
    line = done.stderr.rstrip().splitlines()[-1]
    assert line.startswith("error: "), done.stderr
    return line


def complaint(call: Callable[..., object], *args: object) -> str:
    """The message of the UserError that a call ends with; it is one line."""
    with pytest.raises(UserError) as caught:
        call(*args)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def pattern_frame(index: int, width: int = 96, height: int = 64) -> np.ndarray:
    """A picture that tells its number: bars, white for 1 and black for 0, highest bit first. BGR uint8."""
    bits = [(index >> bit) & 1 for bit in reversed(range(INDEX_BITS))]
    columns = np.repeat(np.array(bits, np.uint8) * 255, -(-width // INDEX_BITS))[:width]
    return np.broadcast_to(columns[None, :, None], (height, width, 3)).copy()


def pattern_index(picture: np.ndarray) -> int:
    """The number of a pattern_frame, after compression and shrinking."""
    height, width = picture.shape[:2]
    bar = -(-width // INDEX_BITS)
    centres = [min(width - 1, bar * bit + bar // 2) for bit in range(INDEX_BITS)]
    return int("".join(str(int(picture[height // 2, column].mean() > 127)) for column in centres), 2)


def write_video(path: Path, num_frames: int, fps: float = 25, width: int = 96, height: int = 64) -> Path:
    """Write a video of pattern frames: MPEG-4 for .mp4, motion JPEG for .avi."""
    path.parent.mkdir(parents=True, exist_ok=True)
    codec = {".mp4": "mp4v", ".avi": "MJPG"}[path.suffix.lower()]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), fps, (width, height))
    assert writer.isOpened(), f"OpenCV cannot write {path}"
    for index in range(num_frames):
        writer.write(pattern_frame(index, width, height))
    writer.release()
    return path


def read_image(path: Path) -> np.ndarray:
    """An image, BGR uint8 (H, W, 3), from a path in any alphabet."""
    return cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)


def write_image(path: Path, picture: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(path.suffix, picture)[1])


def killed_scratch(path: Path) -> Path:
    """Where a process that has ended would have written what was to become `path`."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return path.with_name(scratch_path(path).name.replace(f"-{os.getpid()}-", f"-{ended.pid}-"))


def write_labels(path: Path, events: list[tuple[int, str]], **extra: object) -> None:
    """Write a label file; events as (frame, label)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    entry = {"events": [{"frame": frame, "label": label} for frame, label in events], **extra}
    path.write_text(json.dumps(entry), encoding="utf-8")


def make_dataset(
    root: Path,
    splits: dict[str, list[str]],
    num_frames: int = 40,
    size: tuple[int, int] = (64, 48),
    classes: tuple[str, ...] = ("DRIVE", "PASS"),
    seed: int = 0,
) -> tuple[str, Path]:
    """Make a dataset of noise with an event of a random class every ten frames or so, the same for a seed.

    Args:
        splits: the videos of each split.
        size: width and height of the frames in pixels.

    Returns:
        The dataset argument for the scripts, and the frame folder.
    """
    rng = np.random.default_rng(seed)
    width, height = size
    data_dir, frame_dir = root / "data" / "noise", root / "frames"
    data_dir.mkdir(parents=True)
    (data_dir / "class.txt").write_text("".join(f"{name}\n" for name in classes), encoding="utf-8")
    for split, videos in splits.items():
        entries = []
        for video in videos:
            for index in range(num_frames):
                picture = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
                write_image(frame_dir / video / f"{index:06d}.jpg", picture)
            frames = range(5, num_frames, 10)
            events = [{"frame": frame, "label": str(rng.choice(classes))} for frame in frames]
            entries.append({"video": video, "num_frames": num_frames, "num_events": len(events), "fps": 25.0,
                            "width": width, "height": height, "events": events})
        (data_dir / f"{split}.json").write_text(json.dumps(entries), encoding="utf-8")
    return str(data_dir), frame_dir


# a training so small that it takes seconds
TINY_TRAINING = ["-m", "rny002_gsm", "--weights", "none", "--clip_len", 8, "--crop_dim", 0, "--batch_size", 2,
                 "--num_epochs", 3, "--warm_up_epochs", 1, "--fg_upsample", 0.5, "--device", "cpu", "-j", 0]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A dataset of noise with all three splits, 24 frames of 64x48 to a video: dataset argument, frame folder.

    Shared by all tests: none may change it.
    """
    splits = {"train": ["cup/a_1", "cup/a_2"], "val": ["cup/b_1"], "test": ["cup/c_1"]}
    return make_dataset(tmp_path_factory.mktemp("tiny"), splits, num_frames=24)


@pytest.fixture(scope="session")
def trained(tiny: tuple[str, Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """What train_e2e.py made of TINY_TRAINING: the model folder, which no test may change, and what it printed."""
    folder = tmp_path_factory.mktemp("trained") / "model"
    return folder, run_script("train_e2e.py", *tiny, "-s", folder, *TINY_TRAINING).stdout


def run_here(script: ModuleType, *args: object) -> subprocess.CompletedProcess[str]:
    """Run an imported script as `run_script` does, but in this process: no seconds for importing torch."""
    out, err = io.StringIO(), io.StringIO()
    argv = [script.__file__, *map(str, args)]
    with (
        mock.patch.object(sys, "argv", argv),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.raises(SystemExit) as ended,
    ):
        scripts.run_script(script.main)
    return subprocess.CompletedProcess(argv, ended.value.code or 0, out.getvalue(), err.getvalue())


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine that can download nothing and has nothing in its caches; TORCH_HOME is given."""
    for name in ("HF_HOME", "TORCH_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "HF_HOME"))
    return tmp_path / "TORCH_HOME"


def golden_files() -> list[Path]:
    """E2E-Spot's outputs for whole models, see ../shared/golden/README.md; none where that folder is not."""
    others = ("eval-", "tdeed-", "adaspot-", "soccernet")
    return sorted(p for p in (REPO.parent / "shared" / "golden").glob("*.json") if not p.name.startswith(others))


def golden_state(golden: dict) -> dict[str, np.ndarray]:
    """The original's state dict, made from its keys by the rules of the README of the golden values."""
    state = {}
    for key, (shape, dtype) in golden["state_dict"].items():
        x = np.random.default_rng(zlib.crc32(key.encode())).standard_normal(shape).astype(np.float32)
        if key.endswith("num_batches_tracked"):
            x = np.zeros(shape)
        elif key.endswith("running_var"):
            x = 1 + 0.1 * abs(x)
        elif key.endswith("running_mean"):
            x = 0.1 * x
        elif len(shape) >= 2:
            x = x * np.float32(np.sqrt(2 / np.prod(shape[1:])))
        elif "bias" in key.rsplit(".", 1)[-1]:
            x = 0.1 * x
        else:
            x = 1 + 0.1 * x
        state[key] = np.asarray(x, dtype)
    return state
