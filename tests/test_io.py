import errno
import gzip
import json
import os
import time
from pathlib import Path

import pytest
from conftest import killed_scratch

from util import io
from util.errors import UserError
from util.io import read_json, remove, rename, scratch_path, sweep, sweep_lost, whole_file, whole_folder, write_json


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


@pytest.fixture
def scanned(monkeypatch):
    """Windows with a virus scanner: the first two attempts at any change of a file are refused."""
    monkeypatch.setattr(io, "PAUSES", (0, 0, 0))
    refusals = {}

    def refuse(name):
        change = getattr(Path, name)

        def refusing(path, *args, **options):
            refusals[path, name] = refusals.get((path, name), 0) + 1
            if refusals[path, name] <= 2:
                raise PermissionError(13, "being used by another process")
            return change(path, *args, **options)

        monkeypatch.setattr(Path, name, refusing)

    for name in ("replace", "unlink"):
        refuse(name)
    return refusals


def test_what_windows_refuses_for_a_moment_is_tried_again(tmp_path, scanned):
    write_json(tmp_path / "a.json", 1)
    with whole_folder(tmp_path / "folder") as scratch:
        write_json(scratch / "b.json", 2)
    rename(tmp_path / "a.json", tmp_path / "c.json")
    remove(tmp_path / "c.json")
    assert [p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*")] == ["folder", "folder/b.json"]
    assert {name for _, name in scanned} == {"replace", "unlink"} and min(scanned.values()) == 3


def test_what_stays_refused_is_an_error_in_the_end(tmp_path, scanned, monkeypatch):
    monkeypatch.setattr(io, "PAUSES", (0,))
    with pytest.raises(UserError, match="cannot be written"):
        write_json(tmp_path / "a.json", 1)


def test_a_folder_is_put_in_place_whole_or_not_at_all(tmp_path, monkeypatch):
    folder = tmp_path / "folder"
    for number in range(2):
        with whole_folder(folder) as scratch:
            (scratch / f"{number}").touch()
    with pytest.raises(ZeroDivisionError), whole_folder(folder) as scratch:
        (scratch / "half").touch()
        raise ZeroDivisionError
    replace = Path.replace
    monkeypatch.setattr(io, "PAUSES", ())
    with pytest.raises(PermissionError), whole_folder(folder) as scratch:  # the last step fails
        def refuse(path, target):
            if path == scratch:
                raise PermissionError
            return replace(path, target)

        monkeypatch.setattr(Path, "replace", refuse)
    assert [p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*")] == ["folder", "folder/1"]


def test_what_killed_processes_left_is_swept_and_what_is_being_written_is_not(tmp_path):
    ours, of_ended = scratch_path(tmp_path / "a.json"), killed_scratch(tmp_path / "a.json")
    elsewhere = of_ended.with_name(of_ended.name.replace(io._HOST, "0123abcd"))
    long_ago = tmp_path / ".part-1-checkpoint_001.pt"
    for path in (ours, of_ended, elsewhere, long_ago, tmp_path / "part-1"):
        path.touch()
    folder = Path(f"{of_ended}.old")
    (folder / "sub").mkdir(parents=True)
    os.utime(long_ago, (time.time() - io.STALE - 60,) * 2)
    sweep(tmp_path, tmp_path / "none")
    assert sorted(tmp_path.iterdir()) == sorted([ours, elsewhere, tmp_path / "part-1"])


def test_what_a_lost_machine_left_of_a_file_goes_and_nothing_else(tmp_path):
    lost = [tmp_path / f".part-12-0123abcd-{name}" for name in ("a", "a.old", "b", "a.b")]
    for path in lost:
        path.mkdir()
    sweep_lost(tmp_path / "a")
    assert sorted(tmp_path.iterdir()) == sorted(lost[2:])
