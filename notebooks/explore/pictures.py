"""Pictures that change while a network trains. Python sends numbers and pixels; the browser draws them.

A frame is only about ten kilobytes, so drawing hardly slows training. Colours follow JupyterLab's theme.
"""

from typing import Any

import numpy as np
from traitlets import Bytes, Dict, Int, List

from lib import cifar10
from lib.runs.run import finite
from lib.runs.snapshots import levels
from notebooks.explore.background import Training
from notebooks.explore.controls import View, script
from report.pictures import as_image
from report.style import colour


class Curves(View):
    """Loss, cost and accuracy. The current run has full colour; earlier runs are pale, with buttons to remove them."""

    _esm = script("curves")
    now: Any = Dict().tag(sync=True)
    earlier: Any = List().tag(sync=True)
    removed = Int(0).tag(sync=True)  # the number of the run whose button was clicked


class Templates(View):
    """The weights of each class as an image."""

    _esm = script("templates")
    classes: Any = List(list(cifar10.CLASSES)).tag(sync=True)
    pixels = Bytes().tag(sync=True)  # (K, 32, 32, 3)


def run_data(number: int, training: Training) -> dict[str, Any]:
    """Return the data of one run's curves. NaN, from a diverged run, is sent as null."""
    title, n_epochs = training.setting.plain_title, training.setting.n_epochs
    curves = {
        split: {measure: [*map(finite, values)] for measure, values in measures.items()}
        for split, measures in training.curves().items()
    }
    return {"number": number, "title": title, "colour": colour(number - 1), "n_epochs": n_epochs} | curves


def template_pixels(W: np.ndarray) -> bytes:
    """Return the templates of W (D, K), each on its own scale, as bytes (K, 32, 32, 3)."""
    with np.errstate(all="ignore"):  # the weights of a diverged run overflow
        return as_image(levels(W).T).tobytes()
