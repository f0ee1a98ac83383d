"""What a user can correct."""

from __future__ import annotations


class UserError(Exception):
    """Something that the person at the keyboard can correct.

    The message is one line: which file, what is wrong with it, what to do. Raise it `from` its cause.
    A mistake that only a bug can make stays a plain exception, traceback and all.
    """
