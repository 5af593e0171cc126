"""Averages over the epochs of a training, and of a network with its mirror image."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lib.averages import Average, mirror_average
from lib.model import Network, scores
from lib.train import epoch_orders, mini_batch_gd


def train(problem, n_epochs, on_epoch):
    X, y, net, lam, eta = problem
    orders = epoch_orders(np.random.default_rng(0), 7, n_epochs)
    return mini_batch_gd(X, y, net, eta=eta, lam=lam, n_batch=3, orders=orders, on_epoch=on_epoch)


def nets(problem, n_epochs, on_epoch):
    """Return copies of the network after each epoch of a training, and pass each to `on_epoch`."""
    found = []

    def copy_and_report(epoch, net):
        found.append(Network(net.W.copy(), net.b.copy()))
        on_epoch(epoch, net)

    train(problem, n_epochs, on_epoch=copy_and_report)
    return found


@pytest.mark.parametrize("start", [1, 3, 5])
def test_average_is_the_mean_of_the_networks_from_the_start_epoch_on(problem, start):
    average = Average(start)
    averaged = nets(problem, 5, average)[start - 1 :]
    assert_allclose(average.net.W, np.mean([net.W for net in averaged], axis=0), rtol=1e-12)
    assert_allclose(average.net.b, np.mean([net.b for net in averaged], axis=0), rtol=1e-12)


def test_average_before_the_start_epoch_raises_an_error(problem):
    average = Average(4)
    nets(problem, 3, average)
    with pytest.raises(ValueError, match="no network to average yet: the first is that of epoch 4"):
        _ = average.net


def test_reading_and_changing_the_average_does_not_affect_later_averages(problem):
    average, looked_at = Average(1), Average(1)

    def look(epoch, net):
        looked_at(epoch, net)
        looked_at.net.W[...] = 0

    nets(problem, 3, average)
    nets(problem, 3, look)
    assert_array_equal(looked_at.net.W, average.net.W)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_average_has_the_dtype_of_the_networks(dtype):
    average = Average(1)
    average(1, Network(np.ones((5, 3), dtype), np.ones(3, dtype)))
    assert {array.dtype for array in average.net} == {np.dtype(dtype)}


# The mean of a network and its mirror image


@pytest.fixture
def images():
    return np.random.default_rng(1).random((6, 3072))


@pytest.fixture(params=[(), (4,)], ids=["one network", "a stack"])
def net(request):
    rng = np.random.default_rng(2)
    return Network(rng.standard_normal((3072, *request.param, 10)), rng.standard_normal((*request.param, 10)))


def test_scores_of_the_mirror_average_are_the_mean_over_an_image_and_its_mirror_image(images, net):
    inputs = images / images.max()
    mirrored = inputs.reshape(-1, 3, 32, 32)[..., ::-1].reshape(-1, 3072)
    mean = (scores(inputs, net) + scores(mirrored, net)) / 2
    assert_allclose(scores(inputs, mirror_average(net)), mean, rtol=1e-10, atol=1e-10)


def test_mirror_average_is_its_own_mirror_image(net):
    W = mirror_average(net).W.reshape(3, 32, 32, *net.b.shape)
    assert_array_equal(W, W[:, :, ::-1])


def test_mirror_average_does_not_change_a_symmetric_network(net):
    once = mirror_average(net)
    for a, b in zip(mirror_average(once), once, strict=True):
        assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_mirror_average_keeps_the_dtype_and_does_not_change_its_input(net, dtype):
    given = Network(*(array.astype(dtype) for array in net))
    for array in given:
        array.flags.writeable = False  # a write raises ValueError
    assert {array.dtype for array in mirror_average(given)} == {np.dtype(dtype)}
