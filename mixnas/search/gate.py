"""Decides what may be trained: space rules, then constraints on what is known beforehand. Refuses with the reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from mixnas.errors import UsageError
from mixnas.objectives import ALIASES, OBJECTIVES
from mixnas.records import Candidate, Value
from mixnas.space import Expression, SearchSpace

Estimate = Callable[[Candidate], Mapping[str, float]]
"""Exact costs of a candidate by objective name, known before any training."""


@dataclass(frozen=True)
class Verdict:
    """What the gate says of a candidate: its costs, and why it is refused (empty: it is not)."""

    costs: Mapping[str, float] = field(default_factory=dict)
    refused: str = ""
    invalid: bool = False
    """It breaks a rule of the space itself, which samplers that do not know the rules propose now and then."""


class Gate:
    """Space rules first, then constraints, cheapest first. Never trains, never draws."""

    def __init__(self, space: SearchSpace, constraints: Sequence[str], estimate: Estimate) -> None:
        self._space = space
        self._estimate = estimate
        names = {*space.axis_names(), *space.context, *exact_costs(), *_exact_aliases()}
        self._constraints = [_parse(text, names, i) for i, text in enumerate(constraints, 1)]

    def check(self, axes: Candidate) -> Verdict:
        """The verdict on a canonical candidate."""
        problems = self._space.explain(axes)
        if problems:
            return Verdict(refused=problems[0], invalid=True)
        costs = self._estimate(axes)
        known: dict[str, Value] = {**self._space.context, **axes, **costs}
        known.update({alias: costs[name] for alias, name in ALIASES.items() if name in costs})
        for constraint in self._constraints:
            if not constraint.evaluate(known):
                return Verdict(costs, refused=constraint.text)
        return Verdict(costs)

    def require_feasible(self, sample: int = 2000, enumerable: int = 300_000, seed: int = 0) -> float:
        """Share of sampled candidates that pass, or an error where none at all passes.

        Raises:
            UsageError: no candidate is left; the error names the rules or constraints at fault.
        """
        import random

        if self._space.size() == 0:
            raise UsageError(
                f"space {self._space.name!r} holds no candidate",
                hint="; ".join(self._space.conflict()) or "loosen a rule",
            )
        if not self._constraints:
            return 1.0
        passed = sum(not self.check(c).refused for c in self._space.sample_many(random.Random(seed), sample))
        if passed:
            return passed / sample
        whole = self._space.size() <= enumerable
        if whole and any(not self.check(c).refused for c in self._space.enumerate()):
            return 0.5 / sample
        raise self._too_tight(whole, sample)

    def _too_tight(self, whole: bool, sample: int) -> UsageError:
        candidates = list(islice(self._space.enumerate(), 20_000)) if whole else []
        alone = [c.text for c in self._constraints if not self._passable(c, candidates)] or [
            " together with ".join(c.text for c in self._constraints)
        ]
        seen = f"all {self._space.size():,} candidates" if whole else f"{sample:,} drawn candidates"
        ranges = self._ranges(candidates)
        return UsageError(
            f"no candidate of space {self._space.name!r} passes --constraint {'; '.join(alone)} ({seen} were costed)",
            hint=f"loosen it; in this space {ranges}" if ranges else "loosen it",
        )

    def _passable(self, constraint: Expression, candidates: list[Candidate]) -> bool:
        return any(constraint.evaluate({**self._space.context, **c, **self._estimate(c)}) for c in candidates)

    def _ranges(self, candidates: list[Candidate]) -> str:
        costs = [self._estimate(c) for c in candidates[:20_000]]
        if not costs:
            return ""
        parts = [
            f"{name} {min(c[name] for c in costs):,.0f} to {max(c[name] for c in costs):,.0f}" for name in costs[0]
        ]
        return ", ".join(parts)


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
