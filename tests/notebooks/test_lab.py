"""notebooks/explore.ipynb in a real JupyterLab and a real browser."""

import importlib.util
import re
import shutil
import subprocess
from urllib.parse import urlsplit

import nbformat
import pytest

from benchmarks.lab import chromium, jupyterlab, page, run_all
from lib import cifar10, paths
from lib.runs import settings

MISSING = [name for name in ("playwright", "anywidget") if not importlib.util.find_spec(name)]
pytestmark = [
    pytest.mark.skipif(chromium() is None, reason="needs Chromium"),
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
]
SMALL = """
import json
from pathlib import Path
from lib import cifar10, paths

cifar10.FOLDER, cifar10.SHA1 = Path({folder!r}), json.loads({sums!r})
"""


@pytest.fixture(scope="module")
def small_folder(made_up_batches, tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    for name, content in made_up_batches.items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture(scope="module")
def lab(made_up_batches, small_folder, tmp_path_factory):
    """Yield a page with a copy of the notebook, run on made-up data. It saves settings into a temporary folder."""
    import json

    home = tmp_path_factory.mktemp("lab")
    sums = {name.removesuffix(".bin"): cifar10.sha1(content) for name, content in made_up_batches.items()}
    notebook = nbformat.read(paths.NOTEBOOKS / "explore.ipynb", 4)
    (cell,) = [cell for cell in notebook.cells if cell.cell_type == "code"]
    first, _, rest = cell.source.partition('sys.path.insert(0, "..")')
    small = SMALL.format(folder=str(small_folder), sums=json.dumps(sums))
    cell.source = f"{first}sys.path.insert(0, {str(paths.ROOT)!r})\n{small}{rest}\nwindow.folder = Path({str(home)!r})"
    cell.source = cell.source.replace("\nwindow\n", "\ndisplay(window)\n")
    copy = home / "explore.ipynb"
    nbformat.write(notebook, copy)
    with jupyterlab(copy, home) as address, page(address) as opened:
        opened.home = home
        opened.address = address
        run_all(opened)
        opened.locator(".explore-form").wait_for()
        yield opened


@pytest.fixture
def window(lab):
    """Press Reset and return the page when it is ready."""
    button(lab, "Reset").click()
    wait_for_status(lab, re.compile("^Ready"))
    values = "[...document.querySelectorAll('.explore-form input[type=text]')].map((input) => input.value).join()"
    lab.wait_for_function(f"{values} === '0.001,0,100,40,42'")
    return lab


def button(page, name):
    return page.get_by_role("button", name=name, exact=True)


def field(page, name):
    return page.get_by_role("textbox", name=name, exact=True)


def wait_for_status(page, text):
    page.locator(".explore-side [role=status]").filter(has_text=text).wait_for()


def frames(page, name):
    return int(page.locator(f".explore-{name}").get_attribute("data-frames"))


def train(page, epochs):
    field(page, "Epochs").fill(str(epochs))
    button(page, "Train").click()
    wait_for_status(page, "Training")


def train_to_the_end(page, epochs=3):
    train(page, epochs)
    wait_for_status(page, "complete")
    page.get_by_text("Confusion of the test images").wait_for()


def test_arrow_keys_move_a_slider_and_its_text_field_shows_the_value(window):
    slider = window.get_by_role("slider", name="Penalty λ, slider")
    slider.focus()
    for _ in range(4):
        window.keyboard.press("ArrowRight")
    assert field(window, "Penalty λ").input_value() == "0.001"
    assert slider.get_attribute("aria-valuetext") == "0.001"
    field(window, "Penalty λ").fill("0.5")
    window.wait_for_function("document.querySelector('[aria-label=\"Penalty λ, slider\"]').ariaValueText === '0.5'")


def test_curves_and_templates_change_until_training_is_stopped(window):
    before = {name: frames(window, name) for name in ("curves", "templates")}
    first = window.locator(".explore-templates canvas").first
    empty = first.evaluate("canvas => canvas.toDataURL()")
    train(window, 1_000_000)
    for name, count in before.items():
        window.wait_for_function(
            "([name, count]) => document.querySelector(`.explore-${name}`).dataset.frames > count + 5",
            arg=[name, count],
        )
    assert first.evaluate("canvas => canvas.toDataURL()") != empty
    assert window.locator(".explore-panels figure path").count() == 6  # training and validation in three panels
    button(window, "Stop").click()
    wait_for_status(window, "Stopped")
    window.get_by_text("Confusion of the test images").wait_for()
    drawn = frames(window, "curves")
    window.wait_for_timeout(500)
    assert frames(window, "curves") == drawn
    assert button(window, "Train").is_enabled() and button(window, "Stop").is_disabled()


def test_pause_button_halts_training_and_continue_resumes_it(window):
    train(window, 1_000_000)
    button(window, "Pause").click()
    wait_for_status(window, "Paused")
    button(window, "Continue").click()
    wait_for_status(window, "Training")
    button(window, "Stop").click()
    wait_for_status(window, "Stopped")


def test_curves_of_an_earlier_run_stay_until_it_is_removed(window):
    from playwright.sync_api import expect

    train_to_the_end(window)
    field(window, "Penalty λ").fill("1")
    train_to_the_end(window)
    pale = window.locator(".explore-panels .explore-pale")
    expect(pale).to_have_count(6)  # "complete" may still be the status of the earlier run
    window.get_by_role("button", name=re.compile("^Remove the run η = 0.001, λ = 0")).click()
    expect(pale).to_have_count(0)
    expect(window.locator(".explore-panels figure path")).to_have_count(6)


def test_bad_value_shows_an_error_at_its_field_and_disables_train(window):
    field(window, "Learning rate η").fill("-1")
    window.get_by_text("eta = -1: must be greater than 0", exact=True).wait_for()
    assert field(window, "Learning rate η").get_attribute("aria-invalid") == "true"
    window.wait_for_function("[...document.querySelectorAll('button')].find(b => b.textContent === 'Train').disabled")


def test_click_on_a_cell_shows_its_images_and_click_on_an_image_its_scores(window):
    train_to_the_end(window)
    cell = window.locator(".explore-confusion button:not(.explore-right)").filter(has_not_text=re.compile("^0$")).first
    name = cell.get_attribute("aria-label")
    cell.focus()
    window.keyboard.press("Enter")
    truth, answer, count = re.match(r"(\w+) taken for (\w+): (\d+) images", name).groups()
    window.get_by_text(f"{truth}, taken for {answer}: {count} test images").wait_for()
    assert window.locator(".explore-images button").count() == min(int(count), 20)
    window.locator(".explore-images button").first.click()
    window.get_by_text(f"{truth}, taken for {answer}", exact=True).wait_for()
    window.get_by_role("button", name=re.compile("^frog: score")).click()
    line = window.locator(".explore-three figcaption").last
    line.filter(has_text="frog: ").wait_for()
    terms = [float(term.replace("\u2212", "-")) for term in re.findall(r"[+\u2212][\d.]+", line.inner_text())]
    assert sum(terms[:3]) == pytest.approx(terms[3], abs=0.02)


def test_image_number_out_of_range_shows_an_error(window):
    train_to_the_end(window)
    field(window, "Which of the test images").fill("300")
    window.get_by_text("must be a whole number from 0 to 299").wait_for()


def test_arrow_keys_move_between_cells_of_the_matrix(window):
    train_to_the_end(window)
    window.locator(".explore-confusion button").first.focus()
    window.keyboard.press("ArrowRight")
    window.keyboard.press("ArrowDown")
    assert window.evaluate("document.activeElement.getAttribute('aria-label')").startswith("automobile, right")


def test_save_writes_a_setting_and_refuses_to_overwrite_it(window):
    from playwright.sync_api import expect

    field(window, "Penalty λ").fill("0.3")
    expect(field(window, "Name")).to_have_value("eta0.001-lam0.3")  # a late suggestion would replace what is typed
    field(window, "Name").fill("from-the-browser")
    button(window, "Save as setting").click()
    window.get_by_text("Now run make report").wait_for()
    assert settings.read(window.home / "from-the-browser.yaml").lam == 0.3
    button(window, "Save as setting").click()
    window.get_by_text("exists already").wait_for()


@pytest.mark.parametrize("scheme", ["Light", "Dark"])
def test_axe_finds_no_serious_fault(window, faults, scheme):
    train_to_the_end(window)
    window.locator(".explore-confusion button").first.click()
    window.locator(".explore-images button").first.wait_for()
    choose_theme(window, scheme)
    assert faults(window, ".explore") == {}
    choose_theme(window, "Light")


def choose_theme(page, scheme):
    """Choose a theme from the menu."""
    page.get_by_role("menuitem", name="Settings", exact=True).click()
    page.locator(".lm-Menu-item", has_text=re.compile("^Theme$")).hover()
    page.locator(".lm-Menu-item", has_text=f"JupyterLab {scheme}").first.click()
    page.locator(f'body[data-jp-theme-name="JupyterLab {scheme}"]').wait_for(state="attached")


def test_page_logs_no_error_and_requests_nothing_from_other_machines(lab):
    assert lab.problems == []


def test_lab_asks_for_a_token(lab):
    import urllib.error
    import urllib.request

    address = lab.address.split("/lab/")[0]
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(f"{address}/api/contents")


def test_lab_and_its_kernel_listen_on_this_machine_only(lab):
    import psutil

    started = psutil.Process().children(recursive=True)
    sockets = [socket for process in started for socket in process.net_connections("tcp")]
    listening = [socket.laddr for socket in sockets if socket.status == psutil.CONN_LISTEN]
    assert urlsplit(lab.address).port in {port for _, port in listening}
    assert len(listening) > 5  # a kernel has five
    assert {ip for ip, _ in listening} <= {"127.0.0.1", "::1"}


def dry_run(*arguments):
    return subprocess.run(["make", "--dry-run", *arguments], cwd=paths.ROOT, capture_output=True, text=True).stdout


@pytest.mark.skipif(shutil.which("make") is None, reason="no make")
def test_make_lab_opens_the_notebook():
    commands = dry_run("lab")
    assert "jupyter lab notebooks/explore.ipynb" in commands
    assert "OPENBLAS_NUM_THREADS=1" in commands  # so that rounding is the same as in the report
    assert "--ip" not in commands and "token" not in commands


@pytest.mark.skipif(shutil.which("make") is None, reason="no make")
def test_make_lab_passes_options_to_jupyter():
    assert "jupyter lab notebooks/explore.ipynb --allow-root" in dry_run("lab", "LAB=--allow-root")
