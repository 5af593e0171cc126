"""The search for the best eta of each loss."""

import pytest

from notebooks.binary_cross_entropy import best_eta


@pytest.mark.usefixtures("small_data")
def test_over_eta_returns_a_value_of_each_measure_for_each_eta():
    measures = best_eta.over_eta(loss="bce")
    assert {measure: values.shape for measure, values in measures.items()} == dict.fromkeys(
        ("loss", "cost", "accuracy"), (len(best_eta.ETAS),)
    )
