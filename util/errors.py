"""How a script ends: errors that a user can mend are one line on stderr and exit code 2."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable


class UserError(Exception):
    """Something that the person at the keyboard can mend.

    The message is one line: which file, what is wrong with it, what to do. Raise it `from` its cause.
    A mistake that only a bug can make stays a plain exception, traceback and all.
    """


def run_script(main: Callable[[], int | None]) -> None:
    """Run a script's main function and exit: 0 (or what it returns), 2 on bad input, 130 on Ctrl-C."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # an old console cannot print every video's name
            stream.reconfigure(errors="backslashreplace")
    try:
        sys.exit(main())
    except UserError as error:
        message = str(error)
    except BrokenPipeError:  # whoever read the output, as `head` does, has seen enough
        os._exit(0)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        sys.exit(130)
    except OSError as error:
        if error.filename is None and error.errno is None:  # not the file system's
            raise
        message = f"{error.filename or 'file system'}: {error.strerror or error}"
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(2)
