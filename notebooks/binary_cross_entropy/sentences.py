"""Sentences, tables and captions that compare ten sigmoids with softmax. Mappings by loss have the keys of NAMES."""

from collections.abc import Mapping

import numpy as np

from lib import published
from lib.runs.cache import Arrays
from lib.runs.run import Run
from lib.stats import SIGNIFICANT, paired_p
from notebooks.binary_cross_entropy.best_eta import SEEDS
from report.words import Caption, Finding, Sentences, Table, mean_and_sd, p_value, percent, scientific

NAMES = {"softmax": "softmax", "bce": "ten sigmoids"}
LITTLE = 0.05  # a smaller rise of the validation loss, as a fraction of its minimum, counts as little
Values = Mapping[str, float]
Checks = Mapping[tuple[int, float], Mapping[str, tuple[float, float]]]  # `gradcheck.check` for each d and lam


def gradient_table(checks: Checks) -> Table:
    header = ["$d$", "$\\lambda$", *(f"{by}, ${p}$" for by in ("PyTorch", "differences") for p in ("W", "\\mathbf{b}"))]
    rows = [
        [f"{d}", f"{lam:g}", *map(scientific, (*errors["torch"], *errors["numerical"]))]
        for (d, lam), errors in checks.items()
    ]
    caption = "Maximal relative error of the gradient of the binary cross-entropy on 3 images."
    return header, rows, "tab-bce-gradient", caption


def on_eta(etas: Values) -> Sentences:
    """Return sentences on the eta that validation chooses for each loss."""
    factor = etas["bce"] / etas["softmax"]
    yes = "The factor $1/K$ of [Equation](#eq-bce-gradient) shows."
    no = "The factor $1/K$ of [Equation](#eq-bce-gradient) does not show in this choice."
    return [
        f"Validation chooses $\\eta = {etas['softmax']:g}$ for softmax and $\\eta = {etas['bce']:g}$ for the sigmoids ([Figure](#fig-bce-eta)): {factor:.0f} times as much.",
        Finding("bce/needs a larger eta", factor > 1, yes, no),
        "At either end of the range, training is too slow or oscillates.",
    ]


def on_overfitting(leads: Arrays, p_test: float) -> Sentences:
    """Return sentences on overfitting, measured by training minus validation accuracy: `leads[loss]`, (n_seeds,)."""
    p = paired_p(leads["bce"], leads["softmax"])
    more = NAMES[max(("softmax", "bce"), key=lambda loss: leads[loss].mean())]
    points = f"{mean_and_sd(leads['softmax'])} points for softmax and {mean_and_sd(leads['bce'])} for the sigmoids ($p {p_value(p)}$ by a paired t test)"
    yes = f"By that number, the network with {more} overfits more: {points}."
    no = f"By that number, neither overfits more than the other: {points}."
    return [
        "Losses of different kinds cannot be compared, but accuracies can. We measure overfitting by how far training is ahead of validation, in points of accuracy ([Table](#tab-bce)).",
        Finding("bce/overfitting differs", p < SIGNIFICANT, yes, no),
        f"On the test images, McNemar's test gives $p {p_value(p_test)}$ for the difference between the two networks.",
    ]


def losses_table(etas: Values, measures: Mapping[str, Arrays], leads: Arrays, rises: Values) -> Table:
    """Return the table of accuracies over the seeds, training's lead over validation, and validation losses' rises."""
    splits = {"train": "training", "val": "validation", "test": "test"}
    rows = [
        ["$\\eta$", *(f"{eta:g}" for eta in etas.values())],
        *(
            [f"{title} accuracy (%)", *(mean_and_sd(values[split]) for values in measures.values())]
            for split, title in splits.items()
        ),
        ["training ahead of validation (points)", *map(mean_and_sd, leads.values())],
        ["rise of the validation loss above its minimum", *(percent(rise, 1) for rise in rises.values())],
    ]
    caption = f"Both losses in the mandatory setting, each at its best $\\eta$: mean ± standard deviation over {len(SEEDS)} seeds; the last row is of the run that is shown in [Figure](#fig-bce-loss)."
    return ["", *NAMES.values()], rows, "tab-bce", caption


def losses_caption(runs: Mapping[str, Run]) -> Caption:
    final = [
        f"{NAMES[loss]} {run.final('train', 'loss'):.3f} and {run.final('val', 'loss'):.3f}"
        for loss, run in runs.items()
    ]
    caption = (
        "Training and validation loss after every epoch. The two losses have different scales, so they are drawn apart."
    )
    alt = f"Two line charts. The final losses, training and validation: {'; '.join(final)}."
    return "fig-bce-loss", caption, alt


def on_losses(rises: Values, loss: np.ndarray) -> Sentences:
    """Return sentences on whether validation losses rise, and on whether the sigmoids' (`loss`, (n_epochs,)) falls."""
    ignorance = -(0.1 * np.log(0.1) + 0.9 * np.log(0.9))
    at_the_end = f"at the end it is above its minimum by {percent(rises['softmax'], 1)} with softmax and by {percent(rises['bce'], 1)} with the sigmoids"
    yes = f"The curves of [Figure](#fig-bce-loss) show that with neither the validation loss has turned up by much: {at_the_end}."
    no = f"In the curves of [Figure](#fig-bce-loss) the validation loss turns up: {at_the_end}."
    turned = Finding("bce/neither validation loss has turned up by much", max(rises.values()) < LITTLE, yes, no)
    yes = f"The sigmoids are not done when training ends: their validation loss is {loss[-1]:.3f} and still falls, and to give every class its tenth would cost {ignorance:.3f}."
    no = f"At the end, the validation loss of the sigmoids is {loss[-1]:.3f}; to give every class its tenth would cost {ignorance:.3f}."
    learning = Finding("bce/the sigmoids still learn at the end", ignorance < loss[-1] < loss[-6], yes, no)
    last = "Each loss has the learning rate that validation prefers within these epochs. So this compares two ways to train, not two formulas alone."
    return [turned, learning, last]


def on_improved(n_settings: int, runs: Mapping[str, Run], interval: tuple[float, float], y: np.ndarray) -> Sentences:
    """Return sentences on the improved networks' test accuracies. `interval` is for the sigmoids; y (N,) are labels."""
    setting, (low, high) = runs["bce"].setting, interval
    softmax, bce = (runs[loss].test["accuracy"] for loss in ("softmax", "bce"))
    others = published.read()["other_reports"]["best_of_the_optional_part"]["binary_cross_entropy"] / 100
    beside = ", but not outside the interval" if low <= others <= high else ""
    yes = f"The best of the other reports has {percent(others)} with this loss; ours is above it{beside}."
    no = f"The best of the other reports has {percent(others)} with this loss; ours does not reach it{beside}."
    return [
        f"Of {n_settings} settings, the validation loss chooses $\\eta = {setting.eta:g}$ and $\\lambda = {setting.lam:g}$. Trained for {setting.n_epochs} epochs, the network names **{percent(bce)} of the test images** (95 % interval: {100 * low:.1f} to {100 * high:.1f}), where softmax names {percent(softmax)}.",
        Finding("bce/beats the best report", bce > others, yes, no),
        f"McNemar's test gives $p {p_value(runs['softmax'].p_same(runs['bce'], y))}$ for the difference between the two losses.",
    ]


def medians(P: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Return the median probability that P (N, K) gives to the true class, for right and for wrong answers."""
    true_class, right = P[np.arange(len(y)), y], P.argmax(1) == y
    return float(np.median(true_class[right])), float(np.median(true_class[~right]))


def histograms_caption(P: Arrays, y: np.ndarray) -> Caption:
    both = ["{} {:.2f} and {:.2f}".format(NAMES[loss], *medians(P[loss], y)) for loss in NAMES]
    caption = "The probability that the improved networks give to the true class of each test image, for right and for wrong answers."
    alt = f"Two pairs of histograms. Medians for right and wrong answers: {'; '.join(both)}."
    return "fig-bce-histograms", caption, alt


def on_probabilities(P: Arrays, y: np.ndarray) -> Sentences:
    """Return sentences on the probability of the true class under each loss, and on the sum of the sigmoid outputs."""
    form = "With {}, the true class has a median probability of {:.2f} where the answer is right and {:.2f} where it is wrong."
    return [
        *(form.format(NAMES[loss], *medians(P[loss], y)) for loss in NAMES),
        f"The ten sigmoids sum to {P['bce'].sum(1).mean():.2f} on average, and for {percent((P['bce'].max(1) < 0.5).mean(), 0)} of the images none of them says yes, that is, more than one half. Right and wrong answers overlap widely with either loss ([Figure](#fig-bce-histograms)).",
    ]


def reliability_caption(errors: Values) -> Caption:
    """Return the caption of the reliability diagrams. `errors` are the expected calibration errors by title."""
    caption = "How often answers are right, over their confidence, on the test images. On the dotted line they are right as often as they say; above it they are right more often. A dot's area grows with the number of answers."
    alt = f"Three scatter plots about a diagonal. Expected calibration errors: {', '.join(f'{title} {error:.3f}' for title, error in errors.items())}."
    return "fig-reliability", caption, alt


def on_calibration(errors: Values, P: np.ndarray, y: np.ndarray) -> Sentences:
    """Return sentences on which outputs are best calibrated and whether the sigmoids P (N, K) are underconfident."""
    softmax, sigmoids, normed = (percent(error, 1) for error in errors.values())
    confidence, right = P.max(1).mean(), (P.argmax(1) == y).mean()
    shares = f"their answers have a mean confidence of {percent(confidence, 1)}, and {percent(right, 1)} are right"
    yes = f"On average the sigmoids are too modest: {shares}. A sigmoid answers “is it a cat at all?”, to which an unsure network rightly says “probably not”, even where *cat* is the best guess."
    no = f"On average the sigmoids are not too modest: {shares}."
    return [
        f"The expected calibration error is {softmax} for softmax, {sigmoids} for the sigmoids as they are, and {normed} if they are divided by their sum ([Figure](#fig-reliability)). The best calibrated is “{min(errors, key=lambda title: errors[title])}”.",
        Finding("bce/sigmoids are less sure than right", confidence < right, yes, no),
    ]
