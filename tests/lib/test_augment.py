"""Random views, compared with plain indexing of the images."""

import tracemalloc
from collections import Counter

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from lib.augment import RandomViews, shifted_views

BATCH = np.array([4, 0, 2, 4])


@pytest.fixture
def X():
    """Return six read-only images whose pixels all differ."""
    pixels = np.random.default_rng(1).permutation(6 * 3072).reshape(6, 3072).astype(np.float32)
    pixels.flags.writeable = False
    return pixels


def take(X, batch=BATCH, seed=3, *, flips=True, shifts=2):
    return RandomViews(np.random.default_rng(seed), flips=flips, shifts=shifts)(X, batch)


def moved(image, down, right, mirrored=False):
    """Shift an image (D,) by that many pixels. The row or column at the edge fills the gap."""
    rows, columns = (np.clip(np.arange(32) - by, 0, 31) for by in (down, right))
    view = image.reshape(3, 32, 32)[:, rows][:, :, columns]
    return (view[:, :, ::-1] if mirrored else view).reshape(-1)


def allowed(image, flips, shifts):
    """Return every view of an image, as a dictionary from its bytes to (down, right, mirrored)."""
    by, mirrored = range(-shifts, shifts + 1), (False, True) if flips else (False,)
    return {moved(image, *view).tobytes(): view for view in ((i, j, flip) for i in by for j in by for flip in mirrored)}


# All shifts


@pytest.mark.parametrize("most", [0, 1, 2, 8])
def test_each_shift_is_produced_exactly_once_and_fills_the_border_with_edge_pixels(X, most):
    views = shifted_views(most)
    assert views.shape == ((2 * most + 1) ** 2, 3072)
    assert {X[0, view].tobytes() for view in views} == set(allowed(X[0], flips=False, shifts=most))


@pytest.mark.parametrize("most", [0, 1, 2, 8])
def test_middle_view_leaves_the_image_unchanged(most):
    views = shifted_views(most)
    assert_array_equal(views[len(views) // 2], np.arange(3072))


def test_pixels_stay_in_their_colour_plane():
    assert_array_equal(shifted_views(2) // 1024, np.broadcast_to(np.arange(3).repeat(1024), (25, 3072)))


# Views drawn for a batch

KINDS = [{"flips": flips, "shifts": shifts} for flips in (False, True) for shifts in (0, 1, 3)]


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_each_input_is_an_allowed_view_of_its_image(X, kind):
    for seed in range(5):
        for i, image in zip(BATCH, take(X, seed=seed, **kind), strict=True):
            assert image.tobytes() in allowed(X[i], **kind)


def test_without_flips_and_shifts_images_are_unchanged(X):
    assert_array_equal(take(X, flips=False, shifts=0), X[BATCH])


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8])
def test_inputs_have_shape_and_dtype_of_the_images(X, dtype):
    inputs = take(X.astype(dtype))
    assert (inputs.shape, inputs.dtype) == ((4, 3072), dtype)


@pytest.mark.parametrize("kind", KINDS[1:], ids=str)
def test_all_views_are_drawn_about_equally_often(X, kind):
    kinds, draw = allowed(X[2], **kind), RandomViews(np.random.default_rng(0), **kind)
    batch = np.full(50, 2)
    drawn = Counter(kinds[image.tobytes()] for _ in range(2 * len(kinds)) for image in draw(X, batch))
    assert set(drawn) == set(kinds.values())
    assert all(60 <= count <= 140 for count in drawn.values())  # 100 expected, plus or minus four standard deviations


def test_about_half_of_the_images_are_mirrored(X):
    mirrored = [allowed(X[0], True, 0)[image.tobytes()][2] for image in take(X, np.zeros(1000, int), shifts=0)]
    assert 450 < sum(mirrored) < 550


def test_each_image_of_each_batch_gets_a_new_random_view(X):
    draw = RandomViews(np.random.default_rng(0), flips=True, shifts=4)
    first, second = draw(X, BATCH), draw(X, BATCH)
    assert not any(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert not np.array_equal(first[0], first[3])  # the same image twice in one batch


def test_same_seed_draws_the_same_views(X):
    assert_array_equal(take(X, seed=7), take(X, seed=7))
    assert not np.array_equal(take(X, seed=7), take(X, seed=8))


def test_writing_to_a_batch_changes_neither_the_images_nor_later_batches(X):
    before = X.copy()
    changed, unchanged = (RandomViews(np.random.default_rng(3), flips=True, shifts=2) for _ in range(2))
    changed(X, BATCH)[...] = 0
    unchanged(X, BATCH)
    assert_array_equal(X, before)
    assert_array_equal(changed(X, BATCH), unchanged(X, BATCH))


@pytest.mark.parametrize("d", [1, 3071, 3073, 2 * 3072])
def test_inputs_with_another_number_of_pixels_are_refused(d):
    with pytest.raises(ValueError, match=f"views have 3072 pixels, the inputs have {d}$"):
        take(np.zeros((6, d)))


def test_images_can_be_memory_mapped(X, tmp_path):
    X.tofile(tmp_path / "X")
    on_disk = np.memmap(tmp_path / "X", X.dtype, "r", shape=X.shape)
    assert_array_equal(take(on_disk), take(X))


def test_data_set_is_not_copied():
    X, draw = np.zeros((3000, 3072), np.float32), RandomViews(np.random.default_rng(0), flips=True, shifts=1)
    tracemalloc.start()
    draw(X, BATCH)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < X.nbytes / 20
