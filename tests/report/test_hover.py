"""The hover data of a chart hold the values that the chart draws and their positions in the SVG."""

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
from report.hover import hover_data

rng = np.random.default_rng(0)
HISTORY = {split: {m: rng.uniform(0.2, 3, 6) for m in ("loss", "cost", "accuracy")} for split in ("train", "val")}


def draw(fig):
    buffer = io.StringIO()
    fig.savefig(buffer, format="svg")
    return buffer.getvalue()


def vertices(svg):
    """Return the points of every curve of six epochs, in the order of the file."""
    paths = re.findall(r'<path d="((?:[ML] \S+ \S+\s*){6})" clip-path', svg)
    return [np.array(re.findall(r"[ML] (\S+) (\S+)", path), float) for path in paths]


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("titles", [["a"], ["a", "b"]])
def test_hover_positions_match_the_curves_in_the_svg(titles, log):
    fig = curves.over_epochs(dict.fromkeys(titles, HISTORY), ["#ff0000", "#0000ff"][: len(titles)], log=log)
    svg = draw(fig)
    pairs = [(panel, curve) for panel in hover_data(fig) for curve in panel["curves"]]
    assert len(pairs) == len(vertices(svg)) == 6 * len(titles)
    for (panel, curve), points in zip(pairs, vertices(svg), strict=True):
        np.testing.assert_allclose(np.column_stack([panel["x"], curve["y"]]), points, atol=0.06)


def test_hover_values_match_the_history():
    fig = curves.over_epochs({"a": HISTORY}, ["#ff0000"])
    draw(fig)
    panels = hover_data(fig)
    assert [panel["title"] for panel in panels] == ["loss", "cost", "accuracy (%)"]
    assert all((panel["axis"], panel["steps"]) == ("epoch", [1, 2, 3, 4, 5, 6]) for panel in panels)
    training, validation = panels[2]["curves"]
    assert (training["name"], training["dashed"], training["colour"]) == ("training", False, "#ff0000")
    assert (validation["name"], validation["dashed"]) == ("validation", True)
    np.testing.assert_allclose(validation["values"], 100 * HISTORY["val"]["accuracy"], rtol=1e-3)


def test_box_of_a_panel_encloses_its_curves():
    fig = curves.over_epochs({"a": HISTORY}, ["#ff0000"])
    draw(fig)
    for panel in hover_data(fig):
        left, top, right, bottom = panel["box"]
        assert left <= min(panel["x"]) and max(panel["x"]) <= right
        assert all(top <= y <= bottom for curve in panel["curves"] for y in curve["y"])


def test_names_of_curves_of_several_settings_begin_with_the_setting():
    fig = curves.over_epochs({"a": HISTORY, "b": HISTORY}, ["#ff0000", "#0000ff"])
    names = [curve["name"] for curve in hover_data(fig)[0]["curves"]]
    assert names == ["a: training", "a: validation", "b: training", "b: validation"]


def test_curve_whose_name_begins_with_an_underscore_has_hover_data_but_no_legend_entry():
    fig = reproduction_charts.erratum({"a": rng.random((2, 6))}, ["#ff0000"])
    assert [text.get_text() for text in fig.legends[0].texts] == ["a", "trained on test_batch", "held out"]
    assert [curve["name"] for curve in hover_data(fig)[0]["curves"]] == ["a", "a, held out"]


def test_nan_in_a_curve_becomes_null():
    fig = Figure()
    ax = fig.subplots()
    ax.plot([1, 2, 3], [1, np.nan, 2], label="a")
    ax.set_xlabel("epoch")
    draw(fig)
    (curve,) = json.loads(json.dumps(hover_data(fig), allow_nan=False))[0]["curves"]
    assert curve["values"] == [1, None, 2]
    assert curve["y"][1] is None


def test_panel_without_an_axis_label_has_no_hover_data():
    fig = Figure()
    ax = fig.subplots()
    ax.plot([1, 2], [1, 2], label="a")
    assert hover_data(fig) == []


ETAS = [0.0003, 0.01, 1]
SIZES, TIMES = np.array([1, 8, 32]), np.array([0.5, 0.7, 0.9])


@pytest.mark.parametrize(
    ("fig", "expected"),
    [
        (bce_charts.over_eta({"a": TIMES}, ETAS), [("validation accuracy (%)", "η", ETAS, "a", 100 * TIMES)]),
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
def test_curves_over_other_quantities_than_epochs_have_hover_data(fig, expected):
    draw(fig)
    for panel, (title, axis, steps, name, values) in zip(hover_data(fig), expected, strict=True):
        assert (panel["title"], panel["axis"], panel["curves"][0]["name"]) == (title, axis, name)
        assert panel["steps"] == list(steps)
        np.testing.assert_allclose(panel["curves"][0]["values"], values, rtol=1e-3)


def test_hidden_axis_label_is_not_drawn():
    fig = mistake_charts.mistakes({"a": (TIMES, TIMES / 2)}, SIZES)
    assert "epoch" not in draw(fig)
