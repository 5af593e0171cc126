"""The sentences and tables of chapter 2, from made-up errors."""

import pytest

from notebooks.gradient_check import sentences

PUBLISHED = {"W": 1.09e-15, "b": 9.78e-17}


def test_table_has_a_row_of_errors_for_every_case():
    errors = {(10, 0.1, "start"): {"torch": (1e-12, 0), "numerical": (2e-6, 3e-7)}}
    header, rows, _, caption = sentences.errors_table(errors, 3)
    assert header[3:] == ["PyTorch, $W$", "PyTorch, $\\mathbf{b}$", "differences, $W$", "differences, $\\mathbf{b}$"]
    figures = ["$1.00 \\times 10^{-12}$", "$0$", "$2.00 \\times 10^{-6}$", "$3.00 \\times 10^{-7}$"]
    assert rows == [["10", "0.1", "start", *figures]]
    assert "on $n = 3$ images, with $\\varepsilon = 10^{-6}$" in caption


def test_sentences_give_the_largest_error_of_each_method():
    text = " ".join(sentences.on_errors({"torch": 1e-12, "numerical": 2e-6}))
    assert "$1.00 \\times 10^{-12}$: rounding" in text
    assert "agree within $2.00 \\times 10^{-6}$" in text


def test_smallest_error_of_a_mistake_is_compared_with_the_error_of_the_right_gradient():
    mistakes = {sentences.RIGHT: 1e-12, "small": 5e-4, "large": 1}
    text = " ".join(sentences.on_mistakes(mistakes))
    assert "has the error $5.00 \\times 10^{-4}$, $5.00 \\times 10^{8}$ times that of the right one" in text
    _, caption, alt = sentences.mistakes_caption(mistakes, 1e-9, 3072, 0.1)
    assert "$d = 3072$, $\\lambda = 0.1$" in caption and "the threshold, $1.00 \\times 10^{-9}$" in caption
    assert "right gradient 1e-12, small 5e-04, large 1e+00." in alt


@pytest.mark.parametrize(("b", "equal"), [(9.776e-17, True), (9.79e-17, False)])
def test_finding_holds_only_if_published_errors_are_equal_to_the_digit(b, equal):
    finding, _ = sentences.on_replay(PUBLISHED, PUBLISHED | {"b": b})
    assert finding.holds == equal
    assert ("do not come out to the digit" in str(finding)) != equal
    _, rows, *_ = sentences.published_table(PUBLISHED, PUBLISHED, PUBLISHED | {"b": b})
    assert rows[0][0] == "$W$" and len({*rows[0][1:]}) == 1
    assert (len({*rows[1][1:]}) == 1) == equal
