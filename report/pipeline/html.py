"""What the HTML report adds for its readers: templates that form, curves that tell values, a download; its policy.

Without scripts, and on paper, the film strip stands and nothing is missing. template/report.js does the rest.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from html import escape
from typing import Any

from report.pipeline import web

WIDTH, CELL, PIXELS = 453.6, 39.0, 32  # of the film in points, as wide as the other figures; of a template in the strip
POLICY = "@content-security-policy@"  # what template/report.html has in the policy's place
DOWNLOAD = 'href="results.json"'


def figure(svg: str, metadata: Mapping[str, Any]) -> str:
    """A figure as part of the page: a film if it has one, else its SVG, with the values of its curves if it has any."""
    label, alt = metadata["label"], metadata["alt"]
    if "film" in metadata:
        return film(metadata["film"], label, alt)
    inline = web.inline_svg(svg, label, alt)
    if "readout" not in metadata:
        return inline
    values = json.dumps(metadata["readout"], ensure_ascii=False, separators=(",", ":"))
    return f'<div class="chart" data-readout="{escape(values)}">{inline}</div>'


def film(film: Mapping[str, Any], label: str, alt: str) -> str:
    """The film strip and, hidden until the script shows it, the stage: both show parts of one image."""
    n, names, epochs = len(film["epochs"]), film["names"], film["epochs"]
    image = (
        f'<svg class="source" width="0" height="0" aria-hidden="true"><image id="{label}.sprite" '
        f'width="{PIXELS * len(names)}" height="{PIXELS * n}" href="data:image/jpeg;base64,{film["sprite"]}"/></svg>'
    )
    rows = [epochs.index(epoch) for epoch in film["strip"]]
    return (
        f'<div class="film" data-epochs="{json.dumps(epochs)}">{image}'
        f"{picture('strip', strip(label, names, rows, film['strip']), 14 + len(rows) * (CELL + 1.5), alt)}"
        f"{picture('stage', stage(label, names, n - 1), 206, alt)}</div>"
    )


def strip(label: str, names: list[str], rows: list[int], epochs: list[int]) -> str:
    """A row for each epoch, a column for each class."""
    left, step = WIDTH - len(names) * (CELL + 1.5), CELL + 1.5
    heads = [text(left + (k + 0.5) * step, 9, name, 7.5) for k, name in enumerate(names)]
    sides = [text(left - 6, 16 + (i + 0.5) * step, f"epoch {epoch}", 8.5, "end") for i, epoch in enumerate(epochs)]
    cells = [
        cell(label, k, row, left + k * step, 14 + i * step, CELL)
        for i, row in enumerate(rows)
        for k in range(len(names))
    ]
    return "".join([*heads, *sides, *cells])


def stage(label: str, names: list[str], row: int) -> str:
    """All classes at one epoch, in two rows, as `report.pictures.templates` has them."""
    half = -(-len(names) // 2)
    step = WIDTH / half
    size = min(step - 4, 87.0)
    parts = []
    for k, name in enumerate(names):
        left, top = (k % half) * step, (k // half) * 104
        parts += [
            text(left + step / 2, top + 10, name, 9.5),
            cell(label, k, row, left + (step - size) / 2, top + 15, size),
        ]
    return "".join(parts)


def picture(name: str, content: str, height: float, alt: str) -> str:
    return (
        f'<svg class="{name}" role="img" aria-label="{escape(alt)}" viewBox="0 0 {WIDTH:g} {height:g}" '
        f'width="{WIDTH:g}pt" height="{height:g}pt">{content}</svg>'
    )


def text(x: float, y: float, content: str, size: float, anchor: str = "middle") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" text-anchor="{anchor}">{escape(content)}</text>'


def cell(label: str, column: int, row: int, x: float, y: float, size: float) -> str:
    """One template, cut out of the image. The script moves the image within."""
    return (
        f'<svg x="{x:.1f}" y="{y:.1f}" width="{size:g}" height="{size:g}" '
        f'viewBox="{PIXELS * column} 0 {PIXELS} {PIXELS}"><use href="#{label}.sprite" y="{-PIXELS * row}"/></svg>'
    )


def embed(page: str, results: bytes) -> str:
    """The page with results.json within its link for the download, which so needs no script."""
    return page.replace(DOWNLOAD, f'href="data:application/json;base64,{base64.b64encode(results).decode()}"')


def protect(page: str) -> str:
    """The page with a policy by which a browser loads nothing from outside, and runs no script but the page's own.

    Style attributes, of which the figures are full, are let through: they can load nothing either.
    """
    allowed = {
        kind: " ".join(map(digest, re.findall(rf"<{kind}>(.*?)</{kind}>", page, re.DOTALL)))
        for kind in ("style", "script")
    }
    policy = (
        f"default-src 'none'; img-src data:; font-src data:; style-src {allowed['style']}; "
        f"style-src-attr 'unsafe-inline'; script-src {allowed['script']}; base-uri 'none'; form-action 'none'"
    )
    return page.replace(POLICY, policy)


def digest(content: str) -> str:
    """What a policy calls an element of this content."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
