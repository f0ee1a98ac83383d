"""What is asked about, and what is not: names and rates as they occur."""

import pytest

from util.doubts import doubt_classes, doubt_rates


@pytest.mark.parametrize(("rare", "many", "doubted"), [
    ("PAS", "PASS", True), ("DRIBE", "DRIVE", True), ("HEADRE", "HEADER", True), ("Free-kik", "Free-kick", True),
    ("ON", "IN", False), ("Yellow->red card", "Yellow card", False), ("serve 2", "serve 1", False),
    ("HIGH PASS", "PASS", False),
])
def test_names_that_may_be_another_misspelt(rare, many, doubted):
    assert [name for name, _ in doubt_classes({rare: 3, many: 30})] == [rare] * doubted
    assert not list(doubt_classes({rare: 4, many: 30}))


def test_rates_that_are_unknown_or_alike_are_not_asked_about():
    assert doubt_rates({}) is None and doubt_rates({"a": None, "b": -1}) is None
    assert doubt_rates({"a": 25, "b": 29.97, "c": 30}) is None
    assert "'b' has 59.94 frames per second, and most videos have 29.97;" in doubt_rates({"a": 29.97, "b": 59.9401})
