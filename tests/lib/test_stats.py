"""Statistics, compared with their definitions."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from lib.stats import (
    confident_errors,
    confusion,
    mcnemar,
    mean_and_deviation,
    paired_p,
    proportions_p,
    smoothness,
    wilson,
)

truths = arrays(bool, 30)


def stripes(period):
    """Return one template whose rows are sine waves in every colour plane."""
    return np.tile(np.sin(2 * np.pi * np.arange(32) / period), 96)[:, None]


def test_smoothness_of_independent_noise_is_0():
    assert abs(smoothness(np.random.default_rng(0).standard_normal((3072, 10)))) < 0.01


def test_smoothness_of_a_ramp_is_nearly_1():
    row, column = np.mgrid[:32, :32]
    assert smoothness(np.tile((row + column).ravel(), 3)[:, None].astype(float)) > 0.9


def test_smoothness_of_a_chequerboard_is_minus_1():
    row, column = np.mgrid[:32, :32]
    assert smoothness(np.tile((-1.0) ** (row + column).ravel(), 3)[:, None]) == -1


def test_finer_detail_is_less_smooth():
    values = [smoothness(stripes(period)) for period in (32, 16, 8, 4)]
    assert values == sorted(values, reverse=True)


def test_smoothness_is_the_correlation_of_neighbours():
    W = np.random.default_rng(0).standard_normal((3072, 4)).cumsum(0)  # a random walk, so that neighbours are similar
    pairs = []
    for template in W.T:
        for plane in template.reshape(3, 32, 32):
            plane = plane - plane.mean()
            pairs += [(plane[r, c], plane[r, c + 1]) for r in range(32) for c in range(31)]
            pairs += [(plane[r, c], plane[r + 1, c]) for r in range(31) for c in range(32)]
    assert_allclose(smoothness(W), np.corrcoef(np.array(pairs).T)[0, 1], atol=0.03)


def test_scale_and_offset_do_not_change_smoothness():
    W = stripes(8)
    assert_allclose(smoothness(100 + 7 * W), smoothness(W))


def test_smoothness_ignores_differences_between_colours():
    planes = np.repeat([1.0, -5.0, 9.0], 1024)  # constant colour planes: their borders are not detail
    noise = np.random.default_rng(0).standard_normal(3072)
    assert_allclose(smoothness((planes + noise)[:, None]), smoothness(noise[:, None]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_mean_and_deviation_agree_with_numpy_in_double_precision(dtype):
    x = np.random.default_rng(0).normal(3, 0.1, (200, 30)).astype(dtype)
    double = x.astype(np.float64)
    assert mean_and_deviation(x) == pytest.approx((double.mean(), double.std()), rel=1e-11)


@given(arrays(int, (2, 40), elements=st.integers(0, 4)))
def test_confusion_counts_each_pair_of_true_and_predicted_class(labels):
    y, predicted = labels
    counts = np.zeros((5, 5), int)
    for true, answer in zip(y, predicted, strict=True):
        counts[true, answer] += 1
    assert_array_equal(confusion(y, predicted, 5), counts)


P = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.7, 0.3], [0.2, 0.8]])
Y = np.array([1, 0, 1, 1, 0])


@pytest.mark.parametrize(("count", "indices"), [(0, []), (2, [0, 1]), (10, [0, 1, 4, 3])])
def test_most_confident_errors_come_first(count, indices):
    assert confident_errors(P, Y, count).tolist() == indices


def test_equally_confident_errors_keep_their_order():
    confidence = np.tile([0.9, 0.6, 0.7], 200)
    indices = confident_errors(np.stack([confidence, 1 - confidence], 1), np.ones(600, int), 600)
    assert indices.tolist() == sorted(range(600), key=lambda i: -confidence[i])


def test_without_errors_there_are_no_confident_errors():
    assert confident_errors(P, P.argmax(1), 10).tolist() == []


def two_classifiers(both, first, second, neither):
    """Return two classifiers' booleans, given the numbers of images that both, one or neither has right."""
    correct = np.repeat([True, True, False, False], [both, first, second, neither])
    return correct, np.repeat([True, False, True, False], [both, first, second, neither])


@pytest.mark.parametrize(("first", "second"), [(1, 0), (3, 1), (5, 5), (10, 2), (0, 20)])
def test_mcnemar_doubles_the_tail_of_the_binomial_distribution(first, second):
    n = first + second
    tail = sum(math.comb(n, k) for k in range(max(first, second), n + 1)) / 2**n
    assert_allclose(mcnemar(*two_classifiers(50, first, second, 40)), min(1, 2 * tail))


@given(truths, truths)
def test_mcnemar_is_symmetric(correct, other):
    assert mcnemar(correct, other) == mcnemar(other, correct)


@given(truths)
def test_mcnemar_of_equal_predictions_is_1(correct):
    assert mcnemar(correct, correct) == 1


def test_mcnemar_ignores_images_that_both_or_neither_have_right():
    assert mcnemar(*two_classifiers(0, 10, 2, 0)) == mcnemar(*two_classifiers(500, 10, 2, 900))


@pytest.mark.parametrize(
    ("right", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_interval_agrees_with_the_literature(right, n, low, high):
    """Source: Newcombe, Statistics in Medicine 17, 1998, Table I, method 3."""
    assert_allclose(wilson(right / n, n), (low, high), atol=5e-5)


counts = st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(counts, st.sampled_from([0.5, 0.95, 1 - 1e-6]))
def test_wilson_interval_contains_exactly_what_the_normal_test_does_not_reject(count, confidence):
    right, n = count
    z = stats.norm.isf((1 - confidence) / 2)
    for limit, extreme in zip(wilson(right / n, n, confidence), (0, n), strict=True):
        if right == extreme:
            assert_allclose(limit, extreme / n, atol=1e-12)
        else:
            assert_allclose(abs(right / n - limit), z * math.sqrt(limit * (1 - limit) / n), rtol=1e-6)


@given(counts)
def test_wilson_interval_contains_the_fraction_and_lies_in_0_to_1(count):
    right, n = count
    low, high = wilson(right / n, n)
    assert 0 <= low <= right / n <= high <= 1


def test_wilson_interval_of_no_or_all_successes_is_not_a_point():
    z2 = stats.norm.isf(0.025) ** 2
    assert_allclose(wilson(0, 10), (0, z2 / (10 + z2)), atol=1e-12)
    assert_allclose(wilson(1, 10), (10 / (10 + z2), 1), atol=1e-12)


def test_wilson_interval_is_narrower_for_more_images_or_less_confidence():
    intervals = [wilson(0.4, 100, 0.99), wilson(0.4, 100), wilson(0.4, 10_000)]
    widths = [high - low for low, high in intervals]
    assert widths == sorted(widths, reverse=True)


pairs = arrays(float, (2, 8), elements=st.integers(0, 20).map(lambda percent: percent / 10))


def varies(values):
    """Return whether the differences vary. If their deviation is 0, t is undefined."""
    return np.ptp(np.round(values[0] - values[1], 6)) > 0


@given(pairs.filter(varies))
def test_paired_test_is_students_t_test_on_the_differences(values):
    first, second = values
    d = first - second
    t = d.mean() / (d.std(ddof=1) / math.sqrt(len(d)))
    assert_allclose(paired_p(first, second), 2 * stats.t.sf(abs(t), len(d) - 1), rtol=1e-9)
    assert_allclose(paired_p(first, second), stats.ttest_rel(first, second).pvalue)
    assert_allclose(paired_p(first, second), stats.ttest_1samp(d, 0).pvalue, rtol=1e-9)


@given(pairs.filter(varies))
def test_paired_test_is_symmetric(values):
    assert_allclose(paired_p(*values), paired_p(*values[::-1]))


@given(arrays(float, 5, elements=st.floats(0, 1)))
def test_paired_test_of_equal_values_is_1(values):
    assert paired_p(values, values.copy()) == 1


def test_paired_test_ignores_variation_that_both_values_of_a_pair_share():
    """The same small gain for every seed is evidence, although the values vary more between the seeds."""
    seeds, gain = np.array([0.30, 0.35, 0.40, 0.45]), np.array([0.010, 0.011, 0.009, 0.010])
    assert paired_p(seeds + gain, seeds) < 0.001
    assert stats.ttest_ind(seeds + gain, seeds).pvalue > 0.5


def test_p_value_of_two_proportions_matches_the_normal_test():
    pooled = 0.415
    z = 0.03 / np.sqrt(pooled * (1 - pooled) * 2 / 10_000)
    assert_allclose(proportions_p(0.4, 10_000, 0.43, 10_000), 2 * stats.norm.sf(z), rtol=1e-9)


@pytest.mark.parametrize("fraction", [0, 1])
def test_p_value_of_two_proportions_is_1_if_all_or_no_trials_succeed(fraction):
    assert proportions_p(fraction, 10, fraction, 20) == 1
