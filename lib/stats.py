"""Statistics of trained networks and their predictions: measures, intervals, tests, calibration."""

from typing import NamedTuple

import numpy as np

SIGNIFICANT = 0.05  # a difference counts as evidence if its p value is below


def mean_and_deviation(x: np.ndarray) -> tuple[float, float]:
    """Return the mean and standard deviation of all values of x (N, D), in float64 but without a float64 copy of x."""
    mean = x.mean(dtype=np.float64)
    squares = np.einsum("nd,nd->", x, x, dtype=np.float64)
    return float(mean), float(np.sqrt(squares / x.size - mean**2))


def smoothness(W: np.ndarray) -> float:
    """Return the correlation of the weights of neighbouring pixels in all templates of W (D, K), D = 3 x 32 x 32.

    It is close to 1 for smooth templates and close to 0 for independent noise.
    """
    T = W.T.reshape(-1, 32, 32)  # (3K, 32, 32): every colour plane of every template
    T = T - T.mean((1, 2), keepdims=True)
    products = (T[:, :, 1:] * T[:, :, :-1]).mean() + (T[:, 1:] * T[:, :-1]).mean()
    power = 2 * np.square(T).mean()
    return float(products / power) if power else 1.0


def confusion(y: np.ndarray, predicted: np.ndarray, K: int = 10) -> np.ndarray:
    """Count the images by true class (row) and predicted class (column): (K, K)."""
    return np.bincount(K * y + predicted, minlength=K * K).reshape(K, K)


def confident_errors(P: np.ndarray, y: np.ndarray, count: int) -> np.ndarray:
    """Return the indices of the `count` wrong predictions in P (N, K) with the highest probability, highest first."""
    wrong = np.flatnonzero(P.argmax(1) != y)
    return wrong[np.argsort(-P[wrong].max(1), kind="stable")[:count]]


def mcnemar(correct: np.ndarray, other: np.ndarray) -> float:
    """Return the p value of McNemar's exact test that two classifiers are equally accurate.

    The booleans (N,) say which images each has right. Only images on which they differ count.
    """
    from scipy.stats import binomtest

    first, second = int((correct & ~other).sum()), int((other & ~correct).sum())
    return float(binomtest(first, first + second).pvalue) if first + second else 1.0


def wilson(fraction: float, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return Wilson's interval for a probability, given the `fraction` of successes in n trials (JASA 22, 1927)."""
    from scipy.stats import binomtest

    interval = binomtest(round(fraction * n), n).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


def paired_p(first: np.ndarray, second: np.ndarray) -> float:
    """Return the p value of the paired t test that `first` and `second` (n,) have equal means; 1 if all are equal."""
    from scipy.stats import ttest_rel

    return float(ttest_rel(first, second).pvalue) if np.any(first != second) else 1.0


def proportions_p(first: float, n_first: int, second: float, n_second: int) -> float:
    """Return the p value of the chi-squared test that two fractions, of n_first and n_second trials, are equal."""
    from scipy.stats import chi2_contingency

    right = np.array([round(first * n_first), round(second * n_second)])
    wrong = np.array([n_first, n_second]) - right
    if not right.any() or not wrong.any():
        return 1.0
    return float(chi2_contingency([right, wrong], correction=False).pvalue)


class Reliability(NamedTuple):
    """Predictions grouped by confidence, (n_bins,) each. Confidence and accuracy of an empty bin are NaN."""

    size: np.ndarray
    confidence: np.ndarray  # mean over the bin
    accuracy: np.ndarray

    @property
    def error(self) -> float:
        """Return the expected calibration error: the mean of |confidence - accuracy| over the predictions."""
        gaps = np.nan_to_num(abs(self.confidence - self.accuracy))
        return float((self.size * gaps).sum() / self.size.sum())


def reliability(P: np.ndarray, y: np.ndarray, n_bins: int = 15) -> Reliability:
    """Group predictions by confidence, the largest entry in a row of P (Guo et al., ICML 2017, equations 2 and 3)."""
    confidence, correct = P.max(1).astype(float), P.argmax(1) == y
    bins = np.minimum((confidence * n_bins).astype(int), n_bins - 1)
    size, total, right = (np.bincount(bins, w, n_bins) for w in (None, confidence, correct.astype(float)))
    with np.errstate(invalid="ignore"):
        return Reliability(size, total / size, right / size)
