"""Read YAML and JSON files. An error names the file, the key, its value and what is allowed, in one line."""

import reprlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML

from lib.command import InputError, one_line

Model = TypeVar("Model", bound=BaseModel)
MAX_LETTERS, MAX_ERRORS = 300, 3  # limits for a message: characters of a quoted text, and number of errors


def read_yaml(path: Path) -> dict[str, Any]:
    """Read the keys and values of a YAML file; the values can have any type. Raises InputError.

    YAML 1.2 (ruamel) reads 1e-3 as a number and refuses duplicate keys; PyYAML does neither.
    """
    try:
        values = YAML(typ="safe", pure=True).load(path)
    except OSError as error:
        raise InputError(f"{path}: not readable: {error.strerror}") from None
    except Exception as error:  # a wrong date, number or nesting makes ruamel raise any exception
        raise InputError(f"{path}: not readable as YAML: {shorten(str(error)) or type(error).__name__}") from error
    if not isinstance(values, dict):
        raise InputError(f"{path}: must hold keys and values, such as 'eta: 0.001'; got {describe(values)}")
    return values


def read_json(path: Path, model: type[Model], cure: str) -> Model:
    """Read a JSON file as `model`. Raises InputError, whose message ends with `cure`, what the user can do."""
    try:
        return model.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; {cure}") from None
    except ValidationError as error:
        raise InputError(f"{path}: {explain(error)}; {cure}") from None


def explain(error: ValidationError, wording: Mapping[str, str] | None = None) -> str:
    """Explain pydantic's first errors, each as 'key = value: what is allowed'.

    `wording` replaces pydantic's message for some types of error.
    """
    sentences = []
    for fault in error.errors()[:MAX_ERRORS]:
        key = shorten(".".join(map(str, fault["loc"])))
        allowed = fault["msg"].replace("Input should", "must").replace("String should", "must")
        allowed = (wording or {}).get(fault["type"], allowed.removeprefix("Value error, "))
        given = f"{key} = {describe(fault['input'])}: {allowed}" if fault["loc"] else allowed
        sentences.append(f"{key} is missing" if fault["type"] == "missing" else given)
    return "; ".join([*sentences, "and more"][: error.error_count()])


def describe(value: Any) -> str:
    """Describe any value in one short line, even if it is large or deeply nested."""
    brief = reprlib.Repr()
    brief.maxstring = brief.maxother = MAX_LETTERS
    try:
        return shorten(brief.repr(value))
    except ValueError:
        return "an integer of thousands of digits"  # which Python refuses to print


def shorten(text: str) -> str:
    """Put untrusted text on one line and shorten it to fit into a message."""
    line = one_line(text)
    return line if len(line) <= MAX_LETTERS else f"{line[:MAX_LETTERS]}…"
