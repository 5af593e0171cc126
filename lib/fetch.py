"""`python -m lib.fetch`: put the verified batches of CIFAR-10 on disk."""

from lib.command import refuse_arguments, run_command


def main(arguments: list[str]) -> None:
    from lib import cifar10

    refuse_arguments(arguments)
    cifar10.fetch()


if __name__ == "__main__":
    run_command(main)
