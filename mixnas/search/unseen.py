"""Finds the next candidate that is feasible and has never been trained.

A repeated proposal is counted and another is made; after `PATIENCE` proposals in a row that are of no use, members of
the front are mutated, then candidates are drawn, then a small space is walked to its end.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from mixnas.records import Candidate
from mixnas.search.gate import Gate, Verdict
from mixnas.search.proposers import Proposer
from mixnas.space import SearchSpace

PATIENCE = 8
"""Proposals in a row that may be refused or known before others are looked for."""
DRAWS = 3000
"""Own draws before the whole space is walked for what is left."""
WALK = 500_000
"""Largest space that is walked to its end for the last unseen candidates."""


@dataclass(frozen=True)
class Found:
    """A candidate to train, in canonical form, what the gate says of it, and who thought of it."""

    axes: Candidate
    digest: str
    verdict: Verdict
    source: str


class Unseen:
    """The candidates of a space that are left."""

    def __init__(self, space: SearchSpace, gate: Gate, proposer: Proposer, count: Callable[[str, str], None]) -> None:
        """`count` is told the kind and the reason for each proposal that is not taken."""
        self._space, self._gate, self._proposer, self._count = space, gate, proposer, count
        self._seen: set[str] = set()

    def add(self, digest: str) -> None:
        """Marks a candidate as seen."""
        self._seen.add(digest)

    def next(self, front: Sequence[Candidate], seed: int) -> Found | None:
        """The next candidate; None when there is none left."""
        for _ in range(PATIENCE):
            found = self._judge(self._proposer.propose(), "sampler")
            if isinstance(found, Found):
                return found
            verdict, kind, reason = found
            self._count(kind, reason)
            self._proposer.reject(verdict)
        return next(self._others(front, random.Random(seed)), None)

    def _others(self, front: Sequence[Candidate], rng: random.Random) -> Iterator[Found]:
        for drawn, source in self._drawn(front, rng):
            if isinstance(found := self._judge(drawn, source), Found):
                yield found

    def _drawn(self, front: Sequence[Candidate], rng: random.Random) -> Iterator[tuple[Candidate, str]]:
        for _ in range(PATIENCE * len(front)):
            yield self._space.mutate(rng.choice(front), rng), "mutation"
        for drawn in self._space.sample_many(rng, DRAWS):
            yield drawn, "draw"
        if self._space.size() <= WALK:
            for drawn in self._space.enumerate():
                yield drawn, "walk"

    def _judge(self, drawn: Candidate, source: str) -> Found | tuple[Verdict, str, str]:
        """The candidate, or why it is not to be trained: the verdict, the kind and the reason."""
        axes = self._space.canonical(drawn)
        verdict = self._gate.check(axes)
        if verdict.refused:
            return verdict, "invalid" if verdict.invalid else "refused", verdict.refused
        digest = self._space.digest(axes)
        if digest in self._seen:
            return verdict, "duplicate", "proposed again"
        return Found(axes, digest, verdict, source)
