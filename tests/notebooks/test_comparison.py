"""The sentences, tables and findings of chapter 4, from made-up runs for which a finding holds and does not hold."""

import numpy as np
import pytest

from lib.cifar10 import CLASSES
from lib.model import init_network
from lib.runs import settings
from notebooks.comparison import results, sentences
from report.words import Finding

Y = np.arange(10).repeat(20)


def findings(sentences):
    """Return whether each finding holds, as a dictionary with the last part of the key."""
    return {sentence.key.rsplit("/")[-1]: sentence.holds for sentence in sentences if isinstance(sentence, Finding)}


def keys(sentences):
    return [sentence.key for sentence in sentences if isinstance(sentence, Finding)]


def say(sentences):
    return " ".join(map(str, sentences))


def templates(size, fineness):
    """Return striped templates with `fineness` stripes. Their weights have the norm `size`."""
    stripes = np.sin(2 * np.pi * fineness * np.arange(32) / 32)
    W = np.tile(stripes, 96)[:, None] * np.ones(10)
    return size * W / np.linalg.norm(W)


def right_in(start, stop):
    """Return scores of twenty test images of each class. Only images `start` to `stop - 1` are classified correctly."""
    rank = np.tile(np.arange(20), 10)
    return np.eye(10)[np.where((start <= rank) & (rank < stop), Y, (Y + 1) % 10)]


# Which runs are compared


def names(groups):
    return [[run.setting.name for run in group] for group in groups]


@pytest.fixture
def four(make_run):
    """Return runs of the assignment's four settings, in the order of the report."""
    return [
        make_run(f"{eta:g}-{lam:g}", eta=eta, lam=lam) for eta, lam in [(0.1, 0), (0.001, 0), (0.001, 0.1), (0.001, 1)]
    ]


def test_runs_with_the_same_eta_form_a_group_sorted_by_lam(four):
    assert names(results.groups(four, "lam")) == [["0.001-0", "0.001-0.1", "0.001-1"]]


def test_runs_with_the_same_lam_form_a_group_sorted_by_eta(four):
    assert names(results.groups(four, "eta")) == [["0.001-0", "0.1-0"]]


def test_groups_are_the_same_for_any_order_of_the_runs(four):
    assert names(results.groups(four[::-1], "lam")) == names(results.groups(four, "lam"))


def test_fifth_setting_is_sorted_into_an_existing_group(four, make_run):
    more = [*four, make_run("new", eta=0.001, lam=0.01)]
    assert names(results.groups(more, "lam")) == [["0.001-0", "new", "0.001-0.1", "0.001-1"]]


def test_fifth_setting_with_another_eta_forms_a_new_group(four, make_run):
    more = [*four, make_run("new", eta=0.1, lam=1)]
    assert sorted(names(results.groups(more, "lam"))) == [["0.001-0", "0.001-0.1", "0.001-1"], ["0.1-0", "new"]]
    assert sorted(names(results.groups(more, "eta"))) == [["0.001-0", "0.1-0"], ["0.001-1", "new"]]


@pytest.mark.parametrize(("field", "value"), {"n_batch": 7, "n_epochs": 3, "seed": 1, "dtype": "float64"}.items())
def test_run_that_differs_in_another_field_joins_no_group(four, make_run, field, value):
    more = [*four, make_run("new", eta=0.001, lam=0.01, **{field: value})]
    assert names(results.groups(more, "lam")) == names(results.groups(four, "lam"))


def test_committed_settings_form_one_group_by_lam_and_one_by_eta(make_run):
    runs = [make_run(**setting.model_dump()) for setting in settings.read_all()]
    assert names(results.groups(runs, "lam")) == [["eta0.001-lam0", "eta0.001-lam0.1", "eta0.001-lam1"]]
    assert names(results.groups(runs, "eta")) == [["eta0.001-lam0", "eta0.1-lam0"]]


# The learning rate


@pytest.mark.parametrize(
    ("small", "large", "holds"),
    [
        ([3, 2, 1], [3, 5, 4], True),
        ([3, 2, 1], [9, 15, 12], True),
        ([3, 2, 1], [3, 2.5, 2.55], False),
        ([3, 5, 4], [3, 6, 4], False),
        ([1], [1], False),
    ],
    ids=["oscillates", "oscillates and never learns", "both steady", "both oscillate", "one epoch"],
)
def test_larger_step_oscillates_if_its_cost_jumps_and_the_smaller_step_is_steady(make_run, small, large, holds):
    said = sentences.on_learning_rate(make_run("s", cost=small), make_run("l", eta=0.1, cost=large))
    nothing = np.log(10)
    assert findings(said) == {
        "the larger step oscillates": holds,
        "the larger step costs more than knowing nothing": min(large) / 2 > nothing,  # loss = cost / 2
    }
    assert ("Training oscillates" in say(said)) == holds
    assert keys(said) == [f"eta/s and l/{finding}" for finding in findings(said)]


@pytest.mark.parametrize(
    ("small", "large", "says"),
    [(0.38, 0.26, "the shorter step is higher by 12.00"), (0.30, 0.35, "the longer step is higher by 5.00")],
)
def test_sentence_names_the_step_with_the_higher_validation_accuracy(make_run, small, large, says):
    runs = make_run("s", accuracy=(0.5, small)), make_run("l", eta=0.1, accuracy=(0.5, large))
    assert says in say(sentences.on_learning_rate(*runs))


# The penalty


@pytest.fixture
def penalised(make_run):
    """Return a function that makes runs with growing lam. By default they show every effect of a penalty."""
    usual = {"size": [3, 2, 1], "fineness": [8, 4, 1], "train": [0.5, 0.4, 0.3], "val": [0.35, 0.34, 0.29]}

    def make(**changed):
        rows = zip(*(usual | changed).values(), strict=True)
        return [
            make_run(f"{lam:g}", lam=lam, W=templates(size, fineness), accuracy=(train, val))
            for lam, (size, fineness, train, val) in zip((0, 0.1, 1), rows, strict=True)
        ]

    return make


def test_effects_of_the_penalty_hold_if_every_measure_changes_steadily_with_lam(penalised):
    said = sentences.on_penalty(penalised())
    assert findings(said) == dict.fromkeys(
        ["weights shrink", "templates get smoother", "training accuracy falls", "gap narrows"], True
    )
    assert r"$\lambda = 0, 0.1, 1$" in say(said)
    assert "not" not in say(said)


@pytest.mark.parametrize(
    ("finding", "changed"),
    {
        "weights shrink": {"size": [1, 2, 3]},
        "templates get smoother": {"fineness": [4, 8, 1]},
        "training accuracy falls": {"train": [0.5, 0.5, 0.4], "val": [0.3, 0.35, 0.39]},
        "gap narrows": {"val": [0.49, 0.34, 0.29]},
    }.items(),
)
def test_effect_that_the_penalty_does_not_have_is_reported_as_not_holding(penalised, finding, changed):
    said = sentences.on_penalty(penalised(**changed))
    assert [key for key, holds in findings(said).items() if not holds] == [finding]
    assert say(said).count("This does not hold throughout") == 1


def test_keys_of_findings_on_the_penalty_name_the_first_and_last_setting(penalised):
    assert {key.rsplit("/", 1)[0] for key in keys(sentences.on_penalty(penalised()))} == {"lam/0 to 1"}


def test_summary_names_the_best_setting_the_oscillating_one_and_the_effect_of_the_penalty(penalised, make_run):
    trend, _ = sentences.in_short(penalised(), None)
    assert "from 0 to 1, the lead of training over validation goes from 15.0 to 1.0 points" in trend
    large = make_run("l", eta=0.1, cost=[3, 5, 4])
    best, unsteady, *trends, _ = sentences.in_short([*penalised(), large], large)
    assert best.startswith("The validation images prefer $\\eta = 0.1$, $\\lambda = 0$. This network names 40.00")
    assert unsteady == "With $\\eta = 0.1$, $\\lambda = 0$ the step is too long: training oscillates."
    assert trends == [trend]


def test_summary_names_a_diverged_run_and_leaves_it_out_of_comparisons(make_run):
    runs = [make_run("a", lam=0.0), make_run("b", lam=0.1), make_run("gone", lam=5, cost=[3, 1e9, np.nan])]
    gone, trend, _ = sentences.in_short(runs, None)
    assert gone == f"With {runs[2].setting.title} training diverged in epoch 2."
    assert "from 0 to 0.1" in trend
    assert len(sentences.in_short([runs[2]], None)) == 2


@pytest.mark.parametrize(("left", "holds"), [([0.9, 0.5, 0.1], True), ([0.1, 0.5, 0.9], False)])
def test_first_weights_are_forgotten_only_if_less_of_them_is_left_at_each_larger_lam(make_run, left, holds):
    first = init_network(np.random.default_rng(42)).W
    other = init_network(np.random.default_rng(1)).W
    group = [make_run(str(share), lam=1 - share, W=share * first + (1 - share) * other) for share in left]
    assert findings(sentences.on_noise(group)) == {"first weights are forgotten": holds}


def test_final_weights_are_correlated_with_the_initial_weights_of_the_same_seed(make_run):
    runs = [make_run(str(seed), seed=seed, W=init_network(np.random.default_rng(seed)).W) for seed in (3, 4)]
    assert "correlate with them by 1.00, 1.00" in say(sentences.on_noise(runs))


# The choice


@pytest.mark.parametrize(
    ("ranks", "told_apart", "says"),
    [
        ((0, 4), True, "by more than chance (40.00\u00a0% and 40.00\u00a0%, $p < 0.001$)."),
        (
            (2, 19),
            False,
            "cannot tell it from $\\lambda = 0.1$ (40.00\u00a0% and 40.00\u00a0%, $p = 0.099$).",
        ),
        ((0, 18), False, "$p = 1$"),
    ],
    ids=["far apart", "close", "the same answers"],
)
def test_settings_differ_on_test_images_only_if_mcnemars_test_is_significant(make_run, ranks, told_apart, says):
    best = make_run("b", accuracy=(0.5, 0.4), test_scores=right_in(0, 18))
    other = make_run("o", lam=0.1, accuracy=(0.5, 0.3), test_scores=right_in(*ranks))
    said = sentences.on_choice([other, best], Y)
    assert findings(said) == {"told apart": told_apart}
    assert keys(said) == ["lam/b and o/told apart"]
    assert says in say(said)


def test_setting_with_the_highest_validation_accuracy_is_chosen_whatever_its_test_accuracy(make_run):
    by_validation = make_run("v", lam=0.5, accuracy=(0.1, 0.4), test_scores=right_in(0, 2))
    by_test = make_run("t", lam=0.1, accuracy=(0.9, 0.3), test_scores=right_in(0, 18))
    assert r"The validation images choose $\lambda = 0.5$, with 40.00" in say(
        sentences.on_choice([by_test, by_validation], Y)
    )


# The tables and captions


def test_introduction_counts_the_settings_the_epochs_and_the_images(make_run):
    text = say(sentences.introduction([make_run(n_epochs=20), make_run(n_epochs=40)], 10000, 2000, 300))
    assert "in 2 settings of" in text
    assert "10,000 training images for 20 to 40 epochs, in mini-batches of 100. Another 2,000 images" in text


@pytest.fixture
def pair(make_run):
    """Return a run that oscillates and one that diverged, and the accuracies over seeds of the first."""
    spread = {"steep": {"train": np.array([0.5, 0.5]), "val": np.array([0.4, 0.4]), "test": np.array([0.39, 0.41])}}
    return [make_run("steep", cost=[3, 5, 4]), make_run("gone", eta=10, cost=[3, 1e9, np.nan])], spread


def test_main_table_has_the_accuracies_of_a_complete_run_and_dashes_for_a_diverged_run(pair):
    header, (steep, gone), _, caption = results.main_table(*pair, 10_000)
    assert steep[0].endswith(" †") and "†" in caption
    assert steep[1:] == ["50.00", "40.00", "**40.00**", "39.0–41.0", "40.00 ± 1.41"]
    assert gone == ["$\\eta = 10$, $\\lambda = 0$, diverged in epoch 2", *["–"] * 5]
    assert len(header) == len(steep)


def test_table_of_all_measures_has_a_column_for_each_run(pair):
    (_, *titles), rows, *_ = results.all_table(*pair)
    measures = {label: cells for label, *cells in rows}
    assert len(titles) == 2 and {cells[1] for cells in measures.values()} == {"–"}
    assert measures["training accuracy, epoch 1"][0] == "10.00\u00a0%"
    assert measures["validation accuracy, end"][0] == "40.00\u00a0%"
    assert measures["training cost"][0] == "4.000"
    assert measures["test accuracy, seeds"][0] == "40.00 ± 1.41"


def test_results_hold_seeds_interval_and_p_values(pair):
    (steep, _), spread = pair
    entries = results.as_results([steep], spread, np.arange(7))
    assert list(entries) == ["seeds/steep", "comparison/mcnemar_p"]
    assert entries["seeds/steep"]["test"] == [0.39, 0.41]
    low, high = entries["seeds/steep"]["test_interval"]
    assert low < 0.4 < high


def test_captions_describe_only_the_runs_that_did_not_diverge(make_run):
    runs = [make_run(accuracy=(0.5, 0.385))]
    assert "Final validation accuracies: η = 0.001, λ = 0 38.5%." in sentences.curves_caption(runs)[2]
    assert "Final validation accuracies: none." in sentences.curves_caption([])[2]
    assert "every setting, each" in sentences.templates_caption(runs, 1)[1]
    assert "every setting that did not diverge, each" in sentences.templates_caption(runs, 2)[1]


# The errors of the best setting


@pytest.mark.parametrize(("hard", "taken_for"), [(3, 5), (9, 1)])
def test_sentences_name_the_hardest_class_and_the_most_frequent_error(make_run, hard, taken_for):
    counts = 1 + np.diag([80] * 10)
    counts[2, 2], counts[hard, hard], counts[hard, taken_for] = 111, 21, 70
    text = say(sentences.on_answers(make_run(), counts))
    assert f"finds 92.5\u00a0% of the class *{CLASSES[2]}*, but only 21.2\u00a0% of *{CLASSES[hard]}*" in text
    assert f"to take *{CLASSES[hard]}* for *{CLASSES[taken_for]}*, 70 times" in text


def test_labels_of_wrong_answers_are_sorted_by_confidence(make_run):
    answers, sureness = np.array([0, 1] * 8), np.arange(16) / 4
    labels = sentences.surest_errors(make_run(test_scores=np.eye(10)[answers] * sureness[:, None]), np.zeros(16, int))
    assert list(labels) == [15, 13, 11, 9, 7, 5, 3, 1]
    assert labels[15] == f"{CLASSES[0]}, taken for\n{CLASSES[1]} (83\u00a0%)"
    alt = sentences.errors_caption(make_run(), labels)[2]
    assert alt.startswith(f"Ten photographs: {CLASSES[0]}, taken for {CLASSES[1]} (83\u00a0%); ")


def test_sentence_names_the_answer_to_each_plain_colour():
    assert "takes red for *airplane*; blue for *cat*." in say(sentences.on_plain_colours({"red": 0, "blue": 3}))


@pytest.mark.usefixtures("small_data")
def test_answer_to_a_plain_colour_is_the_class_with_the_largest_weights_for_it(make_run):
    W = np.zeros((3072, 10), np.float32)
    W[:1024, 4], W[2048:, 6] = 1, 1  # positive weights: of red for class 4, of blue for class 6
    answers = results.answers_to_plain_colours(make_run(W=W).net)
    assert (answers["red"], answers["blue"]) == (4, 6)
