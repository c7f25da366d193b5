"""A table of trainings made into a contest: the same space, costs, reference point and clock for every strategy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np

from mixnas.models import family
from mixnas.objectives import Objective, parse_objectives
from mixnas.pareto import FrontTracker
from mixnas.records import Candidate
from mixnas.search.gate import Gate
from mixnas.search.proposers import Proposer, Setting, derived_seed
from mixnas.search.rungs import EarlyStopping, Ladder
from mixnas.search.unseen import Unseen
from mixnas.session import exact_costs, published_in, reference_point
from mixnas.space import SearchSpace
from mixnas.table import Table, find_table

OBJECTIVES = "acc,params,macs"
TRAININGS = 100
"""The budget of every run: virtual seconds of so many average trainings of the table, one after the other."""

Run = list[tuple[float, float]]
"""Virtual seconds and hypervolume after each training to the last epoch, in the order in which they ended."""

MakeProposer = Callable[[Setting], Proposer]


@dataclass(frozen=True)
class Arena:
    """What all strategies have in common on one table."""

    name: str
    table: Table
    space: SearchSpace
    objectives: tuple[Objective, ...]
    gate: Gate
    reference: Mapping[str, float]
    budget: float
    """Virtual seconds."""

    def seed_of(self, repetition: int) -> int:
        """The seed of all trainings of a repetition: the table's seeds in turn."""
        return self.table.header.seeds[repetition % len(self.table.header.seeds)]

    def values(self, place: int, seed: int) -> dict[str, float]:
        """Every objective of a candidate that was trained to the last epoch."""
        last = self.table.curve(place, seed)[-1]
        known = {**self.table.costs_of(place), **last.metrics}
        return {o.name: known[o.name] for o in self.objectives}

    def tracker(self) -> FrontTracker:
        """An empty front, measured as every front here is."""
        return FrontTracker(self.objectives, self.reference)

    def best(self, seed: int) -> float:
        """The hypervolume of the front of all candidates: no search can have more."""
        return self._best[seed]

    @cached_property
    def _best(self) -> dict[int, float]:
        return {seed: self._whole(seed) for seed in self.table.header.seeds}

    def _whole(self, seed: int) -> float:
        tracker = self.tracker()
        for place in range(len(self.table.candidates)):
            tracker.add(place, self.values(place, seed))
        return tracker.hypervolume


@cache
def arena(name: str) -> Arena:
    """The contest on a table, by the table's name."""
    table = find_table(name)
    space = SearchSpace.from_json(table.header.space)
    objectives = parse_objectives(OBJECTIVES)
    found = family(space.family)

    def estimate(axes: Any) -> dict[str, Any]:
        return exact_costs(found, axes, table.problem)

    gate = Gate(space, (), estimate, estimate)
    budget = TRAININGS * float(np.nansum(table.seconds)) / table.finished.size
    return Arena(name, table, space, objectives, gate, reference_point(objectives, space, gate), budget)


class Search:
    """One search with one worker on a clock of its own: what `Driver` decides, without its books.

    It takes a tenth of the processor time of one that keeps them; a test holds the two together.
    """

    def __init__(
        self,
        arena: Arena,
        repetition: int,
        make: MakeProposer,
        ladder: Ladder | None = None,
        repeats: bool = False,
    ) -> None:
        """`repeats`: a candidate that is proposed again is trained again, and brings the same result."""
        self._arena, self._seed = arena, arena.seed_of(repetition)
        self._proposer = make(setting(arena, repetition))
        if repeats:
            self._proposer = _Repeating(self._proposer, self)
        self._unseen = Unseen(arena.space, arena.gate, self._proposer, lambda kind, reason: None)
        self._ladder = ladder
        self._tracker = arena.tracker()
        self._axes: list[Candidate] = []
        self._members: list[Candidate] = []
        self.clock = 0.0
        self.found = Run()

    def run(self) -> Run:
        """To the end of the budget, or of the space."""
        while self.clock < self._arena.budget and (number := self._next()) is not None:
            self._train(number)
        return self.found

    def _next(self) -> int | None:
        promoted = self._promoted()
        number = self._begun() if promoted is None else promoted
        if number is None and self._ladder and len(self.found) < self._ladder.rules.min_full:
            return self._promoted(wanted_in_full=True)
        return number

    def _promoted(self, wanted_in_full: bool = False) -> int | None:
        decision = self._ladder.promote(wanted_in_full) if self._ladder else None
        return decision.trial if decision else None

    def _begun(self) -> int | None:
        if len(self._axes) == len(self._arena.table.candidates):
            return None
        number = len(self._axes)
        found = self._unseen.next(self._members, derived_seed(self._seed, "help", number))
        if found is None:
            return None
        self._unseen.add(found.digest)
        self._axes.append(found.axes)
        self._proposer.begin(number, found.axes)
        return number

    def pay_again(self, axes: Candidate) -> None:
        """Trains a candidate once more, if it has been trained: it takes its time and brings nothing."""
        if (axes := self._arena.space.canonical(axes)) in self._axes:
            self.clock += sum(record.seconds for record in self._arena.table.curve(self._place(axes), self._seed))

    def _train(self, number: int) -> None:
        """To the next rung, or to the last epoch."""
        arena, place = self._arena, self._place(self._axes[number])
        curve = arena.table.curve(place, self._seed)
        last, before = len(curve), 0
        if self._ladder:
            last, before = self._ladder.target(number) or last, self._ladder.behind(number)
        self.clock += sum(record.seconds for record in curve[before:last])
        self._proposer.learn(number, curve[:last])
        if self._ladder and last < len(curve):
            self._ladder.reach(number, {**arena.table.costs_of(place), **curve[last - 1].metrics})
            return
        values = arena.values(place, self._seed)
        front = self._tracker.add(number, values)
        self._members = [self._axes[member] for member in front.members]
        self.found.append((self.clock, front.hypervolume))
        self._proposer.finish(number, values)

    def _place(self, axes: Candidate) -> int:
        return self._arena.table.index(self._arena.space.family, axes)


class _Repeating:
    """A proposer without memory of what was trained: each repeat is paid for, and brings the same result again."""

    def __init__(self, inner: Proposer, search: Search) -> None:
        self._inner, self._search = inner, search

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def propose(self) -> Candidate:
        axes = self._inner.propose()
        self._search.pay_again(axes)
        return axes


def drive(
    arena: Arena,
    repetition: int,
    make: MakeProposer,
    early_stopping: EarlyStopping | None = None,
    repeats: bool = False,
) -> Run:
    """One search of ours to the end of the budget; see `Search`."""
    ladder = Ladder(early_stopping, arena.objectives) if early_stopping else None
    return Search(arena, repetition, make, ladder, repeats).run()


def setting(arena: Arena, repetition: int) -> Setting:
    """What a sampler may know of its search."""
    space, epochs = arena.space, arena.table.header.epochs
    published = published_in(space, arena.table.problem, arena.gate)
    return Setting(
        space, arena.objectives, arena.gate, 1000 + repetition, TRAININGS, epochs, arena.reference, published
    )
