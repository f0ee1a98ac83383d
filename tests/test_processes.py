"""Several processes: that they learn and score what one does, and end together."""

import os
import shutil
import socket
import subprocess
import sys
import time
from itertools import zip_longest
from types import SimpleNamespace

import pytest
import together
import torch
from conftest import REPO, TINY_TRAINING, run_here, user_error
from test_train_e2e import stop_after

import eval as evaluation
import test_e2e
import train_e2e
from dataset.training_data import dealt_batches
from model.architecture import Architecture, Regions
from model.loss import spotting_loss
from model.processes import share_of
from model.spotter import EventSpotter
from util import processes
from util.batch import Targets
from util.io import read_json


def start(*command, rank, port, of=2, stderr=None):
    """One of the processes that torchrun would start."""
    env = {**os.environ, "RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": of, "MASTER_ADDR": "127.0.0.1",
           "MASTER_PORT": port, "OMP_NUM_THREADS": "1", "PYTHONPATH": REPO}
    return subprocess.Popen([sys.executable, *map(str, command)], env={key: str(value) for key, value in env.items()},
                            cwd=REPO, stdout=subprocess.DEVNULL, stderr=stderr)


def free_port():
    with socket.socket() as of_system:
        of_system.bind(("127.0.0.1", 0))
        return of_system.getsockname()[1]


@pytest.fixture(scope="module")
def two_wrote(tiny, trained, tmp_path_factory):
    """Where two processes of together.py have written."""
    folder, port = tmp_path_factory.mktemp("two"), free_port()
    running = [start("tests/together.py", *tiny, trained[0], folder, rank=rank, port=port) for rank in range(2)]
    assert [process.wait() for process in running] == [0, 0]
    return folder


@pytest.fixture
def two(two_wrote):
    """What each of them found."""
    return [torch.load(two_wrote / f"{rank}.pt", weights_only=True) for rank in range(2)]


def test_two_processes_learn_what_one_does_to_the_last_digits(two, tiny):
    one = together.training(*tiny)
    for each in two:
        assert each["losses"] == pytest.approx(one["losses"], rel=1e-10)
        for of in ("weights", "mean"):
            for key, value in one[of].items():
                torch.testing.assert_close(each[of][key], value, rtol=1e-6, atol=1e-9, msg=key)


def test_all_have_what_the_first_has_and_what_each_found(two):
    torch.manual_seed(0)
    drawn = torch.rand(2)
    for each in two:
        assert each["first"]["rank"] == 0 and torch.equal(each["first"]["of"], drawn)
        assert list(each["scored_by"].items()) == [("a", 1), ("b", 0), ("c", 1), ("d", 0)]  # 10 frames each
        assert each["sums"] == [2, 10] and each["batch"] == 6


@pytest.fixture
def rank_of(monkeypatch):
    """Be one of several processes."""
    def be(rank, of):
        for key, value in zip(processes.KEYS, (rank, of, rank, of), strict=True):
            monkeypatch.setenv(key, str(value))

    return be


@pytest.mark.parametrize("of", [1, 2, 3])
def test_each_process_has_its_part_of_every_batch_from_whichever_it_begins(of, rank_of):
    parts = []
    for rank in range(of):
        rank_of(rank, of)
        parts.append(dealt_batches(range(34), 6, 0, torch.device("cpu"), first=2).parts)
    batches = [sorted(number for part in of_batch for number in part) for of_batch in zip_longest(*parts, fillvalue=[])]
    assert batches == [list(range(first, min(first + 6, 34))) for first in (12, 18, 24, 30)]


def test_two_processes_write_the_predictions_that_one_does(two_wrote, tiny, trained, tmp_path):
    run_here(test_e2e, trained[0], tiny[1], "-s", "train", "--save_as", tmp_path / "pred", "--device", "cpu")
    written = sorted(path.name for path in two_wrote.glob("pred*"))
    assert written == ["pred.json", "pred.recall.json.gz", "pred.score.json.gz"]
    for name in written:
        assert read_json(tmp_path / name) == read_json(two_wrote / name)
    assert len(read_json(tmp_path / "pred.score.json.gz")) == 2  # videos


def test_videos_are_shared_out_by_length_and_each_is_scored_by_one(rank_of):
    videos = [{"video": str(number), "num_frames": frames} for number, frames in enumerate((9, 80, 10, 30, 31, 20))]
    shares = []
    for rank in range(3):
        rank_of(rank, 3)
        shares.append(share_of(videos))
    assert sorted(video["video"] for part in shares for video in part) == list("012345")
    assert sorted(sum(video["num_frames"] for video in part) for part in shares) == [50, 50, 80]
    rank_of(7, 8)
    assert share_of(videos) == []


def test_a_script_that_works_in_one_process_does_so_in_the_first(rank_of, trained, tmp_path):
    model = shutil.copytree(trained[0], tmp_path / "model")
    rank_of(1, 2)
    done = run_here(evaluation, "-s", "test", model)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    rank_of(0, 2)
    done = run_here(evaluation, "-s", "test", model, "--timelines", 0)
    assert done.returncode == 0 and "Average precision" in done.stdout
    assert "eval.py works in one process" in done.stderr and "RANK" not in os.environ


@pytest.mark.parametrize(("code", "told"), [(2, "process 1 of 2: error: no frames\n"), (0, ""), (143, ""),
                                            (1, "process 1 of 2: usage: ...\nerror: no frames\n")])
def test_a_process_but_the_first_says_only_why_it_failed(code, told, rank_of, monkeypatch, capsys):
    def run():
        print("epoch 0")
        print("usage: ...\nerror: no frames", file=sys.stderr)
        sys.exit(code)

    rank_of(1, 2)
    monkeypatch.setattr(processes, "time", SimpleNamespace(sleep=lambda seconds: None))
    with pytest.raises(SystemExit) as ended:
        processes.quietly(run)
    assert ended.value.code == code
    assert capsys.readouterr() == ("", told)


def test_when_a_process_is_killed_all_end_and_the_training_goes_on_in_one_and_then_in_two(tiny, tmp_path, monkeypatch):
    options = [*tiny, *TINY_TRAINING, "-t", "", "--num_epochs", 3, "-lr", 1e-4, "--sync_bn",
               "--epoch_num_frames", 32, "--precision", "float32"]
    folder, port = tmp_path / "model", free_port()
    first, second = (start("train_e2e.py", *options, "-s", folder, rank=rank, port=port, stderr=subprocess.PIPE)
                     for rank in range(2))
    while not (folder / "loss.json").is_file():
        assert first.poll() is None and second.poll() is None
        time.sleep(0.01)
    second.kill()
    said = first.communicate()[1].decode()
    assert first.returncode == 2 and "\nerror: another process has ended, or its machine cannot be reached" in said
    assert "Traceback" not in said and not (folder / ".lock").exists()
    second.communicate()

    monkeypatch.chdir(REPO)
    stop_after(len(read_json(folder / "loss.json")), monkeypatch)
    assert user_error(run_here(train_e2e, *options, "-s", folder, "--resume")) == "error: stopped"
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", 2]
    command = [sys.executable, *torchrun, "train_e2e.py", *options, "-s", folder, "--resume"]
    done = subprocess.run([*map(str, command)], capture_output=True, encoding="utf-8", cwd=REPO)
    assert done.returncode == 0 and done.stdout.count("best epoch: ") == 1, done.stderr

    assert run_here(train_e2e, *options, "-s", tmp_path / "one").returncode == 0
    one, together = (read_json(path / "loss.json") for path in (tmp_path / "one", folder))
    for row, expected in zip(together, one, strict=True):
        assert row == pytest.approx(expected, rel=1e-5)
    names = [sorted(path.name for path in (tmp_path / name).iterdir()) for name in ("one", "model")]
    assert names[0] == names[1]
    assert read_json(tmp_path / "one" / "config.json") == read_json(folder / "config.json")


@pytest.mark.parametrize("network", [
    {"temporal_arch": "mstcn", "radi_displacement": 1, "event_team": True, "joint_classes": 3},
    {"temporal_arch": "asformer"}, {"temporal_arch": "ed_sgp_mixer", "n_layers": 1},
    {"temporal_arch": "gru", "regions": Regions(size=16)},
])
def test_every_weight_has_a_gradient_in_every_step_which_is_what_processes_wait_for(network):
    spotter = EventSpotter(Architecture("rny002_gsf", num_classes=2, clip_len=4, **network)).train()
    labels = torch.eye(4)[torch.arange(4)][None]
    targets = Targets(labels[..., :3], torch.ones(1, 4), labels[..., :2], labels)
    if not network.get("joint_classes"):
        targets = Targets(labels[..., :3])
    spotting_loss(spotter(torch.rand(1, 4, 3, 64, 64), torch.ones(1, 4)), targets).backward()
    assert not [name for name, weight in spotter.named_parameters() if weight.grad is None]


@pytest.mark.skipif(shutil.which("bash") is None, reason="job files are for bash")
@pytest.mark.parametrize(("job", "nodes"), [("one_node", 1), ("four_nodes", 4)])
def test_a_job_file_starts_torchrun_once_on_each_machine_with_what_it_was_given(job, nodes, tmp_path):
    """With what stands for Slurm: it shows what it was to start."""
    for name, does in (("scontrol", "printf 'gpu7\\ngpu8\\n'"), ("srun", 'printf "%s|" "$@"')):
        (tmp_path / name).write_text(f"#!/bin/sh\n{does}\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "activate").touch()
    path = REPO / "docs" / "slurm" / f"{job}.sh"
    env = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "SLURM_JOB_ID": "31245",
           "SLURM_NNODES": str(nodes), "SLURM_JOB_NODELIST": "gpu[7-10]"}
    done = subprocess.run(["bash", path, "futsal", "my frames", "-s", "out"], cwd=tmp_path, env=env, text=True,
                          capture_output=True, check=True)
    command = done.stdout.split("|")[:-1]
    assert command[:2] == ["--kill-on-bad-exit=1", "torchrun"]
    assert command[-6:] == ["train_e2e.py", "futsal", "my frames", "-s", "out", "--resume"]
    place = ["--rdzv_backend=c10d", "--rdzv_id=31245", "--rdzv_endpoint=gpu7:31245"]
    assert command[2:-6] == (["--standalone", "--nproc_per_node=gpu"] if nodes == 1 else
                             ["--nnodes=4", "--nproc_per_node=gpu", *place])
    assert f"#SBATCH --nodes={nodes}\n" in path.read_text(encoding="utf-8")
