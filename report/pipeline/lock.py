"""Run one command at a time: `python -m report.pipeline.lock COMMAND ...` waits for the lock, then becomes COMMAND.

The command's processes inherit the lock. The system releases it when the last of them ends, even by a crash, so no
lock is ever left behind.
"""

import fcntl
import os

from lib.command import InputError, run_command, say


def main(command: list[str]) -> None:
    if not command:
        raise InputError("usage: python -m report.pipeline.lock COMMAND ...")
    handle = os.open(".lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("Another `make report` is at work in this folder: waiting for it to end (Ctrl-C gives up)")
        fcntl.flock(handle, fcntl.LOCK_EX)
    os.set_inheritable(handle, True)
    os.execvp(command[0], command)  # nosec B606 # make's own command line, no shell


if __name__ == "__main__":
    run_command(main)
