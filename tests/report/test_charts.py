"""Charts and pictures are reproducible, fit the page, and show the right values in the right places."""

import io

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from numpy.testing import assert_allclose, assert_array_equal

from lib.cifar10 import CLASSES
from lib.preprocess import Standardiser
from lib.runs.snapshots import min_max_scale
from lib.stats import reliability
from notebooks.binary_cross_entropy import charts as bce_charts
from notebooks.data_and_model import charts as data_charts
from notebooks.gradient_check import charts as gradient_charts
from notebooks.improvements import charts as improvement_charts
from notebooks.reproduction import charts as reproduction_charts
from report import curves, pictures, style

rng = np.random.default_rng(0)
IMAGES = rng.integers(0, 256, (30, 3072), np.uint8)
Y = np.arange(30) % 10
W = rng.standard_normal((3072, 10)).astype(np.float32)
FEW = W[:, :3]
FIT = Standardiser.fit(IMAGES)
HISTORY = {split: {m: rng.random(5) for m in ("loss", "cost", "accuracy")} for split in ("train", "val")}
ONE_EPOCH = {split: {m: values[:1] for m, values in measures.items()} for split, measures in HISTORY.items()}
COUNTS = rng.integers(0, 1000, (10, 10))
PAIR = rng.random((2, 5))
OURS, OTHERS, WRONG, PUBLISHED = (
    [np.array([39, 39.2]), np.array([28, 31.5])],
    [[38.9, 27], [39.1, 26]],
    [[20, 29]],
    [45, 43],
)
MAPS = np.where(rng.random((2, 3, 4)) < 0.2, np.nan, 40)
P = rng.dirichlet(np.ones(3), 30)
STRIPS = (dict(zip(["η = 1", "η = 2"], OURS, strict=True)), OTHERS, WRONG, PUBLISHED, ["#d55e00", "#0072b2"])

FIGURES = {
    "sample images": lambda: data_charts.sample_images(IMAGES, Y, CLASSES[:3]),
    "sample images, none of a class": lambda: data_charts.sample_images(IMAGES[:1], Y[:1], CLASSES[:2], 2),
    "class balance": lambda: data_charts.class_balance({"a": COUNTS[0], "b": COUNTS[1]}, CLASSES),
    "class balance, all equal": lambda: data_charts.class_balance({"a": np.full(10, 3)}, CLASSES),
    "normalisation": lambda: data_charts.normalisation(IMAGES, FIT.apply(IMAGES), FIT.mean, FIT.std),
    "gradient errors": lambda: gradient_charts.gradient_errors({"right": 1e-12, "wrong": 0.5}, 1e-5),
    "curves of one setting": lambda: curves.over_epochs({"a": HISTORY}, ["red"]),
    "curves of two settings": lambda: curves.over_epochs({"a": HISTORY, "b": HISTORY}, ["red", "blue"], log=True),
    "curves of one epoch": lambda: curves.over_epochs({"a": ONE_EPOCH}, ["red"]),
    "templates": lambda: pictures.templates(W, CLASSES),
    "templates on one scale": lambda: pictures.templates(W, CLASSES, shared=True),
    "templates compared": lambda: pictures.compare_templates({"η = 1, λ = 0": FEW, "η = 1, λ = 1": -FEW}, CLASSES[:3]),
    "templates of one setting compared": lambda: pictures.compare_templates({"a": FEW}, CLASSES[:3]),
    "confusion": lambda: curves.confusion_matrix(COUNTS, CLASSES),
    "confusion with an empty class": lambda: curves.confusion_matrix(COUNTS * (np.arange(10) > 0)[:, None], CLASSES),
    "erratum": lambda: reproduction_charts.erratum({"a": PAIR, "b": PAIR}, ["red", "blue"]),
    "runs that should be equal": lambda: reproduction_charts.accuracies(dict.fromkeys("abcde", PAIR[0])),
    "strips": lambda: reproduction_charts.strips(*STRIPS),
    "strips without a mistaken report": lambda: reproduction_charts.strips(*STRIPS[:2], [], *STRIPS[3:]),
    "labelled images": lambda: pictures.labelled_images(IMAGES[:7], [f"image {i}" for i in range(7)]),
    "heat maps": lambda: improvement_charts.heat_maps(MAPS, [10, 20], [1, 2, 3], [0, 0.1, 1, 10], (0, 1, 2)),
    "changes": lambda: improvement_charts.changes({"none": OURS[0], "one": OURS[1]}, ["one"]),
    "changes from one seed": lambda: improvement_charts.changes({"none": OURS[0][:1]}, []),
    "over eta": lambda: bce_charts.over_eta({"a": np.array([1, np.nan, 2])}, [0.1, 1, 10]),
    "losses, a panel each": lambda: bce_charts.losses({"a": HISTORY, "b": ONE_EPOCH}),
    "probabilities of the true class": lambda: bce_charts.true_class_histograms({"a": P, "b": P}, Y % 3),
    "reliability": lambda: bce_charts.reliability_diagram({"a": reliability(P, Y % 3), "b": reliability(P, Y % 3)}),
}


def film_strip():
    return pictures.compare_templates({f"epoch {10 * i}": W for i in range(6)}, CLASSES)


def svg(fig):
    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "a"}):
        fig.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


@pytest.mark.filterwarnings("error", "ignore::ResourceWarning")
@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
def test_figure_drawn_twice_gives_identical_svg(draw):
    fig = draw()
    assert isinstance(fig, Figure)
    assert svg(fig) == svg(draw())


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
def test_figure_fits_the_text_width_and_a_page(draw):
    width, height = draw().get_size_inches()
    assert width <= style.WIDTH
    assert height < 9  # inches, the height of a page


def test_drawing_opens_no_figure_in_pyplot():
    import matplotlib.pyplot as plt

    FIGURES["templates"]()
    assert plt.get_fignums() == []


def test_six_settings_have_different_colours():
    assert len({style.colour(i) for i in range(6)}) == 6


def test_seventh_setting_has_the_first_colour():
    assert style.colour(6) == style.colour(0)


def test_as_image_turns_three_colour_planes_into_one_rgb_image():
    x = IMAGES[0]
    image = pictures.as_image(x)
    assert image.shape == (32, 32, 3)
    assert_array_equal(np.concatenate([image[:, :, colour].ravel() for colour in range(3)]), x)
    assert_array_equal(pictures.as_image(IMAGES)[0], image)


def test_images_side_by_side_are_transparent_between_them_and_after_the_last():
    first, second = pictures.as_image(IMAGES[0]), pictures.as_image(IMAGES[1]) / 255
    row = pictures.side_by_side([first, second], 3)
    assert row.shape == (32, 3 * 35, 4)
    assert_array_equal(row[:, :32, :3], first / 255)
    assert_array_equal(row[:, 35:67, :3], second)
    assert_array_equal(row[0, :, 3], [1] * 32 + [0] * 3 + [1] * 32 + [0] * 38)


ROWS = ("sample images", "templates", "templates on one scale", "templates compared", "labelled images")


@pytest.mark.parametrize("draw", [FIGURES[name] for name in ROWS] + [film_strip], ids=[*ROWS, "film strip"])
def test_labels_and_titles_lie_within_the_figure(draw):
    fig = draw()
    FigureCanvasAgg(fig).draw()
    for text in (text for ax in fig.axes for text in ax.texts if text.get_text()):
        box = text.get_window_extent()
        assert min(box.x0, box.y0) >= 0, text
        assert box.x1 <= fig.bbox.x1 and box.y1 <= fig.bbox.y1, text


def test_shared_scale_maps_zero_to_mid_grey():
    W = np.zeros((3072, 2))
    W[:2, 1] = 3, -3
    empty, other = pictures.shared_scale(W).T
    assert_array_equal(empty, 0.5)
    assert_array_equal(other[:3], [1, 0, 0.5])


def test_shared_scale_keeps_the_ratio_between_templates():
    small, large = pictures.shared_scale(np.stack([W[:, 0], 2 * W[:, 0]], 1)).T
    assert_allclose(2 * (small - 0.5), large - 0.5, atol=1e-6)


def test_min_max_scale_maps_each_class_to_the_full_range_from_0_to_1():
    scaled = min_max_scale(W * np.arange(1, 11))
    assert_array_equal([scaled.min(0), scaled.max(0)], [[0] * 10, [1] * 10])


@pytest.mark.parametrize("scale", [min_max_scale, pictures.shared_scale])
@pytest.mark.parametrize("value", [0, 5, -5, 1e-40])
def test_constant_template_is_scaled_without_division_by_zero(value, scale):
    scaled = scale(np.full((3072, 1), value, np.float32))
    assert ((scaled >= 0) & (scaled <= 1)).all()


def lines(fig, panel):
    return [(to_hex(line.get_color()), line.get_linestyle(), line.get_ydata()) for line in fig.axes[panel].lines]


def test_training_curve_is_solid_and_validation_curve_is_dashed():
    (_, solid, train), (_, dashed, val) = lines(curves.over_epochs({"a": HISTORY}, ["#d55e00"]), 0)
    assert (solid, dashed) == ("-", "--")
    assert_array_equal(train, HISTORY["train"]["loss"])
    assert_array_equal(val, HISTORY["val"]["loss"])


def test_accuracy_is_drawn_in_per_cent():
    (_, _, accuracy), _ = lines(curves.over_epochs({"a": HISTORY}, ["#d55e00"]), 2)
    assert_array_equal(accuracy, 100 * HISTORY["train"]["accuracy"])


def test_each_setting_has_the_same_colour_in_every_panel():
    fig = curves.over_epochs({"a": HISTORY, "b": HISTORY}, ["#d55e00", "#0072b2"])
    for panel in range(3):
        assert [hue for hue, _, _ in lines(fig, panel)] == ["#d55e00"] * 2 + ["#0072b2"] * 2


def test_several_settings_are_named_in_the_legend():
    fig = curves.over_epochs({"first": HISTORY, "second": HISTORY}, ["red", "blue"])
    assert [text.get_text() for text in fig.legends[0].texts] == ["first", "second", "training", "validation"]


def test_x_axis_counts_epochs_from_one():
    assert curves.over_epochs({"a": HISTORY}, ["red"]).axes[0].lines[0].get_xdata().tolist() == [1, 2, 3, 4, 5]


def test_wrong_gradients_have_another_colour_than_right_ones():
    right, wrong, _ = lines(gradient_charts.gradient_errors({"right": 1e-12, "wrong": 0.5}, 1e-5), 0)
    assert (right[0], wrong[0]) == (style.COLOURS[1], style.COLOURS[0])


def test_confusion_matrix_has_true_classes_as_rows():
    ax = curves.confusion_matrix(np.arange(100).reshape(10, 10), CLASSES).axes[0]
    assert (ax.get_ylabel(), ax.get_xlabel()) == ("true", "predicted")
    assert {text.get_text(): text.get_position() for text in ax.texts}["23"] == (3, 2)


def test_erratum_draws_accuracy_of_training_on_test_images_solid_and_held_out_accuracy_dashed():
    fig = reproduction_charts.erratum({"a": PAIR, "b": PAIR[::-1]}, ["#d55e00", "#0072b2"])
    drawn = lines(fig, 0)
    assert [(hue, style) for hue, style, _ in drawn[:4]] == [
        ("#d55e00", "-"), ("#d55e00", "--"), ("#0072b2", "-"), ("#0072b2", "--")
    ]  # fmt: skip
    for (_, _, values), accuracy in zip(drawn, [*PAIR, *PAIR[::-1]], strict=False):
        assert_array_equal(values, 100 * accuracy)
    assert [text.get_text() for text in fig.legends[0].texts] == ["a", "b", "trained on test_batch", "held out"]


def test_curves_of_equal_runs_differ_in_colour_or_dashes():
    drawn = reproduction_charts.accuracies(dict.fromkeys("abcde", PAIR[0])).axes[0].lines
    looks = {(to_hex(line.get_color()), str(line._dash_pattern)) for line in drawn}
    assert len(looks) == len(drawn) == 5
    for line in drawn:
        assert_array_equal(line.get_ydata(), 100 * PAIR[0])
        assert_array_equal(line.get_xdata(), [1, 2, 3, 4, 5])


def test_strip_of_a_setting_shows_our_seeds_and_published_accuracies_in_its_colour():
    ax = reproduction_charts.strips(*STRIPS).axes[0]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == list(STRIPS[0])
    for row, (ours, others, wrong, published) in enumerate(zip(*[iter(ax.collections[:8])] * 4, strict=True)):
        colours = ours.get_facecolor(), others.get_edgecolor(), wrong.get_edgecolor(), published.get_facecolor()
        assert {to_hex(colour[0]) for colour in colours} == {STRIPS[-1][row]}
        assert_array_equal(ours.get_offsets()[:, 0], OURS[row])
        assert_array_equal(others.get_offsets()[:, 0], [figures[row] for figures in OTHERS])
        assert_array_equal(wrong.get_offsets()[:, 0], [figures[row] for figures in WRONG])
        assert_array_equal(published.get_offsets(), [[PUBLISHED[row], row]])
        assert {round(height) for height in ours.get_offsets()[:, 1]} == {row}


def test_named_rows_draws_the_first_row_at_the_top():
    _, ax = curves.named_rows(["a", "b"], "x", 0.3)
    bottom, top = ax.get_ylim()
    assert bottom > top
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["a", "b"]
