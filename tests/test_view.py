"""view.py over HTTP: its numbers, frames and refusals, and what it says to bad input."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from itertools import product

import numpy as np
import pytest
from conftest import REPO, run_here, run_script, user_error
from viewed import CLASSES, EVENTS, FPS, NUM_FRAMES, WRITE, client, event, labels_of, make_viewed, put

import eval as eval_script
import view
from evaluation.report import evaluate
from evaluation.rule import Rule
from util.events import event_table
from util.io import read_json, write_json


@pytest.fixture
def viewed(tmp_path):
    return make_viewed(tmp_path)


# Numbers


@pytest.mark.parametrize("options", [[], ["--threshold", "0.25", "--nms_window", "3"],
                                     ["--threshold", "0.25", "--soft_nms", "3"],
                                     ["--threshold", "0.25", "--nms_window", "0.12s"]])
def test_the_numbers_of_the_overview_are_those_of_eval(viewed, tmp_path, options):
    path = viewed.model / "pred-test.epoch01.recall.json.gz"
    one, other = read_json(path)  # equal scores in both, of which file order decides
    moved = [{**guess, "frame": min(guess["frame"] + 3, NUM_FRAMES - 1)} for guess in one["events"]]
    write_json(path, [other, {**one, "events": moved}])
    run_here(eval_script, "-s", "test", viewed.model, "--json", tmp_path / "r.json", *options)
    results = read_json(tmp_path / "r.json")
    page = client(*viewed.arguments())
    soft, *window = "--soft_nms" in options, *options[3:]
    query = f"?threshold=0.25&window={window[0]}&soft={int(soft)}&tolerance=2" if options else ""
    (model,) = page.get(f"/api/overview{query}").get_json()["models"]
    for k, name in enumerate(CLASSES):
        assert model["nms"][k] == [results["nms"][t][name] for t in ("0", "1", "2", "4")]
        assert model["f1"]["classes"][k] == results["f1"]["2"][name]
        assert model["at"]["classes"][k] == results["nms"]["2"][name]
    assert model["mAP"] == pytest.approx(list(results["mAP"]["nms"].values()), abs=1e-12)
    assert model["mean_mAP"] == pytest.approx(results["mean_mAP"]["nms"], abs=1e-12)
    assert model["at"]["mAP"] == pytest.approx(results["mAP"]["nms"]["2"], abs=1e-12)
    assert model["f1"]["all"] == results["all"]["2"]
    assert 0 < model["f1"]["all"]["f1"] < 1
    (described,) = page.get("/api/session").get_json()["models"]
    if not options:
        assert described["threshold"] == results["threshold"] != 0.5
        assert described["threshold_from"] == results["threshold_from"]


def test_the_numbers_of_a_video_are_those_that_it_would_have_alone(viewed):
    model = client(*viewed.arguments()).get("/api/overview?threshold=0.4&tolerance=1").get_json()["models"][0]
    truth = read_json(viewed.dataset / "test.json")
    predictions = read_json(viewed.model / "pred-test.epoch01.recall.json.gz")
    for entry, row in zip(truth, model["videos"], strict=True):
        of_video = event_table([v for v in predictions if v["video"] == entry["video"]], [entry["video"]], CLASSES)
        alone = evaluate([entry], of_video, CLASSES, [1], rule=Rule(threshold=0.4)).as_json()
        mean = alone["mAP"]["nms"]["1"]
        assert row == {**alone["all"]["1"], "mAP": pytest.approx(mean, abs=1e-12), "truths": len(EVENTS)}


def test_classes_called_as_sums_and_as_members_of_any_object_have_their_own_numbers(tmp_path):
    classes = ["all", "mAP", "constructor"]
    viewed = make_viewed(tmp_path, classes=classes)
    page = client(*viewed.arguments())
    (model,) = page.get("/api/overview?threshold=0.5").get_json()["models"]
    assert [model["f1"]["classes"][k]["tp"] for k in range(3)] == [2, 2, 0]
    assert [row["fn"] for row in model["f1"]["classes"]] == [2, 4, 0] and model["f1"]["all"]["tp"] == 4
    assert model["nms"][2] == [None] * 4 and model["at"]["classes"][2] is None


def test_marks_of_a_video_follow_the_events_that_the_page_has(viewed):
    page = client(*viewed.arguments())
    frames, labels = [8, 20, 31, 45], [1, 0, 1, 1]
    (marks,) = page.post(
        "/api/videos/1/marks?threshold=0.5", json={"frames": frames, "labels": labels}, headers=WRITE
    ).get_json()
    assert list(zip(marks["frame"], marks["label"], marks["partner"], strict=True)) == [
        (9, 1, 0), (20, 0, 1), (40, 0, -1), (46, 1, 3)]
    assert marks["f1"]["all"]["tp"] == 3 and marks["f1"]["classes"][1]["tp"] == 2
    assert marks["confused"] == [-1] * 4 and marks["right"] == [None] * 4


def test_marks_tell_the_side_of_predictions_that_have_one(viewed):
    path = viewed.model / "pred-test.epoch01.recall.json.gz"
    predictions = read_json(path)
    for guess in predictions[1]["events"]:
        if guess["frame"] in (9, 46):
            guess |= {"team": "left" if guess["frame"] == 9 else "right", "team_score": 0.75}
    write_json(path, predictions)
    (marks,) = client(*viewed.arguments()).post(
        "/api/videos/1/marks?threshold=0.5", json={"frames": [], "labels": []}, headers=WRITE).get_json()
    assert dict(zip(marks["frame"], marks["right"], strict=True)) == {9: 0.25, 20: None, 40: None, 46: 0.75}


def test_the_places_behind_a_number_of_the_confusion_matrix_are_as_many_as_it_says(viewed):
    page = client(*viewed.arguments())
    table = page.get("/api/overview?threshold=0.5").get_json()["models"][0]["confusion"]
    assert np.array(table).sum() > 0
    for row, counts in enumerate(table):
        for column, count in enumerate(counts):
            if row == column == len(CLASSES):
                continue
            cell = "".join(f"&{key}={index}" for key, index in (("true", row), ("predicted", column))
                           if index < len(CLASSES))
            cases = page.get(f"/api/cases?model=0&threshold=0.5{cell}").get_json()
            assert cases["total"] == len(cases["frame"]) == count, cell
    confused = page.get("/api/cases?model=0&threshold=0.5&true=1&predicted=0").get_json()
    assert (confused["video"], confused["frame"]) == ([0, 1], [40, 40])
    late = page.get("/api/cases?model=0&threshold=0.5&true=1&predicted=1&offset=1").get_json()
    assert late["frame"] == [9, 9]
    assert page.get("/api/cases?model=0&threshold=0.5&true=1&predicted=1&offset=-1").get_json()["total"] == 0


def test_labels_that_were_edited_can_be_the_truth_of_the_overview(viewed):
    page = client(*viewed.arguments())
    before = page.get("/api/overview?threshold=0.5").get_json()
    assert page.get("/api/labels").get_json()["differing"] == []
    put(page, labels_of(page), [event(9), event(46)])
    assert page.get("/api/labels").get_json()["differing"] == [0]
    assert page.get("/api/overview?threshold=0.5").get_json() == before
    after = page.get("/api/overview?threshold=0.5&truth=labels").get_json()
    assert after["truths"] == [[0, 2], [2, 3]]
    assert after["models"][0]["videos"][0]["tp"] == 2


@pytest.mark.parametrize("query", ["threshold=x", "threshold=nan", "threshold=1&threshold=2", "window=-1", "window=11s",
                                   "tolerance=1.5", "tolerance=99999999999"])
def test_settings_that_make_no_sense_are_refused(viewed, query):
    answer = client(*viewed.arguments()).get(f"/api/overview?{query}")
    assert answer.status_code == 400
    assert answer.get_json()["error"]


def test_what_is_no_number_that_there_is_is_refused_wherever_it_stands(viewed):
    page = client(*viewed.arguments())
    paths = ("/frames/{}/0.jpg", "/frames/0/{}.jpg", "/api/videos/{}/labels", "/api/videos/0/scores/{}",
             "/api/overview?threshold={}", "/api/overview?window={}", "/api/cases?model=0&true=0&predicted=0&offset={}",
             "/api/cases?model={}&true=0", "/api/cases?model=0&true={}", "/api/cases?model=0&predicted={}")
    for path, number in product(paths, ("9" * 60, "9" * 5000, "1e400", "nan", "%00", "%ff", "")):
        answer = page.get(path.format(number))
        assert answer.status_code in (400, 404), (path, number)
        assert "\n" not in answer.get_json()["error"]


def test_two_models_are_side_by_side_by_the_names_that_tell_them_apart(viewed, tmp_path):
    other = tmp_path / "more" / "out"
    for file in viewed.model.iterdir():
        if "score" not in file.name:
            write_json(other / file.name, read_json(file))
    page = client(viewed.model, other, viewed.frames, "-s", "test")
    session = page.get("/api/session").get_json()
    assert [model["name"] for model in session["models"]] == [f"{tmp_path.name}/out", "more/out"]
    models = page.get("/api/overview?threshold=0.5&threshold=0.7").get_json()["models"]
    assert models[0]["f1"]["all"]["tp"] + models[0]["f1"]["all"]["fp"] == 8
    assert models[1]["f1"]["all"]["tp"] + models[1]["f1"]["all"]["fp"] == 4
    every, events = (
        np.frombuffer(page.get(f"/api/videos/0/scores/{model}").data, "<u2").reshape(2, NUM_FRAMES) / 65535
        for model in (0, 1)
    )
    assert every[1, 9] == pytest.approx(0.9, abs=1e-4)
    assert (every > 0).all()
    assert events[1, 9] == every[1, 9]
    assert ((events == 0) == (every < 0.01)).all()  # without the file of all scores: the events'


# Frames


def test_frames_are_sent_as_they_lie_on_disk_and_may_be_kept(viewed):
    page = client(*viewed.arguments())
    answer = page.get("/frames/1/37.jpg")
    assert answer.data == (viewed.frames / "cup" / "a_2" / "000037.jpg").read_bytes()
    assert answer.mimetype == "image/jpeg"
    assert "max-age=31536000" in answer.headers["Cache-Control"]
    assert page.get("/frames/1/37.jpg", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304


def test_times_of_the_page_are_those_of_video_json(viewed):
    record = {"num_frames": NUM_FRAMES, "fps": FPS, "source_frames": NUM_FRAMES}
    stamps = {"first": 0.4, "unit": "1/1000", "steps": "40x30 60x30"}
    write_json(viewed.frames / "cup" / "a_1" / "video.json", record | {"stamps": stamps})
    write_json(viewed.frames / "cup" / "a_2" / "video.json", record | {"stamps": stamps | {"steps": "40x60"}})
    uneven, even = client(*viewed.arguments()).get("/api/session").get_json()["videos"]
    assert uneven["stamps"] == stamps | {"unit": "1/1000000", "steps": "40000x30 60000x30"}
    assert (even["start"], even["stamps"]) == (0.4, None)


@pytest.mark.parametrize("path", ["/frames/0/60.jpg", "/frames/2/0.jpg", "/frames/0/-1.jpg", "/frames/-1/0.jpg",
                                  "/frames/0/../../data/small/test.json", "/frames/0/..%2f..%2fsecret.jpg",
                                  "/frames/cup%2fa_1/0.jpg", "/static/../server.py", "/static/..%2fserver.py"])
def test_no_path_leads_out_of_the_frames(viewed, path):
    (viewed.frames / "cup" / "secret.jpg").write_bytes(b"secret")
    (viewed.frames / "cup" / "a_1" / "000060.jpg").write_bytes(b"not of the video")
    answer = client(*viewed.arguments()).get(path)
    assert answer.status_code == 404
    assert b"secret" not in answer.data


def test_names_in_any_letters_and_with_markup_come_through_as_they_are(tmp_path):
    odd = "cup é/日本 it's #1 100% & more_1"
    if os.name != "nt":  # where names may hold these too
        odd = 'cup é/<img src=x onerror="alert(1)"> \'#1\' 100% &_1'
    viewed = make_viewed(tmp_path, [odd, "b"])
    page = client(*viewed.arguments())
    assert page.get("/api/session").get_json()["videos"][0]["name"] == odd
    assert b"onerror" not in page.get("/").data
    assert page.get("/frames/0/3.jpg").status_code == 200
    assert put(page, labels_of(page), [event(3)]).status_code == 200
    assert read_json(viewed.labels / f"{odd}.json")["events"] == [{"frame": 3, "label": "PASS"}]


# Refusals


@pytest.mark.parametrize("headers", [
    {"Host": "evil.example"}, {"Host": "127.0.0.1.evil.example:8765"}, {"Host": ""},
    {"Origin": "https://evil.example"}, {"Origin": "null"},
    {"Host": "127.0.0.1/evil.example"}, {"Host": "evil.example@127.0.0.1"}, {"Host": "127.0.0.1#evil.example"},
    {"Host": "127.0.0.1:8765,evil.example"}, {"Host": "127.0.0.1:x"}, {"Host": "[::1"}, {"Host": "127.0.0.1\xff"},
    {"Origin": "http://["}, {"Origin": "http://[::1"}, {"Origin": ""}, {"Origin": "\xff"},
    {"Origin": "http://127.0.0.1:9999", "Host": "127.0.0.1:8765"}, {"Sec-Fetch-Site": "cross-site"},
])
def test_other_hosts_and_pages_of_other_origins_get_nothing(viewed, headers):
    page = client(*viewed.arguments())
    assert page.get("/api/session", headers=headers).status_code == 403
    assert put(page, {"revision": "none"}, [event(1)], **headers).status_code == 403
    assert not viewed.labels.exists()


def test_a_form_of_another_page_cannot_write(viewed):
    page = client(*viewed.arguments())
    body = json.dumps({"revision": "none", "events": []})
    for headers, kind in (({}, "application/json"), (WRITE, "text/plain"), ({}, "text/plain")):
        for send in (page.put, page.post):
            path = "/api/videos/0/labels" if send == page.put else "/api/videos/0/marks"
            assert send(path, data=body, headers=headers, content_type=kind).status_code == 403
    assert not viewed.labels.exists()


@pytest.mark.parametrize("host", ["localhost:8765", "127.0.0.1", "[::1]:8765", "LOCALHOST"])
def test_this_machine_may_be_called_by_its_local_names(viewed, host):
    headers = {"Host": host, "Origin": f"http://{host.lower()}"}
    assert client(*viewed.arguments()).get("/api/session", headers=headers).status_code == 200


def test_the_page_may_load_nothing_from_elsewhere(viewed):
    page = client(*viewed.arguments())
    for path in ("/", "/static/main.js", "/api/session", "/nothing"):
        policy = page.get(path).headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self';")
        assert "unsafe" not in policy
    for path in (REPO / "viewer" / "static").iterdir():
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "://" not in text, path
        assert not re.search(r"innerHTML|insertAdjacentHTML|document\.write|eval\(", text), path


# Bad input


def complaint(*arguments):
    return user_error(run_here(view, *arguments))


def test_what_is_missing_is_named_with_the_command_that_makes_it(viewed, tmp_path):
    assert "no such split" in complaint(viewed.model, viewed.frames, "-s", "train")
    for file in viewed.model.glob("pred-test.*"):
        file.unlink()
    line = complaint(*viewed.arguments())
    assert "no predictions for split test" in line
    assert "test_e2e.py" in line and "--save" in line
    assert "prepare_data.py" in complaint(tmp_path / "nothing", "-s", "test", "-d", viewed.dataset)
    assert "no such model folder or prediction file" in complaint(tmp_path / "gone", viewed.frames, "-s", "test")
    assert "no such folder of frames or videos; correct" in complaint(tmp_path / "V", "--label", viewed.dataset)
    (tmp_path / "empty").mkdir()
    assert "has no frames" in complaint(tmp_path / "empty", "-s", "test", "-d", viewed.dataset)
    assert "no folder of frames" in complaint(tmp_path / "empty", "--label", viewed.dataset)
    assert "the folder above it" in complaint(viewed.frames / "cup" / "a_1", "--label", viewed.dataset)


def test_what_does_not_fit_together_is_one_line(viewed, tmp_path):
    assert "name a dataset, -d" in complaint(viewed.frames, "-s", "test")
    assert "--classes PASS DRIVE" in complaint(viewed.frames, "--label", tmp_path / "new")
    assert "each once" in complaint(viewed.frames, "--label", tmp_path / "new", "--classes", "A", "A")
    assert "leave --classes away" in complaint(viewed.frames, "--label", viewed.dataset, "--classes", "PASS", "DRIVE")
    other = make_viewed(tmp_path / "other")
    assert "different datasets" in complaint(viewed.model, other.model, viewed.frames, "-s", "test")
    (viewed.dataset / "class.txt").write_text("DRIVE\nPASSES\n")
    assert "class.txt" in complaint(*viewed.arguments())
    write_json(other.labels / "cup" / "a_1.json", {"events": [{"frame": 99, "label": "PASS"}]})
    assert "PASS is not in the video, whose frames are 0 to 59" in complaint(*other.arguments())
    write_json(other.frames / "cup" / "a_1" / "video.json",
               {"num_frames": 30, "fps": 12.5, "source_frames": 60, "source_fps": 25.0})
    assert "holds 30 frames, but split test says 60" in complaint(*other.arguments())


def test_a_port_that_was_asked_for_and_is_taken_is_an_error(viewed):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"port {port} of 127.0.0.1 is taken" in complaint(*viewed.arguments("--port", port))
    assert "cannot listen on 192.0.2.1" in complaint(*viewed.arguments("--host", "192.0.2.1"))


# As a user starts it


def test_it_starts_without_what_takes_long_to_import():
    code = "import sys, view; print([m for m in ('torch', 'cv2', 'av', 'matplotlib', 'pandas') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=REPO, capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no way to send Ctrl-C to one process")
def test_two_starts_take_two_ports_and_signals_end_them_in_one_line(viewed):
    def start():
        command = [sys.executable, str(REPO / "view.py"), *map(str, viewed.arguments())]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8")
        said = []
        for line in process.stdout:
            said.append(line)
            if line.startswith("http://"):
                return process, line.strip(), said
        pytest.fail("".join(said))

    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # past a proxy of the environment
    started = [start(), start()]
    assert started[0][1] != started[1][1]
    for _process, address, said in started:
        assert "threshold" in "".join(said)
        with direct.open(f"{address}api/session") as answer:
            assert json.load(answer)["split"] == "test"
    for (process, *_), number in zip(started, (signal.SIGINT, signal.SIGTERM), strict=True):
        process.send_signal(number)
        assert process.communicate()[0].splitlines()[-1] == "stopped" and process.returncode == 128 + number


def test_help_tells_the_three_ways_to_start():
    said = run_script("view.py", "--help").stdout
    assert "-s test" in said and "--label mine" in said


def test_the_overview_has_eval_pys_numbers_of_sides_of_the_split_and_of_edited_labels(viewed):
    path = viewed.model / "pred-test.epoch01.recall.json.gz"
    predictions = read_json(path)
    for guess in [guess for video in predictions for guess in video["events"]]:
        guess |= {"team": "left" if guess["frame"] < 35 else "right", "team_score": 0.75}
    write_json(path, predictions)
    page, sides = client(*viewed.arguments()), {"BRA": "left"}
    assert page.get("/api/overview").get_json()["models"][0]["team_mAP"] is None  # nothing says where BRA plays
    config = read_json(viewed.model / "config.json")
    write_json(viewed.model / "config.json", config | {"team_sides": {"cup/a_1": sides, "cup/a_2": sides}})
    run_here(eval_script, viewed.model, "-s", "test", "--timelines", 0, "--json", viewed.model / "r.json")
    expected = read_json(viewed.model / "r.json")["team"]
    page = client(*viewed.arguments())
    threshold = page.get("/api/session").get_json()["models"][0]["threshold"]
    for truth in ("split", "labels"):
        model = page.get(f"/api/overview?threshold={threshold}&tolerance=2&truth={truth}").get_json()["models"][0]
        assert model["team_mAP"] == pytest.approx(expected["mean_mAP"])
        assert model["side_accuracy"] == pytest.approx(expected["accuracy"]["2"])
    assert 0 < expected["mean_mAP"] and 0 < expected["accuracy"]["2"] <= 1
