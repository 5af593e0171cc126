"""The committed results.json: its structure and findings, the published values, and a new run on the real data."""

import json
import math
import re

import numpy as np
import pytest

from lib import cifar10, paths, published, stats
from lib.model import init_network, stack
from lib.runs import seeds, settings
from lib.runs.splits import load_splits
from lib.train import History, epoch_orders, evaluate, mini_batch_gd
from notebooks.reproduction.conclusions import FAILS, HOLDS, OPEN

RESULTS = json.loads((paths.REPORT / "results.json").read_text())
REFERENCE = published.read()
SETTINGS = {setting.name: setting for setting in settings.read_all()}
STACKED = [name for name, setting in SETTINGS.items() if setting.eta == 0.001]
MEASURES = {"loss", "cost", "accuracy"}
every_setting = pytest.mark.parametrize("name", SETTINGS)
every_stacked = pytest.mark.parametrize(("place", "name"), list(enumerate(STACKED)), ids=STACKED)

CLAIMS = {
    "test batch is balanced": True,
    "gradient check replayed to the digit": True,
    "reference replayed to the digit": True,
    "course checkpoints to the digit": True,
    "eta0.001-lam0/training is steady": True,
    "eta0.001-lam0.1/training is steady": True,
    "eta0.001-lam1/training is steady": True,
    "eta0.1-lam0/training is steady": False,
    "eta/eta0.001-lam0 and eta0.1-lam0/the larger step oscillates": True,
    "eta/eta0.001-lam0 and eta0.1-lam0/the larger step costs more than knowing nothing": True,
    "lam/eta0.001-lam0 to eta0.001-lam1/weights shrink": True,
    "lam/eta0.001-lam0 to eta0.001-lam1/templates get smoother": True,
    "lam/eta0.001-lam0 to eta0.001-lam1/training accuracy falls": True,
    "lam/eta0.001-lam0 to eta0.001-lam1/gap narrows": True,
    "lam/eta0.001-lam0 to eta0.001-lam1/first weights are forgotten": True,
    "lam/eta0.001-lam0.1 and eta0.001-lam0/told apart": False,
    "lam/eta0.001-lam0.1 and eta0.001-lam1/told apart": True,
    "improvements/together beats each alone": True,
    "improvements/beats the best softmax report": True,
    "improvements/the penalty hardly matters": True,
    "bce/needs a larger eta": True,
    "bce/overfitting differs": True,
    "bce/neither validation loss has turned up by much": True,
    "bce/the sigmoids still learn at the end": True,
    "bce/beats the best report": True,
    "bce/sigmoids are less sure than right": True,
    "mistakes/some leave no trace in the test accuracy": True,
}
MACHINE_DEPENDENT = {"two threads change nothing", "speed/ratios are steadier"}  # on cores, BLAS and load

# The verdicts on the eight conclusions of the reference, in its order.
VERDICTS = [FAILS, FAILS, FAILS, HOLDS, OPEN, HOLDS, OPEN, OPEN]


def flatten(nested, prefix=""):
    if not isinstance(nested, dict):
        return {prefix: nested}
    return {
        key: value
        for name in nested
        for key, value in flatten(nested[name], f"{prefix}/{name}" if prefix else name).items()
    }


# The structure of the file


def test_results_have_the_settings_of_the_yaml_files():
    given = {name: setting.model_dump(exclude={"name"}) for name, setting in SETTINGS.items()}
    assert {name: {key: result[key] for key in given[name]} for name, result in RESULTS["settings"].items()} == given


@every_setting
def test_history_has_every_measure_in_every_epoch(name):
    result = RESULTS["settings"][name]
    assert set(result["history"]) == {"train", "val"}
    for measures in result["history"].values():
        assert set(measures) == MEASURES
        assert {len(values) for values in measures.values()} == {result["n_epochs"]}
    assert set(result["test"]) == {"loss", "accuracy"}


@every_setting
def test_accuracies_are_fractions_and_losses_finite(name):
    for key, value in flatten({key: RESULTS["settings"][name][key] for key in ("history", "test")}).items():
        assert np.isfinite(value).all(), key
        assert np.min(value) >= 0, key
        assert np.max(value) <= (1 if key.endswith("accuracy") else np.inf), key


@every_setting
def test_cost_exceeds_the_loss_exactly_if_there_is_a_penalty(name):
    result = RESULTS["settings"][name]
    for measures in result["history"].values():
        loss, cost = np.array(measures["loss"]), np.array(measures["cost"])
        assert (cost > loss).all() if result["lam"] else (cost == loss).all()


@every_setting
def test_cost_minus_loss_is_the_same_on_training_and_validation_data(name):
    train, val = (
        {m: np.array(values) for m, values in RESULTS["settings"][name]["history"][s].items()} for s in ("train", "val")
    )
    np.testing.assert_allclose(train["cost"] - train["loss"], val["cost"] - val["loss"], atol=1e-9)


def test_checksums_of_the_data_are_the_official_ones():
    official = {file.removesuffix(".bin"): digest for file, digest in REFERENCE["data"]["files_sha1"].items()}
    assert RESULTS["provenance"]["data"] == cifar10.SHA1 == official


# Findings


def test_findings_of_the_report_hold_or_fail_as_listed():
    assert {key: holds for key, holds in flatten(RESULTS["claims"]).items() if key not in MACHINE_DEPENDENT} == CLAIMS


def test_gradient_agrees_with_pytorch_and_with_central_differences():
    for case in RESULTS["gradient_check"]["cases"]:
        assert max(case["torch"]) < 1e-9, case
        assert max(case["numerical"]) < 1e-5, case


def test_errors_of_wrong_gradients_are_a_million_times_that_of_the_right_one():
    errors = dict(RESULTS["gradient_check"]["mistakes"])
    right = errors.pop("right gradient")
    assert len(errors) >= 4
    assert min(errors.values()) > 1e6 * right


def test_replayed_gradient_check_equals_the_published_one_to_the_digit():
    published = REFERENCE["reference_report"]["gradient_check"]["max_relative_error"]
    assert {p: f"{error:.2e}" for p, error in RESULTS["gradient_check"]["replayed"].items()} == {
        p: f"{error:.2e}" for p, error in published.items()
    }


# Published accuracies


def published_row(section, key, name):
    setting = SETTINGS[name]
    (row,) = [row for row in REFERENCE[section][key] if (row["eta"], row["lam"]) == (setting.eta, setting.lam)]
    return row


def in_percent(fraction):
    return round(100 * fraction, 2)


@pytest.mark.parametrize("name", STACKED)
def test_training_accuracies_equal_the_published_ones_to_the_digit(name):
    accuracy = RESULTS["settings"][name]["history"]["train"]["accuracy"]
    assert [in_percent(accuracy[epoch]) for epoch in (0, -1)] == published_row("reference_report", "settings", name)[
        "train"
    ]


@pytest.mark.parametrize("name", STACKED)
def test_held_out_accuracies_equal_the_ones_measured_in_float64_to_the_digit(name):
    result = RESULTS["settings"][name]
    measured = published_row("procedure_of_the_reference", "measured_float64", name)["held_out"]
    assert in_percent(result["history"]["val"]["accuracy"][-1]) == measured["val"]
    assert in_percent(result["test"]["accuracy"]) == measured["test"]


@every_setting
def test_final_accuracies_are_within_the_published_spread_over_seeds(name):
    """Allow five standard deviations over eight seeds. At eta = 0.1 rounding decides, so less might fail."""
    spread, result = published_spread(name), RESULTS["settings"][name]
    final = {split: result["history"][split]["accuracy"][-1] for split in ("train", "val")} | {
        "test": result["test"]["accuracy"]
    }
    for split, accuracy in final.items():
        mean, deviation = spread[split]
        assert abs(100 * accuracy - mean) < 5 * deviation, split


def published_spread(name):
    setting = SETTINGS[name]
    (row,) = [row for row in REFERENCE["spread_over_seeds"] if (row["eta"], row["lam"]) == (setting.eta, setting.lam)]
    return row


# The replay


@pytest.mark.parametrize("name", STACKED)
@pytest.mark.parametrize("column", ["train", "test"])
def test_replayed_accuracies_equal_the_published_ones_to_the_digit(name, column):
    figures = RESULTS["reproduction"]["figures"][name][column]
    assert figures["published"] == published_row("reference_report", "settings", name)[column]
    assert [round(replayed, 2) for replayed in figures["replayed"]] == figures["published"]
    assert figures["equal"] == [True, True]


def test_replayed_checkpoints_equal_those_of_the_course_to_the_digit():
    checkpoints = RESULTS["reproduction"]["checkpoints"]
    assert len(checkpoints) == 5
    for name, figures in checkpoints.items():
        assert published.equal_to_the_digit(figures["replayed"], figures["known"]), name
        assert figures["equal"] is True


def test_conclusions_of_the_reference_report_hold_or_fail_as_listed():
    judged = RESULTS["reproduction"]["claims"]
    assert [verdict["claim"] for verdict in judged] == REFERENCE["reference_report"]["claims"]
    assert [verdict["verdict"] for verdict in judged] == VERDICTS


def test_single_and_double_precision_end_more_than_ten_images_apart_at_large_eta():
    final = RESULTS["reproduction"]["chaos"]
    assert abs(final["single precision"] - final["double precision"]) > 0.001  # ten images


# The spread over seeds


@every_setting
def test_every_setting_has_every_measure_for_every_seed(name):
    figures = {measure: RESULTS["seeds"][name][measure] for measure in ("train", "val", "test", "smoothness")}
    assert {len(values) for values in figures.values()} == {len(seeds.SEEDS)}
    assert all(0 < value < 1 for values in figures.values() for value in values)


@every_setting
def test_interval_of_the_test_accuracy_is_the_wilson_interval(name):
    interval = stats.wilson(RESULTS["settings"][name]["test"]["accuracy"], 10_000)
    np.testing.assert_allclose(RESULTS["seeds"][name]["test_interval"], interval, rtol=1e-9)


@every_setting
def test_mean_over_seeds_agrees_with_the_published_mean(name):
    """Allow four standard errors of the difference between our ten seeds and the eight published ones."""
    for split in ("train", "val", "test"):
        mean, deviation = published_spread(name)[split]
        ours = 100 * np.array(RESULTS["seeds"][name][split])
        assert abs(ours.mean() - mean) < 4 * deviation * (1 / 8 + 1 / len(ours)) ** 0.5, split


# A new run


@pytest.fixture(scope="module")
def fresh():
    """Train the settings with eta = 0.001 as one stack. Return the history and the measures on the test images."""
    splits, lam = load_splits(), np.array([SETTINGS[name].lam for name in STACKED])
    nets = stack([init_network(np.random.default_rng(42))] * len(STACKED))
    orders = epoch_orders(np.random.default_rng(42), len(splits.train[1]), 40)
    history = History({"train": splits.train, "val": splits.val}, lam)
    net = mini_batch_gd(*splits.train, nets, eta=0.001, lam=lam, n_batch=100, orders=orders, on_epoch=history)
    return history, evaluate(*splits.test.open(), net, lam)


@every_stacked
def test_new_run_gives_the_committed_history(fresh, place, name):
    history, _ = fresh
    for split, measures in RESULTS["settings"][name]["history"].items():
        for measure, values in measures.items():
            np.testing.assert_allclose(
                history[split][measure][:, place], values, atol=1e-4, err_msg=f"{split} {measure}"
            )


@every_stacked
def test_new_run_gives_the_committed_test_measures(fresh, place, name):
    _, test = fresh
    for measure, value in RESULTS["settings"][name]["test"].items():
        assert math.isclose(test[measure][place], value, abs_tol=1e-4), measure


@every_stacked
def test_new_run_gives_the_published_accuracies_to_the_digit(fresh, place, name):
    history, test = fresh
    train = history["train"]["accuracy"][:, place]
    assert [in_percent(train[epoch]) for epoch in (0, -1)] == published_row("reference_report", "settings", name)[
        "train"
    ]
    measured = published_row("procedure_of_the_reference", "measured_float64", name)["held_out"]
    assert in_percent(test["accuracy"][place]) == measured["test"]


# README


@every_setting
def test_table_in_the_readme_has_the_committed_accuracies(name):
    title = re.compile(rf"\| {re.escape(SETTINGS[name].plain_title)}(?![.\d])")
    (row,) = filter(title.match, (paths.ROOT / "README.md").read_text().splitlines())
    result = RESULTS["settings"][name]
    train, val = (result["history"][split]["accuracy"] for split in ("train", "val"))
    expected = [f"{100 * accuracy:.2f}" for accuracy in (train[0], train[-1], val[-1], result["test"]["accuracy"])]
    assert re.findall(r"([\d.]+)\W*%", row) == expected


def test_readme_has_the_committed_accuracies_of_the_improved_networks():
    readme = " ".join((paths.ROOT / "README.md").read_text().split())
    softmax, bce = (100 * RESULTS[chapter]["best"]["test"]["accuracy"] for chapter in ("improvements", "bce"))
    assert f"reaches {softmax:.2f} % on test, and {bce:.2f} % with ten sigmoids" in readme


def test_table_in_the_readme_lists_the_settings_in_the_order_of_the_report():
    readme = (paths.ROOT / "README.md").read_text()
    places = [readme.index(f"| {setting.plain_title} ") for setting in SETTINGS.values()]
    assert places == sorted(places)
