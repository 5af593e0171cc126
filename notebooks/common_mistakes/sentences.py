"""Sentences, tables and captions on the effects of common mistakes."""

from collections.abc import Mapping, Sequence
from itertools import product

from lib.assignment import BATCHES, CHAOTIC_ETA, SETTINGS
from lib.doctor.accuracies import Accuracies, Signature, from_numbers
from lib.doctor.diagnosis import NONE, confidence, distance, leave_one_out, posterior, without_trace
from lib.doctor.mistakes import ADVICE, RIGHT
from notebooks.common_mistakes.charts import Trained
from notebooks.common_mistakes.procedures import EPOCHS, SEEDS
from report.words import DAGGER, Caption, Finding, Sentences, Table, percent

TITLES = {"train": "training", "val": "validation", "test": "test"}
Signatures = Mapping[str, Signature]  # by the mistake's name
Reports = Mapping[str, Sequence[float]]  # four test accuracies in per cent, by the report's name


def did(name: str) -> str:
    return ADVICE[name].did if name in ADVICE else {RIGHT: "nothing wrong"}.get(name, name)


def listed(names: Sequence[str]) -> str:
    return "; ".join(f"*{did(name)}*" for name in names) or "none"


def accuracies_table(signatures: Signatures) -> Table:
    """Return the table of mean test accuracies, bold where the `distance` from the right ones is 2 or more."""
    rows = []
    for name, signature in signatures.items():
        far = distance(signature, signatures[RIGHT], "test") >= 2
        means = [f"{100 * mean:.1f}" for mean in signature["test"].mean]
        rows.append([did(name), *(f"**{mean}**" if bold else mean for mean, bold in zip(means, far, strict=True))])
    titles = [f"$\\eta = {eta:g}$, $\\lambda = {lam:g}${' †' if eta >= CHAOTIC_ETA else ''}" for eta, lam in SETTINGS]
    caption = f"Test accuracy in per cent after {EPOCHS[-1]} epochs, as the student sees it: the mean over {len(SEEDS)} seeds. Bold: apart from the right one.{DAGGER}"
    return ["what was done", *titles], rows, "tab-mistakes", caption


def on_initial_weights(signatures: Signatures) -> str:
    """Return text on the accuracy with two wrong scales of initial weights, without and with a strong penalty."""
    test = [signatures[name]["test"].mean for name in (RIGHT, "sigma-0.1", "sigma-1")]
    plain, penalised = ([percent(means[setting], 1) for means in test] for setting in (1, 3))
    reached = f"the three reach {', '.join(penalised)}" if len({*penalised}) > 1 else f"all three reach {penalised[0]}"
    return (
        f"At $\\eta = {SETTINGS[1][0]:g}$ and $\\lambda = {SETTINGS[1][1]:g}$ the test accuracy is {plain[0]} if all is right, {plain[1]} with initial weights ten times as large and {plain[2]} with ones a hundred times as large: their noise stays."
        f" A penalty shrinks it in every step: at $\\lambda = {SETTINGS[3][1]:g}$ {reached}."
    )


def on_traces(signatures: Signatures) -> Sentences:
    """Return sentences on the mistakes that test accuracies, or the accuracies on all splits, cannot show."""
    places = range(len(SETTINGS))
    on_test, anywhere = (without_trace(signatures, [*product(splits, places)]) for splits in (["test"], BATCHES))
    elsewhere = [name for name in on_test if name not in anywhere]
    return [
        Finding(
            "mistakes/some leave no trace in the test accuracy",
            bool(on_test),
            f"Of {len(signatures) - 1} mistakes, {len(on_test)} leave no trace beyond chance in the test accuracies: {listed(on_test)}. A right figure is no proof of a right program.",
            "Every mistake leaves a trace in the test accuracies.",
        ),
        *([f"Of these, the training or validation accuracies show: {listed(elsewhere)}."] if elsewhere else []),
        *([f"No accuracy at all shows: {listed(anywhere)}."] if anywhere else []),
    ]


def on_penalty(signatures: Signatures) -> str:
    """Return text on how much wrong penalties change the last setting's accuracy, where the penalty is strongest."""
    right, half, bias = (signatures[name]["test"].mean[-1] for name in (RIGHT, "half-penalty", "bias-penalised"))
    return (
        f"Even at $\\lambda = {SETTINGS[-1][1]:g}$, where a penalty weighs most, half of its gradient moves the test accuracy by {100 * (half - right):+.2f} percentage points, and one on $\\mathbf{{b}}$ by {100 * (bias - right):+.2f}."
        " A gradient check with $\\lambda > 0$ and a $\\mathbf{b}$ that is not zero finds both."
    )


def pictures_caption(trained: Trained) -> Caption:
    texts = []
    for name, advice in ADVICE.items():
        right, wrong = trained[RIGHT][0], trained[name][0]
        if advice.picture in BATCHES:
            reached, expected = (arrays[advice.picture][-1, advice.setting] for arrays in (wrong, right))
            texts.append(f"{advice.did}: {reached:.1%} after {EPOCHS[-1]} epochs, right {expected:.1%}")
        else:
            texts.append(f"{advice.did}: two weight images")
    return (
        "fig-symptoms",
        "One picture for each mistake. Curves: an accuracy in per cent over the epochs, which are on a logarithmic scale; where only one is seen, the two coincide. Templates: that of *horse*, the right one on the left.",
        f"A grid of small pictures. {'; '.join(texts)}.",
    )


def advice_table() -> Table:
    """Return the table of what each picture shows and where to look for the mistake."""
    rows = []
    for advice in ADVICE.values():
        shown = f"{TITLES[advice.picture]} accuracy" if advice.picture in BATCHES else "template"
        rows.append([advice.did, f"{shown}, $\\lambda = {SETTINGS[advice.setting][1]:g}$", advice.look])
    caption = f"Each mistake, what [Figure](#fig-symptoms) shows of it, always at $\\eta = {SETTINGS[-1][0]:g}$, and where to look."
    return ["what was done", "its picture shows", "look there"], rows, "tab-look", caption


def verdict(accuracies: Accuracies, signatures: Signatures) -> str:
    """Return the doctor's most likely cause of these accuracies, with its confidence."""
    name, p = next(iter(posterior(accuracies, signatures).items()))
    return f"{'looks right' if name == RIGHT else NONE if name == NONE else did(name)} ({confidence(p)})"


def verdicts(reports: Reports, signatures: Signatures) -> list[str]:
    return [verdict(from_numbers(values), signatures) for values in reports.values()]


def reports_table(right: Reports, wrong: Reports, signatures: Signatures) -> Table:
    """Return the table of the doctor's diagnoses of other reports."""
    reports = {**right, **wrong}
    numbers = [" ".join(f"{value:.2f}" for value in values) for values in reports.values()]
    rows = [list(row) for row in zip(reports, numbers, verdicts(reports, signatures), strict=True)]
    caption = f"What the doctor says of other reports on the same four settings. In the last {len(wrong)} we found a mistake by reproducing it."
    return ["report", "test accuracies (%)", "the doctor says"], rows, "tab-doctor", caption


def on_reports(right: Reports, wrong: Reports, signatures: Signatures) -> Sentences:
    """Return sentences on how many right reports the doctor finds right, and on its diagnoses of wrong ones."""
    n_right = sum(said.startswith("looks right") for said in verdicts(right, signatures))
    return [
        f"Of {len(right)} reports without a known mistake, {n_right} look right to it.",
        f"Of the {len(wrong)} with a mistake it says: {'; '.join(f'*{said}*' for said in verdicts(wrong, signatures))}.",
    ]


def on_doctor(signatures: Signatures) -> str:
    """Return text on the doctor's success with our seeds, each diagnosed by predictions from the other seeds."""
    causes = leave_one_out(signatures)
    hidden = without_trace(signatures, [("test", place) for place in range(len(SETTINGS))])
    visible = [(name, cause) for name in causes if name not in (RIGHT, *hidden) for cause in causes[name]]
    missed = [cause == RIGHT for name in hidden for cause in causes[name]]
    others = "the other predicts" if len(causes[RIGHT]) == 2 else "the others predict"
    confused = sorted({(did(name), did(cause)) for name, cause in visible if cause != name})
    return (
        f"It can be put to the test with our own figures: those of one seed, while {others}. Of {len(causes[RIGHT])} right ones it finds {causes[RIGHT].count(RIGHT)} right."
        f" Of {len(visible)} with a mistake that leaves a trace in the test accuracies it names the mistake in {sum(name == cause for name, cause in visible)}"
        + "".join(f"; it takes *{one}* for *{other}*" for one, other in confused)
        + f". Of {len(missed)} whose mistake leaves none it takes {sum(missed)} for right, as it must."
    )
