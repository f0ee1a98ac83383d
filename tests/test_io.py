import errno
import gzip
import json
import subprocess
import sys

import pytest
from conftest import REPO

from util.errors import UserError
from util.io import read_json, whole_file, write_json


@pytest.mark.parametrize("name", ["a.json", "a.json.gz"])
def test_json_comes_back_as_it_was_written_and_the_same_bytes_each_time(tmp_path, name):
    value = [{"video": "Malm\u00f6_1", "fps": 29.97, "events": [], "none": None}]
    path = tmp_path / "new" / "folder" / name
    write_json(path, value)
    first = path.read_bytes()
    assert read_json(path) == value
    write_json(path, value)
    assert path.read_bytes() == first
    assert [file.name for file in path.parent.iterdir()] == [name]


def test_plain_json_is_readable_and_ends_with_a_newline(tmp_path):
    write_json(tmp_path / "a.json", {"a": 1})
    assert (tmp_path / "a.json").read_bytes() == b'{\n "a": 1\n}\n'


def test_a_writer_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, "old")
    with pytest.raises(TypeError):
        write_json(path, {"no": object()})
    with pytest.raises(ZeroDivisionError), whole_file(path) as scratch:
        scratch.write_text("half")
        assert scratch.suffix == ".json" and scratch.parent == path.parent
        raise ZeroDivisionError
    assert read_json(path) == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]


def test_a_folder_that_cannot_be_written_is_a_user_error_that_names_the_file(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match=r"a\.json: cannot be written"):
        write_json(tmp_path / "file" / "a.json", 1)
    (tmp_path / "dir.json").mkdir()
    with pytest.raises(UserError, match=r"dir\.json: cannot be written"):
        write_json(tmp_path / "dir.json", 1)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["dir.json", "file"]


def test_a_full_disk_is_a_user_error(tmp_path):
    with pytest.raises(UserError, match=r"a\.bin: cannot be written \(No space left"), \
            whole_file(tmp_path / "a.bin"):
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("content, said", [
    (b'{"a": 1,\n "b": }', "line 2, column 7"),
    (b"", "line 1, column 1"),
    (b'"\xff"', "UTF-8"),
])
def test_broken_json_is_a_user_error_that_names_file_and_place(tmp_path, content, said):
    (tmp_path / "broken.json").write_bytes(content)
    with pytest.raises(UserError, match=rf"broken\.json.*{said}"):
        read_json(tmp_path / "broken.json")


def test_a_gzip_file_that_is_damaged_or_none_is_a_user_error(tmp_path):
    good = gzip.compress(json.dumps(list(range(1000))).encode())
    flipped = bytes([*good[:40], good[40] ^ 255, *good[41:]])
    for content in (b"[1, 2]", good[:-20], good[:30], b"", flipped):
        (tmp_path / "a.json.gz").write_bytes(content)
        with pytest.raises(UserError, match=r"a\.json\.gz: "):
            read_json(tmp_path / "a.json.gz")


@pytest.mark.parametrize("text, said", [
    ("[" * 50_000, "nested"), ('{"a":' * 2000 + "1" + "}" * 2000, "nested"), ("[" * 300 + "]" * 300, "nested"),
    ("[NaN]", "NaN"), ('{"a": -Infinity}', "Infinity"), ("[1e999]", "too large"), ("1" + "0" * 400, "too large"),
    (f'[{{"frame": {"9" * 5000}}}]', "too large"), ('["a\\u0000b"]', "NUL"), ('{"\\u0000": 1}', "NUL"),
    ('["\\ud800"]', "surrogate"), ('{"video": {"\\udcff": []}}', "surrogate"), ("\ufeff\ufeff[1]", "line 1, column 1"),
])
@pytest.mark.parametrize("name", ["a.json", "a.json.gz"])
def test_json_that_could_not_be_used_or_written_again_is_refused_in_one_line(tmp_path, text, said, name):
    data = text.encode()
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    with pytest.raises(UserError, match=rf"{name}: is not valid JSON \(.*{said}") as refused:
        read_json(tmp_path / name)
    assert "\n" not in str(refused.value)


def test_large_numbers_and_any_letter_and_many_levels_are_read(tmp_path):
    value = [12345678901234567890, 1e300, "\U0001f945 \u00e9", {"a": [[{"b": [None, True, -0.5]}]]}]
    write_json(tmp_path / "a.json", value)
    assert read_json(tmp_path / "a.json") == value


def test_losses_that_are_no_numbers_can_be_read_as_null(tmp_path):
    (tmp_path / "loss.json").write_text('[{"train": NaN, "val": -Infinity}]', encoding="utf-8")
    assert read_json(tmp_path / "loss.json", nan=True) == [{"train": None, "val": None}]


@pytest.mark.parametrize("name", ["a.json", "a.json.gz"])
def test_a_file_that_unpacks_to_more_than_the_memory_holds_is_not_unpacked(tmp_path, name, monkeypatch):
    monkeypatch.setattr("util.io.MAX_BYTES", 2**20)
    data = b" " * 2**24
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    with pytest.raises(UserError, match=rf"{name}: holds more than 1 MiB"):
        read_json(tmp_path / name)


def test_a_missing_file_is_a_user_error(tmp_path):
    with pytest.raises(UserError, match=r"none\.json: no such file"):
        read_json(tmp_path / "none.json")


def test_a_byte_order_mark_is_read_over(tmp_path):
    (tmp_path / "a.json").write_bytes(b"\xef\xbb\xbf[1]")
    assert read_json(tmp_path / "a.json") == [1]


def run_main(body):
    code = f"from util.errors import *\ndef main():\n    {body}\nrun_script(main)"
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
        [sys.executable, "-c", "from util.errors import *\nrun_script(lambda: print('Malm\\u00f6'))"],
        cwd=REPO, capture_output=True, check=False, env={"PYTHONIOENCODING": "ascii"},
    )
    assert done.returncode == 0 and done.stdout.strip() == b"Malm\\xf6"
