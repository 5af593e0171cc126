"""What the common mistakes look like: table rows, small pictures, sentences computed from the results."""

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np

from lib.doctor.advice import ADVICE
from lib.doctor.figures import NONE, Figures, Signatures, alike, confidence, distance, leave_one_out, posterior
from lib.doctor.mistakes import EPOCHS, RIGHT, SETTINGS, SPLITS
from lib.runs.cache import Arrays
from lib.runs.snapshots import min_max_scale
from report.pictures import as_image
from report.words import Finding, percent

Trained = Mapping[str, Sequence[Arrays]]  # as lib.doctor.mistakes.train_all
TITLES = {"train": "training", "val": "validation", "test": "test"}


def did(name: str) -> str:
    return ADVICE[name].did if name in ADVICE else {RIGHT: "nothing wrong"}.get(name, name)


def row(name: str, signatures: Signatures) -> list[str]:
    """What was done, and the mean test accuracies: bold where they are two widths or more from the right ones."""
    means = [f"{100 * mean:.1f}" for mean in signatures[name]["test"]["mean"]]
    apart = distance(signatures[name], signatures[RIGHT], "test") >= 2
    return [did(name), *(f"**{mean}**" if far else mean for mean, far in zip(means, apart, strict=True))]


def picture(name: str, trained: Trained) -> tuple[np.ndarray, np.ndarray]:
    """The right one and the one with the mistake, from the first seed: accuracies (n,) or images (32, 32, 3) in [0, 1]."""
    kind, setting = ADVICE[name].picture, ADVICE[name].setting
    right, wrong = trained[RIGHT][0], trained[name][0]
    if kind in SPLITS:
        return right[kind][:, setting], wrong[kind][:, setting]
    right_w, wrong_w = (min_max_scale(arrays["horse"][:, setting]) for arrays in (right, wrong))
    return as_image(right_w), wrong_w.reshape(32, 32, 3) if kind == "scrambled" else as_image(wrong_w)


def picture_title(name: str) -> str:
    """What a mistake's small picture shows, for the table beside it."""
    kind, lam = ADVICE[name].picture, SETTINGS[ADVICE[name].setting][1]
    return f"{f'{TITLES[kind]} accuracy' if kind in SPLITS else 'template'}, $\\lambda = {lam:g}$"


def picture_text(name: str, trained: Trained) -> str:
    """The small picture in words, for the alt text."""
    if ADVICE[name].picture not in SPLITS:
        return f"{did(name)}: two weight images"
    right, wrong = picture(name, trained)
    return f"{did(name)}: {wrong[-1]:.1%} after {EPOCHS[-1]} epochs, right {right[-1]:.1%}"


def on_initial_weights(signatures: Signatures) -> str:
    """What the two wrong widths of the initial weights cost, without a penalty and with the strongest."""
    test = {name: signatures[name]["test"]["mean"] for name in (RIGHT, "sigma-0.1", "sigma-1")}
    plain, penalised = ([percent(means[setting], 1) for means in test.values()] for setting in (1, 3))
    reached = f"the three reach {', '.join(penalised)}" if len({*penalised}) > 1 else f"all three reach {penalised[0]}"
    return (
        f"At $\\eta = {SETTINGS[1][0]:g}$ and $\\lambda = {SETTINGS[1][1]:g}$ the test accuracy is {plain[0]} if all is"
        f" right, {plain[1]} with initial weights ten times as large and {plain[2]} with ones a hundred times"
        " as large: their noise stays. A penalty shrinks it in every step:"
        f" at $\\lambda = {SETTINGS[3][1]:g}$ {reached}."
    )


def on_traces(signatures: Signatures) -> list[str | Finding]:
    """Which mistakes the accuracies cannot show, on the test split and on all of them."""
    on_test, anywhere = (
        alike(signatures, list(product(splits, range(len(SETTINGS))))) for splits in (["test"], SPLITS)
    )
    elsewhere = [name for name in on_test if name not in anywhere]
    return [
        Finding(
            "mistakes/some leave no trace in the test accuracy",
            bool(on_test),
            f"Of {len(signatures) - 1} mistakes, {len(on_test)} leave no trace beyond chance in the test accuracies:"
            f" {listed(on_test)}. A right figure is no proof of a right program.",
            "Every mistake leaves a trace in the test accuracies.",
        ),
        *([f"Of these, the training or validation accuracies show: {listed(elsewhere)}."] if elsewhere else []),
        *([f"No accuracy at all shows: {listed(anywhere)}."] if anywhere else []),
    ]


def on_penalty(signatures: Signatures) -> str:
    """By how much the wrong penalties move the last setting, where they weigh most."""
    right = signatures[RIGHT]["test"]["mean"][-1]
    half, bias = (100 * (signatures[name]["test"]["mean"][-1] - right) for name in ("half-penalty", "bias-penalised"))
    return (
        f"Even at $\\lambda = {SETTINGS[-1][1]:g}$, where a penalty weighs most, half of its gradient moves the test"
        f" accuracy by {half:+.2f} percentage points, and one on $\\mathbf{{b}}$ by {bias:+.2f}. A gradient check with"
        " $\\lambda > 0$ and a $\\mathbf{b}$ that is not zero finds both."
    )


def listed(names: Sequence[str]) -> str:
    return "; ".join(f"*{did(name)}*" for name in names) or "none"


def verdict(figures: Figures, signatures: Signatures) -> str:
    """The doctor's likeliest cause, with its confidence."""
    name, p = next(iter(posterior(figures, signatures).items()))
    return f"{'looks right' if name == RIGHT else NONE if name == NONE else did(name)} ({confidence(p)})"


def on_doctor(signatures: Signatures) -> str:
    """How well the doctor does on figures that its predictions have not seen."""
    said = leave_one_out(signatures)
    hidden = alike(signatures, [("test", place) for place in range(len(SETTINGS))])
    visible = [(name, cause) for name in said if name not in (RIGHT, *hidden) for cause in said[name]]
    missed = [cause == RIGHT for name in hidden for cause in said[name]]
    others = "the other predicts" if len(said[RIGHT]) == 2 else "the others predict"
    confused = sorted({(did(name), did(cause)) for name, cause in visible if cause != name})
    return (
        f"It can be put to the test with our own figures: those of one seed, while {others}."
        f" Of {len(said[RIGHT])} right ones it finds {said[RIGHT].count(RIGHT)} right."
        f" Of {len(visible)} with a mistake that leaves a trace in the test accuracies it names the mistake in"
        f" {sum(name == cause for name, cause in visible)}"
        + "".join(f"; it takes *{one}* for *{other}*" for one, other in confused)
        + f". Of {len(missed)} whose mistake leaves none it takes {sum(missed)} for right, as it must."
    )
