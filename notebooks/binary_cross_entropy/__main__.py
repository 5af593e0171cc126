"""Run the long trainings of this chapter: both losses, each at its best eta, with several seeds."""

from lib.command import report_progress, run_command


def main() -> None:
    from notebooks.binary_cross_entropy.best_eta import over_seeds

    over_seeds(report_progress("losses, seeds"))


if __name__ == "__main__":
    run_command(main)
