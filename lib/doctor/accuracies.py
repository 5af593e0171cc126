"""Read the accuracies that the doctor compares: the user's, and those that each known mistake leads to."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Self

import numpy as np
from pydantic import AliasPath, BaseModel, Field

from lib import paths
from lib.assignment import BATCHES, N_BATCH, N_EPOCHS, SETTINGS
from lib.command import InputError
from lib.doctor.mistakes import ADVICE, RIGHT
from lib.files import read_json

Accuracies = Mapping[tuple[str, int], float]  # in per cent, by split and place in SETTINGS
Fraction = Annotated[float, Field(ge=0, le=1, strict=True, allow_inf_nan=False)]
EachSetting = Annotated[list[Fraction], Field(min_length=len(SETTINGS), max_length=len(SETTINGS))]
USAGE = f"give a results.json, or {len(SETTINGS)} test accuracies, such as 26.2 38.8 39.2 37.5"


class Spread(BaseModel):
    """Final accuracies on one split: mean and standard deviation over the seeds, and the accuracies of each seed."""

    mean: EachSetting
    sd: EachSetting
    seeds: Annotated[list[EachSetting], Field(min_length=1)]

    def without(self, seed: int) -> Self:
        """Leave out one of the seeds. The deviations stay: one or two seeds would give none."""
        seeds = np.delete(self.seeds, seed, axis=0)
        return self.model_copy(update={"mean": seeds.mean(0), "seeds": seeds})


Signature = Mapping[str, Spread]  # by split: the accuracies that one mistake leads to


def sum_up(seeds: Sequence[Mapping[str, np.ndarray]]) -> dict[str, Spread]:
    """Return the signature of the final accuracies. `seeds` has one mapping per seed, from split to (n_epochs, 4)."""
    signature = {}
    for split in BATCHES:
        final = np.array([accuracies[split][-1] for accuracies in seeds])  # (n_seeds, 4)
        mean, sd = final.mean(0).tolist(), final.std(0, ddof=1).tolist()
        signature[split] = Spread(mean=mean, sd=sd, seeds=final.tolist())
    return signature


class Mistakes(BaseModel):
    mistakes: dict[str, dict[str, Spread]]


def read_signatures(path: Path = paths.REPORT / "results.json") -> Mapping[str, Signature]:
    """Read the signature of each mistake, by its name. Raises InputError."""
    cure = "run `make report`"
    signatures = read_json(path, Mistakes, cure).mistakes
    if {name: {*signatures.get(name, ())} for name in (RIGHT, *ADVICE)} != {name: {*BATCHES} for name in signatures}:
        needed = f"{RIGHT}, {', '.join(ADVICE)}, each with {', '.join(BATCHES)}"
        raise InputError(f"{path}: mistakes: must hold {needed}; {cure}")
    return signatures


# The user's accuracies


class Result(BaseModel):
    """The entry of one setting in a results.json. Final accuracies may be missing."""

    eta: float
    lam: float
    n_batch: int = N_BATCH
    n_epochs: int = N_EPOCHS
    test: Fraction | None = Field(None, validation_alias=AliasPath("test", "accuracy"))
    train: Fraction | None = Field(None, validation_alias=AliasPath("history", "train", "accuracy", -1))
    val: Fraction | None = Field(None, validation_alias=AliasPath("history", "val", "accuracy", -1))


class Results(BaseModel):
    settings: dict[str, Result]


def read_accuracies(arguments: Sequence[str]) -> Accuracies:
    """Read the command's arguments: four numbers, or the path of a results.json. Raises InputError."""
    if len(arguments) == 1:
        return from_results(Path(arguments[0]))
    if len(arguments) != len(SETTINGS):
        raise InputError(USAGE)
    return from_numbers([parse(argument) for argument in arguments])


def parse(argument: str) -> float:
    try:
        value = float(argument.removesuffix("%"))
    except ValueError:
        value = math.nan
    if not 0 <= value <= 100:
        raise InputError(f"a test accuracy must be a number from 0 to 100, got {argument!r}")
    return value


def from_numbers(values: Sequence[float]) -> Accuracies:
    """Return four test accuracies, which the user gives all in per cent or all as fractions."""
    below = [value for value in values if value <= 1]
    if below and len(below) < len(values):
        raise InputError(f"{below[0]:g} is a fraction and {max(values):g} is in per cent: give all in the same way")
    return {("test", place): 100 * value if below else value for place, value in enumerate(values)}


def from_results(path: Path) -> Accuracies:
    """Read the final accuracies of the assignment's settings that are in the file."""
    accuracies: dict[tuple[str, int], float] = {}
    for result in read_json(path, Results, USAGE).settings.values():
        if (result.eta, result.lam) in SETTINGS and (result.n_batch, result.n_epochs) == (N_BATCH, N_EPOCHS):
            place = SETTINGS.index((result.eta, result.lam))
            for split, accuracy in result.model_dump(include={*BATCHES}, exclude_none=True).items():
                accuracies.setdefault((split, place), 100 * accuracy)
    if not any(split == "test" for split, _ in accuracies):
        known = ", ".join(f"(eta {eta:g}, lam {lam:g})" for eta, lam in SETTINGS)
        why = f"none of its settings is one of {known}, with a test accuracy after {N_EPOCHS} epochs"
        raise InputError(f"{path}: {why}")
    return accuracies
