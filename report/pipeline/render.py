"""Render the stitched notebook: nbconvert writes Markdown, pandoc turns that into HTML and Typst, Typst makes the PDF.

template/report.lua numbers figures, tables and the rest for both pages. The same results give the same bytes.
"""

import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import chdir
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat

from lib import paths
from lib.command import InputError
from report.markup import MARKDOWN, SVG
from report.pipeline import html
from report.pipeline.provenance import long_date

TEMPLATE = paths.REPORT / "template"
FONT = TEMPLATE / "STIXTwoMath.woff"  # for formulas; `make font` makes it
TITLE = "Softmax regression on CIFAR-10"
SUBTITLE = "A course report that runs: KTH DD2424, assignment 1"
# Text in notebooks is Markdown. HTML or TeX in it is not interpreted but shown as text.
DIALECT = "markdown-raw_html-raw_tex-raw_attribute-native_divs-native_spans-implicit_figures+pipe_tables"


def render(notebook: Any, made: Mapping[str, Any], folder: Path, title: str = TITLE, results: bytes = b"") -> None:
    """Write report.html and report.pdf into `folder`, and the intermediate files into `folder`/build.

    `results` is the content of results.json, which the HTML offers for download.
    """
    build = folder / "build"
    paths.write_text(build / "report.ipynb", nbformat.writes(notebook) + "\n")
    write_figures(notebook, build / "figures")
    markdown = to_markdown(notebook)
    paths.write_text(build / "report.md", markdown)
    described = {"title": title, "subtitle": SUBTITLE, "lang": "en-GB", "date": long_date(made["date"])}
    metadata = [f"--metadata={key}:{value}" for key, value in (described | {"commit": made["commit"]}).items()]
    added = [f"--include-in-header={TEMPLATE / 'report.css'}", f"--include-after-body={TEMPLATE / 'report.js'}"]
    with chdir(build), ThreadPoolExecutor() as side_by_side:  # pandoc reads the figures from there
        pages = [
            side_by_side.submit(write_html, markdown, [*added, "--mathml", *metadata], folder, results),
            side_by_side.submit(write_pdf, markdown, metadata, folder, made),
        ]
        for page in pages:
            page.result()


def write_figures(notebook: Any, folder: Path) -> None:
    """Write each figure as an SVG file for the PDF and as an element for the HTML page."""
    for output in (output for cell in notebook.cells for output in cell.get("outputs", []) if SVG in output.data):
        label, svg = output.metadata["label"], output.data[SVG]
        paths.write_text(folder / f"{label}.svg", svg)
        paths.write_text(folder / f"{label}.html", html.figure(svg, output.metadata))
        output.metadata["width"] = re.search(r'\bwidth="(\S+pt)"', svg)[1]  # type: ignore[index]


def to_markdown(notebook: Any) -> str:
    """Write the notebook as pandoc's Markdown with the Jinja template in report/template."""
    from nbconvert import MarkdownExporter
    from traitlets.config import Config

    config = Config({
        "TagRemovePreprocessor": {"enabled": True, "remove_input_tags": {"hide-input"}},
        "ExtractOutputPreprocessor": {"enabled": False},
        "NbConvertBase": {"display_data_priority": [SVG, MARKDOWN]},
    })  # fmt: skip
    exporter = MarkdownExporter(
        config=config,
        template_name=TEMPLATE.name,
        extra_template_basedirs=[str(TEMPLATE.parent)],
        filters={"attribute": attribute},
    )
    return exporter.from_notebook_node(notebook)[0]


def attribute(text: str) -> str:
    """Quote text as the value of a pandoc attribute."""
    return '"' + re.sub(r'([\\"])', r"\\\1", " ".join(text.split())) + '"'


def pandoc(markdown: str, to: str, options: list[str]) -> str:
    """Convert Markdown to a complete document with our template and filter. Raises InputError if the filter does."""
    import pypandoc

    suffix = {"html5": "html", "typst": "typ"}[to]
    ours = [f"--template={TEMPLATE / f'report.{suffix}'}", f"--lua-filter={TEMPLATE / 'report.lua'}"]
    always = ["--standalone", "--toc", "--toc-depth=3", "--section-divs", "--wrap=none", "--columns=9999"]
    try:
        return pypandoc.convert_text(markdown, to, DIALECT, [*ours, *always, *options], verify_format=False)
    except RuntimeError as error:
        if refused := re.search(r"report: (.*)", str(error)):
            raise InputError(refused[1]) from None
        raise


def write_html(markdown: str, options: list[str], folder: Path, results: bytes) -> None:
    page = html.tidy_math(pandoc(markdown, "html5", options))
    page = html.embed(page, FONT.name, "font/woff", FONT.read_bytes())
    page = html.embed(page, "results.json", "application/json", results)
    paths.write_text(folder / "report.html", html.protect(page))


def write_pdf(markdown: str, options: list[str], folder: Path, made: Mapping[str, Any]) -> None:
    """Write report.pdf with only Typst's built-in fonts and the commit's date: every machine makes the same file."""
    import typst

    text = pandoc(markdown, "typst", options)
    text = text.replace("dot.circle", "dot.o")  # for \odot, pandoc 3.9 writes a name that Typst 0.15 has removed
    source = folder / "build/report.typ"
    paths.write_text(source, text)
    day = int(datetime.fromisoformat(made["date"] or "2000-01-01").replace(tzinfo=UTC).timestamp())
    with paths.atomic(folder / "report.pdf") as temporary:
        typst.compile(str(source), str(temporary), format="pdf", ignore_system_fonts=True, timestamp=day)
