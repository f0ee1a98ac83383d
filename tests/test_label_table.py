import pytest

from label_forms.forms import read_labels
from util.errors import UserError


def read(tmp_path, content, label_fps=None):
    path = tmp_path / "table.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return {labels.names[0]: labels for labels in read_labels(path, label_fps=label_fps)}


def positions(labels):
    return [event.position for event in labels.events]


def test_a_table_of_frames_for_all_videos(tmp_path):
    sets = read(tmp_path, "video,frame,label,team,Zone\nb_1,120,PASS,ARG,3\na_1,7,DRIVE,,\nb_1,121.0,PASS,BRA,\n\n")
    assert list(sets) == ["b_1", "a_1"] and positions(sets["b_1"]) == [120, 121]
    assert sets["b_1"].events[0].fields == {"frame": None, "label": "PASS", "team": "ARG", "Zone": "3"}
    assert sets["b_1"].events[1].place == "line 4 (frame 121.0)"
    assert sets["a_1"].events[0].fields == {"frame": None, "label": "DRIVE"}
    assert not sets["a_1"].seconds and sets["a_1"].fps is None


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_separators_times_and_any_order_and_case_of_columns(tmp_path, separator):
    lines = ["LABEL| Time |Video", "PASS|83.5|a", "PASS|1:23.52|a", "PASS|0:14:07.200|a"]
    labels = read(tmp_path, "\r\n".join(lines).replace("|", separator))["a"]
    assert labels.seconds and positions(labels) == pytest.approx([83.5, 83.52, 847.2])


def test_what_excel_writes(tmp_path):
    table = "Video;Time;Label;Team\r\na;0:00:04,040;PASS;Malm\u00f6\r\n;;;\r\na;5,25;PASS;\r\n"
    unicode_text = table.replace(";", "\t").encode("utf-16")
    for content, line in ((table, 4), (table.encode("utf-8-sig"), 4), (unicode_text, 4), (f"sep=;\r\n{table}", 5)):
        labels = read(tmp_path, content)["a"]
        assert positions(labels) == pytest.approx([4.04, 5.25]) and labels.events[0].fields["team"] == "Malm\u00f6"
        assert labels.events[1].place == f"line {line} (time 5,25)"


def test_a_table_without_videos_is_that_of_its_own_name_and_a_line_of_a_video_alone_has_no_event(tmp_path):
    assert positions(read(tmp_path, "frame,label\n3,PASS\n")["table"]) == [3]
    assert read(tmp_path, "frame,label\n")["table"].events == ()
    sets = read(tmp_path, "video,frame,label\na,3,PASS\nb,,\n")
    assert positions(sets["a"]) == [3] and sets["b"].events == ()


def test_a_video_may_be_named_by_its_file_and_frames_count_at_the_rate_given(tmp_path):
    sets = read(tmp_path, "video,frame,label\ncup\\a_1.mp4,3,PASS\nb.v2_1,3,PASS\n", label_fps=30)
    assert sets["cup/a_1.mp4"].names == ("cup/a_1.mp4", "cup/a_1", "a_1") and sets["b.v2_1"].names == ("b.v2_1",)
    assert (sets["b.v2_1"].fps, sets["b.v2_1"].fps_from) == (30, "option")
    assert read(tmp_path, "time,label\n3,PASS\n", label_fps=30)["table"].fps is None


def test_of_frame_and_time_the_frame_is_taken_and_the_time_carried_through(tmp_path):
    (event,) = read(tmp_path, "time,frame,label\n0:00:04,100,PASS\n")["table"].events
    assert event.position == 100 and event.fields == {"frame": None, "label": "PASS", "time": "0:00:04"}


@pytest.mark.parametrize("content, said", [
    ("", "is empty; the first line must name the columns"),
    ("a,3,PASS\n", "line 1: the columns are a, 3, PASS; the first line must name the columns"),
    ("video,label\na,PASS\n", "line 1: the columns are video, label"),
    ("Video;Zeit;Ereignis\na;0:00:03,5;PASS\n", ".* such as --columns video=Video time=Zeit label=Ereignis$"),
    ("Nr;Spiel;Start Zeit;Was;Wer\n1;a;3,5;PASS;ARG\n", '.* --columns time="Start Zeit" label=Was$'),
    ("a,3,PASS\na,5,DRIVE\n", ".* --columns frame=2 label=3$"),
    ("frame,label,Label\n3,PASS,x\n", "line 1: more than one column is called label"),
    ("video,frame,label\n", "has no line below"),
    ("frame,label\n3,PASS\n4.5,PASS\n", "line 3: frame is \"4.5\"; it must be a whole number"),
    ("frame,label\n,PASS\n", "line 2: frame is empty"),
    ("frame,label,team\n3,,ARG\n", "line 2: label is empty"),
    ("video,frame,label\n,3,PASS\n", "line 2: video is empty"),
    ("time,label\n0:01:99,PASS\n", "line 2: time is \"0:01:99\"; it must be seconds"),
    ('time,label\n"1,5",PASS\n', "line 2: time is \"1,5\""),
    ("time,label\n1,5,PASS\n", "line 2: 'PASS' is in a column without a name"),
    ("frame,label\n3,\"PASS\n4,PASS\n", "is no table that can be read .*; is there a quote that is not closed"),
])
def test_a_bad_table_is_refused_by_its_line(tmp_path, content, said):
    with pytest.raises(UserError, match=rf"table\.csv: {said}"):
        read(tmp_path, content)
