"""`make report` in a copy of the repository, on small made-up data: what it makes, and what it makes anew.

Every test finds the report up to date and leaves it so.
"""

import ast
import os
import re
import shutil
import subprocess
import sys

import nbformat
import numpy as np
import pytest

from lib import paths
from tests.project import HAS_VENV, new_project, new_small_project

SETTING = "eta0.001-lam0.1"
READ_NO_SETTING = {
    "1-data-and-model",
    "2-gradient-check",
    "5-improvements",
    "6-binary-cross-entropy",
    "7-reproduction",
    "8-common-mistakes",
    "9-speed",
}
pytestmark = pytest.mark.skipif(not HAS_VENV, reason="needs the environment that `make` has made")


@pytest.fixture(scope="module")
def project(tmp_path_factory, made_up_batches):
    project = new_project(tmp_path_factory.mktemp("pipeline"), made_up_batches)
    grid = project / "notebooks/sweep.yaml"
    grid.write_text(re.sub("^(eta|lam): .*", r"\1: [0.01, 1e6, 0.001]", grid.read_text(), flags=re.MULTILINE))
    project.first = project.remake()
    return project


def test_the_first_run_runs_every_notebook_and_leaves_the_report(project):
    chapters = {file.stem for file in project.root.glob("notebooks/[1-9]-*.ipynb")} - {"3-setting"}
    settings = {file.stem for file in project.root.glob("notebooks/settings/*.yaml")}
    assert project.first == chapters | {f"3-setting-{name}" for name in settings}
    assert set(project.results()["settings"]) == settings
    assert (project / "report/report.pdf").read_bytes().startswith(b"%PDF")
    assert SETTING in (project / "report/report.html").read_text()


def test_the_figures_are_of_the_data_at_hand(project):
    result = project.results()["settings"]["eta0.1-lam0"]
    assert len(result["history"]["train"]["loss"]) == result["n_epochs"] == 40
    assert result["test"]["accuracy"] > 0.5  # made-up images are easy


def test_the_long_trainings_are_kept_for_the_chapters_that_read_them(project):
    settings = {file.stem for file in project.root.glob("notebooks/settings/*.yaml")}
    kept = {file.stem for file in project.root.glob("data/runs/*.npz")}
    assert settings | {f"spread@{name}@10" for name in settings} | {"replay@course", "replay@trained on test"} <= kept


def test_the_claims_of_the_reference_are_judged_on_the_data_at_hand(project):
    judged = project.results()["reproduction"]["claims"]
    assert len(judged) == 8
    assert {len(figures["test"]) for figures in project.results()["seeds"].values()} == {10}


def test_a_grid_in_any_order_is_drawn_in_order_and_what_diverged_is_a_dash(project):
    grid = project.results()["improvements"]["grid"]
    assert grid["eta"] == grid["lam"] == [0.001, 0.01, 1e6]
    found = np.array(grid["loss"], float)
    assert np.isnan(found[:, 2]).all() and np.isnan(found[:, :, 2]).all()
    assert np.isfinite(found[:, :2, :2]).all()
    assert "A dash: training diverged." in (project / "report/report.html").read_text()


def test_a_dry_run_shows_every_step_and_does_none(tmp_path, made_up_batches):
    project = new_small_project(tmp_path, made_up_batches)
    before = set(project.root.rglob("*"))
    done = project.make("report", "--dry-run")
    assert done.returncode == 0, done.log
    steps = re.findall(r"-m ([\w.]+(?: render| results)?)", done.log)
    assert {
        *("lib.runs.settings", "lib.cifar10", "notebooks.comparison", "report.pipeline.execute"),
        *("report.pipeline results", "report.pipeline render"),
    } <= set(steps)
    made = [path.name for path in set(project.root.rglob("*")) - before]
    assert [name for name in made if name != "__pycache__" and not name.endswith(".pyc")] == [".lock"]


def test_a_second_run_runs_nothing_and_writes_nothing(project):
    project.remake()  # whatever another test has left
    before = project.report()
    assert project.remake() == set()
    assert project.report() == before


@pytest.mark.parametrize(
    ("changed", "rerun"),
    {
        "lib/model.py": "report.pipeline.execute report/notebooks/3-setting-eta0.1-lam0.ipynb",
        "notebooks/comparison/sentences.py": "report.pipeline.execute report/notebooks/4-comparison.ipynb",
        "notebooks/reproduction/conclusions.py": "report.pipeline.execute report/notebooks/7-reproduction.ipynb",
        "lib/runs/seeds.py": "notebooks.comparison",
        "notebooks/reproduction/replay.py": "notebooks.reproduction",
        "notebooks/1-data-and-model.ipynb": "report.pipeline.execute report/notebooks/1-data-and-model.ipynb",
        "notebooks/3-setting.ipynb": "report.pipeline.execute report/notebooks/3-setting-eta0.1-lam0.ipynb",
        "notebooks/7-reproduction.ipynb": "report.pipeline.execute report/notebooks/7-reproduction.ipynb",
        "notebooks/settings/eta0.1-lam0.yaml": "notebooks.comparison",
        "data/reference.yaml": "report.pipeline.execute report/notebooks/2-gradient-check.ipynb",
        "data/cifar10.sha1": "report.pipeline.execute report/notebooks/1-data-and-model.ipynb",
    }.items(),
)
def test_what_a_step_depends_on_runs_it_anew(project, changed, rerun):
    file = project / changed
    before = file.stat()
    file.touch()
    log = project.make("pages", "--dry-run").log
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert f"-m {rerun}" in log


def make_variable(name):
    command = ["make", "--no-print-directory", "--eval", f"print: ; @echo $({name})", "print"]
    return subprocess.run(command, cwd=paths.ROOT, capture_output=True, text=True, check=True).stdout.split()


OURS = ("lib", "report", "notebooks")


def test_a_new_chart_begins_no_training():
    """What draws is no prerequisite of the long trainings; so none of them may read it."""
    for stamp in make_variable("LONG"):
        module = f"notebooks.{stamp.rpartition('.')[2]}.__main__"
        program = f"import sys, {module}; print(*sys.modules)"
        run = subprocess.run(
            [sys.executable, "-c", program], cwd=paths.ROOT, capture_output=True, text=True, check=True
        )
        read = {name for name in run.stdout.split() if name.startswith(OURS)}
        assert "lib.model" in read
        assert not [name for name in read if name.startswith("report") or name.endswith((".charts", ".sentences"))]


def modules_read(code, known=()):
    """The files of our modules that code imports, and those that these import."""
    nodes = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.ImportFrom)]
    nodes = [node for node in nodes if (node.module or "").partition(".")[0] in OURS]
    dotted = {node.module for node in nodes} | {f"{node.module}.{name.name}" for node in nodes for name in node.names}
    files = {path for name in dotted for path in files_of(name)} - set(known)
    for file in files:
        known = {*known, file} | modules_read((paths.ROOT / file).read_text(), {*known, file})
    return set(known)


def files_of(dotted):
    path = dotted.replace(".", "/")
    return [name for name in (f"{path}.py", f"{path}/__init__.py") if (paths.ROOT / name).is_file()]


def test_a_notebook_is_run_again_when_anything_that_it_reads_has_changed():
    said = subprocess.run(["make", "-pn", "pages"], cwd=paths.ROOT, capture_output=True, text=True).stdout
    for target in make_variable("EXECUTED"):
        (needs,) = re.findall(rf"^{re.escape(target)}: (.*)", said, re.MULTILINE)
        (notebook,) = re.findall(r"(?<!report/)notebooks/\S+\.ipynb", needs)
        cells = nbformat.read(paths.ROOT / notebook, 4).cells
        read = modules_read("\n".join(cell.source for cell in cells if cell.cell_type == "code"))
        assert "report/style.py" in read
        assert read <= set(needs.partition(" | ")[0].split()), target


def test_rendering_again_gives_the_same_bytes(project):
    before = project.report_bytes()
    subprocess.run([sys.executable, "-m", "report.pipeline", "render"], cwd=project.root, check=True, timeout=60)
    assert project.report_bytes() == before


# By hand: opened as `make lab` opens them, run from top to bottom, in a clone where nothing has been trained.

CHAPTERS = [file.stem for file in sorted(paths.NOTEBOOKS.glob("[124-9]-*.ipynb"))]
SHOWN = {"eta0.001-lam0.1": {}, "eta0.1-lam0": {"eta = 0.001": "eta = 0.1", "lam = 0.1": "lam = 0"}}


@pytest.fixture(scope="module")
def untrained(project, tmp_path_factory):
    copy = project.copy(tmp_path_factory.mktemp("by-hand"))
    for folder in ("data/runs", "report/notebooks", "report/build", "figures"):
        shutil.rmtree(copy / folder)
    return copy


def shown(notebook):
    """What its cells have put out, in order, but for bars, which tell the time."""
    outputs = [output for cell in nbformat.read(notebook, 4).cells for output in cell.get("outputs", [])]
    data = [output.data for output in outputs if output.output_type == "display_data"]
    return [own for own in data if "application/vnd.jupyter.widget-view+json" not in own]


@pytest.mark.parametrize("name", [*CHAPTERS, *(f"3-setting-{name}" for name in SHOWN)])
def test_a_notebook_run_by_hand_shows_what_the_report_does(project, untrained, name):
    file = untrained / f"notebooks/{name}.ipynb"
    if (setting := name.removeprefix("3-setting-")) in SHOWN:
        text = (untrained / "notebooks/3-setting.ipynb").read_text().replace("playground", setting)
        for old, new in SHOWN[setting].items():
            assert f'"{old}\\n' in text
            text = text.replace(f'"{old}\\n', f'"{new}\\n')
        file.write_text(text)
    (lab,) = [line for line in untrained.make("lab", "--dry-run").log.splitlines() if "jupyter lab" in line]
    by_hand = lab.replace("lab notebooks/explore.ipynb", f"execute --inplace notebooks/{name}.ipynb")
    subprocess.run(by_hand.split(), cwd=untrained.root, env=untrained.environment(), check=True, timeout=400)
    assert shown(file) == shown(project / f"report/notebooks/{name}.ipynb") != []


def flip_a_bit(file):
    content = bytearray(file.read_bytes())
    content[1234] ^= 1
    file.write_bytes(content)


def test_a_lost_data_file_is_replaced_and_nothing_run(project):
    before = project.results()
    (project / "data/cifar10/test_batch.bin").unlink()
    assert project.remake() == set()
    assert (project / "data/cifar10/test_batch.bin").exists()
    assert project.results() == before


def test_settings_that_come_change_and_go_do_so_in_the_report(project):
    before, page = project.results(), (project / "report/report.html").read_text()
    setting = project.setting(SETTING)
    original = setting.read_text()

    project.setting("fifth").write_text("eta: 0.001\nlam: 0.5\n")
    setting.write_text(original.replace("n_epochs: 40", "n_epochs: 2"))
    assert project.remake() == project.notebooks() - READ_NO_SETTING
    after = project.results()["settings"]
    assert {name for name in after if after[name] != before["settings"].get(name)} == {"fifth", SETTING}
    assert "fig-curves-fifth" in (project / "report/report.html").read_text()
    kept = project.times("data/runs/*.npz")

    # Undone, which trains nothing; and what runs every notebook: new plotting code, a lost and a damaged file.
    project.setting("fifth").unlink()
    setting.write_text(original)
    with (project / "report/style.py").open("a") as file:
        file.write("# changed\n")
    (project / "data/cifar10/data_batch_3.bin").unlink()
    flip_a_bit(project / "data/cifar10/data_batch_2.bin")
    assert project.remake() == project.notebooks() - {"3-setting-fifth"}
    assert project.results() == before
    assert (project / "report/report.html").read_text() == page
    for file in project.source.iterdir():
        assert (project / "data/cifar10" / file.name).read_bytes() == file.read_bytes()
    assert project.times("data/runs/*.npz") == kept


def test_a_bad_setting_ends_in_one_line_and_leaves_the_report_alone(project, tmp_path):
    before, setting = project.report(), project.setting(SETTING)
    shutil.copy2(setting, tmp_path)
    setting.write_text("eta: -1\nlam: 0\n")
    done = project.make()
    shutil.copy2(tmp_path / setting.name, setting)  # as it was, time stamp included
    assert done.returncode != 0
    said = [line for line in done.log.splitlines() if line.startswith("error:")]
    assert said == [f"error: notebooks/settings/{SETTING}.yaml: eta = -1: must be greater than 0"]
    assert "Traceback" not in done.log
    assert project.report() == before
    assert project.remake() == set()
