"""Run the long trainings of this chapter: every mistake."""

from lib.command import refuse_arguments, report_progress, run_command


def main(arguments: list[str]) -> None:
    from notebooks.common_mistakes.training import train_all

    refuse_arguments(arguments)
    train_all(progress=report_progress("mistakes"))


if __name__ == "__main__":
    run_command(main)
