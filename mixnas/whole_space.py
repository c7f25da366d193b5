"""What all candidates of a space cost: quantiles, how many pass constraints, and where the published models lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mixnas.errors import UsageError
from mixnas.models import family as find_family
from mixnas.models.family import Family
from mixnas.records import Candidate, Problem
from mixnas.search.gate import parse_constraints, with_aliases
from mixnas.space import SearchSpace
from mixnas.space.whole import Rows, all_rows, most_bits, uniform_rows

MOST = 3_000_000
"""Candidates up to which all are costed."""

DRAWN = 100_000
"""Candidates that stand for a larger space, each as likely as any other."""

COSTS = ("params", "macs")
QUANTILES = {"smallest": 0.0, "25%": 0.25, "median": 0.5, "75%": 0.75, "largest": 1.0}

Column = npt.NDArray[Any]


@dataclass(frozen=True)
class PublishedCosts:
    """A published model of the family, on the problem that the space is judged for."""

    name: str
    params: int
    macs: int
    inside: bool
    """It is a candidate of the space."""


@dataclass(frozen=True)
class SpaceCosts:
    """Costs of the candidates of a space."""

    size: int
    """How many candidates there are, exactly."""
    exact: bool
    """All candidates were costed; otherwise `DRAWN` of them."""
    columns: Mapping[str, Column]
    """`params` and `macs` of each that was costed, `[N]`."""
    passes: npt.NDArray[np.bool_]
    """Which of them pass all constraints, `[N]`."""
    alone: Mapping[str, float]
    """The share that each constraint lets pass alone."""
    published: tuple[PublishedCosts, ...]

    @property
    def costed(self) -> int:
        """How many were costed."""
        return len(self.passes)

    @property
    def share(self) -> float:
        """The share that passes all constraints."""
        return float(self.passes.mean())

    @property
    def tightest(self) -> str:
        """The constraint that alone lets the fewest pass; empty without constraints."""
        return min(self.alone, key=lambda text: self.alone[text], default="")

    def quantiles(self, passing: bool = False) -> dict[str, dict[str, float]]:
        """Of each cost, over all that were costed or over those that pass; empty where none passes."""
        rows = self.passes if passing else np.ones(self.costed, bool)
        if not rows.any():
            return {}
        return {name: quantiles_of(column[rows]) for name, column in self.columns.items()}


def quantiles_of(values: Any) -> dict[str, float]:
    """Smallest, quartiles and largest: values that occur, none between them."""
    array = np.sort(np.asarray(values))
    return {name: array[round(share * (len(array) - 1))].item() for name, share in QUANTILES.items()}


def cost_space(
    space: SearchSpace, problem: Problem, constraints: Sequence[str] = (), most: int = MOST, seed: int = 0
) -> SpaceCosts:
    """Costs all candidates of a space, or `DRAWN` of them where there are more than `most`.

    Raises:
        SpaceError: the space has no candidate, or a continuous axis.
        UsageError: a constraint is not in the language, or needs what takes a trace of every candidate.
    """
    space.refuse_empty()
    parsed = parse_constraints(constraints, space)
    for constraint in parsed:
        if slow := sorted(constraint.names & {"memory", "inference_memory"}):
            raise UsageError(
                f"{constraint.where} {constraint.text!r}: {slow[0]} takes a trace of each candidate, which is too slow "
                "for a whole space",
                hint="--memory 200 gives its quantiles from a sample; mixnas search judges it candidate by candidate",
            )
    family, size = find_family(space.family), space.size()
    exact = size <= most
    costs: dict[str, list[Column]] = {name: [] for name in COSTS}
    masks: dict[str, list[Column]] = {constraint.text: [] for constraint in parsed}
    for rows in all_rows(space) if exact else (uniform_rows(space, DRAWN, seed),):
        found = cost_columns(family, rows.columns, problem)
        for name in COSTS:
            costs[name].append(found[name])
        known = {**space.context, **rows.columns, **with_aliases(found)}
        for constraint in parsed:
            masks[constraint.text].append(constraint.hold_columns(known, rows.active))
    columns = {name: np.concatenate(parts) for name, parts in costs.items()}
    held = {text: np.concatenate(parts) for text, parts in masks.items()}
    passes = np.logical_and.reduce([np.ones(len(columns["params"]), bool), *held.values()])
    alone = {text: float(mask.mean()) for text, mask in held.items()}
    return SpaceCosts(int(size), exact, columns, passes, alone, _published(space, family, problem))


def drawn_candidates(space: SearchSpace, count: int, seed: int = 0) -> list[Candidate]:
    """Candidates of a space, each as likely as any other.

    Raises:
        SpaceError: the space has no candidate, or a continuous axis.
    """
    rows: Rows = uniform_rows(space, count, seed)
    values = {axis: column.tolist() for axis, column in rows.columns.items()}
    return [{axis: values[axis][i] for axis in values if rows.active[axis][i]} for i in range(rows.count)]


def cost_columns(family: Family, columns: Mapping[str, Column], problem: Problem) -> dict[str, Column]:
    """Parameters and MACs of candidates in columns, exactly: as Python's integers where 64 bits may not hold them."""
    forms = {"params": family.params, "macs": family.macs}
    if most_bits(columns, (*problem.input, problem.num_classes)) < 62:
        return {name: np.asarray(form(columns, problem)) for name, form in forms.items()}
    listed = {axis: column.tolist() for axis, column in columns.items()}
    each = [dict(zip(listed, row, strict=True)) for row in zip(*listed.values(), strict=True)]
    return {name: np.array([form(axes, problem) for axes in each], object) for name, form in forms.items()}


def _published(space: SearchSpace, family: Family, problem: Problem) -> tuple[PublishedCosts, ...]:
    """The published models that can do the problem, by their costs on it."""
    found = []
    for name, model in family.named.items():
        axes = dict(model.axes)
        if model.problem.task == problem.task:
            costs = int(family.params(axes, problem)), int(family.macs(axes, problem))
            found.append(PublishedCosts(name, *costs, inside=not space.explain(axes)))
    return tuple(found)
