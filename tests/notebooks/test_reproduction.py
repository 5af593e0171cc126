"""The sentences of chapter 7, from made-up results for which each finding holds and does not hold."""

from dataclasses import replace

import numpy as np
import pytest

from lib import published
from notebooks.reproduction import reference, sentences
from notebooks.reproduction.conclusions import FAILS, HOLDS, OPEN, Verdict
from report.words import Finding

JITTER = np.array([-1, 0, 1]) / 1000  # differences between seeds
REVISED = [30.46, 39.34, 38.99, 37.39]


def say(text):
    return " ".join(map(str, text))


def holds(text):
    return [sentence.holds for sentence in text if isinstance(sentence, Finding)]


@pytest.fixture
def cases(make_run):
    """Return four cases whose replays equal the published accuracies. The held-out test accuracy is 6 points lower."""
    made = []
    for i, (eta, lam) in enumerate([(0.1, 0), (0.001, 0), (0.001, 0.1), (0.001, 1)]):
        run = replace(make_run(f"case-{i}", eta=eta, lam=lam), test={"accuracy": 0.39 + i / 1000})
        columns = {
            "train": reference.compare([30.07, 44.87], np.array([0.30071, 0.4, 0.44874])),
            "test": reference.compare([30.76, 45], np.array([0.3076, 0.4, 0.45])),
        }
        seeds = {"test": 0.39 + i / 1000 + (1 + i) * JITTER}
        made.append(reference.Case(run, seeds, columns, REVISED[i], np.array([0.4, 0.45]), np.array([0.3, 0.39])))
    return made


def test_compare_checks_the_first_and_last_epoch_to_the_published_digits():
    column = reference.compare([30.07, 44.9], np.array([0.3, 0.5, 0.44874]))
    assert column["equal"] == [False, True]
    assert column["replayed"] == pytest.approx([30, 44.874])


@pytest.mark.usefixtures("small_data")
def test_checkpoints_are_the_published_ones_of_the_course_and_of_the_unshuffled_run():
    checkpoints = reference.load_checkpoints()
    course = published.read()["course_checkpoints"]
    assert [values["known"] for values in checkpoints.values()] == [
        course["epoch_1_training_cost"],
        course["test_accuracy"],
        *course["unshuffled_measured"].values(),
    ]
    assert {values["equal"] for values in checkpoints.values()} == {False}  # because the images are made up


def test_replay_table_has_two_rows_for_each_setting_and_marks_differences(cases):
    header, rows, *_ = sentences.replay_table(cases)
    assert rows[2] == ["$\\eta = 0.001$, $\\lambda = 0$", "train", "30.07", "44.87", "30.07", "44.87", "yes"]
    assert [len(row) for row in rows] == [len(header)] * 8
    cases[0].columns["test"]["equal"][1] = False
    assert [row[-1] for row in sentences.replay_table(cases)[1]] == ["yes", "no", *["yes"] * 6]


@pytest.mark.parametrize(("equal", "said"), [(True, "all 12 figures"), (False, "11 of 12 figures")])
def test_finding_on_the_replay_holds_only_if_all_accuracies_are_equal(cases, equal, said):
    cases[2].columns["train"]["equal"][0] = equal
    text = sentences.on_replay(cases[1:])
    assert holds(text) == [equal]
    assert f"{said} come out" in say(text)


@pytest.mark.parametrize(("equal", "said"), [(True, "They come out as well"), (False, "Not all of them come out")])
def test_finding_on_the_checkpoints_holds_only_if_all_are_equal(equal, said):
    checkpoints = {
        "a": {"known": 1.972, "replayed": 1.97216, "equal": True},
        "b": {"known": 39.1, "replayed": 39.5, "equal": equal},
    }
    rows = sentences.checkpoints_table(checkpoints)[1]
    assert rows == [["a", "1.972", "1.972", "yes"], ["b", "39.1", "39.5", "yes" if equal else "no"]]
    text = sentences.on_checkpoints(checkpoints)
    assert holds(text) == [equal]
    assert said in say(text)


def test_erratum_compares_the_published_test_accuracies_with_held_out_ones(cases):
    assert sentences.erratum_table(cases)[1][1][1:] == ["45.00", "45.00", "39.10", "39.34"]
    text = say(sentences.on_erratum(cases[1:]))
    assert "are 5.90, 5.80, 5.70 percentage points above" in text
    assert "have 39.10\u00a0% and 39.20\u00a0%" in text
    assert "differ by at most 1.91 points" in text
    assert sentences.erratum_caption(cases[1:])[2].endswith("by 6.0, 6.0, 6.0 points.")


def test_table_lists_the_verdicts_and_sentences_count_them(cases):
    verdicts = [Verdict("lam = .1 is better", verdict, "5") for verdict in (HOLDS, FAILS, FAILS, OPEN, OPEN, OPEN)]
    assert sentences.conclusions_table(verdicts)[1][1] == ["$\\lambda = 0.1$ is better", "**does not hold**", "5"]
    text = say(sentences.on_conclusions(verdicts, cases))
    assert "Of the 6 conclusions 1 hold and 2 do not; for 3 the data cannot tell." in text
    assert "on test in 2 of 3, by 0.10 ± 0.10 percentage points" in text


@pytest.mark.parametrize(
    ("double", "said"),
    [
        ([0.3, 0.4], "after epoch 2 their accuracies are more than one point apart"),
        ([0.3, 0.305], "stay within one point"),
    ],
)
@pytest.mark.parametrize("same", [True, False])
def test_sentences_on_chaos_compare_two_precisions_and_two_thread_counts(cases, double, said, same):
    runs = {"single precision": [0.3, 0.3], "double precision": double}
    runs["single precision, two threads"] = [0.3, 0.3 if same else 0.2]
    accuracies = {name: np.array(values) for name, values in runs.items()}
    text = sentences.on_chaos(accuracies, cases)
    assert holds(text) == [same]
    assert said in say(text)
    assert f"end at 30.00\u00a0% and {100 * double[-1]:.2f}\u00a0%" in say(text)
    assert "over 3 seeds the test accuracy is 39.00 ± 0.10 %, while" in say(text)
    assert "is at most 0.40 points" in say(text)
    _, caption, alt = sentences.chaos_caption(accuracies)
    assert ("coincide" in caption) == same
    assert f"single precision 30.0%, double precision {double[-1]:.1%}" in alt


def test_other_reports_are_compared_with_our_mean_over_the_seeds(cases):
    text = say(sentences.on_others(cases, [0.5, 0.25, 0, 1], 8))
    assert "The mean of 8 other reports and the mean of our seeds differ by 0.50, 0.25, 0.00, 1.00 points" in text
    assert "In 4 of 4 settings" in text
    cases[0].columns["test"]["published"][-1] = 39.2
    assert "In 3 of 4 settings" in say(sentences.on_others(cases, [0] * 4, 8))
    assert "η = 0.001, λ = 0: 39.10 %, η" in sentences.strips_caption(cases)[2]
