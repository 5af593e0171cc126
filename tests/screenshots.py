"""Take the screenshots of the committed report and of the exploring window. `make screenshots` runs this."""

import re
import shutil
import tempfile
from itertools import product
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from benchmarks.lab import chromium, jupyterlab, page, run_all
from lib import paths

FOLDER = paths.REPORT / "screenshots"
SETTING = "eta0.001-lam1"
LOOKS = {"type": "jpeg", "quality": 80}  # PNG files would be several times larger, because templates are noisy


def take_report(opened: Page, name: str) -> None:
    """Take a screenshot of a setting's templates in the middle of training, and of its curves with hover values."""
    opened.goto((paths.REPORT / "report.html").as_uri())
    film = opened.locator(f'[id="fig-templates-{SETTING}"]')
    film.locator("input").fill("6")
    chart = opened.locator(f'[id="fig-curves-{SETTING}"] .chart')
    chart.evaluate("element => element.scrollIntoView()")
    chart.locator("> svg").hover(position={"x": 60, "y": 50})
    film.locator("input").blur()
    opened.screenshot(path=FOLDER / f"{name}.jpg", **LOOKS)


def take_explore(opened: Page, name: str) -> None:
    """Take a screenshot of two runs to compare, and of the images in a cell of the confusion matrix."""
    opened.get_by_role("tab", name=re.compile("^File Browser")).click()  # closes it
    run_all(opened)
    for lam in ("0", "0.1"):
        opened.get_by_role("textbox", name="Penalty λ", exact=True).fill(lam)
        opened.get_by_role("button", name="Train", exact=True).click()
        opened.locator("button:text-is('Stop'):enabled").wait_for()
        opened.locator("button:text-is('Train'):enabled").wait_for()
    opened.get_by_text("Confusion of the test images").wait_for()
    opened.get_by_role("button", name=re.compile("^cat taken for dog")).click()
    opened.locator(".explore-images button").first.click()
    opened.locator(".explore").evaluate("element => element.scrollIntoView()")
    opened.mouse.move(0, 0)  # so that the pointer is not on an image
    opened.wait_for_timeout(1000)  # until the pictures are drawn
    opened.screenshot(path=FOLDER / f"{name}.jpg", **LOOKS)


def copy_to(folder: Path) -> Path:
    return shutil.copy(paths.NOTEBOOKS / "explore.ipynb", folder / "explore.ipynb")


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        for (width, height), scheme in product(((1280, 980), (400, 880)), ("light", "dark")):
            view = {"width": width, "height": height}
            take_report(browser.new_page(viewport=view, color_scheme=scheme), f"report-{width}-{scheme}")
        browser.close()
    for (width, height), theme in product(((1280, 1240), (480, 1000)), ("Light", "Dark")):
        with (
            tempfile.TemporaryDirectory() as home,
            jupyterlab(copy_to(Path(home)), Path(home), theme) as address,
            page(address, width, height) as opened,
        ):
            take_explore(opened, f"explore-{width}-{theme.lower()}")


if __name__ == "__main__":
    main()
