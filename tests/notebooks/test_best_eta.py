"""Both losses side by side."""

import pytest

from notebooks.binary_cross_entropy import best_eta as losses


@pytest.mark.usefixtures("small_data")
def test_every_eta_gets_a_figure():
    found = losses.over_eta(loss="bce")
    assert {measure: values.shape for measure, values in found.items()} == dict.fromkeys(
        ("loss", "cost", "accuracy"), (len(losses.ETAS),)
    )
