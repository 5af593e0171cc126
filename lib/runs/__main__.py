"""`python -m lib.runs`: read every setting, so that a mistake in one is reported before anything is run."""

from lib.command import run_command


def main() -> None:
    from lib.runs import settings

    settings.read_all()


if __name__ == "__main__":
    run_command(main)
