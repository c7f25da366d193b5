"""Trains the candidates of a space for a table, goes on where it was interrupted, and puts the table together."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mixnas.data import dataset
from mixnas.environment import environment
from mixnas.errors import ConfigError, RunError, UsageError
from mixnas.models import family
from mixnas.recipe import RECIPES, Recipe
from mixnas.records import Candidate, Fidelity, Job, Problem
from mixnas.search.executors import Done, Event, Executor
from mixnas.session import exact_costs
from mixnas.space import SearchSpace, load_space
from mixnas.table.file import write_table
from mixnas.table.journal import Journal
from mixnas.table.table import FORMAT, Header, Table, space_digest

Told = Callable[[int, int], None]
"""Called with the trainings that have ended and all of them: at the start and after each."""

ATTEMPTS = 2
"""How often a training whose worker is lost is tried."""
LARGEST = 20_000
"""Candidates of a space that is trained without a limit."""


@dataclass(frozen=True)
class Plan:
    """What to train for a table."""

    space: str
    dataset: str = "digits"
    seeds: int = 2
    epochs: int = 0
    """0 takes the data set's own default."""
    recipe: Recipe = field(default_factory=lambda: RECIPES["small"])
    split_seed: int = 0
    limit: int = 0
    """Candidates, in an order drawn once for each space; 0 takes all of it."""
    evaluator: str = "mixnas.table.cpu_time:evaluate"

    def __post_init__(self) -> None:
        if self.seeds < 1:
            raise UsageError(f"--seeds {self.seeds} trains nothing", hint="--seeds 2")
        if self.limit < 0 or self.epochs < 0:
            raise UsageError(f"--limit {self.limit} and --epochs {self.epochs} must not be negative")


@dataclass(frozen=True)
class Trainings:
    """A plan worked out: the space bound to its problem, and every candidate in the order of training."""

    plan: Plan
    space: SearchSpace
    problem: Problem
    epochs: int
    candidates: tuple[Candidate, ...]
    whole: bool

    @classmethod
    def of(cls, plan: Plan) -> Trainings:
        """Works a plan out.

        Raises:
            UsageError: the space is too large to be trained whole, or its models cannot do the data set's task.
        """
        data = dataset(plan.dataset)
        space = load_space(plan.space).given(**data.problem.context())
        if data.problem.task not in family(space.family).tasks:
            raise UsageError(f"models of family {space.family!r} cannot do {data.problem.task}")
        size = space.size()
        if size > LARGEST:
            raise UsageError(
                f"space {space.name!r} has {size:,} candidates, more than {LARGEST:,} to train",
                hint="write a space with fewer choices in ./search_spaces/; a search needs a table of all of its space",
            )
        space.refuse_empty()
        candidates = list(space.enumerate())
        random.Random(1).shuffle(candidates)  # so that a limit takes a sample, and the time left can be told
        chosen = tuple(candidates[: plan.limit] if plan.limit else candidates)
        whole = len(chosen) == len(candidates)
        return cls(plan, space, data.problem, plan.epochs or data.default_epochs, chosen, whole)

    def settings(self) -> dict[str, Any]:
        """What all lines of a journal must have in common."""
        return {
            "rules_digest": space_digest(self.space.to_json()),
            "dataset": self.plan.dataset,
            "epochs": self.epochs,
            "split_seed": self.plan.split_seed,
            "recipe": self.plan.recipe.to_dict(),
            "evaluator": self.plan.evaluator,
        }

    def jobs(self) -> Iterator[Job]:
        """Every training: all candidates with seed 0 first, then with seed 1, and so on."""
        for seed in range(self.plan.seeds):
            for number, axes in enumerate(self.candidates):
                yield Job(
                    "table",
                    number,
                    1,
                    self.space.family,
                    axes,
                    self.problem,
                    self.plan.dataset,
                    Fidelity(self.epochs, seed),
                    self.plan.recipe.to_dict(),
                    self.plan.split_seed,
                    evaluator=self.plan.evaluator,
                )


def open_journal(trainings: Trainings, output: Path) -> Journal:
    """The journal beside the table to be, `FILE.part.jsonl`, with the settings that it was begun with beside it.

    Raises:
        ConfigError: it was begun with other settings, or cannot be read.
    """
    path, settings = output.with_name(output.name + ".part.jsonl"), trainings.settings()
    beside = path.with_suffix(".settings.json")
    if beside.exists():
        _require_same(path, json.loads(beside.read_text(encoding="utf-8")), settings)
    journal = Journal.open(path, trainings.space.family, trainings.epochs)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside.write_text(json.dumps(settings), encoding="utf-8")
    return journal


def _require_same(path: Path, stored: dict[str, Any], asked: dict[str, Any]) -> None:
    for name, value in asked.items():
        if stored.get(name) != value:
            raise ConfigError(
                f"{path} was begun with {name} {stored.get(name)}, asked is {value}",
                hint="another -o FILE, or move the journal away to begin anew",
            )


def train_all(trainings: Trainings, journal: Journal, executor: Executor, told: Told) -> None:
    """Trains what the journal does not have yet. Every training is kept as it ends, whatever interrupts the rest.

    Raises:
        RunError: a worker was lost twice with the same candidate.
    """
    every = list(trainings.jobs())
    left = [job for job in every if not journal.holds(job.axes, job.fidelity.seed)][::-1]
    tries: dict[tuple[int, int], int] = {}
    told(len(every) - len(left), len(every))
    with journal.appending() as file:

        def sink(event: Event) -> None:
            if not isinstance(event, Done):
                return
            if event.measurement.reason == "lost_worker":
                _again(event, tries)
                left.append(event.job)
                return
            journal.add(file, event.job, event.measurement)
            told(len(every) - len(left) - (executor.workers - executor.free()), len(every))

        while left or executor.free() < executor.workers:
            while left and executor.free():
                executor.submit(left.pop())
            executor.wait(sink, 0.25)


def _again(event: Done, tries: dict[tuple[int, int], int]) -> None:
    key = (event.job.trial, event.job.fidelity.seed)
    tries[key] = tries.get(key, 1) + 1
    if tries[key] > ATTEMPTS:
        raise RunError(
            f"the worker was lost {ATTEMPTS} times with {event.job.axes}: {event.measurement.detail}",
            hint="fewer --workers leave more memory to each; the same command goes on",
        )


def put_together(trainings: Trainings, journal: Journal) -> Table:
    """The table of a journal that has every training of the plan."""
    seeds, candidates = range(trainings.plan.seeds), trainings.candidates
    entries = [[journal.entry(axes, seed) for seed in seeds] for axes in candidates]
    metrics = tuple(sorted({name for row in entries for e in row for r in e["curve"] for name in r["metrics"]}))
    shape = (len(candidates), len(seeds), trainings.epochs)
    measured, losses, seconds = np.full((len(metrics), *shape), np.nan), np.full(shape, np.nan), np.full(shape, np.nan)
    for place, row in enumerate(entries):
        for seed, entry in enumerate(row):
            for i, record in enumerate(entry["curve"]):
                measured[:, place, seed, i] = [record["metrics"].get(name, math.nan) for name in metrics]
                losses[place, seed, i], seconds[place, seed, i] = record["train_loss"], record["seconds"]
    costs = [exact_costs(family(trainings.space.family), axes, trainings.problem) for axes in candidates]
    names = tuple(costs[0])
    header = _header(trainings, metrics, names, float(np.nansum(seconds)))
    matrix = np.array([[float(cost[name]) for cost in costs] for name in names])
    finished = np.array([[entry["outcome"] == "finished" for entry in row] for row in entries])
    return Table(header, candidates, matrix, measured, losses, seconds, finished)


def _header(trainings: Trainings, metrics: tuple[str, ...], costs: tuple[str, ...], cpu_seconds: float) -> Header:
    space, where = trainings.space.to_json(), environment()
    return Header(
        FORMAT,
        trainings.space.family,
        space,
        space_digest(space),
        trainings.whole,
        trainings.plan.dataset,
        trainings.problem.key(),
        trainings.plan.recipe.to_dict(),
        trainings.epochs,
        tuple(range(trainings.plan.seeds)),
        trainings.plan.split_seed,
        metrics,
        costs,
        cpu_seconds,
        f"cpu {where['processor']}".strip(),
        where,
    )


def finish(trainings: Trainings, journal: Journal, output: Path) -> Table:
    """Writes the table; the journal stays, for a table with more seeds."""
    table = put_together(trainings, journal)
    write_table(table, output)
    return table
