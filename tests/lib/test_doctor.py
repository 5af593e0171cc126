"""Diagnoses of right accuracies, of published reports and of each mistake; bad input."""

import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib import paths, published
from lib.assignment import SETTINGS
from lib.command import InputError
from lib.doctor import diagnosis
from lib.doctor.accuracies import from_numbers, read_accuracies, read_signatures
from lib.doctor.diagnosis import NONE, PRIOR, diagnose, leave_one_out, posterior, without_trace
from lib.doctor.mistakes import ADVICE, RIGHT

SIGNATURES = read_signatures()
RESULTS = paths.REPORT / "results.json"
RIGHT_REPORTS, WRONG_REPORTS = published.reports()
TEST = [("test", place) for place in range(len(SETTINGS))]
HIDDEN = without_trace(SIGNATURES, TEST)
SPREAD = SIGNATURES[RIGHT]["test"].model_dump()
VISIBLE = [name for name in SIGNATURES if name not in (RIGHT, *HIDDEN)]
# Both make the step so large that training is chaotic. Four accuracies from two seeds cannot distinguish them.
CONFUSED = {"summed", "bytes"}
# Half the penalty changes only one accuracy, and the prior prefers a right report. Required share of diagnoses:
HARD = {"half-penalty": 0.6}


def likeliest(accuracies):
    return next(iter(posterior(accuracies, SIGNATURES)))


# Diagnoses of right and of wrong accuracies


@pytest.mark.parametrize("name", RIGHT_REPORTS)
def test_published_report_without_a_mistake_looks_right(name):
    (line, *_) = diagnose(from_numbers(RIGHT_REPORTS[name]), SIGNATURES)
    assert line.startswith("looks right (")


def test_there_are_nine_published_reports_without_a_mistake():
    assert len(RIGHT_REPORTS) == 9


@pytest.mark.parametrize(
    ("name", "cause"), list(zip(WRONG_REPORTS, ("sigma-1", "sigma-0.1", "trained-on-test"), strict=True))
)
def test_published_report_with_a_mistake_is_diagnosed_with_it(name, cause):
    accuracies = from_numbers(WRONG_REPORTS[name])
    assert likeliest(accuracies) == cause
    assert ADVICE[cause].look in diagnose(accuracies, SIGNATURES)[0]


def test_results_of_this_project_look_right():
    assert diagnose(read_accuracies([str(RESULTS)]), SIGNATURES)[0].startswith("looks right")


def test_diagnosis_looks_right_names_the_mistakes_that_it_cannot_rule_out():
    (_, *more) = diagnose(from_numbers([28, 39.1, 39.3, 37.4]), SIGNATURES)
    assert all(ADVICE[name].did in more[-1] for name in HIDDEN)
    assert "bias-penalised" in HIDDEN
    assert "pixels-scrambled" in HIDDEN


def test_training_and_validation_accuracies_reveal_a_mistake_that_test_accuracies_hide():
    everything = [(split, place) for split in ("train", "val", "test") for place in range(len(SETTINGS))]
    assert "trained-on-validation" in HIDDEN
    assert "trained-on-validation" not in without_trace(SIGNATURES, everything)
    signature = SIGNATURES["trained-on-validation"]
    accuracies = {(split, place): 100 * signature[split].mean[place] for split, place in everything}
    assert likeliest(accuracies) == "trained-on-validation"


def mistaken_for(name):
    """Return the acceptable diagnoses: the true cause, `right` if it is invisible, and a cause that looks the same."""
    return {RIGHT, name} if name in HIDDEN else CONFUSED if name in CONFUSED else {name}


@pytest.mark.parametrize("name", ADVICE)
def test_each_mistake_is_diagnosed_from_its_mean_accuracies(name):
    accuracies = from_numbers([100 * mean for mean in SIGNATURES[name]["test"].mean])
    assert likeliest(accuracies) in mistaken_for(name)
    if name in VISIBLE:
        assert any(ADVICE[name].look in line for line in diagnose(accuracies, SIGNATURES))


@pytest.mark.parametrize("name", SIGNATURES)
def test_each_mistake_is_usually_diagnosed_from_noisy_accuracies(name):
    mean, width = diagnosis.predict(SIGNATURES[name], "test")
    draws = np.random.default_rng(0).normal(mean, width, (200, len(SETTINGS))).clip(2, 100)
    right = [likeliest(from_numbers(list(draw))) in mistaken_for(name) for draw in draws]
    assert np.mean(right) > HARD.get(name, 0.85)


def test_each_seed_is_diagnosed_correctly_from_the_other_seeds():
    diagnoses = leave_one_out(SIGNATURES)
    wrong = {name: causes for name, causes in diagnoses.items() if not set(causes) <= mistaken_for(name)}
    assert wrong == {}


@pytest.mark.parametrize("values", [[60, 70, 80, 90], [2, 2, 2, 2], [39, 20, 39, 20]])
def test_accuracies_that_no_mistake_explains_are_diagnosed_as_none_of_these(values):
    assert likeliest(from_numbers(values)) == NONE
    assert "gradient check" in diagnose(from_numbers(values), SIGNATURES)[0]


# Probabilities


@given(st.lists(st.floats(1.01, 100), min_size=4, max_size=4))
def test_any_accuracies_give_probabilities_that_sum_to_1_in_falling_order(values):
    probability = posterior(from_numbers(values), SIGNATURES)
    assert set(probability) == {RIGHT, *ADVICE, NONE}
    assert sum(probability.values()) == pytest.approx(1)
    assert list(probability.values()) == sorted(probability.values(), reverse=True)


@given(st.lists(st.floats(1.01, 100), min_size=4, max_size=4))
def test_diagnosis_has_at_most_four_short_lines(values):
    lines = diagnose(from_numbers(values), SIGNATURES)
    assert 1 <= len(lines) <= 4
    assert all(len(line) < 500 for line in lines)


def test_without_accuracies_the_posterior_is_the_prior():
    probability = posterior({}, SIGNATURES)
    assert {name: pytest.approx(p) for name, p in PRIOR.items()}.items() <= probability.items()
    assert len({round(probability[name], 9) for name in ADVICE}) == 1


def test_confidence_is_never_stated_as_100_per_cent():
    assert [diagnosis.confidence(p) for p in (1, 0.996, 0.824)] == ["over 99 %", "over 99 %", "82 %"]


def test_likelihood_matches_scipy():
    from scipy.stats import norm

    mean, width = diagnosis.predict(SIGNATURES["sigma-1"], "test")
    expected = norm.logpdf([29, 20, 21, 37], mean, width).sum()
    likelihood = diagnosis.log_likelihood(from_numbers([29, 20, 21, 37]), SIGNATURES["sigma-1"])
    assert likelihood == pytest.approx(expected)


# The user's accuracies


def test_accuracies_can_be_given_as_fractions_or_in_per_cent():
    as_fractions, in_per_cent = (
        read_accuracies(text.split()) for text in (".262 .388 .392 .375", "26.2% 38.8 39.2 37.5")
    )
    assert as_fractions == pytest.approx(in_per_cent)


@pytest.mark.parametrize(
    ("given", "says"),
    {
        "": "give a results.json, or 4 test accuracies",
        "1 2 3": "give a results.json, or 4 test accuracies",
        "1 2 3 4 5": "give a results.json, or 4 test accuracies",
        "a 38 39 37": "must be a number from 0 to 100, got 'a'",
        "nan 38 39 37": "must be a number from 0 to 100, got 'nan'",
        "inf 38 39 37": "must be a number from 0 to 100, got 'inf'",
        "-1 38 39 37": "must be a number from 0 to 100, got '-1'",
        "28 38 39 101": "must be a number from 0 to 100, got '101'",
        "0.28 38 39 37": "0.28 is a fraction and 39 is in per cent",
        "no-such-file": "no-such-file: No such file or directory",
        ".": ".: Is a directory",
    }.items(),
)
def test_bad_arguments_give_a_one_line_error(given, says):
    with pytest.raises(InputError) as error:
        read_accuracies(given.split())
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def student_file(folder, content):
    file = folder / "student.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return [str(file)]


def result(accuracy=0.39, eta=0.001, lam=0.0, **more):
    return {"eta": eta, "lam": lam, "test": {"accuracy": accuracy}} | more


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "Invalid JSON"),
        ([], "must be an object"),
        ({}, "settings is missing"),
        ({"settings": [1]}, "settings = [1]: must be an object"),
        ({"settings": {"a": 1}}, "settings.a = 1: must be an object"),
        ({"settings": {"a": result(eta=[1])}}, "settings.a.eta = [1]: must be a valid number"),
        ({"settings": {}}, "none of its settings is one of"),
        ({"settings": {"a": result(eta=0.5)}}, "none of its settings is one of"),
        ({"settings": {"a": result(n_epochs=3)}}, "none of its settings is one of"),
        ({"settings": {"a": result(test={})}}, "none of its settings is one of"),
        ({"settings": {"a": result(None)}}, "none of its settings is one of"),
        ({"settings": {"a": result(39)}}, "settings.a.test.accuracy = 39: must be less than or equal to 1; give a"),
        ({"settings": {"a": result("0.39")}}, "settings.a.test.accuracy = '0.39': must be a valid number"),
        ({"settings": {"a": result(True)}}, "settings.a.test.accuracy = True: must be a valid number"),
        ({"settings": {"a": result(float("nan"))}}, "settings.a.test.accuracy = nan: must be a finite number"),
        ({"settings": {"a": result(10**400)}}, "must be a finite number"),
    ],
)
def test_bad_results_file_gives_a_one_line_error(tmp_path, content, says):
    with pytest.raises(InputError) as error:
        read_accuracies(student_file(tmp_path, content))
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_results_file_may_lack_settings_and_contain_others(tmp_path):
    settings = {"mine": result(0.2), "other": result(0.3, eta=0.01), "third": result(0.37, lam=1)}
    assert read_accuracies(student_file(tmp_path, {"settings": settings})) == {("test", 1): 20, ("test", 3): 37}


def test_final_accuracy_is_the_last_value_of_the_history(tmp_path):
    history = {"train": {"accuracy": [0.3, 0.45]}, "val": {"accuracy": [0.3, 0.38]}, "extra": {"accuracy": [1]}}
    accuracies = read_accuracies(student_file(tmp_path, {"settings": {"a": result(0.39, history=history)}}))
    assert accuracies == {("test", 1): 39, ("train", 1): 45, ("val", 1): 38}


@pytest.mark.parametrize("history", [None, [], {"train": None}, {"val": {}}, {"val": {"accuracy": []}}])
def test_results_file_may_lack_the_history(tmp_path, history):
    assert read_accuracies(student_file(tmp_path, {"settings": {"a": result(history=history)}})) == {("test", 1): 39}


@pytest.mark.parametrize("mistakes", [{}, 3, {"right": {}}, {name: {"test": SPREAD} for name in (RIGHT, *ADVICE)}])
def test_results_without_every_mistake_give_an_error_with_the_cure(tmp_path, mistakes):
    (file,) = student_file(tmp_path, {"mistakes": mistakes})
    with pytest.raises(InputError, match=r": mistakes.*; run `make report`"):
        read_signatures(paths.Path(file))


@pytest.mark.parametrize(
    ("arguments", "code", "out", "err"),
    [
        (["26.2", "38.8", "39.2", "37.5"], 0, "looks right", ""),
        ([str(RESULTS)], 0, "looks right", ""),
        (["1", "2"], 1, "", "error: give a results.json, or 4 test accuracies, such as 26.2 38.8 39.2 37.5\n"),
    ],
)
def test_command_prints_the_diagnosis_or_a_one_line_error(arguments, code, out, err):
    command = [sys.executable, "-m", "lib.doctor", *arguments]
    done = subprocess.run(command, cwd=paths.ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (code, err)
    assert done.stdout.startswith(out)
