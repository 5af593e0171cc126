"""Join the executed notebooks into one, in the report's order, with only the cells and outputs that the report shows.

Tags of a cell: `parameters`, `injected-parameters` and `skip` omit the cell; `once` omits it from all settings'
notebooks but the first; `summary` moves its output to the front; `hide-input` shows its output without its code.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from lib.command import InputError
from report.markup import MARKDOWN, SVG

LEFT_OUT = {"parameters", "injected-parameters", "skip"}
SETTING = "3-setting-"  # begins the name of a setting's notebook
SHOWS_SOURCE = re.compile(r"show\.source\([^()]*\)")  # the cell's output is code, so its input is omitted
KINDS = {SVG: "fig", MARKDOWN: "tab"}


def in_order(folder: Path, settings: Sequence[str]) -> list[Path]:
    """List the executed notebooks in `folder` by chapter, and those of chapter 3 in the order of `settings`.

    Notebooks of settings that no longer exist are omitted. Raises InputError if a setting has no notebook.
    """
    of_settings = {name: folder / f"{SETTING}{name}.ipynb" for name in settings}
    if missing := [name for name, path in of_settings.items() if not path.exists()]:
        raise InputError(f"{folder}: no executed notebook of the setting {', '.join(missing)}; run `make report`")
    others = sorted(path for path in folder.glob("[0-9]*.ipynb") if not path.name.startswith(SETTING))
    return sorted([*others, *of_settings.values()], key=chapter)


def chapter(path: Path) -> int:
    """Return the number at the start of a notebook's name."""
    return int(re.match(r"\d+", path.name)[0])  # type: ignore[index]


def stitch(notebooks: Sequence[Path], appendix: Sequence[Any] = ()) -> Any:
    """Return one notebook with the report's cells: the summary, the notebooks in the given order, the appendix."""
    first_setting = next((path for path in notebooks if path.name.startswith(SETTING)), None)
    cells = [cell for path in notebooks for cell in shown_cells(path, path == first_setting)]
    cells.sort(key=lambda cell: "summary" not in tags(cell))  # a stable sort: other cells stay in order
    cells += appendix
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"  # nbformat's ids are random
    return new_notebook(cells=cells)


def shown_cells(path: Path, is_first_setting: bool) -> Iterator[Any]:
    """Return those cells of an executed notebook that the report shows, each with only the outputs shown."""
    for number, cell in enumerate(read(path).cells, 1):
        if tags(cell) & LEFT_OUT or ("once" in tags(cell) and not is_first_setting):
            continue
        if cell.cell_type == "markdown":
            yield new_markdown_cell(cell.source, metadata={"tags": sorted(tags(cell))})
        elif cell.cell_type == "code" and cell.source.strip():
            yield shown_code(cell, f"{path.name}, cell {number}")


def shown_code(cell: Any, where: str) -> Any:
    outputs = []
    for output in cell.outputs:
        if output.output_type == "error":
            raise InputError(f"{where}: {output.ename}: {output.evalue}")
        mime = next((mime for mime in KINDS if mime in output.get("data", {})), None)
        if mime:
            check(output.metadata, mime, where)
            outputs.append(nbformat.v4.new_output("display_data", {mime: output.data[mime]}, metadata=output.metadata))
    needless = "summary" in tags(cell) or SHOWS_SOURCE.fullmatch(cell.source.strip())
    hidden = {"hide-input"} if needless else set()
    return new_code_cell(cell.source, outputs=outputs, metadata={"tags": sorted(tags(cell) | hidden)})


def check(metadata: Any, mime: str, where: str) -> None:
    """Raise InputError if a figure or labelled table lacks a text or has a label unfit for file names and links."""
    label = metadata.get("label", "")
    if label or mime == SVG:
        if not re.fullmatch(KINDS[mime] + r"-[A-Za-z0-9.-]+", label):
            raise InputError(f"{where}: label {label!r}: must be {KINDS[mime]}- and letters, digits, hyphens or dots")
        for key in ("caption", "alt") if mime == SVG else ("caption",):
            if not metadata.get(key, "").strip():
                raise InputError(f"{where}: {label} has no {key}")


def tags(cell: Any) -> set[str]:
    return set(cell.metadata.get("tags", []))


def read(path: Path) -> Any:
    """Read the notebook in `path`. Raises InputError if the file is not a notebook."""
    try:
        return nbformat.read(path, 4)
    except (ValueError, AttributeError, KeyError) as error:
        raise InputError(f"{path}: not a notebook: {str(error).splitlines()[0]}") from error
