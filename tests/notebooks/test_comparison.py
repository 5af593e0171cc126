"""Each sentence about the results, on made-up runs for which it is true and for which it is not."""

import numpy as np
import pytest

from lib.model import init_network
from lib.runs import settings
from notebooks.comparison import sentences
from report import words
from report.words import Finding

Y = np.arange(10).repeat(20)


def claims(sentences):
    """Whether each claim holds, by the last part of its key."""
    return {sentence.key.rsplit("/")[-1]: sentence.holds for sentence in sentences if isinstance(sentence, Finding)}


def keys(sentences):
    return [sentence.key for sentence in sentences if isinstance(sentence, Finding)]


def say(sentences):
    return " ".join(map(str, sentences))


def templates(size, fineness):
    """Weights of the norm `size` with stripes, of which there are `fineness`."""
    stripes = np.sin(2 * np.pi * fineness * np.arange(32) / 32)
    W = np.tile(stripes, 96)[:, None] * np.ones(10)
    return size * W / np.linalg.norm(W)


def right_in(start, stop):
    """Scores by which, of each class's twenty test images, those from `start` to `stop` are named correctly."""
    rank = np.tile(np.arange(20), 10)
    return np.eye(10)[np.where((start <= rank) & (rank < stop), Y, (Y + 1) % 10)]


# Which runs are compared


def names(groups):
    return [[run.setting.name for run in group] for group in groups]


@pytest.fixture
def four(make_run):
    """The assignment's settings, in the report's order."""
    return [
        make_run(f"{eta:g}-{lam:g}", eta=eta, lam=lam) for eta, lam in [(0.1, 0), (0.001, 0), (0.001, 0.1), (0.001, 1)]
    ]


def test_runs_are_compared_in_lam_where_eta_is_the_same(four):
    assert names(sentences.groups(four, "lam")) == [["0.001-0", "0.001-0.1", "0.001-1"]]


def test_runs_are_compared_in_eta_where_lam_is_the_same(four):
    assert names(sentences.groups(four, "eta")) == [["0.001-0", "0.1-0"]]


def test_the_order_of_the_runs_does_not_matter(four):
    assert names(sentences.groups(four[::-1], "lam")) == names(sentences.groups(four, "lam"))


def test_a_fifth_setting_joins_its_group_at_its_place(four, make_run):
    more = [*four, make_run("new", eta=0.001, lam=0.01)]
    assert names(sentences.groups(more, "lam")) == [["0.001-0", "new", "0.001-0.1", "0.001-1"]]


def test_a_fifth_setting_can_found_a_group(four, make_run):
    more = [*four, make_run("new", eta=0.1, lam=1)]
    assert sorted(names(sentences.groups(more, "lam"))) == [["0.001-0", "0.001-0.1", "0.001-1"], ["0.1-0", "new"]]
    assert sorted(names(sentences.groups(more, "eta"))) == [["0.001-0", "0.1-0"], ["0.001-1", "new"]]


@pytest.mark.parametrize(("field", "value"), {"n_batch": 7, "n_epochs": 3, "seed": 1, "dtype": "float64"}.items())
def test_what_differs_in_anything_else_is_not_compared(four, make_run, field, value):
    more = [*four, make_run("new", eta=0.001, lam=0.01, **{field: value})]
    assert names(sentences.groups(more, "lam")) == names(sentences.groups(four, "lam"))


def test_the_reports_own_settings_form_the_groups_that_its_claims_name(make_run):
    runs = [make_run(**setting.model_dump()) for setting in settings.read_all()]
    assert names(sentences.groups(runs, "lam")) == [["eta0.001-lam0", "eta0.001-lam0.1", "eta0.001-lam1"]]
    assert names(sentences.groups(runs, "eta")) == [["eta0.001-lam0", "eta0.1-lam0"]]


# The learning rate


@pytest.mark.parametrize(
    ("costs", "rise"), [([3, 2, 1], 0), ([2, 3, 1], 0.5), ([1, 1.1, 1, 1.3], 0.3), ([5], 0)], ids=str
)
def test_the_largest_rise_is_relative_to_the_epoch_before(make_run, costs, rise):
    assert make_run(cost=costs).largest_rise == pytest.approx(rise)


@pytest.mark.parametrize(
    ("small", "large", "holds"),
    [
        ([3, 2, 1], [3, 5, 4], True),
        ([3, 2, 1], [9, 15, 12], True),
        ([3, 2, 1], [3, 2.5, 2.55], False),
        ([3, 5, 4], [3, 6, 4], False),
        ([1], [1], False),
    ],
    ids=["it does", "and never learns", "both are steady", "both oscillate", "one epoch"],
)
def test_the_larger_step_oscillates(make_run, small, large, holds):
    said = sentences.on_learning_rate(make_run("s", cost=small), make_run("l", eta=0.1, cost=large))
    nothing = np.log(10)
    assert claims(said) == {
        "the larger step oscillates": holds,
        "the larger step costs more than knowing nothing": min(large) / 2 > nothing,  # its loss is half its cost
    }
    assert ("Training oscillates" in say(said)) == holds
    assert keys(said) == [f"eta/s and l/{claim}" for claim in claims(said)]


@pytest.mark.parametrize(
    ("small", "large", "says"),
    [(0.38, 0.26, "the shorter step is higher by 12.00"), (0.30, 0.35, "the longer step is higher by 5.00")],
)
def test_the_step_with_the_higher_validation_accuracy_is_named(make_run, small, large, says):
    runs = make_run("s", accuracy=(0.5, small)), make_run("l", eta=0.1, accuracy=(0.5, large))
    assert says in say(sentences.on_learning_rate(*runs))


@pytest.mark.parametrize(
    ("costs", "says"),
    [([3, 2, 1], "nothing: it falls in every epoch"), ([1, 1.1, 1], "up to 10.00\u00a0%")],
)
def test_how_far_the_cost_rises_is_said(make_run, costs, says):
    assert words.rise_in_words(make_run(cost=costs)) == says


@pytest.mark.parametrize(("values", "printed"), [([40, 40], "40"), ([40], "40"), ([40, 2, 20], "2 to 40")])
def test_what_runs_have_in_common_is_said_once(make_run, values, printed):
    assert words.value_or_range([make_run(n_epochs=value) for value in values], "n_epochs") == printed


@pytest.mark.parametrize(("deviations", "printed"), [([0.39, 0.41], "40.00 ± 1.41"), ([0.4, 0.4, 0.4], "40.00 ± 0.00")])
def test_accuracies_over_seeds_are_a_mean_and_the_deviation_of_a_sample(deviations, printed):
    assert words.mean_and_sd(np.array(deviations)) == printed


# The penalty


@pytest.fixture
def penalised(make_run):
    """A function that makes up runs of growing lam with one value of `field` each; everything else as it should be."""
    usual = {"size": [3, 2, 1], "fineness": [8, 4, 1], "train": [0.5, 0.4, 0.3], "val": [0.35, 0.34, 0.29]}

    def make(**changed):
        rows = zip(*(usual | changed).values(), strict=True)
        return [
            make_run(f"{lam:g}", lam=lam, W=templates(size, fineness), accuracy=(train, val))
            for lam, (size, fineness, train, val) in zip((0, 0.1, 1), rows, strict=True)
        ]

    return make


def test_everything_that_the_penalty_should_do_is_found(penalised):
    said = sentences.on_penalty(penalised())
    assert claims(said) == dict.fromkeys(
        ["weights shrink", "templates get smoother", "training accuracy falls", "gap narrows"], True
    )
    assert r"$\lambda = 0, 0.1, 1$" in say(said)
    assert "not" not in say(said)


@pytest.mark.parametrize(
    ("claim", "changed"),
    {
        "weights shrink": {"size": [1, 2, 3]},
        "templates get smoother": {"fineness": [4, 8, 1]},
        "training accuracy falls": {"train": [0.5, 0.5, 0.4], "val": [0.3, 0.35, 0.39]},
        "gap narrows": {"val": [0.49, 0.34, 0.29]},
    }.items(),
)
def test_what_the_penalty_does_not_do_is_denied(penalised, claim, changed):
    said = sentences.on_penalty(penalised(**changed))
    assert [key for key, holds in claims(said).items() if not holds] == [claim]
    assert say(said).count("This does not hold throughout") == 1


def test_the_claims_name_the_first_and_the_last_setting(penalised):
    assert {key.rsplit("/", 1)[0] for key in keys(sentences.on_penalty(penalised()))} == {"lam/0 to 1"}


def test_the_summary_names_what_oscillates_and_what_the_penalty_did(penalised, make_run):
    (trend,) = sentences.in_short(penalised())
    assert "from 0 to 1, the lead of training over validation goes from 15.0 to 1.0 points" in trend
    first, second = sentences.in_short([*penalised(), make_run("l", eta=0.1, cost=[3, 5, 4])])
    assert first == "With $\\eta = 0.1$, $\\lambda = 0$ the step is too long: training oscillates."
    assert second == trend


@pytest.mark.parametrize(("left", "holds"), [([0.9, 0.5, 0.1], True), ([0.1, 0.5, 0.9], False)])
def test_the_first_weights_are_forgotten(make_run, left, holds):
    first = init_network(np.random.default_rng(42)).W
    other = init_network(np.random.default_rng(1)).W
    group = [make_run(str(share), lam=1 - share, W=share * first + (1 - share) * other) for share in left]
    assert claims(sentences.on_noise(group)) == {"first weights are forgotten": holds}


def test_what_is_left_of_the_first_weights_is_measured_by_the_runs_own_seed(make_run):
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
def test_the_test_images_tell_settings_apart_or_not(make_run, ranks, told_apart, says):
    best = make_run("b", accuracy=(0.5, 0.4), test_scores=right_in(0, 18))
    other = make_run("o", lam=0.1, accuracy=(0.5, 0.3), test_scores=right_in(*ranks))
    said = sentences.on_choice([other, best], Y)
    assert claims(said) == {"told apart": told_apart}
    assert keys(said) == ["lam/b and o/told apart"]
    assert says in say(said)


def test_the_validation_images_choose_and_not_the_test_images(make_run):
    by_validation = make_run("v", lam=0.5, accuracy=(0.1, 0.4), test_scores=right_in(0, 2))
    by_test = make_run("t", lam=0.1, accuracy=(0.9, 0.3), test_scores=right_in(0, 18))
    assert r"The validation images choose $\lambda = 0.5$, with 40.00" in say(
        sentences.on_choice([by_test, by_validation], Y)
    )


@pytest.mark.parametrize(
    ("p", "printed"), [(0.384, "= 0.38"), (0.0014, "= 0.0014"), (0.0009, "< 0.001"), (0, "< 0.001")]
)
def test_p_values_are_printed(p, printed):
    assert words.p_value(p) == printed
