import os
from fractions import Fraction
from types import SimpleNamespace

import pytest
from conftest import killed_scratch, pattern_index, read_image
from encoded import copy_packets, cut, encode, noise

from footage import extraction
from footage.extraction import FramesJob, check_space, extract_all, plan_frames, probe_all, report_frames
from footage.frame_folders import extract_frames
from footage.raw_videos import FrameOptions
from util.errors import UserError

OPTIONS = FrameOptions()


def job(path, folder, frames=40):
    return FramesJob(path.stem, path, folder, frames, frames)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_many_videos_in_processes_good_ones_are_done_and_bad_ones_told(tmp_path):
    counts = {"a": 20, "b": 30, "c": 5}
    good = {name: encode(tmp_path / f"{name}.mp4", num_frames=count) for name, count in counts.items()}
    (tmp_path / "bad.mp4").write_bytes(b"no video")
    short = cut(encode(tmp_path / "short.mkv", num_frames=60, pictures=noise(60)))
    (tmp_path / "file").touch()
    frames = tmp_path / "frames"
    jobs = [job(path, frames / path.stem) for path in (*good.values(), tmp_path / "bad.mp4", short)]
    jobs.append(FramesJob("d", good["a"], tmp_path / "file" / "d", 20, 20))
    records, failures = extract_all(jobs, OPTIONS, cores=2)
    assert {name: record["num_frames"] for name, record in records.items()} == counts
    assert "bad.mp4: cannot be opened" in failures.pop("bad")
    assert "short.mkv: " in failures["short"] and "frames are missing" in failures.pop("short")
    assert str(tmp_path / "file") in failures.pop("d") and not failures
    assert names(frames) == ["a", "b", "c"]
    assert pattern_index(read_image(frames / "b" / "000029.jpg")) == 29
    records, failures = extract_all([job(short, frames / "short")], OPTIONS, cores=2, allow_short=True)
    assert records["short"]["missing_frames"] > 20 and not failures
    assert extract_all([], OPTIONS, cores=2) == ({}, {})


def test_no_video_is_begun_once_the_time_is_up_and_those_in_work_are_done(tmp_path):
    class Limit:
        @property
        def over(self):
            return len(list(tmp_path.glob("frames/*/video.json"))) >= 2

    jobs = [job(encode(tmp_path / f"{number}.mp4", num_frames=5), tmp_path / "frames" / str(number), 5)
            for number in range(12)]
    records, failures = extract_all(jobs, OPTIONS, cores=1, limit=Limit())
    assert 2 <= len(records) < 12 and not failures and names(tmp_path / "frames") == sorted(records)


def test_a_worker_that_dies_fails_its_video_alone(tmp_path, monkeypatch):
    paths = [encode(tmp_path / f"{name}.mp4", num_frames=3) for name in ("a", "deadly", "b", "c")]
    monkeypatch.setattr(extraction, "frames_of_job", _die_of_one)
    killed_scratch(tmp_path / "frames" / "a").mkdir(parents=True)
    jobs = [job(path, tmp_path / "frames" / path.stem, 3) for path in paths]
    records, failures = extract_all(jobs, OPTIONS, cores=2)
    assert sorted(records) == ["a", "b", "c"] and list(failures) == ["deadly"]
    assert "its worker process died" in failures["deadly"]
    assert names(tmp_path / "frames") == ["a", "b", "c"]


def _die_of_one(job, options, cores, allow_short, on_frames):
    if job.video == "deadly":
        os._exit(3)
    return extract_frames(job.path, job.folder, options, cores, allow_short)


def test_what_is_done_is_told_from_what_is_to_do(tmp_path):
    videos = {name: encode(tmp_path / f"{name}.mp4") for name in ("a", "cup/b")}
    videos["live"] = encode(tmp_path / "live.mkv", container={"live": "1"})
    (tmp_path / "c.mp4").write_bytes(b"no video")
    infos, failures = probe_all(videos | {"c": tmp_path / "c.mp4"})
    assert sorted(infos) == ["a", "cup/b", "live"] and "c.mp4: cannot be opened" in failures["c"]
    output = tmp_path / "frames"
    record = extract_frames(videos["a"], output / "a", OPTIONS)
    killed_scratch(output / "cup" / "b").mkdir(parents=True)
    records, jobs = plan_frames(videos, infos, output, OPTIONS, allow_short=False)
    assert records == {"a": record}
    assert jobs == [FramesJob("cup/b", videos["cup/b"], output / "cup" / "b", 40, 40),
                    FramesJob("live", videos["live"], output / "live", 40, 40)]  # counted, as nothing tells
    assert names(output / "cup") == []  # of a killed run
    records, jobs = plan_frames(videos, infos, output, FrameOptions(fps=10), allow_short=False)
    assert not records and [one.num_frames for one in jobs] == [16, 16, 16]


def test_the_space_that_frames_take_is_told_before_and_refused_if_not_there(tmp_path, monkeypatch):
    path = encode(tmp_path / "a.mp4", size=(480, 320), pictures=noise(40, (480, 320)))
    jobs = [job(path, tmp_path / "frames" / "a")]
    record = extract_frames(path, tmp_path / "made", OPTIONS)
    monkeypatch.setattr(extraction.shutil, "disk_usage", lambda _: SimpleNamespace(free=50_000_000_000))
    said = check_space(jobs, tmp_path, OPTIONS)
    assert said.startswith("40 frames, about ") and said.endswith(" MB; 50.0 GB are free")
    estimate = 1e6 * float(said.split()[3])
    assert 0.9 * record["bytes"] < estimate < 1.3 * record["bytes"] + 40 * 4096
    monkeypatch.setattr(extraction.shutil, "disk_usage", lambda _: SimpleNamespace(free=int(estimate)))
    with pytest.raises(UserError, match="40 frames take about .* make room, choose another --output"):
        check_space(jobs, tmp_path, OPTIONS)


def test_a_report_warns_of_frames_that_are_not_what_one_would_think(tmp_path):
    whole = encode(tmp_path / "whole.mp4")
    short = cut(encode(tmp_path / "short.mp4", num_frames=60, pictures=noise(60), container={"movflags": "faststart"}))
    headless = copy_packets(whole, tmp_path / "headless.mkv", keep=lambda number: number >= 4)
    stamps = [40 * number + 300 * (number > 20) for number in range(40)]
    uneven = encode(tmp_path / "uneven.mkv", pts=stamps, time_base=Fraction(1, 1000))
    paths = (whole, short, headless, uneven)
    made = {path.stem: extract_frames(path, tmp_path / "made" / path.stem, OPTIONS, 1, True) for path in paths}
    lines, warnings = report_frames(made, OPTIONS)
    assert lines[-1] == "whole: 40 frames of 96x64, 25 per second"
    no_start, damage = warnings
    assert "headless: the key frame that it should begin with is missing, and with it 6 frames" in no_start
    assert "short: 2" in damage and "frames are missing" in damage and "--allow_short" in damage
    assert "uneven" in lines[2] and "per second on average, at an uneven rate" in lines[2]
    assert "the first is 0.160 s after the start of the file" in lines[0]
    options = FrameOptions(fps=50)
    twice = {"whole": extract_frames(whole, tmp_path / "twice", options)}
    assert "whole: has only 25 frames per second" in report_frames(twice, options)[1][0]
    slow = {"uneven": extract_frames(uneven, tmp_path / "slow", FrameOptions(fps=10))}
    assert report_frames(slow, FrameOptions(fps=10))[1] == []
