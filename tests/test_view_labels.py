"""Labels that view.py edits: where editing begins, what is written, and who is refused."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import run_here, user_error
from viewed import (
    CLASSES,
    EVENTS,
    FPS,
    NUM_FRAMES,
    WRITE,
    client,
    event,
    labels_of,
    make_entry,
    make_viewed,
    open_session,
    put,
    write_frames,
)

import eval as eval_script
import view
from evaluation.rule import Rule
from label_forms.clock import clock_of
from label_forms.forms import read_labels
from label_forms.timeline import place_events
from label_forms.videos import WHOLE, Labelled
from spotting.event_files import write_candidates, write_events
from util.errors import UserError
from util.io import read_json, write_json
from viewer import store


@pytest.fixture
def viewed(tmp_path):
    return make_viewed(tmp_path)


def test_editing_begins_with_the_split_and_leaves_a_file_and_the_first_state(viewed):
    split = viewed.dataset / "test.json"
    write_json(split, [entry | {"season": "2024"} for entry in read_json(split)])
    page = client(*viewed.arguments())
    state = labels_of(page)
    assert (state["source"], [e["frame"] for e in state["events"]]) == ("split", list(EVENTS))
    assert not viewed.labels.exists()
    moved = [{**e, "frame": e["frame"] + 1} if e["frame"] == 31 else e for e in state["events"]]
    put(page, state, [*moved, event(3, "DRIVE")])
    path = viewed.labels / "cup" / "a_1.json"
    assert read_json(path) == {
        "video": "cup/a_1", "season": "2024", "fps": FPS,
        "events": [{"frame": 3, "label": "DRIVE"}, *(
            {"frame": f + (f == 31), "label": name, "team": "BRA"} for f, name in EVENTS.items())],
    }
    first = [{"frame": e["frame"], "label": e["label"], "team": e["team"]} for e in make_entry("")["events"]]
    assert read_json(path.with_name("a_1.json.orig"))["events"] == first
    assert [labels.path.name for labels in read_labels(viewed.labels)] == ["a_1.json"]


def test_a_file_that_is_there_is_edited_with_all_that_it_holds_and_kept_as_it_was(viewed):
    path = viewed.labels / "cup" / "a_1.json"
    entry = {"fps": 25, "by": {"name": "Zoë"}, "num_events": 1,
             "events": [{"frame": 7, "team": "ARG", "label": "PASS", "id": 12345678901234567890, "x": 1.0}]}
    write_json(path, entry)
    first = path.read_bytes()
    page = client(*viewed.arguments())
    state = labels_of(page)
    assert state["source"] == "file"
    put(page, state, [*state["events"], event(50)])
    put(page, labels_of(page), labels_of(page)["events"][:1] + [event(51)])
    assert path.with_name("a_1.json.orig").read_bytes() == first
    now = read_json(path)
    assert now["events"] == [entry["events"][0], {"frame": 51, "label": "PASS"}]
    assert type(now["events"][0]["x"]) is float
    assert (now["by"], now["num_events"]) == (entry["by"], 2)


def test_an_event_need_not_say_where_it_stood_in_the_file(viewed):
    page = client(*viewed.arguments(), "--labels", viewed.labels)
    assert put(page, labels_of(page), [{"frame": 3, "label": "PASS", "keys": {}}]).status_code == 200


def test_a_label_file_that_cannot_be_read_just_now_is_named_to_the_page(viewed):
    page = client(*viewed.arguments())
    (viewed.labels / "cup" / "a_1.json").mkdir(parents=True)
    answer = page.get("/api/videos/0/labels")
    assert answer.status_code == 500 and "a_1.json: " in answer.get_json()["error"]


def test_a_page_that_does_not_know_the_newest_labels_writes_nothing(viewed):
    page = client(*viewed.arguments())
    old = labels_of(page)
    first = put(page, old, [event(1)]).get_json()
    assert page.get("/api/videos/0/revision").get_json() == {"revision": first["revision"]}
    assert put(page, old, [event(2)]).status_code == 409
    assert [e["frame"] for e in labels_of(page)["events"]] == [1]
    # by hand, with an editor
    write_json(viewed.labels / "cup" / "a_1.json", {"events": [{"frame": 9, "label": "PASS"}]})
    assert put(page, first, [event(2)]).status_code == 409
    assert put(page, labels_of(page), [event(2)]).status_code == 200


def test_a_file_that_changes_while_it_is_read_is_not_taken_for_the_new_one(viewed, monkeypatch):
    path = viewed.labels / "cup" / "a_1.json"
    write_json(path, {"events": [{"frame": 5, "label": "PASS"}]})
    page = client(*viewed.arguments())
    write_json(path, {"events": [{"frame": 6, "label": "PASS"}]})
    parse = store.parse_label_file

    def changed_meanwhile(*read):
        monkeypatch.setattr(store, "parse_label_file", parse)
        write_json(path, {"events": [{"frame": 7, "label": "PASS"}]})
        return parse(*read)

    monkeypatch.setattr(store, "parse_label_file", changed_meanwhile)
    old = labels_of(page)
    assert [e["frame"] for e in old["events"]] == [6]
    assert put(page, old, [event(8)]).status_code == 409
    assert [e["frame"] for e in read_json(path)["events"]] == [7]


def test_two_servers_on_one_folder_lose_no_save_that_they_acknowledged(viewed):
    pages = [client(*viewed.arguments(), "--labels", viewed.labels) for _ in range(2)]
    saved: list[list[int]] = [[], []]

    def save_all(number):
        for frame in range(number, NUM_FRAMES, 2):
            state = labels_of(pages[number])
            answer = put(pages[number], state, [*state["events"], event(frame, keys={"by": str(number)})])
            assert answer.status_code in (200, 409), answer.data
            saved[number] += [frame] if answer.status_code == 200 else []

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(save_all, (0, 1)))
    found = [(e["frame"], e["by"]) for e in read_json(viewed.labels / "cup" / "a_1.json")["events"] if "by" in e]
    assert found == sorted((frame, number) for number in (0, 1) for frame in saved[number])
    assert sorted(path.name for path in (viewed.labels / "cup").iterdir()) == ["a_1.json", "a_1.json.orig"]


@pytest.mark.parametrize("wrong", [event(NUM_FRAMES), event(-1), event(1.5), event(True), event(1, "SHOT"), "x",
                                   event(1, keys=[]), event(1, keys="{}"), event(1, keys={"frame": "3"}),
                                   event(1, at=-1), {"frame": 1, "label": "PASS"}, event(1, at=10**60),
                                   event(1, ["PASS"]), event(10**60), event(1, keys={"x": "NaN"}),
                                   event(1, keys={"x": 3}), event(1, keys={"\ud800": "1"}), event(1, keys={"x": "{"}),
                                   event(1, keys={"x": '"\\ud800"'}), event(1, keys={"x": '{"a":' * 9999}),
                                   event(1, keys={"xy": "[2, 0.5]"}), event(1, keys={"xy": '"0.5"'})])
def test_events_that_could_not_be_read_again_are_not_written(viewed, wrong):
    page = client(*viewed.arguments())
    assert put(page, labels_of(page), [wrong]).status_code == 400
    for body in ("[1", "[" * 99999, '{"events": NaN}', '{"x": "\\ud800"}', f'{{"x": {"9" * 5000}}}', "\ufeff" * 3):
        answer = page.put("/api/videos/0/labels", data=body.encode(), headers=WRITE, content_type="application/json")
        assert answer.status_code == 400 and answer.get_json()["error"].startswith("must be JSON")
    assert not viewed.labels.exists()


@pytest.mark.parametrize(("source_fps", "source_frames"), [(50.0, 120), (59.94, 144), (10.0, 24)])
def test_labels_and_frames_of_different_rates_meet_as_in_prepare_data(viewed, source_fps, source_frames):
    record = {"num_frames": NUM_FRAMES, "fps": FPS, "source_frames": source_frames, "source_fps": source_fps}
    for video in ("a_1", "a_2"):
        write_json(viewed.frames / "cup" / video / "video.json", record)
    path = viewed.labels / "cup" / "a_1.json"
    in_file = list(range(1, source_frames, 7))
    write_json(path, {"events": [{"frame": frame, "label": "PASS"} for frame in in_file]})
    page = client(*viewed.arguments())

    def prepared(path):  # the extracted frames that prepare_data.py makes of a file
        (labels,) = read_labels(path)
        clock = clock_of(labels, record)
        return [clock.frame_of(event.position) for event in labels.events]

    state = labels_of(page)
    assert [e["frame"] for e in state["events"]] == prepared(path)
    put(page, state, [*state["events"], *(event(frame, "DRIVE") for frame in range(NUM_FRAMES))])
    drives = [f for f, e in zip(prepared(path), read_json(path)["events"], strict=True) if e["label"] == "DRIVE"]
    assert drives == list(range(NUM_FRAMES))
    if source_fps > FPS:  # every extracted frame has a number in the file: the others stay as exact as they were
        assert "fps" not in read_json(path)
        assert [e["frame"] for e in read_json(path)["events"] if e["label"] == "PASS"] == in_file
    else:
        assert read_json(path)["fps"] == FPS

    put(page, labels_of(page, 1), [event(frame) for frame in range(NUM_FRAMES)], video=1)
    new = viewed.labels / "cup" / "a_2.json"
    assert read_json(new)["fps"] == FPS
    assert prepared(new) == list(range(NUM_FRAMES))


def test_a_new_dataset_needs_no_more_than_frames_and_class_names(tmp_path):
    for video in ("b", "cup/a_1", "cup/a_2"):
        write_frames(tmp_path / "Frames" / video, 5)
    (tmp_path / "Frames" / "cup" / ".part-1-a_3").mkdir()
    arguments = [tmp_path / "Frames", "--label", tmp_path / "data" / "new", "--labels", tmp_path / "Labels"]
    session = open_session(*arguments, "--classes", "PASS", "DRIVE")
    view.write_classes(session)
    assert (tmp_path / "data" / "new" / "class.txt").read_text() == "PASS\nDRIVE\n"
    page = client(*arguments)
    told = page.get("/api/session").get_json()
    videos = [(video["name"], video["num_frames"]) for video in told["videos"]]
    assert videos == [("b", 5), ("cup/a_1", 5), ("cup/a_2", 5)]
    assert [c["name"] for c in told["classes"]] == ["PASS", "DRIVE"]
    assert labels_of(page)["events"] == []
    put(page, labels_of(page), [event(4)])
    assert read_json(tmp_path / "Labels" / "b.json") == {"video": "b", "events": [{"frame": 4, "label": "PASS"}]}
    assert read_json(tmp_path / "Labels" / "b.json.orig")["events"] == []
    assert page.get("/api/overview").get_json() == {"truths": [[1, 0], [0, 0], [0, 0]], "models": []}


def test_a_new_dataset_takes_the_classes_of_the_model_that_proposes_in_their_order(viewed, tmp_path):
    arguments = [tmp_path / "found", viewed.frames, "--label", tmp_path / "data" / "new", "--labels", viewed.labels]
    write_events(tmp_path / "found" / "cup" / "a_1.events.json", "cup/a_1", FPS, [])
    assert "name the classes of a new dataset" in user_error(run_here(view, *arguments))
    write_candidates(tmp_path / "found" / "cup" / "a_1.events.recall.json.gz", "cup/a_1", FPS, [],
                     Rule(threshold=0.5, source=""), ["SHOT", "DRIVE", "PASS"])
    assert open_session(*arguments).classes == ["SHOT", "DRIVE", "PASS"]
    assert open_session(*arguments, "--classes", "PASS").classes == ["PASS"]


def test_labelling_a_dataset_that_has_splits_begins_with_them_and_takes_proposals(viewed):
    write_frames(viewed.frames / "new", 10)
    page = client(viewed.model / "pred-test.epoch01.recall.json.gz", viewed.frames, "--label", viewed.dataset,
                  "--labels", viewed.labels)
    told = page.get("/api/session").get_json()
    assert [video["name"] for video in told["videos"]] == ["cup/a_1", "cup/a_2", "cup/v_1", "new"]
    assert [len(labels_of(page, i)["events"]) for i in range(4)] == [5, 5, 5, 0]
    (model,) = page.get("/api/overview?truth=labels").get_json()["models"]
    assert [row["tp"] + row["fp"] for row in model["videos"]] == [4, 4, 0, 0]


def test_what_spot_video_found_is_proposed_whole(viewed, tmp_path, capsys):
    write_frames(viewed.frames / "new", 10)
    write_json(viewed.frames / "new" / "video.json",
               {"num_frames": 10, "fps": FPS, "source_frames": 10, "source_fps": FPS})
    for video in ("elsewhere", "new", "cup/a_1"):
        events = [{"label": "PASS", "frame": 4, "score": 0.3, "seconds": 0.16}]
        write_events(tmp_path / "found" / f"{video}.events.json", video, FPS, events)
    arguments = [tmp_path / "found", viewed.frames, "--label", viewed.dataset, "--labels", viewed.labels]
    page = client(*arguments)
    assert "elsewhere.events.json: left out, as its video has no frames here" in capsys.readouterr().err
    (model,) = page.get("/api/session").get_json()["models"]
    assert (model["name"], model["threshold"]) == ("found", 0)
    (numbers,) = page.get("/api/overview").get_json()["models"]
    assert [row["fp"] for row in numbers["videos"]] == [1, 0, 0, 1]
    rule = Rule(threshold=0.25, source="")
    weak = [{**events[0], "frame": 5, "score": 0.2}, {**events[0], "frame": 8, "score": 0.2}]
    write_candidates(tmp_path / "found" / "new.events.recall.json.gz", "new", FPS, [*events, *weak], rule,
                     CLASSES)
    page = client(*arguments)
    assert page.get("/api/session").get_json()["models"][0]["threshold"] == 0.25
    for threshold, found in ((0.25, 1), (0.15, 2)):  # the slider down: a weaker one, but not what NMS leaves out
        (numbers,) = page.get(f"/api/overview?threshold={threshold}").get_json()["models"]
        assert numbers["videos"][3]["fp"] == found
    write_events(tmp_path / "found" / "new.events.json", "new", 50.0, events)
    twice = [{**events[0], "frame": 16, "score": 0.3}, {**events[0], "frame": 17, "score": 0.9}, *events]
    write_candidates(tmp_path / "found" / "new.events.recall.json.gz", "new", 50.0, twice, rule, CLASSES)
    (model,) = open_session(*arguments).models  # of spot_video.py --fps 50: by the time
    new = model.predicted.take(model.predicted.video == 3)
    assert sorted(zip(new.frame.tolist(), new.score.tolist(), strict=True)) == [(2, 0.3), (8, 0.9)]
    alone = tmp_path / "found" / "elsewhere.events.json"
    assert "none of the videos with frames" in user_error(run_here(view, alone, *arguments[1:]))


def test_what_was_rejected_and_what_is_labelled_is_kept_beside_the_events_and_comes_into_the_split(viewed, tmp_path):
    """At half the rate of the video: the file counts its frames, the page and the split the extracted ones."""
    record = {"num_frames": NUM_FRAMES, "fps": FPS, "source_frames": 2 * NUM_FRAMES, "source_fps": 2 * FPS,
              "width": 64, "height": 32}
    write_json(viewed.frames / "cup" / "a_1" / "video.json", record)
    path = viewed.labels / "cup" / "a_1.json"
    before = {"labelled": [[0, 19], [40, 119]],
              "rejected": [{"frame": 41, "label": "PASS", "by": "Zoë"}, {"frame": 50, "label": "SHOT"}],
              "events": [{"frame": 11, "label": "PASS"}]}
    write_json(path, before)
    page = client(*viewed.arguments())
    state = labels_of(page)
    assert state["labelled"] == [[0, 9], [20, 59]]
    assert [(e["frame"], e["keys"]) for e in state["rejected"]] == [(20, {"by": '"Zo\\u00eb"'})]
    more = {"rejected": [*state["rejected"], event(30, "DRIVE")], "labelled": [*state["labelled"], [9, 12]]}
    put(page, state, state["events"], more=more)
    now = read_json(path)
    assert now["labelled"] == [[0, 25], [40, 119]]
    assert now["rejected"] == [before["rejected"][0], {"frame": 60, "label": "DRIVE"}, before["rejected"][1]]
    assert now["events"] == before["events"]

    (labels,) = read_labels(path)
    (entry,) = place_events(Labelled(labels, {WHOLE: "cup/a_1"}), {"cup/a_1": record}, {}).entries
    assert entry["labelled"] == [[0, 12], [20, 59]]
    assert entry["rejected"] == [{"frame": 20, "label": "PASS", "by": "Zoë"}, {"frame": 30, "label": "DRIVE"},
                                 {"frame": 25, "label": "SHOT"}]
    put(page, labels_of(page), [])
    assert read_json(path) == {"rejected": before["rejected"][1:], "events": []}


@pytest.mark.parametrize("wrong", [{"labelled": [[5, 3]]}, {"labelled": [[0, NUM_FRAMES]]}, {"labelled": 3},
                                   {"rejected": [event(NUM_FRAMES)]}, {"rejected": {}}])
def test_rejections_and_ranges_that_could_not_be_read_again_are_not_written(viewed, wrong):
    page = client(*viewed.arguments())
    assert put(page, labels_of(page), [], more=wrong).status_code == 400
    assert not viewed.labels.exists()


def test_a_label_file_with_a_rejection_that_is_none_is_refused(viewed):
    path = viewed.labels / "cup" / "a_1.json"
    for wrong, words in ((3, "it must be a list"), ([{"frame": -1, "label": "PASS"}], "rejected: events[0]")):
        write_json(path, {"events": [], "rejected": wrong})
        with pytest.raises(UserError, match=re.escape(words)):
            read_labels(path)


def test_numbers_leave_out_what_nobody_has_labelled_as_eval_does(viewed, tmp_path):
    entries = read_json(viewed.dataset / "test.json")
    entries[0]["labelled"] = [[0, 30]]
    write_json(viewed.dataset / "test.json", entries)
    run_here(eval_script, "-s", "test", viewed.model, "--json", tmp_path / "r.json")
    numbers = client(*viewed.arguments()).get("/api/overview").get_json()["models"][0]
    assert numbers["mean_mAP"] == read_json(tmp_path / "r.json")["mean_mAP"]["nms"]
    assert [video["truths"] for video in numbers["videos"]] == [2, 5]


def test_what_to_label_next_is_what_the_model_doubts_and_nobody_has_labelled(viewed, tmp_path):
    for video in ("new/x_1", "new/y_1"):
        write_frames(viewed.frames / video, 200)
    scores = {"new/x_1": {20: 0.95, 120: 0.5}, "new/y_1": {150: 0.6}}
    write_json(tmp_path / "found.json", [
        {"video": video, "fps": FPS, "events": [{"frame": f, "label": "PASS", "score": s} for f, s in events.items()]}
        for video, events in scores.items()])
    write_json(viewed.labels / "new" / "y_1.json", {"events": [], "labelled": [[0, 99]]})
    page = client(tmp_path / "found.json", viewed.frames, "--label", viewed.dataset, "--labels", viewed.labels)
    names = [video["name"] for video in page.get("/api/session").get_json()["videos"]]
    told = page.get("/api/suggestions?model=0").get_json()
    assert [(names[s["video"]], s["first"], s["last"]) for s in told] == [
        ("new/x_1", 100, 199), ("new/y_1", 100, 199), ("new/x_1", 0, 99)]
    assert told[0]["why"] == "uncertain: PASS scores 0.50"
    assert told[2]["why"] == "unlike what is labelled (PASS scores 0.95)"


def test_teams_are_offered_by_match_and_other_fields_by_all_labels(viewed):
    page = client(*viewed.arguments())
    put(page, labels_of(page, 1), [event(3, keys={"team": '"ARG"', "player": '"Zoë"', "minute": "3"})], video=1)
    told = page.get("/api/videos/0/fields").get_json()
    assert told == {"values": {"team": ["BRA", "ARG"], "player": ["Zoë"]}, "named": True}
