"""`make report` in a copy of the repository, on small made-up data: the files it makes, and the steps it repeats.

Every test starts with an up-to-date report and leaves one.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest

from lib import paths
from tests.project import HAS_VENV, copy_repository, new_project, new_small_project

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
pytestmark = pytest.mark.skipif(not HAS_VENV, reason="needs the environment that `make` creates")


@pytest.fixture(scope="module")
def project(tmp_path_factory, made_up_batches):
    project = new_project(tmp_path_factory.mktemp("pipeline"), made_up_batches)
    grid = project / "notebooks/sweep.yaml"
    grid.write_text(re.sub("^(eta|lam): .*", r"\1: [0.01, 1e6, 0.001]", grid.read_text(), flags=re.MULTILINE))
    project.first = project.remake()
    return project


def test_first_run_executes_every_notebook_and_writes_the_report(project):
    chapters = {file.stem for file in project.root.glob("notebooks/[1-9]-*.ipynb")} - {"3-setting"}
    settings = {file.stem for file in project.root.glob("notebooks/settings/*.yaml")}
    assert project.first == chapters | {f"3-setting-{name}" for name in settings}
    assert set(project.results()["settings"]) == settings
    assert (project / "report/report.pdf").read_bytes().startswith(b"%PDF")
    assert SETTING in (project / "report/report.html").read_text()


def test_results_are_computed_from_the_made_up_data_of_the_project(project):
    result = project.results()["settings"]["eta0.1-lam0"]
    assert len(result["history"]["train"]["loss"]) == result["n_epochs"] == 40
    assert result["test"]["accuracy"] > 0.5  # made-up images are easy


def test_long_trainings_are_cached_for_the_chapters_that_read_them(project):
    settings = {file.stem for file in project.root.glob("notebooks/settings/*.yaml")}
    cached = {file.stem.rpartition("@")[0] for file in project.root.glob("data/runs/*.npz")}  # NAME@HASH
    assert settings | {f"spread@{name}@10" for name in settings} | {"replay@course", "replay@trained on test"} <= cached


def test_claims_of_the_reference_are_judged_by_ten_seeds(project):
    judged = project.results()["reproduction"]["claims"]
    assert len(judged) == 8
    assert {len(figures["test"]) for figures in project.results()["seeds"].values()} == {10}


def test_unsorted_grid_is_drawn_sorted_with_a_dash_for_divergence(project):
    grid = project.results()["improvements"]["grid"]
    assert grid["eta"] == grid["lam"] == [0.001, 0.01, 1e6]
    loss = np.array(grid["loss"], float)
    assert np.isnan(loss[:, 2]).all() and np.isnan(loss[:, :, 2]).all()
    assert np.isfinite(loss[:, :2, :2]).all()
    assert "A dash: training diverged." in (project / "report/report.html").read_text()


def test_dry_run_lists_every_step_and_runs_nothing(tmp_path, made_up_batches):
    project = new_small_project(tmp_path, made_up_batches)
    before = set(project.root.rglob("*"))
    done = project.make("report", "--dry-run")
    assert done.returncode == 0, done.log
    steps = re.findall(r"-m ([\w.]+(?: render| results)?)", done.log)
    assert {
        *("lib.runs", "lib.fetch", "notebooks.comparison", "report.pipeline.execute"),
        *("report.pipeline results", "report.pipeline render"),
    } <= set(steps)
    new = [path.name for path in set(project.root.rglob("*")) - before]
    assert [name for name in new if name != "__pycache__" and not name.endswith(".pyc")] == [".lock"]


def test_second_run_without_a_change_runs_and_writes_nothing(project):
    project.remake()  # another test may have changed a file
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
def test_changed_file_runs_the_steps_that_depend_on_it(project, changed, rerun):
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


def test_long_trainings_import_no_module_that_draws_or_writes():
    """A changed chart starts no training, since charts are not prerequisites. So trainings must not import charts."""
    for stamp in make_variable("LONG"):
        command = paths.NOTEBOOKS / stamp.rpartition(".")[2] / "__main__.py"
        imported = imported_files(command.read_text())
        assert "lib/model.py" in imported
        assert not [name for name in imported if re.match("report/|.*/(charts|sentences).py", name)]


def imported_files(code, known=()):
    """Return the files of our modules that the code imports, directly or indirectly."""
    nodes = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.ImportFrom)]
    nodes = [node for node in nodes if (node.module or "").partition(".")[0] in OURS]
    dotted = {node.module for node in nodes} | {f"{node.module}.{name.name}" for node in nodes for name in node.names}
    files = {path for name in dotted for path in files_of(name)} - set(known)
    for file in files:
        known = {*known, file} | imported_files((paths.ROOT / file).read_text(), {*known, file})
    return set(known)


def files_of(dotted):
    path = dotted.replace(".", "/")
    return [name for name in (f"{path}.py", f"{path}/__init__.py") if (paths.ROOT / name).is_file()]


def test_core_runs_the_first_four_chapters_and_the_trainings_that_they_read():
    command = ["make", "--no-print-directory", "--dry-run", "core-pages"]
    done = subprocess.run(command, cwd=paths.ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert set(re.findall(r"-m (notebooks\.\w+)", done.stdout)) == {"notebooks.comparison"}
    assert set(re.findall(r" notebooks/(\d)-\S+\.ipynb", done.stdout)) == set("1234")
    assert "-m report.pipeline core" in done.stdout


def prerequisites(root=paths.ROOT):
    """Return what each target of the Makefile depends on, directly or through other targets, as make prints it."""
    database = subprocess.run(["make", "-pn", "pages"], cwd=root, capture_output=True, text=True).stdout
    direct = {}
    for target, needs in re.findall(r"^([^#\s:=][^:=\n]*):(?!=) ?(.*)$", database, re.MULTILINE):
        direct.setdefault(target, set()).update(needs.partition("|")[0].split())

    def closure(target):
        return direct.get(target, set()) | {file for each in direct.get(target, ()) for file in closure(each)}

    return {target: closure(target) for target in direct}


def test_every_module_that_a_notebook_imports_is_its_prerequisite():
    needs = prerequisites()
    for target in make_variable("EXECUTED"):
        stem = "3-setting" if "3-setting" in target else Path(target).stem
        notebook = f"notebooks/{stem}.ipynb"
        assert notebook in needs[target]
        cells = nbformat.read(paths.ROOT / notebook, 4).cells
        imported = imported_files("\n".join(cell.source for cell in cells if cell.cell_type == "code"))
        assert "report/style.py" in imported
        assert imported <= needs[target], target


def made_from(needs, file):
    """Return the notebooks, long trainings and pages that depend on a file. The HTML page stands for the PDF, too."""
    targets = [target for target, files in needs.items() if file in files and "%" not in target]
    return {Path(target).name for target in targets if target.startswith("report/")}


PAGES = {"results.json", "report.html"}


def test_changed_chart_runs_only_the_notebook_of_its_chapter():
    assert made_from(prerequisites(), "notebooks/improvements/charts.py") == PAGES | {"5-improvements.ipynb"}


def test_changed_pipeline_renders_the_report_and_runs_no_notebook():
    assert made_from(prerequisites(), "report/pipeline/html.py") == PAGES
    assert made_from(prerequisites(), "report/template/report.css") == PAGES - {"results.json"}


def test_changed_module_of_lib_runs_every_notebook_and_training():
    needs = prerequisites()
    everything = {Path(target).name for target in make_variable("EXECUTED") + make_variable("LONG")}
    assert everything | PAGES == made_from(needs, "lib/model.py") == made_from(needs, "lib/runs/cache.py")


def test_new_chapter_and_new_module_need_no_change_of_the_makefile(tmp_path):
    copy_repository(tmp_path)
    (tmp_path / "notebooks/9-new-chapter.ipynb").touch()
    (tmp_path / "notebooks/new_chapter").mkdir()
    for module in ("notebooks/new_chapter/__main__", "notebooks/new_chapter/charts", "lib/new", "report/new"):
        (tmp_path / f"{module}.py").touch()
    needs = prerequisites(tmp_path)
    chapter = {"9-new-chapter.ipynb"}
    assert made_from(needs, "notebooks/new_chapter/charts.py") == PAGES | chapter
    assert made_from(needs, "notebooks/new_chapter/__main__.py") == PAGES | chapter | {".new_chapter"}
    assert chapter < made_from(needs, "report/new.py") < made_from(needs, "lib/new.py")


def test_rendering_again_gives_identical_bytes(project):
    before = project.report_bytes()
    subprocess.run([sys.executable, "-m", "report.pipeline", "render"], cwd=project.root, check=True, timeout=60)
    assert project.report_bytes() == before


# Notebooks that are run by hand, with the command of `make lab`, in a copy with an empty cache.

CHAPTERS = [file.stem for file in sorted(paths.NOTEBOOKS.glob("[124-9]-*.ipynb"))]
EDITS = {"eta0.001-lam0.1": {}, "eta0.1-lam0": {"eta = 0.001": "eta = 0.1", "lam = 0.1": "lam = 0"}}


@pytest.fixture(scope="module")
def untrained(project, tmp_path_factory):
    copy = project.copy(tmp_path_factory.mktemp("by-hand"))
    for folder in ("data/runs", "report/notebooks", "report/build", "figures"):
        shutil.rmtree(copy / folder)
    return copy


def displayed(notebook):
    """Return the displayed outputs of the cells, in order, without progress bars, which show the time."""
    outputs = [output for cell in nbformat.read(notebook, 4).cells for output in cell.get("outputs", [])]
    bundles = [output.data for output in outputs if output.output_type == "display_data"]
    return [bundle for bundle in bundles if "application/vnd.jupyter.widget-view+json" not in bundle]


@pytest.mark.parametrize("name", [*CHAPTERS, *(f"3-setting-{name}" for name in EDITS)])
def test_notebook_run_by_hand_displays_the_same_as_in_the_report(project, untrained, name):
    file = untrained / f"notebooks/{name}.ipynb"
    if (setting := name.removeprefix("3-setting-")) in EDITS:
        text = (untrained / "notebooks/3-setting.ipynb").read_text().replace("playground", setting)
        for old, new in EDITS[setting].items():
            assert f'"{old}\\n' in text
            text = text.replace(f'"{old}\\n', f'"{new}\\n')
        file.write_text(text)
    (lab,) = [line for line in untrained.make("lab", "--dry-run").log.splitlines() if "jupyter lab" in line]
    by_hand = lab.replace("lab notebooks/explore.ipynb", f"execute --inplace notebooks/{name}.ipynb")
    subprocess.run(by_hand.split(), cwd=untrained.root, env=untrained.environment(), check=True, timeout=400)
    assert displayed(file) == displayed(project / f"report/notebooks/{name}.ipynb") != []


def flip_a_bit(file):
    content = bytearray(file.read_bytes())
    content[1234] ^= 1
    file.write_bytes(content)


def test_deleted_data_file_is_restored_and_no_notebook_runs(project):
    before = project.results()
    (project / "data/cifar10/test_batch.bin").unlink()
    assert project.remake() == set()
    assert (project / "data/cifar10/test_batch.bin").exists()
    assert project.results() == before


def test_added_and_changed_settings_appear_and_undoing_them_trains_nothing(project):
    before, page = project.results(), (project / "report/report.html").read_text()
    setting = project.setting(SETTING)
    original = setting.read_text()

    project.setting("fifth").write_text("eta: 0.001\nlam: 0.5\n")
    setting.write_text(original.replace("n_epochs: 40", "n_epochs: 2"))
    assert project.remake() == project.notebooks() - READ_NO_SETTING
    after = project.results()["settings"]
    assert {name for name in after if after[name] != before["settings"].get(name)} == {"fifth", SETTING}
    assert "fig-curves-fifth" in (project / "report/report.html").read_text()
    cached = project.times("data/runs/*.npz")

    # Undo both changes, which trains nothing. Changed plotting code runs every notebook; two data files are repaired.
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
    assert project.times("data/runs/*.npz") == cached


def test_invalid_setting_gives_a_one_line_error_and_leaves_the_report_unchanged(project, tmp_path):
    before, setting = project.report(), project.setting(SETTING)
    shutil.copy2(setting, tmp_path)
    setting.write_text("eta: -1\nlam: 0\n")
    done = project.make()
    shutil.copy2(tmp_path / setting.name, setting)  # the original, with its time stamp
    assert done.returncode != 0
    errors = [line for line in done.log.splitlines() if line.startswith("error:")]
    assert errors == [f"error: notebooks/settings/{SETTING}.yaml: eta = -1: must be greater than 0"]
    assert "Traceback" not in done.log
    assert project.report() == before
    assert project.remake() == set()
