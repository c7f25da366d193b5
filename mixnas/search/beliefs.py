"""What a search has learned so far, and what it therefore expects of candidates that were not trained."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mixnas.objectives import Objective
from mixnas.pareto import scaled
from mixnas.records import Candidate
from mixnas.search.surrogate import LARGEST, Kernel, LogLinear, Process

Array = npt.NDArray[np.float64]

SHIFT = 0.01
"""Errors are modelled as log(error + SHIFT): held out, that beat the error itself on both tables."""
GROWTH = 1.25
"""The settings of the process are fitted anew each time the trials have become this many times as many."""
RECENT = 64
"""Of the trials that the process knows, so many are the last ones; the others are spread over the whole search."""
RISE = 0.5 * math.log(10.0)
"""Before anything is known, seconds grow with the square root of the MACs: overheads weigh on small models."""


@dataclass
class Known:
    """One trial: its numbers, and what became of it."""

    axes: Candidate
    encoded: Array
    costs: Mapping[str, float]
    """log10 of those that are quick to know."""
    seconds: float = 0.0
    """Of a full training, as far as its curve tells."""
    values: Mapping[str, float] | None = None
    ended: bool = False
    paused: bool = False
    """Its curve stops before the last epoch."""


@dataclass(frozen=True)
class Expected:
    """Of `N` candidates: the learned objective, the exact ones, and how long a training takes."""

    mean: Array
    """Of the learned objective as it is modelled, `[N]`."""
    deviation: Array
    """`[N]`, the noise of a single training included."""
    known: Array
    """The other objectives as hypervolumes measure them, `[N, m - 1]`."""
    seconds: Array
    """`[N]`."""


class Beliefs:
    """Learns from trials; the learned objective is `objectives[column]`.

    Args:
        exact_costs: False predicts the costs, too, from those of trained candidates.
    """

    def __init__(self, objectives: Sequence[Objective], column: int, exact_costs: bool = True) -> None:
        self._objectives, self._column, self._exact = tuple(objectives), column, exact_costs
        learned = objectives[column]
        self.shift = SHIFT if learned.kind == "learned" and learned.unit == "fraction" else None
        self.best = 0.0 if self.shift is not None else -math.inf
        """The best value of the learned objective that there can be."""
        self._kernel: Kernel | None = None
        self._fitted_at = 0

    def update(self, trials: Sequence[Known]) -> None:
        """Takes in the finished trials, in the order in which they ended; at least one."""
        chosen = _chosen(trials)
        self._inputs = self._joined(np.array([t.encoded for t in chosen]), cost_columns(chosen))
        points = np.array([scaled(t.values or {}, self._objectives) for t in chosen])
        self._targets = self._modelled(points[:, self._column])
        if len(trials) >= GROWTH * self._fitted_at:
            self._kernel, self._fitted_at = None, len(trials)
        self._process = Process(self._inputs, self._targets, self._kernel)
        self._kernel = self._process.kernel
        self._costs = self._cost_models(points)
        timed = np.array([t.seconds > 0 for t in chosen], bool)
        spent = np.array([t.seconds for t in chosen])[timed]
        self._seconds = LogLinear(self._inputs[timed], spent, RISE) if timed.any() else None

    def expect(self, encoded: Array, costs: Mapping[str, Array]) -> Expected:
        """Of candidates with these encoded axes `[N, columns]` and log10 costs `[N]`."""
        inputs = self._joined(encoded, costs)
        mean, deviation = self._process.predict(inputs)
        seconds = np.ones(len(inputs)) if self._seconds is None else self._seconds.predict(inputs)
        others = [i for i in range(len(self._objectives)) if i != self._column]
        known = [self._known(i, inputs, costs) for i in others]
        table = np.column_stack(known) if known else np.zeros((len(inputs), 0))
        return Expected(mean, np.hypot(deviation, self._process.noise), table, seconds)

    def believe(self, pending: Sequence[Known]) -> Array:
        """Takes running trials for finished with the value expected of them; returns their points `[n, m]`."""
        found = self.expect(np.array([t.encoded for t in pending]), cost_columns(pending))
        self._inputs = np.vstack(
            [self._inputs, self._joined(np.array([t.encoded for t in pending]), cost_columns(pending))]
        )
        self._targets = np.concatenate([self._targets, found.mean])
        self._process = Process(self._inputs, self._targets, self._kernel)
        learned = found.mean if self.shift is None else np.exp(found.mean) - self.shift
        return np.insert(found.known, self._column, learned, axis=1)

    def _joined(self, encoded: Array, costs: Mapping[str, Array]) -> Array:
        """Costs come first: seconds are taken to rise with the first of them."""
        if not self._exact:
            return encoded
        named = sorted(costs, key=lambda name: (name != "macs", name))
        return np.column_stack([*(costs[name] for name in named), encoded])

    def _modelled(self, values: Array) -> Array:
        return values if self.shift is None else np.log(np.maximum(values, 0.0) + self.shift)

    def _cost_models(self, points: Array) -> dict[int, LogLinear]:
        return {i: LogLinear(self._inputs, 10.0 ** points[:, i]) for i in range(points.shape[1]) if i != self._column}

    def _known(self, i: int, inputs: Array, costs: Mapping[str, Array]) -> Array:
        """One exact objective: known, or where it takes a while to work out, as the trained candidates suggest."""
        name, sign = self._objectives[i].name, self._objectives[i].sign
        if self._exact and name in costs:
            return np.asarray(sign * costs[name], float)
        return np.asarray(np.log10(self._costs[i].predict(inputs)), float)


def cost_columns(trials: Sequence[Known]) -> dict[str, Array]:
    """log10 of each cost that is quick to know, `[n]`; at least one trial."""
    return {name: np.array([t.costs[name] for t in trials]) for name in trials[0].costs}


def _chosen(trials: Sequence[Known]) -> list[Known]:
    """All of a few hundred; of more, the last ones and some spread evenly over the others."""
    if len(trials) <= LARGEST:
        return list(trials)
    older = trials[:-RECENT]
    # Steps of a power of two: the next trial moves none of them until they are twice as many.
    step = 2 ** math.ceil(math.log2(len(older) / (LARGEST - RECENT)))
    return [*older[::step], *trials[-RECENT:]]
