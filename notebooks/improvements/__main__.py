"""The long trainings of this chapter: the grid search, what it chooses, and each change alone."""

from lib.command import expect_none, report_progress, run_command
from lib.runs.seeds import spread
from notebooks.improvements import ablation, choose, search


def main(arguments: list[str]) -> None:
    expect_none(arguments)
    grid = search.read_grid()
    chosen = choose.choose(grid, search.search(grid)["loss"])
    bce = choose.with_bce(grid, chosen)
    chosen_bce = choose.choose(bce, search.search(bce)["loss"])
    for setting in report_progress("improved networks")([chosen, chosen_bce]):
        choose.improved(setting)
    compared = list(ablation.compared(chosen).values())
    spread(compared, ablation.SEEDS, report_progress("changes, seeds"))


if __name__ == "__main__":
    run_command(main)
