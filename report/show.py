"""Functions with which a notebook shows figures and tables (with captions), text, source code and results.

Each output's metadata holds its caption, label and alternative text. `report.pipeline` reads them to number figures
and tables: a link such as `[Figure](#fig-cost)` in any text becomes "Figure 3" in the report.
"""

import base64
import inspect
import io
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from IPython.display import display
from matplotlib.figure import Figure

from lib import paths
from lib.runs.snapshots import Film
from report import markup, pictures
from report.hover import hover_data
from report.words import Finding


def figure(fig: Figure, label: str, caption: str, alt: str, **more: Any) -> None:
    """Show `fig` as SVG and save it as figures/<label>.svg. Without date or random ids, equal figures are equal files.

    The output's metadata also holds the values of the curves, and `more` data for the HTML report.
    """
    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": label}):
        fig.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    paths.write_text(paths.FIGURES / f"{label}.svg", buffer.getvalue())
    if panels := hover_data(fig):
        more["hover"] = panels
    emit({markup.SVG: buffer.getvalue(), "text/plain": alt}, label=label, caption=caption, alt=alt, **more)


def film(frames: Film, names: Sequence[str], label: str, caption: str, alt: str) -> None:
    """Show how templates form: a strip of a few epochs and, for the HTML report, an image of all epochs."""
    few = frames.strip()
    hand_over = {
        "epochs": frames.epochs.tolist(),
        "strip": few.epochs.tolist(),
        "names": list(names),
        "sprite": base64.b64encode(sprite(frames.levels)).decode(),
    }
    strip = pictures.compare_templates({f"epoch {epoch}": W for epoch, W in zip(*few, strict=True)}, names)
    figure(strip, label, caption, alt, film=hand_over)


def sprite(levels: np.ndarray) -> bytes:
    """Return templates (n, D, K) as one JPEG, a row per epoch and a column per class. A PNG is twice as large.

    JPEG compresses blocks of 8 pixels, which divide a template's 32, so no template affects its neighbour.
    """
    from PIL import Image

    rows = [np.hstack(list(pictures.as_image(frame.T))) for frame in levels]
    buffer = io.BytesIO()
    Image.fromarray(np.vstack(rows)).save(buffer, "JPEG", quality=85, subsampling=0)
    return buffer.getvalue()


def table(header: Sequence[str], rows: Iterable[Sequence[str]], label: str, caption: str, align: str = "") -> None:
    """Show a table; for `align`, see `report.markup.table_markdown`."""
    markdown = markup.table_markdown(header, rows, align)
    emit({markup.MARKDOWN: markdown, "text/plain": markdown}, label=label, caption=caption)


def text(*sentences: str | Finding) -> None:
    """Show sentences computed by a notebook as one Markdown paragraph."""
    for sentence in sentences:
        if isinstance(sentence, Finding):
            result(f"claims/{sentence.key}", bool(sentence.holds))
    paragraph = " ".join(map(str, sentences))
    emit({markup.MARKDOWN: paragraph, "text/plain": paragraph})


def source(function: Callable[..., Any]) -> None:
    """Show the source of a function. The HTML report folds it, and the PDF omits it."""
    name = f"{function.__module__}.{function.__qualname__}"
    markdown = f"```python\n{inspect.getsource(function)}```"
    emit({markup.MARKDOWN: markdown, "text/plain": name}, source=name)


def result(key: str, value: Any) -> None:
    """Write `value`, which may contain arrays, to report/results.json under `key`. Raises ValueError for NaN."""
    as_json = json.dumps(value, allow_nan=False, default=np.ndarray.tolist)
    emit({markup.RESULT: json.loads(as_json), "text/plain": ""}, result=key)


def emit(data: dict[str, Any], **metadata: Any) -> None:
    display(data, raw=True, metadata=metadata)
