"""Read the results of `make bench` and compute ratios, the machine's limit and the growth of time from them.

In a round, each contender (our code or another library) has one turn. Ratios compare turns of the same round, because
the machine is busier at some times than at others.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import numpy as np
from pydantic import AfterValidator, BaseModel, Field

from lib import paths
from lib.files import read_json

RESULTS = paths.ROOT / "benchmarks" / "results.json"
STEPS = paths.ROOT / "benchmarks" / "report.json"
OURS, STACKED, BESIDE = "this project", "this project, 32 stacked", "PyTorch eager"
D, K, LARGE = 3072, 10, 32  # LARGE: a stack large enough to keep the processor busy
Numbers = Annotated[list[float], Field(min_length=1)]  # one per round


class Turns(BaseModel):
    """For each round: seconds, the number of settings trained in them, and the training accuracy of one setting."""

    seconds: Numbers
    settings: Numbers = [1]
    accuracy: list[float] = []

    @property
    def per_setting(self) -> np.ndarray:
        """The seconds per setting, (n_rounds,)."""
        return np.divide(self.seconds, self.settings)


def with_rivals(turns: dict[str, Turns]) -> dict[str, Turns]:
    """Return `turns`. Raises ValueError if a contender that the sentences mention is missing."""
    if missing := {OURS, STACKED, BESIDE} - turns.keys():
        raise ValueError(f"must hold {min(missing)}")
    return turns


Contenders = Annotated[dict[str, Turns], AfterValidator(with_rivals)]


class Machine(BaseModel):
    cpu: str
    cores: int
    blas: list[str]
    versions: dict[str, str]


class Work(BaseModel):
    n: int
    n_val: int
    n_epochs: int
    n_batch: int


class Rates(BaseModel):
    """The machine's rates: operations per second in a large matrix product, and bytes per second in a copy."""

    operations: Numbers
    bytes: Numbers


class Row(NamedTuple):
    """A contender: seconds per setting and speed relative to BESIDE, (n_rounds,) each; and the limit in seconds."""

    name: str
    seconds: np.ndarray
    ratio: np.ndarray
    limit: float

    def cells(self) -> list[str]:
        """Return the table's cells: name, medians with ranges over the rounds, and the share of the limit."""
        both = (self.seconds, self.ratio)
        took, ratio = (f"{np.median(values):.2f} ({values.min():.2f} to {values.max():.2f})" for values in both)
        return [self.name, took, ratio, f"{100 * self.limit / np.median(self.seconds):.0f}\u00a0%"]


class Race(BaseModel):
    """All results of `make bench`. `evaluated` selects runs with evaluation after every epoch, else training alone."""

    machine: Machine
    work: Work
    limit: Rates
    contenders: Contenders
    alone: Contenders = Field(alias="training alone")
    images: dict[int, Turns]
    epochs: dict[int, Turns]
    stack: dict[int, Turns]
    memory: dict[Literal["data_batch_1", "all"], dict[Literal["bytes"], Numbers]]  # by training batch

    @property
    def n_rounds(self) -> int:
        return len(self.limit.operations)

    def turns(self, evaluated: bool) -> Mapping[str, Turns]:
        return self.contenders if evaluated else self.alone

    def ratio(self, name: str, beside: str = BESIDE, evaluated: bool = True) -> np.ndarray:
        """Return how many times as fast as `beside` a contender is in each round, (n_rounds,)."""
        turns = self.turns(evaluated)
        return turns[beside].per_setting / turns[name].per_setting

    def least(self, M: int, evaluated: bool = True) -> float:
        """Return the fewest seconds per setting that a stack of M can take, by the roofline (Williams et al., 2009).

        The limit is the longer of two times: all matrix products at the rate of a large one, or reading the images once
        per stack at the rate of a copy. Each epoch has two products per training image, and one per evaluated image.
        """
        work, n_evaluated = self.work, (self.work.n + self.work.n_val) * evaluated
        operations = 2 * D * K * (2 * work.n + n_evaluated) * work.n_epochs
        read = 4 * D * (work.n + n_evaluated) * work.n_epochs
        return float(max(operations / np.median(self.limit.operations), read / np.median(self.limit.bytes) / M))

    def rows(self, evaluated: bool = True) -> list[Row]:
        turns = self.turns(evaluated)
        limits = {name: self.least(int(each.settings[0]), evaluated) for name, each in turns.items()}
        return [Row(name, turns[name].per_setting, self.ratio(name, BESIDE, evaluated), limits[name]) for name in turns]

    def bound(self, evaluated: bool = True) -> Row:
        """Return the machine's limit as a row of the table."""
        least, beside = self.least(LARGE, evaluated), self.turns(evaluated)[BESIDE].per_setting
        return Row(f"the machine's limit, {LARGE} stacked", np.full_like(beside, least), beside / least, least)

    def unsteadiness(self) -> tuple[float, float]:
        """Return the mean, over contenders, of the rounds' range divided by their median: of seconds and of ratios."""
        others = [row for row in self.rows() if row.name != BESIDE]
        ranges = [[np.ptp(values) / np.median(values) for values in (row.seconds, row.ratio)] for row in others]
        of_seconds, of_ratios = np.mean(ranges, axis=0)
        return float(of_seconds), float(of_ratios)

    def megabytes(self) -> dict[str, float]:
        """Return the peak memory of training one setting, by training batch."""
        return {train_on: max(turns["bytes"]) / 1e6 for train_on, turns in self.memory.items()}


def growth(turns: Mapping[int, Turns]) -> tuple[np.ndarray, np.ndarray]:
    """Return the sizes, and the median seconds for each size."""
    return np.array(list(turns)), np.array([np.median(each.seconds) for each in turns.values()])


def exponent(turns: Mapping[int, Turns]) -> float:
    """Return the exponent p if time grows as size**p: 1 if it grows in proportion."""
    sizes, took = growth(turns)
    return float(np.polyfit(np.log(sizes), np.log(took), 1)[0])


class Steps(BaseModel):
    """The seconds that `make report` takes after each of a few changes."""

    machine: Machine
    seconds: dict[str, float]


def read(path: Path = RESULTS) -> Race:
    """Read the benchmark's results. Raises InputError if they are missing or damaged."""
    return read_json(path, Race, "run `make bench`")


def read_steps(path: Path = STEPS) -> Steps:
    """Read how long `make report` takes. Raises InputError if the file is missing or damaged."""
    return read_json(path, Steps, "run `make bench`")
