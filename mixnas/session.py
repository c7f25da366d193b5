"""Puts a search together from a spec: checks everything first, writes nothing until all of it holds."""

from __future__ import annotations

import hashlib
import os
import random
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mixnas.data import dataset, datasets_for
from mixnas.environment import environment
from mixnas.errors import UnknownName, UsageError
from mixnas.lookup import find_model
from mixnas.models import FAMILIES, family
from mixnas.models.family import Axes, Family
from mixnas.noise import measured
from mixnas.objectives import TIMED, Objective
from mixnas.readiness import require_trainable
from mixnas.recipe import Recipe
from mixnas.records import Candidate, Fidelity, Job, Problem
from mixnas.search.books import BaselineModel, StudyParts
from mixnas.search.driver import Driver
from mixnas.search.executors import Cluster, Executor, make_executor
from mixnas.search.feasibility import Feasible, require_feasible
from mixnas.search.feed import Feed
from mixnas.search.gate import Gate
from mixnas.search.proposers import SAMPLERS, Proposer, Setting, make_proposer
from mixnas.search.replicates import Reevaluation
from mixnas.search.rungs import EarlyStopping, early_stopping
from mixnas.space import SearchSpace, load_space
from mixnas.store import Store
from mixnas.study import StudySpec, differences
from mixnas.table import replay


@dataclass(frozen=True)
class Session:
    """A search that is ready to run."""

    spec: StudySpec
    space: SearchSpace
    driver: Driver
    executor: Executor
    store: Store
    feasible: Feasible
    """Share of the space that passes the constraints, and what each lets pass alone."""
    seeds: tuple[int, ...] = ()
    """Of each member of the front in the end; the first is that of the search."""

    def reevaluation(self) -> Reevaluation:
        """The trainings with other seeds that follow the search, as the study stands now."""
        return Reevaluation(self.driver.parts, self.seeds, self.store, self.driver.share)


@contextmanager
def open_session(
    spec: StudySpec,
    storage: str,
    *,
    executor: str = "processes",
    workers: int = 0,
    cluster: Cluster | None = None,
    download: bool = False,
) -> Iterator[Session]:
    """Checks the spec, then opens or goes on with its study. Everything is let go of at the end of the block.

    Raises:
        UsageError: something cannot be done as asked; nothing has been written then.
    """
    spec, problem, space = resolve(spec)
    if spec.sampler not in SAMPLERS:
        raise UnknownName("sampler", spec.sampler, SAMPLERS)
    rules = early_stopping(spec.early_stopping, spec.epochs, spec.trials, spec.rungs, spec.reduction, spec.min_full)
    if spec.trial_timeout and executor not in ("processes", "ray"):
        raise UsageError(
            f"--trial-timeout needs worker processes, which can be ended; --backend {executor} has none",
            hint="--backend processes or ray, or leave it out",
        )
    seeds = _seeds(spec)
    pool = make_executor(executor, workers, spec.evaluator, cluster)  # workers load while we check the rest
    store = feed = driver = None
    try:
        require_trainable(spec, problem, download)
        _require_in_table(spec, space, problem)
        _require_quiet(spec, pool.workers)
        model_family = _family_for(space, problem)
        baselines = [_baseline(name, storage, problem, spec) for name in spec.baselines]
        gate = _gate(space, spec, model_family, problem)
        feasible = require_feasible(gate)
        store = Store.open(storage, create=True)
        with store.creation_lock():  # of several searches that begin at once one makes the study
            stored = _open_study(store, spec, space, problem, gate)
            # Optuna's own creation of its tables is not race-free
            feed = Feed(store.url, spec.name, spec.resolved_objectives, space, gate.constraints)
        folder = checkpoint_folder(store.path, store.url, spec.name)
        parts = _parts(spec, space, problem, gate, stored["reference"], baselines, rules, folder)
        driver = Driver(parts, _proposer(spec, parts), store, feed)
        yield Session(spec, space, driver, pool, store, feasible, seeds)
    finally:
        pool.stop()
        if driver is not None:
            driver.close()
        if feed is not None:
            feed.close()
        if store is not None:
            store.close()


def resolve(spec: StudySpec) -> tuple[StudySpec, Problem, SearchSpace]:
    """The spec with its defaults filled in, the problem its data pose, and its space bound to that problem."""
    data = dataset(spec.dataset)
    if data.problem.task != spec.task:
        raise UsageError(
            f"dataset {spec.dataset!r} is for {data.problem.task}, the task is {spec.task}",
            hint=f"--task {data.problem.task}, or a data set for {spec.task}: {', '.join(datasets_for(spec.task))}",
        )
    space = load_space(spec.space).given(**data.problem.context())
    if space.family not in FAMILIES:
        raise UnknownName(f"model family of space {space.name!r}:", space.family, FAMILIES)
    return replace(spec.named(), epochs=spec.epochs or data.default_epochs), data.problem, space


def exact_costs(model_family: Family, axes: Axes, problem: Problem) -> dict[str, Any]:
    """Parameters and MACs from the family's closed forms: numbers for a candidate, columns for columns of axes."""
    return {"params": model_family.params(axes, problem), "macs": model_family.macs(axes, problem)}


def predicted_costs(name: str, problem: Problem, recipe: Recipe) -> dict[str, Callable[[Candidate], float]]:
    """The costs that a trace on fake tensors tells, for the batch size and precision of the recipe."""

    def training(axes: Candidate) -> float:
        from mixnas.cost.memory import Setup, training_memory

        return training_memory(name, axes, problem, Setup.of(recipe))

    def inference(axes: Candidate) -> float:
        from mixnas.cost.memory import Setup, inference_memory

        return inference_memory(name, axes, problem, Setup.of(recipe))

    return {"memory": training, "inference_memory": inference}


def cost_names(recipe: Recipe) -> dict[str, str]:
    """What the store calls costs that hang on more than the architecture and the problem."""
    how = f"b{recipe.batch_size}-{recipe.precision}"
    return {
        "memory": f"memory[{how}-adamw-predicted]",
        "inference_memory": f"inference_memory[{how}-predicted]",
    }


def _gate(space: SearchSpace, spec: StudySpec, model_family: Family, problem: Problem) -> Gate:
    def estimate(axes: Axes) -> dict[str, Any]:
        return exact_costs(model_family, axes, problem)

    later = predicted_costs(space.family, problem, spec.recipe)
    return Gate(space, spec.constraints, estimate, estimate, later, spec.objectives, cost_names(spec.recipe))


def _baseline(name: str, storage: str, problem: Problem, spec: StudySpec) -> BaselineModel:
    """A baseline by name, costed on the problem of the study.

    Raises:
        UsageError: there is no such model, or it cannot do this problem.
    """
    found = find_model(name, storage)
    baseline_family = family(found.family)
    if problem.task not in baseline_family.tasks:
        raise UsageError(
            f"baseline {name!r} cannot do {problem.task}", hint=f"it does: {', '.join(baseline_family.tasks)}"
        )
    costs = exact_costs(baseline_family, found.axes, problem)
    for cost, predict in predicted_costs(found.family, problem, spec.recipe).items():
        if cost in spec.objectives:
            costs[cost] = predict(found.axes)
    return BaselineModel(name, found.family, found.axes, costs)


def _family_for(space: SearchSpace, problem: Problem) -> Family:
    found = family(space.family)
    if problem.task not in found.tasks:
        able = [name for name in FAMILIES if problem.task in family(name).tasks]
        raise UsageError(
            f"models of family {found.name!r} cannot do {problem.task}, only {', '.join(found.tasks)}",
            hint=f"a space of a family that can: {', '.join(able)} (`mixnas space list` tells the family of each)",
        )
    return found


def _require_in_table(spec: StudySpec, space: SearchSpace, problem: Problem) -> None:
    """Refuses to replay from a table what it does not have; nothing where the evaluator is no table."""
    if spec.evaluator.startswith(replay.PREFIX):
        replay.require_covered(
            spec.evaluator,
            space,
            problem,
            dataset=spec.dataset,
            epochs=spec.epochs,
            seed=spec.seed,
            split_seed=spec.split_seed,
            recipe=spec.recipe.to_dict(),
        )


def _seeds(spec: StudySpec) -> tuple[int, ...]:
    """The seeds of each member of the front in the end, that of the search first.

    Raises:
        UsageError: nothing hangs on the seed, or the evaluator is a table that has not as many.
    """
    if spec.seeds > 1 and not measured(spec.resolved_objectives):
        raise UsageError(
            f"--seeds {spec.seeds}: {', '.join(spec.objectives)} are known exactly and hang on no seed",
            hint="leave --seeds out, or add an objective that is learned",
        )
    if spec.seeds > 1 and spec.evaluator.startswith(replay.PREFIX):
        return replay.table_seeds(spec.evaluator, spec.seed, spec.seeds)
    return tuple(range(spec.seed, spec.seed + spec.seeds))


def _require_quiet(spec: StudySpec, workers: int) -> None:
    """Refuses to time models while others train beside them, or where nothing is built that could be timed.

    Raises:
        UsageError: an objective is timed, and there are several workers, or another evaluator than `train`.
    """
    timed = ", ".join(name for name in spec.objectives if name in TIMED)
    if not timed:
        return
    if workers > 1:
        raise UsageError(
            f"objective {timed} is timed while nothing else trains, and this search has {workers} workers",
            hint="--workers 1; or search without it and time the front afterwards: mixnas measure --objective latency",
        )
    if spec.evaluator != "train":
        raise UsageError(f"objective {timed} is timed by evaluator train, not by {spec.evaluator}")


def _open_study(store: Store, spec: StudySpec, space: SearchSpace, problem: Problem, gate: Gate) -> dict[str, Any]:
    """Creates the study, or checks that the stored one is the same; returns what the store holds of it."""
    asked = {**spec.to_dict(), "space_json": space.to_json(), "family": space.family, "problem": problem.key()}
    if not store.has_study(spec.name):
        asked["reference"] = reference_point(spec.resolved_objectives, space, gate)
        store.create_study(spec.name, asked, space.to_json(), environment())
    stored = store.study(spec.name).spec
    if changed := differences(stored, asked):
        raise UsageError(
            f"study {spec.name!r} exists and was started differently: {'; '.join(changed)}",
            hint="give this search a name of its own with --study NAME, or repeat the flags of the stored one",
        )
    return dict(stored)


def reference_point(objectives: tuple[Objective, ...], space: SearchSpace, gate: Gate) -> dict[str, float]:
    """The worst corner that hypervolume is measured from: nothing learned, and twice the largest cost of a sample."""
    rng = random.Random(0)
    costs = gate.sample_costs(space.sample_many(rng, 500))
    worst: dict[str, float] = {"train_seconds": 1e5, "latency": 1e4, "throughput": 0.0}
    for o in objectives:
        if o.kind == "exact":
            worst[o.name] = 2.0 * max(c[o.name] for c in costs if o.name in c)
        elif o.kind == "learned":
            worst[o.name] = 0.0 if o.direction == "maximize" else 1.0
    return {o.name: worst[o.name] for o in objectives}


def _parts(
    spec: StudySpec,
    space: SearchSpace,
    problem: Problem,
    gate: Gate,
    reference: dict[str, float],
    baselines: list[BaselineModel],
    rules: EarlyStopping | None,
    checkpoints: Path,
) -> StudyParts:
    template = Job(
        study=spec.name,
        trial=-1,
        attempt=0,
        family=space.family,
        axes={},
        problem=problem,
        dataset=spec.dataset,
        fidelity=Fidelity(spec.epochs, spec.seed),
        recipe=spec.recipe.to_dict(),
        split_seed=spec.split_seed,
        data_dir=spec.data_dir,
        evaluator=spec.evaluator,
        measure=tuple(name for name in spec.objectives if name in TIMED),
        timeout=spec.trial_timeout,
    )
    return StudyParts(
        space,
        spec.resolved_objectives,
        gate,
        template,
        spec.trials,
        reference,
        baselines,
        rules,
        spec.retries,
        checkpoints,
    )


def _proposer(spec: StudySpec, parts: StudyParts) -> Proposer:
    published = published_in(parts.space, parts.template.problem, parts.gate)
    setting = Setting(
        parts.space, parts.objectives, parts.gate, spec.seed, spec.trials, spec.epochs, parts.reference, published
    )
    return make_proposer(spec.sampler, setting)


def checkpoint_folder(storage: Path | None, url: str, study: str) -> Path:
    """Where a study keeps the states of trainings that may go on: beside its database file, else in the user's cache.

    The cache is `$XDG_CACHE_HOME/mixnas`, or `~/.cache/mixnas`.
    """
    name = study if re.fullmatch(r"[\w-]{1,100}", study) else f"study-{hashlib.sha256(study.encode()).hexdigest()[:16]}"
    if storage is not None:
        return storage.with_name(f"{storage.name}.checkpoints") / name
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser().absolute()
    return cache / "mixnas" / f"checkpoints-{hashlib.sha256(url.encode()).hexdigest()[:16]}" / name


def published_in(space: SearchSpace, problem: Problem, gate: Gate) -> tuple[Candidate, ...]:
    """The published models of the family that are candidates of the space and pass the gate, cheapest first."""
    named = [dict(model.axes) for model in family(space.family).named.values() if not space.explain(dict(model.axes))]
    found = {space.digest(axes): space.canonical(axes) for axes in named}
    passing = [axes for axes in found.values() if not gate.check(axes).refused]
    return tuple(sorted(passing, key=lambda axes: gate.check(axes).costs["macs"]))
