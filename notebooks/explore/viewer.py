"""The runs of the exploring window and their pictures, drawn at a rate of their own while a network trains."""

import threading
import time
from collections.abc import Callable

from lib import cifar10
from lib.assignment import BATCHES
from lib.model import LOSSES, Network
from lib.runs.splits import Splits
from notebooks.explore.answers import Looked
from notebooks.explore.background import Moment, Training
from notebooks.explore.controls import Status
from notebooks.explore.inspection import Answers
from notebooks.explore.pictures import Curves, Templates, entry, template_pixels

FRAMES = 10  # a second, at most
LOOK = 1.0  # seconds between two looks at the answers, which are a pass over the validation images each
TEST_NOTE = (
    "These test images are here to understand mistakes. Never choose a setting by them: its test accuracy would not be"
    " an honest one any more. Choose by the validation curves."
)


class Viewer:
    """Curves, templates and answers of the current run, and the curves of earlier ones.

    Each run has a thread that draws; `on_end` is called there. Progress goes to `status`.
    """

    def __init__(self, splits: Splits, status: Status, on_end: Callable[[], None]) -> None:
        self.splits, self.status, self.on_end = splits, status, on_end
        self.validation = Looked("validation images", *splits.val, cifar10.load_batch(BATCHES["val"])[0])
        self.test: Looked | None = None  # read when the first run has ended
        self.curves, self.templates, self.answers = Curves(), Templates(), Answers()
        self.training: Training | None = None
        self.runs: dict[int, Training] = {}  # by number, in the order of their start
        self.count = 0
        self.lock = threading.RLock()
        self.drawn_moment: Moment | None = None
        self.drawn_net: Network | None = None
        self.curves.observe(lambda change: self.remove(change.new), "removed")

    def start(self, training: Training) -> None:
        """Start a run and draw it. The run before stays, as pale curves."""
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
            self.training = self.drawn_moment = self.drawn_net = None
            self.runs.clear()
            self.curves.now, self.curves.earlier, self.templates.pixels = {}, [], b""
            self.answers.clear()

    def watch(self, training: Training) -> None:
        """Draw while the training lasts; then look at the test images."""
        looked = -LOOK
        while training.alive and training is self.training:
            training.join(1 / FRAMES)
            self.draw(training)
            if time.monotonic() > looked + LOOK and training.alive:
                self.look(training, self.validation)
                looked = time.monotonic()
        self.draw(training)
        if training.state in ("complete", "stopped"):
            self.look(training, self.test_images(), TEST_NOTE)
        with self.lock:
            if training is self.training:
                self.on_end()

    def draw(self, training: Training) -> None:
        """A frame of curves and templates, if there is anything new."""
        with self.lock:
            if training is not self.training:
                return
            if training.moment is not self.drawn_moment:
                self.drawn_moment = training.moment
                self.curves.now = entry(self.count, training)
                self.show_progress(training)
            if training.glimpse is not self.drawn_net:
                self.drawn_net = training.glimpse
                self.templates.pixels = template_pixels(self.drawn_net.W)

    def look(self, training: Training, looked: Looked, note: str = "") -> None:
        with self.lock:
            if training is self.training:
                self.answers.look(looked, training.moment.net, LOSSES[training.setting.loss], note)

    def test_images(self) -> Looked:
        """The test images. The seal lets them be read once, so they are kept for the runs to come."""
        if self.test is None:
            self.test = Looked("test images", *self.splits.test.open(), cifar10.load_batch(BATCHES["test"])[0])
        return self.test

    def show_earlier(self) -> None:
        self.curves.earlier = [entry(n, run) for n, run in self.runs.items() if run is not self.training]

    def show_progress(self, training: Training) -> None:
        epoch, n_epochs, own = training.moment.epoch, training.setting.n_epochs, training.curves()
        reached = {"Training": own["train"]["accuracy"], "validation": own["val"]["accuracy"]}
        shares = [f"{name} {100 * values[-1]:.1f}\u00a0%" for name, values in reached.items() if values]
        with self.status.hold_sync():
            self.status.detail = f"Epoch {epoch} of {n_epochs}. {', '.join(shares)}"
            self.status.done = epoch / n_epochs
