"""What `make bench` has measured: how fast, against others and the machine's limit; how it grows; what a report takes.

It writes benchmarks/results.json and benchmarks/report.json. A turn of each contender makes a round; ratios are taken
within a round, since machines are busier at one time than at another.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lib import paths
from lib.command import InputError

RESULTS = paths.ROOT / "benchmarks" / "results.json"
STEPS = paths.ROOT / "benchmarks" / "report.json"
OURS, BESIDE = "this project", "PyTorch eager"
EVALUATED, ALONE = "contenders", "training alone"  # with and without the evaluation after every epoch
D, K, LARGE = 3072, 10, 32  # LARGE: a stack whose products keep the processor busy
HEADER = ["", "seconds a setting", f"times as fast as {BESIDE}", "of the limit"]


class Row(NamedTuple):
    """A contender: seconds a setting and how many times as fast as BESIDE, (n_rounds,) each; the limit's seconds."""

    name: str
    seconds: np.ndarray
    ratio: np.ndarray
    limit: float

    def cells(self) -> list[str]:
        """The row of a table under HEADER: medians, with the range of the rounds."""
        took, ratio = (
            f"{np.median(values):.2f} ({values.min():.2f} to {values.max():.2f})"
            for values in (self.seconds, self.ratio)
        )
        return [self.name, took, ratio, f"{100 * self.limit / np.median(self.seconds):.0f}\u00a0%"]


def read(path: Path = RESULTS) -> dict[str, Any]:
    """The race. Raises InputError if it has not been run, or not to its end."""
    with named(path):
        found = json.loads(path.read_text(encoding="utf-8"))
        _ = (
            [rows(found, group) for group in (EVALUATED, ALONE)],
            [growth(found[group]) for group in ("images", "stack")],
        )
        return found


def read_steps(path: Path = STEPS) -> tuple[dict[str, float], dict[str, Any]]:
    """Seconds of `make report` after each of a few changes, and the machine. Raises InputError as `read` does."""
    with named(path):
        found = json.loads(path.read_text(encoding="utf-8"))
        return {name: float(took) for name, took in found["seconds"].items()}, found["machine"]


@contextmanager
def named(path: Path) -> Iterator[None]:
    """An InputError that names the file, if it is not there or holds something else."""
    try:
        yield
    except FileNotFoundError:
        raise InputError(f"there is no {path}; `make bench` writes it") from None
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise InputError(f"{path} is damaged ({type(error).__name__}: {error}); `make bench` writes it anew") from None


def seconds(found: Mapping[str, Any], group: str, name: str) -> np.ndarray:
    """Seconds a setting, (n_rounds,)."""
    turns = found[group][name]
    return np.divide(turns["seconds"], turns["settings"])


def ratio(found: Mapping[str, Any], group: str, name: str, beside: str = BESIDE) -> np.ndarray:
    """How many times as fast as `beside` a contender is, in each round, (n_rounds,)."""
    return seconds(found, group, beside) / seconds(found, group, name)


def times(found: Mapping[str, Any], name: str, group: str = EVALUATED, beside: str = BESIDE) -> str:
    """The median of `ratio`, for a sentence."""
    return f"{np.median(ratio(found, group, name, beside)):.1f}"


def limit(found: Mapping[str, Any], group: str, M: int) -> float:
    """The roofline (Williams et al., 2009): seconds a setting that a stack of M takes at the least.

    The work's matrix products at the rate of a large one, or its images once from memory at the rate of a copy,
    whichever takes longer. Each epoch takes every image through two products, and one more where it is evaluated.
    """
    work, rates = found["work"], found["limit"]
    evaluated = (work["n"] + work["n_val"]) * (group == EVALUATED)
    operations = 2 * D * K * (2 * work["n"] + evaluated) * work["n_epochs"]
    read = 4 * D * (work["n"] + evaluated) * work["n_epochs"]
    return max(operations / np.median(rates["operations"]), read / np.median(rates["bytes"]) / M)


def rows(found: Mapping[str, Any], group: str) -> list[Row]:
    return [
        Row(name, seconds(found, group, name), ratio(found, group, name), limit(found, group, turns["settings"][0]))
        for name, turns in found[group].items()
    ]


def table(found: Mapping[str, Any], group: str) -> list[list[str]]:
    """Cells under HEADER: every contender, and last what the machine allows."""
    least = limit(found, group, LARGE)
    took = np.full_like(seconds(found, group, BESIDE), least)
    bound = Row(f"the machine's limit, {LARGE} stacked", took, seconds(found, group, BESIDE) / took, least)
    return [row.cells() for row in [*rows(found, group), bound]]


def unsteadiness(found: Mapping[str, Any]) -> tuple[float, float]:
    """The range over the rounds as a share of the median, its mean over the contenders: of seconds, and of ratios."""
    others = [row for row in rows(found, EVALUATED) if row.name != BESIDE]
    ranges = [[np.ptp(values) / np.median(values) for values in (row.seconds, row.ratio)] for row in others]
    of_seconds, of_ratios = np.mean(ranges, axis=0)
    return float(of_seconds), float(of_ratios)


def growth(turns: Mapping[str, Mapping[str, list[float]]]) -> tuple[np.ndarray, np.ndarray]:
    """The sizes, and the median seconds of each."""
    return np.array(list(turns), int), np.array([np.median(own["seconds"]) for own in turns.values()])


def exponent(turns: Mapping[str, Mapping[str, list[float]]]) -> float:
    """The power of the size that the seconds grow with: 1 if they grow in proportion."""
    sizes, took = growth(turns)
    return float(np.polyfit(np.log(sizes), np.log(took), 1)[0])


def memory(found: Mapping[str, Any]) -> dict[str, float]:
    """Peak memory in MB of a setting, by what it trains on."""
    return {train_on: max(turns["bytes"]) / 1e6 for train_on, turns in found["memory"].items()}


def as_text(found: Mapping[str, Any]) -> list[str]:
    """The results as the lines of a table for the terminal."""
    lines = []
    for group in (EVALUATED, ALONE):
        cells = [[group, *HEADER[1:]], *table(found, group)]
        lines += ["", *(f"{first:32}" + "".join(f"{cell:>30}" for cell in rest) for first, *rest in cells)]
    grown = ", ".join(f"{group}^{exponent(found[group]):.2f}" for group in ("images", "epochs"))
    held = ", ".join(f"{train_on} {most:.0f} MB" for train_on, most in memory(found).items())
    return [*lines, "", f"Seconds grow as {grown}. Peak memory of a setting: {held}."]
