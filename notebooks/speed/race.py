"""What `make bench` has measured: how fast, against others and the machine's limit; how it grows; what a report takes.

A turn of each contender makes a round. Ratios are taken within a round, since machines are busier at one time than at
another.
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
D, K, LARGE = 3072, 10, 32  # LARGE: a stack whose products keep the processor busy
Numbers = Annotated[list[float], Field(min_length=1)]  # one a round


class Turns(BaseModel):
    """The seconds of each round, how many settings were trained in them, and the training accuracy of one of these."""

    seconds: Numbers
    settings: Numbers = [1]
    accuracy: list[float] = []

    @property
    def per_setting(self) -> np.ndarray:
        """Seconds a setting, (n_rounds,)."""
        return np.divide(self.seconds, self.settings)


def with_rivals(turns: dict[str, Turns]) -> dict[str, Turns]:
    """Return `turns`. Raises ValueError if a contender is missing that the sentences compare."""
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
    """How many a second: operations in a large matrix product, bytes in a copy."""

    operations: Numbers
    bytes: Numbers


class Row(NamedTuple):
    """A contender: seconds a setting and how many times as fast as BESIDE, (n_rounds,) each; the limit's seconds."""

    name: str
    seconds: np.ndarray
    ratio: np.ndarray
    limit: float

    def cells(self) -> list[str]:
        """Medians, with the range of the rounds, and the share of the limit."""
        took, ratio = (
            f"{np.median(values):.2f} ({values.min():.2f} to {values.max():.2f})"
            for values in (self.seconds, self.ratio)
        )
        return [self.name, took, ratio, f"{100 * self.limit / np.median(self.seconds):.0f}\u00a0%"]


class Race(BaseModel):
    """All that `make bench` has measured. `evaluated`: with the evaluation after every epoch, or training alone."""

    machine: Machine
    work: Work
    limit: Rates
    contenders: Contenders
    alone: Contenders = Field(alias="training alone")
    images: dict[int, Turns]
    epochs: dict[int, Turns]
    stack: dict[int, Turns]
    memory: dict[Literal["data_batch_1", "all"], dict[Literal["bytes"], Numbers]]  # by what is trained on

    @property
    def n_rounds(self) -> int:
        return len(self.limit.operations)

    def turns(self, evaluated: bool) -> Mapping[str, Turns]:
        return self.contenders if evaluated else self.alone

    def ratio(self, name: str, beside: str = BESIDE, evaluated: bool = True) -> np.ndarray:
        """How many times as fast as `beside` a contender is, in each round, (n_rounds,)."""
        turns = self.turns(evaluated)
        return turns[beside].per_setting / turns[name].per_setting

    def least(self, M: int, evaluated: bool = True) -> float:
        """The roofline (Williams et al., 2009): seconds a setting that a stack of M takes at the least.

        The work's matrix products at the rate of a large one, or its images once from memory at the rate of a copy,
        whichever takes longer. Each epoch takes every image through two products, and one more where it is evaluated.
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
        """What the machine allows."""
        least, beside = self.least(LARGE, evaluated), self.turns(evaluated)[BESIDE].per_setting
        return Row(f"the machine's limit, {LARGE} stacked", np.full_like(beside, least), beside / least, least)

    def unsteadiness(self) -> tuple[float, float]:
        """The range over the rounds as a share of the median, averaged over contenders: of seconds and of ratios."""
        others = [row for row in self.rows() if row.name != BESIDE]
        ranges = [[np.ptp(values) / np.median(values) for values in (row.seconds, row.ratio)] for row in others]
        of_seconds, of_ratios = np.mean(ranges, axis=0)
        return float(of_seconds), float(of_ratios)

    def megabytes(self) -> dict[str, float]:
        """Peak memory of training a setting, by what it trains on."""
        return {train_on: max(turns["bytes"]) / 1e6 for train_on, turns in self.memory.items()}


def growth(turns: Mapping[int, Turns]) -> tuple[np.ndarray, np.ndarray]:
    """The sizes, and the median seconds of each."""
    return np.array(list(turns)), np.array([np.median(each.seconds) for each in turns.values()])


def exponent(turns: Mapping[int, Turns]) -> float:
    """The power of the size that the seconds grow with: 1 if they grow in proportion."""
    sizes, took = growth(turns)
    return float(np.polyfit(np.log(sizes), np.log(took), 1)[0])


class Steps(BaseModel):
    """Seconds of `make report` after each of a few changes."""

    machine: Machine
    seconds: dict[str, float]


def read(path: Path = RESULTS) -> Race:
    """Read what the benchmark has measured. Raises InputError."""
    return read_json(path, Race, "run `make bench`")


def read_steps(path: Path = STEPS) -> Steps:
    """Read how long `make report` takes. Raises InputError."""
    return read_json(path, Steps, "run `make bench`")
