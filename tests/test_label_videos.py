from pathlib import Path

import pytest

from label_forms.sets import LabelledEvent, LabelSet
from label_forms.videos import WHOLE, check_second_half, pair_labels
from util.errors import UserError


def label_set(*names, form="raw", halves=(None,)):
    events = tuple(LabelledEvent("annotations[0]", 3, {"frame": None, "label": "PASS"}, half) for half in halves)
    return LabelSet(Path(f"{names[0]}.json"), form, names, events, read=len(events))


def parts(names, videos):
    return pair_labels([label_set(*names)], videos)[0].parts


@pytest.mark.parametrize("names, videos, found", [
    (["a_1"], ["a_1", "a_2"], {WHOLE: "a_1"}),
    (["a"], ["a", "b"], {WHOLE: "a"}),
    (["a"], ["a_2", "a_1", "ab_1"], {1: "a_1", 2: "a_2"}),
    (["cup/a"], ["cup/a/2_224p", "cup/a/1_224p"], {1: "cup/a/1_224p", 2: "cup/a/2_224p"}),
    (["a_1"], ["a/1_720p", "a/2_720p"], {WHOLE: "a/1_720p"}),
    (["a"], ["a/720p", "b/720p"], {WHOLE: "a/720p"}),
    (["a"], ["a/broadcast", "b/1"], {WHOLE: "a/broadcast"}),
    ([".", "cup"], ["1_224p", "2_224p"], {1: "1_224p", 2: "2_224p"}),
    (["x/a", "league/a"], ["league/a/1", "league/a/2"], {1: "league/a/1", 2: "league/a/2"}),
    (["a.mp4", "a"], ["a"], {WHOLE: "a"}),
    (["Malm\u00f6"], ["Malmo\u0308_1", "Malmo\u0308_2"], {1: "Malmo\u0308_1", 2: "Malmo\u0308_2"}),  # macOS
])
def test_labels_find_their_videos(names, videos, found):
    assert parts(names, videos) == found


def test_a_match_is_called_as_its_halves_are():
    labelled = pair_labels([label_set("a_1"), label_set("b"), label_set("c")], ["a_1", "b_1", "b_2", "c"])
    assert [one.match for one in labelled] == ["a", "b", "c"]


@pytest.mark.parametrize("videos, said", [
    (["argentina_brazil"], r"no video 'argentina_brasil' \(is it 'argentina_brazil'\?\), nor its halves"),
    (["x"], r"no video 'argentina_brasil', nor its halves"),
    (["argentina_brasil/1_224p", "argentina_brasil/1_720p"], "'argentina_brasil/1_224p' and .* show half 1 of what it"),
    (["argentina_brasil/224p", "argentina_brasil/720p"], "show the whole of what it labels"),
    (["argentina_brasil_0", "argentina_brasil_1"], "count from 1, and 'argentina_brasil_0' is none of them; rename"),
    (["argentina_brasil/720p", "argentina_brasil/1_720p"], "'argentina_brasil/720p' shows the whole .* are halves"),
])
def test_labels_without_a_video_of_their_own_are_refused(videos, said):
    with pytest.raises(UserError, match=rf"^argentina_brasil\.json: .*{said}"):
        pair_labels([label_set("argentina_brasil")], videos)


def test_a_file_that_its_folder_names_says_so_where_it_lies_in_none():
    labels = LabelSet(Path("Labels/Labels-ball.json"), "soccernet", (".", "Labels"), ())
    with pytest.raises(UserError, match=r"no folder that names its match; .* such as cup/a_b/Labels-ball\.json$"):
        pair_labels([labels], ["cup/a_b_1", "cup/a_b_2", "cup/c_d_1"])


def test_a_video_has_labels_from_one_file():
    with pytest.raises(UserError, match=r"a\.json: labels the video 'a_1', and so does a_1\.json; take one"):
        pair_labels([label_set("a_1"), label_set("a")], ["a_1", "a_2"])


def test_a_file_of_a_video_goes_before_one_of_its_match_and_a_table():
    own = LabelSet(Path("Labels/a_1.json"), "video", ("a_1",), ())
    table = LabelSet(Path("Labels/all.csv"), "csv", ("a_1",), ())
    for others in ([label_set("a")], [table]):
        for sets in ([own, *others], [*others, own]):
            paired = {one.labels.path.name: one.superseded for one in pair_labels(sets, ["a_1", "a_2"])}
            assert paired == {"a_1.json": frozenset(), others[0].path.name: frozenset({"a_1"})}
    with pytest.raises(UserError, match="labels the video 'a_1', and so does"):
        pair_labels([label_set("a"), table], ["a_1", "a_2"])


def test_where_the_second_half_begins_is_asked_of_labels_that_count_through_a_match():
    videos = ["a_1", "a_2", "b", "c_1", "c_2", "d_2"]
    sets = [label_set("a"), label_set("b", halves=(1, 2)), label_set("c", halves=(1, 2)), label_set("d_2", halves=(2,))]
    labelled = pair_labels(sets, videos)
    assert [one.needs_second_half for one in labelled] == [True, True, False, False]
    assert [one.is_cut for one in labelled] == [True, False, False, False]
    check_second_half(labelled, {"": "300", "a": "200", "b": "7:00"})
    with pytest.raises(UserError, match="--second_half c: no labels count through such a match; .*: a, b"):
        check_second_half(labelled, {"c": "300"})
    with pytest.raises(UserError, match="--second_half: no label file counts through a match"):
        check_second_half(labelled[2:], {"": "300"})
