"""The sentences on one setting, from made-up runs."""

import numpy as np
import pytest

from lib.cifar10 import CLASSES
from notebooks.setting import sentences


def say(text):
    return " ".join(map(str, text))


def test_sentences_give_the_accuracies_after_the_first_and_the_last_epoch(make_run):
    text = say(sentences.on_accuracy(make_run(n_epochs=3, accuracy=(0.5, 0.35))))
    assert "After the first epoch the network names 10.00\u00a0%" in text
    assert "After epoch 3 it names 50.00\u00a0% of them, 35.00\u00a0% of the validation images" in text
    assert "**40.00\u00a0% of the test images**. Training is ahead of validation by 15.00 percentage points." in text


def test_text_on_a_diverged_run_gives_the_epoch_in_which_it_diverged(make_run):
    run = make_run("gone", eta=10, cost=[3, 1e9, np.nan])
    assert "**diverged in epoch 2**" in say(sentences.on_accuracy(run))
    label, caption, alt = sentences.curves_caption(run)
    assert label == "fig-curves-gone"
    assert caption.endswith(", diverged in epoch 2.")
    assert alt.endswith("Training diverged in epoch 2, where the curves end.")


def test_alt_text_of_the_curves_gives_their_last_values(make_run):
    alt = sentences.curves_caption(make_run())[2]
    assert "the loss ends at 0.50, the cost at 1.00 and the accuracy at 50%; on" in alt
    assert alt.endswith("the validation data at 0.50, 1.00 and 40%.")


@pytest.mark.parametrize(
    ("cost", "steady", "says"),
    [
        ([3, 2, 1], True, "the training cost falls in every epoch."),
        ([3, 3.03, 1], True, "never rises by more than 1.00\u00a0% in an epoch."),
        ([3, 4.5, 1], False, "oscillates: the training cost rises by up to 50\u00a0% from one epoch to the next."),
    ],
)
def test_training_is_steady_unless_the_cost_jumps(make_run, cost, steady, says):
    finding, *_ = sentences.on_cost(make_run(cost=cost))
    assert (finding.key, finding.holds) == ("a/training is steady", steady)
    assert says in str(finding)


def test_sentences_give_the_lowest_validation_loss_and_the_share_of_the_penalty_in_the_cost(make_run):
    text = say(sentences.on_cost(make_run(cost=[3, 1, 2], lam=0.1)))
    assert "the validation loss was lowest, 0.500, after epoch 2. The penalty makes up 50.0\u00a0% of" in text
    assert say(sentences.on_cost(make_run())).endswith("Here the cost is the loss.")


@pytest.mark.parametrize("k", [2, 7])
def test_text_names_the_class_with_the_largest_weights(make_run, k):
    run = make_run(W=np.tile(np.where(np.arange(10) == k, -3, 1).astype(np.float32), (3072, 1)))
    assert f"*{CLASSES[k]}* has the largest weights" in say(sentences.on_templates(run))
    _, caption, alt = sentences.shared_caption(run)
    assert "from $-3.000$ to $3.000$" in caption
    assert f"{CLASSES[k]} has the largest weights" in alt
    assert "correlate by 1.00" in sentences.film_caption(run)[2]
