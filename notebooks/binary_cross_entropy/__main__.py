"""Run the long trainings of this chapter: both losses, each at its best eta, with several seeds."""

from lib.command import refuse_arguments, report_progress, run_command


def main(arguments: list[str]) -> None:
    from notebooks.binary_cross_entropy.best_eta import over_seeds

    refuse_arguments(arguments)
    over_seeds(report_progress("losses, seeds"))


if __name__ == "__main__":
    run_command(main)
