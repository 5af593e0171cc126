"""Each injected mistake differs from the right procedure in one thing only, on small made-up data."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lib.assignment import BATCHES, N_BATCH, SETTINGS
from lib.doctor.mistakes import ADVICE, RIGHT
from lib.gradcheck import max_error, torch_gradient
from lib.model import LOSSES, Network, apply_network, backward_pass, scores, softmax
from lib.train import epoch_orders, mini_batch_gd
from notebooks.common_mistakes import procedures
from notebooks.common_mistakes.procedures import PROCEDURES, Procedure

WRONG = [name for name in PROCEDURES if name != RIGHT]
GRADIENTS = [name for name in WRONG if PROCEDURES[name].backward is not backward_pass]


@pytest.fixture
def images():
    """Return images of twelve pixels with different means and deviations, in splits of different sizes."""
    rng = np.random.default_rng(3)
    level = rng.integers(50, 200, 12)
    return {
        split: np.clip(level + rng.normal(0, 20, (n, 12)), 0, 255).astype(np.uint8)
        for split, n in zip(BATCHES, (40, 30, 20), strict=True)
    }


# All mistakes


def test_there_are_at_least_twelve_mistakes_with_different_advice():
    assert len(WRONG) >= 12
    assert list(ADVICE) == WRONG
    assert len({advice.did for advice in ADVICE.values()}) == len(ADVICE)


@pytest.mark.parametrize("name", WRONG)
def test_each_mistake_changes_one_step_of_the_procedure(name):
    pairs = zip(PROCEDURES[name], Procedure(), strict=True)
    changed = [value for value, right in pairs if value != right]
    both_sides = {"softmax-over-images": 2, "pixels-scrambled": 0}  # training and prediction; only the picture
    assert len(changed) == both_sides.get(name, 1)


# Preparing the images


def test_right_inputs_have_mean_0_and_standard_deviation_1_over_the_training_images(images):
    X = procedures.per_pixel(images)
    assert_allclose(X["train"].mean(0), 0, atol=1e-5)
    assert_allclose(X["train"].std(0), 1, atol=1e-5)
    assert abs(X["test"].mean(0)).max() > 1e-3


def test_bytes_as_they_are_are_not_scaled(images):
    for split, X in procedures.bytes_as_they_are(images).items():
        assert_array_equal(X, images[split])


def test_pixels_that_are_not_normalised_are_scaled_to_the_range_0_to_1(images):
    for split, X in procedures.not_normalised(images).items():
        assert_allclose(255 * X, images[split], rtol=1e-6)


def test_normalisation_by_one_mean_leaves_different_means_for_the_pixels(images):
    X = procedures.by_one_mean(images)["train"]
    assert_allclose((X.mean(dtype=float), X.std(dtype=float)), (0, 1), atol=1e-5)
    assert X.mean(0).std() > 0.1


def test_normalisation_along_the_wrong_axis_gives_each_image_mean_0(images):
    for X in procedures.per_image(images).values():
        assert_allclose(X.mean(1), 0, atol=1e-5)
        assert_allclose(X.std(1), 1, atol=1e-5)
        assert abs(X.mean(0)).max() > 0.1


def test_normalising_each_split_by_its_own_mean_changes_only_the_held_out_splits(images):
    wrong, right = procedures.per_split(images), procedures.per_pixel(images)
    assert_array_equal(wrong["train"], right["train"])
    for split in ("val", "test"):
        assert_allclose(wrong[split].mean(0), 0, atol=1e-5)
        assert abs(right[split].mean(0)).max() > 1e-3


@pytest.mark.parametrize("prepare", {procedure.prepare for procedure in PROCEDURES.values()})
def test_prepared_inputs_are_float32_and_have_the_shape_of_the_images(prepare, images):
    for split, X in prepare(images).items():
        assert (X.dtype, X.shape) == (np.float32, images[split].shape)


# Gradients


def gradients(problem, backward, name="softmax"):
    loss = LOSSES[name]
    given = problem.X, problem.y, apply_network(problem.X, problem.net, loss), problem.net, problem.lam, loss
    return backward_pass(*given), backward(*given)


def penalty(problem):
    return 2 * np.asarray(problem.lam)[..., None] * problem.net.W


@pytest.mark.parametrize("name", LOSSES)
def test_summed_gradient_is_n_times_the_mean_gradient_plus_the_right_penalty(problem, name):
    right, wrong = gradients(problem, procedures.summed, name)
    n = len(problem.y)
    assert_allclose(wrong.W - penalty(problem), n * (right.W - penalty(problem)), rtol=1e-9)
    assert_allclose(wrong.b, n * right.b, rtol=1e-9)


@pytest.mark.parametrize(("name", "left"), {"half-penalty": 0.5, "no-penalty": 0.0}.items())
def test_half_or_no_penalty_changes_only_the_penalty_term_of_the_gradient(problem, name, left):
    right, wrong = gradients(problem, PROCEDURES[name].backward)
    assert_allclose(right.W - wrong.W, (1 - left) * penalty(problem), rtol=1e-9)
    assert_array_equal(wrong.b, right.b)


def test_penalised_bias_changes_only_the_gradient_of_the_bias(problem):
    right, wrong = gradients(problem, procedures.bias_penalised)
    assert_array_equal(wrong.W, right.W)
    assert_allclose(wrong.b - right.b, 2 * np.asarray(problem.lam)[..., None] * problem.net.b, rtol=1e-9)


def test_softmax_over_images_sums_to_1_over_the_images_instead_of_the_classes(problem):
    S = scores(problem.X, problem.net)
    P = procedures.softmax_over_images(S)
    assert P.shape == S.shape
    assert_allclose(P.sum(0), 1)
    assert_allclose(np.exp(S) / np.exp(S).sum(0), P, rtol=1e-9)
    assert abs(P - softmax(S)).max() > 0.1


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradient_check_detects_every_wrong_gradient(single, name):
    right = torch_gradient(single.X, single.y, single.net, single.lam)
    assert max(max_error(gradients(single, backward_pass)[1], right)) < 1e-6
    assert max(max_error(gradients(single, PROCEDURES[name].backward)[1], right)) > 1e-3


def test_penalised_bias_has_the_right_gradient_if_the_bias_is_0(single):
    right, wrong = gradients(single._replace(net=Network(single.net.W, 0 * single.net.b)), procedures.bias_penalised)
    assert_array_equal(wrong.b, right.b)


def test_mini_batch_gd_uses_the_given_backward_function(single):
    def run(**how):
        orders = epoch_orders(np.random.default_rng(0), len(single.y), 2)
        return mini_batch_gd(single.X, single.y, single.net, eta=0.1, lam=0.7, n_batch=3, orders=orders, **how)

    assert_array_equal(run(backward=backward_pass).W, run().W)
    assert abs(run(backward=procedures.summed).W - run().W).max() > 1e-3


def test_shifted_labels_are_the_labels_of_the_previous_batch():
    y = np.arange(3 * N_BATCH)
    assert_array_equal(procedures.of_the_batch_before(y)[N_BATCH:], y[:-N_BATCH])


def test_every_picture_shows_a_setting_with_the_small_step():
    assert {SETTINGS[advice.setting][0] for advice in ADVICE.values()} == {SETTINGS[-1][0]}
