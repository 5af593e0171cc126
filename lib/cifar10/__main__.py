"""`python -m lib.cifar10`: put the verified batches on disk."""

from lib.cifar10 import fetch
from lib.command import refuse_arguments, run_command


def main(arguments: list[str]) -> None:
    refuse_arguments(arguments)
    fetch()


if __name__ == "__main__":
    run_command(main)
