"""What a notebook shows, so that the report can number it: figures and tables with captions, text, source, results.

The caption, the label and the alt text travel in the output's metadata; `lib.report` reads them there. A link such as
`[Figure](#fig-cost)` in any text becomes "Figure 3" in the report.
"""

import inspect
import io
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from IPython.display import display
from matplotlib.figure import Figure

from lib import paths

RESULT_MIME = "application/vnd.report.result+json"


def figure(fig: Figure, label: str, caption: str, alt: str) -> None:
    """Show `fig` as SVG and save it as figures/<label>.svg. The SVG holds no date and no random ids: same figure, same bytes."""
    import matplotlib.pyplot as plt

    buffer = io.StringIO()
    with plt.rc_context({"svg.hashsalt": label}):
        fig.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    plt.close(fig)
    with paths.atomic(paths.FIGURES / f"{label}.svg") as temporary:
        temporary.write_text(buffer.getvalue())
    emit({"image/svg+xml": buffer.getvalue(), "text/plain": alt}, label=label, caption=caption, alt=alt)


def table(header: Sequence[str], rows: Iterable[Sequence[str]], label: str, caption: str) -> None:
    """Show a table: the first column to the left, the others, which hold numbers, to the right."""
    lines = [header, [":--", *["--:"] * (len(header) - 1)], *rows]
    markdown = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    emit({"text/markdown": markdown, "text/plain": markdown}, label=label, caption=caption)


def text(*sentences: str) -> None:
    """Show sentences, which a notebook has computed, as one paragraph of Markdown."""
    paragraph = " ".join(sentences)
    emit({"text/markdown": paragraph, "text/plain": paragraph})


def source(function: Callable[..., Any]) -> None:
    """Show the source of a function of `lib`: folded in the HTML report, absent from the PDF."""
    name = f"{function.__module__}.{function.__qualname__}"
    markdown = f"```python\n{inspect.getsource(function)}```"
    emit({"text/markdown": markdown, "text/plain": name}, source=name)


def result(key: str, value: Any) -> None:
    """Hand `value` to report/results.json, under the dotted `key`. Shows nothing."""
    emit({RESULT_MIME: json.loads(json.dumps(value)), "text/plain": ""}, result=key)


def emit(data: dict[str, Any], **metadata: str) -> None:
    display(data, raw=True, metadata=metadata)
