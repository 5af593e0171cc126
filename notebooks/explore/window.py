"""The exploring window of explore.ipynb: choose values, watch a network train, see its answers, save the setting."""

from collections.abc import Callable
from pathlib import Path

import ipywidgets as widgets

from lib import paths
from lib.command import InputError
from lib.model import Network
from lib.runs.splits import Splits, load_splits
from notebooks.explore.background import Training
from notebooks.explore.controls import Form, Status, box, save
from notebooks.explore.viewer import Viewer

STATUS = {
    "ready": "Ready. Choose values and train.",
    "training": "Training",
    "paused": "Paused. The network so far can be looked at.",
    "stopped": "Stopped. The network so far stays, and can be looked at.",
    "complete": "Training is complete.",
    "failed": "Training failed",
}


class Window(widgets.VBox):  # type: ignore[misc]
    """The whole window. `net` is the network of the current run after its latest complete epoch."""

    def __init__(self, splits: Splits | None = None, folder: Path = paths.SETTINGS) -> None:
        self.splits, self.folder = splits or load_splits(), folder
        self.form, self.status, self.saved = Form(), Status(), Status()
        self.viewer = Viewer(self.splits, self.status, on_end=self.refresh)
        self.train_button = button("Train", self.train, "Train a network with these values", "primary")
        self.pause_button = button("Pause", self.pause, "Halt after this epoch, and continue later")
        self.stop_button = button("Stop", self.stop, "End after this epoch and keep the network")
        self.reset_button = button("Reset", self.reset, "End training, remove every run, put the controls back")
        self.name = widgets.Text(description="Name", layout={"width": "24rem"}, style={"description_width": "initial"})
        self.save_button = button("Save as setting", self.save, "Make these values a section of the next report")
        self.form.observe(lambda change: self.refresh(), ["values", "problems"])
        self.suggested = ""
        self.refresh()
        super().__init__(self.arrange())
        self.add_class("explore")

    def arrange(self) -> list[widgets.Widget]:
        buttons = box("buttons", self.train_button, self.pause_button, self.stop_button, self.reset_button)
        side = box("side", self.form, buttons, self.status)
        top = box("top", side, box("pictures", self.viewer.curves, self.viewer.templates))
        title = widgets.HTML("<h2>Keep these values</h2>")
        last = box("last", title, box("save", self.name, self.save_button), self.saved)
        return [top, *self.viewer.answers.boxes(), last]

    @property
    def training(self) -> Training | None:
        return self.viewer.training

    @property
    def net(self) -> Network | None:
        return self.training.moment.net if self.training else None

    def train(self) -> None:
        """Start a run with the values of the controls, unless a value is wrong or another run is training."""
        if not self.form.problems and not (self.training and self.training.is_alive()):
            self.viewer.start(Training(self.form.setting(), self.splits))
            self.refresh()

    def pause(self) -> None:
        """Pause the run, or continue it."""
        if self.training and self.training.is_alive():
            (self.training.resume if self.training.state == "paused" else self.training.pause)()
            self.refresh()

    def stop(self) -> None:
        if self.training:
            self.training.stop()

    def reset(self) -> None:
        self.viewer.clear()
        self.form.reset()
        self.refresh()

    def save(self) -> None:
        try:
            path = save(self.form.setting(self.name.value.strip()), self.folder)
        except (InputError, OSError) as error:
            self.saved.say(f"Not saved. {error}", bad=True)
        else:
            shown = path.relative_to(paths.ROOT) if path.is_relative_to(paths.ROOT) else path
            self.saved.say(f"Saved as {shown}. Now run make report: it becomes a section of the report.")

    def refresh(self) -> None:
        """Update the buttons and the status line. Suggest a name unless the user has typed one."""
        with self.viewer.lock:  # a run may end at any time, in its own thread
            state = self.training.state if self.training else "ready"
            running, bad = state in ("training", "paused"), bool(self.form.problems)
            self.train_button.disabled = running or bad
            self.pause_button.disabled = self.stop_button.disabled = not running
            self.pause_button.description = "Continue" if state == "paused" else "Pause"
            self.save_button.disabled = bad
            self.say(state)

    def say(self, state: str) -> None:
        if self.form.problems:
            self.status.say(f"Not ready: {'; '.join(self.form.problems.values())}", bad=True)
        else:
            self.status.say(STATUS[state] + self.note(), bad=state == "failed")
            if self.name.value == self.suggested:
                self.suggested = self.name.value = self.form.setting().file_stem
        if state == "ready":
            self.status.detail, self.status.done = "", -1.0

    def note(self) -> str:
        """Return what went wrong with the training; "" if nothing did."""
        if self.training and self.training.error:
            return f": {self.training.error}"
        epoch = self.training.diverged if self.training and not self.training.is_alive() else None
        return f" It diverged in epoch {epoch}: try a smaller η." if epoch else ""


def button(text: str, action: Callable[[], None], tooltip: str, style: str = "") -> widgets.Button:
    widget = widgets.Button(description=text, tooltip=tooltip, button_style=style, layout={"width": "auto"})
    widget.on_click(lambda clicked: action())
    return widget
