"""The whole report with settings that diverge, on small made-up data: the report names them and compares the others."""

import re

import pytest

from tests.project import HAS_VENV, new_small_project

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(not HAS_VENV, reason="needs the environment that `make` has made"),
]
# The cost of the first setting grows without bound; the cost of the second soon becomes NaN.
DIVERGING = {"eta10-lam0.1": "eta: 10\nlam: 0.1\n", "eta1e6-lam1": "eta: 1e6\nlam: 1\n"}


@pytest.fixture(scope="module")
def project(tmp_path_factory, made_up_batches):
    project = new_small_project(tmp_path_factory.mktemp("divergence"), made_up_batches)
    for name, content in DIVERGING.items():
        project.setting(name).write_text(content)
    return project


def check(project, settings):
    """Run `make report` and check that tables, figures, sentences and results say which settings diverge."""
    done = project.make()
    assert done.returncode == 0, done.log
    executed = [file.read_text() for file in project.root.glob("report/notebooks/*.ipynb")]
    assert "Warning" not in "".join([done.log, *executed])
    results, page = project.results()["settings"], (project / "report/report.html").read_text()
    assert set(results) == settings
    assert {name: results[name]["diverged"] for name in DIVERGING} == dict.fromkeys(DIVERGING, 1)
    main = page[page.index('id="tab-main"') :].partition("</table>")[0]
    assert [row.count(">–</td>") for row in main.split("<tr>") if "diverged in epoch 1" in row] == [5] * len(DIVERGING)
    for name in DIVERGING:
        figure = page[page.index(f'id="fig-curves-{name}"') :].partition("</figure>")[0]
        assert "diverged in epoch 1" in figure
    assert page.count("diverged in epoch 1</strong>") == 2 * len(DIVERGING)  # in its section and in the comparison
    for file in project.root.glob("figures/*.svg"):
        assert not re.search(r"\b(nan|inf)\b", file.read_text(), re.IGNORECASE), file.name


def test_report_names_settings_that_diverge_and_compares_the_others(project):
    check(project, {"eta0.1-lam0", "eta0.001-lam0.1", *DIVERGING})
    assert project.results()["comparison"]["best"]["setting"] in ("eta0.1-lam0", "eta0.001-lam0.1")


def test_report_says_so_if_every_setting_diverges(project):
    for name in ("eta0.1-lam0", "eta0.001-lam0.1"):
        project.setting(name).unlink()
    check(project, set(DIVERGING))
    assert "every setting diverged" in (project / "report/report.html").read_text()
