"""The committed notebooks are valid, have short code cells and little prose in them, and every link has a target."""

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
LONGEST = 10  # lines of code in a cell, blank ones not counted
MOST_PROSE = 40  # lines of prose in the code cells of all chapters together
every_notebook = pytest.mark.parametrize("notebook", NOTEBOOKS.values(), ids=NOTEBOOKS)
every_chapter = pytest.mark.parametrize("notebook", CHAPTERS.values(), ids=CHAPTERS)


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def source(notebook):
    return "\n".join(cell.source for cell in notebook.cells)


@every_notebook
def test_notebook_is_valid(notebook):
    nbformat.validate(notebook)


@every_notebook
def test_notebook_has_no_outputs(notebook):
    assert [(cell.id, cell.outputs, cell.execution_count) for cell in code(notebook)] == [
        (cell.id, [], None) for cell in code(notebook)
    ]


@every_notebook
def test_notebook_uses_the_kernel_of_any_python_3(notebook):
    assert notebook.metadata.kernelspec.name == "python3"
    assert set(notebook.metadata) <= {"kernelspec", "language_info"}


@every_notebook
def test_cell_ids_are_unique_and_cell_metadata_hold_only_tags(notebook):
    assert max(Counter(cell.id for cell in notebook.cells).values()) == 1
    assert {key for cell in notebook.cells for key in cell.metadata} <= {"tags"}


@every_notebook
def test_notebook_contains_no_absolute_path(notebook):
    assert not re.search(r"(?<![\w.$(])/(home|root|Users|tmp|work|mnt|usr)/|[A-Z]:\\\\", source(notebook))


@every_notebook
def test_notebook_has_one_title_in_its_first_cell(notebook):
    titles = [cell for cell in notebook.cells if cell.cell_type == "markdown" and re.search("(?m)^# ", cell.source)]
    assert titles == notebook.cells[:1]


@every_notebook
def test_notebook_puts_the_repository_into_the_import_path(notebook):
    (cell,) = [cell for cell in code(notebook) if "import" in cell.source]
    assert cell.source.startswith('import sys\n\nsys.path.insert(0, "..")')
    assert re.search("(?m)^from (lib|report|notebooks)", cell.source)


def source_of_code(notebook):
    return "\n".join(cell.source for cell in code(notebook))


@every_notebook
def test_cells_have_at_most_ten_lines_and_define_no_function_or_class(notebook):
    cells = [cell for cell in code(notebook) if "parameters" not in cell.metadata.get("tags", [])]
    long = [cell.id for cell in cells if len(re.findall(r"(?m)^.*\S", cell.source)) > LONGEST]
    assert long == []
    defined = [node.name for node in ast.walk(ast.parse(source_of_code(notebook))) if hasattr(node, "decorator_list")]
    assert defined == []


def is_prose(line):
    """Return whether a string of three words or more makes up most of a line of code."""
    strings = re.findall(r'"([^"]*)"', line)
    return any(len(string) > len(line.strip()) / 2 and len(string.split()) >= 3 for string in strings)


def test_chapters_have_at_most_forty_lines_of_prose_in_their_code():
    lines = [line for notebook in CHAPTERS.values() for line in source_of_code(notebook).splitlines()]
    prose = [line.strip() for line in lines if is_prose(line)]
    assert len(prose) <= MOST_PROSE, "\n".join(prose)


@pytest.mark.parametrize(
    ("line", "prose"),
    {
        'show.text("One sentence of words.")': True,
        '    f"A caption of {n} words.",': True,
        'show.text(*sentences.on_gain(run), "in short")': False,
        '"fig-caption",': False,
        'rows = {"one long label": lambda run: percent(run.final("val", "accuracy"))}': False,
    }.items(),
)
def test_line_is_prose_if_it_is_mostly_a_string_of_words(line, prose):
    assert is_prose(line) == prose


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_does_not_import_from_the_folder_of_another_notebook(name):
    folders = set(re.findall(r"(?m)^(?:from|import) notebooks(?:\.| import )(\w+)", source_of_code(NOTEBOOKS[name])))
    shared = {"6-binary-cross-entropy": {"improvements"}}
    assert folders - shared.get(name, set()) <= {re.sub(r"^\d-", "", name).replace("-", "_")}


@every_notebook
def test_no_cell_is_empty(notebook):
    assert [cell.id for cell in notebook.cells if not cell.source.strip()] == []


# Prose must not contain typed results. It may contain values that were set: a whole number, such as 40 epochs; the
# value of a symbol, such as $\lambda = 0.1$; anything in code. Other decimals, percentages and points are results.

SETUP = r"```.*?```|`[^`]*`|\\(?:eta|lambda|sigma)\s*(?:=|\\in|\\to|[<>]|\\leq?|\\geq?)\s*[\d.]+"
MEASURED = r"\d*\.\d+|\d+(?=[\s\u00a0\\]*(?:%|per cent|percentage|points?\b))"


def typed_results(prose):
    return re.findall(MEASURED, re.sub(SETUP, "", prose, flags=re.DOTALL))


@every_chapter
def test_prose_contains_no_typed_result(notebook):
    prose = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    assert [(text, results) for text in prose if (results := typed_results(text))] == []


@pytest.mark.parametrize(
    "prose",
    [
        *("It reaches 39.1 %.", "a share of .391", "$0.39$", "$39\\%$", "about 40 %", "40\u00a0%", "39 per cent"),
        *("cost 1.972", "1 to 3 points", "5 percentage points", "$\\lambda = 0.1$ gives 39.3"),
    ],
)
def test_typed_result_is_detected(prose):
    assert typed_results(prose)


@pytest.mark.parametrize(
    "prose",
    [
        *("40 epochs of 100 images", "10,000 images", "classes 0 to 9.", "32 × 32", "In 2025, and later. 3 of them"),
        *("$\\eta = 0.001$ and $\\lambda=.1$", "$\\lambda > 0.5$", "ten points", "it points to 3"),
        *("`0.391`", "```sh\npython -m lib.doctor 39.1 37.5\n```"),
    ],
)
def test_values_that_were_set_do_not_count_as_results(prose):
    assert typed_results(prose) == []


# Links in a notebook or in the modules of its chapter. {name} in a label stands for the name of each setting.

MODULES = {name: paths.NOTEBOOKS.glob(f"{name[2:].replace('-', '_')}/*.py") for name in CHAPTERS}
TEXTS = ["\n".join([source(CHAPTERS[name]), *(file.read_text() for file in MODULES[name])]) for name in CHAPTERS]


def filled_in(text):
    names = [setting.name for setting in settings.read_all()] if "{name}" in text else [""]
    return {text.replace("{name}", name) for name in names}


def matches(pattern):
    labels = {label for text in TEXTS for label in re.findall(pattern, text)}
    return {name for label in labels for name in filled_in(label)}


TARGETS = matches(r'"((?:fig|tab)-[^" ]+)"') | matches(r"\\label\{(eq-[^}]+)\}")
KINDS = {"Figure": "fig", "Table": "tab", "Equation": "eq"}


def test_every_link_leads_to_a_label():
    assert matches(r"\[(?:Figure|Table|Equation)\]\(#([^)]+)\)") - TARGETS == set()


@pytest.mark.parametrize(("word", "kind"), KINDS.items())
def test_link_text_is_the_kind_of_its_target(word, kind):
    linked = matches(rf"\[{word}\]\(#([^)]+)\)")
    assert linked
    assert {label.split("-")[0] for label in linked} == {kind}


def test_section_links_use_the_ids_that_pandoc_makes_of_headings():
    headings = matches(r"(?m)^#+ (.+)$")
    names = {re.sub(r"[^\w\s.-]", "", heading).strip().lower().replace(" ", "-") for heading in headings}
    linked = matches(r"\[Section\]\(#([^)]+)\)")
    assert linked
    assert linked - names == set()


def test_link_texts_are_only_the_three_kinds_and_section():
    assert matches(r"\[([^][\n]*)\]\(#") == {*KINDS, "Section"}


def test_labels_are_unique():
    labels = [label for text in TEXTS for label in re.findall(r'"((?:fig|tab)-[^" ]+)"|\\label\{(eq-[^}]+)\}', text)]
    assert max(Counter(labels).values()) == 1
