"""The report's commands: gather the results, and render the pages.

python -m report.pipeline results        report/notebooks/*.ipynb            ->  report/results.json
python -m report.pipeline render         those, and report/results.json      ->  report/report.html, report/report.pdf
python -m report.pipeline core           the first CORE chapters alone       ->  report/core/: all three
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lib import paths
from lib.command import InputError, run_command
from lib.runs import settings
from report import mime
from report.pipeline.provenance import appendix, provenance
from report.pipeline.render import render
from report.pipeline.stitch import chapter, in_order, read, stitch

RESULTS = paths.REPORT / "results.json"
CORE = 4  # the last chapter of the assignment's compulsory part


def gather(notebooks: Sequence[Path]) -> dict[str, Any]:
    """Every result that the notebooks hand over by `show.result`, nested by its key, whose parts "/" separates."""
    results: dict[str, Any] = {}
    for path in notebooks:
        for cell in read(path).cells:
            for output in cell.get("outputs", []):
                if mime.RESULT in output.get("data", {}):
                    place(results, output.metadata["result"], output.data[mime.RESULT], path.name)
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
    """report/results.json. Raises InputError if it is not there, or lacks what the report shows of it."""
    try:
        results = json.loads(source.read_text(encoding="utf-8"))
        appendix(results)
        return results
    except FileNotFoundError:
        raise InputError(f"there is no {source}; `python -m report.pipeline results` writes it") from None
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        why = f"{type(error).__name__}: {error}"
        raise InputError(f"{source} is damaged ({why}); `python -m report.pipeline results` writes it anew") from None


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
