"""The result of training one setting."""

import math
from dataclasses import dataclass
from typing import Any, Self, SupportsFloat

import numpy as np

from lib.assignment import SIGMA
from lib.model import Network
from lib.runs.settings import Setting
from lib.runs.snapshots import Film
from lib.stats import mcnemar, smoothness

SPLITS, MEASURES = ("train", "val"), ("loss", "cost", "accuracy")
FAR = 100  # times the cost of the initial weights; at eta = 0.1, where training oscillates, it stays below 5 times
STEADY = 0.05  # a rise of the training cost from one epoch to the next, as a fraction, up to which training is steady


@dataclass(frozen=True)
class Run:
    """A trained setting. `history[split][measure]` is (n_epochs,), for train and val, for loss, cost and accuracy."""

    setting: Setting
    history: dict[str, dict[str, np.ndarray]]
    net: Network
    test: dict[str, float]
    test_scores: np.ndarray  # (N, K)
    film: Film

    @property
    def diverged(self) -> int | None:
        """Return the epoch in which training diverged, or None."""
        return divergence(self.history["train"]["cost"], self.net, self.setting.lam)

    def final(self, split: str, measure: str) -> float:
        """Return the value of a measure (such as cost) on a split after the last epoch."""
        return float(self.history[split][measure][-1])

    @property
    def gap(self) -> float:
        """Return the training accuracy minus the validation accuracy after the last epoch."""
        return self.final("train", "accuracy") - self.final("val", "accuracy")

    @property
    def largest_rise(self) -> float:
        """Return the largest rise of the training cost between consecutive epochs, as a fraction of the cost before."""
        cost = self.history["train"]["cost"]
        return float(np.max(cost[1:] / cost[:-1] - 1, initial=0))

    @property
    def lowest_loss(self) -> tuple[float, float]:
        """Return the lowest training loss after any epoch, and the loss of equal probabilities for all classes."""
        return float(self.history["train"]["loss"].min()), float(np.log(self.net.b.size))

    @property
    def is_steady(self) -> bool:
        """Return whether the training cost never jumped. Jumps amplify rounding."""
        return self.diverged is None and self.largest_rise <= STEADY

    @property
    def oscillates(self) -> bool:
        """Return whether the training cost jumps without diverging."""
        return self.diverged is None and not self.is_steady

    def p_same(self, other: "Run", y: np.ndarray) -> float:
        """Return McNemar's p value that both networks classify the test images, with labels y (N,), equally well."""
        return mcnemar(*(run.test_scores.argmax(1) == y for run in (self, other)))

    @property
    def drawn(self) -> dict[str, dict[str, np.ndarray]]:
        """Return the history for charts. From the epoch of divergence on it is NaN, which is not drawn."""
        cost = self.history["train"]["cost"]
        before = np.arange(1, len(cost) + 1) < (self.diverged or np.inf)
        return {split: {m: np.where(before, v, np.nan) for m, v in self.history[split].items()} for split in SPLITS}

    def as_result(self) -> dict[str, Any]:
        """Return the run's entry in report/results.json. NaN and infinity become None, since JSON has neither."""
        history = {split: {m: [*map(finite, values)] for m, values in self.history[split].items()} for split in SPLITS}
        test = {measure: finite(value) for measure, value in self.test.items()}
        with np.errstate(over="ignore", invalid="ignore"):  # if the run diverged
            weights = {"norm": finite(np.linalg.norm(self.net.W)), "smoothness": finite(smoothness(self.net.W))}
        results = {"history": history, "test": test, "weights": weights, "diverged": self.diverged}
        return self.setting.model_dump(exclude={"name"}) | results

    def as_arrays(self) -> dict[str, np.ndarray]:
        """Return every field of the run except its setting, as arrays that `lib.runs.cache` can store."""
        history = {f"{split}/{m}": values for split, measures in self.history.items() for m, values in measures.items()}
        test = {f"test/{measure}": np.array(value) for measure, value in self.test.items()}
        film = {f"film/{name}": values for name, values in self.film._asdict().items()}
        return {"W": self.net.W, "b": self.net.b, "test_scores": self.test_scores} | history | test | film

    @classmethod
    def from_arrays(cls, setting: Setting, arrays: dict[str, np.ndarray]) -> Self:
        """Return the run with this setting and these arrays, which `as_arrays` made."""
        history = {split: {measure: arrays[f"{split}/{measure}"] for measure in MEASURES} for split in SPLITS}
        test = {measure: float(arrays[f"test/{measure}"]) for measure in ("loss", "accuracy")}
        film = Film(arrays["film/epochs"], arrays["film/levels"])
        return cls(setting, history, Network(arrays["W"], arrays["b"]), test, arrays["test_scores"], film)


def divergence(cost: np.ndarray, net: Network, lam: float) -> int | None:
    """Return the first epoch, from 1, after which the cost exceeds FAR times its initial value or is NaN; else None."""
    initial = np.log(net.W.shape[-1]) + lam * SIGMA**2 * net.W.size  # equal probabilities, and the penalty
    too_large = np.flatnonzero(~(cost <= FAR * initial))  # `not <=`: a comparison with NaN is False
    return int(too_large[0]) + 1 if len(too_large) else None


def finite(value: SupportsFloat) -> float | None:
    return float(value) if math.isfinite(value) else None
