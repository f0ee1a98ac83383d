"""view.py on video files: labelled without extraction, and shown instead of the frames that were made of them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from browsed import Page
from conftest import pattern_index, run_here, user_error
from encoded import encode
from viewed import client, event, labels_of, make_viewed, put

import prepare_data
import view
from evaluation.rule import Rule
from spotting.event_files import Square, write_candidates, write_events
from util.io import read_json, write_json

SIZE = (480, 320)  # of the videos; frames are extracted at 64 lines


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("videos") / "Videos"
    for name in ("cup/a_1.mp4", "cup/a_2.mkv", "b_1.ts"):
        encode(folder / name, num_frames=60, size=SIZE)
    return folder


def picture(page, video, frame):
    answer = page.get(f"/frames/{video}/{frame}" + ".jpg" * isinstance(frame, int))
    assert answer.status_code == 200, answer.get_json()
    return cv2.imdecode(np.frombuffer(answer.data, np.uint8), cv2.IMREAD_COLOR)


def session(page):
    return page.get("/api/session").get_json()


@pytest.mark.parametrize("how", ["--videos", "last"])
def test_videos_are_labelled_without_frames_on_the_frames_that_extraction_gives(videos, tmp_path, how):
    given = ["--videos", videos] if how == "--videos" else [videos]
    page = client(*given, "--label", tmp_path / "new", "--classes", "PASS", "--labels", tmp_path / "Labels")
    described = session(page)["videos"]
    assert [(v["name"], v["num_frames"], v["fps"], v["from_file"]) for v in described] == [
        (name, 60, 25.0, True) for name in ("b_1", "cup/a_1", "cup/a_2")]
    for video in range(3):
        seen = picture(page, video, 37)
        assert seen.shape[1::-1] == SIZE and pattern_index(seen) == 37
        assert put(page, labels_of(page, video), [event(37)], video).status_code == 200
    assert read_json(tmp_path / "Labels/cup/a_1.json") == {
        "video": "cup/a_1", "fps": 25.0, "events": [{"frame": 37, "label": "PASS"}]}
    run_here(prepare_data, "--videos", videos, "--output", tmp_path / "Frames", "--labels", tmp_path / "Labels",
             "--dataset", tmp_path / "new", "--split_by", "video", "--height", 64, "-j", 1)
    entries = [entry for split in ("train", "val", "test") for entry in read_json(tmp_path / "new" / f"{split}.json")]
    assert sorted((e["video"], e["events"][0]["frame"]) for e in entries) == [
        (name, 37) for name in ("b_1", "cup/a_1", "cup/a_2")]
    again = client(tmp_path / "Frames", "--videos", videos, "--label", tmp_path / "new", "--labels",
                   tmp_path / "Labels")
    assert [(v["from_file"], v["size"]) for v in session(again)["videos"]] == [(True, [96, 64])] * 3
    assert pattern_index(picture(again, 1, 12)) == 12 and picture(again, 1, 12).shape[1::-1] == SIZE


def test_one_file_of_proposals_goes_with_videos_too(videos, tmp_path):
    found = tmp_path / "a_1.events.json"
    write_json(found, [{"video": "cup/a_1", "fps": 25, "events": [{"frame": 3, "label": "PASS", "score": 0.9}]}])
    page = client(found, "--label", tmp_path / "mine", "--classes", "PASS", "--labels", tmp_path / "Labels",
                  "--videos", videos)
    assert [model["file"] for model in session(page)["models"]] == [found.name]


def test_results_are_looked_at_with_the_pictures_of_the_videos_where_they_are_there(tmp_path):
    viewed = make_viewed(tmp_path)
    encode(tmp_path / "Videos/cup/a_2.mp4", num_frames=60, size=SIZE)
    page = client(*viewed.arguments("--videos", tmp_path / "Videos"))
    assert picture(page, 0, 31).shape[1::-1] == (96, 64) and picture(page, 1, 31).shape[1::-1] == SIZE
    assert pattern_index(picture(page, 0, 31)) == pattern_index(picture(page, 1, 31)) == 31
    without = client(viewed.model, "-s", "test", "--videos", tmp_path / "Videos", "--labels", viewed.labels)
    assert [v["has_frames"] for v in session(without)["videos"]] == [False, True]
    assert pattern_index(picture(without, 1, 59)) == 59


def test_where_a_video_file_cannot_be_read_its_extracted_frames_are_shown(tmp_path):
    viewed = make_viewed(tmp_path)
    (tmp_path / "Videos/cup").mkdir(parents=True)
    for name in ("a_1", "a_2"):
        (tmp_path / f"Videos/cup/{name}.mp4").write_bytes(b"no video")
    (viewed.frames / "cup/a_2/000031.jpg").unlink()
    page = client(*viewed.arguments("--videos", tmp_path / "Videos"))
    assert pattern_index(picture(page, 0, 31)) == 31
    assert "cannot be opened as a video" in page.get("/frames/1/31.jpg").get_json()["error"]


def test_frames_at_another_rate_keep_their_numbers(tmp_path):
    encode(tmp_path / "Videos/a_1.mp4", num_frames=60, size=SIZE)
    run_here(prepare_data, "--videos", tmp_path / "Videos", "--output", tmp_path / "Frames", "--fps", 10, "-j", 1)
    both = [client(tmp_path / "Frames", *more, "--label", tmp_path / "new", "--classes", "PASS", "--labels", tmp_path)
            for more in ([], ["--videos", tmp_path / "Videos"])]
    frames, file = ([pattern_index(picture(page, 0, n)) for n in range(24)] for page in both)
    assert frames == file and frames[:3] == [0, 2, 5]  # at 0, 100 and 200 ms; of two as near the earlier


def test_what_cannot_be_shown_is_said_and_never_takes_the_videos_for_an_output(videos, tmp_path):
    new = ["--label", tmp_path / "new", "--classes", "PASS", "--labels", tmp_path / "Labels"]
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/readme.txt").write_text("notes")
    line = user_error(run_here(view, tmp_path / "notes", *new))
    assert "view.py DIR_OF_VIDEOS --label" in line and f"--output {tmp_path}" not in line
    (tmp_path / "notes/a_1.events.json").write_text("[]")
    (tmp_path / "notes/a_1.events.mp4").write_bytes(b"a copy that shows the events")
    assert f"view.py {tmp_path / 'notes'} DIR_OF_VIDEOS --label" in user_error(run_here(view, tmp_path / "notes", *new))
    assert "a_1.mp4: is a file" in user_error(run_here(view, videos / "cup/a_1.mp4", *new))
    assert "no video files found" in user_error(run_here(view, "--videos", tmp_path / "notes", *new))
    assert "no such folder" in user_error(run_here(view, "--videos", tmp_path / "nowhere", *new))
    assert "name a folder" in run_here(view, *new).stderr
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad/a_1.mp4").write_bytes(b"no video")
    done = run_here(view, tmp_path / "bad", *new)
    assert done.returncode == 2 and "left out: " in done.stderr and "none of its videos can be read" in done.stderr
    write_json(tmp_path / "Labels/cup/a_1.json", {"events": [{"frame": 99, "label": "PASS"}]})
    assert "whose frames are 0 to 59" in user_error(run_here(view, videos, *new))


def test_the_square_that_a_model_sees_is_told(tmp_path):
    viewed = make_viewed(tmp_path)
    assert [m["squares"] for m in session(client(*viewed.arguments()))["models"]] == [[]]
    config = read_json(viewed.model / "config.json")
    write_json(viewed.model / "config.json", config | {"crop_dim": 48, "frame_height": 224})
    assert [m["squares"] for m in session(client(*viewed.arguments()))["models"]] == [[[48, None]] * 2]
    first, second = read_json(viewed.dataset / "test.json")
    write_json(viewed.dataset / "test.json", [first, second | {"width": 96, "height": 64}])
    assert [m["squares"] for m in session(client(*viewed.arguments()))["models"]] == [[[48, None], [48, 64]]]


def test_the_square_of_what_spot_video_found_is_drawn(videos, tmp_path, driver, serve):
    found, rule = tmp_path / "found", Rule(threshold=0.2)
    events = [{"label": "PASS", "frame": 4, "score": 0.3}]
    for name, square in (("cup/a_1", Square(48, 64)), ("cup/a_2", None)):
        write_events(found / f"{name}.events.json", name, 25.0, [event | {"seconds": 0.16} for event in events])
        write_candidates(found / f"{name}.events.recall.json.gz", name, 25.0, events, rule, ["PASS"], square)
    given = [found, "--label", tmp_path / "new", "--videos", videos, "--labels", tmp_path / "Labels"]
    assert [m["squares"] for m in session(client(*given))["models"]] == [[None, [48, 64], None]]
    page = Page(driver, serve(*given)).video("cup%2Fa_1")
    page.run("app.page.player.seek(43)")
    page.until("return app.page.player.drawn === 43")
    light = """const {left, top, w, h} = app.page.player.shown;
        const ctx = app.page.player.canvas.getContext("2d");
        const part = (x) => ctx.getImageData(left + x * w, top + h / 4, w / 5, h / 2).data;
        return [0.79, 0.4].map((x) => part(x).reduce((sum, value, i) => sum + (i % 4 === 1 ? value : 0), 0))"""
    (beside, within), told = page.run(light), page.run("return document.querySelector('button.crop').textContent")
    assert told == "model sees 48 × 48 of 64 lines"
    page.run("document.querySelector('button.crop').click()")
    whole = page.run(light)
    assert 0.5 < beside / whole[0] < 0.6 and within == whole[1]
    assert page.run("app.go(2)") is None
    page.until("return app.page.index === 2").until("return document.querySelector('button.crop').hidden")


def test_a_frame_that_is_shown_no_more_is_given_up_and_an_odd_question_refused(videos, tmp_path):
    page = client(videos, "--label", tmp_path / "new", "--classes", "PASS", "--labels", tmp_path / "Labels")
    assert page.get("/frames/0/3.jpg", headers={"X-Shown": "60"}).status_code == 400
    assert page.get("/frames/0/60.jpg").status_code == 404
    assert picture(page, 0, "3.jpg?lines=100").shape[1::-1] == (150, 100)
    assert page.get("/frames/0/3.jpg?lines=1081").status_code == page.get("/frames/0/3.jpg?lines=x").status_code == 400
    assert page.get("/frames/0/3.jpg", headers={"X-Shown": "5"}).status_code == 200


def test_the_browser_shows_each_frame_of_a_video_file_and_looks_closer_with_the_wheel(driver, serve, videos, tmp_path):
    new = "--label", tmp_path / "new", "--classes", "PASS", "--labels", tmp_path / "Labels"
    page = Page(driver, serve(videos, *new))
    page.video("cup%2Fa_1", 20)
    for key, shift, frame in (("ArrowRight", False, 21), ("ArrowLeft", False, 20), ("ArrowLeft", True, 10),
                              ("ArrowLeft", False, 9), ("End", False, 59), ("Home", False, 0)):
        page.press(key, shift=shift).until("return app.page.player.drawn === arguments[0]", frame)
        assert page.pictured() == page.counted() == frame

    def mouse(kind, x, y, **more):
        driver.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": kind, "x": x, "y": y, **more})

    place = page.run("const r = app.page.player.canvas.getBoundingClientRect(); return [r.x + 100, r.y + 100]")
    mouse("mouseWheel", *place, deltaX=0, deltaY=-500)
    page.until("return app.page.player.place.zoom > 2 && app.page.player.frames.lines === 1080"
               " && app.page.player.frames.sharpness.get(app.page.player.frame) === 1080")
    before = page.run("return app.page.player.shown.left")
    mouse("mousePressed", *place, button="left", buttons=1, clickCount=1)
    mouse("mouseMoved", place[0] - 40, place[1], button="left", buttons=1)
    mouse("mouseReleased", place[0] - 40, place[1], button="left", clickCount=1)
    page.until("return Math.abs(app.page.player.shown.left - arguments[0] + 40 * devicePixelRatio) < 2", before)
    page.press("ArrowRight").until("return app.page.player.drawn === 1 && app.page.player.place.zoom > 2")
    for clicks in (1, 2):
        for kind in ("mousePressed", "mouseReleased"):
            mouse(kind, *place, button="left", clickCount=clicks)
    page.until("return app.page.player.place.zoom === 1")
    assert page.pictured() == 1
