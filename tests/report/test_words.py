"""The functions of `report.words` print numbers and values of runs as text."""

import numpy as np
import pytest

from report import words


@pytest.mark.parametrize(
    ("costs", "says"),
    [([3, 2, 1], "nothing: it falls in every epoch"), ([1, 1.1, 1], "up to 10.00\u00a0%")],
)
def test_largest_rise_of_the_cost_is_printed_in_per_cent_or_as_nothing(make_run, costs, says):
    assert words.rise_in_words(make_run(cost=costs)) == says


@pytest.mark.parametrize(("values", "printed"), [([40, 40], "40"), ([40], "40"), ([40, 2, 20], "2 to 40")])
def test_value_that_is_the_same_in_all_runs_is_printed_once_and_different_values_as_a_range(make_run, values, printed):
    assert words.value_or_range([make_run(n_epochs=value) for value in values], "n_epochs") == printed


@pytest.mark.parametrize(("deviations", "printed"), [([0.39, 0.41], "40.00 ± 1.41"), ([0.4, 0.4, 0.4], "40.00 ± 0.00")])
def test_accuracies_over_seeds_are_printed_as_mean_and_sample_standard_deviation(deviations, printed):
    assert words.mean_and_sd(np.array(deviations)) == printed


@pytest.mark.parametrize(
    ("p", "printed"), [(0.384, "= 0.38"), (0.0014, "= 0.0014"), (0.0009, "< 0.001"), (0, "< 0.001")]
)
def test_p_value_is_printed_with_two_digits_or_as_less_than_0_001(p, printed):
    assert words.p_value(p) == printed
