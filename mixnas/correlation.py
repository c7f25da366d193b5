"""Rank correlation of scores with trained accuracy, with bootstrap intervals. No torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Correlation:
    """A rank correlation with its 95 % interval."""

    value: float
    low: float
    high: float


def spearman(scores: Numbers, accuracy: Numbers, draws: int = 1000) -> Correlation:
    """Spearman's rho; the interval is the percentile bootstrap over candidates, with a fixed seed."""
    return _bootstrap(scores, accuracy, draws, "spearman")


def kendall(scores: Numbers, accuracy: Numbers, draws: int = 200) -> Correlation:
    """Kendall's tau-b, likewise."""
    return _bootstrap(scores, accuracy, draws, "kendall")


def _bootstrap(scores: Numbers, accuracy: Numbers, draws: int, method: str) -> Correlation:
    from scipy import stats

    statistic = stats.kendalltau if method == "kendall" else stats.spearmanr

    def one(places: npt.NDArray[np.int_]) -> float:
        return float(statistic(scores[places], accuracy[places]).statistic)

    rng = np.random.default_rng(0)
    every = np.arange(len(scores))
    again = [one(rng.integers(0, len(every), len(every))) for _ in range(draws)]
    low, high = np.nanquantile(again, [0.025, 0.975])
    return Correlation(one(every), float(low), float(high))
