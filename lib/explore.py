"""The exploring window of notebooks/explore.ipynb: choose values, watch them train, look at the answers, save."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import ipywidgets as widgets

from lib import cifar10, paths
from lib.answers import Looked
from lib.controls import Form, Status, box, save, suggest_name
from lib.errors import InputError
from lib.experiment import BATCHES, Splits, load_splits
from lib.inspection import Answers
from lib.live import Curves, Templates, entry, template_pixels
from lib.model import LOSSES, Network
from lib.trainer import Moment, Training

FRAMES = 10  # a second, at most
LOOK = 1.0  # seconds between two looks at the answers, which are a pass over the validation images each
TEST_NOTE = (
    "These test images are here to understand mistakes. Never choose a setting by them: its test accuracy would not be"
    " an honest one any more. Choose by the validation curves."
)

SPLITS = {"train": "Training", "val": "validation"}
WORDS = {
    "ready": "Ready. Choose values and train.",
    "training": "Training",
    "paused": "Paused. The network so far can be looked at.",
    "stopped": "Stopped. The network so far stays, and can be looked at.",
    "complete": "Training is complete.",
    "failed": "Training failed",
}


class Window(widgets.VBox):  # type: ignore[misc]
    """All of it. `net` is the network of the current run, at its last epoch so far."""

    def __init__(self, splits: Splits | None = None, folder: Path = paths.SETTINGS) -> None:
        self.splits, self.folder = splits or load_splits(), folder
        self.validation = Looked("validation images", *self.splits.val, cifar10.load_batch(BATCHES["val"])[0])
        self.test: Looked | None = None  # read when the first run has ended
        self.training: Training | None = None
        self.runs: dict[int, Training] = {}  # by number, in the order of their start
        self.count = 0
        self.drawing = threading.RLock()
        self.drawn_moment: Moment | None = None
        self.drawn_net: Network | None = None

        self.form, self.status, self.saved = Form(), Status(), Status()
        self.curves, self.templates, self.answers = Curves(), Templates(), Answers()
        self.train_button = button("Train", self.train, "Train a network with these values", "primary")
        self.pause_button = button("Pause", self.pause, "Halt after this epoch, and go on later")
        self.stop_button = button("Stop", self.stop, "End after this epoch and keep the network")
        self.reset_button = button("Reset", self.reset, "End training, remove every run, put the controls back")
        self.name = widgets.Text(description="Name", layout={"width": "24rem"}, style={"description_width": "3rem"})
        self.save_button = button("Save as setting", self.save, "Make these values a section of the next report")
        self.form.observe(lambda change: self.refresh(), ["values", "problems"])
        self.curves.observe(lambda change: self.remove(change.new), "removed")
        self.suggested = ""
        self.refresh()
        super().__init__(self.arranged())
        self.add_class("explore")

    def arranged(self) -> list[widgets.Widget]:
        buttons = box("buttons", self.train_button, self.pause_button, self.stop_button, self.reset_button)
        side = box("side", self.form, buttons, self.status)
        keep = [widgets.HTML("<h3>Keep these values</h3>"), box("save", self.name, self.save_button), self.saved]
        top = box("top", side, box("pictures", self.curves, self.templates))
        return [top, *self.answers.boxes(), box("last", *keep)]

    @property
    def net(self) -> Network | None:
        return self.training.moment.net if self.training else None

    # What the buttons do.

    def train(self) -> None:
        """Start a run with the values of the controls. The run before stays, as pale curves."""
        if self.form.problems or (self.training and self.training.alive):
            return
        with self.drawing:
            self.count += 1
            self.training = self.runs[self.count] = Training(self.form.setting(), self.splits)
            self.show_earlier()
            self.training.start()
            self.refresh()
        threading.Thread(target=self.watch, args=[self.training], daemon=True, name="drawing").start()

    def pause(self) -> None:
        """Halt, or go on."""
        if self.training and self.training.alive:
            (self.training.go_on if self.training.state == "paused" else self.training.pause)()
            self.refresh()

    def stop(self) -> None:
        if self.training:
            self.training.stop()

    def reset(self) -> None:
        with self.drawing:
            if self.training:
                self.training.stop()
            self.training = self.drawn_moment = self.drawn_net = None
            self.runs.clear()
            self.curves.now, self.curves.earlier, self.templates.pixels = {}, [], b""
            self.answers.clear()
            self.form.reset()
            self.refresh()

    def remove(self, number: int) -> None:
        """Remove an earlier run."""
        with self.drawing:
            if self.runs.get(number, self.training) is not self.training:
                del self.runs[number]
                self.show_earlier()

    def save(self) -> None:
        try:
            path = save(self.form.setting(self.name.value.strip()), self.folder)
        except (InputError, OSError) as error:
            self.saved.say(f"Not saved. {error}", bad=True)
        else:
            shown = path.relative_to(paths.ROOT) if path.is_relative_to(paths.ROOT) else path
            self.saved.say(f"Saved as {shown}. Now run make report: it becomes a section of the report.")

    # What is shown.

    def watch(self, training: Training) -> None:
        """Draw at a rate of its own while the training lasts; then look at the test images."""
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
        with self.drawing:
            if training is self.training:
                self.refresh()

    def draw(self, training: Training) -> None:
        """A frame of curves and templates, if there is anything new."""
        with self.drawing:
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
        with self.drawing:
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
        epoch, n_epochs = training.moment.epoch, training.setting.n_epochs
        own = training.curves()
        shares = ", ".join(
            f"{name} {own[split]['accuracy'][-1]:.1%}".replace("%", "\u00a0%")
            for split, name in SPLITS.items()
            if epoch
        )
        with self.status.hold_sync():
            self.status.detail, self.status.done = f"Epoch {epoch} of {n_epochs}. {shares}", epoch / n_epochs

    def refresh(self) -> None:
        """Let buttons and words say what is so, and suggest a name where none was typed."""
        state = self.training.state if self.training else "ready"
        running, bad = state in ("training", "paused"), bool(self.form.problems)
        self.train_button.disabled = running or bad
        self.pause_button.disabled = self.stop_button.disabled = not running
        self.pause_button.description = "Continue" if state == "paused" else "Pause"
        self.save_button.disabled = bad
        if bad:
            self.status.say(f"Not ready: {'; '.join(self.form.problems.values())}", bad=True)
        else:
            error = f": {self.training.error}" if self.training and self.training.error else ""
            self.status.say(WORDS[state] + error, bad=state == "failed")
            if self.name.value == self.suggested:
                self.suggested = self.name.value = suggest_name(self.form.setting())
        if state == "ready":
            self.status.detail, self.status.done = "", -1.0


def button(text: str, action: Callable[[], None], tooltip: str, style: str = "") -> widgets.Button:
    made = widgets.Button(description=text, tooltip=tooltip, button_style=style, layout={"width": "auto"})
    made.on_click(lambda clicked: action())
    return made
