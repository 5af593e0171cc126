"""Sentences, tables and captions on the replays of the reference and the verdicts on its conclusions.

`cases` are the reference's four settings in its order, `steady` the three with the small eta.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from lib.assignment import CHAOTIC_ETA
from lib.published import in_symbols, round_like
from lib.runs.cache import Arrays
from lib.runs.seeds import SEEDS
from notebooks.reproduction.conclusions import FAILS, HOLDS, OPEN, Verdict, first_apart
from notebooks.reproduction.reference import Case
from report.words import Caption, Finding, Sentences, Table, dagger_note, listing, marked_title, mean_and_sd, percent


def replay_table(cases: Sequence[Case]) -> Table:
    rows = []
    for run, name, column in ((case.run, *item) for case in cases for item in case.columns.items()):
        published, replayed, equal = column.values()
        shown = [f"{value:.2f}" for value in (*published, *replayed)]
        rows.append([marked_title(run), name, *shown, "yes" if all(equal) else "no"])
    header = ["setting", "column", "published, epoch 1", "end", "replayed, epoch 1", "end", "equal"]
    caption = f"The reference's accuracies in per cent, and ours by its procedure: the test column from networks trained on `test_batch`. The last column says whether both of our numbers equal the published ones.{dagger_note([case.run for case in cases])}"
    return header, rows, "tab-replay", caption


def on_replay(steady: Sequence[Case]) -> Sentences:
    """Return sentences on whether the replays reproduce the published accuracies."""
    equal = [same for case in steady for column in case.columns.values() for same in column["equal"]]
    yes = f"At $\\eta = 0.001$ all {len(equal)} figures come out to the last digit ([Table](#tab-replay))."
    no = f"At $\\eta = 0.001$, {sum(equal)} of {len(equal)} figures come out to the last digit on this machine ([Table](#tab-replay))."
    return [
        Finding("reference replayed to the digit", all(equal), yes, no),
        "At $\\eta = 0.1$ they need not, for a reason that [Section](#chaos-at-a-large-step) shows.",
    ]


def checkpoints_table(checkpoints: Mapping[str, Mapping[str, float]]) -> Table:
    rows = []
    for name, (known, replayed, equal) in ((name, values.values()) for name, values in checkpoints.items()):
        rows.append([name, f"{known}", round_like(replayed, known), "yes" if equal else "no"])
    caption = "Two checkpoints of the course text for $\\eta = 0.001$, $\\lambda = 0$, and three of a run without shuffling that were measured before this report was written."
    return ["checkpoint", "known", "replayed", "equal"], rows, "tab-course", caption


def on_checkpoints(checkpoints: Mapping[str, Mapping[str, float]]) -> Sentences:
    """Return sentences on whether the replays reproduce the known checkpoints."""
    yes = "They come out as well, and so does a run that never shuffles ([Table](#tab-course))."
    no = "Not all of them come out on this machine ([Table](#tab-course))."
    return [
        "The course text names two checkpoints, which need its own way of drawing the orders: one generator for everything.",
        Finding("course checkpoints to the digit", all(values["equal"] for values in checkpoints.values()), yes, no),
    ]


def erratum_caption(steady: Sequence[Case]) -> Caption:
    leads = listing([100 * (case.mistaken[-1] - case.held_out[-1]) for case in steady], "{:.1f}")
    caption = "Accuracy on `test_batch` after every epoch. Solid: a network that is trained on `test_batch`, as published. Dashed: the network trained on `data_batch_1`, which has never seen these images."
    alt = f"Line chart: for each setting at the small step the solid curve rises above the dashed one and keeps rising, at the end by {leads} points."
    return "fig-erratum", caption, alt


def erratum_table(cases: Sequence[Case]) -> Table:
    rows = []
    for case in cases:
        published, replayed = (case.columns["test"][name][-1] for name in ("published", "replayed"))
        values = (published, replayed, 100 * case.run.test["accuracy"], case.revised)
        rows.append([marked_title(case.run), *(f"{value:.2f}" for value in values)])
    header = ["setting", "published as test", "trained on test", "held out", "later revision"]
    caption = f"Test accuracies in per cent: as first published, as a network trained on the test images reaches them, as the network trained on `data_batch_1` reaches them, and as the reference's own revision of the same month corrected them. The second column is replayed in double precision, the third is that of [Table](#tab-main).{dagger_note([case.run for case in cases])}"
    return header, rows, "tab-erratum", caption


def on_erratum(steady: Sequence[Case]) -> Sentences:
    """Return sentences on how far the published test accuracies exceed those on held-out images."""
    tests = [case.run.test["accuracy"] for case in steady]
    excess = [100 * (case.mistaken[-1] - test) for case, test in zip(steady, tests, strict=True)]
    left = max(abs(100 * test - case.revised) for case, test in zip(steady, tests, strict=True))
    return [
        f"At $\\eta = 0.001$ the published figures are {listing(excess)} percentage points above the held-out ones.",
        "The published column falls as $\\lambda$ grows, as a training accuracy does under a penalty. So the text concluded that $\\lambda = 0$ generalises best.",
        f"On held-out images it does not stand out: $\\lambda = 0$ and $0.1$ have {percent(tests[0])} and {percent(tests[1])}.",
        f"The reference has since been corrected: at this step its revision and our held-out figures differ by at most {left:.2f} points ([Table](#tab-erratum)).",
    ]


def conclusions_table(verdicts: Sequence[Verdict]) -> Table:
    rows = [[in_symbols(claim), f"**{verdict}**", number] for claim, verdict, number in verdicts]
    caption = f"The reference's conclusions, put to held-out figures. Seeds: mean ± standard deviation over {len(SEEDS)}, in per cent."
    return ["conclusion", "verdict", "what decides"], rows, "tab-claims", caption


def on_conclusions(verdicts: Sequence[Verdict], cases: Sequence[Case]) -> Sentences:
    """Return sentences that count the verdicts and compare the two best settings over the seeds."""
    tally = Counter(verdict.verdict for verdict in verdicts)
    lead = cases[2].seeds["test"] - cases[1].seeds["test"]
    return [
        f"Of the {len(verdicts)} conclusions {tally[HOLDS]} hold and {tally[FAILS]} do not; for {tally[OPEN]} the data cannot tell.",
        f"Over seeds, $\\lambda = 0.1$ is ahead of $\\lambda = 0$ on test in {(lead > 0).sum()} of {len(lead)}, by {mean_and_sd(lead)} percentage points.",
        "On these test images that is hardly chance. Whether it holds for other images, and that is what generalising means, one test batch cannot say.",
    ]


def on_chaos(accuracies: Arrays, cases: Sequence[Case]) -> Sentences:
    """Return sentences on how far runs differ that should be equal. `accuracies[name]` (n_epochs,) are on training."""
    single, double = accuracies["single precision"], accuracies["double precision"]
    chaotic, *steady = (case.seeds["test"] for case in cases)
    apart = "Here their accuracies stay within one point of each other, and"
    if epoch := first_apart(single, double):
        apart = f"Yet after epoch {epoch} their accuracies are more than one point apart, and they"
    same = np.array_equal(single, accuracies["single precision, two threads"])
    yes = "A second thread changes nothing on this machine: its library adds up in the same order."
    no = "A second thread is enough, for it changes the order in which numbers are added up."
    return [
        "Single and double precision differ in the eighth digit of a number.",
        f"{apart} end at {percent(single[-1])} and {percent(double[-1])}.",
        "Steps that overshoot multiply the difference, until nothing of the common start is left.",
        Finding("two threads change nothing", same, yes, no),
        "So no single figure means anything here, and no two machines need agree.",
        f"What has a meaning is the distribution: over {len(chaotic)} seeds the test accuracy is {mean_and_sd(chaotic)} %, while at $\\eta = 0.001$ its standard deviation is at most {max(100 * values.std(ddof=1) for values in steady):.2f} points.",
    ]


def chaos_caption(accuracies: Arrays) -> Caption:
    same = np.array_equal(accuracies["single precision"], accuracies["single precision, two threads"])
    note = " The curves on one and on two threads coincide." if same else ""
    caption = f"Training accuracy after every epoch at $\\eta = {CHAOTIC_ETA:g}$, $\\lambda = 0$, in double and single precision, on one thread and on two, and from other seeds.{note}"
    alt = f"Line chart of jagged curves that leave each other within the first epochs. Final accuracies: {', '.join(f'{name} {values[-1]:.1%}' for name, values in accuracies.items())}."
    return "fig-chaos", caption, alt


def strips_caption(cases: Sequence[Case]) -> Caption:
    means = [f"{case.run.setting.plain_title}: {100 * case.seeds['test'].mean():.2f} %" for case in cases]
    caption = "Test accuracy of the four settings. Filled: our seeds. Open: other reports. Crosses: two reports with a mistake. Diamonds: the reference as first published."
    alt = f"Strip plot, one strip for each setting; our mean is {', '.join(means)}."
    return "fig-strips", caption, alt


def on_others(cases: Sequence[Case], distances: Sequence[float], n_others: int) -> Sentences:
    """Return sentences on the `distances` (points) of other reports' means from ours, and on the reference's."""
    ours = [100 * case.seeds["test"] for case in cases]
    published = [case.columns["test"]["published"][-1] for case in cases]
    far = [abs(p - v.mean()) > 3 * v.std(ddof=1) for p, v in zip(published, ours, strict=True)]
    return [
        f"The mean of {n_others} other reports and the mean of our seeds differ by {listing(distances)} points, in the order of the settings ([Figure](#fig-strips)).",
        f"In {sum(far)} of {len(far)} settings the reference as first published lies more than three standard deviations from our mean.",
    ]
