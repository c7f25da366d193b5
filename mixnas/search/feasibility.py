"""How much of a space a gate lets pass, told before anything is trained; and what is at fault where that is nothing."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain, combinations
from typing import Any

import numpy as np

from mixnas.describe import format_value
from mixnas.errors import UsageError
from mixnas.records import Candidate
from mixnas.search.gate import COSTED, Column, Gate, Mask, by_text, with_aliases
from mixnas.space import Expression
from mixnas.space.whole import all_rows

COUNTED = 1_000_000
"""Largest space whose candidates are all costed from arrays before every search: a second or two."""

SMALL = 20_000
"""Largest space that is listed whole where a cost has to be worked out singly: well under a second."""

LISTED = 300_000
"""Largest space that is listed and costed whole before a search is refused as impossible."""


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


def require_feasible(gate: Gate, sample: int = 2000, seed: int = 0) -> Feasible:
    """Share of the candidates that pass, or an error where none at all passes.

    Exact where the space can be costed whole from arrays, from a sample elsewhere. A constraint on a cost that takes a
    while is judged on `COSTED` candidates that pass the others.

    Raises:
        UsageError: no candidate is left; the error names the rules or constraints at fault.
    """
    gate.space.refuse_empty()
    if not gate.parts:
        return Feasible(1.0, 0, True)
    found = _counted(gate)
    if found is None:
        whole = gate.space.size() <= SMALL
        drawn = gate.space.enumerate() if whole else gate.space.sample_many(random.Random(seed), sample)
        found = _feasible(gate, _masks(gate, list(drawn))[0], exact=whole)
    return found if found.share else _searched_whole(gate, sample)


def _counted(gate: Gate) -> Feasible | None:
    """Exactly, a chunk of rows at a time; None where the space is too large, or a cost has to be worked out singly."""
    if len(gate.quick) < len(gate.parts) or not 0 < gate.space.size() <= COUNTED:
        return None
    passed = costed = 0
    alone = dict.fromkeys((part.text for part in gate.parts), 0)
    for rows in all_rows(gate.space):
        if not gate.in_columns(rows.columns):
            return None
        known = {**gate.space.context, **rows.columns, **with_aliases(gate.column_costs(rows.columns))}
        masks = by_text(gate.parts, [part.hold_columns(known, rows.active) for part in gate.parts])
        costed += rows.count
        passed += int(np.logical_and.reduce(list(masks.values())).sum())
        alone = {text: alone[text] + int(mask.sum()) for text, mask in masks.items()}
    return Feasible(passed / costed, costed, True, {text: count / costed for text, count in alone.items()})


def _searched_whole(gate: Gate, sample: int) -> Feasible:
    """As `require_feasible` where a sample found none: from all candidates if they can be listed."""
    whole = gate.space.size() <= LISTED
    listed = gate.space.enumerate() if whole else gate.space.sample_many(random.Random(1), sample)
    candidates = list(listed)
    masks, costs = _masks(gate, candidates)
    found = _feasible(gate, masks, exact=whole)
    if found.share:
        return found
    at_fault = dict.fromkeys(gate.parts[i].text for i in _smallest_conflict(masks))
    quoted = " and ".join(repr(text) for text in at_fault)
    ranges = ", ".join(
        f"{name} {format_value(name, column.min())} to {format_value(name, column.max())}"
        for name, column in costs.items()
        if len(column)
    )
    raise UsageError(
        f"no candidate of space {gate.space.name!r} passes --constraint {quoted} "
        f"(costed: {_seen(gate, costs, len(candidates), whole)})",
        hint=f"loosen it; in this space {ranges}",
    )


def _seen(gate: Gate, costs: Mapping[str, Column], count: int, whole: bool) -> str:
    seen = f"all {count:,} candidates" if whole else f"{count:,} drawn candidates"
    slow = sorted(set(costs) & set(gate.later))
    if not slow:
        return seen
    some = f"{len(costs[slow[0]])} for {', '.join(slow)}, the smallest among them"
    return f"{seen} for what is quick to know, {some}"


def _feasible(gate: Gate, masks: list[Mask], exact: bool) -> Feasible:
    passed = float(np.logical_and.reduce(masks).mean())
    alone = {text: float(mask.mean()) for text, mask in by_text(gate.parts, masks).items()}
    return Feasible(passed, len(masks[0]), exact and len(gate.quick) == len(gate.parts), alone)


def _masks(gate: Gate, candidates: list[Candidate]) -> tuple[list[Mask], dict[str, Column]]:
    """For each constraint, which candidates pass it; and the costs of all of them.

    Where a cost takes a while, some of those that pass the cheap constraints are costed, and the others of them are
    taken to pass in the same share.
    """
    costs = gate.quick_costs(candidates)
    columns = {**gate.space.context, **gate.space.columns(candidates), **with_aliases(costs)}
    active = gate.space.active_columns(candidates)
    masks = [constraint.hold_columns(columns, active) for constraint in gate.quick]
    slow = gate.parts[len(gate.quick) :]
    left = np.flatnonzero(np.logical_and.reduce(masks)) if masks else np.arange(len(candidates))
    for constraint in slow:
        mask = np.zeros(len(candidates), bool)
        step = max(len(left) // COSTED, 1)
        chosen = left[step // 2 :: step][:COSTED]
        held, found = _hold(gate, constraint, [candidates[i] for i in chosen])
        if any(held):
            # The costed ones stand for those between them, so that the share is right.
            mask[left] = np.repeat(held, _shares(len(left), len(chosen)))
        elif len(left):
            chosen = left[np.argsort(costs["macs"][left], kind="stable")[:COSTED]]
            smallest, more = _hold(gate, constraint, [candidates[i] for i in chosen])
            mask[chosen], found = smallest, found + more
        for name in constraint.names & set(gate.later):
            costs[name] = np.array([cost[name] for cost in found])
        masks.append(mask)
    return masks, costs


def _hold(gate: Gate, constraint: Expression, candidates: list[Candidate]) -> tuple[list[bool], list[dict[str, Any]]]:
    """Whether a constraint holds for each, and the costs that were worked out for it."""
    costs = [dict(gate.estimate(c)) for c in candidates]
    each = zip(candidates, costs, strict=True)
    return [constraint.holds(gate.known(c, found, constraint.names)) for c, found in each], costs


def _shares(total: int, parts: int) -> list[int]:
    return [total // parts + (number < total % parts) for number in range(parts)]


def _smallest_conflict(masks: list[Mask]) -> tuple[int, ...]:
    """The fewest constraints that together let nothing pass."""
    indexes = range(len(masks))
    sets = chain.from_iterable(combinations(indexes, n) for n in range(1, min(4, len(masks)) + 1))
    return next((s for s in sets if not np.logical_and.reduce([masks[i] for i in s]).any()), tuple(indexes))
