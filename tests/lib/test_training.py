"""Train one setting from start to end, and several as one stack, on small made-up data."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from lib import cifar10, paths
from lib.guards import GuardError, HeldOut, check_plausible
from lib.model import BCE, LOSSES, SOFTMAX, init_network, scores
from lib.runs import training
from lib.runs.settings import Setting
from lib.runs.splits import load_splits, split_all
from lib.runs.training import get_run, train_setting, train_stack
from lib.train import History, epoch_orders, evaluate, mini_batch_gd

SETTING = Setting(name="a", eta=0.01, lam=0.1, n_batch=50, n_epochs=3)
ASSIGNED = ("data_batch_1", "data_batch_2", "test_batch")  # train, val and test of the assignment
FIVE = tuple(f"data_batch_{number}" for number in range(1, 6))


pytestmark = pytest.mark.usefixtures("small_data")


def opened(splits):
    """Return X and y of the training, the validation and the test split."""
    return splits.train, splits.val, splits.test.open()


def assert_equal_runs(a, b):
    assert a.test == b.test
    assert_array_equal(a.net.W, b.net.W)
    for split in ("train", "val"):
        for measure, values in a.history[split].items():
            assert_array_equal(values, b.history[split][measure])


def test_splits_are_the_batches_of_the_assignment():
    for (_, y), batch in zip(opened(load_splits()), ASSIGNED, strict=True):
        assert_array_equal(y, cifar10.load_batch(batch)[1])


def test_every_split_is_standardised_with_training_statistics_only():
    pixels = [cifar10.load_batch(batch)[0] / 255 for batch in ASSIGNED]
    mean, std = pixels[0].mean(0), pixels[0].std(0)
    for (X, _), own in zip(opened(load_splits(np.float64)), pixels, strict=True):
        assert_allclose(X, (own - mean) / std, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "others", [{}, {"loss": "bce", "flips": True, "decay": "step", "average": True, "mirror": True}]
)
def test_inputs_and_network_have_the_dtype_of_the_setting(dtype, others):
    run = train_setting(SETTING.model_copy(update={"dtype": dtype} | others))
    arrays = *run.net, run.test_scores, *(X for X, _ in opened(load_splits(dtype)))
    assert {array.dtype for array in arrays} == {np.dtype(dtype)}


def test_same_setting_gives_the_same_run():
    assert_equal_runs(train_setting(SETTING), train_setting(SETTING))


def test_another_seed_gives_another_run():
    other = train_setting(SETTING.model_copy(update={"seed": 1}))
    assert not np.array_equal(other.net.W, train_setting(SETTING).net.W)


def test_weights_and_orders_come_from_two_generators_with_the_same_seed():
    X, y = load_splits().train
    start, orders = init_network(np.random.default_rng(42)), epoch_orders(np.random.default_rng(42), len(y), 3)
    net = mini_batch_gd(X, y, start, eta=0.01, lam=0.1, n_batch=50, orders=orders)
    assert_array_equal(train_setting(SETTING).net.W, net.W)


def test_history_has_a_value_for_every_epoch():
    run = train_setting(SETTING)
    for split in ("train", "val"):
        assert {measure: values.shape for measure, values in run.history[split].items()} == dict.fromkeys(
            ("loss", "cost", "accuracy"), (3,)
        )


def test_last_history_entry_describes_the_returned_network():
    run, splits = train_setting(SETTING), load_splits()
    for split in ("train", "val"):
        for measure, value in evaluate(*getattr(splits, split), run.net, 0.1).items():
            assert run.history[split][measure][-1] == value


AVERAGED = {
    "the average": {"average": True},
    "the mirror average": {"mirror": True},
    "the average and the mirror average": {"average": True, "mirror": True},
    "all options": {"average": True, "mirror": True, "decay": "plateau", "momentum": 0.5, "flips": True, "loss": "bce"},
}
averaged = pytest.mark.parametrize("fields", AVERAGED.values(), ids=AVERAGED)


@averaged
@pytest.mark.parametrize("n_epochs", [1, 3, 4])
def test_last_history_entry_describes_the_returned_average(fields, n_epochs):
    setting, splits = SETTING.model_copy(update=fields | {"n_epochs": n_epochs}), load_splits()
    run = train_setting(setting)
    for split in ("train", "val"):
        for measure, value in evaluate(*getattr(splits, split), run.net, 0.1, LOSSES[setting.loss]).items():
            assert run.history[split][measure].shape == (n_epochs,)
            assert run.history[split][measure][-1] == value


# With this long step the iterates oscillate: the training accuracy of the last iterate is far below the validation
# accuracy of the average.
OSCILLATING = SETTING.model_copy(update={"eta": 0.5, "lam": 1.5, "n_batch": 300, "n_epochs": 20})


@averaged
@pytest.mark.parametrize("setting", [SETTING, OSCILLATING], ids=["steady", "oscillating"])
def test_honest_run_is_not_stopped_by_the_guards(setting, fields):
    train_setting(setting.model_copy(update=fields))  # a GuardError would fail the test


def test_guards_stop_a_validation_accuracy_of_the_average_with_the_training_accuracy_of_the_last_iterate():
    last, average = (train_setting(OSCILLATING.model_copy(update={"average": own})).history for own in (False, True))
    reached, held_out = last["train"]["accuracy"][-1], average["val"]["accuracy"][-1]
    with pytest.raises(GuardError, match="is the training accuracy another network"):
        check_plausible(reached, 300, held_out, 300, "validation")


@pytest.mark.parametrize("fields", [{"average": True}, {"mirror": True}], ids=str)
def test_history_before_the_last_epoch_describes_the_iterates(fields):
    own, plain = (train_setting(SETTING.model_copy(update=others)) for others in (fields, {}))
    for split in ("train", "val"):
        for measure, values in plain.history[split].items():
            assert_array_equal(own.history[split][measure][:-1], values[:-1])
        assert own.history[split]["loss"][-1] != plain.history[split]["loss"][-1]


def test_test_results_describe_the_network_on_the_test_images():
    run, (X, y) = train_setting(SETTING), load_splits().test.open()
    assert run.test == {measure: evaluate(X, y, run.net, 0)[measure] for measure in ("loss", "accuracy")}
    assert_allclose(run.test_scores, X @ run.net.W + run.net.b, rtol=1e-4, atol=1e-5)


def test_test_images_are_evaluated_once_at_the_end(monkeypatch):
    test_labels, evaluated = load_splits().test.open()[1], []

    def evaluate_and_record(X, y, net, lam, loss):
        evaluated.append(np.array_equal(y, test_labels))
        return evaluate(X, y, net, lam, loss)

    monkeypatch.setattr(training, "evaluate", evaluate_and_record)
    monkeypatch.setattr("lib.train.evaluate", evaluate_and_record)
    train_setting(SETTING)
    assert evaluated == [False] * 6 + [True]  # three epochs of two splits, then the test


def test_progress_gets_every_epoch():
    seen = []
    train_setting(SETTING, lambda orders: (seen.append(len(order)) or order for order in orders))
    assert seen == [300] * 3


def test_training_learns_the_made_up_classes():
    run = train_setting(SETTING.model_copy(update={"eta": 0.1, "lam": 0.0}))
    assert run.test["accuracy"] > 0.5


def test_cached_setting_is_not_trained_again(monkeypatch):
    first = get_run(SETTING)
    monkeypatch.setattr(training, "train_setting", None)
    assert_equal_runs(get_run(SETTING), first)


def test_setting_with_a_damaged_cache_file_is_trained_again():
    first = get_run(SETTING)
    (file,) = paths.RUNS.iterdir()
    file.write_bytes(b"damaged")
    assert_equal_runs(get_run(SETTING), first)
    assert file.stat().st_size > 1000


# All batches


@pytest.fixture
def small_val(monkeypatch):
    """Use 100 validation images, since there are only 1,500 images in all."""
    monkeypatch.setattr("lib.assignment.N_VAL", 100)


def of_all_batches():
    """Return every image of the five batches, with its label, as bytes. The made-up images are all different."""
    batches = [cifar10.load_batch(name) for name in FIVE]
    return [bytes([label]) + image.tobytes() for images, y in batches for image, label in zip(images, y, strict=True)]


def as_bytes(split):
    return [bytes([label]) + image.tobytes() for image, label in zip(*split, strict=True)]


@pytest.mark.usefixtures("small_val")
def test_with_all_batches_validation_has_equally_many_images_of_each_class():
    assert np.bincount(split_all()["val"][1]).tolist() == [10] * 10


@pytest.mark.usefixtures("small_val")
def test_with_all_batches_each_image_is_in_exactly_one_of_training_and_validation():
    splits = split_all()
    assert sorted(as_bytes(splits["train"]) + as_bytes(splits["val"])) == sorted(of_all_batches())


@pytest.mark.usefixtures("small_val")
def test_the_test_split_is_the_cifar10_test_batch():
    for array, own in zip(split_all()["test"], cifar10.load_batch("test_batch"), strict=True):
        assert_array_equal(array, own)


@pytest.mark.usefixtures("small_val")
def test_with_all_batches_validation_images_come_from_all_parts_of_every_batch():
    everything, held_out = of_all_batches(), set(as_bytes(split_all()["val"]))
    places = [i for i, image in enumerate(everything) if image in held_out]
    assert set(np.array(places) // 300) == set(range(5))
    assert 500 < np.mean(places) < 1000


@pytest.mark.usefixtures("small_val")
def test_validation_images_depend_only_on_the_seed():
    assert as_bytes(split_all()["val"]) == as_bytes(split_all()["val"]) == as_bytes(split_all(seed=0)["val"])
    assert as_bytes(split_all()["val"]) != as_bytes(split_all(seed=1)["val"])


@pytest.mark.usefixtures("small_val")
def test_with_all_batches_every_split_is_standardised_with_training_statistics_only():
    images = split_all()
    pixels = images["train"][0] / 255
    mean, std = pixels.mean(0), pixels.std(0)
    for (X, y), own in zip(opened(load_splits(np.float64, "all")), ("train", "val", "test"), strict=True):
        assert_allclose(X, (images[own][0] / 255 - mean) / std, atol=1e-12)
        assert_array_equal(y, images[own][1])


@pytest.mark.usefixtures("small_val")
@pytest.mark.parametrize("train_on", ["data_batch_1", "all"])
def test_validation_and_test_images_are_marked_as_held_out(train_on):
    assert [isinstance(X, HeldOut) for X, _ in opened(load_splits(train_on=train_on))] == [False, True, True]


# The optional part

ON_ALL = SETTING.model_copy(update={"train_on": "all", "loss": "bce", "eta": 0.1, "lam": 0.001})
FULL = {"flips": True, "shifts": 1, "average": True, "mirror": True, "momentum": 0.5}
ALONE = {"flips": True, "shifts": 2, "decay": "step", "momentum": 0.9, "average": True, "mirror": True, "loss": "bce"}


@pytest.mark.usefixtures("small_val")
def test_with_all_batches_training_uses_all_images_except_validation():
    seen = []
    train_setting(ON_ALL, lambda orders: (seen.append(len(order)) or order for order in orders))
    assert seen == [1400] * 3


@pytest.mark.usefixtures("small_val")
def test_history_and_test_loss_use_the_loss_of_the_setting():
    run, splits = train_setting(ON_ALL), load_splits(train_on="all")
    S, y = torch.tensor(run.test_scores), torch.tensor(splits.test.open()[1])
    target = torch.nn.functional.one_hot(y.long(), 10).float()
    loss = torch.nn.functional.binary_cross_entropy_with_logits(S, target)
    assert run.test["loss"] == pytest.approx(float(loss), rel=1e-5)
    for split in ("train", "val"):
        for measure, value in evaluate(*getattr(splits, split), run.net, 0.001, BCE).items():
            assert run.history[split][measure][-1] == value


@pytest.mark.usefixtures("small_val")
def test_training_with_the_optional_part_learns_the_made_up_classes():
    run = train_setting(ON_ALL.model_copy(update={"flips": True, "decay": "step", "eta": 0.3}))
    assert run.test["accuracy"] > 0.5


@pytest.mark.parametrize(("field", "value"), ALONE.items())
def test_each_training_option_changes_the_trained_network(field, value):
    assert not np.allclose(train_setting(SETTING).net.W, train_setting(SETTING.model_copy(update={field: value})).net.W)


@pytest.mark.parametrize(("field", "value"), {"flips": True, "shifts": 2}.items())
def test_random_views_change_neither_the_initial_weights_nor_the_orders(monkeypatch, field, value):
    met = []

    def note(X, y, net, *, orders, **others):
        met.append((net.W, list(orders)))
        return net

    monkeypatch.setattr(training, "mini_batch_gd", note)
    for setting in (SETTING, SETTING.model_copy(update={field: value})):
        train_stack([setting], load_splits())
    (plain, orders), (same, also) = met
    assert_array_equal(plain, same)
    assert_array_equal(orders, also)


def test_average_is_the_mean_of_the_networks_after_the_epochs_of_the_second_half():
    ends = [train_setting(SETTING.model_copy(update={"n_epochs": n})).net for n in (3, 4)]
    averaged = train_setting(SETTING.model_copy(update={"n_epochs": 4, "average": True})).net
    assert_allclose(averaged.W, (ends[0].W + ends[1].W) / 2, atol=1e-7)
    assert_allclose(averaged.b, (ends[0].b + ends[1].b) / 2, atol=1e-7)


def test_scores_of_a_mirrored_network_are_the_mean_over_an_image_and_its_mirror_image():
    X, _ = load_splits().val
    mirrored = X.reshape(-1, 3, 32, 32)[..., ::-1].reshape(-1, 3072)
    plain, own = (train_setting(SETTING.model_copy(update={"mirror": mirror})).net for mirror in (False, True))
    assert_allclose(scores(X, own), (scores(X, plain) + scores(mirrored, plain)) / 2, atol=1e-5)


# Several settings as one stack

MEMBERS = [
    Setting(name=name, eta=eta, lam=lam, n_batch=50, n_epochs=8, dtype="float64")
    for name, eta, lam in [("small", 0.001, 0.1), ("mild", 0.01, 0.0), ("large", 0.3, 0.01)]
]


def with_fields(**fields):
    return [member.model_copy(update=fields) for member in MEMBERS]


def different_options(**fields):
    """Return settings for one stack that differ in every per-network field; `fields` are the same for all."""
    own = [
        {},
        {"eta": 0.01, "decay": "step"},
        {"eta": 0.3, "lam": 0.01, "decay": "plateau"},
        {"eta": 0.02, "lam": 0.1, "momentum": 0.9},
        {"eta": 0.1, "average": True},
        {"eta": 0.01, "mirror": True},
        {"eta": 0.3, "lam": 0.001, "decay": "plateau", "momentum": 0.5, "average": True, "mirror": True},
        {"eta": 0.3, "decay": "step", "momentum": 0.8, "average": True},
    ]
    return [MEMBERS[0].model_copy(update={"name": f"own-{m}"} | parts | fields) for m, parts in enumerate(own)]


STACKS = {
    "plain": MEMBERS,
    "bce": with_fields(loss="bce"),
    "every option with step decay": with_fields(**FULL, decay="step"),
    "every option with plateau decay and bce": with_fields(**FULL, decay="plateau", loss="bce"),
    "different options": different_options(),
    "different options, random views and bce": different_options(flips=True, shifts=1, loss="bce"),
}


@pytest.mark.parametrize("members", STACKS.values(), ids=STACKS)
def test_stack_gives_the_results_of_its_settings_trained_separately(members):
    splits = load_splits("float64")
    net, history = train_stack(members, splits)
    for m, member in enumerate(members):
        alone, own = train_stack([member], splits)
        assert_allclose(net.W[:, m], alone.W[:, 0], rtol=1e-9, atol=1e-12)
        assert_allclose(net.b[m], alone.b[0], rtol=1e-9, atol=1e-12)
        for split in ("train", "val"):
            for measure, values in own[split].items():
                assert_allclose(history[split][measure][:, m], values[:, 0], rtol=1e-9)


def test_each_network_of_a_stack_uses_only_the_options_of_its_setting():
    members, splits = different_options(), load_splits("float64")
    usual = {field: Setting.model_fields[field].default for field in ("decay", "momentum", "average", "mirror")}
    plain = train_stack([member.model_copy(update=usual) for member in members], splits).net
    apart = abs(train_stack(members, splits).net.W - plain.W).max((0, 2))
    assert apart[0] == 0
    assert apart[1:].min() > 1e-4


def torch_factors(losses):
    """Return eta's factor in each epoch by PyTorch's plateau schedule, given the loss after each epoch."""
    optimiser = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser, factor=0.1, patience=2, threshold=0, eps=0)
    found = []
    for loss in losses:
        found.append(optimiser.param_groups[0]["lr"])
        scheduler.step(loss)
    return found


@pytest.mark.parametrize("m", [2, 6])
def test_plateau_decay_of_a_network_matches_torch_on_its_validation_loss(m):
    setting, (X, y), val = different_options()[m], *load_splits("float64")[:2]
    start, orders = (np.random.default_rng(42) for _ in range(2))
    iterates = History({"val": val}, 0, SOFTMAX)
    alone = setting.model_copy(update={"average": False, "mirror": False})
    history = train_stack([*different_options()[:2], alone], load_splits("float64")).history
    factors = torch_factors(history["val"]["loss"][:, 2])
    mini_batch_gd(
        X, y, init_network(start, dtype="float64"), eta=setting.eta, lam=setting.lam, momentum=setting.momentum,
        n_batch=50, orders=epoch_orders(orders, len(y), 8), decay=factors, on_epoch=iterates,
    )  # fmt: skip
    assert min(factors) < 1
    assert_allclose(iterates["val"]["loss"], history["val"]["loss"][:, 2], rtol=1e-9)


def test_last_history_entry_describes_the_returned_stack():
    members, splits = different_options(), load_splits("float64")
    net, history = train_stack(members, splits)
    for split in ("train", "val"):
        last = evaluate(*getattr(splits, split), net, np.array([member.lam for member in members]))
        for measure, values in last.items():
            assert_array_equal(history[split][measure][-1], values)


def test_plateau_decay_affects_only_the_network_whose_loss_stops_falling():
    splits = load_splits("float64")
    plain, decayed = (train_stack(with_fields(decay=decay), splits).net for decay in ("none", "plateau"))
    assert_array_equal(plain.W[:, 0], decayed.W[:, 0])
    assert abs(plain.W[:, 2] - decayed.W[:, 2]).max() > 1e-3


def test_run_equals_a_stack_of_one_setting():
    net, history = train_stack([SETTING], load_splits())
    run = train_setting(SETTING)
    assert_array_equal(run.net.W, net.W[:, 0])
    assert_array_equal(run.history["val"]["cost"], history["val"]["cost"][:, 0])


SHARED = {"n_batch": 7, "n_epochs": 1, "seed": 1, "dtype": "float32", "train_on": "all"}
SHARED |= {"loss": "bce", "flips": True, "shifts": 2}


@pytest.mark.parametrize(("field", "value"), SHARED.items())
def test_settings_that_differ_in_loss_or_batches_cannot_be_a_stack(field, value):
    with pytest.raises(ValueError, match="the settings of a stack need the same loss and the same batches"):
        train_stack([*MEMBERS, MEMBERS[0].model_copy(update={field: value})], load_splits())


@pytest.mark.parametrize("watch", [(), ("val",), ("train", "val")], ids=str)
def test_only_the_requested_splits_are_recorded_after_every_epoch(watch):
    history = train_stack(MEMBERS, load_splits("float64"), watch).history
    assert set(history.record) == set(watch)
    for split in watch:
        assert {values.shape for values in history[split].values()} == {(8, 3)}


def test_validation_split_is_always_recorded_with_plateau_decay():
    assert set(train_stack(with_fields(decay="plateau"), load_splits("float64"), ()).history.record) == {"val"}
    assert set(train_stack(different_options(), load_splits("float64"), ("train",)).history.record) == {"train", "val"}


@pytest.mark.parametrize("members", [MEMBERS, different_options()], ids=["plain", "different options"])
def test_recorded_splits_do_not_affect_the_trained_weights(members):
    splits = load_splits("float64")
    watched, unwatched = (train_stack(members, splits, watch).net for watch in (("train", "val"), ()))
    assert_array_equal(watched.W, unwatched.W)


def test_training_a_stack_does_not_read_the_test_split():
    splits = load_splits()
    train_stack([SETTING], splits)
    splits.test.open()
