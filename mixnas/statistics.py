"""What can be concluded from a handful of seeds: paired differences, intervals, corrections, power. Arrays in and out.

Every function works on the last axis and keeps the ones before it, so that a thousand simulated studies are one call.
An arm and the base are compared by the differences of runs with the same seed (a paired t-test).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]

ALPHA = 0.05
"""Chance of a false finding, in a whole family of comparisons where they are corrected."""
LEVEL = 0.95
"""Of every interval."""
POWER = 0.8
"""Chance to detect a difference that is there, which numbers of seeds are worked out for."""
MOST_SEEDS = 10_000
"""More are called too many to count."""


@dataclass(frozen=True)
class Estimate:
    """A mean with its t interval; NaN where there are too few values."""

    mean: Numbers
    low: Numbers
    high: Numbers
    sd: Numbers
    """Standard deviation of the values themselves."""


@dataclass(frozen=True)
class Comparison:
    """Paired differences: their mean with interval, effect size and p value; NaN where there are too few pairs."""

    estimate: Estimate
    effect_size: Numbers
    """Mean over standard deviation of the differences, with Hedges' correction for few pairs (Cohen's d_z)."""
    p: Numbers
    """Of a two-sided paired t-test; NaN where all differences are the same, so that there is no noise to test
    against."""


@dataclass(frozen=True)
class Spread:
    """Standard deviation of single values around the mean of their group, and its degrees of freedom."""

    sd: float
    df: int

    def margin(self, *counts: int, level: float = LEVEL) -> float:
        """Half the t interval of a mean of so many values, or with two counts of a difference of two such means."""
        from scipy.special import stdtrit

        return float(stdtrit(self.df, (1 + level) / 2)) * self.sd * math.sqrt(sum(1 / n for n in counts))


def pooled(groups: Iterable[Sequence[float]]) -> Spread | None:
    """The spread within groups, as one for all of them; None where no group has two values.

    What an analysis of variance calls the residual: squares of distances from the group's mean over `sum(n - 1)`.
    """
    several = [np.asarray(group, float) for group in groups if len(group) > 1]
    df = sum(len(group) - 1 for group in several)
    if not df:
        return None
    squares = math.fsum(float(np.sum((group - group.mean()) ** 2)) for group in several)
    return Spread(math.sqrt(squares / df), df)


def estimate(values: npt.ArrayLike, level: float = LEVEL) -> Estimate:
    """Mean and t interval over the last axis.

    Args:
        values: `[..., seeds]`.
        level: how often the interval is to cover the true mean.
    """
    from scipy import stats

    x = np.asarray(values, float)
    n = x.shape[-1]
    if n == 0:
        nothing = np.full(x.shape[:-1], np.nan)
        return Estimate(nothing, nothing, nothing, nothing)
    mean = x.mean(-1)
    sd = x.std(-1, ddof=1) if n > 1 else np.full_like(mean, np.nan)
    half = stats.t.ppf((1 + level) / 2, max(n - 1, 1)) * sd / math.sqrt(n)
    return Estimate(mean, mean - half, mean + half, sd)


def compare(differences: npt.ArrayLike, level: float = LEVEL) -> Comparison:
    """What pairs say: the differences arm minus base, one a seed, over the last axis."""
    from scipy import stats

    x = np.asarray(differences, float)
    n = x.shape[-1]
    found = estimate(x, level)
    # Differences of equal numbers of right answers are equal but for rounding.
    spread = np.where(found.sd > 1e-12 * np.maximum(1.0, np.abs(found.mean)), found.sd, np.nan)
    standardised = found.mean / spread
    p = 2 * stats.t.sf(np.abs(standardised) * math.sqrt(max(n, 1)), max(n - 1, 1))
    hedges = 1 - 3 / (4 * (n - 1) - 1) if n > 2 else 1.0
    return Comparison(found, standardised * hedges, p)


def holm(p: npt.ArrayLike) -> Numbers:
    """Holm's step-down correction over the last axis; NaN stays NaN and counts for no comparison.

    Comparing the result with a level keeps the chance of any false finding at that level. S. Holm, A simple
    sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6 (1979).
    """
    raw = np.asarray(p, float)
    order = np.argsort(raw, axis=-1)  # NaN last
    ranked = np.take_along_axis(raw, order, -1)
    left = np.sum(~np.isnan(raw), axis=-1, keepdims=True) - np.arange(raw.shape[-1])
    stepped = np.maximum.accumulate(np.where(np.isnan(ranked), 0.0, ranked * np.maximum(left, 1)), axis=-1)
    adjusted = np.where(np.isnan(ranked), np.nan, np.minimum(stepped, 1.0))
    result = np.empty_like(raw)
    np.put_along_axis(result, order, adjusted, -1)
    return result


def power(effect_size: float, seeds: int, alpha: float = ALPHA) -> float:
    """The chance that a two-sided paired t-test of so many seeds finds an effect of that standardised size."""
    from scipy import special

    if seeds < 2:
        return 0.0
    critical = float(special.stdtrit(seeds - 1, 1 - alpha / 2))
    shift = abs(effect_size) * math.sqrt(seeds)
    above, below = (float(special.nctdtr(seeds - 1, shift, end)) for end in (critical, -critical))
    # Far out on its lower side the distribution underflows to NaN instead of 0.
    return 1 - (above if math.isfinite(above) else 0.0) + (below if math.isfinite(below) else 0.0)


def seeds_needed(effect_size: float, alpha: float = ALPHA, target: float = POWER) -> int | None:
    """The fewest seeds that find an effect of that standardised size with that power.

    None where more than `MOST_SEEDS` are needed or the size is unknown.
    """
    if math.isnan(effect_size) or power(effect_size, MOST_SEEDS, alpha) < target:
        return None
    low, high = 1, MOST_SEEDS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power(effect_size, middle, alpha) >= target else (middle, high)
    return high


def detectable(sd: float, seeds: int, alpha: float = ALPHA, target: float = POWER) -> float:
    """The smallest true difference that so many seeds find with that power, where differences spread by `sd`."""
    if seeds < 2 or not math.isfinite(sd):
        return math.nan
    low, high = 0.0, 1.0
    while power(high, seeds, alpha) < target:
        high *= 2
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if power(middle, seeds, alpha) >= target else (middle, high)
    return high * sd
