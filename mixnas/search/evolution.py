"""Regularised evolution (arXiv:1802.01548) for several objectives, on the mutations of the search space.

The population is the last `POPULATION` finished trials: a member dies of age, not of being beaten, which keeps one
lucky training from breeding for ever. The parent wins a tournament by non-dominated rank, ties by the place in an
epsilon-net of all (`pareto.epsilon_net_order`), which keeps the parents spread over the front.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from mixnas.pareto import epsilon_net_order, ranks, scaled
from mixnas.records import Candidate, Trial
from mixnas.search.proposers import RandomProposer, Setting, derived_seed

POPULATION = 24
TOURNAMENT = 6


class EvolutionProposer(RandomProposer):
    """Random until a population has been begun, then mutations of tournament winners."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting.space, setting.seed)
        self._objectives = setting.objectives
        self._size = max(min(POPULATION, setting.trials // 3), 4)
        self._population: deque[tuple[Candidate, npt.NDArray[np.float64]]] = deque(maxlen=self._size)
        self._axes: dict[int, Candidate] = {}

    def propose(self) -> Candidate:
        if self._begun < self._size or len(self._population) < 2:
            return super().propose()
        self._tries += 1
        rng = random.Random(derived_seed(self._seed, self._begun, self._tries))
        return self._space.mutate(self._winner(rng), rng)

    def begin(self, number: int, axes: Candidate) -> None:
        super().begin(number, axes)
        self._axes[number] = axes

    def finish(self, number: int, values: Mapping[str, float] | None) -> None:
        axes = self._axes.pop(number)
        if values is not None:
            self._population.append((axes, scaled(values, self._objectives)))

    def restore(self, trials: Sequence[Trial], states: Mapping[int, dict[str, object]]) -> None:
        super().restore(trials, states)
        for trial in sorted(trials, key=lambda t: (t.finished_at, t.number)):
            self._axes[trial.number] = trial.axes
            if trial.state == "finished":
                self.finish(trial.number, trial.values)

    def _winner(self, rng: random.Random) -> Candidate:
        entrants = rng.sample(range(len(self._population)), min(TOURNAMENT, len(self._population)))
        points = np.array([point for _, point in self._population])
        rank, place = ranks(points), np.argsort(epsilon_net_order(points))
        best = min(entrants, key=lambda i: (rank[i], place[i]))
        return self._population[best][0]
