"""Read the accuracies that others published, from data/reference.yaml, and compare ours with them digit by digit."""

import re
from typing import Any

from lib import paths
from lib.files import read_yaml


def read() -> dict[str, Any]:
    """Read data/reference.yaml. Its accuracies are in per cent."""
    return read_yaml(paths.DATA / "reference.yaml")


def reports() -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Return the test accuracies in per cent of other reports: those without a known mistake, and those with one."""
    reference = read()
    first, others = reference["reference_report"], reference["other_reports"]
    listed = [values for name, values in others.items() if isinstance(values, list) and name != "with_a_mistake"]
    right = {f"another report, {i}": values for i, values in enumerate(listed, 1)}
    right["the reference, revised"] = [setting["test"] for setting in first["later_revision"]["settings"]]
    wrong = {f"a report with a mistake, {i}": report["figures"] for i, report in enumerate(others["with_a_mistake"], 1)}
    wrong["the reference, as first published"] = [setting["test"][-1] for setting in first["settings"]]
    return right, wrong


def in_symbols(claim: str) -> str:
    """Return a claim in Markdown. The parameter names eta and lam become symbols."""
    names = {"eta": "\\eta", "lam": "\\lambda"}
    return re.sub(r"\b(eta|lam) = ([.\d]*\d)", lambda m: f"${names[m[1]]} = {float(m[2]):g}$", claim)


def equal_to_the_digit(ours: float, published: float) -> bool:
    """Return whether `ours`, rounded to as many decimals as `published` has, equals it."""
    return float(round_like(ours, published)) == published


def round_like(ours: float, published: float) -> str:
    """Return `ours` as text with as many decimals as `published` has."""
    return f"{ours:.{len(repr(published).partition('.')[2])}f}"
