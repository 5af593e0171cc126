"""The spread over seeds: stacks give the results of single trainings, and only missing ones are trained."""

from threading import Barrier, Event

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lib import paths
from lib.guards import Sealed
from lib.runs import seeds
from lib.runs.seeds import spread
from lib.runs.settings import Setting
from lib.runs.training import train_setting
from lib.stats import smoothness
from notebooks.comparison import __main__ as command

pytestmark = pytest.mark.usefixtures("small_data")

PLAIN = Setting(name="plain", eta=0.01, lam=0.0, n_batch=50, n_epochs=2, dtype="float64")
MILD = PLAIN.model_copy(update={"name": "mild", "lam": 0.1})
LONG_STEP = PLAIN.model_copy(update={"name": "long-step", "eta": 0.1})
SETTINGS = [PLAIN, MILD, LONG_STEP]


@pytest.fixture
def trained(monkeypatch):
    """Record the names and the seed of each stack that is trained."""
    stacks, train_stack = [], seeds.train_stack

    def train_and_record(settings, splits, **others):
        (seed,) = {setting.seed for setting in settings}
        stacks.append(([setting.name for setting in settings], seed))
        return train_stack(settings, splits, **others)

    monkeypatch.setattr(seeds, "train_stack", train_and_record)
    return stacks


def alone(setting, seed):
    """Return the measures of a single training of the setting from this seed."""
    run = train_setting(setting.model_copy(update={"seed": seed}))
    final = {split: run.history[split]["accuracy"][-1] for split in ("train", "val")}
    return final | {"test": run.test["accuracy"], "smoothness": smoothness(run.net.W)}


@pytest.mark.parametrize("seed", [0, 3])
def test_stack_gives_the_results_of_single_trainings_up_to_rounding(seed):
    together = spread(SETTINGS, [seed])
    for setting in SETTINGS:
        for measure, value in alone(setting, seed).items():
            assert_allclose(together[setting.name][measure], [value], rtol=1e-9, err_msg=f"{setting.name} {measure}")


def test_spread_has_one_value_per_setting_measure_and_seed():
    found = spread(SETTINGS, [5, 6])
    assert set(found) == {"plain", "mild", "long-step"}
    for measures in found.values():
        assert {measure: values.shape for measure, values in measures.items()} == dict.fromkeys(
            ("train", "val", "test", "smoothness"), (2,)
        )


def test_values_are_in_the_order_of_the_seeds():
    assert_array_equal(spread([MILD], [8, 9])["mild"]["smoothness"], spread([MILD], [9, 8])["mild"]["smoothness"][::-1])


def test_seeds_give_different_values_and_the_seed_of_the_setting_is_ignored():
    first, second = spread([MILD], [0, 1])["mild"]["smoothness"]
    assert first != second
    assert_array_equal(spread([MILD.model_copy(update={"seed": 7})], [0, 1])["mild"]["smoothness"], [first, second])


def test_cached_stacks_are_not_trained_again(trained):
    first = spread(SETTINGS, [0, 1])
    assert len(trained) == 2
    again = spread(SETTINGS[::-1], [0, 1])
    assert len(trained) == 2
    for name, measures in first.items():
        for measure, values in measures.items():
            assert_array_equal(again[name][measure], values, strict=True)


def test_each_setting_has_a_separate_file():
    spread(SETTINGS, [0])
    stems = {path.name.rpartition("@")[0] for path in paths.RUNS.iterdir()}
    assert stems == {f"spread@{setting.file_stem}@1" for setting in SETTINGS}


def test_setting_that_is_changed_back_or_renamed_is_not_trained_again(trained):
    first = spread([PLAIN], [0, 1])["plain"]
    spread([PLAIN.model_copy(update={"lam": 0.3})], [0, 1])
    spread([PLAIN], [0])
    assert len(trained) == 5
    again = spread([PLAIN.model_copy(update={"name": "renamed"})], [0, 1])["renamed"]
    assert len(trained) == 5
    assert_array_equal(again["smoothness"], first["smoothness"], strict=True)


@pytest.mark.parametrize(
    ("settings", "numbers"),
    [([PLAIN], [0, 1, 2, 3]), ([PLAIN, MILD.model_copy(update={"n_epochs": 3})], [0])],
    ids=["seeds", "stacks"],
)
def test_seeds_and_stacks_are_trained_in_parallel(monkeypatch, settings, numbers):
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    train_stack, both = seeds.train_stack, Barrier(2)

    def train_when_both_do(*arguments, **others):
        both.wait(timeout=30)
        return train_stack(*arguments, **others)

    monkeypatch.setattr(seeds, "train_stack", train_when_both_do)
    spread(settings, numbers)


def test_interrupt_does_not_wait_for_running_trainings(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    epochs = []

    def count(epoch, net):
        epochs.append(epoch)

    train_stack, begun = seeds.train_stack, Event()

    def train_and_count(*arguments, **others):
        begun.set()
        return train_stack(*arguments, **others, on_epoch=count)

    def interrupted(turns):
        begun.wait(timeout=30)
        raise KeyboardInterrupt
        yield from turns

    monkeypatch.setattr(seeds, "train_stack", train_and_count)
    with pytest.raises(KeyboardInterrupt):
        spread([PLAIN.model_copy(update={"n_epochs": 1000})], tuple(range(6)), interrupted)
    assert len(epochs) < 1000
    assert not paths.RUNS.exists()


def test_added_setting_is_trained_without_the_cached_ones(trained):
    spread([PLAIN], [0])
    assert set(spread([PLAIN, MILD], [0])) == {"plain", "mild"}
    assert trained == [(["plain"], 0), (["mild"], 0)]


def test_only_the_changed_setting_and_the_damaged_file_are_trained_again(trained):
    spread(SETTINGS, [0])
    (file,) = paths.RUNS.glob(f"spread@{PLAIN.file_stem}@1@*")
    file.write_bytes(b"damaged")
    spread([PLAIN, MILD.model_copy(update={"lam": 0.2}), LONG_STEP], [0])
    assert trained[1:] == [(["plain", "mild"], 0)]


def test_another_list_of_seeds_is_trained_again(trained):
    spread([PLAIN], [0])
    spread([PLAIN], [0, 1])
    assert sorted(seed for _, seed in trained) == [0, 0, 1]


OTHER = {"n_batch": 30, "n_epochs": 1, "dtype": "float32", "loss": "bce", "train_on": "all", "flips": True, "shifts": 1}
OWN = {"decay": "step", "momentum": 0.9, "average": True, "mirror": True}


@pytest.mark.parametrize(("field", "value"), OTHER.items())
def test_settings_that_differ_in_loss_or_batches_are_trained_in_separate_stacks(trained, field, value):
    other = PLAIN.model_copy(update={"name": "other", field: value})
    together = spread([PLAIN, other, MILD], [0])
    assert sorted(names for names, _ in trained) == [["other"], ["plain", "mild"]]
    assert_allclose(together["other"]["smoothness"], alone(other, 0)["smoothness"], rtol=1e-4)


@pytest.mark.parametrize(("field", "value"), [*OWN.items(), ("decay", "plateau")])
def test_settings_that_differ_only_in_per_network_fields_are_trained_in_one_stack(trained, field, value):
    other = LONG_STEP.model_copy(update={"name": "other", "n_epochs": 6, field: value})
    plain = PLAIN.model_copy(update={"n_epochs": 6})
    together = spread([plain, other], [0])
    assert trained == [(["plain", "other"], 0)]
    for setting in (plain, other):
        for measure, expected in alone(setting, 0).items():
            assert_allclose(together[setting.name][measure], [expected], rtol=1e-9, err_msg=f"{setting.name} {measure}")


@pytest.fixture
def split_events(monkeypatch):
    """Record what happens to the splits, in order: "load", the seed of a training, "open" for the test split."""
    events, load_splits, train_stack = [], seeds.load_splits, seeds.train_stack

    def load_and_record(*arguments):
        splits = load_splits(*arguments)
        open_test = splits.test.load
        events.append("load")
        return splits._replace(test=Sealed(lambda: events.append("open") or open_test()))

    def train_and_record(settings, splits, **others):
        events.append(settings[0].seed)
        return train_stack(settings, splits, **others)

    monkeypatch.setattr(seeds, "load_splits", load_and_record)
    monkeypatch.setattr(seeds, "train_stack", train_and_record)
    return events


def test_splits_are_loaded_once_and_the_test_split_is_read_once_after_every_seed_is_trained(split_events):
    spread(SETTINGS, [3, 1, 2])
    assert [*split_events[:1], *sorted(split_events[1:4]), *split_events[4:]] == ["load", 1, 2, 3, "open"]


def test_stacks_trained_on_the_same_images_share_the_splits_and_read_test_once(split_events):
    spread([PLAIN, MILD.model_copy(update={"loss": "bce"})], [0, 1])
    assert (split_events.count("load"), split_events.count("open"), split_events[0]) == (1, 1, "load")
    assert split_events.index("open") > split_events.index(0)


def test_stacks_trained_on_different_images_load_their_own_splits(split_events):
    spread([PLAIN, MILD.model_copy(update={"train_on": "all"})], [0, 1])
    assert (split_events.count("load"), split_events.count("open")) == (2, 2)


def test_finished_stack_is_cached_even_if_another_is_interrupted():
    def interrupted(turns):
        yield from turns[:3]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        spread([PLAIN, MILD.model_copy(update={"loss": "bce"})], [0, 1], interrupted)
    assert len([*paths.RUNS.iterdir()]) == 1


def test_progress_gets_every_stack():
    seen = []
    spread([PLAIN, MILD], [3, 4], lambda turns: (seen.append(turn) or turn for turn in turns))
    assert [[setting.name for setting in group] for (group, _), _ in seen] == [["plain", "mild"]] * 2


def test_command_trains_the_settings_of_the_report_from_every_seed(trained, monkeypatch, capsys):
    monkeypatch.setattr("lib.runs.settings.read_all", lambda: [PLAIN, MILD])
    command.main()
    assert sorted(trained) == [(["plain", "mild"], seed) for seed in seeds.SEEDS]
    assert capsys.readouterr().err.splitlines()[-1] == "  seeds: 10 of 10"


def test_seeds_of_the_spread_are_distinct_and_exclude_the_seed_of_the_report():
    assert Setting.model_fields["seed"].default not in seeds.SEEDS
    assert np.unique(seeds.SEEDS).size == len(seeds.SEEDS) == 10
