"""The figures that others have published, from data/reference.yaml, and whether ours equal them to the digit."""

import re
from typing import Any

from lib import paths
from lib.files import read_yaml


def read() -> dict[str, Any]:
    """data/reference.yaml: accuracies in per cent."""
    return read_yaml(paths.DATA / "reference.yaml")


def in_symbols(claim: str) -> str:
    """A claim's words as Markdown, with the course's names of the parameters as symbols."""
    names = {"eta": "\\eta", "lam": "\\lambda"}
    return re.sub(r"\b(eta|lam) = ([.\d]*\d)", lambda m: f"${names[m[1]]} = {float(m[2]):g}$", claim)


def equal_to_the_digit(ours: float, published: float) -> bool:
    """Whether `ours`, rounded to the decimals that `published` has, is `published`."""
    return float(like(ours, published)) == published


def like(ours: float, published: float) -> str:
    """`ours` with as many decimals as `published` has."""
    return f"{ours:.{len(repr(published).partition('.')[2])}f}"
