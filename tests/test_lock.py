import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from conftest import REPO, complaint

from util import lock
from util.lock import LOCK_NAME, exclusive

HOLD = """
import sys
from util.lock import exclusive
with exclusive(sys.argv[1], "a training"):
    print("held", flush=True)
    sys.stdin.read()
"""


def held(folder):
    """A process that holds the lock of a folder until its stdin ends."""
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], cwd=REPO, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "held\n"
    return holder


def taken(folder):
    with exclusive(folder, "a test"):
        return True


def test_the_second_process_is_refused_in_one_line_and_a_killed_holder_is_no_longer_one(tmp_path):
    holder = held(tmp_path)
    said = complaint(taken, tmp_path)
    assert said.startswith(f"{tmp_path}: is in use by a training (process {holder.pid} on ")
    holder.kill()
    holder.wait()
    assert taken(tmp_path)
    assert not list(tmp_path.iterdir())


def test_who_waits_gets_its_turn_and_nothing_is_left_in_the_way(tmp_path):
    folder = tmp_path / "new" / "folder"
    count = 0

    def raise_count():
        nonlocal count
        for _turn in range(50):
            with exclusive(folder, "a count", wait=60):
                seen = count
                os.stat_result  # noqa: B018 - time for another thread
                count = seen + 1

    threads = [threading.Thread(target=raise_count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count == 200
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_folder_that_was_made_for_the_lock_and_stays_empty_goes(tmp_path):
    assert taken(tmp_path / "new")
    assert not list(tmp_path.iterdir())


def test_a_process_that_holds_the_lock_is_refused_like_any_other(tmp_path):
    with exclusive(tmp_path, "the first"):
        assert "is in use by the first" in complaint(taken, tmp_path)
        assert (tmp_path / LOCK_NAME).exists()  # not removed by who was refused
    assert taken(tmp_path)


def test_a_lock_on_a_file_that_its_holder_removes_is_none(tmp_path, monkeypatch):
    """The second opens the file, the first removes it and unlocks, the second locks what no third can find."""
    first = exclusive(tmp_path, "the first")
    first.__enter__()
    lock_it = lock._lock

    def late(file):
        monkeypatch.setattr(lock, "_lock", lock_it)
        first.__exit__(None, None, None)
        lock_it(file)

    monkeypatch.setattr(lock, "_lock", late)
    with exclusive(tmp_path, "the second", wait=5):
        assert "the second" in complaint(taken, tmp_path)


def test_a_disk_without_locks_is_warned_of_and_no_folder_is_refused(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").touch()
    assert "cannot be written" in complaint(taken, tmp_path / "file")

    def no_locks(_file):
        raise OSError(lock.errno.ENOLCK, "No locks available")

    monkeypatch.setattr(lock, "_lock", no_locks)
    assert taken(tmp_path)
    assert "this disk has no locks" in capsys.readouterr().err


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="a place where no folder can be made, not even by root")
def test_a_folder_that_cannot_be_made_is_in_use_by_nobody():
    assert complaint(taken, "/proc/new") == "/proc/new: cannot be made; choose another folder"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_for_reading_only_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    assert "cannot be written" in complaint(taken, tmp_path)
