"""Fixtures with small made-up data. All dimensions differ, so that swapped axes fail: N 7, D 5, K 3, M 4."""

import hashlib
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import hypothesis
import numpy as np
import pytest
from numpy.typing import ArrayLike

from lib import cifar10, paths
from lib.model import Network
from lib.runs.run import Run
from lib.runs.settings import Setting
from lib.runs.snapshots import Film, levels

hypothesis.settings.register_profile("any speed", deadline=None)  # a busy machine must not fail tests
hypothesis.settings.load_profile("any speed")


class Problem(NamedTuple):
    """Data and one network, or a stack of M networks, each with its own lam and eta."""

    X: np.ndarray
    y: np.ndarray
    net: Network
    lam: ArrayLike
    eta: ArrayLike

    def alone(self) -> list["Problem"]:
        """Return a single-network problem for each network."""
        if self.net.b.ndim == 1:
            return [self]
        nets = [Network(W, b) for W, b in zip(self.net.W.swapaxes(0, 1), self.net.b, strict=True)]
        return [Problem(self.X, self.y, *member) for member in zip(nets, self.lam, self.eta, strict=True)]

    def each(self, function: Callable[["Problem"], object]) -> np.ndarray:
        """Call function(problem) for each network, and join the results along the axis of the networks."""
        results = [np.asarray(function(problem)) for problem in self.alone()]
        return results[0] if self.net.b.ndim == 1 else np.stack(results, axis=-2 if results[0].ndim else 0)


def make_problem(stacked: bool) -> Problem:
    rng = np.random.default_rng(1)
    M = (4,) if stacked else ()
    net = Network(rng.standard_normal((5, *M, 3)), rng.standard_normal((*M, 3)))
    lam, eta = (rng.random(4), rng.random(4) / 10) if stacked else (0.7, 0.05)
    return Problem(rng.standard_normal((7, 5)), rng.integers(0, 3, 7), net, lam, eta)


@pytest.fixture(params=[False, True], ids=["one network", "a stack"])
def problem(request: pytest.FixtureRequest) -> Problem:
    return make_problem(request.param)


@pytest.fixture
def single() -> Problem:
    return make_problem(stacked=False)


@pytest.fixture
def stack() -> Problem:
    return make_problem(stacked=True)


@pytest.fixture
def make_run() -> Callable[..., Run]:
    """Return a function that makes a run from some fields of its setting and some results; the rest is made up."""

    def make(
        name: str = "a",
        *,
        cost: Sequence[float] = (3, 2, 1),
        accuracy: tuple[float, float] = (0.5, 0.4),
        W: np.ndarray | None = None,
        test_scores: np.ndarray | None = None,
        **fields: object,
    ) -> Run:
        """Make a run. `cost` is the training cost after each epoch, `accuracy` the final (training, validation)."""
        falling = np.array(cost, float)
        history = {
            split: {"loss": falling / 2, "cost": falling, "accuracy": np.linspace(0.1, final, len(falling))}
            for split, final in zip(("train", "val"), accuracy, strict=True)
        }
        W = np.ones((3072, 10), np.float32) if W is None else W
        test_scores = np.eye(10, dtype=np.float32)[:7] if test_scores is None else test_scores
        setting = Setting(name=name, **{"eta": 0.001, "lam": 0.0} | fields)
        net = Network(W, np.arange(W.shape[1], dtype=W.dtype))
        film = Film(np.array([0, len(cost)]), np.stack([levels(W)] * 2))
        return Run(setting, history, net, {"loss": 1.8, "accuracy": 0.4}, test_scores, film)

    return make


@pytest.fixture(scope="session")
def made_up_batches() -> dict[str, bytes]:
    """Return six files like those of CIFAR-10, by name, with 300 noisy images each, whose class is hard to see.

    Pixels have only two values, so few gradients are near 0, where rounding dominates central differences.
    """
    rng = np.random.default_rng(0)
    bright = rng.uniform(0.4, 0.6, (10, 3072))  # the share of a class's images in which the pixel is bright
    batches = {}
    for name in cifar10.SHA1:
        labels = rng.integers(0, 10, 300)
        images = np.where(rng.random((300, 3072)) < bright[labels], 200, 50)
        batches[f"{name}.bin"] = np.column_stack([labels, images]).astype(np.uint8).tobytes()
    return batches


@pytest.fixture
def small_data(made_up_batches: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Use the made-up batches instead of the real ones, and an empty cache."""
    for name, content in made_up_batches.items():
        (tmp_path / name).write_bytes(content)
    sums = {name.removesuffix(".bin"): hashlib.sha1(content).hexdigest() for name, content in made_up_batches.items()}
    monkeypatch.setattr(cifar10, "SHA1", sums)
    monkeypatch.setattr(cifar10, "FOLDER", tmp_path)
    monkeypatch.setattr(paths, "RUNS", tmp_path / "runs")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Return a running Chromium, or skip the test if none is installed.

    Each test module starts its own: while playwright runs its event loop, no other test can run one.
    """
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed; `make` installs it")
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if not chromium:
        pytest.skip("there is no Chromium to test in: apt-get install chromium")
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield running
        running.close()


AXE = "axe-core-4.14.1"  # pinned, because other versions may find different faults


@pytest.fixture(scope="session")
def axe(request: pytest.FixtureRequest) -> str:
    """Return the source code of axe-core from npm, cached by pytest."""
    folder = request.config.cache.mkdir("axe-core")
    if not (folder / f"{AXE}.tgz").exists():
        if not shutil.which("npm"):
            pytest.skip("no accessibility check: axe-core comes by npm, which is not installed: apt-get install npm")
        got = subprocess.run(
            ["npm", "pack", "@".join(AXE.rsplit("-", 1))], cwd=folder, capture_output=True, timeout=120
        )
        if got.returncode:
            pytest.skip(f"no accessibility check: npm cannot get {AXE}: no network?")
    with tarfile.open(folder / f"{AXE}.tgz") as package:
        return package.extractfile("package/axe.min.js").read().decode()


@pytest.fixture
def faults(axe: str) -> Callable[..., dict[str, list[str]]]:
    """Return a function that finds a page's serious accessibility faults by axe-core, with the first elements."""

    def find(page: Any, within: str = "html") -> dict[str, list[str]]:
        page.evaluate(axe)
        violations = page.evaluate("within => axe.run(within)", within)["violations"]
        grave = [fault for fault in violations if fault["impact"] in ("serious", "critical")]
        return {fault["id"]: [node["html"][:120] for node in fault["nodes"][:3]] for fault in grave}

    return find
