import json
import re

import pytest
from conftest import write_labels

from label_forms.forms import read_labels
from util.errors import UserError


def annotation(game_time="00:14:07", position="25421", label="PASS", **more):
    return {"gameTime": game_time, "label": label, "position": position, **more}


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def annotated(path, *annotations, **keys):
    return write(path, {**keys, "annotations": list(annotations)})


def read(*args, **options):
    (labels,) = read_labels(*args, **options)
    return labels


def test_the_forms_are_recognised_by_their_content_in_one_folder(tmp_path):
    write_labels(tmp_path / "a_1.json", [(3, "PASS")])
    annotated(tmp_path / "b.json", annotation())
    annotated(tmp_path / "c" / "Labels-ball.json", annotation("1 - 00:01", "1480"))
    write(tmp_path / "d.csv", "video,frame,label\nd_1,3,PASS\n")
    write(tmp_path / "e.csv", '\n{"annotations": [], "UrlLocal": "x/e/"}')
    annotated(tmp_path / "f.json", annotation(), UrlLocal="x/f/")
    write(tmp_path / "notes.txt", "no label file")
    write_labels(tmp_path / "._a_1.json", [])  # macOS leaves such files on foreign disks
    found = {labels.path.name: labels.form for labels in read_labels(tmp_path)}
    assert found == {"a_1.json": "video", "b.json": "raw", "Labels-ball.json": "soccernet", "d.csv": "csv",
                     "e.csv": "soccernet", "f.json": "raw"}


def test_a_form_can_be_forced(tmp_path):
    path = annotated(tmp_path / "a.json", {"label": "PASS", "position": 40})
    with pytest.raises(UserError, match=r"a\.json: its annotations have no gameTime .*--label_form"):
        read_labels(tmp_path)
    assert read(tmp_path, form="raw").events[0].position == 40
    with pytest.raises(UserError, match=r"annotations\[0\]: gameTime is missing; it must name the half"):
        read_labels(tmp_path, form="soccernet")
    with pytest.raises(UserError, match=r"a\.json: events is missing"):
        read_labels(tmp_path, form="video")
    table = write(tmp_path / "table.txt", "frame,label\n3,PASS\n")
    assert read(table).form == "csv"  # a file that is named need not be called .csv
    with pytest.raises(UserError, match=r"a\.json: line 1: the columns are"):
        read_labels(path, form="csv")


# A file for each video


def test_label_files_are_named_by_their_path(tmp_path):
    write_labels(tmp_path / "b_1.json", [(3, "PASS")], fps=25, video="b_1", camera="left")
    write_labels(tmp_path / "cup" / "a.v2_2.json", [])
    first, second = read_labels(tmp_path)
    assert (first.names, first.fps, first.fps_from, first.seconds) == (("b_1",), 25, "file", False)
    assert first.keys == {"fps": 25, "video": "b_1", "camera": "left"}
    (event,) = first.events
    assert (event.position, event.fields, event.half) == (3, {"frame": None, "label": "PASS"}, None)
    assert second.names == ("cup/a.v2_2",) and second.fps is None and second.events == ()
    assert read(tmp_path / "cup" / "a.v2_2.json").names == ("a.v2_2",)


def test_the_rate_of_a_file_goes_before_that_of_the_option(tmp_path):
    write_labels(tmp_path / "a.json", [], fps=25)
    write_labels(tmp_path / "b.json", [], fps=-1)
    a, b = read_labels(tmp_path, label_fps=50)
    assert (a.fps, a.fps_from, b.fps, b.fps_from) == (25, "file", 50, "option")


def test_a_number_of_events_that_is_wrong_is_told(tmp_path):
    write_labels(tmp_path / "a.json", [(3, "PASS")], num_events=1)
    write_labels(tmp_path / "b.json", [(3, "PASS")], num_events=31)
    a, b = read_labels(tmp_path)
    (said,) = b.warnings
    assert not a.warnings and "b.json: num_events is 31, but it has 1 event; is the list whole?" in said


@pytest.mark.parametrize("content, said", [
    ([{"events": []}, {"events": []}], "entry 0: video is missing; it must name the video"),
    ("x", "it has neither events nor annotations"),
    ({"video": 3, "events": []}, "video is 3"),
    ({"num_frames": 3}, "it has neither events nor annotations"),
    ({"events": {}}, "events is {}"),
    ({"events": [], "num_frames": "x"}, "num_frames is \"x\""),
    ({"events": [], "fps": "fast"}, "fps is \"fast\""),
    ({"events": [{"frame": 3.5, "label": "PASS"}]}, r"events\[0\]: frame is 3.5; it must be a whole number"),
    ({"events": [{"frame": 3, "label": "PASS"}, {"time": 1, "label": "PASS"}]}, r"events\[1\]: frame is empty"),
    ({"events": [{"frame": 3, "label": " "}]}, "label is empty"),
    ({"events": [3]}, r"events\[0\]: must be an object"),
])
def test_a_bad_label_file_is_refused_by_name(tmp_path, content, said):
    (tmp_path / "a_1.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(UserError, match=rf"a_1\.json: .*{said}"):
        read_labels(tmp_path)


@pytest.mark.parametrize("entry", [
    {"events": [{"frame": 25.0, "label": "PASS"}]}, {"events": [{"frame": "25", "label": "PASS"}], "num_frames": "50"},
    {"events": [{"frame": "25.0", "label": "\u200bPASS\ufeff"}], "fps": None}, {"fps": "25/1", "events": [
        {"frame": 25, "label": " PA\u200bSS\u00a0"}]},
])
def test_numbers_and_labels_have_one_meaning_however_they_are_written(tmp_path, entry):
    write(tmp_path / "a.json", entry)
    labels = read(tmp_path)
    (event,) = labels.events
    assert (event.position, type(event.position), event.fields["label"]) == (25, int, "PASS")
    assert labels.fps == (25 if entry.get("fps") else None)


def test_no_label_folder_and_no_label_files_are_refused(tmp_path):
    with pytest.raises(UserError, match="holds no label files"):
        read_labels(tmp_path)
    with pytest.raises(UserError, match="no such file or folder"):
        read_labels(tmp_path / "none")
    with pytest.raises(UserError, match=r"b\.json: is not valid JSON"):
        read_labels(write(tmp_path / "b.json", ""))


# A file for each match


def test_the_raw_form_counts_thirty_frames_a_second_by_position(tmp_path):
    annotated(tmp_path / "cup" / "arg_bra.json", annotation(team="BRA", visibility="not shown"),
              annotation("00:14:08", 25450, "DRIVE"))
    labels = read(tmp_path)
    assert (labels.names, labels.fps, labels.fps_from, labels.seconds) == (("cup/arg_bra",), 30, "form", False)
    assert [event.position for event in labels.events] == [25421, 25450]
    assert labels.events[0].fields == {"frame": None, "label": "PASS", "team": "BRA", "visibility": "not shown"}
    assert labels.events[0].place == "annotations[0] (frame 25421)" and labels.warnings == () and labels.read == 2
    assert read(tmp_path, label_fps=25).fps == 25


def test_soccernet_counts_milliseconds_of_a_half(tmp_path):
    annotated(tmp_path / "cup" / "arg_bra" / "Labels-ball.json", annotation("1 - 12:30", "750480", team="left"),
              annotation("2 - 00:03", 3040, team="right"), UrlLocal="league/arg_bra/")
    labels = read(tmp_path)
    assert labels.seconds and labels.fps is None and labels.names == ("cup/arg_bra", "arg_bra", "league/arg_bra")
    assert [(event.half, event.position) for event in labels.events] == [(1, 750.48), (2, 3.04)]
    assert labels.events[0].place == "annotations[0] (1 - 12:30, 750480 ms)"
    assert labels.events[1].fields == {"frame": None, "label": "PASS", "team": "right"} and labels.warnings == ()
    assert read(tmp_path / "cup" / "arg_bra" / "Labels-ball.json").names[:2] == (".", "arg_bra")


@pytest.mark.parametrize("bad, said", [
    ("PASS", "must be an object"),
    ({"gameTime": "00:14:07", "label": "PASS"}, "position is missing; .*gameTime, in whole seconds, cannot stand in"),
    (annotation(position="12.5"), 'position is "12.5"'),
    (annotation(position="many"), 'position is "many"'),
    (annotation(position=1e30), "position is 1e\\+30"),
    (annotation(position=True), "position is true"),
    (annotation(label=None), "label is missing"),
    (annotation(label=" "), 'label is ""'),
    (annotation("14 min"), 'gameTime is "14 min"; it must be such as 00:14:07'),
    (annotation(847), "gameTime is 847"),
    (annotation("1 - 12:30"), "gameTime is .1 - 12:30., as SoccerNet writes it, in a file of the raw form"),
])
def test_a_bad_annotation_is_refused_by_its_place(tmp_path, bad, said):
    annotated(tmp_path / "a.json", annotation(), annotation(), bad)
    with pytest.raises(UserError, match=rf"a\.json: annotations\[2\]: {said}"):
        read_labels(tmp_path)


@pytest.mark.parametrize("game_time", ["00:12:30", "7 - 12:30", "1 - 12:75", "1 - x", None])
def test_a_soccernet_time_must_name_a_half(tmp_path, game_time):
    annotated(tmp_path / "a.json", annotation("1 - 00:01", "1000"), annotation(game_time, "1"), UrlLocal="a/")
    with pytest.raises(UserError, match=r"a\.json: annotations\[1\]: gameTime is .*; it must "):
        read_labels(tmp_path)


def test_annotations_must_be_a_list_and_fps_a_number(tmp_path):
    for content, said in (({"annotations": {}}, "must be such as"), ({"annotations": [], "fps": "x"}, 'fps is "x"')):
        write(tmp_path / "a.json", content)
        with pytest.raises(UserError, match=rf"a\.json: {said}"):
            read_labels(tmp_path)


def test_a_frame_beside_a_position_is_not_taken_and_that_is_said(tmp_path):
    annotated(tmp_path / "a.json", annotation(frame=25410), annotation())
    labels = read(tmp_path)
    assert labels.events[0].position == 25421
    assert labels.notes == ("1 have a frame too, which is not taken: position is",)


def second(position, rate, off=0):
    time = int(position / rate) + off
    return f"00:{time // 60:02d}:{time % 60:02d}"


@pytest.mark.parametrize("rate, off, said", [
    (30, 0, None),
    (25, 0, "they agree at 25 fps: see --label_fps"),
    (27.3, 0, "they agree at 27.3"),
    (30, 12, "position is 12.. s behind gameTime all through"),
    (30, 1, None),  # rounded up
])
def test_game_time_and_position_that_disagree_are_told_with_what_makes_them_agree(tmp_path, rate, off, said):
    positions = range(900, 36000, 371)
    annotated(tmp_path / "a.json", *(annotation(second(p, rate, off), str(p)) for p in positions))
    warnings = read(tmp_path).warnings
    assert len(warnings) == (said is not None)
    assert said is None or re.search(rf"a\.json: gameTime and position are .* of 95 events, .*; {said}", warnings[0])


def test_one_game_time_that_is_wrong_is_told_as_the_example(tmp_path):
    annotated(tmp_path / "a.json", annotation(), annotation("00:14:27", "25450"), annotation("00:14:09", "25480"))
    (warning,) = read(tmp_path).warnings
    assert "in 1 of 3 events, such as annotations[1] (frame 25450): gameTime 00:14:27, but" in warning
    assert "says 14:08.3; position is taken" in warning


def test_frames_in_a_soccernet_file_are_found_out(tmp_path):
    times = range(9, 900, 31)
    annotated(tmp_path / "a.json", *(annotation(f"1 - {t // 60:02d}:{t % 60:02d}", t * 25 + 7) for t in times))
    (warning,) = read(tmp_path).warnings
    assert "in milliseconds" in warning and "agree if position counts 25 to a second" in warning
