"""From a design to arms: candidates of the space, each once, and what was left out with the reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mixnas.ablation.designs import Levels, Plan, Run
from mixnas.ablation.spec import Factor
from mixnas.errors import UsageError
from mixnas.records import Candidate, Value
from mixnas.space import SearchSpace
from mixnas.space.layout import Parameter

BASE = "base"


@dataclass(frozen=True)
class Arm:
    """One architecture of the experiment."""

    label: str
    levels: Mapping[str, str]
    """The level of every factor that has a name for it in this arm."""
    axes: Candidate
    digest: str
    in_design: bool = True
    """Whether it is a cell of the design. The base may stand outside, to be compared with only."""
    costs: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class LeftOut:
    """A cell of the design that is not trained."""

    label: str
    reason: str


def build(space: SearchSpace, base: Mapping[str, Value], changes: Mapping[str, Value]) -> tuple[Candidate, list[str]]:
    """The canonical candidate that comes of changing a base, and what had to be filled in or was of no use.

    Axes that a change brings with it (`channel=overlap` brings `channel.ratio`) are taken from the base where it has
    them, and else have the first value of the space, which is said.

    Raises:
        SpaceError: a change has a value that its axis cannot have in that place.
    """
    filled: list[str] = []

    def value_of(place: Parameter) -> Any:
        if place.axis in changes:
            return changes[place.axis]
        if place.axis in base and place.domain.code(base[place.axis]) is not None:
            return base[place.axis]
        first: Value = place.domain.pick(0.0) if place.values is None else place.values[0]
        filled.append(f"{place.axis}={first} is the first value of the space")
        return first

    drawn = space.walk(value_of)
    unused = [f"{axis} is no axis of it" for axis in changes if axis not in drawn]
    return space.canonical(drawn), [*filled, *unused]


def base_level(factor: Factor, space: SearchSpace, base: Candidate) -> str:
    """The level of a factor that is the base as it is; empty where none is, or where all are."""
    for name, changes in factor.levels.items():
        if all(base.get(axis) == value for axis, value in changes.items()):
            return name
    digest = space.digest(base)
    same = [name for name, changes in factor.levels.items() if _digest(space, base, changes) == digest]
    return same[0] if len(same) == 1 else ""


def _digest(space: SearchSpace, base: Candidate, changes: Mapping[str, Value]) -> str:
    return space.digest(build(space, base, changes)[0])


def levels_of(factors: Sequence[Factor], space: SearchSpace, base: Candidate) -> tuple[Levels, ...]:
    """The factors as a design sees them."""
    return tuple(Levels(f.name, tuple(f.levels), base_level(f, space, base)) for f in factors)


def make_arms(
    plan: Plan, factors: Sequence[Factor], levels: Sequence[Levels], space: SearchSpace, base: Candidate
) -> tuple[tuple[Arm, ...], tuple[LeftOut, ...]]:
    """The arms of a design with the base first, and its cells that are no candidate or come to the same as another.

    Raises:
        UsageError: nothing but the base is left.
    """
    by_name = {factor.name: factor for factor in factors}
    base_names = {x.factor: x.base for x in levels if x.base}
    arms: dict[str, Arm] = {}
    left_out: list[LeftOut] = []
    for run in (base_names, *plan.runs):
        found = _arm(run, by_name, base_names, space, base)
        if isinstance(found, LeftOut):
            left_out.append(found)
        elif (twin := arms.get(found.digest)) is None:
            arms[found.digest] = found
        elif twin.label != found.label:
            why = "; ".join(found.notes)
            left_out.append(LeftOut(found.label, f"the same architecture as {twin.label}{f' ({why})' if why else ''}"))
    if len(arms) == 1:
        reasons = "".join(f"\n  - {x.label}: {x.reason}" for x in left_out)
        raise UsageError(f"no arm but the base is left:{reasons}", hint="vary other axes, or other values")
    nearest_first = sorted(arms.values(), key=lambda arm: _changed(arm.levels, base_names))
    return _base_marked(plan, base_names, tuple(nearest_first)), tuple(left_out)


def _arm(
    run: Run, factors: Mapping[str, Factor], base_names: Mapping[str, str], space: SearchSpace, base: Candidate
) -> Arm | LeftOut:
    changed = {factor: name for factor, name in run.items() if base_names.get(factor) != name}
    label = ", ".join(f"{factor}={name}" for factor, name in changed.items()) or BASE
    changes = {axis: value for factor, name in run.items() for axis, value in factors[factor].levels[name].items()}
    try:
        axes, notes = build(space, base, changes)
        space.validate(axes)
    except UsageError as error:
        return LeftOut(label, error.message)
    return Arm(label, {**base_names, **run}, axes, space.digest(axes), notes=tuple(notes))


def _changed(levels: Mapping[str, str], base_names: Mapping[str, str]) -> int:
    """How many factors are at another level than in the base."""
    return sum(base_names.get(factor) != name for factor, name in levels.items())


def _base_marked(plan: Plan, base_names: Mapping[str, str], arms: tuple[Arm, ...]) -> tuple[Arm, ...]:
    """Where the base is no cell of a factorial, it is an arm for comparison only."""
    if plan.kind in ("oat", "leave-one-out") or any(dict(run) == dict(base_names) for run in plan.runs):
        return arms
    first, *others = arms
    return (replace(first, in_design=False), *others)
