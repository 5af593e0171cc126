"""A network's answers: the confusion matrix, the images in each of its cells, and an explanation of each answer."""

import threading
from typing import Any, NamedTuple

import ipywidgets as widgets
import numpy as np
from traitlets import Bool, Bytes, Dict, Int, List, Unicode

from lib import cifar10
from lib.model import Loss, Network, scores
from lib.stats import confusion
from notebooks.explore.controls import View, box, script
from report.pictures import as_image

MAX_IMAGES = 20  # shown per cell


class HeldOut(NamedTuple):
    """A held-out split: its name, X (N, D), y (N,) and the raw images, uint8 (N, D)."""

    name: str
    X: np.ndarray
    y: np.ndarray
    images: np.ndarray


class Confusion(View):
    """The confusion matrix: counts, row = true class, column = predicted class. Each cell is a button."""

    _esm = script("confusion")
    classes: Any = List(list(cifar10.CLASSES)).tag(sync=True)
    counts: Any = List().tag(sync=True)
    what = Unicode().tag(sync=True)  # the name of the split
    note = Unicode().tag(sync=True)
    chosen: Any = List().tag(sync=True)  # row and column of the cell that was clicked


class Gallery(View):
    """The images in a cell. Each is a button."""

    _esm = script("gallery")
    title = Unicode().tag(sync=True)
    pixels = Bytes().tag(sync=True)  # (n, 32, 32, 3)
    numbers: Any = List().tag(sync=True)  # indices of the images in their split
    captions: Any = List().tag(sync=True)
    picked = Int(-1).tag(sync=True)


class Why(View):
    """One image, its scores, and what each pixel adds to the score of one class."""

    _esm = script("why")
    classes: Any = List(list(cifar10.CLASSES)).tag(sync=True)
    what = Unicode("validation images").tag(sync=True)
    number = Int(0).tag(sync=True)  # the index of the image
    size = Int(0).tag(sync=True)  # the number of images in the split
    explained = Int(-1).tag(sync=True)  # the class whose score is explained; -1: the network's answer
    shown: Any = Dict().tag(sync=True)  # true class, answer, explained class, scores and sums
    pixels = Bytes().tag(sync=True)  # (32, 32, 3)
    parts = Bytes().tag(sync=True)  # (32, 32, 4), with blue for the class and orange against it
    ready = Bool(False).tag(sync=True)

    def explain(self, split: HeldOut, net: Network) -> None:
        """Show image `number`. The browser keeps it within the split, but the next split may be smaller."""
        n = min(max(self.number, 0), len(split.y) - 1)
        S = scores(split.X[n : n + 1], net)[0].astype(float)
        answer = int(S.argmax())
        k = answer if self.explained < 0 else self.explained
        parts = contributions(split.X[n], net, k)
        sums = {"for": parts[parts > 0].sum(), "against": parts[parts < 0].sum(), "bias": net.b[k]}
        with self.hold_sync():
            self.what, self.size, self.number, self.ready = split.name, len(split.y), n, True
            self.pixels, self.parts = as_image(split.images[n]).tobytes(), signed_pixels(parts)
            self.shown = {
                "truth": int(split.y[n]), "answer": answer, "explained": k, "scores": np.nan_to_num(S).tolist(),
            } | {name: float(np.nan_to_num(value)) for name, value in sums.items()}  # fmt: skip


def contributions(x: np.ndarray, net: Network, k: int) -> np.ndarray:
    """Return x * W[:, k], summed over the three colours of each pixel of x (3072,), as (32, 32).

    A contribution is what the pixel adds to the score of class k. The score is their sum plus the bias b[k].
    """
    return as_image(x.astype(float) * net.W[:, k]).sum(2)


def signed_pixels(parts: np.ndarray) -> bytes:
    """Return contributions (32, 32) as RGBA bytes: blue above zero, orange below, more transparent near zero."""
    parts = np.nan_to_num(parts)
    strength = abs(parts) / max(abs(parts).max(), np.finfo(float).tiny)
    hues = np.where(parts[..., None] > 0, (0, 114, 178), (213, 94, 0))  # report.style.COLOURS[1] and [0]
    return np.dstack([hues, np.rint(255 * strength)]).astype(np.uint8).tobytes()


def images_in_cell(S: np.ndarray, y: np.ndarray, loss: Loss, row: int, column: int) -> tuple[np.ndarray, np.ndarray]:
    """Find the images of class `row` for which the scores S (N, K) predict class `column`.

    Returns their indices and the probabilities of that answer, the largest first.
    """
    numbers = np.flatnonzero((y == row) & (S.argmax(1) == column))
    confidence = loss.probabilities(S[numbers])[:, column]
    order = np.argsort(-confidence, kind="stable")
    return numbers[order], confidence[order]


class Answers:
    """Confusion matrix, gallery and explanation: click a cell to see its images, click an image to explain its answer.

    The drawing thread calls `update`, so a lock prevents it from running at the same time as a click's handler.
    """

    def __init__(self) -> None:
        self.confusion, self.gallery, self.why = Confusion(), Gallery(), Why()
        self.lock = threading.RLock()
        self.clear()
        self.confusion.observe(lambda change: self.show_cell(), "chosen")
        self.gallery.observe(lambda change: self.pick(change.new), "picked")
        self.why.observe(lambda change: self.explain(), ["number", "explained"])

    def boxes(self) -> list[widgets.Widget]:
        title = widgets.HTML("<h2>Why this answer?</h2>")
        return [box("middle", self.confusion, self.gallery), box("last", title, self.why)]

    def clear(self) -> None:
        """Remove all answers, as before the first run."""
        with self.lock:
            self.split: HeldOut | None = None
            self.confusion.counts, self.confusion.chosen, self.confusion.note = [], [], ""
            self.confusion.what, self.why.ready = "images", False
            self.show_images([], [], "Once a network answers, click a number to see the images behind it.")

    def update(self, split: HeldOut, net: Network, loss: Loss, note: str = "") -> None:
        """Show the answers of `net` on a split. The gallery changes only if the split does."""
        with self.lock:
            changed = split is not self.split
            self.split, self.net, self.loss = split, net, loss
            self.S = scores(split.X, net)
            with self.confusion.hold_sync():
                self.confusion.counts = confusion(split.y, self.S.argmax(1)).tolist()
                self.confusion.what, self.confusion.note = split.name, note
            if changed:
                self.gallery.picked = -1
                self.show_cell()
            self.explain()

    def show_cell(self) -> None:
        """Show the images in the chosen cell."""
        with self.lock:
            if self.split is None:
                return
            if not self.confusion.chosen:
                return self.show_images([], [], f"Click a number to see the {self.split.name} behind it.")
            row, column = self.confusion.chosen
            numbers, confidence = images_in_cell(self.S, self.split.y, self.loss, row, column)
            truth, answer = cifar10.CLASSES[row], cifar10.CLASSES[column]
            title = f"{truth}, rightly named" if row == column else f"{truth}, taken for {answer}"
            shown = f"the {MAX_IMAGES} it is surest of" if len(numbers) > MAX_IMAGES else "the surest first"
            captions = [f"{share:.0%}" for share in confidence[:MAX_IMAGES]]
            title = f"{title}: {len(numbers)} {self.split.name}, {shown}"
            return self.show_images(numbers[:MAX_IMAGES], captions, title)

    def show_images(self, numbers: np.ndarray | list[int], captions: list[str], title: str) -> None:
        images = self.split.images[numbers] if self.split else np.zeros((0, 3072), np.uint8)
        with self.gallery.hold_sync():
            self.gallery.title, self.gallery.captions = title, captions
            self.gallery.numbers, self.gallery.pixels = [int(n) for n in numbers], as_image(images).tobytes()

    def pick(self, number: int) -> None:
        """Explain the network's answer for the image with this index."""
        if number >= 0:
            with self.lock, self.why.hold_trait_notifications():
                self.why.number, self.why.explained = number, -1

    def explain(self) -> None:
        with self.lock:
            if self.split is not None:
                self.why.explain(self.split, self.net)
