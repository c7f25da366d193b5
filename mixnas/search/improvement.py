"""Expected hypervolume improvement where one objective is uncertain and the others are known before any training.

Everything is minimised. What the front leaves uncovered below the reference is cut into boxes, once for each front. A
point at (Y, c), with Y normal and c exact, covers of the box [low, high] the product of `high - max(low, c)` over the
exact columns, times `high - max(low, Y)` in the uncertain one, whose expectation is an integral over one dimension:
E[max(high - Y, 0)] - E[max(low - Y, 0)], each in closed form. So the expected improvement is a sum over the boxes,
exact, and a whole pool is judged at once.

Source: expected improvement, Jones et al. 1998 (doi:10.1023/A:1008306431147); the boxes are those of expected
hypervolume improvement, Emmerich et al. 2011 (doi:10.1109/CEC.2011.5949880), with one normal factor instead of m.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import numpy.typing as npt

from mixnas.pareto import nondominated

Array = npt.NDArray[np.float64]
_Box = tuple[tuple[float, float], ...]

_BLOCK = 1 << 20
"""Numbers of an intermediate array, so that a large pool before a large front stays in memory."""


def uncovered(front: npt.ArrayLike, reference: npt.ArrayLike) -> Array:
    """The region below the reference that no point of the front dominates, as disjoint boxes.

    Args:
        front: `[n, m]`, minimised; dominated points and points beyond the reference may be among them.
        reference: `[m]`.

    Returns:
        `[boxes, m, 2]`: the lower and upper edge of each box in each objective; the lower one may be -inf.
    """
    corner = np.asarray(reference, float)
    points = np.asarray(front, float).reshape(-1, len(corner))
    points = points[np.isfinite(points).all(axis=1) & (points < corner).all(axis=1)]
    boxes = _cut(np.unique(points[nondominated(points)], axis=0), corner)
    return np.array(boxes, float).reshape(-1, len(corner), 2)


def _cut(points: Array, corner: Array) -> list[_Box]:
    """Slabs along the last column, each with the boxes of the points below it; a box that goes on is kept as one."""
    if len(corner) == 1:
        return [((-math.inf, float(points.min(initial=corner[0]))),)]
    points = points[np.argsort(points[:, -1], kind="stable")]
    levels = np.unique(points[:, -1])
    begun: dict[_Box, float] = dict.fromkeys(_cut(points[:0, :-1], corner[:-1]), -math.inf)
    boxes: list[_Box] = []
    for level in levels.tolist():
        below = points[: np.searchsorted(points[:, -1], level, side="right"), :-1]
        now = _cut(below[nondominated(below)], corner[:-1])
        for ended in begun.keys() - set(now):
            boxes.append((*ended, (begun.pop(ended), level)))
        for box in now:
            begun.setdefault(box, level)
    top = float(corner[-1])
    return sorted(boxes + [(*box, (start, top)) for box, start in begun.items()])


def expected_improvement(
    boxes: Array,
    mean: Array,
    deviation: Array,
    known: Array,
    *,
    column: int = 0,
    best: float = -math.inf,
    shift: float | None = None,
) -> Array:
    """Expected growth of the hypervolume by each of `N` candidates, `[N]`.

    Args:
        boxes: of `uncovered`.
        mean: of the uncertain objective, `[N]`.
        deviation: its standard deviation, `[N]`; 0 where it is certain.
        known: the other objectives in order, `[N, m - 1]`.
        column: the place of the uncertain objective among all.
        best: the best value that it can have; what lies beyond counts as that.
        shift: where it is given, the normal variable with that mean and deviation is `log(Y + shift)`.
    """
    below = _below if shift is None else partial(_below_log, shift=shift)
    low, high = np.maximum(boxes[:, column, 0], best), boxes[:, column, 1]
    others = np.delete(boxes, column, axis=1)
    step = max(_BLOCK // max(len(boxes), 1), 1)
    found = np.zeros(len(mean))
    for start in range(0, len(mean), step):
        part = slice(start, start + step)
        gain = below(high, mean[part], deviation[part]) - below(low, mean[part], deviation[part])
        gain = np.maximum(gain, 0.0) * (high > low)
        for i in range(known.shape[1]):
            gain *= np.maximum(others[:, i, 1] - np.maximum(others[:, i, 0], known[part, i, None]), 0.0)
        found[part] = gain.sum(axis=1)
    return found


def _below(edges: Array, mean: Array, deviation: Array) -> Array:
    """E[max(edge - Y, 0)] for each normal Y and each edge, `[N, edges]`; 0 for an edge at -inf."""
    from scipy.special import ndtr

    spread = np.maximum(deviation, 1e-12)[:, None]
    finite = np.where(np.isfinite(edges), edges, 0.0)
    z = (finite - mean[:, None]) / spread
    density = np.exp(-0.5 * np.minimum(z * z, 1400.0)) / math.sqrt(2 * math.pi)
    return np.where(np.isfinite(edges), spread * (z * ndtr(z) + density), 0.0)


def _below_log(edges: Array, mean: Array, deviation: Array, shift: float) -> Array:
    """The same where log(Y + shift) is normal; Black and Scholes' price of a put."""
    from scipy.special import ndtr

    spread = np.maximum(deviation, 1e-12)[:, None]
    strike = np.maximum(edges + shift, 1e-300)
    z = (np.log(strike) - mean[:, None]) / spread
    price = strike * ndtr(z) - np.exp(mean + 0.5 * deviation**2)[:, None] * ndtr(z - spread)
    return np.where(edges + shift > 0, price, 0.0)
