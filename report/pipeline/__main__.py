"""The report's commands: gather the results, and render the pages.

python -m report.pipeline results        report/notebooks/*.ipynb            ->  report/results.json
python -m report.pipeline render         those, and report/results.json      ->  report/report.html, report/report.pdf
python -m report.pipeline core           the first CORE chapters alone       ->  report/core/: all three
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict

from lib import paths
from lib.command import InputError, run_command
from lib.files import read_json
from lib.runs import settings
from report import markup
from report.pipeline.provenance import appendix, long_date, provenance
from report.pipeline.render import render
from report.pipeline.stitch import chapter, in_order, read, stitch

RESULTS = paths.REPORT / "results.json"
CORE = 4  # the last chapter of the assignment's compulsory part


class Provenance(BaseModel):
    python: str
    packages: dict[str, str]
    data: dict[str, str]
    commit: str
    date: Annotated[str, AfterValidator(lambda day: long_date(day) and day)]


class Values(BaseModel):
    """What the appendix shows of a setting."""

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
    """Every result that the notebooks hand over by `show.result`, nested by its key, whose parts "/" separates."""
    results: dict[str, Any] = {}
    for path in notebooks:
        for cell in read(path).cells:
            for output in cell.get("outputs", []):
                if markup.RESULT in output.get("data", {}):
                    place(results, output.metadata["result"], output.data[markup.RESULT], path.name)
    return results


def place(results: dict[str, Any], key: str, value: Any, where: str) -> None:
    """Put `value` under the nested `key`. Raises InputError if something is there already."""
    *folders, name = key.split("/")
    node: Any = results
    for folder in folders:
        node = node.setdefault(folder, {})
        if not isinstance(node, dict):
            raise InputError(f"{where}: result {key!r}: {folder!r} is a value already")
    if name in node:
        raise InputError(f"{where}: result {key!r} is given twice")
    node[name] = value


def write_results(notebooks: Sequence[Path], target: Path = RESULTS) -> None:
    results = gather(notebooks) | {"provenance": provenance()}
    content = json.dumps(results, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    paths.write_text(target, content + "\n")


def read_results(source: Path = RESULTS) -> dict[str, Any]:
    """Read what the report itself shows of report/results.json. Raises InputError."""
    cure = "run `python -m report.pipeline results`"
    return read_json(source, Results, cure).model_dump(exclude_unset=True)


def render_all(notebooks: Sequence[Path], folder: Path = paths.REPORT) -> None:
    """Write report.html and report.pdf into `folder`, from the notebooks and the results.json there."""
    results = read_results(folder / RESULTS.name)
    content = (folder / RESULTS.name).read_bytes()
    render(stitch(notebooks, appendix(results)), results["provenance"], folder, results=content)


def main(arguments: list[str]) -> None:
    if arguments not in (["results"], ["render"], ["core"]):
        raise InputError("usage: python -m report.pipeline results|render|core")
    notebooks = in_order(paths.EXECUTED, [setting.name for setting in settings.read_all()])
    if arguments == ["results"]:
        write_results(notebooks)
    elif arguments == ["render"]:
        render_all(notebooks)
    else:
        notebooks = [path for path in notebooks if chapter(path) <= CORE]
        folder = paths.REPORT / "core"
        write_results(notebooks, folder / RESULTS.name)
        render_all(notebooks, folder)


if __name__ == "__main__":
    run_command(main)
