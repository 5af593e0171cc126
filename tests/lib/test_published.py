"""The published accuracies are complete, and ours are compared with them digit by digit."""

import pytest

from lib import paths, published
from lib.assignment import CHAOTIC_ETA
from lib.published import equal_to_the_digit, in_symbols
from lib.runs import settings

REFERENCE = published.read()


@pytest.mark.parametrize(
    ("ours", "published_value", "equal"),
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
def test_only_the_published_digits_are_compared(ours, published_value, equal):
    assert equal_to_the_digit(ours, published_value) is equal


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
def test_names_of_parameters_become_symbols(claim, symbols):
    assert in_symbols(claim) == symbols


def test_claims_of_the_reference_report_contain_no_plain_parameter_names():
    for claim in REFERENCE["reference_report"]["claims"]:
        assert not {"eta", "lam"} & set(in_symbols(claim).replace("$", " ").split()), claim


def test_published_settings_are_our_settings_in_the_same_order():
    ours = [(setting.eta, setting.lam) for setting in settings.read_all()]
    report = REFERENCE["reference_report"]
    assert [(row["eta"], row["lam"]) for row in report["settings"]] == ours
    assert [(row["eta"], row["lam"]) for row in report["later_revision"]["settings"]] == ours


def test_other_reports_have_an_accuracy_for_each_setting():
    reports = {name: values for name, values in REFERENCE["other_reports"].items() if isinstance(values, list)}
    mistaken = reports.pop("with_a_mistake")
    rows = [*reports.values(), *(report["figures"] for report in mistaken)]
    assert {len(accuracies) for accuracies in rows} == {4}
    assert all(10 < accuracy < 50 for accuracies in rows for accuracy in accuracies)


def test_only_the_first_published_setting_is_chaotic():
    etas = [row["eta"] for row in REFERENCE["reference_report"]["settings"]]
    assert [eta >= CHAOTIC_ETA for eta in etas] == [True, False, False, False]


def test_file_is_read_from_the_data_folder(tmp_path, monkeypatch):
    (tmp_path / "reference.yaml").write_text("a: 1e-3\n")
    monkeypatch.setattr(paths, "DATA", tmp_path)
    assert published.read() == {"a": 0.001}
