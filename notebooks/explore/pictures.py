"""The pictures that change while a network trains. Python sends numbers and pixels; the browser draws them.

A frame is some ten kilobytes, so drawing slows the training little; it follows JupyterLab's light or dark theme.
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


def run_data(number: int, training: Training) -> dict[str, Any]:
    """The data of one run's curves. NaN, from a diverged run, is sent as null."""
    setting = training.setting
    data: dict[str, Any] = {"number": number, "title": setting.plain_title, "colour": colour(number - 1)}
    data["n_epochs"] = setting.n_epochs
    for split, curves in training.curves().items():
        data[split] = {name: [x if math.isfinite(x) else None for x in values] for name, values in curves.items()}
    return data


def template_pixels(W: np.ndarray) -> bytes:
    """The templates of W (D, K), each on its own scale, as bytes (K, 32, 32, 3)."""
    with np.errstate(all="ignore"):  # the weights of a diverged run overflow
        return as_image(levels(W).T).tobytes()
