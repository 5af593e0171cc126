"""The part of the exploring window for answers: a click on a cell shows its images, one on an image says why."""

import threading

import ipywidgets as widgets
import numpy as np

from lib import cifar10
from lib.model import Loss, Network, scores
from lib.stats import confusion
from notebooks.explore.answers import MOST, Confusion, Gallery, Looked, Why, behind
from notebooks.explore.controls import box
from report.pictures import as_image


class Answers:
    """Confusion, gallery and why, and what happens between them. `look` is called from the thread that draws."""

    def __init__(self) -> None:
        self.confusion, self.gallery, self.why = Confusion(), Gallery(), Why()
        self.lock = threading.RLock()
        self.clear()
        self.confusion.observe(lambda change: self.show_behind(), "chosen")
        self.gallery.observe(lambda change: self.pick(change.new), "picked")
        self.why.observe(lambda change: self.explain(), ["number", "of"])

    def boxes(self) -> list[widgets.Widget]:
        title = widgets.HTML("<h2>Why this answer?</h2>")
        return [box("middle", self.confusion, self.gallery), box("last", title, self.why)]

    def clear(self) -> None:
        """Back to before there was a network."""
        with self.lock:
            self.looked: Looked | None = None
            self.confusion.counts, self.confusion.chosen, self.confusion.note = [], [], ""
            self.confusion.what, self.why.ready = "images", False
            self.show([], [], "Once a network answers, click a number to see the images behind it.")

    def look(self, looked: Looked, net: Network, loss: Loss, note: str = "") -> None:
        """Let `net` answer for these images. Images that are shown already stay, unless they are of another split."""
        with self.lock:
            moved = self.looked is None or looked.what != self.looked.what
            self.looked, self.net, self.loss = looked, net, loss
            self.S = scores(looked.X, net)
            with self.confusion.hold_sync():
                self.confusion.counts = confusion(looked.y, self.S.argmax(1)).tolist()
                self.confusion.what, self.confusion.note = looked.what, note
            if moved:
                self.gallery.picked = -1
                self.show_behind()
            self.explain()

    def show_behind(self) -> None:
        """The images of the chosen cell."""
        with self.lock:
            if self.looked is None:
                return
            if not self.confusion.chosen:
                return self.show([], [], f"Click a number to see the {self.looked.what} behind it.")
            row, column = self.confusion.chosen
            found = behind(self.S, self.looked.y, self.loss, row, column)
            truth, answer = cifar10.CLASSES[row], cifar10.CLASSES[column]
            title = f"{truth}, rightly named" if row == column else f"{truth}, taken for {answer}"
            shown = f"the {MOST} it is surest of" if len(found.numbers) > MOST else "the surest first"
            captions = [f"{share:.0%}" for share in found.sure[:MOST]]
            return self.show(
                found.numbers[:MOST], captions, f"{title}: {len(found.numbers)} {self.looked.what}, {shown}"
            )

    def show(self, numbers: np.ndarray | list[int], captions: list[str], title: str) -> None:
        images = self.looked.images[numbers] if self.looked and len(numbers) else np.zeros((0, 3072), np.uint8)
        with self.gallery.hold_sync():
            self.gallery.title, self.gallery.captions = title, captions
            self.gallery.numbers, self.gallery.pixels = [int(n) for n in numbers], as_image(images).tobytes()

    def pick(self, number: int) -> None:
        """Explain this image's answer."""
        if number >= 0:
            with self.lock, self.why.hold_trait_notifications():
                self.why.number, self.why.of = number, -1

    def explain(self) -> None:
        with self.lock:
            if self.looked is not None:
                self.why.explain(self.looked, self.net)
