"""Write and read report/results.json: the values that notebooks pass to `show.result`, and their provenance."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict

from lib import paths
from lib.command import InputError
from lib.files import read_json
from report import markup
from report.pipeline import stitch
from report.pipeline.provenance import long_date, provenance


class Provenance(BaseModel):
    python: str
    packages: dict[str, str]
    data: dict[str, str]
    commit: str
    date: Annotated[str, AfterValidator(lambda day: long_date(day) and day)]


class Values(BaseModel):
    """The values of a setting that the appendix shows."""

    model_config = ConfigDict(allow_inf_nan=False)

    eta: float
    lam: float
    n_batch: float = 0
    n_epochs: float = 0
    seed: float = 0


class Results(BaseModel):
    provenance: Provenance
    settings: dict[str, Values] = {}


def gather(notebooks: Sequence[Path]) -> dict[str, Any]:
    """Collect the results that the notebooks pass to `show.result`, nested by key: "a/b" is ["a"]["b"]."""
    results: dict[str, Any] = {}
    for path in notebooks:
        for cell in stitch.read(path).cells:
            for output in cell.get("outputs", []):
                if markup.RESULT in output.get("data", {}):
                    place(results, output.metadata["result"], output.data[markup.RESULT], path.name)
    return results


def place(results: dict[str, Any], key: str, value: Any, where: str) -> None:
    """Store `value` under the nested `key`. Raises InputError if the key is taken."""
    *folders, name = key.split("/")
    node: Any = results
    for folder in folders:
        node = node.setdefault(folder, {})
        if not isinstance(node, dict):
            raise InputError(f"{where}: result {key!r}: {folder!r} is a value already")
    if name in node:
        raise InputError(f"{where}: result {key!r} is given twice")
    node[name] = value


def write(notebooks: Sequence[Path], target: Path) -> None:
    content = gather(notebooks) | {"provenance": provenance()}
    text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    paths.write_text(target, text + "\n")


def read(source: Path) -> dict[str, Any]:
    """Read the part of report/results.json that the report shows. Raises InputError if it is missing or damaged."""
    cure = "run `python -m report.pipeline results`"
    return read_json(source, Results, cure).model_dump(exclude_unset=True)
