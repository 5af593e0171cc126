"""What a chart tells at each epoch is what it draws, where it draws it."""

import io
import json
import re

import numpy as np
import pytest
from matplotlib.figure import Figure

from notebooks.binary_cross_entropy import charts as bce_charts
from notebooks.common_mistakes import charts as mistake_charts
from notebooks.reproduction import charts as reproduction_charts
from notebooks.speed import charts as speed_charts
from report import curves
from report.hover import readout

rng = np.random.default_rng(0)
HISTORY = {split: {m: rng.uniform(0.2, 3, 6) for m in ("loss", "cost", "accuracy")} for split in ("train", "val")}


def drawn(fig):
    buffer = io.StringIO()
    fig.savefig(buffer, format="svg")
    return buffer.getvalue()


def vertices(svg):
    """The points of every curve of six epochs, in the order of the file."""
    paths = re.findall(r'<path d="((?:[ML] \S+ \S+\s*){6})" clip-path', svg)
    return [np.array(re.findall(r"[ML] (\S+) (\S+)", path), float) for path in paths]


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("titles", [["a"], ["a", "b"]])
def test_the_places_are_those_of_the_curves_in_the_svg(titles, log):
    fig = curves.over_epochs(dict.fromkeys(titles, HISTORY), ["#ff0000", "#0000ff"][: len(titles)], log=log)
    svg = drawn(fig)
    told = [(panel, curve) for panel in readout(fig) for curve in panel["curves"]]
    assert len(told) == len(vertices(svg)) == 6 * len(titles)
    for (panel, curve), points in zip(told, vertices(svg), strict=True):
        np.testing.assert_allclose(np.column_stack([panel["x"], curve["y"]]), points, atol=0.06)


def test_the_values_are_those_of_the_history():
    fig = curves.over_epochs({"a": HISTORY}, ["#ff0000"])
    drawn(fig)
    panels = readout(fig)
    assert [panel["title"] for panel in panels] == ["loss", "cost", "accuracy (%)"]
    assert all((panel["axis"], panel["steps"]) == ("epoch", [1, 2, 3, 4, 5, 6]) for panel in panels)
    training, validation = panels[2]["curves"]
    assert (training["name"], training["dashed"], training["colour"]) == ("training", False, "#ff0000")
    assert (validation["name"], validation["dashed"]) == ("validation", True)
    np.testing.assert_allclose(validation["values"], 100 * HISTORY["val"]["accuracy"], rtol=1e-3)


def test_the_box_is_that_of_the_panel():
    fig = curves.over_epochs({"a": HISTORY}, ["#ff0000"])
    drawn(fig)
    for panel in readout(fig):
        left, top, right, bottom = panel["box"]
        assert left <= min(panel["x"]) and max(panel["x"]) <= right
        assert all(top <= y <= bottom for curve in panel["curves"] for y in curve["y"])


def test_several_settings_are_told_apart():
    fig = curves.over_epochs({"a": HISTORY, "b": HISTORY}, ["#ff0000", "#0000ff"])
    names = [curve["name"] for curve in readout(fig)[0]["curves"]]
    assert names == ["a: training", "a: validation", "b: training", "b: validation"]


def test_names_for_the_readout_alone_stay_out_of_the_legend():
    fig = reproduction_charts.erratum({"a": rng.random((2, 6))}, ["#ff0000"])
    assert [text.get_text() for text in fig.legends[0].texts] == ["a", "trained on test_batch", "held out"]
    assert [curve["name"] for curve in readout(fig)[0]["curves"]] == ["a", "a, held out"]


def test_a_gap_in_a_curve_is_something_that_json_can_hold():
    fig = Figure()
    ax = fig.subplots()
    ax.plot([1, 2, 3], [1, np.nan, 2], label="a")
    ax.set_xlabel("epoch")
    drawn(fig)
    (curve,) = json.loads(json.dumps(readout(fig), allow_nan=False))[0]["curves"]
    assert curve["values"] == [1, None, 2]
    assert curve["y"][1] is None


def test_an_axis_without_a_name_is_not_read():
    fig = Figure()
    ax = fig.subplots()
    ax.plot([1, 2], [1, 2], label="a")
    assert readout(fig) == []


ETAS = [0.0003, 0.01, 1]
SIZES, TIMES = np.array([1, 8, 32]), np.array([0.5, 0.7, 0.9])


@pytest.mark.parametrize(
    ("fig", "told"),
    [
        (bce_charts.over_eta({"a": TIMES}, ETAS, "%"), [("%", "η", ETAS, "a", TIMES)]),
        (
            speed_charts.growth({"images": (SIZES, TIMES), "epochs": (2 * SIZES, TIMES)}, ["seconds", "s"]),
            [("seconds", "images", SIZES, "median", TIMES), ("s", "epochs", 2 * SIZES, "median", TIMES)],
        ),
        (
            mistake_charts.mistakes({"a long name of a mistake": (TIMES, TIMES / 2)}, SIZES),
            [("a long name of a mistake", "epoch", SIZES, "with the mistake", 50 * TIMES)],
        ),
    ],
)
def test_curves_over_something_else_are_told_as_well(fig, told):
    drawn(fig)
    found = readout(fig)
    assert [(panel["title"], panel["axis"], panel["curves"][0]["name"]) for panel in found] == [
        (title, axis, name) for title, axis, _, name, _ in told
    ]
    for panel, (_, _, steps, _, values) in zip(found, told, strict=True):
        assert panel["steps"] == list(steps)
        np.testing.assert_allclose(panel["curves"][0]["values"], values, rtol=1e-3)


def test_the_name_of_an_axis_that_is_not_drawn_takes_no_room():
    fig = mistake_charts.mistakes({"a": (TIMES, TIMES / 2)}, SIZES)
    assert "epoch" not in drawn(fig)
