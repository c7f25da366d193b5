"""Every candidate of the space, once: for spaces small enough to be trained whole."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence

from mixnas.records import Candidate, Trial
from mixnas.search.proposers import RandomProposer, Setting, derived_seed

SHUFFLED = 200_000
"""Largest space whose order is shuffled by the seed; a larger one is walked as its axes are declared."""


class GridProposer(RandomProposer):
    """Goes through the space; what an earlier run has begun is passed over. At the end it draws at random."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting.space, setting.seed)
        self._order: Iterator[Candidate] | None = None
        self._known: set[str] = set()

    def propose(self) -> Candidate:
        if self._order is None:
            self._order = self._walk()
        for candidate in self._order:
            if self._space.digest(candidate) not in self._known:
                return candidate
        return super().propose()

    def begin(self, number: int, axes: Candidate) -> None:
        super().begin(number, axes)
        self._known.add(self._space.digest(axes))

    def restore(self, trials: Sequence[Trial], states: Mapping[int, dict[str, object]]) -> None:
        super().restore(trials, states)
        self._known |= {trial.digest for trial in trials}

    def _walk(self) -> Iterator[Candidate]:
        if self._space.size() > SHUFFLED:
            return self._space.enumerate()
        candidates = list(self._space.enumerate())
        random.Random(derived_seed(self._seed, "grid")).shuffle(candidates)
        return iter(candidates)
