"""What all candidates of a space cost: quantiles, how many pass constraints, and where the published models lie.

Parameters and MACs are worked out for all of them, from arrays. Memory takes a trace of each structure, so its
quantiles and the constraints that name it are judged by a few candidates, drawn so that each is as likely as any other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from mixnas.cost.memory import Setup, inference_memory, training_memory
from mixnas.errors import UsageError
from mixnas.models import family as find_family
from mixnas.models.family import Family
from mixnas.records import Candidate, Problem
from mixnas.search.gate import by_text, conjuncts, parse_constraints, with_aliases
from mixnas.space import Expression, SearchSpace
from mixnas.space.whole import Rows, all_rows, most_bits, uniform_rows

MOST = 3_000_000
"""Candidates up to which all are costed."""

DRAWN = 100_000
"""Candidates that stand for a larger space, each as likely as any other."""

TRACED = 12
"""Candidates whose memory is predicted, unless told otherwise: seconds for most spaces."""

SIFTED = 4096
"""Candidates that are drawn to find those whose memory decides a constraint: they have to pass the others first."""

COSTS = ("params", "macs")
MEMORY = {"memory": training_memory, "inference_memory": inference_memory}
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
    memory: tuple[int, ...] = ()
    """Peak bytes of a training step of `TRACED` drawn candidates."""
    share_by_memory: float | None = None
    """The share of those that pass everything else which passes what is said of memory; None where nothing is."""
    by_memory: frozenset[str] = frozenset()
    """The constraints in which memory is named: their shares are those of a few candidates."""

    @property
    def refused(self) -> bool:
        """Whether a constraint that does not name memory refuses any that was costed."""
        return not self.passes.all()

    @property
    def costed(self) -> int:
        """How many were costed."""
        return len(self.passes)

    @property
    def share(self) -> float:
        """The share that passes all constraints."""
        return float(self.passes.mean()) * (1.0 if self.share_by_memory is None else self.share_by_memory)

    @property
    def tightest(self) -> str:
        """The constraint that alone lets the fewest pass; empty without constraints."""
        return min(self.alone, key=lambda text: self.alone[text], default="")

    def quantiles(self, passing: bool = False) -> dict[str, dict[str, float]]:
        """Of each cost, over all that were costed or over those that pass; empty where none passes."""
        rows = self.passes if passing else np.ones(self.costed, bool)
        if not rows.any():
            return {}
        found = {name: quantiles_of(column[rows]) for name, column in self.columns.items()}
        return found if passing or not self.memory else {**found, "memory": quantiles_of(self.memory)}


def quantiles_of(values: Any) -> dict[str, float]:
    """Smallest, quartiles and largest: values that occur, none between them."""
    array = np.sort(np.asarray(values))
    return {name: array[round(share * (len(array) - 1))].item() for name, share in QUANTILES.items()}


def cost_space(
    space: SearchSpace,
    problem: Problem,
    constraints: Sequence[str] = (),
    most: int = MOST,
    seed: int = 0,
    traced: int = TRACED,
    setup: Setup | None = None,
    told: Callable[[str], None] = lambda doing: None,
) -> SpaceCosts:
    """Costs all candidates of a space, or `DRAWN` of them where there are more than `most`.

    Args:
        traced: candidates whose memory is predicted, for the quantiles and once more for the constraints.
        setup: what their memory depends on beside the model.
        told: called with what is being done, in a few words.

    Raises:
        SpaceError: the space has no candidate, or a continuous axis.
        UsageError: a constraint is not in the language, or names memory while `traced` is 0.
    """
    space.refuse_empty()
    whole = parse_constraints(constraints, space)
    parts = [part for constraint in whole for part in conjuncts(constraint)]
    quick, slow = [part for part in parts if not _slow(part)], [part for part in parts if _slow(part)]
    if slow and not traced:
        raise UsageError(
            f"{slow[0].where} {slow[0].text!r}: memory takes a trace of each candidate, and --memory 0 allows none",
            hint=f"leave --memory out, which traces {TRACED}, or name a number",
        )
    family, size = find_family(space.family), space.size()
    exact = size <= most
    told(f"costing {size if exact else DRAWN:,} of {size:,} candidates")
    drawn = None if exact else uniform_rows(space, DRAWN, seed)
    columns, held = _cost_rows(space, family, problem, quick, drawn)
    tracer = _Tracer(space, family, problem, setup or Setup())
    enough = max(traced, SIFTED)
    pool = _candidates(drawn or uniform_rows(space, enough, seed), enough) if traced else []
    memory = _trace(tracer, pool[:traced], told)
    told("judging the constraints on memory")
    alone = {text: float(mask.mean()) for text, mask in held.items()}
    alone |= {part.text: _share(tracer, [p for p in parts if p.text == part.text], pool[:traced]) for part in slow}
    return SpaceCosts(
        int(size),
        exact,
        columns,
        np.logical_and.reduce([np.ones(len(columns["params"]), bool), *held.values()]),
        {constraint.text: alone[constraint.text] for constraint in whole},
        _published(space, family, problem),
        memory,
        _share(tracer, slow, tracer.passing(quick, pool, traced)) if slow else None,
        frozenset(part.text for part in slow),
    )


def _cost_rows(
    space: SearchSpace, family: Family, problem: Problem, quick: Sequence[Expression], drawn: Rows | None
) -> tuple[dict[str, Column], dict[str, Column]]:
    """The costs of all candidates, or of those that were drawn, and by constraint which of them pass."""
    costs: dict[str, list[Column]] = {name: [] for name in COSTS}
    masks: list[list[Column]] = [[] for _ in quick]
    for rows in all_rows(space) if drawn is None else (drawn,):
        found = cost_columns(family, rows.columns, problem)
        for name in COSTS:
            costs[name].append(found[name])
        known = {**space.context, **rows.columns, **with_aliases(found)}
        for constraint, mask in zip(quick, masks, strict=True):
            mask.append(constraint.hold_columns(known, rows.active))
    columns = {name: np.concatenate(found) for name, found in costs.items()}
    return columns, by_text(quick, [np.concatenate(mask) for mask in masks])


def _trace(tracer: _Tracer, candidates: Sequence[Candidate], told: Callable[[str], None]) -> tuple[int, ...]:
    """Peak bytes of a training step of each."""
    found = []
    for number, axes in enumerate(candidates, start=1):
        told(f"tracing the memory of drawn candidate {number} of {len(candidates)}")
        found.append(int(tracer.memory("memory", axes)))
    return tuple(found)


def drawn_candidates(space: SearchSpace, count: int, seed: int = 0) -> list[Candidate]:
    """Candidates of a space, each as likely as any other.

    Raises:
        SpaceError: the space has no candidate, or a continuous axis.
    """
    return _candidates(uniform_rows(space, count, seed), count)


def _candidates(rows: Rows, count: int) -> list[Candidate]:
    """The first of them, which are as drawn as all are."""
    values = {axis: column[:count].tolist() for axis, column in rows.columns.items()}
    return [{axis: values[axis][i] for axis in values if rows.active[axis][i]} for i in range(min(count, rows.count))]


class _Tracer:
    """Judges candidates one at a time, their memory included."""

    def __init__(self, space: SearchSpace, family: Family, problem: Problem, setup: Setup) -> None:
        self._space, self._family, self._problem, self._setup = space, family, problem, setup

    def memory(self, name: str, axes: Candidate) -> int:
        """`memory` or `inference_memory` of a candidate."""
        return MEMORY[name](self._family.name, axes, self._problem, self._setup)

    def holds(self, constraint: Expression, axes: Candidate) -> bool:
        """Whether a candidate passes."""
        costs = {"params": self._family.params(axes, self._problem), "macs": self._family.macs(axes, self._problem)}
        costs |= {name: self.memory(name, axes) for name in MEMORY if name in constraint.names}
        return constraint.holds({**self._space.context, **axes, **with_aliases(costs)})

    def passing(self, constraints: Sequence[Expression], drawn: Sequence[Candidate], count: int) -> list[Candidate]:
        """The first of them that pass; fewer than `count` where few do."""
        passing = (axes for axes in drawn if all(self.holds(constraint, axes) for constraint in constraints))
        return list(islice(passing, count))


def _slow(constraint: Expression) -> bool:
    return bool(constraint.names & set(MEMORY))


def _share(tracer: _Tracer, constraints: Sequence[Expression], drawn: Sequence[Candidate]) -> float:
    """The share of these candidates that passes, cheapest constraints first; 0 where there are none."""
    ordered = sorted(constraints, key=_slow)
    passed = sum(all(tracer.holds(constraint, axes) for constraint in ordered) for axes in drawn)
    return passed / len(drawn) if drawn else 0.0


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
