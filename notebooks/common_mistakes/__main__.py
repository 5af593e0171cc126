"""Run the long trainings of this chapter: every mistake."""

from lib.command import report_progress, run_command


def main() -> None:
    from notebooks.common_mistakes.training import train_all

    train_all(progress=report_progress("mistakes"))


if __name__ == "__main__":
    run_command(main)
