"""The outputs of a notebook hold its figures and tables with label and caption, its text, and its results."""

import base64
import io
import json

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from lib import model, paths
from lib.runs.snapshots import Film
from report import markup, show
from report.words import Finding, percent, scientific


@pytest.fixture
def shown(monkeypatch, tmp_path):
    """Return the list to which each displayed output is appended as (data, metadata). figures/ is an empty folder."""
    outputs = []
    monkeypatch.setattr(show, "display", lambda data, raw, metadata: outputs.append((data, metadata)))
    monkeypatch.setattr(paths, "FIGURES", tmp_path / "figures")
    return outputs


def drawing():
    fig = Figure((1, 1))
    fig.subplots().plot([1, 2])
    return fig


def test_output_of_a_figure_holds_its_label_caption_and_alt_text(shown):
    show.figure(drawing(), "fig-a", "The caption.", "What there is to see.")
    ((data, metadata),) = shown
    assert metadata == {"label": "fig-a", "caption": "The caption.", "alt": "What there is to see."}
    assert data["image/svg+xml"].startswith("<?xml")
    assert data["text/plain"] == "What there is to see."


def test_saved_figure_is_identical_to_the_displayed_one(shown):
    show.figure(drawing(), "fig-a", "caption", "alt")
    (file,) = paths.FIGURES.iterdir()
    assert (file.name, file.read_text()) == ("fig-a.svg", shown[0][0]["image/svg+xml"])


def test_figure_shown_twice_has_identical_bytes_and_no_date_or_creator(shown):
    for _ in range(2):
        show.figure(drawing(), "fig-a", "caption", "alt")
    once, again = (data["image/svg+xml"] for data, _ in shown)
    assert once == again
    assert "dc:date" not in once
    assert "dc:creator" not in once


def made_up_film():
    levels = np.random.default_rng(0).integers(0, 256, (4, 3072, 3), np.uint8)
    levels[2, :, 1] = np.repeat([200, 100, 50], 1024)  # the second class has one colour in the third epoch
    return Film(np.array([0, 1, 7, 9]), levels)


def test_film_is_shown_as_a_strip_and_its_metadata_hold_an_image_of_every_epoch(shown):
    show.film(made_up_film(), ["a", "b", "c"], "fig-a", "caption", "alt")
    ((data, metadata),) = shown
    handed_over = metadata["film"]
    sprite = Image.open(io.BytesIO(base64.b64decode(handed_over.pop("sprite"))))
    assert handed_over == {"epochs": [0, 1, 7, 9], "strip": [0, 1, 9], "names": ["a", "b", "c"]}
    assert sprite.size == (3 * 32, 4 * 32)
    inner = np.asarray(sprite)[64:96, 32:64]  # the third epoch, the second class
    assert abs(inner.astype(int) - (200, 100, 50)).max() <= 3
    assert data["image/svg+xml"].count("<image") == 3  # one for each epoch of the strip


def test_sprite_of_a_film_made_twice_has_identical_bytes():
    assert show.sprite(made_up_film().levels) == show.sprite(made_up_film().levels)


def test_sprite_of_pure_noise_is_smaller_than_300_kb(shown):
    levels = np.random.default_rng(0).integers(0, 256, (11, 3072, 10), np.uint8)
    assert len(show.sprite(levels)) < 300_000


def test_figure_that_cannot_be_saved_leaves_the_old_file_unchanged(shown):
    show.figure(drawing(), "fig-a", "caption", "alt")
    before = (paths.FIGURES / "fig-a.svg").read_text()
    broken = drawing()
    broken.axes[0].set_title("$\\nonsense$")
    with pytest.raises(ValueError, match="nonsense"):
        show.figure(broken, "fig-a", "caption", "alt")
    assert [file.read_text() for file in paths.FIGURES.iterdir()] == [before]


def test_table_is_markdown_with_right_aligned_numbers(shown):
    show.table(["setting", "test"], [["a", "39.14"], ["b", "39.13"]], "tab-a", "The caption.")
    ((data, metadata),) = shown
    assert data["text/markdown"].splitlines() == [
        "| setting | test |",
        "| :-- | --: |",
        "| a | 39.14 |",
        "| b | 39.13 |",
    ]
    assert metadata == {"label": "tab-a", "caption": "The caption."}


def test_text_columns_of_a_table_can_be_left_aligned(shown):
    show.table(["a", "b", "c"], [["1", "2", "3"]], "tab-a", "The caption.", align="lrl")
    ((data, _),) = shown
    assert data["text/markdown"].splitlines()[1] == "| :-- | --: | :-- |"


def test_finding_prints_the_sentence_for_true_or_for_false():
    assert str(Finding("key", True, "It does.", "It does not.")) == "It does."
    assert str(Finding("key", False, "It does.", "It does not.")) == "It does not."


def test_sentences_are_shown_as_one_paragraph(shown):
    show.text("One.", "Two.")
    ((data, _),) = shown
    assert data == {"text/markdown": "One. Two.", "text/plain": "One. Two."}


@pytest.mark.parametrize("holds", [True, False, np.True_, np.False_])
def test_finding_in_a_text_is_saved_as_a_result_and_its_sentence_shown(shown, holds):
    show.text("So:", Finding("a/b", holds, "yes", "no"))
    (result, metadata), (paragraph, _) = shown
    assert result[markup.RESULT] is bool(holds)
    assert metadata == {"result": "claims/a/b"}
    assert paragraph["text/markdown"] == ("So: yes" if holds else "So: no")


def test_result_is_saved_in_the_output_and_not_displayed(shown):
    show.result("a/b", {"loss": np.array([1.5, 2]), "name": "η"})
    ((data, metadata),) = shown
    assert data == {markup.RESULT: {"loss": [1.5, 2], "name": "η"}, "text/plain": ""}
    assert metadata == {"result": "a/b"}


@pytest.mark.parametrize("value", [np.float32(1), {1, 2}], ids=repr)
def test_result_that_json_cannot_hold_raises_a_type_error(shown, value):
    with pytest.raises(TypeError, match="tolist"):
        show.result("a", value)
    assert shown == []


def test_shown_source_code_is_identical_to_the_code_in_lib(shown):
    show.source(model.softmax)
    ((data, metadata),) = shown
    lines = data["text/markdown"].splitlines()
    assert (lines[0], lines[1], lines[-1]) == ("```python", "def softmax(S: np.ndarray) -> np.ndarray:", "```")
    assert "\n".join(lines[1:-1]) in (paths.ROOT / "lib/model.py").read_text()
    assert metadata == {"source": "lib.model.softmax"}


def test_every_output_can_be_saved_as_json(shown):
    show.figure(drawing(), "fig-a", "caption", "alt")
    show.text("One.", Finding("a", True, "yes", "no"))
    show.source(model.scores)
    assert json.loads(json.dumps(shown)) == [list(output) for output in shown]


@pytest.mark.parametrize(
    ("fraction", "printed"), [(0.4517, "45.17"), (0.3, "30.00"), (1, "100.00"), (0.39135, "39.13")]
)
def test_percent_prints_two_decimals_and_a_non_breaking_space(fraction, printed):
    assert percent(fraction) == f"{printed}\u00a0%"


def test_percent_prints_the_given_number_of_decimals():
    assert [percent(0.12345, digits) for digits in (0, 1)] == ["12\u00a0%", "12.3\u00a0%"]


@pytest.mark.parametrize(
    ("x", "printed"),
    {
        1.09e-15: r"$1.09 \times 10^{-15}$",
        9.999e-5: r"$1.00 \times 10^{-4}$",
        12345: r"$1.23 \times 10^{4}$",
        -0.5: r"$-5.00 \times 10^{-1}$",
        1: r"$1.00 \times 10^{0}$",
        0: "$0$",
    }.items(),
)
def test_scientific_prints_a_number_as_a_latex_formula(x, printed):
    assert scientific(x) == printed
