"""`python -m lib.fetch`: fetch the batches of CIFAR-10 and verify them."""

from lib.command import run_command


def main() -> None:
    from lib import cifar10

    cifar10.fetch()


if __name__ == "__main__":
    run_command(main)
