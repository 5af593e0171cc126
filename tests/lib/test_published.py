"""What others have published: readable, whole, and compared to the digit."""

import pytest

from lib import paths, published
from lib.assignment import CHAOTIC_ETA
from lib.published import equal_to_the_digit, in_symbols
from lib.runs import settings

REFERENCE = published.read()


@pytest.mark.parametrize(
    ("ours", "figure", "equal"),
    [
        (45.174, 45.17, True),
        (45.166, 45.17, True),
        (45.16, 45.17, False),
        (45.18, 45.17, False),
        (30.004, 30.0, True),
        (30.06, 30.0, False),
        (1.9722453, 1.972, True),
        (1.9725453, 1.972, False),
        (1.9736981, 1.9737, True),
        (39.129999999999995, 39.13, True),
        (37.4, 37, True),
    ],
)
def test_figures_are_compared_to_as_many_digits_as_are_published(ours, figure, equal):
    assert equal_to_the_digit(ours, figure) is equal


@pytest.mark.parametrize(
    ("claim", "symbols"),
    {
        "eta = .1, lam = 0: noisy": r"$\eta = 0.1$, $\lambda = 0$: noisy",
        "lam = 1: the smoothest": r"$\lambda = 1$: the smoothest",
        "less than lam = 0": r"less than $\lambda = 0$",
        "it ends with lam = .1.": r"it ends with $\lambda = 0.1$.",
        "beta = 1 and no lamb = 2": "beta = 1 and no lamb = 2",
        "more regularisation": "more regularisation",
    }.items(),
)
def test_the_names_of_parameters_become_symbols(claim, symbols):
    assert in_symbols(claim) == symbols


def test_no_name_of_a_parameter_is_left_in_a_claim():
    for claim in REFERENCE["reference_report"]["claims"]:
        assert not {"eta", "lam"} & set(in_symbols(claim).replace("$", " ").split()), claim


def test_the_published_settings_are_those_of_the_report_in_its_order():
    ours = [(setting.eta, setting.lam) for setting in settings.read_all()]
    report = REFERENCE["reference_report"]
    assert [(row["eta"], row["lam"]) for row in report["settings"]] == ours
    assert [(row["eta"], row["lam"]) for row in report["later_revision"]["settings"]] == ours


def test_others_have_published_a_figure_for_each_setting():
    reports = {name: figures for name, figures in REFERENCE["other_reports"].items() if isinstance(figures, list)}
    mistaken = reports.pop("with_a_mistake")
    rows = [*reports.values(), *(report["figures"] for report in mistaken)]
    assert {len(figures) for figures in rows} == {4}
    assert all(10 < figure < 50 for figures in rows for figure in figures)


def test_one_published_setting_alone_is_chaotic():
    etas = [row["eta"] for row in REFERENCE["reference_report"]["settings"]]
    assert [eta >= CHAOTIC_ETA for eta in etas] == [True, False, False, False]


def test_the_file_is_read_from_the_data_folder(tmp_path, monkeypatch):
    (tmp_path / "reference.yaml").write_text("a: 1e-3\n")
    monkeypatch.setattr(paths, "DATA", tmp_path)
    assert published.read() == {"a": 0.001}
