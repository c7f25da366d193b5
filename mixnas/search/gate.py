"""Decides what may be trained: space rules, then constraints on what is known beforehand. Refuses with the reason."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from mixnas.errors import UsageError
from mixnas.objectives import ALIASES, OBJECTIVES
from mixnas.records import Candidate
from mixnas.space import Expression, SearchSpace
from mixnas.space.measures import COST_MEASURES
from mixnas.space.nodes import Comparison, Logic
from mixnas.space.whole import most_bits

Estimate = Callable[[Candidate], Mapping[str, float]]
"""Exact costs of a candidate by objective name, known before any training."""

Column = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]
EstimateColumns = Callable[[Mapping[str, Column]], Mapping[str, Column]]
"""The same for columns of axis values, one row a candidate."""

CostOne = Callable[[Candidate], float]
"""One cost of a candidate that takes a while to work out."""

COSTED = 24
"""Candidates whose costs are worked out where a cost takes a while: about 0.1 s each at first."""


@dataclass(frozen=True)
class Verdict:
    """What the gate says of a candidate: its costs, and why it is refused (empty: it is not)."""

    costs: Mapping[str, float] = field(default_factory=dict)
    refused: str = ""
    invalid: bool = False
    """It breaks a rule of the space itself, which samplers that do not know the rules propose now and then."""
    violations: Mapping[str, float] = field(default_factory=dict)
    """For each constraint by how much it is broken, as a share of the limit where there is one; 0 where it holds, or
    where one before it refused."""


class Gate:
    """Space rules first, then constraints, cheapest first. Never trains, never draws.

    Args:
        estimate: the costs of a candidate that cost nothing to know.
        estimate_columns: the same for columns of axis values.
        later: costs that take a while. They are worked out where an objective or a constraint names them, and after the
            constraints that need none of them have let the candidate pass.
        wanted: names of the objectives.
        stored_names: what the store calls costs that hang on more than the architecture and the problem.

    Attributes:
        parts: the constraints split at `and`, those that are quick to judge first.
        quick: those of them that name no cost that takes a while.
        later: the costs that take a while, by name.
    """

    def __init__(
        self,
        space: SearchSpace,
        constraints: Sequence[str],
        estimate: Estimate,
        estimate_columns: EstimateColumns | None = None,
        later: Mapping[str, CostOne] | None = None,
        wanted: Iterable[str] = (),
        stored_names: Mapping[str, str] | None = None,
    ) -> None:
        self.space, self.estimate, self._estimate_columns = space, estimate, estimate_columns
        self.later, self._stored_names = dict(later or {}), dict(stored_names or {})
        self._wanted = [name for name in wanted if name in self.later]
        parsed = parse_constraints(constraints, space)
        self.parts = [part for whole in parsed for part in conjuncts(whole)]
        self.parts.sort(key=lambda part: bool(part.names & set(self.later)))
        self.quick = [part for part in self.parts if not part.names & set(self.later)]
        self._parsed = parsed

    @property
    def constraints(self) -> tuple[str, ...]:
        """The constraints as they were given."""
        return tuple(dict.fromkeys(constraint.text for constraint in self._parsed))

    def check(self, axes: Candidate) -> Verdict:
        """The verdict on a canonical candidate."""
        problems = self.space.explain(axes)
        if problems:
            return Verdict(refused=problems[0], invalid=True)
        costs = dict(self.estimate(axes))
        for constraint in self.parts:
            known = self.known(axes, costs, constraint.names)
            if not constraint.holds(known):
                return Verdict(
                    costs, refused=constraint.text, violations={constraint.text: violation(constraint, known)}
                )
        for name in self._wanted:
            self._add(name, axes, costs)
        return Verdict(costs)

    def judge(self, candidates: Sequence[Candidate]) -> tuple[Mask, dict[str, npt.NDArray[np.float64]]]:
        """What is quick to know of many candidates at once: which of them pass, and what each costs.

        A constraint on a cost that takes a while refuses nobody here; `check` has the last word on those that pass.

        Returns:
            mask: True where all space rules and all quick constraints let the candidate pass; `[N]`.
            costs: each cost that is quick to know, `[N]`; NaN where a space rule is broken. Empty where all break one.
        """
        mask = np.array([not self.space.explain(axes) for axes in candidates], bool)
        rows = np.flatnonzero(mask)
        valid = [candidates[int(row)] for row in rows]
        if not valid:
            return mask, {}
        found = self.quick_costs(valid)
        columns = {**self.space.context, **self.space.columns(valid), **with_aliases(found)}
        active = self.space.active_columns(valid)
        held = [constraint.hold_columns(columns, active) for constraint in self.quick]
        mask[rows] = np.logical_and.reduce([np.ones(len(rows), bool), *held])
        return mask, {name: _spread(column, rows, len(candidates)) for name, column in found.items()}

    def stored(self, costs: Mapping[str, float]) -> dict[str, float]:
        """The costs by the names that the store keeps them under."""
        return {self._stored_names.get(name, name): value for name, value in costs.items()}

    def sample_costs(self, candidates: Sequence[Candidate]) -> list[dict[str, float]]:
        """Costs of candidates, whether they pass or not; those that take a while only of the ones with most MACs."""
        each = [dict(self.estimate(c)) for c in candidates]
        largest = sorted(range(len(each)), key=lambda i: -each[i].get("macs", 0))[:COSTED]
        for i in largest:
            for name in self._wanted:
                self._add(name, candidates[i], each[i])
        return each

    def known(self, axes: Candidate, costs: dict[str, float], names: Collection[str]) -> dict[str, Any]:
        """All that an expression with these names may ask of a candidate; `costs` gains what had to be worked out."""
        for name in self.later:
            if name in names:
                self._add(name, axes, costs)
        return {**self.space.context, **axes, **with_aliases(costs)}

    def _add(self, name: str, axes: Candidate, costs: dict[str, float]) -> None:
        if name not in costs:
            costs[name] = self.later[name](axes)

    def quick_costs(self, candidates: Sequence[Candidate]) -> dict[str, Column]:
        """The costs that are quick to know, one row a candidate."""
        columns = self.space.columns(candidates)
        if self.in_columns(columns):
            return self.column_costs(columns)
        each = [self.estimate(c) for c in candidates]
        wide = None if self._fits(columns) else object
        return {name: np.array([c[name] for c in each], wide) for name in each[0]}

    def in_columns(self, columns: Mapping[str, Column]) -> bool:
        """Whether costs of these values can be worked out as columns, in 64 bits."""
        return self._estimate_columns is not None and self._fits(columns)

    def column_costs(self, columns: Mapping[str, Column]) -> dict[str, Column]:
        """The costs that are quick to know, where `in_columns` says that they can be had this way."""
        if self._estimate_columns is None:
            raise ValueError("no costs in columns")
        return dict(self._estimate_columns(columns))

    def _fits(self, columns: Mapping[str, Column]) -> bool:
        context = self.space.context
        sizes = [context["image_size"], context["image_size"], context["in_channels"], context["num_classes"]]
        return most_bits(columns, map(float, sizes)) <= 62


def conjuncts(constraint: Expression) -> list[Expression]:
    """The parts of `a and b and c`, each with the text of the whole, so that the cheap ones can be asked first."""
    node = constraint.node
    if isinstance(node, Logic) and node.every:
        return [part for inner in node.operands for part in conjuncts(replace(constraint, node=inner))]
    return [constraint]


def by_text(parts: Sequence[Expression], masks: Sequence[Mask]) -> dict[str, Mask]:
    """What each constraint as it was given lets pass, from what its parts let pass."""
    found: dict[str, Mask] = {}
    for part, mask in zip(parts, masks, strict=True):
        found[part.text] = found[part.text] & mask if part.text in found else mask
    return found


def violation(constraint: Expression, known: Mapping[str, Any]) -> float:
    """By how much a constraint is broken: the excess over `cost <= limit` as a share of the limit, else 1; or 0."""
    if constraint.holds(known):
        return 0.0
    node = constraint.node
    if isinstance(node, Comparison) and len(node.rest) == 1 and node.rest[0][0] in ("<", "<=", ">", ">="):
        left, right = node.first.work_out(known), node.rest[0][1].work_out(known)
        if all(isinstance(side, int | float | Fraction) for side in (left, right)):
            return max(float(abs(left - right) / max(abs(right), 1)), 1e-6)
    return 1.0


def _spread(column: Column, rows: npt.NDArray[np.intp], count: int) -> npt.NDArray[np.float64]:
    """The values at their rows among `count`, NaN elsewhere."""
    spread = np.full(count, np.nan)
    spread[rows] = column
    return spread


def with_aliases(costs: Mapping[str, Any]) -> dict[str, Any]:
    """The costs by all their names."""
    return {**costs, **{alias: costs[name] for alias, name in ALIASES.items() if name in costs}}


def exact_costs() -> list[str]:
    """Names of the objectives that are known before training."""
    return [o.name for o in OBJECTIVES.values() if o.kind == "exact"]


def _exact_aliases() -> list[str]:
    return [alias for alias, name in ALIASES.items() if name in exact_costs()]


def parse_constraints(texts: Sequence[str], space: SearchSpace) -> list[Expression]:
    """Constraints over the axes of a space, its context, and the costs that are known before training.

    Raises:
        ExpressionError: one is not in the expression language, or names something else.
        UsageError: one names what only training tells.
    """
    names = {*(p.axis for p in space.parameters().values()), *space.context, *exact_costs(), *_exact_aliases()}
    return [_parse(text, names, i) for i, text in enumerate(texts, 1)]


def _parse(text: str, names: set[str], index: int) -> Expression:
    for name, found in OBJECTIVES.items():
        if found.kind != "exact" and name in text.replace("(", " ").split():
            raise UsageError(
                f"--constraint {text!r}: {name} is known only after training",
                hint=f"constraints may use axes of the space and {', '.join(exact_costs())}; "
                f"select by {name} afterwards: mixnas export --best",
            )
    return Expression.parse(text, names, f"--constraint {index}", COST_MEASURES)
