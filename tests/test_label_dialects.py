"""Labels however tools and people write them: what is read, and that nothing ends in a traceback."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from tool_files import TOOL_FILES

from label_forms.fields import Timecode, read_time
from label_forms.forms import FORMS, read_labels
from label_forms.sets import drop_not_shown, path_names, settle_classes, split_teams
from label_forms.timeline import place_events
from label_forms.videos import pair_labels, without_missing
from util.errors import UserError

RECORD = {"num_frames": 75, "fps": 25.0, "source_frames": 75, "source_fps": 25.0, "width": 96, "height": 64}
VIDEOS = ("m_a", "m_b", "r_1", "r_2")

TABLES = {
    "quoted.csv": '"video","frame","label"\n"m_a","25","PASS"\n',
    "ms_column.csv": "video,Time (ms),label\nm_a,1000,PASS\n",
    "decimal_comma.csv": "video;time;label\nm_a;1,0;PASS\n",
    "clock.csv": "video;time;label\nm_a;00:00:01,000;PASS\n",
    "aliases.csv": "filename,frame_number,class\nm_a.mp4,25,PASS\n",
    "both_agree.csv": "video,frame,time,label\nm_a,25,0:00:01,PASS\n",
    "segment.csv": "video,start,end,label\nm_a,25,30,PASS\n",
    "segment_and_nothing.csv": "video,start,end,label\nm_a,25,,PASS\nm_b,,,\n",
    "stop.csv": "video,start,stop,label\nm_a,25,30,PASS\n",
    "segment_times.csv": "video,start,end,label\nm_a,1.0,1.2,PASS\n",
    "units.csv": "video,time,label\nm_a,1.0s,PASS\nm_a,1000 ms,PASS\n",
    "blank_lines.csv": "\n\nvideo,frame,label\n\nm_a,25,PASS\n,,\n",
    "header_in_comment.csv": "#video,frame,label\nm_a,25,PASS\n",
    "paths.csv": "video,frame,label\n/home/x/Videos/m_a.MP4,25,PASS\n",
    "windows.csv": "video,frame,label\nD:\\Videos\\m_a.mp4,25,PASS\n",
    "frames_with_comma.csv": "video;frame;label\nm_a;25,0;PASS\n",
    "one_class.csv": "video,frame,label\nm_a,25,PASS\nm_a,25,pass\u200b\n",
    "m_a.events.csv": "frame,time,seconds,label,score\n25,0:00:01.000,1.000,PASS,0.9\n",
    "premiere/m_a.csv": "Marker Name\tIn\tOut\nPASS\t00:00:01:00\t00:00:01:00\n",
    "boris.csv": "Media file name,Time,Behavior,Behavior type,Subject\nx/m_a.mp4,1.000,PASS,START,RED\n"
                 "x/m_a.mp4,2.000,PASS,STOP,RED\n",
    "elan/m_a.txt": "events\t\t00:00:01.000\t1.0\t00:00:01.040\t1.04\t00:00:00.040\t0.04\tPASS\n",
    "elan_named/m_a.txt": "Tier\tBegin Time - ss.msec\tEnd Time - ss.msec\tAnnotation\nevents\t1.0\t1.04\tPASS\n",
    "elan_clock/m_a.txt": "Tier\tBegin Time - hh:mm:ss.ms\tEnd Time - hh:mm:ss.ms\tAnnotation\n"
                          "events\t00:00:01.000\t00:00:01.040\tPASS\n",
    "boris_states.csv": "Media file,Behavior,Behavior type,Start (s),Stop (s)\nx/m_a.mp4,PASS,STATE,1.000,1.500\n",
    "via.csv": "# Exported\n# CSV_HEADER = metadata_id,file_list,flags,temporal_coordinates,spatial_coordinates,"
               'metadata\n'
               '"1_a","[""m_a.mp4""]",0,"[1.0]","[]","{""1"":""PASS""}"\n',
    "longomatch/m_a.csv": "Title;Start time;Stop time;Team\nPASS 1;0:00:00,500;0:00:01,500;RED\n",
}
OBJECTS = {
    "m_a.json": '{"fps": null, "events": [{"frame": "25.0", "label": "PASS"}]}',
    "list/m_a.json": '[{"frame": 25, "label": "PASS"}]',
    "time/m_a.json": '{"fps": "25/1", "events": [{"time": "0:00:01.000", "label": "PASS"}]}',
    "ms/m_a.json": '{"events": [{"position_ms": 1000, "label": "PASS"}]}',
    "segment/m_a.json": '{"events": [{"segment": [1.0, 1.2], "label": "PASS"}]}',
    "frames/m_a.json": '{"events": [{"start_frame": 25, "end_frame": 30, "label": "PASS"}]}',
    "lines/m_a.jsonl": '{"frame": 25, "label": "PASS"}\n{"frame": 25, "label": "PASS"}\n',
    "by_video.jsonl": '{"video": "m_a", "frame": 25, "label": "PASS"}\n'
                      '{"video": "m_b", "frame": 30, "label": "PASS"}\n',
    "own/m_a.events.json": '[{"video": "m_a", "fps": 25.0, "events": [{"label": "PASS", "frame": 25, "score": 0.9}]}]',
    "results_spotting.json": '{"UrlLocal": "m_a", "predictions": [{"gameTime": "1 - 00:01", "label": "PASS", '
                             '"position": "1000", "half": "1", "confidence": "0.9"}]}',
    "osl.json": '{"data": [{"inputs": [{"path": "v/m_a.mp4"}], "events": [{"label": "PASS", "position_ms": "1000"}]}]}',
    "osl_1.json": '{"videos": [{"path": "m_a.mp4", "annotations": [{"gameTime": "1 - 00:01", "label": "PASS", '
                  '"position": "1000"}]}]}',
    "studio.json": '[{"data": {"video": "/data/upload/1/0a1b2c3d-m_a.mp4"}, "annotations": [{"result": [{"type": '
                   '"timelinelabels", "value": {"ranges": [{"start": 26, "end": 26}], '
                   '"timelinelabels": ["PASS"]}}]}]}]',
    "m_a.xml": "<file><ALL_INSTANCES><instance><ID>1</ID><start>0.5</start><end>1.5</end><code>PASS</code><label>"
               "<group>Team</group><text>RED</text></label></instance></ALL_INSTANCES></file>",
}


def read(folder, name, content, **options):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    sets = split_teams(drop_not_shown(read_labels(path, **options), True), "-")
    return settle_classes(sets, None, None)[0]


def place(sets):
    return [place_events(one, dict.fromkeys(VIDEOS, RECORD), {}) for one in pair_labels(sets, VIDEOS)]


FILES = TABLES | OBJECTS | TOOL_FILES


@pytest.mark.parametrize("name", FILES)
def test_a_pass_on_frame_25_in_any_dialect(tmp_path, name):
    placed = place(read(tmp_path, name, FILES[name], pattern=f"{Path(name).name}"))
    found = {entry["video"]: [(event["frame"], event["label"]) for event in entry["events"]]
             for one in placed for entry in one.entries}
    assert found["m_a"][0] == (25, "PASS") and set(found["m_a"]) == {(25, "PASS")}


def test_each_event_in_the_half_that_is_named(tmp_path):
    rows = "match,half,time,label\nr,2nd,0:02,PASS\nr,H1,0:01,PASS\nr,2,0:01,PASS\n"
    (placed,) = place(read(tmp_path, "t.csv", rows))
    assert [[event["frame"] for event in entry["events"]] for entry in placed.entries] == [[25], [25, 50]]
    (placed,) = place(read(tmp_path, "r.json", '{"events": [{"half": 2, "time": 1.0, "label": "PASS"}]}'))
    assert [len(entry["events"]) for entry in placed.entries] == [0, 1]
    (labels,) = read(tmp_path, "t.csv", "video,half,time,label\nm_a,own,0:02,PASS\n")
    assert labels.events[0].half is None and "half is 'own', which is taken for no half" in labels.warnings[0]
    instances = "".join(f"<instance><start>{at}</start><end>{at}</end><code>PASS</code><label><group>Half</group><text>"
                        f"{half}</text></label></instance>" for at, half in ((2, "2nd half"), (1, "1st half")))
    (placed,) = place(read(tmp_path, "r.xml", f"<file><ALL_INSTANCES>{instances}</ALL_INSTANCES></file>"))
    assert [[event["frame"] for event in entry["events"]] for entry in placed.entries] == [[25], [50]]
    with pytest.raises(UserError, match=r't\.csv: line 3: half is "", and other events name the half'):
        read(tmp_path, "t.csv", "video,half,time,label\nr,1,0:02,PASS\nr,,0:03,PASS\n")


@pytest.mark.parametrize("instant, frame", [("start", 12), ("middle", 25), ("end", 37), (None, 25)])
def test_the_instant_of_what_lasts_is_chosen_and_said(tmp_path, instant, frame):
    (labels,) = read(tmp_path, "m_a.xml", OBJECTS["m_a.xml"], instant=instant)
    (placed,) = place([labels])
    assert placed.entries[0]["events"] == [{"frame": frame, "label": "PASS", "team": "RED"}]
    assert labels.notes == (f"of start and end, in times, the {instant or 'middle'} is taken (--instant)",)


def test_a_spreadsheet_needs_its_package_or_is_read(tmp_path):
    with pytest.raises(UserError, match=r"t\.xlsx: (reading it needs a package|cannot be read as a spreadsheet)"):
        read(tmp_path, "t.xlsx", "no spreadsheet")


@pytest.mark.parametrize("text, seconds", [
    ("83.5", 83.5), ("1:23,5", 83.5), ("0:14:07.200", 847.2), ("1000 ms", 1), ("1 s", 1), ("-0.04", -0.04),
    ("-0:01", -1), (".5", 0.5), ("00:00:01:12", Timecode(1, 12, False)), ("00:01:00;02", Timecode(60, 2, True)),
    ("1:99", None), ("x", None), ("", None), (None, None), ("1e5", None), (True, None)])
def test_times_as_people_write_them(text, seconds):
    assert read_time(text) == (pytest.approx(seconds) if type(seconds) in (int, float) else seconds)


def test_labels_without_a_video_can_be_left_out(tmp_path):
    sets = read(tmp_path, "t.csv", "video,frame,label\nm_a,25,PASS\nz,3,PASS\n")
    with pytest.raises(UserError, match="there is no video 'z'.* or leave such labels out with --skip_missing"):
        pair_labels(sets, VIDEOS)
    there, notes = without_missing(sets, VIDEOS)
    assert len(there) == 1 and "1 event of 'z' left out, as there is no such video" in notes[0]


def test_what_a_path_may_call_a_video():
    assert path_names("C:\\data\\Videos\\m_a.mp4")[1:] == ("data/Videos/m_a", "Videos/m_a", "m_a")
    assert path_names("m_a") == ("m_a",) and path_names("b.v2_1") == ("b.v2_1",)


def with_one_changed(value, odd):
    """A JSON value, each time with another of its parts replaced by an odd one."""
    yield odd
    for key in (value if isinstance(value, dict) else range(len(value))) if isinstance(value, dict | list) else ():
        for changed in with_one_changed(value[key], odd):
            copy = value.copy()
            copy[key] = changed
            yield copy


@pytest.mark.parametrize("odd", [None, 5, "x", [], {}, [[]], [{}]], ids=str)
@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".json")])
def test_any_part_of_another_kind_is_read_or_refused_in_one_line(tmp_path, name, odd):
    for value in with_one_changed(json.loads(FILES[name]), odd):
        try:
            place(without_missing(read(tmp_path, name, json.dumps(value)), VIDEOS)[0])
        except UserError as error:
            assert "\n" not in str(error)


def test_files_beside_the_labels_are_no_labels(tmp_path):
    (tmp_path / "notes.txt").write_text("to do")
    with pytest.raises(UserError, match="holds no label files"):
        read_labels(tmp_path)


@pytest.mark.parametrize("seed", range(4))
def test_broken_files_are_refused_in_one_line(tmp_path, seed):
    rng = random.Random(seed)
    pieces = (b'"', b"{", b"]", b",", b"null", b"-1", b"1e400", b"\0", b"\xff", b"\n", b";", b"[]", b"{}", b"9" * 30)
    for _ in range(100):
        name, content = rng.choice([*FILES.items()])
        data = bytearray(content.encode())
        for _ in range(rng.randrange(1, 4)):
            at = rng.randrange(len(data))
            data[at : at + rng.randrange(6)] = rng.choice(pieces)
        try:
            place(without_missing(read(tmp_path, name, bytes(data), form=rng.choice([None, None, *FORMS])), VIDEOS)[0])
        except UserError as error:
            assert "\n" not in str(error)
