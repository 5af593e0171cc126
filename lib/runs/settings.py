"""Read a setting of the training from its YAML file and validate it before anything is run."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lib import paths
from lib.command import InputError
from lib.files import describe, explain, read_yaml

TrainOn = Literal["data_batch_1", "all"]
LossName = Literal["softmax", "bce"]  # the keys of lib.model.LOSSES
MAX = 2**31  # of whole numbers: a larger one is a typing error
PER_NETWORK = {"eta", "lam", "decay", "momentum", "average", "mirror"}  # may differ within a stack


class Setting(BaseModel):
    """The parameters of one training, under the course's names. `name` is the file's name without .yaml."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]*$", max_length=60)]
    eta: Annotated[float, Field(gt=0)]
    lam: Annotated[float, Field(ge=0)]
    n_batch: Annotated[int, Field(ge=1, le=MAX)] = 100
    n_epochs: Annotated[int, Field(ge=1, le=MAX)] = 40
    seed: Annotated[int, Field(ge=0, le=MAX)] = 42
    dtype: Literal["float32", "float64"] = "float32"
    loss: LossName = "softmax"
    train_on: TrainOn = "data_batch_1"  # all: the five batches without 1,000 validation images
    flips: bool = False  # mirror each image at random, in each epoch
    shifts: Annotated[int, Field(ge=0, le=8)] = 0  # move each image at random by up to so many pixels, each way
    decay: Literal["none", "step", "plateau"] = "none"  # eta falls to a tenth: after each third, or on a plateau
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.0  # the share of each update that the next one adds
    average: bool = False  # return the mean of the networks after each epoch of the second half
    mirror: bool = False  # return the mean of the network and its mirror image

    @property
    def stack_key(self) -> tuple[tuple[str, Any], ...]:
        """Return a key shared by settings that can be trained as one stack: those with the same loss and batches."""
        return tuple(self.model_dump(exclude={"name", *PER_NETWORK}).items())

    def trains_as(self, other: "Setting") -> bool:
        """Return whether the two settings differ at most in their names."""
        return self.model_copy(update={"name": other.name}) == other

    @property
    def non_defaults(self) -> dict[str, Any]:
        """Return the fields, without eta and lam, that differ from their defaults."""
        return self.model_dump(exclude={"name", "eta", "lam"}, exclude_defaults=True)

    @property
    def file_stem(self) -> str:
        """Return the values as a file name without suffix. Settings that differ only in name share it."""
        others = [f"{field}{'' if value is True else value}" for field, value in self.non_defaults.items()]
        return "-".join([f"eta{self.eta:g}", f"lam{self.lam:g}", *others]).replace("+", "").replace("_", "")

    @property
    def title(self) -> str:
        """Return the setting in Markdown: η, λ, and the fields that differ from their defaults."""
        others = [field if value is True else f"{field} = {value}" for field, value in self.non_defaults.items()]
        return ", ".join([f"$\\eta = {self.eta:g}$", f"$\\lambda = {self.lam:g}$", *others]).replace("_", "\\_")

    @property
    def plain_title(self) -> str:
        """Return the title without Markdown, for plots and alternative texts."""
        return self.title.replace("$", "").replace("\\eta", "η").replace("\\lambda", "λ").replace("\\_", "_")


Stack = tuple[Setting, ...]


def stacks_of(settings: Sequence[Setting], size: int) -> list[Stack]:
    """Divide settings into stacks of at most `size`, in their order: always the same, as rounding depends on them."""
    groups: dict[Any, list[Setting]] = {}
    for setting in settings:
        groups.setdefault(setting.stack_key, []).append(setting)
    return [tuple(group[i : i + size]) for group in groups.values() for i in range(0, len(group), size)]


WORDING = {
    "extra_forbidden": f"unknown key; allowed are {', '.join(list(Setting.model_fields)[1:])}",
    "string_pattern_mismatch": "may hold letters, digits, dots and hyphens, a letter or digit first",
}


def read(path: Path) -> Setting:
    """Return the setting in a YAML file. Raises InputError with file, key, value and what is allowed."""
    values = read_yaml(path)
    if "name" in values:
        raise InputError(f"{path}: name = {describe(values['name'])}: unknown key; a setting is named by its file")
    return validate({"name": path.stem} | values, str(path))


def validate(values: dict[str, Any], where: str) -> Setting:
    """Return a Setting with these values. Raises InputError with one line that begins with `where`."""
    try:
        return Setting(**{key if isinstance(key, str) else describe(key): value for key, value in values.items()})
    except ValidationError as error:
        raise InputError(f"{where}: {explain(error, WORDING)}") from None


def read_all(folder: Path = paths.SETTINGS) -> list[Setting]:
    """Return every setting of the report, the largest step first, then by growing penalty, like the assignment."""
    settings = [read(Path(os.path.relpath(path))) for path in folder.glob("*.yaml")]
    if not settings:
        raise InputError(f"{folder}: no setting there; a setting is a file NAME.yaml with eta and lam")
    return sorted(settings, key=lambda setting: (-setting.eta, setting.lam, setting.name))
