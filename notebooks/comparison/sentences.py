"""Sentences and captions that compare the settings, computed from their runs."""

from collections.abc import Mapping, Sequence

import numpy as np

from lib.cifar10 import CLASSES
from lib.model import softmax
from lib.runs.run import Run
from lib.stats import SIGNIFICANT, confident_errors, smoothness
from notebooks.comparison.results import first_weights_left, groups
from report import words
from report.words import Caption, Finding, Sentences, increasing, listing, percent


def introduction(runs: Sequence[Run], n_train: int, n_val: int, n_test: int) -> Sentences:
    """Return sentences on what is trained, in how many settings, on how many images."""
    epochs, n_batch = (words.value_or_range(runs, field) for field in ("n_epochs", "n_batch"))
    return [
        "A network of one layer learns to name what a small photograph shows: one of ten classes, in the data set CIFAR-10.",
        f"It is trained by mini-batch gradient descent in {len(runs)} settings of the learning rate $\\eta$ and the penalty $\\lambda$.",
        f"It sees {n_train:,} training images for {epochs} epochs, in mini-batches of {n_batch}.",
        f"Another {n_val:,} images validate it, and {n_test:,} test images, read at the end, judge it. [Table](#tab-main) shows what came out.",
    ]


def in_short(runs: Sequence[Run], best: Run | None) -> Sentences:
    """Return sentences that sum up which setting is best, which steps are too long, and what the penalty did."""
    sentences: Sentences = []
    if best:
        preferred = f"The validation images prefer {best.setting.title}. This network names {percent(best.test['accuracy'])} of the test images correctly; guessing would name {percent(1 / len(CLASSES), 0)}."
        sentences.append(preferred)
    for run in (run for run in runs if run.diverged):
        sentences.append(f"With {run.setting.title} training diverged in epoch {run.diverged}.")
    if unsteady := " and ".join(run.setting.title for run in runs if run.oscillates):
        sentences.append(f"With {unsteady} the step is too long: training oscillates.")
    for first, *_, last in groups([run for run in runs if not run.diverged], "lam"):
        trend = f"As $\\lambda$ grows from {first.setting.lam:g} to {last.setting.lam:g}, the lead of training over validation goes from {100 * first.gap:.1f} to {100 * last.gap:.1f} points, and the correlation of neighbouring weights from {smoothness(first.net.W):.2f} to {smoothness(last.net.W):.2f}."
        sentences.append(trend)
    return [*sentences, "Every number of ours is computed from the runs that it describes; published ones are quoted."]


def curves_caption(settled: Sequence[Run]) -> Caption:
    """Return the caption of the curves of all settings."""
    finals = [f"{run.setting.plain_title} {run.final('val', 'accuracy'):.1%}" for run in settled]
    caption = "Loss, cost and accuracy of all settings: training solid, validation dashed. The axes of loss and cost are logarithmic."
    alt = f"Three line charts with a training and a validation curve for each setting. Final validation accuracies: {', '.join(finals) or 'none'}."
    return "fig-all-curves", caption, alt


def templates_caption(settled: Sequence[Run], n_runs: int) -> Caption:
    """Return the caption of the templates. `settled` are the runs, of n_runs, that did not diverge."""
    smooth = [f"{run.setting.plain_title} {smoothness(run.net.W):.2f}" for run in settled]
    caption = f"The templates of every setting{' that did not diverge' if len(settled) < n_runs else ''}, each on its own scale."
    alt = f"One row of ten weight images for each setting. Smoothness: {', '.join(smooth)}."
    return "fig-all-templates", caption, alt


def on_learning_rate(small: Run, large: Run) -> Sentences:
    """Return sentences on two runs that differ only in eta."""
    key = f"eta/{small.setting.name} and {large.setting.name}"
    lead = small.final("val", "accuracy") - large.final("val", "accuracy")
    lowest, nothing = large.lowest_loss
    jumps = "Such jumps are what one expects of a step that overshoots: it lands on the other side of the valley, higher up. Training oscillates; it does not diverge, for the cost stays bounded."
    steady = "So neither step is too long for a steady descent."
    above = f"Yet its training loss is never below {lowest:.2f}, though a network that knows nothing has {nothing:.2f}: it is often right, but very sure where it is wrong."
    below = f"Its training loss comes down to {lowest:.2f}; that of a network that knows nothing is {nothing:.2f}."
    return [
        f"With {large.setting.title} the training cost rises by up to {percent(large.largest_rise, 0)} from one epoch to the next; with {small.setting.title}, by {words.rise_in_words(small)}.",
        Finding(f"{key}/the larger step oscillates", small.is_steady and not large.is_steady, jumps, steady),
        Finding(f"{key}/the larger step costs more than knowing nothing", bool(lowest > nothing), above, below),
        f"At the end the validation accuracy of the {'shorter' if lead > 0 else 'longer'} step is higher by {100 * abs(lead):.2f} percentage points.",
    ]


def on_penalty(group: Sequence[Run]) -> Sentences:
    """Return sentences on how weights, templates and accuracies change with lam, in runs that differ only in lam."""
    key = f"lam/{group[0].setting.name} to {group[-1].setting.name}"
    norms = [float(np.linalg.norm(run.net.W)) for run in group]
    smooth = [smoothness(run.net.W) for run in group]
    train = [run.final("train", "accuracy") for run in group]
    gaps = [100 * run.gap for run in group]
    lams = listing([run.setting.lam for run in group], "{:g}")
    weights = f"As it grows, the weights shrink: their norm is {listing(norms)}."
    templates = f"The templates get smoother: neighbouring weights correlate by {listing(smooth)}."
    accuracy = f"The training accuracy falls: {', '.join(map(percent, train))}."
    gap = f"Its lead over the validation accuracy narrows: {listing(gaps)} percentage points."
    return [
        f"The settings with $\\eta = {group[0].setting.eta:g}$ differ in the penalty alone: $\\lambda = {lams}$.",
        increasing(f"{key}/weights shrink", norms[::-1], weights),
        increasing(f"{key}/templates get smoother", smooth, templates),
        increasing(f"{key}/training accuracy falls", train[::-1], accuracy),
        increasing(f"{key}/gap narrows", gaps[::-1], gap),
    ]


def on_noise(group: Sequence[Run]) -> Sentences:
    """Return sentences on how much of the random initial weights remains in the templates."""
    left = [first_weights_left(run) for run in group]
    key = f"lam/{group[0].setting.name} to {group[-1].setting.name}/first weights are forgotten"
    why = "An explanation is that descent hardly touches directions in which the images do not vary, while the penalty shrinks every weight in every step."
    return [
        f"The grain of these templates is what is left of the random first weights: the final weights correlate with them by {listing(left)}.",
        increasing(key, left[::-1], why),
    ]


def on_choice(group: Sequence[Run], y: np.ndarray) -> Sentences:
    """Return sentences on the lam that validation chooses, and on whether the test images, y (N,), confirm it."""
    best = max(group, key=lambda run: run.final("val", "accuracy"))
    sentences: Sentences = [
        f"The validation images choose $\\lambda = {best.setting.lam:g}$, with {percent(best.final('val', 'accuracy'))}.",
        "Whether the test images confirm the choice, McNemar's test says: it compares two settings by the images that only one of them names correctly.",
    ]
    for other in (run for run in group if run is not best):
        p, lam = best.p_same(other, y), f"$\\lambda = {other.setting.lam:g}$"
        figures = f"({percent(best.test['accuracy'])} and {percent(other.test['accuracy'])}, $p {words.p_value(p)}$)"
        yes = f"On the test images it differs from {lam} by more than chance {figures}."
        no = f"The test images cannot tell it from {lam} {figures}."
        key = f"lam/{best.setting.name} and {other.setting.name}/told apart"
        sentences.append(Finding(key, p < SIGNIFICANT, yes, no))
    return sentences


def on_answers(best: Run, counts: np.ndarray) -> Sentences:
    """Return sentences on the easiest and hardest class and the most frequent error in `counts` (K, K)."""
    recall = counts.diagonal() / counts.sum(1)
    true, predicted = np.unravel_index((counts * (1 - np.eye(len(CLASSES)))).argmax(), counts.shape)
    return [
        f"The validation images prefer {best.setting.title}. [Figure](#fig-confusion) shows its answers on test images.",
        f"It finds {percent(recall.max(), 1)} of the class *{CLASSES[recall.argmax()]}*, but only {percent(recall.min(), 1)} of *{CLASSES[recall.argmin()]}*.",
        f"Its most frequent error is to take *{CLASSES[true]}* for *{CLASSES[predicted]}*, {counts[true, predicted]} times.",
    ]


def confusion_caption(best: Run, counts: np.ndarray) -> Caption:
    """Return the caption of the confusion matrix `counts` (K, K)."""
    caption = f"Answers on the test images for {best.setting.title}. A row holds the images of one class by the answer they got."
    alt = f"A table of ten by ten counts with a dark diagonal; {percent((counts.diagonal() / counts.sum(1)).mean())} of the images lie on it."
    return "fig-confusion", caption, alt


def on_plain_colours(answers: Mapping[str, int]) -> Sentences:
    """Return sentences on the network's answers to images filled with one colour."""
    return [
        "The errors it is surest of stand in [Figure](#fig-errors). A linear network adds up what each pixel says, so the colour of large areas counts for much.",
        f"Pictures of one colour all over, not shown here, tell which: the network takes {'; '.join(f'{colour} for *{CLASSES[k]}*' for colour, k in answers.items())}.",
    ]


def surest_errors(run: Run, y: np.ndarray) -> dict[int, str]:
    """Return a caption for each of the ten most confident wrong answers, by test image. y (N,) are the test labels."""
    P = softmax(run.test_scores)
    return {
        i: f"{CLASSES[y[i]]}, taken for\n{CLASSES[P[i].argmax()]} ({percent(P[i].max(), 0)})"
        for i in confident_errors(P, y, 10)
    }


def errors_caption(best: Run, errors: Mapping[int, str]) -> Caption:
    """Return the caption of the figure that shows the images of `surest_errors`."""
    texts = "; ".join(errors.values()).replace("\n", " ")
    caption = f"The most confident errors on the test images for {best.setting.title}: what each shows, what it was taken for, and how sure the network was."
    alt = f"Ten photographs: {texts}."
    return "fig-errors", caption, alt
