"""The strategy `auto`: what is exact is not searched for, and what is learned is weighed against the time it takes.

First the published models that the space contains, then the cheapest candidate and four spread over cost. Then that
with the greatest expected hypervolume improvement for each second of training: a Gaussian process says what its
accuracy may be, its costs are exact, and it is taken from a pool of candidates that were never trained.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from mixnas.objectives import Objective
from mixnas.pareto import epsilon_net_order, nondominated, scaled
from mixnas.records import Candidate, EpochRecord, Trial
from mixnas.search.beliefs import Beliefs, Expected, Known
from mixnas.search.gate import Verdict
from mixnas.search.improvement import expected_improvement, uncovered
from mixnas.search.pool import Pool
from mixnas.search.proposers import Setting, derived_seed
from mixnas.search.surrogate import Encoder
from mixnas.search.threads import one_blas_thread

Array = npt.NDArray[np.float64]

GOLDEN = 0.618034
"""Steps of it, modulo 1, leave no gap much larger than another, however many there are."""
SHORTLIST = 4
"""Candidates whose slow costs are worked out before one is proposed."""
FRONT = 60
"""Members of a front of four objectives that improvements are measured against."""


@dataclass(frozen=True)
class AutoOptions:
    """Switches of the strategy. All of them on is the default; an ablation turns one off."""

    exact_costs: bool = True
    """Off: costs are predicted from trained candidates, as if only training told them."""
    published_start: bool = True
    divide_by_time: bool = True
    start: Literal["cheapest", "spread"] = "spread"
    """The first candidates: the cheapest one and then spread evenly over cost, or the cheapest ones only."""
    starts: int = 5
    """Trainings that end before anything is expected of others."""
    deduplicate: bool = True


def unsuited(objectives: Sequence[Objective]) -> str:
    """Why `auto` cannot search for these objectives, in a few words; empty where it can."""
    unknown = [o.name for o in objectives if o.kind != "exact"]
    if len(unknown) != 1:
        return f"{len(unknown)} objectives are known only after training ({', '.join(unknown) or 'none'}), not one"
    return "more than four objectives" if len(objectives) > 4 else ""


class AutoProposer:
    """Expected hypervolume improvement a second, behind the protocol of proposers.

    Raises:
        ValueError: the objectives are unsuited.
    """

    def __init__(self, setting: Setting, options: AutoOptions | None = None) -> None:
        if reason := unsuited(setting.objectives):
            raise ValueError(reason)
        self._setting, self._options = setting, options or AutoOptions()
        self._objectives = setting.objectives
        self._column = next(i for i, o in enumerate(self._objectives) if o.kind != "exact")
        self._beliefs = Beliefs(self._objectives, self._column, self._options.exact_costs)
        self._encoder = Encoder(setting.space)
        self._pool = Pool(setting.space, setting.gate, self._encoder)
        self._slow = any(o.kind == "exact" and o.name not in self._quick() for o in self._objectives)
        self._published = list(setting.published) if self._options.published_start else []
        self._offered = len(self._published)
        self._reference = scaled(setting.reference, self._objectives)
        self._trials: dict[int, Known] = {}
        self._finished: list[int] = []
        self._front: Array = np.zeros((0, len(self._objectives)))
        self._members: list[int] = []
        self._boxes: Array | None = None
        self._begun = self._tries = 0
        self._proposed: Candidate = {}

    # The protocol

    def propose(self) -> Candidate:
        self._tries += 1
        rng = random.Random(derived_seed(self._setting.seed, self._begun, self._tries))
        self._pool.refresh(rng, [self._trials[number].axes for number in self._members])
        self._proposed = self._choose(rng)
        return self._proposed

    def reject(self, verdict: Verdict | None = None) -> None:
        if self._proposed:
            self._pool.exclude(self._proposed)
            self._proposed = {}

    def begin(self, number: int, axes: Candidate) -> None:
        self._take(number, axes)
        self._begun, self._tries = self._begun + 1, 0

    def learn(self, number: int, curve: Sequence[EpochRecord]) -> None:
        if number in self._trials and curve:
            seconds = math.fsum(record.seconds for record in curve)
            self._trials[number].seconds = seconds * self._setting.epochs / curve[-1].epoch
            self._trials[number].paused = curve[-1].epoch < self._setting.epochs

    def finish(self, number: int, values: Mapping[str, float] | None) -> None:
        known = self._trials[number]
        known.ended, known.values = True, values
        if values is not None:
            self._finished.append(number)
            self._extend_front(number, scaled(values, self._objectives))

    def state(self, number: int) -> dict[str, Any] | None:
        return None

    def restore(self, trials: Sequence[Trial], states: Mapping[int, dict[str, Any]]) -> None:
        for trial in trials:
            self._take(trial.number, trial.axes)
            self._begun += 1
            if trial.state in ("finished", "failed", "stopped"):
                self.finish(trial.number, trial.values if trial.state == "finished" else None)

    # What is known

    def _quick(self) -> set[str]:
        """Names of the costs that are known of the whole pool."""
        _, costs = self._setting.gate.judge([self._setting.space.sample(random.Random(0))])
        return set(costs)

    def _take(self, number: int, axes: Candidate) -> None:
        _, costs = self._setting.gate.judge([axes])
        logs = {name: float(np.log10(max(column[0], 1e-300))) for name, column in costs.items()}
        self._trials[number] = Known(axes, self._encoder.encode([axes])[0], logs)
        self._proposed = {}
        if self._options.deduplicate:
            self._pool.exclude(axes)

    def _extend_front(self, number: int, point: Array) -> None:
        if not np.isfinite(point).all():
            return
        points = np.vstack([self._front, point])
        kept = nondominated(points)
        if kept[-1]:
            self._front = points[kept]
            self._members = [m for m, keep in zip([*self._members, number], kept, strict=True) if keep]
            self._boxes = None

    # How it chooses

    def _choose(self, rng: random.Random) -> Candidate:
        while self._published:
            found = self._published.pop(0)
            if all(found != known.axes for known in self._trials.values()):
                return found
        if not len(self._pool):
            return self._setting.space.sample(rng)
        if min(self._begun - self._offered, len(self._finished)) < self._options.starts:
            return self._pool.candidates[self._start(rng)]
        with one_blas_thread():
            return self._best(rng)

    def _start(self, rng: random.Random) -> int:
        costs = self._pool.costs.get("macs", next(iter(self._pool.costs.values())))
        order = np.argsort(costs, kind="stable")
        if not self._options.exact_costs:
            return rng.randrange(len(order))
        if self._options.start == "cheapest":
            return int(order[0])
        place = max(self._begun - self._offered, 0)
        return int(order[int(place * GOLDEN % 1.0 * len(order))])

    def _best(self, rng: random.Random) -> Candidate:
        """The best of the pool that the gate lets pass, its slow costs worked out where there are some."""
        self._beliefs.update([self._trials[number] for number in self._finished])
        boxes = self._region()
        expected = self._beliefs.expect(self._pool.axes, self._pool.costs)
        scores = self._scores(boxes, expected)
        candidates = list(self._pool.candidates)
        self._pool.keep_best(scores)
        order = np.argsort(-scores, kind="stable")[:SHORTLIST]
        if scores[order[0]] <= 0:
            return rng.choice(candidates)
        return self._exactly(candidates, order, boxes, expected) if self._slow else candidates[int(order[0])]

    def _exactly(
        self, candidates: list[Candidate], order: npt.NDArray[np.intp], boxes: Array, expected: Expected
    ) -> Candidate:
        """The best of a shortlist once the costs that take a while are worked out."""
        checked = [(i, self._setting.gate.check(candidates[i])) for i in order.tolist()]
        passing = [(i, verdict.costs) for i, verdict in checked if not verdict.refused]
        if not passing:
            return candidates[int(order[0])]  # the driver counts the refusal, and asks again
        rows: list[int] = [i for i, _ in passing]
        others = [i for i in range(len(self._objectives)) if i != self._column]
        known = np.array([scaled(costs, self._objectives)[others] for _, costs in passing])
        exact = Expected(expected.mean[rows], expected.deviation[rows], known, expected.seconds[rows])
        return candidates[rows[int(np.argmax(self._scores(boxes, exact)))]]

    def _region(self) -> Array:
        """What the front leaves to be gained, running trials taken to end as expected.

        Paused ones may never end: taken for members of the front, they would keep others from being tried.
        """
        pending = [known for known in self._trials.values() if not known.ended and not known.paused]
        if pending:
            return self._cut(np.vstack([self._front, self._beliefs.believe(pending)]))
        if self._boxes is None:
            self._boxes = self._cut(self._front)
        return self._boxes

    def _cut(self, points: Array) -> Array:
        if points.shape[1] > 3 and len(points) > FRONT:
            points = points[epsilon_net_order(points)[:FRONT]]
        return uncovered(points, self._reference)

    def _scores(self, boxes: Array, expected: Expected) -> Array:
        """Expected improvement of each candidate, for each second of its training."""
        gain = expected_improvement(
            boxes,
            expected.mean,
            expected.deviation,
            expected.known,
            column=self._column,
            best=self._beliefs.best,
            shift=self._beliefs.shift,
        )
        return gain / expected.seconds if self._options.divide_by_time else gain
