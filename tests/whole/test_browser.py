"""The HTML report in a real browser: layout, controls by mouse and keyboard, printing, and the page without scripts."""

import io
import json
import shutil
import subprocess

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

from lib import paths
from lib.cifar10 import CLASSES
from lib.runs.snapshots import Film
from notebooks.speed import charts as speed_charts
from report import curves, show
from report.pipeline import render, stitch

EPOCHS = [0, 1, 2, 3, 5, 7, 10]
HISTORY = {
    split: {m: np.linspace(first, first / 2, 10) for m in ("loss", "cost", "accuracy")}
    for split, first in (("train", 0.5), ("val", 0.7))
}
ROWS = [
    ["a", "40.00", "38.2–40.1"],
    ["b †", "**7.50**", "7.2–7.9"],
    ["c", "41.25", "39.0–42.0"],
    ["diverged", "–", "–"],
]
RESULTS = json.dumps({"η": 0.1}, ensure_ascii=False).encode()
MADE = {"commit": "abc1234", "date": "2026-11-23"}
VIEWS = [(width, scheme) for width in (1280, 400) for scheme in ("light", "dark")]


def film():
    """Make a film in which the template of class k in frame i has the grey level 20 i + 10 k everywhere."""
    levels = 20 * np.arange(len(EPOCHS))[:, None, None] + 10 * np.arange(10) + np.zeros((1, 3072, 1))
    return Film(np.array(EPOCHS), levels.astype(np.uint8))


def cells():
    show.table(["setting", "test", "interval"], ROWS, "tab-main", "The main table.")
    show.film(
        film(), CLASSES, "fig-film", "Templates for $\\eta = 1$ as they form; see [Figure](#fig-curves).", "A film."
    )
    show.figure(curves.over_epochs({"x": HISTORY}, ["#0072b2"]), "fig-curves", "Curves.", "Three charts.")
    both = curves.over_epochs({"x": HISTORY, "y": HISTORY}, ["#0072b2", "#d55e00"], log=True)
    show.figure(both, "fig-both", "More curves.", "Three charts.")
    sizes = {"images": np.array([1, 8, 32]), "epochs": np.array([7, 9])}
    growing = {what: (steps, np.linspace(0.3, 0.9, len(steps))) for what, steps in sizes.items()}
    show.figure(speed_charts.growth(growing, ["seconds", "seconds"]), "fig-growth", "Growth.", "Two charts.")
    show.figure(curves.confusion_matrix(np.eye(10) * 9, CLASSES), "fig-other", "Something else.", "A table.")


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """Render a small report with one element of each kind. Return its address."""
    folder, shown = tmp_path_factory.mktemp("report"), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(show, "display", lambda data, raw, metadata: shown.append((data, metadata)))
        patch.setattr(paths, "FIGURES", folder / "figures")
        cells()
    outputs = [new_output("display_data", data, metadata=metadata) for data, metadata in shown]
    summary = new_code_cell("x", outputs=outputs[:1], metadata={"tags": ["summary"]})
    text = "# Text\n\nSome *text* with $x^2$ and [a link](https://www.kth.se)."
    notebook = new_notebook(cells=[summary, new_markdown_cell(text), new_code_cell("x = 1", outputs=outputs[1:])])
    nbformat.write(notebook, folder / "1-a.ipynb")
    render.render(stitch.stitch([folder / "1-a.ipynb"]), MADE, folder, results=RESULTS)
    return (folder / "report.html").as_uri()


@pytest.fixture
def open_page(browser):
    """Return a function that opens an address. Fail at the end if a page logged an error or requested another file."""
    contexts, wrong = [], []

    def open_at(address, width=1280, **options):
        contexts.append(browser.new_context(viewport={"width": width, "height": 900}, **options))
        page = contexts[-1].new_page()
        page.on("console", lambda entry: wrong.append(entry.text) if entry.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda request: None if request.url == address else note(request.url))
        page.goto(address)
        return page

    def note(url):
        if not url.startswith("data:"):
            wrong.append(url)

    open_at.wrong = wrong
    yield open_at
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture
def page(open_page, report):
    return open_page(report)


def tab_to(page, selector):
    """Press the tab key until `selector` has the focus."""
    for _ in range(200):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"the tab key does not lead to {selector}")


# --- The page ---------------------------------------------------------------------------------------------------------


WIDE = """all => all.filter(element => {
    const {left, right, width} = element.getBoundingClientRect();
    const within = element.parentElement.closest(".scroll, .equation, pre, svg"); // these scroll or clip
    return width && !within && (left < 0 || right > innerWidth);
}).map(element => element.outerHTML.slice(0, 120))"""


@pytest.mark.parametrize(("width", "scheme"), VIEWS)
@pytest.mark.parametrize("scripts", [True, False])
@pytest.mark.parametrize("which", ["small", "committed"])
def test_page_fits_the_window_and_requests_nothing(open_page, report, which, width, scheme, scripts):
    address = report if which == "small" else (paths.REPORT / "report.html").as_uri()
    page = open_page(address, width, color_scheme=scheme, java_script_enabled=scripts)
    page.mouse.wheel(0, 200_000)
    page.wait_for_timeout(100)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    parts = page.locator("main, figure, figcaption, table, svg, pre, p, .scroll, .equation, .control")
    assert parts.count() > 20
    assert parts.evaluate_all(WIDE) == []


def test_content_security_policy_blocks_foreign_content(open_page, report):
    page = open_page(report)
    blocked = page.evaluate("""async () => {
        const blocked = [];
        addEventListener("securitypolicyviolation", event => blocked.push(event.effectiveDirective));
        new Image().src = "https://127.0.0.1:9/a.png";
        document.body.append(Object.assign(document.createElement("script"), {text: "window.stray = 1"}));
        document.body.append(Object.assign(document.createElement("style"), {textContent: "body {color: red}"}));
        await fetch("https://127.0.0.1:9/").catch(() => {});
        await new Promise(resolve => setTimeout(resolve, 100));
        return [...blocked, window.stray ?? "no script"];
    }""")
    assert sorted(blocked) == ["connect-src", "img-src", "no script", "script-src-elem", "style-src-elem"]
    open_page.wrong.clear()  # the browser logs what it has blocked


@pytest.mark.parametrize("scripts", [True, False])
def test_results_are_downloaded_from_the_page_without_a_request(open_page, report, scripts):
    page = open_page(report, java_script_enabled=scripts)
    with page.expect_download() as started:
        page.get_by_text("download results.json").click()
    assert started.value.suggested_filename == "results.json"
    assert started.value.path().read_bytes() == RESULTS
    open_page.wrong[:] = [url for url in open_page.wrong if not url.startswith("blob:")]


def test_without_scripts_the_film_strip_is_shown_and_no_controls(open_page, report):
    page = open_page(report, java_script_enabled=False)
    assert page.locator(".strip").is_visible()
    assert page.locator(".strip text").all_text_contents() == [*CLASSES, *(f"epoch {e}" for e in (0, 1, 5, 10))]
    assert not page.locator(".stage").is_visible()
    assert page.locator("button, input, dialog").count() == 0


def test_printed_page_has_the_film_strip_and_no_controls(page):
    page.locator("#fig-curves .chart > svg").hover()
    page.emulate_media(media="print", color_scheme="dark")
    assert page.locator(".strip").is_visible()
    for screen_only in (
        ".stage",
        ".control",
        "#fig-curves .tip",
        ".download",
        ".enlarge >> nth=0",
        "nav",
        "details >> nth=0",
    ):
        assert not page.locator(screen_only).is_visible(), screen_only
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def printed(page):
    """Print the page and return its text."""
    if not shutil.which("pdftotext"):
        pytest.skip("pdftotext is not installed")
    return subprocess.run(["pdftotext", "-layout", "-", "-"], input=page.pdf(), capture_output=True, check=True).stdout


def test_page_with_an_enlarged_figure_is_printed_as_without(page):
    before = printed(page)
    for word in (*CLASSES, "epoch 10", "Figure 5", "Table 1", "38.2–40.1"):
        assert word.encode() in before
    assert b"Enlarge" not in before and b"download" not in before
    page.locator("#fig-film .enlarge").click()
    assert printed(page) == before


# --- Interaction ------------------------------------------------------------------------------------------------------


def grey(page, k):
    """Return the grey level in the middle of the template of class k, from a screenshot."""
    cell = page.locator(".stage > svg").nth(k)
    x, y, size = (float(cell.get_attribute(name)) for name in ("x", "y", "width"))
    picture = Image.open(io.BytesIO(page.locator(".stage").screenshot())).convert("L")
    scale = picture.width / 453.6
    return picture.getpixel((int(scale * (x + size / 2)), int(scale * (y + size / 2))))


@pytest.mark.parametrize(("key", "frame"), [("End", 6), ("ArrowLeft", 5), ("Home", 0)])
def test_slider_shows_the_templates_of_the_chosen_epoch(page, key, frame):
    tab_to(page, ".film input")
    page.keyboard.press(key)
    label = f"after epoch {EPOCHS[frame]}" if frame else "before training"
    assert page.locator(".film output").text_content() == label
    assert page.locator(".film input").get_attribute("aria-valuetext") == label
    assert page.locator(".ticks .now").text_content() == str(EPOCHS[frame])
    for k in (0, 7):
        assert abs(grey(page, k) - (20 * frame + 10 * k)) <= 2


def test_mouse_over_a_panel_shows_its_values_at_the_nearest_epoch(page):
    chart = page.locator("#fig-curves .chart")
    panel = json.loads(chart.get_attribute("data-hover"))[2]
    chart.scroll_into_view_if_needed()
    box = chart.locator("> svg").bounding_box()
    scale = box["width"] / 453.6
    page.mouse.move(box["x"] + scale * (panel["x"][3] + 2), box["y"] + scale * (panel["box"][1] + 20))
    assert chart.locator(".tip b").text_content() == "accuracy (%), epoch 4"
    train, val = (100 * HISTORY[split]["accuracy"][3] for split in ("train", "val"))
    assert chart.locator(".tip td").all_text_contents() == ["training", f"{train:.2f}", "validation", f"{val:.2f}"]
    page.mouse.move(0, 0)
    assert not chart.locator(".tip").is_visible()


def test_arrow_keys_announce_the_values_to_screen_readers(page):
    tab_to(page, "#fig-both .chart")
    live = page.locator("#fig-both [aria-live]")
    assert live.text_content().startswith("loss, epoch 10: x: training 0.2500; x: validation 0.3500; y: training")
    assert page.locator("#fig-both .marks line").count() == 3  # in all panels, which have the same epochs
    for key, begins in (("ArrowLeft", "loss, epoch 9:"), ("ArrowDown", "cost, epoch 9:"), ("Home", "cost, epoch 1:")):
        page.keyboard.press(key)
        assert live.text_content().startswith(begins)
    page.keyboard.press("Tab")
    assert not page.locator("#fig-both .tip").is_visible()


def test_arrow_keys_announce_curves_over_other_quantities_than_epochs(page):
    tab_to(page, "#fig-growth .chart")
    live = page.locator("#fig-growth [aria-live]")
    assert live.text_content() == "seconds, images 32: median 0.9000"
    assert page.locator("#fig-growth .marks line").count() == 1  # the panels have different steps
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowLeft")
    assert live.text_content() == "seconds, epochs 7: median 0.3000"


@pytest.mark.parametrize("label", ["fig-film", "fig-curves", "fig-other"])
def test_enlarged_figure_returns_to_its_place_when_closed(page, label):
    order = "() => [...document.querySelectorAll('figure')].map(figure => figure.id)"
    before = page.evaluate(order)
    picture = page.locator(f"#{label} svg[role=img]:visible").first
    small = picture.bounding_box()["width"]
    tab_to(page, f"#{label} .enlarge")
    page.keyboard.press("Enter")
    assert page.locator(f"dialog[open] #{label}").is_visible()
    assert picture.bounding_box()["width"] > 1.2 * small
    page.keyboard.press("Escape")
    assert page.evaluate(order) == before
    assert abs(picture.bounding_box()["width"] - small) < 1
    assert page.evaluate("document.activeElement.matches('.enlarge')")


def test_slider_and_hover_values_work_in_the_enlarged_view(page):
    page.locator("#fig-film .enlarge").click()
    tab_to(page, "dialog input")
    page.keyboard.press("Home")
    assert grey(page, 5) == pytest.approx(50, abs=2)
    page.get_by_role("button", name="Close").click()
    page.locator("#fig-curves .enlarge").click()
    page.locator("dialog .chart > svg").hover()
    assert page.locator("dialog .tip").is_visible()
    page.keyboard.press("Escape")


def test_link_in_the_caption_of_an_enlarged_figure_closes_the_enlarged_view(page):
    page.locator("#fig-film .enlarge").click()
    page.locator("dialog figcaption a").click()
    assert page.locator("dialog[open]").count() == 0
    assert page.url.endswith("#fig-curves")


def test_main_table_can_be_sorted_by_any_column(page):
    def order():
        return "".join(name[0] for name in page.locator("#tab-main tbody td:first-child").all_text_contents())

    tab_to(page, "#tab-main th:nth-child(2) button")
    for expected, state in (("cabd", "descending"), ("bacd", "ascending")):
        page.keyboard.press("Enter")
        assert order() == expected
        assert page.locator("#tab-main th").nth(1).get_attribute("aria-sort") == state
    page.locator("#tab-main th button").nth(2).click()
    assert order() == "cabd"
    page.locator("#tab-main th button").nth(0).click()
    assert order() == "abcd"
    states = [page.locator("#tab-main th").nth(i).get_attribute("aria-sort") for i in range(3)]
    assert states == ["ascending", "none", "none"]


def test_tab_key_reaches_every_control_and_the_focus_is_visible(page):
    reached = []
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement === document.body"):
            break
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        reached += page.evaluate("[document.activeElement].map(it => it.classList[0] ?? it.tagName)")
        assert outline != "none", reached[-1]
    assert reached[0] == "skip"
    assert [reached.count(what) for what in ("enlarge", "chart", "INPUT", "BUTTON")] == [5, 3, 1, 3]


# --- Accessibility ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("width", "scheme"), VIEWS)
def test_axe_finds_no_serious_fault_in_the_small_report(open_page, report, faults, width, scheme):
    page = open_page(report, width, color_scheme=scheme)
    page.locator("#fig-both .chart").focus()
    page.keyboard.press("ArrowLeft")
    assert faults(page) == {}
    page.locator("#fig-film .enlarge").click()
    assert faults(page) == {}


@pytest.mark.parametrize(("width", "scheme"), VIEWS)
def test_axe_finds_no_serious_fault_in_the_committed_report(open_page, faults, width, scheme):
    page = open_page((paths.REPORT / "report.html").as_uri(), width, color_scheme=scheme)
    assert faults(page) == {}
