"""What a notebook shows, so that the report can number it: figures and tables with captions, text, source, results.

The caption, the label and the alt text travel in the output's metadata; `report.pipeline` reads them there. A link
such as `[Figure](#fig-cost)` in any text becomes "Figure 3" in the report.
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
    """Show `fig` as SVG and save it as figures/<label>.svg, without date or random ids: same figure, same bytes.

    The values of its curves go with it, and whatever `more` the HTML report can make use of.
    """
    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": label}):
        fig.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    paths.write_text(paths.FIGURES / f"{label}.svg", buffer.getvalue())
    if panels := hover_data(fig):
        more["hover"] = panels
    emit({markup.SVG: buffer.getvalue(), "text/plain": alt}, label=label, caption=caption, alt=alt, **more)


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

    rows = [np.hstack(list(pictures.as_image(frame.T))) for frame in levels]
    buffer = io.BytesIO()
    Image.fromarray(np.vstack(rows)).save(buffer, "JPEG", quality=85, subsampling=0)
    return buffer.getvalue()


def table(header: Sequence[str], rows: Iterable[Sequence[str]], label: str, caption: str, align: str = "") -> None:
    """Show a table; for `align`, see `report.markup.table_markdown`."""
    markdown = markup.table_markdown(header, rows, align)
    emit({markup.MARKDOWN: markdown, "text/plain": markdown}, label=label, caption=caption)


def text(*sentences: str | Finding) -> None:
    """Show sentences, which a notebook has computed, as one paragraph of Markdown."""
    for sentence in sentences:
        if isinstance(sentence, Finding):
            result(f"claims/{sentence.key}", bool(sentence.holds))
    paragraph = " ".join(map(str, sentences))
    emit({markup.MARKDOWN: paragraph, "text/plain": paragraph})


def source(function: Callable[..., Any]) -> None:
    """Show the source of a function of `lib`: folded in the HTML report, absent from the PDF."""
    name = f"{function.__module__}.{function.__qualname__}"
    markdown = f"```python\n{inspect.getsource(function)}```"
    emit({markup.MARKDOWN: markdown, "text/plain": name}, source=name)


def result(key: str, value: Any) -> None:
    """Hand `value`, which may hold arrays, to report/results.json under the dotted `key`. Raises ValueError for NaN."""
    as_json = json.dumps(value, allow_nan=False, default=np.ndarray.tolist)
    emit({markup.RESULT: json.loads(as_json), "text/plain": ""}, result=key)


def emit(data: dict[str, Any], **metadata: Any) -> None:
    display(data, raw=True, metadata=metadata)
