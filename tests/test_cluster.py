"""Scripts on a Ray cluster: two nodes in one machine, one of which is killed on the way."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from conftest import REPO, complaint, run_here, user_error
from encoded import encode

import prepare_data
import spot_video
from util.cluster import joined
from util.errors import UserError
from util.time_limit import NO_LIMIT

NEEDS = "needs Ray: pip install -r requirements-cluster.txt"
# a dead node is noticed at once, and tests that run beside others are not starved
SETTINGS = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 500, "health_check_failure_threshold": 2,
            "worker_niceness": 0}
NODE = {"num_cpus": 1, "object_store_memory": 80_000_000, "include_dashboard": False}


@pytest.fixture(scope="module")
def nodes():
    """A cluster of one node, which is all there is to be run on but for one that is about to be killed."""
    pytest.importorskip("ray", reason=NEEDS)
    if sys.platform != "linux":
        pytest.skip("Ray joins several nodes on Linux alone")
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={**NODE, "_system_config": SETTINGS})
    yield cluster
    cluster.shutdown()


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """40 small videos in folders, two of each match."""
    folder = tmp_path_factory.mktemp("raw") / "Videos"
    for number in range(40):
        path = folder / f"cup{number // 10}" / f"m{number // 2:02}_{number % 2 + 1}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        encode(path, num_frames=8 + number % 5)
    return folder


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def kill_one(nodes, when):
    """Add a node, and kill it as soon as `when` is true."""
    node = nodes.add_node(**NODE)

    def wait_and_kill():
        while not when():
            time.sleep(0.02)
        nodes.remove_node(node, allow_graceful=False)

    thread = threading.Thread(target=wait_and_kill)
    thread.start()
    return thread


def test_frames_are_those_of_one_machine_though_a_node_is_lost_and_a_video_is_broken(nodes, videos, tmp_path):
    broken = videos / "broken.mp4"
    extract = ["--videos", videos, "--output"]
    run_here(prepare_data, *extract, tmp_path / "alone")
    broken.write_bytes((videos / "cup0" / "m00_1.mp4").read_bytes()[:-500])
    try:
        killer = kill_one(nodes, lambda: len(list(tmp_path.glob("shared/*/*/video.json"))) > 8)
        done = run_here(prepare_data, *extract, tmp_path / "shared", "--cluster", nodes.address)
        killer.join()
    finally:
        broken.unlink()
    assert "1 of 41 videos failed" in user_error(done) and "broken.mp4" in done.stderr
    alone, shared = contents(tmp_path / "alone"), contents(tmp_path / "shared")
    assert sum(name.endswith("video.json") for name in alone) == 40
    assert alone == shared


def test_events_are_those_of_one_machine_though_a_node_is_lost(nodes, videos, trained, tmp_path):
    some = [videos / "cup0", *(videos / "cup1").glob("*_1.mp4")]
    command = [trained[0], *some, "--device", "cpu", "--threshold", 0.3, "--csv", "--soccernet"]
    run_here(spot_video, *command, "--output", tmp_path / "alone")
    killer = kill_one(nodes, lambda: list(tmp_path.glob("shared/*.events.json")))
    done = run_here(spot_video, *command, "--output", tmp_path / "shared", "--cluster", nodes.address)
    killer.join()
    assert done.returncode == 0 and done.stdout.count(".events.json: ") == 15
    alone, shared = contents(tmp_path / "alone"), contents(tmp_path / "shared")
    assert len(alone) == 3 * 15 + 10 and alone == shared
    (tmp_path / "shared" / "m00_1.events.json").unlink()
    done = run_here(spot_video, *command, "--output", tmp_path / "shared", "--cluster", nodes.address)
    assert "videos: 13 done before, 2 to do" in done.stdout and contents(tmp_path / "shared") == alone


def test_what_kills_its_process_and_what_is_a_bug_fail_alone(nodes, tmp_path):
    def work(number):
        print("began", number)
        if number == 1:
            os._exit(1)
        return 10 // number

    with joined(nodes.address) as cluster:
        outcomes = dict(cluster.each(work, [0, 1, 2], lambda _: tmp_path, None, NO_LIMIT))
    assert "ZeroDivisionError" in outcomes[0].error and "died 4 times" in outcomes[1].error
    assert outcomes[2].value == 5 and outcomes[2].out == "began 2\n" and not outcomes[2].error


STOPPED = """
import sys, time
from pathlib import Path
from util.cluster import joined
from util.script import run_script
from util.time_limit import NO_LIMIT

def work(path):
    try:
        path.touch()
        while True:
            time.sleep(0.05)
    finally:
        path.unlink()

def main():
    with joined(sys.argv[1]) as cluster:
        list(cluster.each(work, [Path(sys.argv[2])], lambda path: path.parent, None, NO_LIMIT))

run_script(main)
"""


def test_a_stop_lets_tasks_clear_up(nodes, tmp_path):
    begun = tmp_path / "begun"
    driver = subprocess.Popen([sys.executable, "-c", STOPPED, nodes.address, str(begun)], cwd=REPO,
                              stderr=subprocess.PIPE, text=True)
    while not begun.exists():
        assert driver.poll() is None, driver.stderr.read()
        time.sleep(0.02)
    driver.terminate()
    assert driver.communicate()[1] == "stopped\n" and driver.returncode == 128 + signal.SIGTERM
    assert not begun.exists()


def test_a_machine_without_the_folder_ends_the_run_in_one_line(nodes, tmp_path):
    here_alone = Path(f"/proc/self/task/{os.getpid()}")  # no other process has it
    with joined(nodes.address, [here_alone]) as cluster:
        said = complaint(list, cluster.each(str, [1, 2], lambda _: tmp_path, None, NO_LIMIT))
        assert f"{here_alone}: is not there on " in said and "must lie on shared storage" in said
        said = complaint(list, cluster.each_loaded(lambda: str, [1, 2], lambda _: tmp_path, 1, 0, NO_LIMIT))
        assert f"{here_alone}: is not there on " in said
    with joined(nodes.address) as cluster:
        (_, gone), = cluster.each(str, [1], lambda _: tmp_path / "gone", None, NO_LIMIT)
    assert gone.error == f"{tmp_path / 'gone'}: no such file"


def test_a_model_that_loads_nowhere_ends_the_run_in_one_line(nodes, tmp_path):
    def broken():
        raise UserError("model/config.json: is damaged")

    with joined(nodes.address) as cluster:
        said = complaint(list, cluster.each_loaded(broken, [1], lambda _: tmp_path, 1, 0, NO_LIMIT))
    assert said == "model/config.json: is damaged"


def test_the_time_is_up(nodes, videos, tmp_path):
    done = run_here(prepare_data, "--videos", videos, "--output", tmp_path, "--limit_hours", 0, "--cluster",
                    nodes.address)
    assert done.returncode == 1 and "the time is up, with 40 videos left" in done.stdout and not contents(tmp_path)


def test_an_address_where_nothing_answers_is_one_line(videos, tmp_path):
    pytest.importorskip("ray", reason=NEEDS)
    done = run_here(prepare_data, "--videos", videos, "--output", tmp_path, "--cluster", "127.0.0.1:9")
    assert "--cluster 127.0.0.1:9: no Ray cluster answers there" in user_error(done)
    assert "HOST:PORT" in run_here(prepare_data, "--videos", videos, "--output", tmp_path, "--cluster", "ray").stderr


def test_a_missing_ray_is_one_line(videos, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    done = run_here(prepare_data, "--videos", videos, "--output", tmp_path, "--cluster", "auto")
    assert "pip install -r requirements-cluster.txt" in user_error(done)
