"""What a network answers: the confusion matrix, the images behind each of its cells, and why it answers so."""

from typing import Any, NamedTuple

import numpy as np
from traitlets import Bool, Bytes, Dict, Int, List, Unicode

from lib import cifar10
from lib.model import Loss, Network, scores
from notebooks.explore.controls import View, script
from report.pictures import as_image

K = len(cifar10.CLASSES)
MOST = 20  # images of a cell that are shown


class Looked(NamedTuple):
    """A held-out split that is looked at: X (N, D), y (N,), and the images as they were, uint8 (N, D)."""

    what: str
    X: np.ndarray
    y: np.ndarray
    images: np.ndarray


class Confusion(View):
    """Counts, row = true class, column = predicted class. Each cell is a button."""

    _esm = script("confusion")
    classes: Any = List(list(cifar10.CLASSES)).tag(sync=True)
    counts: Any = List().tag(sync=True)
    what = Unicode().tag(sync=True)  # which images these are
    note = Unicode().tag(sync=True)
    chosen: Any = List().tag(sync=True)  # row and column of the cell that was clicked


class Gallery(View):
    """The images behind a cell. Each is a button."""

    _esm = script("gallery")
    title = Unicode().tag(sync=True)
    pixels = Bytes().tag(sync=True)  # (n, 32, 32, 3)
    numbers: Any = List().tag(sync=True)  # of the images in their split
    captions: Any = List().tag(sync=True)
    picked = Int(-1).tag(sync=True)


class Why(View):
    """One image, its scores, and what each pixel adds to the score of one class."""

    _esm = script("why")
    classes: Any = List(list(cifar10.CLASSES)).tag(sync=True)
    what = Unicode("validation images").tag(sync=True)
    number = Int(0).tag(sync=True)  # of the image
    size = Int(0).tag(sync=True)  # of the split
    of = Int(-1).tag(sync=True)  # the class whose score is explained; below 0: the network's answer
    shown: Any = Dict().tag(sync=True)  # true class, answer, explained class, scores and sums
    pixels = Bytes().tag(sync=True)  # (32, 32, 3)
    parts = Bytes().tag(sync=True)  # (32, 32, 4), with blue for the class and orange against it
    ready = Bool(False).tag(sync=True)

    def explain(self, looked: Looked, net: Network) -> None:
        """Show the chosen image. A number beyond the split is refused by the browser, and here kept within it."""
        n = min(max(self.number, 0), len(looked.y) - 1)
        S = scores(looked.X[n : n + 1], net)[0].astype(float)
        answer = int(S.argmax())
        k = self.of if 0 <= self.of < K else answer
        parts = contributions(looked.X[n], net, k)
        sums = {"for": parts[parts > 0].sum(), "against": parts[parts < 0].sum(), "bias": float(net.b[k])}
        with self.hold_sync():
            self.what, self.size, self.number, self.ready = looked.what, len(looked.y), n, True
            self.pixels = as_image(looked.images[n]).tobytes()
            self.parts = signed_pixels(parts)
            self.shown = {
                "truth": int(looked.y[n]), "answer": answer, "of": k, "scores": np.nan_to_num(S).tolist(),
            } | {name: float(np.nan_to_num(value)) for name, value in sums.items()}  # fmt: skip


def contributions(x: np.ndarray, net: Network, k: int) -> np.ndarray:
    """What each pixel of x (3072,) adds to the score of class k, its three colours together: (32, 32).

    x * W[:, k], summed; with the bias b[k], all of them together are the score.
    """
    return as_image(x.astype(float) * net.W[:, k]).sum(2)


def signed_pixels(parts: np.ndarray) -> bytes:
    """Numbers (32, 32) as colours: blue above zero, orange below, fainter near it. Zero lets the page show."""
    parts = np.nan_to_num(parts)
    strength = abs(parts) / max(abs(parts).max(), np.finfo(float).tiny)
    hues = np.where(parts[..., None] > 0, (0, 114, 178), (213, 94, 0))  # report.style.COLOURS[1] and [0]
    return np.dstack([hues, np.rint(255 * strength)]).astype(np.uint8).tobytes()


class Behind(NamedTuple):
    """The images behind a cell: where they are in their split, and how sure of its answer the network is of each."""

    numbers: np.ndarray
    sure: np.ndarray


def behind(S: np.ndarray, y: np.ndarray, loss: Loss, row: int, column: int) -> Behind:
    """The images of class `row` that the scores S (N, K) take for class `column`, those that it is surest of first."""
    numbers = np.flatnonzero((y == row) & (S.argmax(1) == column))
    sure = loss.probabilities(S[numbers])[:, column]
    order = np.argsort(-sure, kind="stable")
    return Behind(numbers[order], sure[order])
