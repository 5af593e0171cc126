"""The measures against their definitions."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

from lib.stats import confident_errors, confusion, mcnemar, smoothness

truths = arrays(bool, 30)


def stripes(period):
    """One template whose every plane is a sine along its rows."""
    return np.tile(np.sin(2 * np.pi * np.arange(32) / period), 96)[:, None]


def test_independent_noise_has_no_smoothness():
    assert abs(smoothness(np.random.default_rng(0).standard_normal((3072, 10)))) < 0.01


def test_a_ramp_is_nearly_as_smooth_as_can_be():
    row, column = np.mgrid[:32, :32]
    assert smoothness(np.tile((row + column).ravel(), 3)[:, None].astype(float)) > 0.9


def test_a_chequerboard_is_as_rough_as_can_be():
    row, column = np.mgrid[:32, :32]
    assert smoothness(np.tile((-1.0) ** (row + column).ravel(), 3)[:, None]) == -1


def test_finer_detail_is_less_smooth():
    values = [smoothness(stripes(period)) for period in (32, 16, 8, 4)]
    assert values == sorted(values, reverse=True)


def test_smoothness_is_the_correlation_of_neighbours():
    W = np.random.default_rng(0).standard_normal((3072, 4)).cumsum(0)  # a random walk: neighbours resemble each other
    pairs = []
    for template in W.T:
        for plane in template.reshape(3, 32, 32):
            plane = plane - plane.mean()
            pairs += [(plane[r, c], plane[r, c + 1]) for r in range(32) for c in range(31)]
            pairs += [(plane[r, c], plane[r + 1, c]) for r in range(31) for c in range(32)]
    assert_allclose(smoothness(W), np.corrcoef(np.array(pairs).T)[0, 1], atol=0.03)


def test_neither_scale_nor_offset_changes_smoothness():
    W = stripes(8)
    assert_allclose(smoothness(100 + 7 * W), smoothness(W))


def test_smoothness_looks_within_each_colour_alone():
    planes = np.repeat([1.0, -5.0, 9.0], 1024)  # constant colours: their borders are no detail
    noise = np.random.default_rng(0).standard_normal(3072)
    assert_allclose(smoothness((planes + noise)[:, None]), smoothness(noise[:, None]))


@given(arrays(int, (2, 40), elements=st.integers(0, 4)))
def test_confusion_counts_each_pair_of_truth_and_answer(labels):
    y, predicted = labels
    counts = np.zeros((5, 5), int)
    for true, answer in zip(y, predicted, strict=True):
        counts[true, answer] += 1
    assert_array_equal(confusion(y, predicted, 5), counts)


P = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.7, 0.3], [0.2, 0.8]])
Y = np.array([1, 0, 1, 1, 0])


@pytest.mark.parametrize(("count", "found"), [(0, []), (2, [0, 1]), (10, [0, 1, 4, 3])])
def test_the_surest_errors_come_first_and_the_earlier_of_equals(count, found):
    assert confident_errors(P, Y, count).tolist() == found


def test_equally_sure_errors_keep_their_order():
    confidence = np.tile([0.9, 0.6, 0.7], 200)
    found = confident_errors(np.stack([confidence, 1 - confidence], 1), np.ones(600, int), 600)
    assert found.tolist() == sorted(range(600), key=lambda i: -confidence[i])


def test_who_makes_no_error_makes_no_confident_one():
    assert confident_errors(P, P.argmax(1), 10).tolist() == []


def two_classifiers(both, first, second, neither):
    """As many images as said, which both, the first alone, the second alone, or neither name correctly."""
    correct = np.repeat([True, True, False, False], [both, first, second, neither])
    return correct, np.repeat([True, False, True, False], [both, first, second, neither])


@pytest.mark.parametrize(("first", "second"), [(1, 0), (3, 1), (5, 5), (10, 2), (0, 20)])
def test_mcnemar_doubles_the_tail_of_the_binomial_distribution(first, second):
    n = first + second
    tail = sum(math.comb(n, k) for k in range(max(first, second), n + 1)) / 2**n
    assert_allclose(mcnemar(*two_classifiers(50, first, second, 40)), min(1, 2 * tail))


@given(truths, truths)
def test_mcnemar_does_not_mind_who_is_first(correct, other):
    assert mcnemar(correct, other) == mcnemar(other, correct)


@given(truths)
def test_equal_answers_cannot_be_told_apart(correct):
    assert mcnemar(correct, correct) == 1


def test_images_that_both_name_or_neither_tell_nothing():
    assert mcnemar(*two_classifiers(0, 10, 2, 0)) == mcnemar(*two_classifiers(500, 10, 2, 900))
