"""Calibration of predictions whose calibration error is known."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from lib.stats import reliability


def answers(confidences, correct, K=4):
    """Return P (N, K) with `confidences` as largest entries, and labels that make the predictions `correct` or not."""
    P = np.repeat((1 - np.asarray(confidences, float))[:, None] / (K - 1), K, axis=1)
    predicted = np.arange(len(P)) % K
    P[np.arange(len(P)), predicted] = confidences
    return P, np.where(correct, predicted, (predicted + 1) % K)


def test_every_prediction_is_in_exactly_one_bin():
    rng = np.random.default_rng(0)
    P, y = answers(rng.uniform(0.5, 1, 200), rng.random(200) < 0.5)
    assert reliability(P, y).size.sum() == 200


def test_bin_has_the_mean_confidence_and_the_accuracy():
    size, confidence, accuracy = reliability(*answers([0.51, 0.55, 0.91], [True, False, True]), n_bins=10)
    assert size.tolist() == [0, 0, 0, 0, 0, 2, 0, 0, 0, 1]
    assert_allclose([confidence[5], confidence[9], accuracy[5], accuracy[9]], [0.53, 0.91, 0.5, 1])
    assert np.isnan(confidence[0])


def test_prediction_with_confidence_1_is_in_the_last_bin():
    assert reliability(*answers([1.0], [True]), n_bins=5).size.tolist() == [0, 0, 0, 0, 1]


def test_calibration_error_is_the_weighted_mean_of_the_gaps():
    # Three predictions have confidence 0.95 and accuracy 2/3, the fourth 0.55 and 1.
    bins = reliability(*answers([0.95, 0.95, 0.95, 0.55], [True, True, False, True]), n_bins=10)
    assert bins.error == pytest.approx((3 * (0.95 - 2 / 3) + (1 - 0.55)) / 4)


def test_calibrated_predictions_have_calibration_error_0():
    assert reliability(*answers([0.75] * 400, np.arange(400) % 4 > 0)).error == pytest.approx(0)


def test_rows_of_probabilities_need_not_sum_to_1():
    assert reliability(np.array([[0.9, 0.8], [0.1, 0.05]]), np.array([0, 0]), n_bins=2).size.tolist() == [1, 1]
