"""How labels leave view.py's page: files for other tools, and the commands of the next training."""

from __future__ import annotations

import io
import shlex
import zipfile
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import run_script, write_labels, write_video
from encoded import encode
from viewed import FPS, NUM_FRAMES, WRITE, client, event, labels_of, make_entry, make_viewed, open_session, put

from evaluation.rule import Rule
from label_forms.forms import read_labels
from label_forms.timeline import place_events
from label_forms.videos import pair_labels
from spotting.event_files import write_candidates, write_events
from util.io import read_json, write_json
from viewer.leaving import FORMS
from viewer.store import LabelStore
from viewer.training import write_files

RECORD = {"num_frames": NUM_FRAMES, "fps": FPS, "source_frames": 2 * NUM_FRAMES, "source_fps": 2 * FPS, "width": 64,
          "height": 32, "source": "a_1.mp4"}  # at half the rate of the video
KEEP_FIELDS = ("csv", "sportscode", "osl", "excel")  # forms with room for fields that they do not know


@pytest.fixture
def page(tmp_path):
    viewed = make_viewed(tmp_path)
    write_json(viewed.frames / "cup" / "a_1" / "video.json", RECORD)
    page = client(*viewed.arguments())
    put(page, labels_of(page), [event(3, "DRIVE"), event(17, keys={"team": '"BRA"', "player": '"Zoë 7"'}),
                                event(NUM_FRAMES - 1, keys={"team": '"ARG"'})])
    return page


@pytest.mark.parametrize("form", FORMS)
def test_what_is_exported_is_read_back_on_the_same_frames(page, tmp_path, form):
    if form == "excel":
        pytest.importorskip("openpyxl")
    answer = page.get(f"/api/videos/0/export/{form}")
    assert answer.status_code == 200
    path = tmp_path / "Exported" / "cup" / f"a_1{FORMS[form].suffix}"
    path.parent.mkdir(parents=True)
    path.write_bytes(answer.data)
    (labelled,) = pair_labels(read_labels(tmp_path / "Exported", pattern="*.*"), ["cup/a_1"])
    (entry,) = place_events(labelled, {"cup/a_1": RECORD}, {}).entries
    events = [(e["frame"], e["label"], e.get("team") or e.get("subject") or None) for e in entry["events"]]
    assert events == [(3, "DRIVE", None), (17, "PASS", "BRA"), (NUM_FRAMES - 1, "PASS", "ARG")]
    if form in KEEP_FIELDS:
        assert entry["events"][1]["player"] == "Zoë 7"
    if form in ("csv", "excel"):
        assert entry["events"][1].keys() == {"frame", "label", "team", "player"}  # and no time beside the frame


@pytest.mark.parametrize("form", [form for form in FORMS if form != "excel"])
def test_fields_of_any_kind_leave_in_every_form(page, form):
    keys = [{"team": "7", "score": '"sure"'}, {"team": '["a", "b"]', "score": "null"}, {"team": "null"},
            {"team": '"one\\ntwo"', "frames": '{"a": true}'}]
    answer = put(page, labels_of(page), [event(10 + at, keys=some) for at, some in enumerate(keys)])
    assert answer.status_code == 200
    answer = page.get(f"/api/videos/0/export/{form}")
    assert answer.status_code == 200 and answer.data.count(b"PASS") >= len(keys)


def test_all_labelled_videos_come_in_one_archive(page):
    files = zipfile.ZipFile(io.BytesIO(page.get("/api/export/srt").data))
    assert files.namelist() == ["cup/a_1.srt", "cup/a_2.srt"]
    assert "PASS (BRA)" in files.read("cup/a_1.srt").decode()
    assert page.get("/api/export/doc").status_code == 404


def test_the_commands_of_the_page_bring_its_labels_into_the_splits_which_stay_as_they_are(tmp_path, monkeypatch):
    videos, labels, dataset = tmp_path / "Videos", tmp_path / "Labels", tmp_path / "data" / "new"
    for video in ("a_1", "b_1", "c_1", "d_1"):
        write_video(videos / f"{video}.mp4", 40)
    for video in ("a_1", "b_1", "c_1"):
        write_labels(tmp_path / "First" / f"{video}.json", [(10, "PASS"), (30, "DRIVE")], fps=25)
    run_script("prepare_data.py", "--videos", videos, "--labels", tmp_path / "First", "--output", tmp_path / "Frames",
               "--dataset", dataset, "--skip_unlabelled", "--height", 48)
    before = {split: read_json(dataset / f"{split}.json") for split in ("train", "val", "test")}

    page = client("--label", dataset, "--labels", labels, "--videos", videos, "--", tmp_path / "Frames")
    names = [video["name"] for video in page.get("/api/session").get_json()["videos"]]
    new = names.index("d_1")
    put(page, labels_of(page, new), [event(5)], video=new, more={"rejected": [event(20)], "labelled": [[0, 30]]})
    assert page.get("/api/training").get_json()["unwritten"] == 3
    assert page.post("/api/training/files", json={}, headers=WRITE).get_json() == {"written": 3}
    told = page.get("/api/training").get_json()
    assert told["unwritten"] == 0
    prepare, train = map(shlex.split, told["commands"])
    assert prepare[:2] == ["python", "prepare_data.py"] and "48" in prepare
    run_script(*prepare[1:])
    after = {split: read_json(dataset / f"{split}.json") for split in before}
    added = [entry for entry in after["train"] if entry["video"] == "d_1"]
    assert after == {**before, "train": sorted(before["train"] + added, key=lambda entry: entry["video"])}
    assert (added[0]["rejected"], added[0]["labelled"]) == ([{"frame": 20, "label": "PASS"}], [[0, 30]])
    assert added[0]["events"] == [{"frame": 5, "label": "PASS"}]


def test_too_few_matches_for_all_splits_are_said_with_what_to_do(tmp_path):
    dataset = tmp_path / "data" / "new"
    for video in ("a_1", "a_2", "b_1", "c_1"):
        encode(tmp_path / "Videos" / f"{video}.mp4", num_frames=10)
    page = client(tmp_path / "Videos", "--label", dataset, "--labels", tmp_path / "Labels", "--classes", "PASS")

    def told() -> tuple[str | None, bool]:
        answer = page.get("/api/training").get_json()
        return answer["too_few"], "--splits" in answer["commands"][0]

    for video, said in enumerate(("(1): ", "without val train_e2e.py stops; label or add 2 more.",  # one match
                                  "without test nothing is scored at the end; label or add 1 more.")):
        put(page, labels_of(page, video), [event(5)], video=video)
        assert said in told()[0] and not told()[1]
    put(page, labels_of(page, 3), [event(5)], video=3)
    assert told() == (None, False)

    write_json(dataset / "train.json", [make_entry("a_1")])
    (dataset / "class.txt").write_text("DRIVE\nPASS\n", encoding="utf-8")
    assert told() == (None, False)  # as val is not there yet, they are chosen anew
    write_json(dataset / "val.json", [make_entry("b_1")])
    said, stay = told()
    assert said.startswith("New matches go to train, and without test nothing is scored") and stay
    write_json(dataset / "test.json", [make_entry("c_1")])
    assert told() == (None, True)


def test_files_of_the_splits_replace_no_labels_that_were_saved_in_between(tmp_path, monkeypatch):
    viewed = make_viewed(tmp_path)
    session = open_session(*viewed.arguments())
    store, saved = LabelStore(session.labels_dir, session.videos, session.classes), {"events": []}

    @contextmanager
    def locked():
        write_json(viewed.labels / "cup" / "a_1.json", saved)  # by another view.py, for which this one waits
        yield

    monkeypatch.setattr(store, "locked", locked)
    entry = read_json(viewed.dataset / "val.json")[0] | {"season": 2024}
    write_json(viewed.dataset / "val.json", [entry])
    assert write_files(store, session.dataset) == 2
    assert read_json(viewed.labels / "cup" / "a_1.json") == saved
    del entry["num_frames"], entry["num_events"]
    assert read_json(viewed.labels / "cup" / "v_1.json") == entry


def test_a_model_that_is_looked_at_is_where_the_next_training_starts(tmp_path):
    viewed = make_viewed(tmp_path)
    commands = client(*viewed.arguments()).get("/api/training?model=0").get_json()["commands"]
    assert commands[1].endswith(f"-s {viewed.model}_2 --init {viewed.model}")
    assert "--height" not in commands[0]  # frames stand: they are made again as they were


def test_the_training_starts_from_the_model_that_made_the_proposals_on_frames_like_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    encode(tmp_path / "New" / "a_1.mp4", num_frames=10)
    write_events(tmp_path / "found" / "a_1.events.json", "a_1", 25.0, [])

    def told(made_by: str) -> list[list[str]]:
        write_candidates(tmp_path / "found" / "a_1.events.recall.json.gz", "a_1", 25.0, [], Rule(threshold=0.2),
                         ["PASS"], models=[made_by, "other"])
        page = client("found", "--label", tmp_path / "new", "--videos", "New", "--labels", "Labels")
        return [shlex.split(line) for line in page.get("/api/training?model=0").get_json()["commands"]]

    model = tmp_path / "my out"
    write_json(model / "config.json", {"dataset": "new", "frame_height": 96, "resample_fps": 12.5})
    (model / "checkpoint_003.pt").write_bytes(b"weights")
    for made_by in ("my out", str(Path("my out", "checkpoint_003.pt"))):
        prepare, train = told(made_by)
        at = prepare.index("--height")
        assert prepare[at : at + 4] == ["--height", "96", "--fps", "12.5"]
        assert train[-4:] == ["-s", "my out_2", "--init", made_by]
    write_json(model / "config.json", {"dataset": "new", "frame_height": 224, "resample_fps": None})
    assert not {"--height", "--fps"} & {*told("my out")[0]}
    prepare, train = told("gone")
    assert train[-4:] == ["-s", "out", "--init", "MODEL_DIR"] and not {"--height", "--fps"} & {*prepare}
