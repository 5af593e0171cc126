"""Print what may be wrong with a student's work.

python -m lib.doctor 26.2 38.8 39.2 37.5       final test accuracies, in the order of the assignment's settings
python -m lib.doctor path/to/results.json      test accuracies, and those on train and validation if it has them
"""

from lib.command import run_command


def main(arguments: list[str]) -> None:
    from lib.doctor.accuracies import read_accuracies, read_signatures
    from lib.doctor.diagnosis import diagnose

    print("\n".join(diagnose(read_accuracies(arguments), read_signatures())))


if __name__ == "__main__":
    run_command(main)
