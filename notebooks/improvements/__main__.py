"""Run the long trainings of this chapter: the grid search, the networks that it chooses, and each change alone."""

from lib.command import report_progress, run_command


def main() -> None:
    from notebooks.improvements import ablation, choose, search

    grid = search.read_grid()
    chosen = choose.choose(grid, search.search(grid)["loss"])
    bce_grid = choose.with_bce(grid, chosen)
    chosen_bce = choose.choose(bce_grid, search.search(bce_grid)["loss"])
    for setting in report_progress("improved networks")([chosen, chosen_bce]):
        choose.improved(setting)
    ablation.accuracies(chosen, report_progress("changes, seeds"))


if __name__ == "__main__":
    run_command(main)
