"""What a command says: for bad input one clear line and exit code 1, for Ctrl-C 130, no traceback; and its progress."""

from __future__ import (
    annotations,  # report.pipeline.lock is run by whatever Python there is before `make` checks its version
)

import io
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any


class InputError(ValueError):
    """Something that the user gave is wrong. The message says what, where, and what is allowed."""


def say(line: str) -> None:
    """Print a line in one piece, since several commands may print side by side."""
    print(f"{line}\n", end="", file=sys.stderr, flush=True)


def one_line(text: str) -> str:
    """Foreign text without line breaks and control characters."""
    return "".join(letter if letter.isprintable() else "?" for letter in " ".join(text.split()))


def report_progress(what: str) -> Callable[[Iterable[Any]], Iterator[Any]]:
    """A `progress` for the command line: a line for each turn."""

    def progress(turns: Iterable[Any]) -> Iterator[Any]:
        listed = list(turns)
        for number, turn in enumerate(listed, 1):
            say(f"  {what}: {number} of {len(listed)}")
            yield turn

    return progress


def expect_none(arguments: list[str]) -> None:
    """Raise InputError if a command that takes no arguments is given any: they were meant to do something."""
    if arguments:
        raise InputError(f"{arguments[0]!r}: the command takes no arguments")


def run_command(command: Callable[[list[str]], None]) -> None:
    """Call `command` with the command line's arguments and turn what goes wrong into one line and an exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as stderr is: for a terminal that knows no η
    try:
        command(sys.argv[1:])
    except (InputError, OSError) as error:
        sys.exit(f"error: {one_line(str(error))}")  # which may name a file of any name
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        sys.exit(130)
