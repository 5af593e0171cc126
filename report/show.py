"""What a notebook shows, so that the report can number it: figures and tables with captions, text, source, results.

The caption, the label and the alt text travel in the output's metadata; `report.pipeline` reads them there. A link
such as `[Figure](#fig-cost)` in any text becomes "Figure 3" in the report.
"""

import base64
import inspect
import io
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from IPython.display import display
from matplotlib.figure import Figure

from lib import paths
from lib.runs.snapshots import Film
from report import mime, pictures
from report.hover import readout


def figure(fig: Figure, label: str, caption: str, alt: str, **more: Any) -> None:
    """Show `fig` as SVG and save it as figures/<label>.svg, without date or random ids: same figure, same bytes.

    The values of its curves go with it, and whatever `more` the HTML report can make use of.
    """
    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": label}):
        fig.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    paths.write_text(paths.FIGURES / f"{label}.svg", buffer.getvalue())
    if panels := readout(fig):
        more["readout"] = panels
    emit({mime.SVG: buffer.getvalue(), "text/plain": alt}, label=label, caption=caption, alt=alt, **more)


def film(frames: Film, names: Sequence[str], label: str, caption: str, alt: str) -> None:
    """Show templates as they form: a strip of a few epochs and, for the HTML report, a picture of all of them."""
    few = frames.strip()
    titles = [f"epoch {epoch}" for epoch in few.epochs]
    hand_over = {
        "epochs": frames.epochs.tolist(),
        "strip": few.epochs.tolist(),
        "names": list(names),
        "sprite": base64.b64encode(sprite(frames.levels)).decode(),
    }
    strip = pictures.compare_templates(dict(zip(titles, few.levels, strict=True)), names)
    figure(strip, label, caption, alt, film=hand_over)


def sprite(levels: np.ndarray) -> bytes:
    """Templates (n, D, K) as one JPEG, an epoch a row and a class a column: noise has less than half its size as PNG.

    Its blocks of 8 pixels divide the 32 of a template, so none shows in its neighbour.
    """
    from PIL import Image

    rows = [np.hstack([pictures.as_image(template) for template in frame.T]) for frame in levels]
    buffer = io.BytesIO()
    Image.fromarray(np.vstack(rows)).save(buffer, "JPEG", quality=85, subsampling=0)
    return buffer.getvalue()


def table(header: Sequence[str], rows: Iterable[Sequence[str]], label: str, caption: str, align: str = "") -> None:
    """Show a table. `align` has l or r for each column; by default the first is to the left, the others right."""
    rules = {"l": ":--", "r": "--:"}
    lines = [header, [rules[side] for side in align or "l" + "r" * (len(header) - 1)], *rows]
    markdown = "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)
    emit({mime.MARKDOWN: markdown, "text/plain": markdown}, label=label, caption=caption)


class Claim(NamedTuple):
    """A statement that the results decide: as text `yes` or `no`. results.json keeps which it was, under `key`."""

    key: str
    holds: bool
    yes: str
    no: str

    def __str__(self) -> str:
        return self.yes if self.holds else self.no


def text(*sentences: str | Claim) -> None:
    """Show sentences, which a notebook has computed, as one paragraph of Markdown."""
    for claim in sentences:
        if isinstance(claim, Claim):
            result(f"claims/{claim.key}", bool(claim.holds))
    paragraph = " ".join(map(str, sentences))
    emit({mime.MARKDOWN: paragraph, "text/plain": paragraph})


def source(function: Callable[..., Any]) -> None:
    """Show the source of a function of `lib`: folded in the HTML report, absent from the PDF."""
    name = f"{function.__module__}.{function.__qualname__}"
    markdown = f"```python\n{inspect.getsource(function)}```"
    emit({mime.MARKDOWN: markdown, "text/plain": name}, source=name)


def result(key: str, value: Any) -> None:
    """Hand `value` to report/results.json, under the dotted `key`. Shows nothing. Raises ValueError if it has a NaN."""
    emit({mime.RESULT: json.loads(json.dumps(value, allow_nan=False)), "text/plain": ""}, result=key)


def emit(data: dict[str, Any], **metadata: Any) -> None:
    display(data, raw=True, metadata=metadata)


def percent(fraction: float, digits: int = 2) -> str:
    """0.4517 as "45.17 %", with a space that does not break."""
    return f"{100 * fraction:.{digits}f}\u00a0%"


def scientific(x: float) -> str:
    """1.09e-15 as Markdown's $1.09 \\times 10^{-15}$."""
    mantissa, exponent = f"{x:.2e}".split("e")
    return f"${mantissa} \\times 10^{{{int(exponent)}}}$" if x else "$0$"
