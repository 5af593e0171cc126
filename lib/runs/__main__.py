"""`python -m lib.runs`: read every setting, so that a mistake in one is reported before anything is run."""

from lib.command import refuse_arguments, run_command


def main(arguments: list[str]) -> None:
    from lib.runs import settings

    refuse_arguments(arguments)
    settings.read_all()


if __name__ == "__main__":
    run_command(main)
