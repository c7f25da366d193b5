"""An ablation made concrete: base found, factors read, arms built, costed and judged. Nothing is written here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from mixnas import catalog
from mixnas.ablation.arms import Arm, LeftOut, build, levels_of, make_arms
from mixnas.ablation.designs import Plan, describe_plan, plan
from mixnas.ablation.factors import check_changes, read_factors, read_value
from mixnas.ablation.spec import AblationSpec, Factor
from mixnas.ablation.tricks import tricks_of
from mixnas.data import dataset
from mixnas.errors import UsageError
from mixnas.lookup import FoundModel, find_model
from mixnas.models import family
from mixnas.objectives import Objective, default_objectives, objective
from mixnas.records import Candidate, Problem, Value
from mixnas.search.gate import Gate
from mixnas.session import cost_names, exact_costs, predicted_costs
from mixnas.space import SearchSpace, load_space

KIND = "ablation"
"""What the store calls such a study, beside searches."""


@dataclass(frozen=True)
class Experiment:
    """All that is known before the first training."""

    spec: AblationSpec
    """With its defaults filled in."""
    title: str
    """What the base is."""
    space: SearchSpace
    problem: Problem
    factors: tuple[Factor, ...]
    plan: Plan
    arms: tuple[Arm, ...]
    """The base first."""
    left_out: tuple[LeftOut, ...]
    gate: Gate
    changed: tuple[str, ...] = ()
    """What had to be filled in to make the base a candidate of the space."""

    @property
    def metric(self) -> Objective:
        """What the arms are compared by."""
        return objective(self.spec.metric)

    @property
    def seeds(self) -> tuple[int, ...]:
        """The same for every arm."""
        return tuple(range(self.spec.seed, self.spec.seed + self.spec.seeds))

    @property
    def runs(self) -> int:
        """Trainings in all."""
        return len(self.arms) * len(self.seeds)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for the store: enough to report on it without its space or its file."""
        return {
            **self.spec.to_dict(),
            "kind": KIND,
            "objectives": [self.spec.metric, "params"],
            "task": self.problem.task,
            "space": self.space.name,
            "space_json": self.space.to_json(),
            "family": self.space.family,
            "problem": self.problem.key(),
            "title": self.title,
            "factors": {factor.name: list(factor.levels) for factor in self.factors},
            "arms": [asdict(arm) for arm in self.arms],
            "left_out": [asdict(cell) for cell in self.left_out],
            "plan": describe_plan(self.plan),
            "resolution": self.plan.resolution,
        }


def prepare(spec: AblationSpec, storage: str) -> Experiment:
    """Finds the base, reads the factors, lays out the design and judges its arms.

    Raises:
        UsageError: something cannot be done as asked; nothing has been written.
    """
    spec = replace(spec, dataset=spec.dataset or "digits")
    data = dataset(spec.dataset)
    found = _found(spec, storage)
    space = load_space(spec.space or _space_of(found)).given(**data.problem.context())
    spec = replace(spec, changes=_read_changes(spec.changes, space))
    base, changed = _base(spec, found, space)
    spec = _filled_in(spec, found, data.default_epochs, data.problem)
    factors = _factors(spec, space, base)
    levels = levels_of(factors, space, base)
    design = plan(spec.design, levels, spec.resolution)
    gate = _gate(spec, space, data.problem)
    arms, left_out = make_arms(design, factors, levels, space, base)
    kept, refused = _judged(arms, gate)
    return Experiment(
        spec, found.title, space, data.problem, factors, design, kept, (*left_out, *refused), gate, tuple(changed)
    )


def _found(spec: AblationSpec, storage: str) -> FoundModel:
    if isinstance(spec.base, str):
        found = find_model(spec.base, storage)
        if found.axes:
            return found
        raise UsageError(f"{spec.base} has no axes to vary", hint="take a model of a space: see `mixnas space list`")
    if not spec.space:
        raise UsageError("a base given by its axes needs a space", hint='space="splitmixer"')
    space = load_space(spec.space)
    title = f"a model of space {space.name}"
    return FoundModel(title, space.family, dict(spec.base), dataset(spec.dataset).problem)


def _space_of(found: FoundModel) -> str:
    if found.family in catalog.names("search_spaces"):
        return found.family
    raise UsageError(f"there is no space called {found.family!r} like the family of the base", hint="give --space")


def _read_changes(changes: Mapping[str, Value], space: SearchSpace) -> dict[str, Value]:
    """The changes of the base; text that the command line gave becomes the value that it names."""
    return {a: read_value(a, v, space, f"--set {a}") if isinstance(v, str) else v for a, v in changes.items()}


def _base(spec: AblationSpec, found: FoundModel, space: SearchSpace) -> tuple[Candidate, list[str]]:
    """The base as a canonical candidate of the space.

    Raises:
        UsageError: it is not valid there; says why, and how to change it.
    """
    check_changes(spec.changes, space, "--set")
    if found.family != space.family:
        raise UsageError(
            f"{found.title} is of family {found.family!r}, space {space.name!r} is of {space.family!r}",
            hint="leave --space out",
        )
    known = {place.axis: place for place in space.parameters().values()}
    for axis, value in found.axes.items():
        if axis in known and axis not in spec.changes:
            places = [place for place in space.parameters().values() if place.axis == axis]
            if all(place.domain.code(value) is None for place in places):
                raise UsageError(
                    f"the base has {axis}={value}, which space {space.name!r} does not have",
                    hint=f"--set {axis}=VALUE; values: {known[axis].domain.describe()}",
                )
    base, notes = build(space, found.axes, spec.changes)
    if problems := space.explain(base):
        raise UsageError(
            f"the base, {found.title}, cannot be trained on {spec.dataset}: {problems[0]}",
            hint="change it with --set, for example --set width=32 --set depth=4, or take another --dataset",
        )
    return base, notes


def _filled_in(spec: AblationSpec, found: FoundModel, epochs: int, problem: Problem) -> AblationSpec:
    metric = objective(spec.metric or default_objectives(problem.task)[0])
    if metric.kind != "learned" or metric.task not in (None, problem.task):
        raise UsageError(
            f"--metric {metric.name} is not learned on {problem.task}",
            hint=f"for example --metric {default_objectives(problem.task)[0]}; every cost is reported beside it",
        )
    base = Path(spec.base).stem if isinstance(spec.base, str) and catalog.is_file(spec.base) else spec.base
    short = base.replace("/", "-") if isinstance(base, str) else found.family
    name = spec.name or f"{short}-{Path(spec.dataset.partition('@')[0]).stem}-ablation"
    return replace(spec, name=name, metric=metric.name, epochs=spec.epochs or epochs)


def _factors(spec: AblationSpec, space: SearchSpace, base: Candidate) -> tuple[Factor, ...]:
    if spec.vary:
        return read_factors(spec.vary, space, base)
    if spec.design == "leave-one-out":
        return tricks_of(space, base)
    raise UsageError(
        "nothing is varied", hint="--vary channel.ratio,spatial; or --design leave-one-out for the known tricks"
    )


def _gate(spec: AblationSpec, space: SearchSpace, problem: Problem) -> Gate:
    model_family = family(space.family)
    if problem.task not in model_family.tasks:
        raise UsageError(
            f"models of family {space.family!r} cannot do {problem.task}, only {', '.join(model_family.tasks)}"
        )

    def estimate(axes: Mapping[str, Any]) -> dict[str, Any]:
        return exact_costs(model_family, axes, problem)

    wanted = ("memory",) if spec.evaluator == "train" else ()
    later = predicted_costs(space.family, problem, spec.recipe)
    return Gate(space, spec.constraints, estimate, estimate, later, wanted, cost_names(spec.recipe))


def _judged(arms: tuple[Arm, ...], gate: Gate) -> tuple[tuple[Arm, ...], tuple[LeftOut, ...]]:
    """The arms with their exact costs, without those that the gate refuses.

    Raises:
        UsageError: it refuses the base, or all others.
    """
    kept, refused = [], []
    for arm in arms:
        verdict = gate.check(arm.axes)
        if verdict.refused:
            refused.append(LeftOut(arm.label, f"refused before training: {verdict.refused}"))
        else:
            kept.append(replace(arm, costs=dict(verdict.costs)))
    if arms[0].digest not in {arm.digest for arm in kept}:
        raise UsageError(
            f"the base is {refused[0].reason}", hint="loosen the constraint, or change the base with --set"
        )
    if len(kept) == 1:
        raise UsageError(f"every arm but the base is refused: {refused[0].reason}", hint="loosen the constraint")
    return tuple(kept), tuple(refused)
