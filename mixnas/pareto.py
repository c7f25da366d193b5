"""Pareto fronts and hypervolume, for any number of objectives.

The first half works on arrays `[n, m]` of n points and m objectives, all to be minimised. The second half speaks of
trials and objectives. Numpy only.

A point dominates another when it is nowhere worse and somewhere better; equal points do not dominate each other, so all
of them stay on the front. A row with a NaN or an infinity is never on a front.

Sources: hypervolume by exclusive contributions, While, Bradstreet and Barone 2012 (doi:10.1109/TEVC.2010.2077298);
epsilon-net order, Salinas et al. 2021 (arXiv:2106.12639).
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from mixnas.errors import UsageError
from mixnas.objectives import Objective
from mixnas.records import FrontPoint, Trial

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_BLOCK = 256
"""Rows compared at once: large enough for numpy, small enough for 5,000 x 256 comparisons to stay in cache."""

_TINY = sys.float_info.min
"""Stands for a cost of zero, whose logarithm does not exist."""


def dominates(a: Sequence[float] | Array, b: Sequence[float] | Array) -> bool:
    """Whether point `a` is nowhere worse than `b` and somewhere better (both minimised)."""
    first, second = np.asarray(a, float), np.asarray(b, float)
    return bool(np.all(first <= second) and np.any(first < second))


def nondominated(values: npt.ArrayLike) -> Mask:
    """Which rows of `values` `[n, m]` no other row dominates."""
    points = _matrix(values)
    finite = np.flatnonzero(np.isfinite(points).all(axis=1))
    keep = np.zeros(len(points), bool)
    if points.size:
        # In lexicographic order a row can only be dominated by an earlier one; equal rows stand or fall together.
        order = finite[np.lexsort(points[finite].T[::-1])]
        rows = points[order]
        new = np.ones(len(rows), bool)
        new[1:] = (rows[1:] != rows[:-1]).any(axis=1)
        keep[order] = _sorted_nondominated(rows[new])[np.cumsum(new) - 1]
    return keep


def _sorted_nondominated(points: Array) -> Mask:
    """`nondominated` for distinct rows in lexicographic order."""
    if points.shape[1] == 1:
        return np.asarray(np.arange(len(points)) == 0)
    if points.shape[1] == 2:
        best_before = np.minimum.accumulate(np.concatenate([[np.inf], points[:-1, 1]]))
        return np.asarray(points[:, 1] < best_before)
    keep = np.zeros(len(points), bool)
    for start in range(0, len(points), _BLOCK):
        block = slice(start, start + _BLOCK)
        front = points[:start][keep[:start]]
        alive = ~_covered(points[block], front).any(axis=0)
        inside = np.triu(_covered(points[block], points[block]), k=1)
        keep[block] = alive & ~inside.any(axis=0)
    return keep


def _covered(points: Array, by: Array) -> Mask:
    """`[i, j]`: row i of `by` is nowhere worse than row j of `points`, the first column (sorted already) left out."""
    covered = np.ones((len(by), len(points)), bool)
    for column in range(1, points.shape[1]):
        covered &= by[:, column, None] <= points[None, :, column]
    return covered


def ranks(values: npt.ArrayLike) -> npt.NDArray[np.int_]:
    """The front each row of `values` `[n, m]` belongs to: 0 for the front, 1 for the front of what is left, and so on.

    Rows that are not finite come last of all.
    """
    points = _matrix(values)
    rank = np.full(len(points), -1)
    left = np.flatnonzero(np.isfinite(points).all(axis=1))
    level = 0
    while len(left):
        on_front = nondominated(points[left])
        rank[left[on_front]] = level
        left, level = left[~on_front], level + 1
    rank[rank < 0] = level
    return rank


def epsilon_net_order(values: npt.ArrayLike) -> npt.NDArray[np.int_]:
    """The rows in an order that keeps every beginning of it well spread.

    Starts at the row that is best in the first objective and goes on with the one farthest from all taken, each
    objective scaled to its range.
    """
    points = _normalised(_matrix(values))
    if not len(points):
        return np.zeros(0, int)
    order = [int(np.lexsort(points.T[::-1])[0])]
    distance = np.linalg.norm(points - points[order[0]], axis=1)
    while len(order) < len(points):
        distance[order[-1]] = -1.0
        order.append(int(np.argmax(distance)))
        distance = np.minimum(distance, np.linalg.norm(points - points[order[-1]], axis=1))
    return np.asarray(order)


def knee(points: npt.ArrayLike) -> int:
    """The row of a front `[n, m]` that lies farthest below the hyperplane through the ends of the scaled axes.

    With two objectives that hyperplane is the line between the two extremes of the front.

    Raises:
        ValueError: there is no point.
    """
    front = _matrix(points)
    if not len(front):
        raise ValueError("a front without points has no knee")
    return int(np.argmin(_normalised(front).sum(axis=1)))


def hypervolume(points: npt.ArrayLike, reference: Sequence[float] | Array) -> float:
    """The volume between `points` `[n, m]` (minimised) and the reference point, exact for any m.

    Points that are not strictly better than the reference in every objective contribute nothing.

    Raises:
        ValueError: the reference has another number of objectives than the points.
    """
    corner = np.asarray(reference, float)
    rows = _matrix(points, columns=len(corner))
    if rows.shape[1] != len(corner):
        raise ValueError(f"points have {rows.shape[1]} objectives, the reference point has {len(corner)}")
    return _volume(rows[np.isfinite(rows).all(axis=1) & (rows < corner).all(axis=1)], corner)


def contribution(point: Sequence[float] | Array, others: npt.ArrayLike, reference: Sequence[float] | Array) -> float:
    """By how much the hypervolume of `others` `[n, m]` grows when `point` joins them."""
    corner, new = np.asarray(reference, float), np.asarray(point, float)
    if not (np.isfinite(new).all() and (new < corner).all()):
        return 0.0
    rows = _matrix(others, columns=len(corner))
    return _exclusive(new, rows[np.isfinite(rows).all(axis=1) & (rows < corner).all(axis=1)], corner)


def _exclusive(point: Array, others: Array, corner: Array) -> float:
    """`contribution` where all points are better than the corner: its box, less what others cover of it."""
    return max(0.0, float(np.prod(corner - point)) - _volume(np.maximum(others, point), corner))


def _volume(points: Array, corner: Array) -> float:
    """`hypervolume` of points that are all better than the corner."""
    if not len(points):
        return 0.0
    if points.shape[1] == 1:
        return float(corner[0] - points.min())
    if points.shape[1] == 2:
        order = np.argsort(points[:, 0])
        widths = np.diff(points[order, 0], append=corner[0])
        return float(np.dot(widths, corner[1] - np.minimum.accumulate(points[order, 1])))
    # From the worst to the best in the last objective: what a point adds to all later ones is a slab, whose base is
    # what it adds to them in the other objectives.
    front = points[nondominated(points)]
    front = front[np.argsort(-front[:, -1], kind="stable")]
    base, depth = front[:, :-1], corner[-1] - front[:, -1]
    return math.fsum(depth[i] * _exclusive(base[i], base[i + 1 :], corner[:-1]) for i in range(len(front)))


def _matrix(values: npt.ArrayLike, columns: int = 0) -> Array:
    matrix = np.asarray(values, float)
    if matrix.size == 0:
        return matrix.reshape(len(matrix), columns) if matrix.ndim == 1 else matrix
    if matrix.ndim != 2:
        raise ValueError(f"points must be an array [n, m], got the shape {list(matrix.shape)}")
    return matrix


def _normalised(points: Array) -> Array:
    """Each column from 0 (best) to 1 (worst); a column with one value is all 0."""
    if not len(points):
        return points
    span = np.ptp(points, axis=0)
    return np.asarray((points - points.min(axis=0)) / np.where(span > 0, span, 1.0))


def first_cost(objectives: Sequence[Objective]) -> int:
    """The place of the first objective that is a cost, along which fronts are sorted; 0 when none is."""
    return next((i for i, o in enumerate(objectives) if o.kind != "learned"), 0)


def minimised(values: Mapping[str, float], objectives: Sequence[Objective]) -> Array:
    """The values `[m]` in the order of the objectives, signs turned so that less is better; NaN for a missing one."""
    return np.asarray([o.sign * values.get(o.name, math.nan) for o in objectives], float)


def scaled(values: Mapping[str, float], objectives: Sequence[Objective]) -> Array:
    """The values `[m]` as hypervolumes measure them: less is better, costs as log10, accuracy as 1 - accuracy.

    A cost of zero counts as the smallest positive number.
    """
    return np.asarray([_scaled(o, values.get(o.name, math.nan)) for o in objectives], float)


def _scaled(objective: Objective, value: float) -> float:
    if objective.kind != "learned":
        return objective.sign * (math.log10(max(value, _TINY)) if not math.isnan(value) else value)
    return 1.0 - value if objective.sign < 0 and objective.unit == "fraction" else objective.sign * value


def front(trials: Iterable[Trial], objectives: Sequence[Objective]) -> list[Trial]:
    """The finished trials that no other finished trial dominates, sorted by the first cost, then by number.

    Trials with a missing or non-finite value are left out.
    """
    finished = [t for t in trials if t.state == "finished"]
    values = np.asarray([minimised(t.values, objectives) for t in finished]).reshape(len(finished), len(objectives))
    cost = first_cost(objectives)
    members = [(values[i, cost], finished[i].number, finished[i]) for i in np.flatnonzero(nondominated(values))]
    return [trial for _, _, trial in sorted(members, key=lambda member: member[:2])]


def knee_trial(members: Sequence[Trial], objectives: Sequence[Objective]) -> Trial:
    """The trial of a front at its knee, costs on a log scale.

    Raises:
        ValueError: the front is empty.
    """
    return members[knee([scaled(trial.values, objectives) for trial in members])]


class FrontTracker:
    """The front and its hypervolume, kept up to date one finished trial at a time.

    `reference` maps every objective to the worst value that counts, in the objective's own unit:
    `{"acc": 0.0, "params": 1_000_000}`. A trial that is worse in any objective adds no hypervolume, but can be on the
    front.
    """

    def __init__(self, objectives: Sequence[Objective], reference: Mapping[str, float]) -> None:
        """Starts with no trial.

        Raises:
            UsageError: the reference lacks an objective, or its value is not a finite number.
        """
        self.objectives = tuple(objectives)
        self.reference = scaled(reference, self.objectives)
        for o, value in zip(self.objectives, self.reference, strict=True):
            if not math.isfinite(value):
                raise UsageError(
                    f"the reference point has {reference.get(o.name, 'nothing')} for {o.name!r}",
                    hint=f"give the worst {o.name} that counts, a finite number",
                )
        self.hypervolume = 0.0
        self.finished = 0
        self._members: list[int] = []
        self._values: Array = np.empty((0, len(self.objectives)))
        self._scaled: Array = np.empty((0, len(self.objectives)))

    @property
    def members(self) -> tuple[int, ...]:
        """The numbers of the trials on the front, ascending."""
        return tuple(sorted(self._members))

    def add(self, number: int, values: Mapping[str, float]) -> FrontPoint:
        """Takes in one finished trial and returns the front after it (its time `at` is left empty)."""
        self.finished += 1
        new, measured = minimised(values, self.objectives), scaled(values, self.objectives)
        if np.isfinite(new).all() and not self._is_dominated(new):
            self.hypervolume += contribution(measured, self._scaled, self.reference)
            stay = np.flatnonzero(~((new <= self._values).all(axis=1) & (new < self._values).any(axis=1)))
            self._members = [*(self._members[i] for i in stay), number]
            self._values = np.vstack([self._values[stay], new])
            self._scaled = np.vstack([self._scaled[stay], measured])
        return FrontPoint(number, self.finished, self.hypervolume, self.members)

    def _is_dominated(self, new: Array) -> bool:
        better = (self._values <= new).all(axis=1) & (self._values < new).any(axis=1)
        return bool(better.any())
