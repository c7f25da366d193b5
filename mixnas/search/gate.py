"""Decides what may be trained: space rules, then constraints on what is known beforehand. Refuses with the reason."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import chain, combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from mixnas.describe import format_value
from mixnas.errors import UsageError
from mixnas.objectives import ALIASES, OBJECTIVES
from mixnas.records import Candidate
from mixnas.space import Expression, SearchSpace
from mixnas.space.nodes import Comparison, Logic
from mixnas.space.whole import most_bits

Estimate = Callable[[Candidate], Mapping[str, float]]
"""Exact costs of a candidate by objective name, known before any training."""

Column = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]
EstimateColumns = Callable[[Mapping[str, Column]], Mapping[str, Column]]
"""The same for columns of axis values, one row a candidate."""

ENUMERABLE = 300_000
"""Largest space that is costed whole before a search is refused as impossible."""


CostOne = Callable[[Candidate], float]
"""One cost of a candidate that takes a while to work out."""

COSTED = 24
"""Candidates that are costed for the share of a space where a cost takes a while: about 0.1 s each at first."""


SMALL = 20_000
"""Largest space that is costed whole before every search: well under a second."""


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


@dataclass(frozen=True)
class Feasible:
    """How much of a space passes."""

    share: float
    costed: int
    exact: bool
    """All candidates were costed, not a sample."""
    alone: Mapping[str, float] = field(default_factory=dict)
    """The share that each constraint lets pass alone."""

    @property
    def tightest(self) -> str:
        """The constraint that alone lets the fewest pass; empty without constraints."""
        return min(self.alone, key=lambda text: self.alone[text], default="")


class Gate:
    """Space rules first, then constraints, cheapest first. Never trains, never draws.

    Args:
        estimate: the costs of a candidate that cost nothing to know.
        estimate_columns: the same for columns of axis values.
        later: costs that take a while. They are worked out where an objective or a constraint names them, and after the
            constraints that need none of them have let the candidate pass.
        wanted: names of the objectives.
        stored_names: what the store calls costs that hang on more than the architecture and the problem.
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
        self._space, self._estimate, self._estimate_columns = space, estimate, estimate_columns
        self._later, self._stored_names = dict(later or {}), dict(stored_names or {})
        self._wanted = [name for name in wanted if name in self._later]
        parsed = parse_constraints(constraints, space)
        self._constraints = [part for whole in parsed for part in conjuncts(whole)]
        self._constraints.sort(key=lambda part: bool(part.names & set(self._later)))
        self._quick = [part for part in self._constraints if not part.names & set(self._later)]
        self._parsed = parsed

    @property
    def constraints(self) -> tuple[str, ...]:
        """The constraints as they were given."""
        return tuple(dict.fromkeys(constraint.text for constraint in self._parsed))

    def check(self, axes: Candidate) -> Verdict:
        """The verdict on a canonical candidate."""
        problems = self._space.explain(axes)
        if problems:
            return Verdict(refused=problems[0], invalid=True)
        costs = dict(self._estimate(axes))
        for constraint in self._constraints:
            known = self._known(axes, costs, constraint.names)
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
        mask = np.array([not self._space.explain(axes) for axes in candidates], bool)
        rows = np.flatnonzero(mask)
        valid = [candidates[int(row)] for row in rows]
        if not valid:
            return mask, {}
        found = self._cheap_columns(valid)
        columns = {**self._space.context, **self._space.columns(valid), **with_aliases(found)}
        active = self._space.active_columns(valid)
        held = [constraint.hold_columns(columns, active) for constraint in self._quick]
        mask[rows] = np.logical_and.reduce([np.ones(len(rows), bool), *held])
        return mask, {name: _spread(column, rows, len(candidates)) for name, column in found.items()}

    def stored(self, costs: Mapping[str, float]) -> dict[str, float]:
        """The costs by the names that the store keeps them under."""
        return {self._stored_names.get(name, name): value for name, value in costs.items()}

    def sample_costs(self, candidates: Sequence[Candidate]) -> list[dict[str, float]]:
        """Costs of candidates, whether they pass or not; those that take a while only of the ones with most MACs."""
        each = [dict(self._estimate(c)) for c in candidates]
        largest = sorted(range(len(each)), key=lambda i: -each[i].get("macs", 0))[:COSTED]
        for i in largest:
            for name in self._wanted:
                self._add(name, candidates[i], each[i])
        return each

    def require_feasible(self, sample: int = 2000, seed: int = 0) -> Feasible:
        """Share of the candidates that pass, or an error where none at all passes.

        From all candidates of a small space, from a sample of a larger one. A constraint on a cost that takes a while
        is judged on `COSTED` candidates that pass the others.

        Raises:
            UsageError: no candidate is left; the error names the rules or constraints at fault.
        """
        self._space.refuse_empty()
        if not self._constraints:
            return Feasible(1.0, 0, True)
        if self._estimate_columns is not None and self._space.size() <= SMALL:
            return self._feasible_of_all(sample)
        drawn = list(self._space.sample_many(random.Random(seed), sample))
        found = self._feasible_of(drawn, exact=False)
        return found if found.share else self._feasible_of_all(sample)

    def _known(self, axes: Candidate, costs: dict[str, float], names: Collection[str]) -> dict[str, Any]:
        for name in self._later:
            if name in names:
                self._add(name, axes, costs)
        return {**self._space.context, **axes, **with_aliases(costs)}

    def _add(self, name: str, axes: Candidate, costs: dict[str, float]) -> None:
        if name not in costs:
            costs[name] = self._later[name](axes)

    def _feasible_of_all(self, sample: int) -> Feasible:
        """As `require_feasible`, from all candidates at once where they can be enumerated."""
        whole = self._estimate_columns is not None and self._space.size() <= ENUMERABLE
        candidates = list(self._space.enumerate() if whole else self._space.sample_many(random.Random(1), sample))
        found = self._feasible_of(candidates, exact=whole)
        if found.share:
            return found
        masks, costs = self._masks(candidates)
        at_fault = dict.fromkeys(self._constraints[i].text for i in _smallest_conflict(masks))
        quoted = " and ".join(repr(text) for text in at_fault)
        seen = f"all {len(candidates):,} candidates" if whole else f"{len(candidates):,} drawn candidates"
        slow = sorted(set(costs) & set(self._later))
        if slow:
            some = f"{len(costs[slow[0]])} for {', '.join(slow)}, the smallest among them"
            seen = f"{seen} for what is quick to know, {some}"
        ranges = ", ".join(
            f"{name} {format_value(name, column.min())} to {format_value(name, column.max())}"
            for name, column in costs.items()
            if len(column)
        )
        raise UsageError(
            f"no candidate of space {self._space.name!r} passes --constraint {quoted} (costed: {seen})",
            hint=f"loosen it; in this space {ranges}",
        )

    def _feasible_of(self, candidates: list[Candidate], exact: bool) -> Feasible:
        masks, _ = self._masks(candidates)
        alone: dict[str, Mask] = {}
        for constraint, mask in zip(self._constraints, masks, strict=True):
            alone[constraint.text] = alone[constraint.text] & mask if constraint.text in alone else mask
        slow = any(constraint.names & set(self._later) for constraint in self._constraints)
        passed = float(np.logical_and.reduce(masks).mean()) if masks else 1.0
        return Feasible(
            passed, len(candidates), exact and not slow, {text: float(mask.mean()) for text, mask in alone.items()}
        )

    def _masks(self, candidates: list[Candidate]) -> tuple[list[Mask], dict[str, Column]]:
        """For each constraint, which candidates pass it; and the costs of all of them.

        Where a cost takes a while, some of those that pass the cheap constraints are costed, and the others of them are
        taken to pass in the same share.
        """
        costs = self._cheap_columns(candidates)
        columns = {**self._space.context, **self._space.columns(candidates), **with_aliases(costs)}
        active = self._space.active_columns(candidates)
        masks = [constraint.hold_columns(columns, active) for constraint in self._quick]
        slow = self._constraints[len(self._quick) :]
        if not slow:
            return masks, costs
        left = np.flatnonzero(np.logical_and.reduce(masks)) if masks else np.arange(len(candidates))
        for constraint in slow:
            mask = np.zeros(len(candidates), bool)
            step = max(len(left) // COSTED, 1)
            chosen = left[step // 2 :: step][:COSTED]
            held, found = self._hold(constraint, [candidates[i] for i in chosen])
            if any(held):
                # The costed ones stand for those between them, so that the share is right.
                mask[left] = np.repeat(held, _shares(len(left), len(chosen)))
            elif len(left):
                chosen = left[np.argsort(costs["macs"][left], kind="stable")[:COSTED]]
                smallest, more = self._hold(constraint, [candidates[i] for i in chosen])
                mask[chosen], found = smallest, found + more
            for name in constraint.names & set(self._later):
                costs[name] = np.array([cost[name] for cost in found])
            masks.append(mask)
        return masks, costs

    def _hold(self, constraint: Expression, candidates: list[Candidate]) -> tuple[list[bool], list[dict[str, float]]]:
        """Whether a constraint holds for each, and the costs that were worked out for it."""
        costs = [dict(self._estimate(c)) for c in candidates]
        each = zip(candidates, costs, strict=True)
        return [constraint.holds(self._known(c, known, constraint.names)) for c, known in each], costs

    def _cheap_columns(self, candidates: list[Candidate]) -> dict[str, Column]:
        columns, context = self._space.columns(candidates), self._space.context
        sizes = [context["image_size"], context["image_size"], context["in_channels"], context["num_classes"]]
        wraps = most_bits(columns, map(float, sizes)) > 62
        if self._estimate_columns is not None and not wraps:
            return dict(self._estimate_columns(columns))
        each = [self._estimate(c) for c in candidates]
        return {name: np.array([c[name] for c in each], object if wraps else None) for name in each[0]}


def conjuncts(constraint: Expression) -> list[Expression]:
    """The parts of `a and b and c`, each with the text of the whole, so that the cheap ones can be asked first."""
    node = constraint.node
    if isinstance(node, Logic) and node.every:
        return [part for inner in node.operands for part in conjuncts(replace(constraint, node=inner))]
    return [constraint]


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


def _shares(total: int, parts: int) -> list[int]:
    return [total // parts + (number < total % parts) for number in range(parts)]


def _smallest_conflict(masks: list[Mask]) -> tuple[int, ...]:
    """The fewest constraints that together let nothing pass."""
    indexes = range(len(masks))
    sets = chain.from_iterable(combinations(indexes, n) for n in range(1, min(4, len(masks)) + 1))
    return next((s for s in sets if not np.logical_and.reduce([masks[i] for i in s]).any()), tuple(indexes))


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
    return Expression.parse(text, names, where=f"--constraint {index}")
