"""Sentences and captions on one setting, computed from its run."""

import numpy as np

from lib.cifar10 import CLASSES
from lib.runs.run import MEASURES, SPLITS, Run
from lib.stats import smoothness
from report.words import Caption, Finding, Sentences, divergence_note, on_divergence, percent


def on_accuracy(run: Run) -> Sentences:
    """Return sentences on the accuracies of the run, or on its divergence."""
    link = f"[Figure](#fig-curves-{run.setting.name})"
    if run.diverged:
        return [on_divergence(run), f"{link} shows the epochs before it."]
    train, val = (run.history[split]["accuracy"] for split in SPLITS)
    return [
        f"After the first epoch the network names {percent(train[0])} of the training images correctly.",
        f"After epoch {run.setting.n_epochs} it names {percent(train[-1])} of them, {percent(val[-1])} of the validation images and **{percent(run.test['accuracy'])} of the test images**.",
        f"Training is ahead of validation by {100 * run.gap:.2f} percentage points. {link} shows the way there.",
    ]


def curves_caption(run: Run) -> Caption:
    """Return the caption of the curves, with their final values."""
    ends = f"Training diverged in epoch {run.diverged}, where the curves end."
    if not run.diverged:
        form = "On the training data the loss ends at {:.2f}, the cost at {:.2f} and the accuracy at {:.0%}; on the validation data at {:.2f}, {:.2f} and {:.0%}."
        ends = form.format(*(run.final(split, measure) for split in SPLITS for measure in MEASURES))
    caption = f"Loss, cost and accuracy after every epoch, for {run.setting.title}{divergence_note(run)}."
    alt = f"Three line charts over {run.setting.n_epochs} epochs for {run.setting.plain_title}. {ends}"
    return f"fig-curves-{run.setting.name}", caption, alt


def on_cost(run: Run) -> Sentences:
    """Return sentences on how steady training was, when validation loss was lowest, and how large the penalty is."""
    loss, cost, val = run.final("train", "loss"), run.final("train", "cost"), run.history["val"]["loss"]
    rise = f"never rises by more than {percent(run.largest_rise)} in an epoch"
    yes = f"Training is steady: the training cost {rise if run.largest_rise else 'falls in every epoch'}."
    no = f"Training oscillates: the training cost rises by up to {percent(run.largest_rise, 0)} from one epoch to the next. That amplifies rounding, so these numbers come out differently on another machine."
    share = percent((cost - loss) / cost, 1)
    return [
        Finding(f"{run.setting.name}/training is steady", run.is_steady, yes, no),
        f"At the end the training loss is {loss:.3f} and the validation loss {val[-1]:.3f}; the validation loss was lowest, {val.min():.3f}, after epoch {val.argmin() + 1}.",
        f"The penalty makes up {share} of the training cost." if run.setting.lam else "Here the cost is the loss.",
    ]


def film_caption(run: Run) -> Caption:
    """Return the caption of the film of the templates during training."""
    caption = f"The weight templates of the ten classes as they form, for {run.setting.title}, each on its own scale: from the first weights, drawn at random, to those after epoch {run.setting.n_epochs}."
    alt = f"Small colour images, the weights of each class for {run.setting.plain_title}, a row for each of several epochs; after the last, neighbouring weights correlate by {smoothness(run.net.W):.2f}."
    return f"fig-templates-{run.setting.name}", caption, alt


def largest_class(run: Run) -> str:
    """Return the class with the largest sum of squared weights."""
    return CLASSES[np.square(run.net.W).sum(0).argmax()]


def shared_caption(run: Run) -> Caption:
    """Return the caption of the figure that shows the final templates on one shared colour scale."""
    limit = abs(run.net.W).max()
    caption = f"The templates for {run.setting.title} on one scale for all, from ${-limit:.3f}$ to ${limit:.3f}$; grey is zero."
    alt = f"The ten templates for {run.setting.plain_title} on a shared signed scale; {largest_class(run)} has the largest weights."
    return f"fig-shared-{run.setting.name}", caption, alt


def on_templates(run: Run) -> Sentences:
    """Return sentences on how smooth the templates are and which class has the largest weights."""
    return [
        f"A template shows what raises the score of its class, and what lowers it ([Figure](#fig-templates-{run.setting.name})).",
        f"Neighbouring weights correlate by {smoothness(run.net.W):.2f}, where 0 is noise and 1 is without detail.",
        f"On the shared scale ([Figure](#fig-shared-{run.setting.name})) *{largest_class(run)}* has the largest weights, by their sum of squares.",
    ]
