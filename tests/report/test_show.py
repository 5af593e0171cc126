"""What a notebook shows travels in its outputs: captions, labels and alt texts beside the figures, results unseen."""

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
    """What is displayed, as (data, metadata); figures/ is an empty folder."""
    outputs = []
    monkeypatch.setattr(show, "display", lambda data, raw, metadata: outputs.append((data, metadata)))
    monkeypatch.setattr(paths, "FIGURES", tmp_path / "figures")
    return outputs


def drawing():
    fig = Figure((1, 1))
    fig.subplots().plot([1, 2])
    return fig


def test_a_figure_travels_with_its_label_caption_and_alt_text(shown):
    show.figure(drawing(), "fig-a", "The caption.", "What there is to see.")
    ((data, metadata),) = shown
    assert metadata == {"label": "fig-a", "caption": "The caption.", "alt": "What there is to see."}
    assert data["image/svg+xml"].startswith("<?xml")
    assert data["text/plain"] == "What there is to see."


def test_a_figure_is_saved_whole_and_as_it_is_shown(shown):
    show.figure(drawing(), "fig-a", "caption", "alt")
    (file,) = paths.FIGURES.iterdir()
    assert (file.name, file.read_text()) == ("fig-a.svg", shown[0][0]["image/svg+xml"])


def test_the_same_figure_has_the_same_bytes_without_date_or_maker(shown):
    for _ in range(2):
        show.figure(drawing(), "fig-a", "caption", "alt")
    once, again = (data["image/svg+xml"] for data, _ in shown)
    assert once == again
    assert "dc:date" not in once
    assert "dc:creator" not in once


def made_up_film():
    levels = np.random.default_rng(0).integers(0, 256, (4, 3072, 3), np.uint8)
    levels[2, :, 1] = np.repeat([200, 100, 50], 1024)  # one colour all over
    return Film(np.array([0, 1, 7, 9]), levels)


def test_a_film_is_a_strip_for_paper_and_a_picture_of_every_epoch_for_the_page(shown):
    show.film(made_up_film(), ["a", "b", "c"], "fig-a", "caption", "alt")
    ((data, metadata),) = shown
    handed_over = metadata["film"]
    sprite = Image.open(io.BytesIO(base64.b64decode(handed_over.pop("sprite"))))
    assert handed_over == {"epochs": [0, 1, 7, 9], "strip": [0, 1, 9], "names": ["a", "b", "c"]}
    assert sprite.size == (3 * 32, 4 * 32)
    inner = np.asarray(sprite)[64:96, 32:64]  # the third epoch, the second class
    assert abs(inner.astype(int) - (200, 100, 50)).max() <= 3
    assert data["image/svg+xml"].count("<image") == 3  # one for each epoch of the strip


def test_the_same_film_has_the_same_bytes():
    assert show.sprite(made_up_film().levels) == show.sprite(made_up_film().levels)


def test_noise_of_a_whole_setting_fits(shown):
    levels = np.random.default_rng(0).integers(0, 256, (11, 3072, 10), np.uint8)
    assert len(show.sprite(levels)) < 300_000


def test_a_figure_that_cannot_be_saved_leaves_the_old_one(shown):
    show.figure(drawing(), "fig-a", "caption", "alt")
    before = (paths.FIGURES / "fig-a.svg").read_text()
    broken = drawing()
    broken.axes[0].set_title("$\\nonsense$")
    with pytest.raises(ValueError, match="nonsense"):
        show.figure(broken, "fig-a", "caption", "alt")
    assert [file.read_text() for file in paths.FIGURES.iterdir()] == [before]


def test_a_table_is_markdown_with_numbers_to_the_right(shown):
    show.table(["setting", "test"], [["a", "39.14"], ["b", "39.13"]], "tab-a", "The caption.")
    ((data, metadata),) = shown
    assert data["text/markdown"].splitlines() == [
        "| setting | test |",
        "| :-- | --: |",
        "| a | 39.14 |",
        "| b | 39.13 |",
    ]
    assert metadata == {"label": "tab-a", "caption": "The caption."}


def test_a_table_of_words_can_be_to_the_left(shown):
    show.table(["a", "b", "c"], [["1", "2", "3"]], "tab-a", "The caption.", align="lrl")
    ((data, _),) = shown
    assert data["text/markdown"].splitlines()[1] == "| :-- | --: | :-- |"


def test_a_claim_reads_as_what_holds():
    assert str(Finding("key", True, "It does.", "It does not.")) == "It does."
    assert str(Finding("key", False, "It does.", "It does not.")) == "It does not."


def test_sentences_become_one_paragraph(shown):
    show.text("One.", "Two.")
    ((data, _),) = shown
    assert data == {"text/markdown": "One. Two.", "text/plain": "One. Two."}


@pytest.mark.parametrize("holds", [True, False, np.True_, np.False_])
def test_a_claim_in_a_text_is_handed_to_the_results(shown, holds):
    show.text("So:", Finding("a/b", holds, "yes", "no"))
    (result, metadata), (paragraph, _) = shown
    assert result[markup.RESULT] is bool(holds)
    assert metadata == {"result": "claims/a/b"}
    assert paragraph["text/markdown"] == ("So: yes" if holds else "So: no")


def test_a_result_is_handed_over_unseen(shown):
    show.result("a/b", {"loss": np.array([1.5, 2]), "name": "η"})
    ((data, metadata),) = shown
    assert data == {markup.RESULT: {"loss": [1.5, 2], "name": "η"}, "text/plain": ""}
    assert metadata == {"result": "a/b"}


@pytest.mark.parametrize("value", [np.float32(1), {1, 2}], ids=repr)
def test_a_result_that_json_cannot_hold_is_refused(shown, value):
    with pytest.raises(TypeError, match="tolist"):
        show.result("a", value)
    assert shown == []


def test_source_is_shown_as_it_stands_in_lib(shown):
    show.source(model.softmax)
    ((data, metadata),) = shown
    lines = data["text/markdown"].splitlines()
    assert (lines[0], lines[1], lines[-1]) == ("```python", "def softmax(S: np.ndarray) -> np.ndarray:", "```")
    assert "\n".join(lines[1:-1]) in (paths.ROOT / "lib/model.py").read_text()
    assert metadata == {"source": "lib.model.softmax"}


def test_every_output_can_be_kept_in_a_notebook(shown):
    show.figure(drawing(), "fig-a", "caption", "alt")
    show.text("One.", Finding("a", True, "yes", "no"))
    show.source(model.scores)
    assert json.loads(json.dumps(shown)) == [list(output) for output in shown]


@pytest.mark.parametrize(
    ("fraction", "printed"), [(0.4517, "45.17"), (0.3, "30.00"), (1, "100.00"), (0.39135, "39.13")]
)
def test_per_cent_has_two_digits_and_a_space_that_does_not_break(fraction, printed):
    assert percent(fraction) == f"{printed}\u00a0%"


def test_per_cent_has_as_many_digits_as_asked_for():
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
def test_scientific_numbers_are_mathematics(x, printed):
    assert scientific(x) == printed
