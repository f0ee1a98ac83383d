"""--limit_hours: a run that ends of itself, before the hours of a computing centre's job are up."""

from __future__ import annotations

import argparse
import math
import time

from util.errors import number_of
from util.options import rate

TIME_IS_UP = 1  # exit code of a run that left something to do


class TimeLimit:
    """So many hours from now, by the clock of whichever machine asks; None: for ever."""

    def __init__(self, hours: float | None = None) -> None:
        self._end = math.inf if hours is None else time.time() + 3600 * hours

    @property
    def over(self) -> bool:
        return time.time() >= self._end


NO_LIMIT = TimeLimit()


def add_limit_option(parser: argparse._ActionsContainer) -> None:
    parser.add_argument("--limit_hours", type=rate, metavar="H",
                        help="begin no further video after so many hours, and end once those in work are done, with "
                             f"exit code {TIME_IS_UP}; the same command goes on")


def time_is_up(left: int) -> int:
    """Say how many videos are left; gives the exit code."""
    print(f"--limit_hours: the time is up, with {number_of(left, 'video')} left to do; the same command goes on")
    return TIME_IS_UP
