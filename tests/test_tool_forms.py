"""What the files of single tools tell beyond an event: teams, intervals, time codes; and files of any other kind."""

import json

import pytest
from conftest import run_here, user_error, write_video

import prepare_data
from label_forms.fields import Timecode
from label_forms.forms import read_labels
from util.errors import UserError
from util.io import read_json

CUES = "1\n00:00:01,000 --> 00:00:02,500\nPASS (RED) 92 %\nDRIVE\n\n2\n00:01:00,040 --> 00:01:01,000\nA & B\n"


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def events(path, **options):
    (labels,) = read_labels(path, **options)
    return [(event.position, event.fields["label"], event.fields.get("team")) for event in labels.events]


def test_tracks_of_cvat_are_an_event_for_each_time_in_view_with_their_attributes(tmp_path):
    boxes = "".join(f'<box frame="{frame}" outside="{out}"><attribute name="Team">RED</attribute>'
                    '<attribute name="label">x</attribute></box>'
                    for frame, out in ((10, 0), (11, 0), (12, 0), (13, 1), (40, 0), (41, 1)))
    path = write(tmp_path / "a.xml", f'<annotations><track label="PASS">{boxes}</track></annotations>')
    assert events(path) == [(10, "PASS", "RED"), (40, "PASS", "RED")]
    assert events(path, instant="middle")[0][0] == 11 and events(path, instant="end")[0][0] == 12
    shapes = '<annotations><image id="0"><box label="PASS"/></image></annotations>'
    with pytest.raises(UserError, match="has shapes on pictures, each by itself; export the task as CVAT for video"):
        read_labels(write(tmp_path / "b.xml", shapes))


def test_a_project_of_cvat_has_labels_for_each_task(tmp_path):
    tasks = "".join(f"<task><id>{number}</id><source>{name}.mp4</source></task>" for number, name in enumerate("ab", 7))
    tracks = "".join(f'<track task_id="{number}" label="PASS"><points frame="{number}"/></track>' for number in (8, 7))
    meta = f"<meta><project><tasks>{tasks}</tasks></project></meta>"
    sets = read_labels(write(tmp_path / "p.xml", f"<annotations>{meta}{tracks}</annotations>"))
    assert [(one.names[-1], one.events[0].position) for one in sets] == [("p", 7), ("p", 8)]
    assert [one.names[0] for one in sets] == ["a.mp4", "b.mp4"]


def test_a_project_of_boris_has_points_states_and_files_one_after_another(tmp_path):
    behaviours = {"0": {"type": "Point event", "code": "PASS"}, "1": {"type": "State event", "code": "PRESS"}}
    listed = [[1.0, "RED", "PASS", "", ""], [2.0, "RED", "PRESS", "", "high"], [2.5, "BLUE", "PRESS", "", ""],
              [4.0, "RED", "PRESS", "", ""], [11.0, "", "PASS", "", ""]]
    observation = {"type": "MEDIA", "file": {"1": ["a.mp4", "b.mp4"]}, "events": listed, "time offset": 5.0,
                   "media_info": {"length": {"a.mp4": 10.0, "b.mp4": 10.0}}}
    project = {"behaviors_conf": behaviours, "observations": {"x": observation}}
    path = write(tmp_path / "p.boris", project)
    first, second = read_labels(path)
    found = [(event.position, event.fields["label"], event.fields.get("subject")) for event in first.events]
    assert found == [(1.0, "PASS", "RED"), (2.0, "PRESS", "RED"), (2.5, "PRESS", "BLUE")]
    project["behaviors_conf"]["2"] = {"type": "State event", "code": ["PASS"]}
    assert [len(labels.events) for labels in read_labels(write(tmp_path / "odd.boris", project))] == [3, 1]
    assert first.events[1].fields["comment"] == "high" and "time offset is 5.0 and not applied" in first.notes[-1]
    assert (second.names[1], [event.position for event in second.events]) == ("b", [1.0])
    assert [event.position for event in read_labels(path, instant="middle")[0].events] == [1.0, 3.0, 2.5]


def test_times_through_several_videos_of_a_table_of_boris_are_refused(tmp_path):
    rows = "".join(f"x,{video}.mp4,PASS,POINT,{time}\n" for video, time in (("a", 1.0), ("b", 11.0)))
    path = write(tmp_path / "t.csv", f"Observation id,Media file name,Behavior,Behavior type,Time\n{rows}")
    with pytest.raises(UserError, match="the times of observation 'x' count through 2 videos.* project file"):
        read_labels(path)


def test_labels_of_whole_seconds_are_read_and_warned_of(tmp_path):
    listed = [{"gameTime": "2 - 01:05", "label": "soccer-ball", "team": "home"}]
    (labels,) = read_labels(write(tmp_path / "a" / "Labels.json", {"annotations": listed}))
    assert [(event.position, event.half, event.fields["team"]) for event in labels.events] == [(65.0, 2, "home")]
    assert "tells no position, so that gameTime is taken, in whole seconds" in labels.warnings[0]


def test_markers_have_a_team_a_note_a_length_and_drop_frame(tmp_path):
    path = write(tmp_path / "a.edl", "TITLE: x\nFCM: DROP FRAME\n\n"
                 "001  001      V     C        00:00:01:00 00:00:01:01 00:00:01:00 00:00:01:01\n"
                 "Team: left |C:ResolveColorBlue |M:PASS |D:11\n\n"
                 "002  001      V     C        00:01:00:02 00:01:00:03 00:01:00:02 00:01:00:03\n"
                 "in the far corner |C:ResolveColorBlue |M:DRIVE |D:1\n")
    assert events(path) == [(Timecode(1, 0, True), "PASS", "left"), (Timecode(60, 2, True), "DRIVE", None)]
    assert [position.frame(30000 / 1001) for position, *_ in events(path, instant="middle")] == [35, 1800]
    assert [position.frame(30000 / 1001) for position, *_ in events(path, instant="end")] == [40, 1800]
    (labels,) = read_labels(path)
    assert labels.events[1].fields["note"] == "in the far corner"
    cuts = write(tmp_path / "b.edl", "TITLE: x\n001  A V C 00:00:10:00 00:00:20:00 00:00:00:00 00:00:10:00\n")
    with pytest.raises(UserError, match=r"b\.edl: has edits but no markers"):
        read_labels(cuts)
    assert events(write(tmp_path / "c.edl", "TITLE: nothing\n")) == []
    lines = "* LOC: 00:00:01:00 Red Card\n* LOC: 00:00:01:00 GREEN   Corner\n* LOC: 00:00:01:00 Free kick\n"
    assert [label for _, label, _ in events(write(tmp_path / "d.edl", f"TITLE: x\n{lines}"))] == [
        "Card", "Corner", "Free kick"]


def test_each_line_of_a_subtitle_is_an_event(tmp_path):
    right = [(1.0, "PASS", "RED"), (1.0, "DRIVE", None), (60.04, "A & B", None)]
    assert events(write(tmp_path / "a.srt", CUES)) == right
    vtt = "WEBVTT\n\nNOTE nothing\n\n" + CUES.replace(",", ".").replace("&", "&amp;").replace("00:00:01.", "00:01.", 1)
    assert events(write(tmp_path / "b.vtt", vtt)) == right
    with pytest.raises(UserError, match="holds no label files"):  # they may be of what is spoken
        read_labels(tmp_path)
    assert len(read_labels(tmp_path, pattern="*.srt")) == 1
    with pytest.raises(UserError, match="line 2: label is empty"):
        read_labels(write(tmp_path / "c.srt", "00:00:01,000 --> 00:00:02,000\n&#10;\n"))


def test_xml_in_an_unknown_encoding_is_refused(tmp_path):
    with pytest.raises(UserError, match="is not valid XML"):
        read_labels(write(tmp_path / "a.xml", '<?xml version="1.0" encoding="none"?><annotations/>'))


def test_files_are_chosen_where_a_folder_holds_several_kinds(tmp_path):
    for name in ("anna", "ben"):
        write(tmp_path / name / "a.csv", "frame,label\n3,PASS\n")
        write(tmp_path / name / "a.markers", "frame,label\n4,PASS\n")
    assert len(read_labels(tmp_path)) == 2
    assert [labels.path.parent.name for labels in read_labels(tmp_path, pattern="anna/*.csv")] == ["anna"]
    assert [labels.events[0].position for labels in read_labels(tmp_path, pattern="*.markers")] == [4, 4]
    with pytest.raises(UserError, match=r"holds no file \*\.edl"):
        read_labels(tmp_path, pattern="*.edl")


@pytest.mark.parametrize("content", [
    "Clip;Wer;Was;Wann\na_1;left;PASS;1,5\n", "# made by hand\nnotes above\nWANN|was|clip|wer\n1.5|PASS|a_1|left\n",
    [{"Clip": "a_1", "Was": "PASS", "Wann": 1.5, "Wer": "left", "n": None}]])
def test_columns_of_any_name(tmp_path, content):
    path = write(tmp_path / ("t.json" if isinstance(content, list) else "t.csv"), content)
    columns = {"video": "Clip", "time": "wann", "label": "WAS", "team": "Wer"}
    assert events(path, columns=columns) == [(1.5, "PASS", "left")]
    with pytest.raises(UserError, match=r"no column is called 'Event', as --columns says; there are: "):
        read_labels(path, columns=columns | {"label": "Event"})
    with pytest.raises(UserError, match="--columns must name those of label, and of frame, time"):
        read_labels(path, columns={"label": "Was"})
    with pytest.raises(UserError, match="is no list of objects, whose keys --columns could name"):
        read_labels(write(tmp_path / "one.json", {"Was": "PASS"}), columns=columns)


@pytest.mark.parametrize(("content", "columns"), [
    ("video,frame,label,cx,cy\na_1,25,PASS,0.25,1\na_1,26,PASS,,\n", {"x": "cx", "y": "cy"}),
    ("video;frame;label;cx;cy\na_1;25;PASS;0,25;1,0\na_1;26;PASS;;\n", {"x": "cx", "y": "cy"}),
    ('video,frame,label,xy\na_1,25,PASS,"[0.25, 1]"\na_1,26,PASS,\n', {}),
    ([{"video": "a_1", "frame": 25, "label": "PASS", "xy": [0.25, 1]}, {"video": "a_1", "frame": 26, "label": "PASS"}],
     {})])
def test_places_in_the_picture_come_from_columns_that_are_said_to_be_such_or_from_xy(content, columns, tmp_path):
    path = write(tmp_path / ("t.json" if isinstance(content, list) else "t.csv"), content)
    named = {name: name for name in ("video", "frame", "label")} | columns if columns else None
    (labels,) = read_labels(path, columns=named)
    assert [event.fields for event in labels.events] == [
        {"frame": None, "label": "PASS", "xy": [0.25, 1]}, {"frame": None, "label": "PASS"}]


def test_columns_called_x_and_y_may_be_anything_and_places_that_are_none_are_refused_by_their_line(tmp_path):
    path = write(tmp_path / "t.csv", "frame,label,x,y\n25,PASS,640,0.5\n")
    (labels,) = read_labels(path)
    assert labels.events[0].fields == {"frame": None, "label": "PASS", "x": "640", "y": "0.5"}
    columns = {"frame": "frame", "label": "label", "x": "x"}
    with pytest.raises(UserError, match=r"t\.csv: line 2 .*: xy is \[640, 0\.5\]; it must be"):
        read_labels(path, columns=columns | {"y": "y"})
    with pytest.raises(UserError, match="x and y go together"):
        read_labels(path, columns=columns)
    with pytest.raises(UserError, match=r'xy is "\[0\.5, \]"'):
        read_labels(write(tmp_path / "t.csv", "frame,label,x,y\n25,PASS,0.5,\n"), columns=columns | {"y": "y"})


def test_the_middle_of_a_shape_of_cvat_is_the_place_of_its_event(tmp_path):
    boxes = "".join(f'<box frame="{frame}" outside="0" xtl="{10 * frame}" ytl="0" xbr="{10 * frame + 20}" ybr="20"/>'
                    for frame in (10, 11, 12))
    points = '<points frame="30" outside="0" points="0,0;100,40"/>'
    size = "<meta><task><original_size><width>200</width><height>100</height></original_size></task></meta>"
    content = f'<track label="PASS">{boxes}</track><track label="PASS">{points}</track>'

    def places(text, **options):
        (labels,) = read_labels(write(tmp_path / "a.xml", f"<annotations>{text}</annotations>"), **options)
        return [event.fields.get("xy") for event in labels.events]

    assert places(size + content) == [[0.55, 0.1], [0.25, 0.2]] and places(content) == [None, None]
    assert places(size + content, instant="middle")[0] == [0.6, 0.1]
    assert places(size + content, instant="end")[0] == [0.65, 0.1]


def test_columns_without_names_are_counted(tmp_path):
    path = write(tmp_path / "t.txt", "a_1 2,PASS,x,37\na_1 2,DRIVE,,40\n")
    assert events(path, columns={"frame": "4", "label": "2", "video": "1"}) == [(37, "PASS", None), (40, "DRIVE", None)]


def test_the_script_takes_any_columns_chosen_files_and_a_timeline_that_starts_at_an_hour(tmp_path):
    write_video(tmp_path / "V" / "a.mp4", 50)
    write(tmp_path / "L" / "a.csv", "Wann;Was;h;v\n01:00:01:12;PASS;0,5;0,25\n")
    write(tmp_path / "L" / "a.txt", "frame,label\n3,WRONG\n")

    def run(*options):
        return run_here(prepare_data, "--videos", tmp_path / "V", "--output", tmp_path / "F", "--height", 32, "-j", 1,
                        "--labels", tmp_path / "L", "--dataset", f"{tmp_path.as_posix()}/data",
                        "--label_files", "*.csv", "--columns", "time=Wann", "label=Was", "x=h", "y=v", *options)
    error = user_error(run())
    assert "if the timeline does not start at 00:00:00:00, say where, such as --timecode_start 01:00:00:00" in error
    done = run("--timecode_start", "01:00:00:00")
    assert done.returncode == 0, done.stderr
    (entry,) = read_json(tmp_path / "data" / "train.json")
    assert entry["events"] == [{"frame": 37, "label": "PASS", "xy": [0.5, 0.25]}]
    assert "wann must be such as time=Begin, with one of frame, time" in run("--columns", "wann").stderr
