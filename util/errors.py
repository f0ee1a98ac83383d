"""What a user can correct, and how a message counts."""

from __future__ import annotations


class UserError(Exception):
    """Something that the person at the keyboard can correct.

    The message is one line: which file, what is wrong with it, what to do. Raise it `from` its cause.
    A mistake that only a bug can make stays a plain exception, traceback and all.
    """


def number_of(number: int, noun: str) -> str:
    """As a message says it: 1 event, 2 events, 12,000 events."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
