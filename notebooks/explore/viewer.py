"""The runs of the exploring window, and a thread that draws pictures of the current run."""

import threading
import time
from collections.abc import Callable
from functools import cached_property

from lib import cifar10
from lib.assignment import BATCHES
from lib.model import LOSSES
from lib.runs.splits import Splits
from notebooks.explore.answers import Answers, HeldOut
from notebooks.explore.background import Training
from notebooks.explore.controls import Status
from notebooks.explore.pictures import Curves, Templates, run_data, template_pixels

FRAMES_PER_SECOND = 10  # at most
ANSWER_INTERVAL = 1.0  # seconds between updates of the answers, since each evaluates all validation images
TEST_NOTE = (
    "These test images are here to understand mistakes. Never choose a setting by them: its test accuracy would not be"
    " an honest one any more. Choose by the validation curves."
)


class Viewer:
    """Curves, templates and answers of the current run, and the curves of earlier ones.

    Each run has a thread that draws, writes the progress to `status` and calls `on_end` at the end.
    """

    def __init__(self, splits: Splits, status: Status, on_end: Callable[[], None]) -> None:
        self.splits, self.status, self.on_end = splits, status, on_end
        self.validation = HeldOut("validation images", *splits.val, cifar10.load_batch(BATCHES["val"])[0])
        self.curves, self.templates, self.answers = Curves(), Templates(), Answers()
        self.training: Training | None = None
        self.runs: dict[int, Training] = {}  # by number, in the order in which they started
        self.count = 0
        self.lock = threading.RLock()
        self.curves.observe(lambda change: self.remove(change.new), "removed")

    def start(self, training: Training) -> None:
        """Start a run and draw it. Earlier runs remain as pale curves."""
        with self.lock:
            self.count += 1
            self.training = self.runs[self.count] = training
            self.show_earlier()
            training.start()
        threading.Thread(target=self.watch, args=[training], daemon=True, name="drawing").start()

    def remove(self, number: int) -> None:
        """Remove an earlier run."""
        with self.lock:
            if self.runs.get(number, self.training) is not self.training:
                del self.runs[number]
                self.show_earlier()

    def clear(self) -> None:
        """End training and remove every run."""
        with self.lock:
            if self.training:
                self.training.stop()
            self.training = None
            self.runs.clear()
            self.curves.now, self.curves.earlier, self.templates.pixels = {}, [], b""
            self.answers.clear()

    def watch(self, training: Training) -> None:
        """Draw while the training runs; then show the answers for the test images."""
        answered = -ANSWER_INTERVAL
        while training.is_alive() and training is self.training:
            training.join(1 / FRAMES_PER_SECOND)
            self.draw(training)
            if time.monotonic() > answered + ANSWER_INTERVAL and training.is_alive():
                self.answer(training, self.validation)
                answered = time.monotonic()
        self.draw(training)
        if training.state in ("complete", "stopped"):
            self.answer(training, self.test, TEST_NOTE)
        with self.lock:
            if training is self.training:
                self.on_end()

    def draw(self, training: Training) -> None:
        """Draw the curves and the templates. Only values that have changed are sent to the browser."""
        with self.lock:
            if training is self.training:
                self.curves.now = run_data(self.count, training)
                self.templates.pixels = template_pixels(training.glimpse.W)
                self.show_progress(training)

    def answer(self, training: Training, split: HeldOut, note: str = "") -> None:
        with self.lock:
            if training is self.training:
                self.answers.update(split, training.moment.net, LOSSES[training.setting.loss], note)

    @cached_property
    def test(self) -> HeldOut:
        """The test images, loaded when the first run ends. They can be opened only once, so later runs share them."""
        return HeldOut("test images", *self.splits.test.open(), cifar10.load_batch(BATCHES["test"])[0])

    def show_earlier(self) -> None:
        self.curves.earlier = [run_data(n, run) for n, run in self.runs.items() if run is not self.training]

    def show_progress(self, training: Training) -> None:
        epoch, n_epochs, curves = training.moment.epoch, training.setting.n_epochs, training.curves()
        accuracies = {"Training": curves["train"]["accuracy"], "validation": curves["val"]["accuracy"]}
        shares = [f"{name} {100 * values[-1]:.1f}\u00a0%" for name, values in accuracies.items() if values]
        with self.status.hold_sync():
            self.status.detail = f"Epoch {epoch} of {n_epochs}. {', '.join(shares)}"
            self.status.done = epoch / n_epochs
