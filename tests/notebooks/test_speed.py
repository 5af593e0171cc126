"""Chapter 9: the numbers, tables and sentences computed from made-up benchmark results, and the committed results."""

import json

import numpy as np
import pytest

from benchmarks.bench import as_text
from lib.command import InputError
from notebooks.speed import charts, race, sentences
from notebooks.speed.race import BESIDE, OURS, STACKED, Race

N_ROUNDS = 3


def turns(*seconds, settings=1):
    return {"seconds": list(seconds), "settings": [settings] * N_ROUNDS, "accuracy": [0.4] * N_ROUNDS}


@pytest.fixture
def content():
    """Return made-up results. PyTorch takes 4 s in the first two rounds. In the last round all times double."""
    both = {OURS: turns(2, 2, 4), STACKED: turns(16, 32, 64, settings=32), BESIDE: turns(4, 4, 8)}
    others = {name: turns(10, 10, 20) for name in ("PyTorch DataLoader", "JAX jit", sentences.COURSE)}
    return {
        "machine": {"cpu": "made up", "cores": 2, "blas": ["one BLAS"], "versions": {"numpy": "2.4"}},
        "work": {"n": 10_000, "n_val": 10_000, "n_epochs": 40, "n_batch": 100},
        "limit": {"operations": [1e11] * N_ROUNDS, "bytes": [1e10] * N_ROUNDS},
        "contenders": both | others,
        "training alone": both | {OURS: turns(1, 1, 2)},
        "images": {str(n): {"seconds": [n / 1e3, 2 * n / 1e3, 0.5 * n / 1e3]} for n in (2500, 10_000)},
        "epochs": {str(n): {"seconds": [n**2]} for n in (5, 10, 20)},
        "stack": {"1": {"seconds": [1.0]}, "4": {"seconds": [2.0]}},
        "memory": {"data_batch_1": {"bytes": [3e8, 4e8]}, "all": {"bytes": [8e8]}},
    }


@pytest.fixture
def made_up(content):
    return Race.model_validate(content)


# Numbers


def test_ratio_compares_times_of_the_same_round(made_up):
    assert made_up.ratio(OURS).tolist() == [2, 2, 2]
    assert made_up.ratio(STACKED).tolist() == [8, 4, 4]
    assert made_up.ratio(OURS, evaluated=False).tolist() == [4, 4, 4]


def test_limit_is_the_slower_of_matrix_products_and_memory(made_up):
    products = 2 * 3072 * 10 * 2 * 10_000 * 40 / 1e11
    assert made_up.least(32, evaluated=False) == pytest.approx(products)
    assert made_up.least(32) == pytest.approx(2 * products)
    made_up.limit.bytes = [1e9] * N_ROUNDS
    read = 4 * 3072 * 10_000 * 40 / 1e9
    assert made_up.least(1, evaluated=False) == pytest.approx(read)
    assert made_up.least(2) == pytest.approx(3 * read / 2)


def test_exponent_describes_the_growth_of_the_median_times(made_up):
    assert race.exponent(made_up.images) == pytest.approx(1)
    assert race.exponent(made_up.epochs) == pytest.approx(2)


def test_memory_is_the_maximum_over_all_turns(made_up):
    assert made_up.megabytes() == {"data_batch_1": 400, "all": 800}


def test_unsteadiness_is_the_mean_range_divided_by_the_median(content):
    """The times are 2, 2, 4 s and 0.5, 1, 2 s a setting. The ratios are 2, 2, 2 and 8, 4, 4."""
    content["contenders"] = {name: content["contenders"][name] for name in (OURS, STACKED, BESIDE)}
    expected = (np.mean([2 / 2, 1.5 / 1]), np.mean([0, 4 / 4]))
    assert Race.model_validate(content).unsteadiness() == pytest.approx(expected)


# Files


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"work": None}, "work = None: must be an object"),
        ({"contenders": {OURS: 1}}, "contenders.this project = 1: must be an object"),
        ({"contenders": {OURS: turns(1)}}, "contenders = {.*}: must hold PyTorch eager"),
        ({"images": {"few": turns(1)}}, "images.few.*: must be a valid integer"),
        ({"stack": {"1": {"seconds": []}}}, r"stack.1.seconds = \[\]: "),
    ],
)
def test_damaged_results_give_an_error_with_the_key_and_the_cure(content, tmp_path, change, says):
    (tmp_path / "results.json").write_text(json.dumps(content | change))
    with pytest.raises(InputError, match=rf"results\.json: {says}.*; run `make bench`$"):
        race.read(tmp_path / "results.json")


def test_read_returns_the_results_that_were_written(content, made_up, tmp_path):
    (tmp_path / "results.json").write_text(json.dumps(content))
    assert race.read(tmp_path / "results.json") == made_up


# Tables, charts and sentences


def test_last_row_of_the_table_is_the_limit(made_up):
    _, (*contenders, limit), label, caption = sentences.race_table(made_up)
    assert [row[0] for row in contenders] == list(made_up.contenders)
    assert contenders[2] == [BESIDE, "4.00 (4.00 to 8.00)", "1.00 (1.00 to 1.00)", "37\u00a0%"]
    assert limit[0] == "the machine's limit, 32 stacked" and limit[1].startswith("0.98 ") and limit[3] == "100\u00a0%"
    assert label == "tab-speed" and "over 3 rounds" in caption and "numpy 2.4; NumPy's products by one BLAS." in caption
    assert len(sentences.race_table(made_up, evaluated=False)[1]) == 4


def test_table_in_the_terminal_names_every_contender(made_up):
    text = "\n".join(as_text(made_up))
    assert all(text.count(name) >= 2 for name in made_up.alone)
    assert "4.00 (4.00 to 8.00)" in text and "Seconds grow as images^1.00, epochs^2.00." in text


def test_finding_holds_only_if_ratios_are_steadier_than_times(content):
    finding = sentences.on_work(Race.model_validate(content))[-1]
    assert finding.holds and str(finding).startswith("Ratios within a round are steadier, with 20\u00a0%")
    content["contenders"] = dict.fromkeys(content["contenders"], turns(2, 2, 2)) | {BESIDE: turns(1, 2, 3)}
    assert not sentences.on_work(Race.model_validate(content))[-1].holds


def test_sentences_give_the_times_of_other_libraries_as_multiples_of_ours(made_up):
    single, stacked, evaluation = sentences.on_others(made_up)
    assert "in memory takes 2.0 times" in single and "JAX 5.0 times" in single
    assert "PyTorch takes 4.0 times as long, and 4.0 times if nothing is evaluated" in stacked
    assert evaluation.endswith("that is 50\u00a0% of the time.")


@pytest.mark.parametrize(("copied", "sets"), {1e10: "the products set", 1e8: "memory sets"}.items())
def test_sentence_says_whether_products_or_memory_set_the_limit(made_up, copied, sets):
    made_up.limit.bytes = [copied] * N_ROUNDS
    text, _ = sentences.on_limit(made_up)
    assert f"does 100 thousand million operations a second, and a copy reads and writes {copied / 1e9:.1f} GB" in text
    assert f"a setting by itself reaches {'49' if copied == 1e10 else '4915'}\u00a0% of its own, which {sets}." in text


def test_sentences_give_the_growth_of_time_and_memory(made_up):
    time, memory = sentences.on_growth(made_up)
    assert "images to the power 1.00 and with the epochs to the power 2.00" in time
    assert "A setting in a stack of 4 takes 50\u00a0% of the time" in time
    assert "holds 400 MB at most, and 800 MB with" in memory
    assert "stack of 4 takes 0.50 of the time" in sentences.growth_caption(made_up)[2]


def test_table_of_steps_has_a_row_for_every_step(content):
    steps = race.Steps(machine=content["machine"], seconds={"nothing changed": 0.25, "a sentence changed": 9})
    _, rows, _, caption = sentences.steps_table(steps)
    assert rows == [["nothing changed", "0.2"], ["a sentence changed", "9.0"]]
    assert "on 2 cores (made up)" in caption


def test_charts_show_the_given_contenders_and_sizes(made_up):
    fig = charts.contenders(made_up.rows())
    assert [label.get_text() for label in fig.axes[0].get_yticklabels()] == list(made_up.contenders)
    grown = {"images": race.growth(made_up.images), "stack": race.growth(made_up.stack)}
    fig = charts.growth(grown, ["seconds", "seconds a setting"])
    assert [ax.get_xlabel() for ax in fig.axes] == ["images", "stack"]
    assert sentences.race_caption(made_up)[2].startswith("A dot plot. Median seconds a setting: this project 2.00; ")


# The committed results

BARS = [  # name, other, least ratio of speeds; 10 for 32 stacked without evaluation is not reached
    (OURS, "JAX jit", 1),
    (OURS, BESIDE, 1.3),
    (OURS, "PyTorch DataLoader", 1.8),
    (OURS, sentences.COURSE, 3),
    ("this project, 4 stacked", BESIDE, 2.5),
    (STACKED, BESIDE, 6),
]


@pytest.mark.parametrize(("name", "beside", "least"), BARS)
def test_committed_speed_ratios_reach_the_required_values(name, beside, least):
    assert np.median(race.read().ratio(name, beside)) >= least


def test_committed_results_reach_half_of_the_limit_and_grow_in_proportion_to_the_size():
    committed = race.read()
    alone = {row.name: row for row in committed.rows(evaluated=False)}[STACKED]
    assert alone.limit / np.median(alone.seconds) >= 0.5
    assert max(race.exponent(sizes) for sizes in (committed.images, committed.epochs)) <= 1.05
    sizes, took = race.growth(committed.stack)
    assert (np.diff(took / sizes) < 0).all()
    memory = committed.megabytes()
    assert memory["data_batch_1"] <= 450
    assert memory["all"] <= 1200


def test_committed_results_hold_five_rounds_eight_contenders_and_all_sizes():
    committed = race.read()
    assert committed.n_rounds >= 5
    assert len(committed.contenders) == 8
    assert list(committed.images) == [2500, 5000, 10_000, 25_000, 50_000]
    reached = [accuracy for turns in committed.contenders.values() for accuracy in turns.accuracy]
    assert min(reached) > 0.4, "a contender did not do the work"
    assert race.read_steps().seconds
