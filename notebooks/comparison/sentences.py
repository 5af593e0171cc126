"""What the settings show when they are compared, as sentences computed from the results. Tested on made-up runs."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from lib.model import init_network
from lib.runs.run import FAR, Run
from lib.stats import mcnemar, smoothness
from report.show import Claim, percent

Sentences = list[str | Claim]
SIGNIFICANT = 0.05  # McNemar's p below which two settings are told apart
STEADY = 0.05  # a rise of the training cost, as a fraction, that still counts as steady training

DAGGER = " † Training oscillates and amplifies rounding: these figures come out differently on another machine."


def final(run: Run, split: str, measure: str) -> float:
    return float(run.history[split][measure][-1])


def gap(run: Run) -> float:
    """By how much the accuracy on the training images exceeds that on the validation images, at the end."""
    return final(run, "train", "accuracy") - final(run, "val", "accuracy")


def largest_rise(run: Run) -> float:
    """The largest rise of the training cost from one epoch to the next, as a fraction of it."""
    cost = run.history["train"]["cost"]
    return float(np.max(cost[1:] / cost[:-1] - 1, initial=0))


def lowest_loss(run: Run) -> tuple[float, float]:
    """The lowest training loss after any epoch, and what a network that knows nothing has."""
    return float(run.history["train"]["loss"].min()), float(np.log(run.net.b.size))


def is_steady(run: Run) -> bool:
    """Whether the training cost never jumped. Where it does, rounding is amplified: see `dagger_note`."""
    return run.diverged is None and largest_rise(run) <= STEADY


def oscillates(run: Run) -> bool:
    return run.diverged is None and not is_steady(run)


def marked_title(run: Run) -> str:
    """The setting's title for a table: with a dagger if its figures are this machine's alone, or that it diverged."""
    return run.setting.title + divergence_note(run) + (" †" if oscillates(run) else "")


def divergence_note(run: Run) -> str:
    return f", diverged in epoch {run.diverged}" if run.diverged else ""


def dagger_note(runs: Sequence[Run]) -> str:
    """What the dagger means, for the caption of a table that shows one."""
    return DAGGER if any(map(oscillates, runs)) else ""


def rise_in_words(run: Run) -> str:
    return f"up to {percent(largest_rise(run), 2)}" if largest_rise(run) else "nothing: it falls in every epoch"


def spelled(runs: Sequence[Run], field: str) -> str:
    """The value of a setting's field: "40", or "20 to 40" if the runs differ in it."""
    values = [getattr(run.setting, field) for run in runs]
    return f"{min(values)}" if min(values) == max(values) else f"{min(values)} to {max(values)}"


def groups(runs: Sequence[Run], field: str) -> list[list[Run]]:
    """The groups of two or more runs whose settings differ in `field` alone, each ordered by it."""
    found: dict[str, list[Run]] = {}
    for run in sorted(runs, key=lambda run: float(getattr(run.setting, field))):
        found.setdefault(run.setting.model_dump_json(exclude={"name", field}), []).append(run)
    return [group for group in found.values() if len(group) > 1]


def on_divergence(run: Run) -> str:
    """That and how a run diverged."""
    cost = run.history["train"]["cost"][(run.diverged or 0) - 1]
    reached = f"{cost:.3g}, more than {FAR} times that of the first weights" if np.isfinite(cost) else "not finite"
    return (
        f"With {run.setting.title} training **diverged in epoch {run.diverged}**: the training cost after it is"
        f" {reached}. Its figures say nothing about the setting but that the step is too long."
    )


def on_learning_rate(small: Run, large: Run) -> Sentences:
    """What a larger eta did, everything else being equal."""
    key = f"eta/{small.setting.name} and {large.setting.name}"
    lead = final(small, "val", "accuracy") - final(large, "val", "accuracy")
    lowest, nothing = lowest_loss(large)
    return [
        f"With {large.setting.title} the training cost rises by up to {percent(largest_rise(large), 0)} from one epoch",
        f"to the next; with {small.setting.title}, by {rise_in_words(small)}.",
        Claim(
            f"{key}/the larger step oscillates",
            is_steady(small) and not is_steady(large),
            "Such jumps are what one expects of a step that overshoots: it lands on the other side of the valley,"
            " higher up. Training oscillates; it does not diverge, for the cost stays bounded.",
            "So neither step is too long for a steady descent.",
        ),
        Claim(
            f"{key}/the larger step costs more than knowing nothing",
            bool(lowest > nothing),
            f"Yet its training loss is never below {lowest:.2f}, though a network that knows nothing has {nothing:.2f}:"
            " it is often right, but very sure where it is wrong.",
            f"Its training loss comes down to {lowest:.2f}; that of a network that knows nothing is {nothing:.2f}.",
        ),
        f"At the end the validation accuracy of the {'shorter' if lead > 0 else 'longer'} step is higher by"
        f" {100 * abs(lead):.2f} percentage points.",
    ]


def on_penalty(group: Sequence[Run]) -> Sentences:
    """What a growing lam did to the weights, the templates and the accuracies, everything else being equal."""
    key = f"lam/{group[0].setting.name} to {group[-1].setting.name}"
    norms = [float(np.linalg.norm(run.net.W)) for run in group]
    smooth = [smoothness(run.net.W) for run in group]
    accuracies = [final(run, "train", "accuracy") for run in group]
    gaps = [gap(run) for run in group]
    lams = listing([run.setting.lam for run in group], "{:g}")
    return [
        f"The settings with $\\eta = {group[0].setting.eta:g}$ differ in the penalty alone: $\\lambda = {lams}$.",
        trend(
            f"{key}/weights shrink",
            norms[::-1],
            "As it grows, the weights shrink",
            f": their norm is {listing(norms)}.",
        ),
        trend(
            f"{key}/templates get smoother",
            smooth,
            "The templates get smoother",
            f": neighbouring weights correlate by {listing(smooth)}.",
        ),
        trend(
            f"{key}/training accuracy falls",
            accuracies[::-1],
            "The training accuracy falls",
            f": {', '.join(map(percent, accuracies))}.",
        ),
        trend(
            f"{key}/gap narrows",
            gaps[::-1],
            "Its lead over the validation accuracy narrows",
            f": {listing([100 * value for value in gaps])} percentage points.",
        ),
    ]


def first_weights_left(run: Run) -> float:
    """The correlation of the final weights with the random first ones."""
    first = init_network(np.random.default_rng(run.setting.seed), d=len(run.net.W)).W
    return float(np.corrcoef(first.ravel(), run.net.W.ravel())[0, 1])


def on_noise(group: Sequence[Run]) -> Sentences:
    """How much of the random first weights is left in the templates."""
    left = [first_weights_left(run) for run in group]
    return [
        "The grain of these templates is what is left of the random first weights:",
        f"the final weights correlate with them by {listing(left)}.",
        trend(
            f"lam/{group[0].setting.name} to {group[-1].setting.name}/first weights are forgotten",
            left[::-1],
            "An explanation is that descent hardly touches directions in which the images do not vary, while the"
            " penalty shrinks every weight in every step",
            ".",
        ),
    ]


def in_short(runs: Sequence[Run]) -> list[str]:
    """A sentence each on what the learning rate and the penalty did, for the summary."""
    sentences = [f"With {run.setting.title} training diverged in epoch {run.diverged}." for run in runs if run.diverged]
    if unsteady := [run.setting.title for run in runs if oscillates(run)]:
        sentences.append(f"With {' and '.join(unsteady)} the step is too long: training oscillates.")
    for first, *_, last in groups([run for run in runs if not run.diverged], "lam"):
        sentences.append(
            f"As $\\lambda$ grows from {first.setting.lam:g} to {last.setting.lam:g}, the lead of training over"
            f" validation goes from {100 * gap(first):.1f} to {100 * gap(last):.1f} points, and the correlation of"
            f" neighbouring weights from {smoothness(first.net.W):.2f} to {smoothness(last.net.W):.2f}."
        )
    return sentences


def on_choice(group: Sequence[Run], y: np.ndarray) -> Sentences:
    """Which lam the validation images choose, and whether the test images y (N,) tell it from the others."""
    best = max(group, key=lambda run: final(run, "val", "accuracy"))
    chosen = f"$\\lambda = {best.setting.lam:g}$"
    sentences: Sentences = [
        f"The validation images choose {chosen}, with {percent(final(best, 'val', 'accuracy'))}.",
        "Whether the test images confirm the choice, McNemar's test says: it compares two settings by the images that"
        " only one of them names correctly.",
    ]
    for other in (run for run in group if run is not best):
        p = told_apart(best, other, y)
        figures = f"({percent(best.test['accuracy'])} and {percent(other.test['accuracy'])}, $p {below(p)}$)"
        sentences.append(
            Claim(
                f"lam/{best.setting.name} and {other.setting.name}/told apart",
                p < SIGNIFICANT,
                f"On the test images it differs from $\\lambda = {other.setting.lam:g}$ by more than chance {figures}.",
                f"The test images cannot tell it from $\\lambda = {other.setting.lam:g}$ {figures}.",
            )
        )
    return sentences


def mean_and_sd(fractions: np.ndarray) -> str:
    """Accuracies (n,) over seeds as "39.11 ± 0.15", in per cent."""
    return f"{100 * fractions.mean():.2f} ± {100 * fractions.std(ddof=1):.2f}"


def signed(differences: np.ndarray) -> str:
    """The mean of differences of accuracies (n,) as "+0.25" or "−0.25", in percentage points."""
    return f"{100 * differences.mean():+.2f}".replace("-", "−")


def told_apart(first: Run, second: Run, y: np.ndarray) -> float:
    """McNemar's p value that two settings name the test images, of labels y (N,), equally well."""
    return mcnemar(*(run.test_scores.argmax(1) == y for run in (first, second)))


def trend(key: str, values: Sequence[float], says: str, figures: str) -> Claim:
    """The claim that `values` rise from each to the next. If they do not, the sentence says so of the same words."""
    holds = all(a < b for a, b in pairwise(values))
    return Claim(key, holds, says + figures, f"This does not hold throughout: {says[0].lower()}{says[1:]}{figures}")


def listing(values: Sequence[float], form: str = "{:.2f}") -> str:
    return ", ".join(form.format(value) for value in values)


def below(p: float) -> str:
    """A p value as it is printed: = 0.38, or < 0.001."""
    return f"= {p:.2g}" if p >= 0.001 else "< 0.001"
