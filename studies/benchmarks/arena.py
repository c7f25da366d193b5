"""A table of trainings made into a contest: the same space, costs, reference point and clock for every strategy."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np

from mixnas.models import family
from mixnas.objectives import Objective, parse_objectives
from mixnas.pareto import FrontTracker
from mixnas.records import Candidate, Fidelity, Job
from mixnas.search.books import StudyParts
from mixnas.search.driver import Driver
from mixnas.search.executors import Done, Event, Sink
from mixnas.search.gate import Gate
from mixnas.search.loop import StopNow, Stopping
from mixnas.search.loop import run as run_loop
from mixnas.search.proposers import Proposer, Setting
from mixnas.search.rungs import EarlyStopping
from mixnas.search.virtual import VirtualExecutor
from mixnas.session import exact_costs, published_in, reference_point
from mixnas.space import SearchSpace
from mixnas.store import Store
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


class _Quiet(VirtualExecutor):
    """Says nothing of single epochs: a trial's whole curve is stored at its end in any case, in a third of the time."""

    def wait(self, sink: Sink, timeout: float) -> None:
        super().wait(lambda event: sink(event) if isinstance(event, Done) else None, timeout)


class _NoFeed:
    """Gives trials their numbers; there is no Optuna study to look at."""

    def __init__(self) -> None:
        self._begun = 0

    def reconcile(self, trials: object) -> None: ...
    def finish(self, number: int, values: object, attributes: object) -> None: ...
    def fail(self, number: int, reason: str) -> None: ...
    def stop(self, number: int, reason: str) -> None: ...

    def start(self, axes: Candidate, attributes: Mapping[str, Any]) -> int:
        self._begun += 1
        return self._begun - 1


class _Repeating:
    """A proposer without memory of what was trained: each repeat is paid for, and brings the same result again."""

    def __init__(self, inner: Proposer, arena: Arena, seed: int, executor: VirtualExecutor) -> None:
        self._inner, self._arena, self._seed, self._executor = inner, arena, seed, executor
        self._begun: set[int] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def propose(self) -> Candidate:
        axes = self._inner.propose()
        place = self._place(axes)
        if place in self._begun:
            self._executor.clock += float(np.nansum(self._arena.table.seconds[place, self._run]))
        return axes

    def begin(self, number: int, axes: Candidate) -> None:
        self._begun.add(self._place(axes))
        self._inner.begin(number, axes)

    @property
    def _run(self) -> int:
        return self._arena.table.header.seeds.index(self._seed)

    def _place(self, axes: Candidate) -> int:
        return self._arena.table.index(self._arena.space.family, self._arena.space.canonical(axes))


def drive(
    arena: Arena,
    repetition: int,
    make: MakeProposer,
    workers: int = 1,
    early_stopping: EarlyStopping | None = None,
    repeats: bool = False,
) -> Run:
    """One search of ours to the end of the budget, with the driver, loop and store of every search.

    Args:
        repeats: candidates that are proposed again are trained again (one worker only).
    """
    executor, found = _Quiet(workers), Run()
    if repeats:
        remembering, seed = make, arena.seed_of(repetition)

        def make(setting: Setting) -> Proposer:
            return _Repeating(remembering(setting), arena, seed, executor)

    with (
        tempfile.TemporaryDirectory(dir=_memory()) as folder,
        Store.open(f"sqlite:///{folder}/s.db", create=True) as store,
    ):
        driver = _driver(arena, repetition, make, store, early_stopping)

        def listen(event: Event | Stopping | None) -> None:
            if driver.finished > len(found) and driver.front is not None:
                found.append((executor.clock, driver.front.hypervolume))
            if executor.clock >= arena.budget:
                raise StopNow

        run_loop(driver, executor, listen)
    return found


def _driver(
    arena: Arena, repetition: int, make: MakeProposer, store: Store, early_stopping: EarlyStopping | None
) -> Driver:
    space, header = arena.space, arena.table.header
    store.create_study("s", {}, {}, {})
    trials = len(arena.table.candidates)
    published = published_in(space, arena.table.problem, arena.gate)
    setting = Setting(
        space, arena.objectives, arena.gate, 1000 + repetition, TRAININGS, header.epochs, arena.reference, published
    )
    template = Job(
        "s",
        -1,
        0,
        space.family,
        {},
        arena.table.problem,
        header.dataset,
        Fidelity(header.epochs, arena.seed_of(repetition)),
        header.recipe,
        evaluator=f"table:{arena.name}",
    )
    parts = StudyParts(
        space, arena.objectives, arena.gate, template, trials, arena.reference, early_stopping=early_stopping
    )
    return Driver(parts, make(setting), store, _NoFeed())  # type: ignore[arg-type]


def _memory() -> str | None:
    """A folder in memory where there is one."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None
