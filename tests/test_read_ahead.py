"""Reading ahead: the same items, bounded, with errors in their place, and no thread left behind."""

import threading

import pytest

from util.read_ahead import read_ahead


def counted(number, made, closed):
    try:
        for index in range(number):
            made.append(index)
            yield index
    finally:
        closed.append(True)


def test_all_items_come_in_order_and_the_thread_ends():
    made, closed = [], []
    before = threading.active_count()
    assert list(read_ahead(counted(100, made, closed), 3)) == list(range(100))
    assert closed and threading.active_count() == before


def test_no_more_are_made_than_asked_for_and_closing_ends_the_generator():
    made, closed = [], []
    ahead = read_ahead(counted(1000, made, closed), 3)
    assert [next(ahead) for _ in range(5)] == [0, 1, 2, 3, 4]
    ahead.close()
    assert closed and len(made) <= 5 + 3 + 1  # taken, waiting, and one for which there was no room


def test_an_error_comes_after_the_items_before_it():
    def failing():
        yield 1
        raise ValueError("second")

    ahead = read_ahead(failing(), 5)
    assert next(ahead) == 1
    with pytest.raises(ValueError, match="second"):
        next(ahead)
