"""The sentences of chapter 1, from made-up batches and measures."""

import numpy as np
import pytest

from notebooks.data_and_model import sentences


@pytest.mark.parametrize(("size", "total"), [(1500, "4,500"), (2, "6")])
def test_sentence_gives_the_number_of_photographs_in_all_batches(size, total):
    batch = np.zeros((size, 12), np.uint8), np.zeros(size, int)
    text = " ".join(sentences.on_photographs(dict.fromkeys(["data_batch_1", "data_batch_2", "test_batch"], batch)))
    assert f"holds {total} colour photographs" in text
    assert f"$d = 12$ numbers from 0 to 255. The photographs come in 3 batches of {size:,}." in text


@pytest.mark.parametrize(
    ("test", "balanced", "says"),
    [([1000, 1000], True, "holds exactly 1,000 of each"), ([999, 1001], False, "holds between 999 and 1,001 of each")],
)
def test_test_batch_is_balanced_only_if_all_classes_have_the_same_count(test, balanced, says):
    counts = {"data_batch_1": np.array([900, 1100]), "test_batch": np.array(test)}
    *text, finding = sentences.on_balance(counts)
    assert "between 900 and 1,100 images of each" in text[0]
    assert finding.holds == balanced
    assert says in str(finding)
    assert "data_batch_1 run from 900 to 1100" in sentences.balance_caption(counts)[2]


def test_sentences_give_mean_and_standard_deviation_before_and_after_normalisation():
    measures = {"before": (0.47, 0.25), "train": (-1e-9, 1), "val": (0.004, 0.998)}
    text = " ".join(
        sentences.on_normalisation({name: {"mean": mean, "sd": sd} for name, (mean, sd) in measures.items()})
    )
    assert "the mean 0.470 and the standard deviation 0.250; after, 0.000 and 1.000." in text
    assert "the mean 0.004 and the standard deviation 0.998: close to the training images" in text


def test_sentences_compare_the_untrained_network_with_guessing():
    text = " ".join(sentences.on_start({"loss": 2.4, "accuracy": 0.11}))
    assert "$\\log K = 2.303$. Ours starts with the loss 2.400" in text
    assert "names 11.00\u00a0% of the training images" in text
