"""The sentences of chapter 6, from made-up results for which each finding holds and does not hold."""

from dataclasses import replace

import numpy as np
import pytest

from notebooks.binary_cross_entropy import sentences
from report.words import Finding

SEEDS = np.array([-1, 0, 1]) / 1000
RISES = {"softmax": 0.01, "bce": 0.002}
Y = np.array([0, 1, 1, 0])


def say(text):
    return " ".join(map(str, text))


def holds(text):
    return [sentence.holds for sentence in text if isinstance(sentence, Finding)]


def test_gradient_table_has_a_row_of_errors_for_each_case():
    errors = {"torch": (1e-12, 2e-12), "numerical": (3e-6, 4e-6)}
    header, ((d, lam, *rest),), *_ = sentences.gradient_table({(10, 0.1): errors})
    assert (d, lam, len(header)) == ("10", "0.1", 6)
    assert rest == [f"${factor}.00 \\times 10^{{{power}}}$" for factor, power in [(1, -12), (2, -12), (3, -6), (4, -6)]]


@pytest.mark.parametrize(("bce", "larger", "times"), [(0.01, True, "10 times"), (0.001, False, "1 times")])
def test_finding_holds_if_the_sigmoids_best_eta_is_larger(bce, larger, times):
    text = sentences.on_eta({"softmax": 0.001, "bce": bce})
    assert holds(text) == [larger]
    assert f"$\\eta = {bce:g}$ for the sigmoids" in say(text) and times in say(text)


@pytest.mark.parametrize(
    ("softmax", "bce", "said"),
    [
        (0.05 + SEEDS, 0.09 + 2 * SEEDS, "the network with ten sigmoids overfits more: 5.00 ± 0.10 points"),
        (0.09 + SEEDS, 0.05 + 2 * SEEDS, "the network with softmax overfits more: 9.00 ± 0.10 points"),
        (0.05 + SEEDS, 0.05 - SEEDS, "neither overfits more than the other: 5.00 ± 0.10 points"),
    ],
)
def test_loss_with_the_larger_gap_overfits_more_unless_the_gaps_could_differ_by_chance(softmax, bce, said):
    text = sentences.on_overfitting({"softmax": softmax, "bce": bce}, 0.5)
    assert holds(text) == ["neither" not in said]
    assert said in say(text)
    assert "$p = 0.5$ for the difference" in say(text)


def test_losses_table_has_a_column_for_each_loss():
    measures = {"softmax": dict.fromkeys(["train", "val", "test"], 0.4 + SEEDS), "bce": {"train": 0.5 + SEEDS}}
    measures["bce"] |= {"val": 0.3 + SEEDS, "test": 0.2 + SEEDS}
    leads = {"softmax": SEEDS, "bce": 0.2 + 0 * SEEDS}
    header, rows, *_ = sentences.losses_table({"softmax": 0.001, "bce": 0.01}, measures, leads, RISES)
    assert header == ["", "softmax", "ten sigmoids"]
    assert [row[1:] for row in rows] == [
        ["0.001", "0.01"],
        ["40.00 ± 0.10", "50.00 ± 0.10"],
        ["40.00 ± 0.10", "30.00 ± 0.10"],
        ["40.00 ± 0.10", "20.00 ± 0.10"],
        ["0.00 ± 0.10", "20.00 ± 0.00"],
        ["1.0\u00a0%", "0.2\u00a0%"],
    ]


def test_alt_text_gives_the_final_losses(make_run):
    alt = sentences.losses_caption({"softmax": make_run(cost=(6, 4)), "bce": make_run(cost=(2, 1))})[2]
    assert "softmax 2.000 and 2.000; ten sigmoids 0.500 and 0.500." in alt


@pytest.mark.parametrize(("rise", "little"), [(0.03, True), (0.08, False)])
@pytest.mark.parametrize(("last", "learns"), [(0.4, True), (0.6, False), (0.3, False)])
def test_findings_on_losses_depend_on_the_rise_and_on_the_last_loss(rise, little, last, learns):
    """A network that gives each class the probability 0.1 has the loss 0.325."""
    text = sentences.on_losses(RISES | {"softmax": rise}, np.array([0.5] * 5 + [last]))
    assert holds(text) == [little, learns]
    assert f"{100 * rise:.1f}\u00a0% with softmax and by 0.2\u00a0% with the sigmoids" in say(text)
    assert f"{last:.3f}" in say(text) and "0.325" in say(text)


@pytest.mark.parametrize(
    ("accuracy", "interval", "said"),
    [
        (0.45, (0.44, 0.46), "ours is above it."),
        (0.42, (0.41, 0.43), "ours is above it, but not outside the interval."),
        (0.40, (0.39, 0.41), "ours does not reach it."),
    ],
)
def test_improved_network_is_compared_with_the_best_other_report(make_run, accuracy, interval, said):
    best = {"softmax": make_run(), "bce": replace(make_run(eta=0.1), test={"accuracy": accuracy})}
    text = sentences.on_improved(32, best, interval, np.arange(7))
    assert holds(text) == ["above" in said]
    assert said in say(text)
    assert "Of 32 settings, the validation loss chooses $\\eta = 0.1$ and $\\lambda = 0$. Trained for 40 epochs" in say(
        text
    )
    assert f"**{100 * accuracy:.2f}\u00a0% of the test images**" in say(text)
    assert "softmax names 40.00\u00a0%" in say(text) and "$p = 1$" in say(text)


P = np.array([[0.6, 0.1], [0.2, 0.4], [0.5, 0.3], [0.8, 0.1]])  # only the third answer is wrong


def test_medians_are_computed_separately_for_right_and_wrong_answers():
    assert sentences.medians(P, Y) == (0.6, 0.3)
    both = {"softmax": P, "bce": P[:, ::-1]}
    assert sentences.histograms_caption(both, Y)[2].endswith("softmax 0.60 and 0.30; ten sigmoids 0.50 and 0.10.")
    text = say(sentences.on_probabilities(both, Y))
    assert "With softmax, the true class has a median probability of 0.60 where the answer is right and 0.30" in text
    assert "sum to 0.75 on average, and for 25\u00a0% of the images none of them says yes" in text


@pytest.mark.parametrize(("factor", "modest"), [(1, True), (1.5, False)])
def test_sigmoids_are_underconfident_if_accuracy_exceeds_mean_confidence(factor, modest):
    text = sentences.on_calibration({"softmax": 0.02, "ten sigmoids": 0.2, "sigmoids, normed": 0.01}, factor * P, Y)
    assert holds(text) == [modest]
    assert f"mean confidence of {57.5 * factor:.1f}\u00a0%, and 75.0\u00a0% are right" in say(text)
    assert "2.0\u00a0% for softmax, 20.0\u00a0% for the sigmoids as they are, and 1.0\u00a0% if" in say(text)
    assert "best calibrated is “sigmoids, normed”" in say(text)
    assert sentences.reliability_caption({"a": 0.1, "b": 0.2})[2].endswith("errors: a 0.100, b 0.200.")
