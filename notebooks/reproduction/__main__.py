"""Run the long trainings of this chapter: every replay."""

from lib.command import refuse_arguments, report_progress, run_command


def main(arguments: list[str]) -> None:
    from notebooks.reproduction.replay import replayed, replays

    refuse_arguments(arguments)
    for name in report_progress("replays")(replays()):
        replayed(name)


if __name__ == "__main__":
    run_command(main)
