from fractions import Fraction

import numpy as np
import pytest

from util.stamps import Stamps

EVEN = Stamps.even(100, 25)


@pytest.mark.parametrize("ms, frame", [
    (0, 0), (998, 24), (999, 24), (999.1, 25), (1000, 25), (1019, 25), (1021, 25), (1039, 25), (1039.1, 26), (1040, 26),
    (3959.5, 99), (5000, 99),
])
def test_a_time_shows_the_last_frame_whose_stamp_is_not_later_by_a_millisecond_of_slack(ms, frame):
    assert EVEN.frame_at(ms / 1000) == frame


def test_before_the_first_picture_there_is_no_frame():
    later = Stamps.even(75, 25, start=0.4)
    assert [later.frame_at(at) for at in (0, 0.3989, 0.3991, 1.4, 2.4)] == [-1, -1, 0, 25, 50]
    assert (later.start, later.end) == pytest.approx((0.4, 3.4))


def test_a_frame_is_at_its_stamp_and_what_lies_between_at_its_share_of_the_step():
    uneven = Stamps(np.array([0.4, 0.5, 0.7]), 0.8)
    assert [uneven.time_of(frame) for frame in (0, 1, 2, 1.5, 3, -1)] == pytest.approx([0.4, 0.5, 0.7, 0.6, 0.8, 0.3])
    assert all(uneven.frame_at(uneven.time_of(frame)) == frame for frame in range(3))


def test_the_usual_rate_is_that_without_the_gaps():
    ticks = [*range(41), *range(52, 111)]
    assert Stamps(np.array(ticks) / 25, 111 / 25).usual_fps == pytest.approx(25)
    assert Stamps.even(1, 25).usual_fps == pytest.approx(25)


@pytest.mark.parametrize("steps", [[3600] * 40, [33, 33, 34] * 9, [1, 2, 2, 0, 0, 7], [5]])
def test_stamps_come_back_from_json_exactly(steps):
    unit, ticks = Fraction(1, 90_000), np.cumsum([36_000, *steps])
    stamps = Stamps(ticks[:-1] / 90_000, ticks[-1] / 90_000)
    again = Stamps.from_json(stamps.to_json(unit), len(steps))
    assert np.allclose(again.seconds, stamps.seconds, rtol=0, atol=1e-9) and again.end == pytest.approx(stamps.end)


def test_equal_steps_are_written_once():
    assert EVEN.to_json(Fraction(1, 12_800)) == {"first": 0.0, "unit": "1/12800", "steps": "512x100"}


@pytest.mark.parametrize("value", [
    None, [], {}, {"first": 0, "unit": "1/25", "steps": "1x3"}, {"first": 0, "unit": "1/25", "steps": ""},
    {"first": 0, "unit": "1/0", "steps": "1x4"}, {"first": 0, "unit": 25, "steps": "1x4"},
    {"first": float("nan"), "unit": "1/25", "steps": "1x4"}, {"first": "0", "unit": "1/25", "steps": "1x4"},
    {"first": 0, "unit": "1/25", "steps": "-1x4"}, {"first": 0, "unit": "1/25", "steps": "1 x3"},
    {"first": 0, "unit": "1/25", "steps": f"{10**17}x4 1"},
    {"first": 0, "unit": "1/25", "steps": [1, 1, 1, 1]},
])
def test_what_is_no_such_json_is_none(value):
    assert Stamps.from_json(value, 4) is None
