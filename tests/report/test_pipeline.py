"""Render executed notebooks: stitching, labels, numbering, the HTML page, the PDF and results.json."""

import io
import json
import re
import shutil
import subprocess
from base64 import b64decode
from html import escape, unescape
from html.parser import HTMLParser
from unicodedata import decomposition

import nbformat
import numpy as np
import pytest
from fontTools.ttLib import TTFont
from matplotlib.figure import Figure
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

from lib import paths
from lib.cifar10 import CLASSES
from lib.command import InputError
from lib.runs.settings import Setting
from lib.runs.snapshots import Film, chosen
from report import show
from report.markup import RESULT
from report.pipeline import __main__ as command
from report.pipeline import html, provenance, render, results, stitch

MADE = {
    "python": "3.11.7",
    "packages": {"numpy": "2.4.6"},
    "data": {"data_batch_1": "ab" * 20},
    "commit": "abc1234",
    "date": "2026-11-23",
}
SETTINGS = ["eta0.1-lam0", "eta0.001-lam0.1"]


def svg(width: float = 2) -> str:
    fig = Figure((width, 1))
    fig.subplots().plot([1, 2], [1, 3], color="#1b1e22", marker="o")
    buffer = io.StringIO()
    fig.savefig(buffer, format="svg", facecolor="#fffffe", metadata={"Date": None})
    return buffer.getvalue()


DRAWING = svg()


def markdown(text, *tags):
    return new_markdown_cell(text, metadata={"tags": list(tags)})


def code(source, *outputs, tags=()):
    return new_code_cell(source, outputs=list(outputs), metadata={"tags": list(tags)})


def shown(data, **metadata):
    return new_output("display_data", data, metadata=metadata)


def figure(label, caption="A caption.", alt="An alt text."):
    return shown({"image/svg+xml": DRAWING, "text/plain": alt}, label=label, caption=caption, alt=alt)


def table(label, caption="A table."):
    return shown({"text/markdown": "| a | b |\n| :-- | --: |\n| x | 1 |"}, label=label, caption=caption)


def result(key, value):
    return shown({RESULT: value, "text/plain": ""}, result=key)


def write(path, *cells):
    nbformat.write(new_notebook(cells=list(cells)), path)
    return path


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Return a folder with an executed notebook of every kind that the report has."""
    folder = tmp_path_factory.mktemp("notebooks")
    write(
        folder / "1-data-and-model.ipynb",
        markdown("# Data and model\n\nThe cost is [Equation](#eq-cost), drawn in [Figure](#fig-first)."),
        markdown("Training is in [Section](#settings)."),
        markdown("## Mathematics\n\n$$ a = |b| $$\n\nhas no number, but"),
        markdown("$$ J = L + \\lambda \\lVert W \\rVert^2 \\label{eq-cost} $$"),
        code("first = 1", figure("fig-first", "Half-open [0, 1) & <script>alert(1)</script>", 'An "alt" <b>text</b>.')),
        code("show.source(f)", shown({"text/markdown": "```python\ndef f(): pass\n```"}, source="lib.model.f")),
        code("secret = 1", new_output("stream", name="stderr", text="progress 50 %"), tags=["hide-input"]),
        code("skipped = 1", tags=["skip"]),
    )
    for name in SETTINGS:
        write(
            folder / f"3-setting-{name}.ipynb",
            markdown("# Settings\n\nOnce and for all.", "once"),
            code("eta = 0", tags=["parameters"]),
            code("eta = 1", tags=["injected-parameters"]),
            code("show.text(title)", shown({"text/markdown": f"## Setting {name}"}), tags=["hide-input"]),
            code("curves", figure(f"fig-curves-{name}")),
            code("hand over", result(f"settings/{name}", {"eta": 0.1, "lam": 0, "seed": 42}), tags=["hide-input"]),
        )
    write(
        folder / "4-comparison.ipynb",
        markdown("# Comparison\n\nBy [Table](#tab-main), [Figure](#fig-last), [Equation](#eq-last)."),
        code("table", table("tab-other")),
        code("figure", figure("fig-last")),
        markdown("$$ x = y \\label{eq-last} $$"),
        code("main_table = 1", table("tab-main", "The main table."), tags=["summary"]),
    )
    write(folder / "3-setting-gone.ipynb", markdown("A setting that is no more."))
    return folder


@pytest.fixture(scope="session")
def pages(folder, tmp_path_factory):
    """Return the folder with the HTML page and the PDF that are rendered from the notebooks in `folder`."""
    target = tmp_path_factory.mktemp("report")
    render_into(target, folder)
    return target


RESULTS = '{"η": "</a>"}'.encode()


def render_into(target, folder):
    notebooks = stitch.in_order(folder, SETTINGS)
    content = results.gather(notebooks) | {"provenance": MADE}
    cells = stitch.stitch(notebooks, provenance.appendix(content))
    render.render(cells, MADE, target, title="Softmax <script>", results=RESULTS)


def render_cells(tmp_path, *cells):
    render.render(stitch.stitch([write(tmp_path / "1-a.ipynb", *cells)]), MADE, tmp_path)


@pytest.fixture(scope="session")
def page(pages):
    return (pages / "report.html").read_text()


def visible(page):
    """Return the text of an HTML page without markup, style and script."""
    body = re.sub(r"<(style|script|annotation)\b.*?</\1>", "", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", body).replace("\u00a0", " "))


# --- Stitching --------------------------------------------------------------------------------------------------------


def test_notebooks_are_ordered_by_number_and_settings_as_listed(folder):
    names = [path.stem for path in stitch.in_order(folder, SETTINGS)]
    assert names == ["1-data-and-model", "3-setting-eta0.1-lam0", "3-setting-eta0.001-lam0.1", "4-comparison"]


def test_notebook_10_comes_after_notebook_9(tmp_path):
    for name in ("10-b", "9-a"):
        write(tmp_path / f"{name}.ipynb")
    assert [path.stem for path in stitch.in_order(tmp_path, [])] == ["9-a", "10-b"]


def test_setting_without_an_executed_notebook_gives_an_error(folder):
    with pytest.raises(InputError, match="eta9"):
        stitch.in_order(folder, ["eta9"])


def test_hidden_input_skipped_cells_and_progress_output_are_not_on_the_page(page):
    text = visible(page)
    assert text.count("Once and for all.") == 1
    assert "first = 1" in text
    for hidden in ("eta = 1", "skipped", "secret", "progress 50", "main_table", "no more", "show.source"):
        assert hidden not in text


def test_summary_comes_first_and_its_table_is_table_1(page):
    assert page.index('id="tab-main"') < page.index("<nav") < page.index('id="data-and-model"')
    assert "Table 1. The main table." in visible(page)


def test_failed_cell_gives_an_error_that_names_notebook_and_cell(tmp_path):
    failed = new_output("error", ename="ValueError", evalue="no such thing", traceback=[])
    with pytest.raises(InputError, match=r"1-a\.ipynb, cell 2: ValueError: no such thing"):
        render_cells(tmp_path, markdown("# A"), code("f()", failed))


@pytest.mark.parametrize("text", ["($p < 1$);", "($p < 1$)", "$p < 1$),", "($p < 1$"])
def test_no_line_break_separates_a_formula_from_its_parenthesis(tmp_path, text):
    render_cells(tmp_path, markdown(f"# A\n\nIt is so {text} here."))
    page = re.sub(r"<math.*?</math>", "$p < 1$", (tmp_path / "report.html").read_text(), flags=re.DOTALL)
    (formula,) = re.findall(r"It\s+is\s+so\s+(.*?)\s+here\.", page, re.DOTALL)
    assert re.fullmatch(r'<span\s+class="together">.*</span>', formula, re.DOTALL)
    assert re.sub(r"</?span.*?>", "", formula, flags=re.DOTALL) == text


def test_file_that_is_not_a_notebook_gives_an_error_that_names_it(tmp_path):
    (tmp_path / "1-a.ipynb").write_text("{}x")
    with pytest.raises(InputError, match=r"1-a\.ipynb: not a notebook"):
        stitch.stitch([tmp_path / "1-a.ipynb"])


INCOMPLETE = [figure(""), figure("fig-a", caption=" "), figure("fig-a", alt=""), table("fig-b"), figure("fig-a b")]


@pytest.mark.parametrize("output", INCOMPLETE)
def test_figure_or_table_without_label_caption_or_alt_text_gives_an_error(tmp_path, output):
    with pytest.raises(InputError, match=r"cell 1: (label|fig-a has no)"):
        render_cells(tmp_path, code("x", output))


# --- Labels and numbers -----------------------------------------------------------------------------------------------


def test_link_to_an_unknown_label_gives_an_error_that_names_it(tmp_path):
    with pytest.raises(InputError, match="#fig-nowhere"):
        render_cells(tmp_path, markdown("# A\n\nSee [Figure](#fig-nowhere)."))


def test_duplicate_label_gives_an_error_that_names_it(tmp_path):
    with pytest.raises(InputError, match="fig-twice is given twice"):
        render_cells(tmp_path, code("x", figure("fig-twice")), code("x", figure("fig-twice")))


EXPECTED = {
    "references": "The cost is Equation 1, drawn in Figure 1. Training is in Section 2.",
    "later references": "By Table 1, Figure 4, Equation 2.",
    "figure": "Figure 3. A caption.",
    "table": "Table 2. A table.",
    "section": "2.2 Setting eta0.001-lam0.1",
    "appendix": "A How this report was made",
}


@pytest.mark.parametrize("what", EXPECTED)
def test_html_numbers_figures_tables_equations_and_sections(page, what):
    assert EXPECTED[what] in re.sub(r"(?<=\w)\s+(?=\w)", " ", visible(page))


@pytest.mark.parametrize("what", EXPECTED)
def test_pdf_has_the_same_numbers_as_the_html(pages, what):
    if not shutil.which("pdftotext"):
        pytest.skip("pdftotext is not installed")
    text = subprocess.run(["pdftotext", pages / "report.pdf", "-"], capture_output=True, text=True, check=True).stdout
    assert EXPECTED[what] in re.sub(r"\s+", " ", text)


def test_only_labelled_equations_are_numbered_in_html_and_pdf(page, pages):
    in_html = re.findall(r'id="(eq-[\w-]+)".*?<span class="number">\((\d+)\)</span>', page, re.DOTALL)
    source = (pages / "build/report.typ").read_text()
    in_pdf = re.findall(r'#numbered\("(\d+)"\)\[.*?\] <(eq-[\w-]+)>', source, re.DOTALL)
    assert in_html == [("eq-cost", "1"), ("eq-last", "2")] == [(label, number) for number, label in in_pdf]
    assert r"\label" not in page


# --- The HTML as a document -------------------------------------------------------------------------------------------


class Parser(HTMLParser):
    """Parser that collects every (tag, attribute, value) of a page in `attributes`."""

    def __init__(self, page):
        super().__init__()
        self.attributes = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.attributes += [(tag, key, value or "") for key, value in attributes]


def test_html_loads_no_other_file(page):
    for tag, key, value in Parser(page).attributes:
        assert tag not in ("link", "iframe", "object", "embed"), tag
        if key in ("src", "srcset", "href", "xlink:href", "data", "poster") and tag != "a":
            assert value.startswith(("#", "data:")), (tag, key, value)
    assert re.findall(r"url\((?!data:|#)[^)]*\)", page) == []
    assert "@import" not in page


def test_ids_are_unique_and_every_link_within_the_page_has_a_target(page):
    attributes = Parser(page).attributes
    ids = [value for _, key, value in attributes if key == "id"]
    assert len(ids) == len(set(ids))
    targets = [value[1:] for _, key, value in attributes if key in ("href", "xlink:href") and value.startswith("#")]
    assert set(targets) <= set(ids)


def test_content_security_policy_allows_only_the_script_and_style_of_the_page(page):
    from hashlib import sha256

    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    allowed = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert allowed.pop("default-src") == allowed.pop("base-uri") == allowed.pop("form-action") == "'none'"
    assert allowed.pop("img-src") == allowed.pop("font-src") == "data:"
    assert allowed.pop("style-src-attr") == "'unsafe-inline'"
    for element in ("script", "style"):
        hashes = re.findall(r"'sha256-([^']+)'", allowed.pop(f"{element}-src"))
        (content,) = re.findall(rf"<{element}>(.*?)</{element}>", page, re.DOTALL)
        assert [b64decode(digest) for digest in hashes] == [sha256(content.encode()).digest()]
    assert allowed == {}
    assert page.index("Content-Security-Policy") < page.index("<style>")  # elements before the policy are exempt


def test_results_are_embedded_in_the_page_unchanged(page):
    (content,) = re.findall(r'href="data:application/json;base64,([^"]*)" download="results.json"', page)
    assert b64decode(content) == RESULTS


def test_no_element_has_an_event_handler_attribute(page):
    assert [key for _, key, _ in Parser(page).attributes if key.startswith("on")] == []


FILM = {"epochs": [0, 1, 5, 7], "strip": [0, 1, 5], "names": ["a", "b<"], "sprite": "AAAA"}


def test_page_embeds_the_image_of_a_film_once_and_shows_parts_of_it():
    inline = html.figure(DRAWING, {"label": "fig-a", "alt": 'An "alt".', "film": FILM})
    assert inline.count("data:image/jpeg;base64,AAAA") == 1
    strip, stage = re.findall(r'<svg class="(?:strip|stage)".*?(?=<svg class="stage"|</div>)', inline)
    rows = [
        re.findall(r'viewBox="(\d+) 0 32 32"><use href="#fig-a.sprite" y="(-?\d+)"', part) for part in (strip, stage)
    ]
    assert rows[0] == [(x, y) for y in ("0", "-32", "-64") for x in ("0", "32")]
    assert rows[1] == [("0", "-96"), ("32", "-96")]  # the last epoch
    assert all('role="img" aria-label="An &quot;alt&quot;."' in part and "b&lt;" in part for part in (strip, stage))


def test_figure_in_the_page_holds_its_hover_data():
    panels = [{"title": 'a "loss" <b>', "curves": []}]
    inline = html.figure(DRAWING, {"label": "fig-a", "alt": "alt", "hover": panels})
    assert json.loads(unescape(re.search('data-hover="([^"]*)"', inline)[1])) == panels
    assert html.inline_svg(DRAWING, "fig-a", "alt") in inline


def test_committed_html_report_is_smaller_than_6_mb():
    assert (paths.REPORT / "report.html").stat().st_size < 6_000_000


def test_script_and_style_sheet_have_at_most_438_lines():
    added = sum(len((render.TEMPLATE / f"report.{kind}").read_text().splitlines()) for kind in ("js", "css"))
    assert added - 138 <= 300  # 138 lines of style, and at most 300 for the interactive figures


def test_text_with_html_tags_is_escaped(page):
    assert page.count("<script") == 1  # the script of the page
    assert "<title>Softmax &lt;script&gt;</title>" in page
    assert escape("Half-open [0, 1) & <script>alert(1)</script>") in page


def test_each_svg_has_the_role_img_and_an_alternative_text(page):
    images = re.findall(r"<svg\b[^>]*>", page)
    assert len(images) == 4
    assert all('role="img"' in image and "aria-label=" in image for image in images)
    assert 'aria-label="An &quot;alt&quot; &lt;b&gt;text&lt;/b&gt;."' in images[0]


def test_inline_svg_uses_the_colours_of_the_theme_and_ids_that_begin_with_its_label():
    inline = html.inline_svg(DRAWING, "fig-a", "A line.")
    assert "#1b1e22" not in inline and "#fffffe" not in inline and "currentColor" in inline and "<style" not in inline
    assert all(label.startswith("fig-a.") for label in re.findall(r'(?:id="|href="#|url\(#)([^")]+)', inline))


# The mathematical italic of each letter, from Unicode's tables. The italic h is in an older block than the others.
SLANTED = map(chr, [*range(0x1D434, 0x1D455), *range(0x1D456, 0x1D468), *range(0x1D6E2, 0x1D717)])
ITALIC = {chr(int(decomposition(c).split()[1], 16)): c for c in SLANTED} | {"h": "ℎ"}


def math_characters(page):
    """Return the characters of the page's formulas. A browser shows a single letter in <mi> in italics."""
    formulas = re.sub(r"<annotation.*?</annotation>", "", "".join(re.findall("(?s)<math.*?</math>", page)), flags=re.S)
    single = re.findall(r"<mi>(.)</mi>", formulas)
    return {*unescape(re.sub(r"<[^>]+>|\s", "", formulas)), *(ITALIC[c] for c in single if c in ITALIC)}


def test_math_font_has_every_character_of_the_formulas(page):
    """`make font` rebuilds the font with the characters that the Makefile lists."""
    characters = set(map(chr, TTFont(render.FONT).getBestCmap()))
    assert {"𝜆", "𝑊", "‖"} <= math_characters(page) <= characters
    assert math_characters((paths.REPORT / "report.html").read_text()) <= characters


def test_math_font_is_embedded_and_smaller_than_120_kb(page):
    (font,) = re.findall(r"url\(data:font/woff;base64,([^)]+)\)", page)
    assert b64decode(font) == render.FONT.read_bytes()
    assert render.FONT.stat().st_size < 120_000


def test_every_code_listing_on_the_page_is_collapsed(page):
    assert "<details><summary>lib.model.f</summary>" in page
    assert page.count("<pre") == len(re.findall(r"<summary>.*?</summary>\s*<div[^>]*><pre", page))


@pytest.mark.skipif(not shutil.which("pdftoppm"), reason="pdftoppm is not installed: apt-get install poppler-utils")
def test_the_pdf_has_a_film_strip_of_epochs_0_1_5_10_20_and_40(tmp_path, monkeypatch):
    """Each frame of the made-up film is white in its top rows, one more than in the frame before, and black below."""
    seen, epochs = [], chosen(40)
    dark = 31 - np.arange(len(epochs))  # black rows of each frame, which has 32 rows
    levels = 255 * (np.arange(32) < 32 - dark[:, None]).repeat(32, 1)
    film = Film(np.array(epochs), np.tile(levels, 3)[..., None].repeat(10, 2).astype(np.uint8))
    monkeypatch.setattr(show, "display", lambda data, raw, metadata: seen.append(shown(data, **metadata)))
    monkeypatch.setattr(paths, "FIGURES", tmp_path)
    show.film(film, CLASSES, "fig-film", "A film.", "A film.")
    render_cells(tmp_path, code("x", *seen))
    subprocess.run(["pdftoppm", "-r", "300", "-gray", tmp_path / "report.pdf", tmp_path / "page"], check=True)
    black = np.hstack([np.array(Image.open(page)) < 64 for page in sorted(tmp_path.glob("page*.pgm"))])
    column = black[:, black.sum(0).argmax()].astype(int)
    runs = np.diff(np.flatnonzero(np.diff(column, prepend=0, append=0)).reshape(-1, 2))[:, 0]
    runs = runs[runs > 60]  # longer than the black parts of letters
    expected = [dark[epochs.index(epoch)] for epoch in (0, 1, 5, 10, 20, 40)]
    np.testing.assert_allclose(runs * 31 / runs[0], expected, atol=0.4)


def test_pdf_contains_no_code(pages):
    source = (pages / "build/report.typ").read_text()
    assert "first = 1" not in source and "def f()" not in source


def test_rendering_twice_gives_identical_bytes(pages, folder, tmp_path):
    render_into(tmp_path, folder)
    for name in ("report.html", "report.pdf"):
        assert (tmp_path / name).read_bytes() == (pages / name).read_bytes(), name


def test_pages_contain_no_path_of_this_machine(pages):
    for name in ("report.html", "build/report.typ", "build/report.md"):
        text = (pages / name).read_text()
        assert str(paths.ROOT) not in text and str(pages) not in text, name


# --- Results ----------------------------------------------------------------------------------------------------------


def test_results_of_all_notebooks_are_gathered_by_key(folder, tmp_path):
    results.write(stitch.in_order(folder, SETTINGS), tmp_path / "results.json")
    content = json.loads((tmp_path / "results.json").read_text())
    assert list(content["settings"]) == sorted(SETTINGS)
    assert content["settings"]["eta0.1-lam0"]["seed"] == 42
    assert set(content["provenance"]) == {"python", "packages", "data", "commit", "date"}
    assert len(content["provenance"]["data"]) == 6
    assert results.read(tmp_path / "results.json") == {key: content[key] for key in ("provenance", "settings")}


@pytest.mark.parametrize("second", ["a/b", "a/b/c"])
def test_result_given_twice_gives_an_error_that_names_notebook_and_key(tmp_path, second):
    path = write(tmp_path / "1-a.ipynb", code("x", result("a/b", 1), result(second, 2)))
    with pytest.raises(InputError, match=f"1-a.ipynb: result '{second}'"):
        results.gather([path])


@pytest.mark.parametrize("content", ["", "{}", "[]", None])
def test_missing_or_damaged_results_give_an_error_with_the_cure(tmp_path, content):
    if content is not None:
        (tmp_path / "results.json").write_text(content)
    with pytest.raises(InputError, match=r"report\.pipeline results"):
        results.read(tmp_path / "results.json")


def test_core_renders_only_chapters_1_to_4(folder, tmp_path, monkeypatch):
    executed = shutil.copytree(folder, tmp_path / "notebooks")
    write(executed / "5-improvements.ipynb", markdown("# Beyond the assignment"))
    monkeypatch.setattr(paths, "EXECUTED", executed)
    monkeypatch.setattr(paths, "REPORT", tmp_path)
    settings = [Setting(name=name, eta=1, lam=0) for name in SETTINGS]
    monkeypatch.setattr("lib.runs.settings.read_all", lambda: settings)
    command.main(["core"])
    page = (tmp_path / "core/report.html").read_text()
    assert ">Comparison<" in page.replace("</span> ", ">") and "Beyond the assignment" not in page
    assert (tmp_path / "core/report.pdf").read_bytes().startswith(b"%PDF")
    assert list(results.read(tmp_path / "core/results.json")["settings"]) == sorted(SETTINGS)
    assert not (tmp_path / "report.html").exists()


def test_unknown_argument_gives_an_error_with_the_usage():
    with pytest.raises(InputError, match="usage"):
        command.main(["publish"])


def test_provenance_outside_a_git_repository_has_the_commit_unknown(monkeypatch, tmp_path):
    shutil.copy(paths.ROOT / "pyproject.toml", tmp_path)
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    made = provenance.provenance()
    assert (made["commit"], made["date"]) == ("unknown", "")
    assert "outside a git repository" in provenance.appendix({"provenance": made})[0].source
    assert "numpy" in made["packages"] and "pytest" in made["packages"]


HOSTILE = "<script>alert(1)</script> [a](javascript:alert(1)) `x`{=html} <img src=x onerror=alert(1)>"


def test_title_that_contains_a_script_is_shown_as_text(tmp_path):
    """Titles of settings are shown in headings, table heads, table cells, captions and alternative texts."""
    cells = {"text/markdown": f"| a | {HOSTILE} |\n| :-- | --: |\n| {HOSTILE} | 1 |"}
    shows = [shown(cells, label="tab-a", caption=HOSTILE), figure("fig-a", HOSTILE, HOSTILE)]
    render_cells(tmp_path, markdown(f"# A\n\n## {HOSTILE}\n\n{HOSTILE}"), code("a", *shows))
    page = (tmp_path / "report.html").read_text()
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 5
    assert not re.search(r"<script[^>]*>alert|<img[^>]*onerror=", page)
