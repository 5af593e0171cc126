"""`python -m lib.fetch`: fetch the batches of CIFAR-10 and verify them."""

from lib.command import refuse_arguments, run_command


def main(arguments: list[str]) -> None:
    from lib import cifar10

    refuse_arguments(arguments)
    cifar10.fetch()


if __name__ == "__main__":
    run_command(main)
