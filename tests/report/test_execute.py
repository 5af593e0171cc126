"""Run a notebook with parameters. The executed notebook is written only if every cell succeeds."""

import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from lib import command, paths
from lib.command import InputError
from lib.runs.settings import Setting
from report.pipeline import execute


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a notebook of code cells and returns its path. The first cell holds parameters."""

    def write(*sources):
        first, *others = map(new_code_cell, sources)
        first.metadata["tags"] = ["parameters"]
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        notebook = new_notebook(cells=[new_markdown_cell("# Title"), first, *others], metadata=kernel)
        nbformat.write(notebook, tmp_path / "a.ipynb")
        return tmp_path / "a.ipynb"

    return write


@pytest.fixture
def output(tmp_path):
    return tmp_path / "executed" / "a.ipynb"


def printed(path):
    return [output.text for cell in nbformat.read(path, 4).cells for output in cell.get("outputs", [])]


def test_a_notebook_gets_its_parameters_and_runs_in_the_notebooks_folder(write, output):
    notebook = write("eta = 1\nname = 'a'", "import os\nprint(eta, name, os.getcwd())")
    execute.execute(notebook, output, {"eta": 1e-3})
    assert printed(output) == [f"0.001 a {paths.NOTEBOOKS}\n"]
    assert list(output.parent.iterdir()) == [output]


def test_failing_cell_gives_an_error_that_names_it_and_no_file_is_written(write, output):
    notebook = write("eta = 1", "print('fine')", "assert eta > 1, 'eta is too small'", "print('never')")
    with pytest.raises(InputError) as caught:
        execute.execute(notebook, output, {})
    assert str(caught.value) == f"{notebook}, code cell 3: AssertionError: eta is too small"
    assert list(output.parent.iterdir()) == []


def test_failing_cell_leaves_the_old_file_unchanged(write, output):
    output.parent.mkdir()
    output.write_text("old")
    with pytest.raises(InputError, match="ZeroDivisionError"):
        execute.execute(write("1 / 0"), output, {})
    assert [file.read_text() for file in output.parent.iterdir()] == ["old"]


def test_killed_kernel_gives_a_one_line_error_and_no_file_is_written(write, output, monkeypatch, capfd):
    """Linux kills a kernel like this when memory runs out."""
    notebook = write("eta = 1", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    with pytest.raises(SystemExit, match=r"^error: .*a\.ipynb: its kernel was killed; did the machine"):
        run(monkeypatch, output, notebook)
    assert capfd.readouterr().err == "  a: running\n"
    assert list(output.parent.iterdir()) == []


def test_unknown_parameter_gives_an_error_that_lists_the_known_ones(write, output):
    notebook = write("eta = 1\nlam = 0")
    with pytest.raises(InputError) as caught:
        execute.execute(notebook, output, {"eta": 1, "lambda": 1, "alpha": 2})
    assert str(caught.value) == f"{notebook}: no parameter alpha, lambda; it has eta, lam"
    assert not output.parent.exists()


def test_parameter_for_a_notebook_without_parameters_gives_an_error(write, output):
    with pytest.raises(InputError, match="no parameter eta; it has none"):
        execute.execute(write("print(1)"), output, {"eta": 1})


def parameters_of_the_settings_notebook():
    cells = nbformat.read(paths.NOTEBOOKS / "3-setting.ipynb", 4).cells
    (cell,) = [cell for cell in cells if "parameters" in cell.metadata.get("tags", [])]
    values = {}
    exec(cell.source, {}, values)
    return values


def test_parameters_of_the_settings_notebook_are_the_fields_of_a_setting():
    assert list(parameters_of_the_settings_notebook()) == list(Setting.model_fields)


def test_parameters_of_the_settings_notebook_have_the_default_values_of_a_setting():
    values = parameters_of_the_settings_notebook()
    usual = {name: field.default for name, field in Setting.model_fields.items() if not field.is_required()}
    assert Setting(**values).model_dump().items() >= usual.items()


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["report.pipeline.execute", *map(str, arguments)])
    command.run_command(execute.main)


@pytest.mark.parametrize("arguments", [[], ["a"], ["a", "b", "c", "d"]])
def test_wrong_number_of_arguments_gives_an_error_with_the_usage(monkeypatch, arguments):
    usage = r"^error: usage: python -m report\.pipeline\.execute OUTPUT NOTEBOOK \[SETTING\]$"
    with pytest.raises(SystemExit, match=usage):
        run(monkeypatch, *arguments)


def test_command_imports_nbformat_without_the_slow_url_grammar():
    """See `report.pipeline.skip_url_grammar`: compiling it takes one of the four seconds that a notebook needs."""
    program = """
import contextlib, sys
from report.pipeline.execute import main
with contextlib.suppress(FileNotFoundError):
    main(["out.ipynb", "missing.ipynb"])
sys.exit("lark" in sys.modules or "nbformat" not in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", program], cwd=paths.ROOT).returncode == 0


NO_NOTEBOOKS = {
    "missing": None,
    "empty": "",
    "JSON": "{}",
    "text": "no notebook",
    "a list": "[]",
    "a number": "1",
    "no metadata": '{"nbformat": 4, "nbformat_minor": 5}',
    "a cell that is a number": '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [1]}',
}


@pytest.mark.parametrize("content", NO_NOTEBOOKS.values(), ids=NO_NOTEBOOKS)
def test_file_that_is_not_a_notebook_gives_a_one_line_error(monkeypatch, tmp_path, output, content):
    if content is not None:
        (tmp_path / "a.ipynb").write_text(content)
    with pytest.raises(SystemExit, match=r"^error: .*a\.ipynb"):
        run(monkeypatch, output, tmp_path / "a.ipynb")
    assert not output.exists()


def test_command_runs_a_notebook_with_a_setting_and_prints_its_progress(monkeypatch, write, output, tmp_path, capsys):
    (tmp_path / "mine.yaml").write_text("eta: 1e-2\nlam: 0")
    fields = "\n".join(f"{field} = None" for field in Setting.model_fields)
    run(monkeypatch, output, write(fields, "print(name, eta, lam, n_epochs)"), tmp_path / "mine.yaml")
    assert printed(output) == ["mine 0.01 0.0 40\n"]
    assert [line.split(" in ")[0] for line in capsys.readouterr().err.splitlines()] == ["  a: running", "  a: done"]
