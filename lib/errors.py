"""Bad input ends in one clear line and exit code 1, Ctrl-C in exit code 130: never in a traceback."""

import sys
from collections.abc import Callable


class InputError(ValueError):
    """Something that the user gave is wrong. The message says what, where, and what is allowed."""


def run_command(command: Callable[[list[str]], None]) -> None:
    """Call `command` with the command line's arguments and turn what goes wrong into one line and an exit code."""
    try:
        command(sys.argv[1:])
    except (InputError, OSError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        sys.exit(130)
