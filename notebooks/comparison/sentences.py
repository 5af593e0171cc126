"""What the settings show when they are compared, as sentences computed from the results. Tested on made-up runs."""

from collections.abc import Sequence

import numpy as np

from lib.model import init_network
from lib.runs.run import Run
from lib.stats import SIGNIFICANT, smoothness
from report.words import Finding, Sentences, increasing, listing, p_value, percent, rise_in_words


def groups(runs: Sequence[Run], field: str) -> list[list[Run]]:
    """The groups of two or more runs whose settings differ in `field` alone, each ordered by it."""
    found: dict[str, list[Run]] = {}
    for run in sorted(runs, key=lambda run: float(getattr(run.setting, field))):
        found.setdefault(run.setting.model_dump_json(exclude={"name", field}), []).append(run)
    return [group for group in found.values() if len(group) > 1]


def on_learning_rate(small: Run, large: Run) -> Sentences:
    """What a larger eta did, everything else being equal."""
    key = f"eta/{small.setting.name} and {large.setting.name}"
    lead = small.final("val", "accuracy") - large.final("val", "accuracy")
    lowest, nothing = large.lowest_loss
    return [
        f"With {large.setting.title} the training cost rises by up to {percent(large.largest_rise, 0)} from one epoch",
        f"to the next; with {small.setting.title}, by {rise_in_words(small)}.",
        Finding(
            f"{key}/the larger step oscillates",
            small.is_steady and not large.is_steady,
            "Such jumps are what one expects of a step that overshoots: it lands on the other side of the valley,"
            " higher up. Training oscillates; it does not diverge, for the cost stays bounded.",
            "So neither step is too long for a steady descent.",
        ),
        Finding(
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
    accuracies = [run.final("train", "accuracy") for run in group]
    gaps = [run.gap for run in group]
    lams = listing([run.setting.lam for run in group], "{:g}")
    return [
        f"The settings with $\\eta = {group[0].setting.eta:g}$ differ in the penalty alone: $\\lambda = {lams}$.",
        increasing(
            f"{key}/weights shrink",
            norms[::-1],
            "As it grows, the weights shrink",
            f": their norm is {listing(norms)}.",
        ),
        increasing(
            f"{key}/templates get smoother",
            smooth,
            "The templates get smoother",
            f": neighbouring weights correlate by {listing(smooth)}.",
        ),
        increasing(
            f"{key}/training accuracy falls",
            accuracies[::-1],
            "The training accuracy falls",
            f": {', '.join(map(percent, accuracies))}.",
        ),
        increasing(
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
        increasing(
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
    if unsteady := [run.setting.title for run in runs if run.oscillates]:
        sentences.append(f"With {' and '.join(unsteady)} the step is too long: training oscillates.")
    for first, *_, last in groups([run for run in runs if not run.diverged], "lam"):
        sentences.append(
            f"As $\\lambda$ grows from {first.setting.lam:g} to {last.setting.lam:g}, the lead of training over"
            f" validation goes from {100 * first.gap:.1f} to {100 * last.gap:.1f} points, and the correlation of"
            f" neighbouring weights from {smoothness(first.net.W):.2f} to {smoothness(last.net.W):.2f}."
        )
    return sentences


def on_choice(group: Sequence[Run], y: np.ndarray) -> Sentences:
    """Which lam the validation images choose, and whether the test images y (N,) tell it from the others."""
    best = max(group, key=lambda run: run.final("val", "accuracy"))
    chosen = f"$\\lambda = {best.setting.lam:g}$"
    sentences: Sentences = [
        f"The validation images choose {chosen}, with {percent(best.final('val', 'accuracy'))}.",
        "Whether the test images confirm the choice, McNemar's test says: it compares two settings by the images that"
        " only one of them names correctly.",
    ]
    for other in (run for run in group if run is not best):
        p = best.p_same(other, y)
        figures = f"({percent(best.test['accuracy'])} and {percent(other.test['accuracy'])}, $p {p_value(p)}$)"
        sentences.append(
            Finding(
                f"lam/{best.setting.name} and {other.setting.name}/told apart",
                p < SIGNIFICANT,
                f"On the test images it differs from $\\lambda = {other.setting.lam:g}$ by more than chance {figures}.",
                f"The test images cannot tell it from $\\lambda = {other.setting.lam:g}$ {figures}.",
            )
        )
    return sentences
