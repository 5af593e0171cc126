"""Do probabilities mean what they say: of answers given with 70 % confidence, are 70 % right?"""

from typing import NamedTuple

import numpy as np


class Reliability(NamedTuple):
    """Answers grouped by confidence, (n_bins,) each; confidence and accuracy are nan where a bin is empty."""

    size: np.ndarray
    confidence: np.ndarray  # mean over the bin
    accuracy: np.ndarray

    @property
    def error(self) -> float:
        """The expected calibration error: how far confidence is from accuracy, on average over the answers."""
        gaps = np.nan_to_num(abs(self.confidence - self.accuracy))
        return float((self.size * gaps).sum() / self.size.sum())


def reliability(P: np.ndarray, y: np.ndarray, n_bins: int = 15) -> Reliability:
    """Group the answers, the largest of P (N, K), in bins of equal width (Guo et al., ICML 2017, equations 2 and 3)."""
    confidence, correct = P.max(1).astype(float), P.argmax(1) == y
    bins = np.minimum((confidence * n_bins).astype(int), n_bins - 1)
    count, total, right = (np.bincount(bins, w, n_bins) for w in (None, confidence, correct.astype(float)))
    with np.errstate(invalid="ignore"):
        return Reliability(count, total / count, right / count)
