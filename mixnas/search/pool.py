"""The candidates that a model-based proposer chooses from: all of a small space, or draws and mutations of the front.

Every candidate in it passes the rules and quick constraints, and is held with its numbers, so that it is judged and
encoded once.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from itertools import compress

import numpy as np
import numpy.typing as npt

from mixnas.records import Candidate
from mixnas.search.gate import Gate
from mixnas.search.surrogate import Encoder
from mixnas.space import SearchSpace

Array = npt.NDArray[np.float64]

WHOLE = 2000
"""Largest space that is held whole."""
LARGEST = 600
"""Candidates held of a larger one."""
FRESH = 16
"""Drawn anew, and as many mutated, for each proposal from a larger space."""

_TINY = np.finfo(float).tiny


def key(axes: Candidate) -> tuple[object, ...]:
    """A name of a canonical candidate that is cheaper than its digest."""
    return tuple(axes.items())


class Pool:
    """Unseen candidates with their encoded axes `[N, columns]` and log10 of each quick cost `[N]`."""

    def __init__(self, space: SearchSpace, gate: Gate, encoder: Encoder) -> None:
        self._space, self._gate, self._encoder = space, gate, encoder
        self.whole = space.size() <= WHOLE
        self.candidates: list[Candidate] = []
        self.axes: Array = np.zeros((0, encoder.columns))
        self.costs: dict[str, Array] = {}
        self._names: list[tuple[object, ...]] = []
        self._held: set[tuple[object, ...]] = set()
        self._excluded: set[tuple[object, ...]] = set()
        if self.whole:
            self._add(space.enumerate())

    def __len__(self) -> int:
        return len(self.candidates)

    def refresh(self, rng: random.Random, parents: Sequence[Candidate]) -> None:
        """Draws new candidates, and mutates the parents; nothing where the whole space is held."""
        if self.whole:
            return
        draws = FRESH if len(self) >= LARGEST // 2 else LARGEST
        drawn = self._space.sample_many(rng, draws)
        self._add([*drawn, *(self._space.mutate(rng.choice(parents), rng) for _ in range(FRESH) if parents)])

    def exclude(self, axes: Candidate) -> None:
        """Takes a candidate out, for good."""
        name = key(axes)
        self._excluded.add(name)
        if name in self._held:
            mask = np.ones(len(self), bool)
            mask[self._names.index(name)] = False
            self._keep(mask)

    def keep_best(self, scores: Array) -> None:
        """Lets go of the worst where it has grown too large; all of a whole space is kept."""
        if not self.whole and len(self) > LARGEST:
            mask = np.zeros(len(self), bool)
            mask[np.argsort(-scores, kind="stable")[:LARGEST]] = True
            self._keep(mask)

    def _keep(self, mask: npt.NDArray[np.bool_]) -> None:
        """Only the rows of a mask."""
        self.candidates = list(compress(self.candidates, mask))
        self._names = list(compress(self._names, mask))
        self._held = set(self._names)
        self.axes = self.axes[mask]
        self.costs = {name: column[mask] for name, column in self.costs.items()}

    def _add(self, drawn: Iterable[Candidate]) -> None:
        new = {key(axes): axes for axes in drawn}
        fresh = [axes for name, axes in new.items() if name not in self._held and name not in self._excluded]
        passing, costs = self._gate.judge(fresh)
        added = [axes for axes, passes in zip(fresh, passing, strict=True) if passes]
        if not added:
            return
        self.candidates += added
        self._names += map(key, added)
        self._held = set(self._names)
        self.axes = np.vstack([self.axes, self._encoder.encode(added)])
        for name, column in costs.items():
            logs = np.log10(np.maximum(column[passing], _TINY))
            self.costs[name] = np.concatenate([self.costs.get(name, np.zeros(0)), logs])
