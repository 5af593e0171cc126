"""Bad arguments, damaged result files and unusual environments: commands print a one-line error and write no file.

Tests for bad settings, data, downloads, grids and accuracies are in test_settings, test_cifar10, test_downloads,
test_search and test_doctor.
"""

import json
import os
import re
import subprocess
import sys
from importlib import import_module

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from benchmarks import bench
from lib import paths
from lib.command import InputError, run_command
from report.pipeline import provenance, results

USAGE = "usage: python -m report.pipeline"
NONE = "'all': the command takes no arguments"
DOCTOR = "26.2 38.8 39.2 37.5"

# module, arguments, error message
COMMANDS = [
    ("lib.fetch", "all", NONE),
    ("lib.runs.__main__", "all", NONE),
    ("notebooks.comparison.__main__", "all", NONE),
    ("notebooks.improvements.__main__", "all", NONE),
    ("notebooks.binary_cross_entropy.__main__", "all", NONE),
    ("notebooks.common_mistakes.__main__", "all", NONE),
    ("notebooks.reproduction.__main__", "all", NONE),
    ("notebooks.reproduction.__main__", "all of them", NONE),
    ("report.pipeline.__main__", "", f"{USAGE} results|render|core"),
    ("report.pipeline.__main__", "html", f"{USAGE} results|render|core"),
    ("report.pipeline.__main__", "results render", f"{USAGE} results|render|core"),
    ("report.pipeline.__main__", "--help", f"{USAGE} results|render|core"),
    ("report.pipeline.execute", "out.ipynb in.ipynb a.yaml more", f"{USAGE}.execute OUTPUT NOTEBOOK [SETTING]"),
    ("report.pipeline.execute", "out.ipynb in.ipynb a.yaml", "a.yaml: not readable: No such file or directory"),
    ("report.pipeline.execute", "out.ipynb .", ".: a notebook's name must end in .ipynb"),
    ("report.pipeline.execute", "out in.ipynb", "out: a notebook's name must end in .ipynb"),
    ("report.pipeline.execute", "out.ipynb none.ipynb", "[Errno 2] No such file or directory: 'none.ipynb'"),
    ("report.pipeline.lock", "", f"{USAGE}.lock COMMAND ..."),
    ("report.pipeline.lock", "no-such-command", "[Errno 2] No such file or directory"),
]
BENCH = ["0", "-1", "many", "1.5", "1 2", "--rounds=3", ""]


def refusal(main, arguments, monkeypatch):
    """Run a command as its module does, and return its one-line error message."""
    monkeypatch.setattr(sys, "argv", ["command", *arguments])
    with pytest.raises(SystemExit) as caught:
        run_command(main)
    message = str(caught.value.code)  # Python prints it and exits with 1
    assert message.startswith("error: ")
    assert "\n" not in message
    return message.removeprefix("error: ")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("input")


@pytest.fixture
def nothing_written(tmp_path, monkeypatch):
    """Work in an empty folder, and check that it holds at most the lock at the end."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(paths, "RUNS", tmp_path / "runs")
    yield tmp_path
    assert [path.name for path in tmp_path.iterdir() if path.name != ".lock"] == []


@pytest.mark.usefixtures("nothing_written")
@pytest.mark.parametrize(("module", "arguments", "message"), COMMANDS)
def test_bad_arguments_give_a_one_line_error(monkeypatch, module, arguments, message):
    assert message in refusal(import_module(module).main, arguments.split(), monkeypatch)


@pytest.mark.usefixtures("nothing_written")
@pytest.mark.parametrize("arguments", BENCH)
def test_benchmark_with_bad_rounds_gives_a_one_line_error(monkeypatch, arguments):
    given = arguments.split(" ")
    assert (
        refusal(bench.main, given, monkeypatch)
        == "usage: python -m benchmarks.bench [ROUNDS], a whole number of at least 1"
    )


WITHOUT_ARGUMENTS = [module for module, arguments, message in COMMANDS if (arguments, message) == ("all", NONE)]
TAKING_FILES = ["report.pipeline.execute", "lib.doctor.__main__", "report.pipeline.__main__"]
given_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0/"), max_size=12)
undecodable = st.sampled_from(["\udcff", "a\udc80b"])  # how Python decodes bytes that are not UTF-8
arguments = st.lists(given_text | undecodable | st.sampled_from(["-", "--help", "=", "a\nb", "\x1b[31m"]), max_size=5)


@given(st.sampled_from(WITHOUT_ARGUMENTS) | st.sampled_from(TAKING_FILES), arguments)
@example("report.pipeline.execute", ["out.ipynb", "in.ipynb", "a\nb"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_random_arguments_give_a_one_line_error(nothing_written, monkeypatch, module, given_arguments):
    assume(given_arguments or module in TAKING_FILES)
    assume(given_arguments not in (["results"], ["render"], ["core"]))
    assert refusal(import_module(module).main, given_arguments, monkeypatch).isprintable()


# Result files

WHOLE = json.loads((paths.REPORT / "results.json").read_text())


def without(*keys):
    """Return the results as JSON, without the entry at these keys."""
    content = json.loads(json.dumps(WHOLE))
    node = content
    for key in keys[:-1]:
        node = node[key]
    del node[keys[-1]]
    return json.dumps(content).encode()


RESULTS = {
    "nothing": b"",
    "half of it": json.dumps(WHOLE).encode()[:5000],
    "a page of HTML": b"<!doctype html><title>Please log in</title>",
    "bytes that are not text": b"\x00\xff\xfe\x80",
    "a list": b"[]",
    "a number": b"1",
    "null": b"null",
    "an empty object": b"{}",
    "no provenance": without("provenance"),
    "no versions": without("provenance", "packages"),
    "no checksums": without("provenance", "data"),
    "text as provenance": json.dumps(WHOLE | {"provenance": "yesterday"}).encode(),
    "endless nesting": b"[" * 100_000,
}


@pytest.mark.parametrize("content", RESULTS.values(), ids=RESULTS)
def test_damaged_results_give_an_error_with_the_cure(tmp_path, content):
    file = tmp_path / "results.json"
    file.write_bytes(content)
    cure = r"; run `python -m report\.pipeline results`"
    with pytest.raises(InputError, match=f"^{re.escape(str(file))}: .*{cure}$") as caught:
        results.read(tmp_path / "results.json")
    assert str(caught.value).isprintable()


def places(node, *above):
    """Return the path of keys to a node, and to every node below it."""
    children = node.items() if isinstance(node, dict) else ()
    return [above, *(place for key, child in children for place in places(child, *above, key))]


SHOWN = [("provenance", *place) for place in places(WHOLE["provenance"])]
SHOWN += [("settings", *place) for place in places(WHOLE["settings"]) if len(place) < 3]
any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(SHOWN), any_json)
def test_random_value_in_the_results_is_shown_or_gives_a_one_line_error(folder, place, value):
    results = json.loads(json.dumps({key: WHOLE[key] for key in ("provenance", "settings")}))
    node = results
    for key in place[:-1]:
        node = node[key]
    node[place[-1]] = value
    shown_or_refused(folder, json.dumps(results).encode())


@given(st.binary() | any_json.map(lambda value: json.dumps(value).encode()))
def test_random_bytes_as_results_give_a_one_line_error(folder, content):
    shown_or_refused(folder, content)


def shown_or_refused(folder, content):
    (folder / "results.json").write_bytes(content)
    try:
        content = results.read(folder / "results.json")
    except InputError as error:
        assert str(error).isprintable()
        assert len(str(error)) < 1000
    else:
        provenance.appendix(content)


def test_missing_results_give_an_error_with_the_cure(tmp_path):
    with pytest.raises(InputError, match=r"results\.json: No such file .*; run `python -m report\.pipeline results`"):
        results.read(tmp_path / "results.json")


# Environments: the output of a command must be the same in all of them

ENVIRONMENTS = {
    "an ASCII locale": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "an ASCII terminal": {"PYTHONIOENCODING": "ascii"},
    "no home": {"HOME": ""},
    "a home that does not exist": {"HOME": "/no/such/folder"},
    "text as the number of threads": {"OMP_NUM_THREADS": "many", "OPENBLAS_NUM_THREADS": "many"},
    "zero threads": {"OMP_NUM_THREADS": "0", "OPENBLAS_NUM_THREADS": "0"},
    "a terminal of width zero": {"COLUMNS": "0"},
    "warnings on": {"PYTHONWARNINGS": "default"},
    "optimised bytecode": {"PYTHONOPTIMIZE": "2"},
    "no folder for temporary files": {"TMPDIR": "/no/such/folder"},
}


def doctor(**environment):
    inherited = {name: value for name, value in os.environ.items() if name not in ("PYTHONIOENCODING", "CIFAR10")}
    command = [sys.executable, "-m", "lib.doctor", *DOCTOR.split()]
    done = subprocess.run(command, cwd=paths.ROOT, env=inherited | environment, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    return (
        done.stdout.decode().encode("ascii", "backslashreplace").decode("unicode_escape")
    )  # η may be printed as \u03b7


@pytest.mark.parametrize("environment", ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_unusual_environment_does_not_change_the_output(environment):
    output = doctor(**environment)
    assert "looks right" in output
    assert output == doctor()
