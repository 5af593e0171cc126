"""The pictures that grow while a network trains. Python sends numbers and pixels; the browser draws them.

A frame is some ten kilobytes: drawing costs the training little, and follows JupyterLab's light or dark theme.
"""

import math
from typing import Any

import numpy as np
from traitlets import Bytes, Dict, Int, List

from lib import cifar10
from lib.runs.snapshots import levels
from notebooks.explore.background import Training
from notebooks.explore.controls import View, script
from report.pictures import as_image
from report.style import colour


class Curves(View):
    """Loss, cost and accuracy: the current run in full colour, earlier ones pale, each with a button to remove it."""

    _esm = script("curves")
    now: Any = Dict().tag(sync=True)
    earlier: Any = List().tag(sync=True)
    removed = Int(0).tag(sync=True)  # the number of the run whose button was clicked


class Templates(View):
    """The weights of each class as an image."""

    _esm = script("templates")
    classes: Any = List(list(cifar10.CLASSES)).tag(sync=True)
    pixels = Bytes().tag(sync=True)  # (K, 32, 32, 3)


def entry(number: int, training: Training) -> dict[str, Any]:
    """What the browser draws of one run. JSON knows no nan: where a step too large has ended in none, it is null."""
    curves = {
        split: {
            measure: [value if math.isfinite(value) else None for value in values] for measure, values in own.items()
        }
        for split, own in training.curves().items()
    }
    setting = training.setting
    return {
        "number": number, "title": setting.plain_title, "colour": colour(number - 1), "n_epochs": setting.n_epochs,
    } | curves  # fmt: skip


def template_pixels(W: np.ndarray) -> bytes:
    """W (D, K) as K images, each on its own scale."""
    with np.errstate(all="ignore"):  # a step too large overflows
        return as_image(levels(W).T).tobytes()
