"""Command-line behaviour: one-line errors, exit codes, progress lines."""

# report.pipeline.lock imports this module before `make` has checked the version of Python.
from __future__ import annotations

import inspect
import io
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any


class InputError(ValueError):
    """Wrong input from the user. The message says what is wrong, where, and what is allowed."""


def say(line: str) -> None:
    """Print a line to stderr in a single write, so that lines of parallel commands do not mix."""
    print(f"{line}\n", end="", file=sys.stderr, flush=True)


def one_line(text: str) -> str:
    """Put untrusted text on one line and replace its control characters with question marks."""
    return "".join(letter if letter.isprintable() else "?" for letter in " ".join(text.split()))


def report_progress(what: str) -> Callable[[Iterable[Any]], Iterator[Any]]:
    """Return a `progress` function for the command line. It prints a line before each item."""

    def progress(items: Iterable[Any]) -> Iterator[Any]:
        listed = list(items)
        for number, item in enumerate(listed, 1):
            say(f"  {what}: {number} of {len(listed)}")
            yield item

    return progress


def run_command(command: Callable[..., None]) -> None:
    """Call `command` with the command line's arguments. Exit with 1 and one line on an error, with 130 on Ctrl-C.

    A function without parameters is a command that refuses arguments. Slow packages are imported in `command`, so that
    Ctrl-C during these imports is handled, too.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # like stderr, for terminals that cannot show η
    try:
        if inspect.signature(command).parameters:
            command(sys.argv[1:])
        elif arguments := sys.argv[1:]:
            raise InputError(f"{arguments[0]!r}: the command takes no arguments")
        else:
            command()
    except (InputError, OSError) as error:
        sys.exit(f"error: {one_line(str(error))}")  # the message may contain a file name with control characters
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        sys.exit(130)
