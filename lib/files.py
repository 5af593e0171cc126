"""Read YAML and JSON files. A fault is one sentence that names the file, the key, its value and what is allowed."""

import reprlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML

from lib.command import InputError, one_line

Model = TypeVar("Model", bound=BaseModel)
LONGEST, SHOWN = 300, 3  # letters of foreign text, and mistakes, in a message


def read_yaml(path: Path) -> dict[str, Any]:
    """Read keys and values of a YAML file, of whatever kind. Raises InputError.

    YAML 1.2 (ruamel) reads 1e-3 as a number and refuses a key given twice; PyYAML does neither.
    """
    try:
        values = YAML(typ="safe", pure=True).load(path)
    except OSError as error:
        raise InputError(f"{path}: not readable: {error.strerror}") from None
    except Exception as error:  # ruamel lets a wrong date, number or nesting raise anything
        raise InputError(f"{path}: not readable as YAML: {shorten(str(error)) or type(error).__name__}") from error
    if not isinstance(values, dict):
        raise InputError(f"{path}: must hold keys and values, such as 'eta: 0.001'; got {describe(values)}")
    return values


def read_json(path: Path, model: type[Model], cure: str) -> Model:
    """Read a JSON file as `model`. Raises InputError, which ends with `cure`: what to do about it."""
    try:
        return model.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; {cure}") from None
    except ValidationError as error:
        raise InputError(f"{path}: {explain(error)}; {cure}") from None


def explain(error: ValidationError, wording: Mapping[str, str] | None = None) -> str:
    """Explain the first of pydantic's errors, each as 'key = value: what is allowed'.

    `wording` replaces pydantic's words, by the type of the error.
    """
    sentences = []
    for fault in error.errors()[:SHOWN]:
        key = shorten(".".join(map(str, fault["loc"])))
        allowed = fault["msg"].replace("Input should", "must").replace("String should", "must")
        allowed = (wording or {}).get(fault["type"], allowed.removeprefix("Value error, "))
        given = f"{key} = {describe(fault['input'])}: {allowed}" if fault["loc"] else allowed
        sentences.append(f"{key} is missing" if fault["type"] == "missing" else given)
    return "; ".join([*sentences, "and more"][: error.error_count()])


def describe(value: Any) -> str:
    """Write a foreign value, however large or deep, in one short line."""
    brief = reprlib.Repr()
    brief.maxstring = brief.maxother = LONGEST
    try:
        return shorten(brief.repr(value))
    except ValueError:
        return "an integer of thousands of digits"  # which Python refuses to print


def shorten(text: str) -> str:
    """Shorten foreign text to fit into a message: one line, not a page long."""
    line = one_line(text)
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}…"
