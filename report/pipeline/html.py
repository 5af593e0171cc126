"""Prepare the HTML page: interactive figures as inline SVG, mathematics, the download and the security policy.

The page is complete without scripts and on paper, where a film is a strip of templates at a few epochs.
template/report.js adds the film's slider and the tooltips with the values of curves.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from html import escape
from typing import Any

NOT_DRAWN = re.compile(r"<(metadata|style)\b.*?</\1>|<!--.*?-->", re.DOTALL)  # parts of matplotlib's SVG
WIDTH, CELL, PIXELS = 453.6, 39.0, 32  # points: width of a film and of a template in its strip; pixels per side


def figure(svg: str, metadata: Mapping[str, Any]) -> str:
    """Return a figure's HTML: its film if there is one, else its SVG, with any values of its curves for tooltips."""
    label, alt = metadata["label"], metadata["alt"]
    if "film" in metadata:
        return film(metadata["film"], label, alt)
    inline = inline_svg(svg, label, alt)
    if "hover" not in metadata:
        return inline
    values = json.dumps(metadata["hover"], ensure_ascii=False, separators=(",", ":"))
    return f'<div class="chart" data-hover="{escape(values)}">{inline}</div>'


def film(film: Mapping[str, Any], label: str, alt: str) -> str:
    """Return a film's strip and its stage. Both show parts of one image; the stage is hidden until the script runs."""
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
    """Return the templates in a row per epoch and a column per class."""
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
    """Return the templates of all classes at one epoch, in two rows like `report.pictures.templates`."""
    half = -(-len(names) // 2)
    step = WIDTH / half
    size = min(step - 4, 87.0)
    content = ""
    for k, name in enumerate(names):
        left, top = (k % half) * step, (k // half) * 104
        content += text(left + step / 2, top + 10, name, 9.5)
        content += cell(label, k, row, left + (step - size) / 2, top + 15, size)
    return content


def picture(name: str, content: str, height: float, alt: str) -> str:
    return (
        f'<svg class="{name}" role="img" aria-label="{escape(alt)}" viewBox="0 0 {WIDTH:g} {height:g}" '
        f'width="{WIDTH:g}pt" height="{height:g}pt">{content}</svg>'
    )


def text(x: float, y: float, content: str, size: float, anchor: str = "middle") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" text-anchor="{anchor}">{escape(content)}</text>'


def cell(label: str, column: int, row: int, x: float, y: float, size: float) -> str:
    """Return one template, cut out of the image. The script moves the image to show another epoch."""
    return (
        f'<svg x="{x:.1f}" y="{y:.1f}" width="{size:g}" height="{size:g}" '
        f'viewBox="{PIXELS * column} 0 {PIXELS} {PIXELS}"><use href="#{label}.sprite" y="{-PIXELS * row}"/></svg>'
    )


def embed(page: str, name: str, kind: str, content: bytes) -> str:
    """Return the page with the file embedded in place of each link to it, so that the page needs no other files."""
    url = f"data:{kind};base64,{base64.b64encode(content).decode()}"
    return page.replace(f"url({name})", f"url({url})").replace(f'href="{name}"', f'href="{url}"')


def protect(page: str) -> str:
    """Return the page with a policy that lets a browser load nothing from outside and run only the page's scripts.

    Style attributes, of which the figures have many, are allowed: they cannot load anything from outside either.
    """
    allowed = {}
    for kind in ("style", "script"):
        contents = re.findall(rf"<{kind}>(.*?)</{kind}>", page, re.DOTALL)
        digests = [base64.b64encode(hashlib.sha256(content.encode()).digest()).decode() for content in contents]
        allowed[kind] = " ".join(f"'sha256-{digest}'" for digest in digests)
    policy = (
        f"default-src 'none'; img-src data:; font-src data:; style-src {allowed['style']}; "
        f"style-src-attr 'unsafe-inline'; script-src {allowed['script']}; base-uri 'none'; form-action 'none'"
    )
    return page.replace("@content-security-policy@", policy)


def inline_svg(svg: str, label: str, alt: str) -> str:
    """Turn matplotlib's SVG into an element of the page: named by `alt`, in the theme's colours, with unique ids.

    matplotlib's style sheet selects "*", which would match the whole page, so it becomes the element's style.
    """
    svg = NOT_DRAWN.sub("", svg[svg.index("<svg") :])
    svg = re.sub(r'( id="|href="#|url\(#)', rf"\g<1>{label}.", svg)  # figures share the page, so ids need a prefix
    svg = svg.replace("#1b1e22", "currentColor").replace("#fffffe", "var(--page)")  # INK and FACE of report.style
    style = "fill: currentColor; stroke-linejoin: round; stroke-linecap: butt"
    return svg.replace("<svg", f'<svg style="{style}" role="img" aria-label="{escape(alt)}"', 1)


def tidy_math(page: str) -> str:
    """Make the MathML look as in the PDF: \\mathbf upright, which pandoc slants, and a thin space after log."""
    slanted = r'<mi mathvariant="bold-italic">([\U0001D468-\U0001D49B])</mi>'  # each 0x68 after its upright letter
    page = re.sub(slanted, lambda match: f"<mi>{chr(ord(match[1]) - 0x68)}</mi>", page)
    applied = "<mo>&#8289;</mo>"  # Unicode's "function application"; before a bracket there is no space
    return re.sub(rf"{applied}</mrow>(?!<mo[^>]*>\()", f'{applied}<mspace width="0.17em"></mspace></mrow>', page)
