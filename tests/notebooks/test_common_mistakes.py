"""Chapter 8: train every mistake on made-up batches; write tables and sentences from made-up accuracies."""

import hashlib

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lib import cifar10, paths
from lib.assignment import BATCHES, SETTINGS
from lib.doctor.accuracies import Spread, sum_up
from lib.doctor.mistakes import ADVICE, RIGHT
from notebooks.common_mistakes import charts, sentences, training
from notebooks.common_mistakes.procedures import EPOCHS, PROCEDURES

WRONG = [name for name in PROCEDURES if name != RIGHT]


@pytest.fixture(scope="module")
def trained(made_up_batches, tmp_path_factory):
    """Train every mistake on the made-up batches with two seeds, and check that a second call reads the cache."""
    folder = tmp_path_factory.mktemp("data")
    for name, content in made_up_batches.items():
        (folder / name).write_bytes(content)
    sums = {name.removesuffix(".bin"): hashlib.sha1(content).hexdigest() for name, content in made_up_batches.items()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cifar10, "SHA1", sums)
        patch.setattr(cifar10, "FOLDER", folder)
        patch.setattr(paths, "RUNS", folder / "runs")
        trained = training.train_all()
        times = {file: file.stat().st_mtime_ns for file in (folder / "runs").iterdir()}
        again = training.train_all()
        assert {file: file.stat().st_mtime_ns for file in (folder / "runs").iterdir()} == times
        assert_array_equal(again["summed"][1]["test"], trained["summed"][1]["test"])
    return trained


# Training


def test_first_seed_of_every_mistake_has_accuracies_of_all_epochs_and_other_seeds_of_the_last(trained):
    assert list(trained) == list(PROCEDURES)
    for seeds in trained.values():
        for arrays, n_epochs in zip(seeds, (len(EPOCHS), 1), strict=True):
            assert {split: arrays[split].shape for split in BATCHES} == dict.fromkeys(
                BATCHES, (n_epochs, len(SETTINGS))
            )
            assert arrays["horse"].shape == (3072, len(SETTINGS))


@pytest.mark.parametrize("name", [name for name in WRONG if name != "pixels-scrambled"])
def test_mistake_in_the_training_changes_the_accuracies_or_the_template(trained, name):
    assert not all(np.array_equal(trained[name][0][key], trained[RIGHT][0][key]) for key in (*BATCHES, "horse"))


@pytest.mark.parametrize(("name", "fresh"), {"trained-on-validation": "val", "trained-on-test": "test"}.items())
def test_training_on_a_held_out_split_raises_the_accuracies_of_that_split_only(trained, name, fresh):
    for split in BATCHES:
        same = np.array_equal(trained[name][0][split], trained[RIGHT][0][split])
        assert same == (split != fresh)
    assert trained[name][0][fresh][-1].mean() > trained[RIGHT][0][fresh][-1].mean()


def test_without_the_penalty_in_the_gradient_the_template_is_the_same_for_every_lam(trained):
    horse = trained["no-penalty"][0]["horse"]
    assert_array_equal(horse[:, 2], horse[:, 1])
    assert_array_equal(horse[:, 3], horse[:, 1])


def test_network_trained_on_shifted_labels_has_low_test_accuracy(trained):
    large = 0  # the index of the setting whose step is large enough for so few images
    assert trained["labels-shifted"][0]["test"][-1, large] < 0.3 < trained[RIGHT][0]["test"][-1, large]


def test_sum_up_gives_mean_and_standard_deviation_over_the_seeds(trained):
    signature = sum_up(trained["sigma-1"])
    assert list(signature) == list(BATCHES)
    for split, spread in signature.items():
        each = np.array([arrays[split][-1] for arrays in trained["sigma-1"]])
        assert_array_equal(spread.seeds, each)
        assert_allclose(spread.mean, each.mean(0))
        assert_allclose(spread.sd, abs(each[0] - each[1]) / np.sqrt(2), atol=1e-12)


# Pictures


@pytest.mark.parametrize("name", ADVICE)
def test_picture_of_a_mistake_holds_the_right_and_the_wrong_curve_or_image(trained, name):
    right, wrong = charts.picture(name, trained)
    assert right.shape == wrong.shape
    assert right.shape in ((len(EPOCHS),), (32, 32, 3))


def test_scrambled_template_has_the_same_weights_in_other_places(trained):
    right, wrong = charts.picture("pixels-scrambled", trained)
    assert abs(right - wrong).max() > 0
    assert_array_equal(np.sort(right, axis=None), np.sort(wrong, axis=None))


def test_figure_has_a_panel_for_each_mistake(trained):
    pictures = charts.pictures(trained)
    fig = charts.mistakes(pictures, EPOCHS)
    shown = [ax.get_title().replace("\n", " ").strip() for ax in fig.axes if ax.get_title()]
    assert shown == list(pictures)


def test_alt_text_has_an_entry_for_each_mistake(trained):
    _, _, alt = sentences.pictures_caption(trained)
    wrong, right = (trained[name][0]["test"][-1, 1] for name in ("bytes", RIGHT))
    assert f"{ADVICE['bytes'].did}: {wrong:.1%} after 40 epochs, right {right:.1%}" in alt
    assert all(f"{advice.did}: " in alt for advice in ADVICE.values())


# Tables and sentences


def made_up(**accuracies):
    """Return signatures of three identical seeds: 0.3 on every split, or on test the accuracies given for a mistake."""

    def spread(values):
        return Spread(mean=values, sd=[0.0] * 4, seeds=[values] * 3)

    usual = [0.3] * 4
    given = {name.replace("_", "-"): values for name, values in accuracies.items()}
    return {name: {split: spread(given.get(name, usual) if split == "test" else usual) for split in BATCHES}
            for name in PROCEDURES}  # fmt: skip


def test_table_prints_accuracies_far_from_the_right_ones_in_bold():
    header, rows, *_ = sentences.accuracies_table(made_up(summed=[0.3, 0.3, 0.25, 0.302]))
    assert [cell.endswith("†") for cell in header] == [False, True, False, False, False]
    cells = {first: rest for first, *rest in rows}
    assert cells["nothing wrong"] == ["30.0"] * 4
    assert cells[ADVICE["summed"].did] == ["30.0", "30.0", "**25.0**", "30.2"]


def test_sentences_give_the_accuracies_with_wrong_initial_weights():
    text = sentences.on_initial_weights(made_up(**{"sigma-0.1": [0, 0.2, 0, 0.3], "sigma-1": [0, 0.1, 0, 0.28]}))
    assert "is 30.0\u00a0% if all is right, 20.0\u00a0% with" in text and "and 10.0\u00a0% with" in text
    assert text.endswith("the three reach 30.0\u00a0%, 30.0\u00a0%, 28.0\u00a0%.")
    assert sentences.on_initial_weights(made_up()).endswith("all three reach 30.0\u00a0%.")


def test_sentences_count_and_name_mistakes_that_leave_no_trace():
    signatures = made_up(**dict.fromkeys([name for name in WRONG if name != "one-mean"], [0.1] * 4))
    finding, *more = sentences.on_traces(signatures)
    assert finding.holds and f"1 leave no trace beyond chance in the test accuracies: *{ADVICE['one-mean'].did}*." in (
        str(finding)
    )
    assert more == [f"No accuracy at all shows: *{ADVICE['one-mean'].did}*."]


def test_finding_does_not_hold_if_every_mistake_leaves_a_trace():
    (finding,) = sentences.on_traces(made_up(**dict.fromkeys(WRONG, [0.1] * 4)))
    assert not finding.holds and str(finding).startswith("Every mistake leaves a trace")


def test_sentence_names_a_mistake_that_only_training_or_validation_accuracies_show():
    signatures = made_up()
    signatures["one-mean"]["val"] = made_up(right=[0.2] * 4)[RIGHT]["test"]
    assert f"Of these, the training or validation accuracies show: *{ADVICE['one-mean'].did}*." in (
        sentences.on_traces(signatures)
    )


def test_change_by_a_wrong_penalty_is_printed_with_its_sign():
    text = sentences.on_penalty(made_up(**{"half-penalty": [0.3, 0.3, 0.3, 0.31], "bias-penalised": [0.2998] * 4}))
    assert "by +1.00 percentage points" in text and "$\\mathbf{b}$ by -0.02." in text


def test_advice_table_has_a_row_for_every_mistake_that_says_where_to_look():
    _, rows, *_ = sentences.advice_table()
    assert ["the factor 2 of 2λW lost", "test accuracy, $\\lambda = 1$", ADVICE["half-penalty"].look] in rows
    assert [row[1] for row in rows if row[0] == ADVICE["sigma-1"].did] == ["template, $\\lambda = 0$"]
    assert len(rows) == len(ADVICE)


def test_table_of_reports_gives_the_doctors_answers_and_sentences_count_them():
    signatures = made_up(**dict.fromkeys(WRONG, [0.1] * 4)) | {"summed": made_up(summed=[0.2] * 4)["summed"]}
    right, wrong = {"a": [30, 30, 30, 30], "b": [90, 90, 90, 90]}, {"c": [20, 20, 20, 20]}
    _, rows, *_ = sentences.reports_table(right, wrong, signatures)
    assert rows == [
        ["a", "30.00 30.00 30.00 30.00", "looks right (over 99 %)"],
        ["b", "90.00 90.00 90.00 90.00", "none of these (over 99 %)"],
        ["c", "20.00 20.00 20.00 20.00", f"{ADVICE['summed'].did} (over 99 %)"],
    ]
    assert sentences.on_reports(right, wrong, signatures) == [
        "Of 2 reports without a known mistake, 1 look right to it.",
        f"Of the 1 with a mistake it says: *{ADVICE['summed'].did} (over 99 %)*.",
    ]


def test_sentences_count_how_often_the_doctor_is_right():
    visible = {name: [0.02 * place] * 4 for place, name in enumerate(WRONG[:-1], 20)}
    text = sentences.on_doctor(made_up(**visible))
    assert "Of 3 right ones it finds 3 right." in text and "while the others predict" in text
    assert f"Of {3 * len(visible)} with a mistake" in text and f"names the mistake in {3 * len(visible)}. Of 3" in text
    confused = sentences.on_doctor(made_up(**visible | {"summed": visible["bytes"]}))
    assert f"; it takes *{ADVICE['summed'].did}* for *{ADVICE['bytes'].did}*" in confused
