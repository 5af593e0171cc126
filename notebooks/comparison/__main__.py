"""Train every setting with other seeds, before the notebook reads the results from the cache."""

from lib.command import report_progress, run_command


def main() -> None:
    import numpy as np

    from lib.runs import settings
    from lib.runs.seeds import spread

    with np.errstate(over="ignore", invalid="ignore"):  # a setting may diverge
        spread(settings.read_all(), progress=report_progress("seeds"))


if __name__ == "__main__":
    run_command(main)
