"""What training one setting gave, kept in data/runs/<name>.npz: a cache that knows when it is out of date.

A file is trusted only if it was made for the same setting, from the same data, by the same code. One file holds all
of a run, so there is no moment at which half of it is new.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lib import cifar10, paths
from lib.model import Network
from lib.settings import Setting

CODE = ("preprocess", "model", "train", "experiment")  # what decides the figures
SPLITS, MEASURES = ("train", "val"), ("loss", "cost", "accuracy")


@dataclass(frozen=True)
class Run:
    """One trained setting. `history[split][measure]` is (n_epochs,), for train and val, for loss, cost and accuracy."""

    setting: Setting
    history: dict[str, dict[str, np.ndarray]]
    net: Network
    test: dict[str, float]
    test_scores: np.ndarray  # (N, K)

    def as_result(self) -> dict[str, Any]:
        """The run's entry in report/results.json."""
        history = {split: {m: values.tolist() for m, values in self.history[split].items()} for split in SPLITS}
        return self.setting.model_dump(exclude={"name"}) | {"history": history, "test": self.test}


def run_path(setting: Setting) -> Path:
    return paths.RUNS / f"{setting.name}.npz"


def fingerprint(setting: Setting) -> str:
    """What a run depends on, as JSON: the setting, the data's checksums, the code and NumPy that compute it."""
    code = b"".join((paths.ROOT / "lib" / f"{name}.py").read_bytes() for name in CODE)
    return json.dumps([setting.model_dump(), cifar10.SHA1, hashlib.sha256(code).hexdigest(), np.__version__])


def save(run: Run) -> Run:
    """Keep `run` for `load`, and return it."""
    arrays: dict[str, Any] = {"W": run.net.W, "b": run.net.b, "test_scores": run.test_scores}
    arrays |= {f"{split}/{measure}": run.history[split][measure] for split in SPLITS for measure in MEASURES}
    arrays |= {"fingerprint": fingerprint(run.setting), "test": json.dumps(run.test)}
    with paths.atomic(run_path(run.setting)) as temporary:
        np.savez(temporary, **arrays)
    return run


def load(setting: Setting) -> Run | None:
    """The run kept for `setting`, or None if there is none, or if it is damaged or out of date."""
    try:
        with np.load(run_path(setting)) as kept:
            if str(kept["fingerprint"]) != fingerprint(setting):
                return None
            history = {split: {measure: kept[f"{split}/{measure}"] for measure in MEASURES} for split in SPLITS}
            net = Network(kept["W"], kept["b"])
            return Run(setting, history, net, json.loads(str(kept["test"])), kept["test_scores"])
    except Exception:  # a damaged file raises anything
        return None
