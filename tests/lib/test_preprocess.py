"""Standardise images, mirror them, and encode labels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

from lib.preprocess import FLIP, Standardiser, one_hot

any_images = arrays(np.uint8, st.tuples(st.integers(1, 20), st.integers(1, 4)))


@given(any_images)
def test_mean_and_deviation_agree_with_numpy(images):
    scaled = images / 255
    mean, std = Standardiser.fit(images)
    assert_allclose(mean, scaled.mean(0), rtol=1e-12)
    varies = images.min(0) < images.max(0)
    assert_allclose(std[varies], scaled.std(0)[varies], rtol=1e-9)


@given(any_images)
def test_fitted_images_have_mean_0_and_deviation_1(images):
    X = Standardiser.fit(images).apply(images, np.float64)
    assert_allclose(X.mean(0), 0, atol=1e-9)
    assert_allclose(X.std(0), images.min(0) < images.max(0), atol=1e-9)  # 0 where the pixel is constant


@pytest.mark.parametrize("value", [0, 1, 77, 255])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_constant_pixel_becomes_0(value, dtype):
    images = np.full((9, 2), value, np.uint8)
    assert_allclose(Standardiser.fit(images).apply(images, dtype), 0, atol=np.finfo(dtype).eps)


@given(any_images, st.randoms(use_true_random=False))
def test_fit_is_bitwise_identical_for_any_order_of_the_images(images, random):
    order = random.sample(range(len(images)), len(images))
    for a, b in zip(Standardiser.fit(images), Standardiser.fit(images[order]), strict=True):
        assert_array_equal(a, b)


def test_other_split_is_standardised_with_the_fitted_statistics():
    train, test = np.array([[0], [255]], np.uint8), np.array([[255], [255]], np.uint8)
    assert_array_equal(Standardiser.fit(train).apply(test), [[1], [1]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_inputs_have_the_requested_dtype_and_images_are_unchanged(dtype):
    images = np.arange(12, dtype=np.uint8).reshape(4, 3)
    before = images.copy()
    assert Standardiser.fit(images).apply(images, dtype).dtype == dtype
    assert_array_equal(images, before)


def test_fifty_thousand_white_images_do_not_overflow_the_sums():
    images = np.broadcast_to(np.uint8(255), (50_000, 1))
    assert [float(value[0]) for value in Standardiser.fit(images)] == [1, 1]


def test_flip_mirrors_each_image_left_to_right():
    X = np.random.default_rng(0).random((2, 3072))
    assert_array_equal(X[:, FLIP], X.reshape(2, 3, 32, 32)[:, :, :, ::-1].reshape(2, 3072))


def test_flipping_twice_returns_the_image():
    assert_array_equal(FLIP[FLIP], np.arange(3072))


@given(arrays(np.int64, st.integers(0, 9), elements=st.integers(0, 6)))
def test_one_hot_has_a_single_1_at_the_label(y):
    Y = one_hot(y, K=7)
    assert Y.shape == (len(y), 7)
    assert_array_equal(Y.argmax(1), y)
    assert_array_equal(np.sort(Y, 1), [[0] * 6 + [1]] * len(y) or np.empty((0, 7)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_hot_has_the_requested_dtype(dtype):
    assert one_hot(np.array([3]), dtype=dtype).dtype == dtype
