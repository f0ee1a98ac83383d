from util.script import worker_processes

import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from conftest import REPO


def run_main(body):
    code = f"from util.script import *\nfrom util.errors import UserError\ndef main():\n    {body}\nrun_script(main)"
    return subprocess.run([sys.executable, "-c", code], cwd=REPO, capture_output=True, text=True, check=False)


def test_a_script_ends_with_the_code_and_the_line_that_the_error_asks_for():
    done = run_main("raise UserError('a.json:\\n broken')")
    assert (done.returncode, done.stderr) == (2, "error: a.json: broken\n")
    done = run_main("open('no/such/file')")
    assert done.returncode == 2 and done.stderr.startswith("error: no/such/file: No such file")
    assert run_main("raise KeyboardInterrupt").returncode == 130
    assert run_main("return 1").returncode == 1
    assert run_main("print(end='')").returncode == 0


def test_a_bug_keeps_its_traceback():
    for body in ("raise ValueError('bug')", "raise OSError('not of the file system')"):
        done = run_main(body)
        assert done.returncode == 1 and "Traceback" in done.stderr


def test_a_console_that_lacks_a_letter_gets_it_escaped():
    done = subprocess.run(
        [sys.executable, "-c", "from util.script import *\nrun_script(lambda: print('Malm\\u00f6'))"],
        cwd=REPO, capture_output=True, check=False, env={"PYTHONIOENCODING": "ascii"},
    )
    assert done.returncode == 0 and done.stdout.strip() == b"Malm\\xf6"


STOPS = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
posix = pytest.mark.skipif(os.name == "nt", reason="Windows sends no such signals to a process")


def stopped(process, number):
    """Send a signal; what the process wrote to stderr after it."""
    process.send_signal(number)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 128 + number, said
    assert "Traceback" not in said and said.splitlines()[-1] == "stopped" and said.count("stopped") == 1
    return said


@posix
@STOPS
def test_a_signal_ends_a_script_in_one_line_once_what_was_begun_is_put_away(tmp_path, number):
    code = ("import sys, time\nfrom util.io import whole_file\nfrom util.script import run_script\ndef main():\n"
            "    with whole_file(sys.argv[1]):\n        print('began', flush=True)\n        time.sleep(60)\n"
            "run_script(main)")
    with subprocess.Popen([sys.executable, "-c", code, tmp_path / "a.json"], cwd=REPO, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "began\n"
        assert stopped(process, number) == "stopped\n"
    assert not list(tmp_path.iterdir())


@posix
@STOPS
@pytest.mark.parametrize("script", ["train_e2e.py", "bench/run.py"])
def test_a_signal_while_packages_load_ends_a_script_in_one_line(script, number):
    with subprocess.Popen([sys.executable, "-X", "importtime", script, "metrics"], cwd=REPO, stderr=subprocess.PIPE,
                          text=True) as process:
        while "util.script" not in process.stderr.readline():
            pass
        stopped(process, number)


@posix
def test_a_second_signal_ends_a_script_at_once():
    code = ("import time\nfrom util.script import run_script\ndef main():\n    try:\n        print(1, flush=True)\n"
            "        time.sleep(60)\n    finally:\n        print(2, flush=True)\n        time.sleep(60)\n"
            "run_script(main)")
    with subprocess.Popen([sys.executable, "-c", code], cwd=REPO, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True) as process:
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        process.stdout.readline()
        stopped(process, signal.SIGINT)


@posix
@STOPS
def test_a_signal_ends_the_workers_of_make_demo_and_leaves_nothing_half_written(tmp_path, number):
    options = ["--output", tmp_path, "--matches", 2, "--seconds", 60, "-j", 2]
    with subprocess.Popen([sys.executable, REPO / "make_demo.py", *map(str, options)], stderr=subprocess.PIPE,
                          text=True, start_new_session=True) as process:
        while not list(tmp_path.glob("Videos/.part-*")):
            time.sleep(0.01)
        stopped(process, number)
        with pytest.raises(ProcessLookupError):  # no worker is left; Python's own helper ends a moment later
            for _attempt in range(1000):
                os.killpg(process.pid, 0)
                time.sleep(0.01)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_workers_that_are_ended_early_say_nothing(monkeypatch):
    said = []
    monkeypatch.setattr(threading, "excepthook", said.append)
    with pytest.raises(ValueError, match="negative"), worker_processes(1) as pool:
        list(pool.map(time.sleep, [-1, *[60] * 20]))
    assert said == [] and threading.excepthook == said.append
