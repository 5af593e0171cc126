"""Run the long trainings of this chapter: every replay."""

from lib.command import report_progress, run_command


def main() -> None:
    from notebooks.reproduction.replay import replayed, replays

    for name in report_progress("replays")(replays()):
        replayed(name)


if __name__ == "__main__":
    run_command(main)
