import pytest

from util.clock import exact_time, parse_time, show_time
from util.errors import number_of


@pytest.mark.parametrize("text, seconds", [
    ("83.5", 83.5), (" 7 ", 7), ("5.", 5), ("1:23.5", 83.5), ("75:12", 4512), ("0:14:07.200", 847.2), ("1:00:00", 3600),
])
def test_times_as_people_write_them(text, seconds):
    assert parse_time(text) == pytest.approx(seconds, abs=1e-9)


@pytest.mark.parametrize("text", ["", "x", "-3", "1:60", "1:60:00", "00:01:02:03", "1,5", "1e3", "1:-2", "\u0663"])
def test_what_is_no_time_is_none(text):
    assert parse_time(text) is None


def test_times_are_shown_as_long_as_they_are():
    assert [show_time(x) for x in (0.118, 41.53, 59.9, 1200, 3723.46)] == [
        "0.12 s", "41.5 s", "59.9 s", "20:00.0", "1:02:03.5"]


def test_exact_times_have_milliseconds_and_no_seconds_of_60():
    assert [exact_time(x) for x in (0, 59.9996, 3723.4567, 36000)] == [
        "0:00:00.000", "0:01:00.000", "1:02:03.457", "10:00:00.000"]


def test_numbers_agree_with_their_noun():
    assert [number_of(n, "event") for n in (0, 1, 12000)] == ["0 events", "1 event", "12,000 events"]
