"""Measure how much slower a training is in the exploring window in JupyterLab than without a window.

    python -m benchmarks.explore [turns]        writes benchmarks/explore.json

Trainings with and without the window take turns in one kernel, so that other work on the machine slows both. The
browser counts the frames that it displays.
"""

import json
import sys
import tempfile
from pathlib import Path

import nbformat
import numpy as np

from benchmarks.lab import READY, chromium, jupyterlab, page, run_all
from lib import paths

RESULTS = paths.ROOT / "benchmarks/explore.json"
SHOW = """import sys

sys.path.insert(0, {root!r})
from notebooks.explore.window import Window

window = Window()
window"""
MEASURE = """import json, time
from pathlib import Path

from lib.runs.training import train_stack

def timed(action):
    start = time.time()
    action()
    return start, time.time()

def watched():
    window.train()
    window.training.join()

time.sleep(3)  # the browser builds the window
setting = window.form.setting()
times = []
for turn in range({turns}):
    times.append((timed(lambda: train_stack([setting], window.splits)), timed(watched)))
    time.sleep(2)  # the last frames, and the look at the test images
Path({result!r}).write_text(json.dumps(times))"""
COUNT = """() => {
  window.frames_seen = {};
  for (const name of ["curves", "templates"]) {
    window.frames_seen[name] = [];
    new MutationObserver(() => window.frames_seen[name].push(Date.now() / 1000))
      .observe(document.querySelector(`.explore-${name}`), { attributeFilter: ["data-frames"] });
  }
}"""


def measure(turns: int, folder: Path) -> tuple[list, dict[str, list[float]]]:
    """Return start and end of each turn's trainings, without and with the window, and the times of browser frames."""
    result, notebook = folder / "times.json", folder / "measure.ipynb"
    cells = [SHOW.format(root=str(paths.ROOT)), MEASURE.format(turns=turns, result=str(result))]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    nbformat.write(
        nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells], metadata=kernel), notebook
    )
    with jupyterlab(notebook, folder) as address, page(address) as opened:
        run_all(opened)
        opened.locator(".explore-templates").wait_for()
        opened.evaluate(COUNT)
        for _ in range(turns * READY // 1000):
            opened.wait_for_timeout(1000)
            if result.exists():
                return json.loads(result.read_text()), opened.evaluate("window.frames_seen")
    raise RuntimeError("the measurement did not end")


def main() -> None:
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    if not chromium():
        return print("benchmarks.explore: no Chromium on this machine, so nothing is measured")
    with tempfile.TemporaryDirectory() as folder:
        times, frames = measure(turns, Path(folder))
    headless, watched = np.diff(np.array(times), axis=2)[:, :, 0].T
    rates = {
        name: np.array([sum(start <= at <= end for at in seen) / (end - start) for _, (start, end) in times])
        for name, seen in frames.items()
    }
    measured = {"seconds": {"headless": headless, "watched": watched}, "frames_a_second": rates}
    paths.write_text(RESULTS, json.dumps(measured, indent=1, default=lambda values: values.round(3).tolist()) + "\n")
    print(f"headless {spread(headless)} s, watched {spread(watched)} s, ratio {spread(watched / headless)}")
    for name, values in rates.items():
        print(f"{name}: {spread(values)} frames a second")


def spread(values: np.ndarray) -> str:
    return f"{np.median(values):.2f} (from {values.min():.2f} to {values.max():.2f})"


if __name__ == "__main__":
    main()
