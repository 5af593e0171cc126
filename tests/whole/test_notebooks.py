"""The notebooks as they are committed: clean, short, and without a link that leads nowhere."""

import ast
import re
from collections import Counter

import nbformat
import pytest

from lib import paths
from lib.runs import settings

FILES = sorted(paths.NOTEBOOKS.glob("*.ipynb"))
NOTEBOOKS = {file.stem: nbformat.read(file, 4) for file in FILES}
CHAPTERS = {name: notebook for name, notebook in NOTEBOOKS.items() if name[0].isdigit()}
LONGEST = 30  # lines of code in a cell
every_notebook = pytest.mark.parametrize("notebook", NOTEBOOKS.values(), ids=NOTEBOOKS)
every_chapter = pytest.mark.parametrize("notebook", CHAPTERS.values(), ids=CHAPTERS)


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def source(notebook):
    return "\n".join(cell.source for cell in notebook.cells)


@every_notebook
def test_a_notebook_is_valid(notebook):
    nbformat.validate(notebook)


@every_notebook
def test_a_notebook_has_no_outputs(notebook):
    assert [(cell.id, cell.outputs, cell.execution_count) for cell in code(notebook)] == [
        (cell.id, [], None) for cell in code(notebook)
    ]


@every_notebook
def test_a_notebook_runs_in_any_python_3(notebook):
    assert notebook.metadata.kernelspec.name == "python3"
    assert set(notebook.metadata) <= {"kernelspec", "language_info"}


@every_notebook
def test_a_cell_has_an_id_of_its_own_and_no_metadata_but_tags(notebook):
    assert max(Counter(cell.id for cell in notebook.cells).values()) == 1
    assert {key for cell in notebook.cells for key in cell.metadata} <= {"tags"}


@every_notebook
def test_a_notebook_names_no_place_on_a_machine(notebook):
    assert not re.search(r"(?<![\w.$(])/(home|root|Users|tmp|work|mnt|usr)/|[A-Z]:\\\\", source(notebook))


@every_notebook
def test_a_notebook_begins_with_its_only_title(notebook):
    titles = [cell for cell in notebook.cells if cell.cell_type == "markdown" and re.search("(?m)^# ", cell.source)]
    assert titles == notebook.cells[:1]


@every_notebook
def test_a_notebook_finds_lib_from_its_own_folder(notebook):
    (cell,) = [cell for cell in code(notebook) if "import" in cell.source]
    assert cell.source.startswith('import sys\n\nsys.path.insert(0, "..")')
    assert re.search("(?m)^from (lib|report|notebooks)", cell.source)


@every_notebook
def test_the_work_is_done_in_lib(notebook):
    long = [cell.id for cell in code(notebook) if len(cell.source.splitlines()) > LONGEST]
    assert long == []
    defined = [node.name for node in ast.walk(ast.parse(source_of_code(notebook))) if hasattr(node, "decorator_list")]
    assert defined == []


def source_of_code(notebook):
    return "\n".join(cell.source for cell in code(notebook))


@every_notebook
def test_no_cell_is_empty(notebook):
    assert [cell.id for cell in notebook.cells if not cell.source.strip()] == []


# Results are computed. What is set beforehand may be typed: a whole number, such as 40 epochs; the value of a symbol,
# such as $\lambda = 0.1$; anything in code. The rest is taken for a result: a decimal, a share, a number of points.

SETUP = r"```.*?```|`[^`]*`|\\(?:eta|lambda|sigma)\s*(?:=|\\in|\\to|[<>]|\\leq?|\\geq?)\s*[\d.]+"
MEASURED = r"\d*\.\d+|\d+(?=[\s\u00a0\\]*(?:%|per cent|percentage|points?\b))"


def typed_results(prose):
    return re.findall(MEASURED, re.sub(SETUP, "", prose, flags=re.DOTALL))


@every_chapter
def test_no_figure_of_the_results_is_typed_into_the_prose(notebook):
    prose = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    assert [(text, found) for text in prose if (found := typed_results(text))] == []


@pytest.mark.parametrize(
    "prose",
    [
        *("It reaches 39.1 %.", "a share of .391", "$0.39$", "$39\\%$", "about 40 %", "40\u00a0%", "39 per cent"),
        *("cost 1.972", "1 to 3 points", "5 percentage points", "$\\lambda = 0.1$ gives 39.3"),
    ],
)
def test_the_scan_finds_a_typed_result(prose):
    assert typed_results(prose)


@pytest.mark.parametrize(
    "prose",
    [
        *("40 epochs of 100 images", "10,000 images", "classes 0 to 9.", "32 × 32", "In 2025, and later. 3 of them"),
        *("$\\eta = 0.001$ and $\\lambda=.1$", "$\\lambda > 0.5$", "ten points", "it points to 3"),
        *("`0.391`", "```sh\npython -m lib.doctor 39.1 37.5\n```"),
    ],
)
def test_the_scan_lets_what_was_set_be(prose):
    assert typed_results(prose) == []


# Links, in a notebook or in its chapter's modules. A label may hold {name}, which every setting fills in.

MODULES = {name: paths.NOTEBOOKS.glob(f"{name[2:].replace('-', '_')}/*.py") for name in CHAPTERS}
TEXTS = ["\n".join([source(CHAPTERS[name]), *(file.read_text() for file in MODULES[name])]) for name in CHAPTERS]


def filled_in(text):
    names = [setting.name for setting in settings.read_all()] if "{name}" in text else [""]
    return {text.replace("{name}", name) for name in names}


def found(pattern):
    labels = {label for text in TEXTS for label in re.findall(pattern, text)}
    return {name for label in labels for name in filled_in(label)}


TARGETS = found(r'"((?:fig|tab)-[^" ]+)"') | found(r"\\label\{(eq-[^}]+)\}")
KINDS = {"Figure": "fig", "Table": "tab", "Equation": "eq"}


def test_every_link_leads_somewhere():
    assert found(r"\[(?:Figure|Table|Equation)\]\(#([^)]+)\)") - TARGETS == set()


@pytest.mark.parametrize(("word", "kind"), KINDS.items())
def test_a_link_is_called_what_it_leads_to(word, kind):
    linked = found(rf"\[{word}\]\(#([^)]+)\)")
    assert linked
    assert {label.split("-")[0] for label in linked} == {kind}


def test_a_link_to_a_section_is_to_the_name_that_pandoc_gives_its_heading():
    headings = found(r"(?m)^#+ (.+)$")
    names = {re.sub(r"[^\w\s.-]", "", heading).strip().lower().replace(" ", "-") for heading in headings}
    linked = found(r"\[Section\]\(#([^)]+)\)")
    assert linked
    assert linked - names == set()


def test_no_link_is_called_anything_else():
    assert found(r"\[([^][\n]*)\]\(#") == {*KINDS, "Section"}


def test_no_label_is_given_twice():
    labels = [label for text in TEXTS for label in re.findall(r'"((?:fig|tab)-[^" ]+)"|\\label\{(eq-[^}]+)\}', text)]
    assert max(Counter(labels).values()) == 1
