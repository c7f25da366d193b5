"""Decides what may be trained: space rules, then constraints on what is known beforehand. Refuses with the reason."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from mixnas.errors import UsageError
from mixnas.objectives import ALIASES, OBJECTIVES
from mixnas.records import Candidate
from mixnas.space import Expression, SearchSpace

Estimate = Callable[[Candidate], Mapping[str, float]]
"""Exact costs of a candidate by objective name, known before any training."""

Column = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]
EstimateColumns = Callable[[Mapping[str, Column]], Mapping[str, Column]]
"""The same for columns of axis values, one row a candidate."""

ENUMERABLE = 300_000
"""Largest space that is costed whole before a search is refused as impossible."""


@dataclass(frozen=True)
class Verdict:
    """What the gate says of a candidate: its costs, and why it is refused (empty: it is not)."""

    costs: Mapping[str, float] = field(default_factory=dict)
    refused: str = ""
    invalid: bool = False
    """It breaks a rule of the space itself, which samplers that do not know the rules propose now and then."""


class Gate:
    """Space rules first, then constraints, cheapest first. Never trains, never draws."""

    def __init__(
        self,
        space: SearchSpace,
        constraints: Sequence[str],
        estimate: Estimate,
        estimate_columns: EstimateColumns | None = None,
    ) -> None:
        self._space, self._estimate, self._estimate_columns = space, estimate, estimate_columns
        names = {*(p.axis for p in space.parameters().values()), *space.context, *exact_costs(), *_exact_aliases()}
        self._constraints = [_parse(text, names, i) for i, text in enumerate(constraints, 1)]

    def check(self, axes: Candidate) -> Verdict:
        """The verdict on a canonical candidate."""
        problems = self._space.explain(axes)
        if problems:
            return Verdict(refused=problems[0], invalid=True)
        costs = self._estimate(axes)
        known = {**self._space.context, **axes, **_with_aliases(costs)}
        for constraint in self._constraints:
            if not constraint.holds(known):
                return Verdict(costs, refused=constraint.text)
        return Verdict(costs)

    def require_feasible(self, sample: int = 2000, seed: int = 0) -> float:
        """Share of sampled candidates that pass, or an error where none at all passes.

        Raises:
            UsageError: no candidate is left; the error names the rules or constraints at fault.
        """
        self._space.refuse_empty()
        if not self._constraints:
            return 1.0
        passed = sum(not self.check(c).refused for c in self._space.sample_many(random.Random(seed), sample))
        return passed / sample if passed else self._feasible_of_all(sample)

    def _feasible_of_all(self, sample: int) -> float:
        """As `require_feasible`, from all candidates at once where they can be enumerated."""
        whole = self._estimate_columns is not None and self._space.size() <= ENUMERABLE
        candidates = list(self._space.enumerate() if whole else self._space.sample_many(random.Random(1), sample))
        masks, costs = self._masks(candidates)
        share = float(np.logical_and.reduce(masks).mean())
        if share:
            return share
        at_fault = " and ".join(f"{self._constraints[i].text!r}" for i in _smallest_conflict(masks))
        seen = f"all {len(candidates):,} candidates" if whole else f"{len(candidates):,} drawn candidates"
        ranges = ", ".join(f"{name} {column.min():,.0f} to {column.max():,.0f}" for name, column in costs.items())
        raise UsageError(
            f"no candidate of space {self._space.name!r} passes --constraint {at_fault} ({seen} were costed)",
            hint=f"loosen it; in this space {ranges}",
        )

    def _masks(self, candidates: list[Candidate]) -> tuple[list[Mask], Mapping[str, Column]]:
        """For each constraint, which candidates pass it; and the costs of all of them."""
        if self._estimate_columns is None:
            each = [self._estimate(c) for c in candidates]
            costs = {name: np.array([c[name] for c in each]) for name in each[0]}
        else:
            costs = dict(self._estimate_columns(self._space.columns(candidates)))
        rows = [
            {**self._space.context, **c, **_with_aliases({name: column[i] for name, column in costs.items()})}
            for i, c in enumerate(candidates)
        ]
        return [np.array([constraint.holds(row) for row in rows], bool) for constraint in self._constraints], costs


def _smallest_conflict(masks: list[Mask]) -> tuple[int, ...]:
    """The fewest constraints that together let nothing pass."""
    indexes = range(len(masks))
    sets = chain.from_iterable(combinations(indexes, n) for n in range(1, min(4, len(masks)) + 1))
    return next((s for s in sets if not np.logical_and.reduce([masks[i] for i in s]).any()), tuple(indexes))


def _with_aliases(costs: Mapping[str, Any]) -> dict[str, Any]:
    return {**costs, **{alias: costs[name] for alias, name in ALIASES.items() if name in costs}}


def exact_costs() -> list[str]:
    """Names of the objectives that are known before training."""
    return [o.name for o in OBJECTIVES.values() if o.kind == "exact"]


def _exact_aliases() -> list[str]:
    return [alias for alias, name in ALIASES.items() if name in exact_costs()]


def _parse(text: str, names: set[str], index: int) -> Expression:
    for name, found in OBJECTIVES.items():
        if found.kind != "exact" and name in text.replace("(", " ").split():
            raise UsageError(
                f"--constraint {text!r}: {name} is known only after training",
                hint=f"constraints may use axes of the space and {', '.join(exact_costs())}; "
                f"select by {name} afterwards: mixnas export --best",
            )
    return Expression.parse(text, names, where=f"--constraint {index}")
