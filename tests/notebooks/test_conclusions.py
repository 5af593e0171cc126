"""The verdicts on the reference's eight claims: made-up runs let each claim hold, fail, or stay undecided."""

from dataclasses import replace

import numpy as np
import pytest

from lib import published
from notebooks.reproduction.conclusions import (
    FAILS,
    HOLDS,
    OPEN,
    all_of,
    first_apart,
    judge_all,
    judge_seeds,
    judge_test,
)
from notebooks.reproduction.reference import Case

CLAIMS = published.read()["reference_report"]["claims"]
Y = np.arange(10).repeat(20)
DIVERGES, SMOOTHER, SMALL_GAP, LESS_OVERFITTING, CHEAP_AND_CLEAN, UNDERFITS, LAM_0_BEST, TOO_MUCH = range(8)
SETTINGS = [("large", 0.1, 0.0), ("plain", 0.001, 0.0), ("mild", 0.001, 0.1), ("strong", 0.001, 1.0)]

# Values for which every claim except the last holds, in the order large, plain, mild, strong.
RIGHT_OF_20 = [2, 18, 10, 4]  # correctly classified test images of the 20 of each class
SMOOTHNESS = [0.0, 0.2, 0.4, 0.9]
GAPS = [0.15, 0.01, 0.005, 0.001]
JITTER = np.array([-2, 1, 0, 2, -1]) * 1e-4  # differences between seeds


@pytest.fixture
def verdicts(make_run):
    """Return a function that judges the four settings, with some values changed, and returns the verdicts."""

    def judge(right=RIGHT_OF_20, smooth=SMOOTHNESS, gaps=GAPS, learnt=(0.4, 0.1), cost=(3, 2, 1), jitter=1):
        cases = [
            case_of(make_run(name, eta=eta, lam=lam, cost=cost), count, gap, value, jitter * (m + 1))
            for m, ((name, eta, lam), count, gap, value) in enumerate(zip(SETTINGS, right, gaps, smooth, strict=True))
        ]
        cases[0].run.history["train"]["accuracy"] = np.array(learnt)
        return [verdict.verdict for verdict in judge_all(CLAIMS, cases, Y)]

    return judge


def case_of(run, count, gap=0.1, smooth=0.5, jitter=1):
    """Make a case: a network that classifies the first `count` of the twenty test images of each class correctly."""
    rank = np.tile(np.arange(20), 10)
    scores = np.eye(10)[np.where(rank < count, Y, (Y + 1) % 10)]
    run = replace(run, test_scores=scores, test={"loss": 1.0, "accuracy": count / 20})
    val = 0.3 + 0 * JITTER
    train, test = val + gap + jitter * JITTER, count / 20 + JITTER
    seeds = {"train": train, "val": val, "test": test, "smoothness": smooth + JITTER}
    return Case(run, seeds, columns={}, revised=0, mistaken=val, held_out=val)


def test_every_claim_can_hold_but_the_last_two_contradict_each_other(verdicts):
    """The last says that lam = 0.1 is better than lam = 0. The one before says that lam = 0 is the best."""
    expected = [HOLDS] * 7 + [FAILS]
    assert verdicts() == expected
    assert verdicts(right=[2, 10, 18, 4])[TOO_MUCH] == HOLDS


@pytest.mark.parametrize(
    ("claim", "verdict", "changed"),
    [
        (DIVERGES, FAILS, {"learnt": (0.27, 0.39)}),
        (DIVERGES, HOLDS, {"learnt": (0.27, 0.1)}),
        (SMOOTHER, FAILS, {"smooth": [0.3, 0.2, 0.4, 0.9]}),
        (SMOOTHER, FAILS, {"cost": (3, 5, 1)}),
        (SMALL_GAP, FAILS, {"gaps": [0.15, 0.07, 0.06, 0.03]}),
        (SMALL_GAP, HOLDS, {"gaps": [0.15, 0.019, 0.06, 0.03]}),
        (LESS_OVERFITTING, FAILS, {"gaps": [0.15, 0.01, 0.02, 0.001]}),
        (LESS_OVERFITTING, OPEN, {"gaps": [0.15, 0.01, 0.01, 0.001]}),
        (LESS_OVERFITTING, OPEN, {"jitter": 100}),
        (CHEAP_AND_CLEAN, FAILS, {"right": [2, 10, 18, 4]}),
        (CHEAP_AND_CLEAN, OPEN, {"right": [2, 18, 18, 4]}),
        (CHEAP_AND_CLEAN, FAILS, {"smooth": [0.0, 0.5, 0.4, 0.9]}),
        (CHEAP_AND_CLEAN, FAILS, {"right": [2, 18, 18, 4], "smooth": [0.0, 0.5, 0.4, 0.9]}),
        (UNDERFITS, FAILS, {"right": [2, 18, 4, 10]}),
        (UNDERFITS, OPEN, {"right": [2, 18, 4, 4]}),
        (UNDERFITS, FAILS, {"smooth": [0.0, 0.2, 0.4, 0.3]}),
        (UNDERFITS, FAILS, {"gaps": [0.15, 0.01, 0.005, 0.006]}),
        (LAM_0_BEST, FAILS, {"right": [2, 10, 18, 4]}),
        (LAM_0_BEST, FAILS, {"right": [19, 10, 4, 4]}),
        (LAM_0_BEST, OPEN, {"right": [2, 18, 18, 4]}),
        (TOO_MUCH, HOLDS, {"right": [2, 10, 18, 4]}),
        (TOO_MUCH, OPEN, {"right": [2, 18, 18, 4]}),
        (TOO_MUCH, OPEN, {"right": [2, 10, 18, 18]}),
        (TOO_MUCH, FAILS, {"right": [2, 4, 10, 18]}),
        (TOO_MUCH, OPEN, {"right": [2, 10, 18, 4], "gaps": [0.15, 0.01, 0.01, 0.001]}),
        (TOO_MUCH, FAILS, {"right": [2, 10, 18, 18], "gaps": [0.15, 0.01, 0.02, 0.001]}),
    ],
)
def test_changed_values_give_the_expected_verdict_on_a_claim(verdicts, claim, verdict, changed):
    assert verdicts(**changed)[claim] == verdict


@pytest.fixture
def cases(make_run):
    return [case_of(make_run(name, eta=eta, lam=lam), 5) for name, eta, lam in SETTINGS]


def test_each_verdict_contains_the_text_of_its_claim_and_a_number(cases):
    judged = judge_all(CLAIMS, cases, Y)
    assert [verdict.claim for verdict in judged] == CLAIMS
    assert all(any(character.isdigit() for character in verdict.number) for verdict in judged)


def test_ninth_claim_raises_a_value_error(cases):
    with pytest.raises(ValueError, match="zip"):
        judge_all([*CLAIMS, "a ninth"], cases, Y)


@pytest.mark.parametrize(
    ("first", "second", "verdict"),
    [(18, 4, HOLDS), (4, 18, FAILS), (10, 10, OPEN)],
    ids=["better", "worse", "the same answers"],
)
def test_judge_test_compares_the_images_that_only_one_setting_classifies_correctly(make_run, first, second, verdict):
    judged, figures = judge_test(case_of(make_run("a"), first), case_of(make_run("b", lam=0.1), second), Y)
    assert judged == verdict
    assert f"{5 * first:.2f}\u00a0% and {5 * second:.2f}\u00a0% on test" in figures
    assert f"over seeds {5 * first:.2f} ± 0.02 and {5 * second:.2f} ± 0.02" in figures


def test_judge_seeds_decides_by_the_mean_difference_over_the_seeds():
    values = np.array([0.3, 0.32, 0.31])
    assert judge_seeds(values + 0.1, values + JITTER[:3]) == (HOLDS, "10.00 ± 0.02 points ($p < 0.001$)")
    assert judge_seeds(values, values + 0.1 + JITTER[:3])[0] == FAILS
    assert judge_seeds(values, values[::-1])[0] == OPEN


@pytest.mark.parametrize(
    ("parts", "whole"),
    [([HOLDS], HOLDS), ([HOLDS, OPEN], OPEN), ([HOLDS, OPEN, FAILS], FAILS), ([OPEN, OPEN], OPEN), ([FAILS], FAILS)],
)
def test_claim_fails_if_a_part_fails_and_is_open_if_a_part_is_open(parts, whole):
    assert all_of(*parts) == all_of(*parts[::-1]) == whole


@pytest.mark.parametrize(
    ("first", "second", "epoch"),
    [
        ([0.1, 0.2, 0.3], [0.1, 0.2, 0.3], 0),
        ([0.1, 0.2, 0.3], [0.1, 0.205, 0.32], 3),
        ([0.1, 0.2, 0.3], [0.2, 0.2, 0.3], 1),
        ([0.5, 0.5, 0.5], [0.5, 0.3, 0.5], 2),
    ],
)
def test_first_apart_counts_epochs_from_1_and_returns_0_if_no_epoch_differs(first, second, epoch):
    assert first_apart(np.array(first), np.array(second)) == first_apart(np.array(second), np.array(first)) == epoch


def test_first_apart_uses_the_given_distance():
    assert first_apart(np.array([0.1, 0.2]), np.array([0.15, 0.4]), by=0.1) == 2
