"""The search for each loss's best eta."""

import pytest

from notebooks.binary_cross_entropy import best_eta


@pytest.mark.usefixtures("small_data")
def test_each_eta_has_a_value_of_each_measure():
    measures = best_eta.over_eta(loss="bce")
    assert {measure: values.shape for measure, values in measures.items()} == dict.fromkeys(
        ("loss", "cost", "accuracy"), (len(best_eta.ETAS),)
    )
