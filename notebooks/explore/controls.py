"""The input controls of the exploring window: their values, error messages, and saving them as a setting."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import anywidget
import ipywidgets as widgets
from ruamel.yaml import YAML
from traitlets import Bool, Dict, Float, List, Unicode, observe

from lib import paths
from lib.command import InputError
from lib.runs import settings
from lib.runs.settings import Setting

BROWSER = Path(__file__).with_name("browser")
COMMON = (BROWSER / "common.js").read_text(encoding="utf-8")


def script(name: str) -> str:
    """Return the JavaScript module of a widget: the code common to all widgets, then the code of this one."""
    return COMMON + (BROWSER / f"{name}.js").read_text(encoding="utf-8")


class View(anywidget.AnyWidget):
    """A widget drawn by JavaScript in notebooks/explore/browser. All widgets and the window share one style sheet."""

    _css = (BROWSER / "explore.css").read_text(encoding="utf-8")


def box(place: str, *children: widgets.Widget) -> widgets.Box:
    """Put widgets into a box. The style sheet lays it out by its class explore-<place>."""
    container = widgets.VBox(children)
    container.add_class(f"explore-{place}")
    return container


class Field(NamedTuple):
    """One control: a slider if it has `stops`, a menu if it has `options` (value and name each), else a check box."""

    name: str
    label: str
    stops: Sequence[float] = ()
    options: Sequence[tuple[str, str]] = ()


def one_two_five(low: int, high: int) -> list[float]:
    """Return a scale of round numbers: 1, 2 and 5 times each power of ten, from 10**low to 10**high."""
    return [float(f"{digit}e{power}") for power in range(low, high) for digit in (1, 2, 5)] + [float(f"1e{high}")]


FIELDS = (
    Field("eta", "Learning rate η", one_two_five(-5, 0)),
    Field("lam", "Penalty λ", [0.0, *one_two_five(-4, 1)]),
    Field("n_batch", "Batch size", [int(stop) for stop in one_two_five(0, 3)]),
    Field("n_epochs", "Epochs", range(1, 101)),
    Field("seed", "Seed", range(100)),
    Field("loss", "Loss", options=[("softmax", "softmax, cross-entropy"), ("bce", "sigmoids, binary cross-entropy")]),
    Field("decay", "Decay of η", options=[("none", "none"), ("step", "in three steps"), ("plateau", "when stuck")]),
    Field("flips", "Mirror images at random"),
)
START: dict[str, Any] = {"name": "explore", "eta": 0.001, "lam": 0.0}


def defaults() -> dict[str, Any]:
    """Return the initial value of each control. Numbers are text, as if typed."""
    values = Setting(**START).model_dump(include={field.name for field in FIELDS})
    return {name: f"{value:g}" if type(value) in (int, float) else value for name, value in values.items()}


class Form(View):
    """All controls. The keys of `values` and `problems` are field names; a problem says what is wrong with a value."""

    _esm = script("form")
    fields: Any = List([f._asdict() | {"stops": [f"{stop:g}" for stop in f.stops]} for f in FIELDS]).tag(sync=True)
    values: Any = Dict(defaults()).tag(sync=True)
    problems: Any = Dict().tag(sync=True)

    @observe("values")
    def check(self, change: object) -> None:
        self.problems = {name: problem for name, value in self.values.items() if (problem := problem_of(name, value))}

    def reset(self) -> None:
        self.values = defaults()

    def setting(self, name: str = "explore") -> Setting:
        """Return a setting with the form's values. Raises InputError if a value is wrong."""
        return settings.validate({"name": name} | {key: parse(value) for key, value in self.values.items()}, "setting")


def parse(value: Any) -> Any:
    """Convert text to a number if possible ("1e3" to an int), else strip it. Return other values unchanged."""
    if not isinstance(value, str):
        return value
    try:
        number = float(value)
    except ValueError:
        return value.strip()
    return int(number) if number.is_integer() else number


def problem_of(name: str, value: Any) -> str:
    """Explain why this field cannot have this value; return "" if it can."""
    try:
        settings.validate(START | {name: parse(value)}, "field")
    except InputError as error:
        return str(error).removeprefix("field: ")
    return ""


class Status(View):
    """A status line, which screen readers read out when it changes, and a progress bar."""

    _esm = script("status")
    text = Unicode().tag(sync=True)
    bad = Bool(False).tag(sync=True)
    detail = Unicode().tag(sync=True)  # not read out, since it changes with each frame
    done = Float(-1.0).tag(sync=True)  # the share done; negative hides the bar

    def say(self, text: str, bad: bool = False) -> None:
        with self.hold_sync():
            self.text, self.bad = text, bad


def save(setting: Setting, folder: Path = paths.SETTINGS) -> Path:
    """Write eta, lam and all values that differ from the defaults to folder/NAME.yaml.

    Raises InputError if that file exists or another setting in the folder has the same values.
    """
    path = folder / f"{setting.name}.yaml"
    if path.exists():
        raise InputError(f"{path.name} exists already, and is not changed: choose another name")
    for other in sorted(folder.glob("*.yaml")):
        if settings.read(other).trains_as(setting):
            raise InputError(f"{other.name} has these values already: change one, and train again")
    with paths.atomic(path) as temporary:
        YAML().dump({"eta": setting.eta, "lam": setting.lam} | setting.non_defaults, temporary)
    return path
