"""What training one setting gave."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from lib.model import Network
from lib.settings import Setting
from lib.snapshots import Film
from lib.stats import smoothness

SPLITS, MEASURES = ("train", "val"), ("loss", "cost", "accuracy")


@dataclass(frozen=True)
class Run:
    """One trained setting. `history[split][measure]` is (n_epochs,), for train and val, for loss, cost and accuracy."""

    setting: Setting
    history: dict[str, dict[str, np.ndarray]]
    net: Network
    test: dict[str, float]
    test_scores: np.ndarray  # (N, K)
    film: Film

    def as_result(self) -> dict[str, Any]:
        """The run's entry in report/results.json."""
        history = {split: {m: values.tolist() for m, values in self.history[split].items()} for split in SPLITS}
        weights = {"norm": float(np.linalg.norm(self.net.W)), "smoothness": smoothness(self.net.W)}
        return self.setting.model_dump(exclude={"name"}) | {"history": history, "test": self.test, "weights": weights}

    def as_arrays(self) -> dict[str, np.ndarray]:
        """All but the setting, for `lib.cache`."""
        history = {f"{split}/{m}": values for split, measures in self.history.items() for m, values in measures.items()}
        test = {f"test/{measure}": np.array(value) for measure, value in self.test.items()}
        film = {f"film/{name}": values for name, values in self.film._asdict().items()}
        return {"W": self.net.W, "b": self.net.b, "test_scores": self.test_scores} | history | test | film

    @classmethod
    def from_arrays(cls, setting: Setting, arrays: dict[str, np.ndarray]) -> Self:
        """The run that gave `as_arrays`."""
        history = {split: {measure: arrays[f"{split}/{measure}"] for measure in MEASURES} for split in SPLITS}
        test = {measure: float(arrays[f"test/{measure}"]) for measure in ("loss", "accuracy")}
        film = Film(arrays["film/epochs"], arrays["film/levels"])
        return cls(setting, history, Network(arrays["W"], arrays["b"]), test, arrays["test_scores"], film)
