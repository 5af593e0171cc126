"""The views of the images against plain indexing."""

import tracemalloc
from collections import Counter

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from lib.augment import RandomViews, shifted_views

BATCH = np.array([4, 0, 2, 4])


@pytest.fixture
def X():
    """Six images, no pixel of which is like another, and nobody may write to them."""
    pixels = np.random.default_rng(1).permutation(6 * 3072).reshape(6, 3072).astype(np.float32)
    pixels.flags.writeable = False
    return pixels


def take(X, batch=BATCH, seed=3, *, flips=True, shifts=2):
    return RandomViews(np.random.default_rng(seed), flips=flips, shifts=shifts)(X, batch)


def moved(image, down, right, mirrored=False):
    """An image (D,) moved by so many pixels: where nothing moves to, the row or column of the edge stays."""
    rows, columns = (np.clip(np.arange(32) - by, 0, 31) for by in (down, right))
    seen = image.reshape(3, 32, 32)[:, rows][:, :, columns]
    return (seen[:, :, ::-1] if mirrored else seen).reshape(-1)


def allowed(image, flips, shifts):
    """Every view of an image, as bytes, and which one it is: (down, right, mirrored)."""
    by, mirrored = range(-shifts, shifts + 1), (False, True) if flips else (False,)
    return {moved(image, *view).tobytes(): view for view in ((i, j, flip) for i in by for j in by for flip in mirrored)}


# Every shift


@pytest.mark.parametrize("most", [0, 1, 2, 8])
def test_every_shift_is_there_once_and_repeats_the_edges(X, most):
    views = shifted_views(most)
    assert views.shape == ((2 * most + 1) ** 2, 3072)
    assert {X[0, view].tobytes() for view in views} == set(allowed(X[0], flips=False, shifts=most))


@pytest.mark.parametrize("most", [0, 1, 2, 8])
def test_the_view_in_the_middle_moves_nothing(most):
    views = shifted_views(most)
    assert_array_equal(views[len(views) // 2], np.arange(3072))


def test_colours_stay_apart():
    assert_array_equal(shifted_views(2) // 1024, np.broadcast_to(np.arange(3).repeat(1024), (25, 3072)))


# Views drawn for a batch

KINDS = [{"flips": flips, "shifts": shifts} for flips in (False, True) for shifts in (0, 1, 3)]


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_each_input_is_an_allowed_view_of_its_own_image(X, kind):
    for seed in range(5):
        for i, seen in zip(BATCH, take(X, seed=seed, **kind), strict=True):
            assert seen.tobytes() in allowed(X[i], **kind)


def test_without_flips_and_shifts_the_images_are_as_they_are(X):
    assert_array_equal(take(X, flips=False, shifts=0), X[BATCH])


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8])
def test_the_inputs_have_shape_and_dtype_of_the_images(X, dtype):
    seen = take(X.astype(dtype))
    assert (seen.shape, seen.dtype) == ((4, 3072), dtype)


@pytest.mark.parametrize("kind", KINDS[1:], ids=str)
def test_all_views_are_drawn_equally_often(X, kind):
    kinds, draw = allowed(X[2], **kind), RandomViews(np.random.default_rng(0), **kind)
    batch = np.full(50, 2)
    drawn = Counter(kinds[seen.tobytes()] for _ in range(2 * len(kinds)) for seen in draw(X, batch))
    assert set(drawn) == set(kinds.values())
    assert all(60 <= often <= 140 for often in drawn.values())  # 100 and four standard deviations


def test_half_of_the_images_are_mirrored(X):
    mirrored = [allowed(X[0], True, 0)[seen.tobytes()][2] for seen in take(X, np.zeros(1000, int), shifts=0)]
    assert 450 < sum(mirrored) < 550


def test_a_view_is_drawn_anew_each_time(X):
    draw = RandomViews(np.random.default_rng(0), flips=True, shifts=4)
    first, second = draw(X, BATCH), draw(X, BATCH)
    assert not any(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert not np.array_equal(first[0], first[3])  # the same image twice in one batch


def test_views_follow_from_the_seed(X):
    assert_array_equal(take(X, seed=7), take(X, seed=7))
    assert not np.array_equal(take(X, seed=7), take(X, seed=8))


def test_a_batch_can_be_changed_without_a_change_of_the_images_or_of_later_batches(X):
    kept, draw = X.copy(), RandomViews(np.random.default_rng(3), flips=True, shifts=2)
    draw(X, BATCH)[...] = 0
    again = RandomViews(np.random.default_rng(3), flips=True, shifts=2)
    again(X, BATCH)
    assert_array_equal(X, kept)
    assert_array_equal(draw(X, BATCH), again(X, BATCH))


@pytest.mark.parametrize("d", [1, 3071, 3073, 2 * 3072])
def test_inputs_that_are_no_images_are_refused(d):
    with pytest.raises(ValueError, match=f"views have 3072 pixels, the inputs have {d}$"):
        take(np.zeros((6, d)))


def test_images_can_lie_on_disk(X, tmp_path):
    X.tofile(tmp_path / "X")
    on_disk = np.memmap(tmp_path / "X", X.dtype, "r", shape=X.shape)
    assert_array_equal(take(on_disk), take(X))


def test_no_second_data_set_is_made():
    X, draw = np.zeros((3000, 3072), np.float32), RandomViews(np.random.default_rng(0), flips=True, shifts=1)
    tracemalloc.start()
    draw(X, BATCH)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < X.nbytes / 20
