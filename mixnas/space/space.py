"""The search space: an immutable object that counts, enumerates, samples, changes, names and explains candidates."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np

from mixnas.errors import SpaceError, UnknownName
from mixnas.records import Candidate, Value
from mixnas.space import sizes
from mixnas.space.axes import Axis
from mixnas.space.binding import bind, mistaken
from mixnas.space.bound import Bound, Check
from mixnas.space.layout import CONTEXT, Codes, Parameter, plain
from mixnas.space.rules import Merge, Rule, title
from mixnas.space.walks import Walks, refuse_continuous


class RandomSource(Protocol):
    """Anything that gives uniform numbers: numpy's Generator, random.Random."""

    def random(self) -> float:
        """A number in [0, 1)."""
        ...


class SearchSpace:
    """What may exist: named axes in order, and rules.

        space = SearchSpace(
            "tiny", family="splitmixer",
            width=choice(32, 64), depth=integer(2, 8, step=2),
            rules=[forbid("width == 64 and depth > 4", because="too slow for an example")],
        )
        space.size()                        # 6
        space.sample(random.Random(0))      # {"width": 32, "depth": 6}

    A candidate is a flat dict from axis to value with the active axes only. Its canonical form is the one in which
    merges have replaced equivalent values; rules judge the canonical form, and size, enumeration and sampling know no
    other.

    Args:
        name: What the space is called; a file in `search_spaces/` is named after it.
        family: The model family that builds its candidates.
        source: Where the design comes from, such as `arXiv:2207.10255`.
        summary: One line for lists.
        rules: From `forbid`, `require` and `merge`.
        axes: More axes, for names that are no Python identifiers (`early.mixer`) or are taken by an argument.
        context: What rules may know about the task: `task`, `image_size`, `in_channels`, `num_classes`.

    Raises:
        SpaceError: with every mistake of the declaration in `problems`.
    """

    __slots__ = ("_bound", "_size", "_walks", "axes", "context", "family", "name", "rules", "source", "summary")

    name: str
    family: str
    source: str
    summary: str
    axes: Mapping[str, Axis]
    rules: tuple[Rule, ...]
    context: Mapping[str, Value]
    _bound: Bound
    _walks: Walks
    _size: list[int | float]

    def __init__(
        self,
        name: str,
        *,
        family: str,
        source: str = "",
        summary: str = "",
        rules: Sequence[Rule] = (),
        axes: Mapping[str, Axis] | None = None,
        context: Mapping[str, Value] | None = None,
        **named_axes: Axis,
    ) -> None:
        declared = (*named_axes.items(), *(axes or {}).items())
        known = MappingProxyType({**CONTEXT, **(context or {})})
        bound = bind(name, family, declared, rules, known)
        told = {"name": name, "family": family, "source": source, "summary": summary, "context": known}
        kept = {"axes": MappingProxyType(dict(declared)), "rules": tuple(rules), "_bound": bound}
        for field, value in {**told, **kept, "_walks": Walks(bound), "_size": []}.items():
            object.__setattr__(self, field, value)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a search space cannot be changed; make a new one with {name}=... instead")

    # What it is

    def given(self, **context: Value) -> SearchSpace:
        """The same space for another task: `space.given(image_size=8, in_channels=1)`.

        Raises:
            SpaceError: a name that is no context name, or a value that it cannot have.
        """
        return self._with(context={**self.context, **context})

    def _with(self, **changes: Any) -> SearchSpace:
        told = {key: getattr(self, key) for key in ("name", "family", "source", "summary", "rules", "axes", "context")}
        return SearchSpace(**{**told, **changes})

    @property
    def bound(self) -> Bound:
        """Slots, rules and the components that they form, for modules of this package."""
        return self._bound

    def parameters(self) -> dict[str, Parameter]:
        """Every axis in every place, by its branch-qualified fixed name: `channel[overlap].ratio`."""
        return self._bound.layout.parameters()

    def size(self) -> int | float:
        """How many candidates there are, exactly; `math.inf` with a continuous axis.

        Raises:
            SpaceError: rules tie so many axes together that counting would take too long.
        """
        if not self._size:
            self._size.append(sizes.size(self._bound.layout, self._bound.components) if self._bound.possible else 0)
        return self._size[0]

    def conflict(self) -> list[str]:
        """A smallest set of rules that together leave no candidate; empty when there are candidates."""
        if self._bound.completable():
            return []
        needed = list(self.rules)
        for rule in self.rules:
            fewer = [other for other in needed if other is not rule]
            if not isinstance(rule, Merge) and not self._with(rules=fewer)._bound.completable():
                needed = fewer
        return [f"{title(rule)} ({rule.because})" for rule in needed if not isinstance(rule, Merge)]

    def refuse_empty(self) -> None:
        """Does nothing where there are candidates.

        Raises:
            SpaceError: there are none; the error names the rules that leave none, one a problem.
        """
        if rules := self.conflict():
            listed = "".join(f"\n  - {rule}" for rule in rules)
            what = f"space {self.name!r} has no candidate; together these rules leave none:{listed}"
            raise SpaceError(what, "loosen one of them, or change the task they are judged for", rules)

    # Walking it

    def enumerate(self) -> Iterator[Candidate]:
        """Every canonical, valid candidate once, in the order of the space.

        Raises:
            SpaceError: an axis is continuous.
        """
        refuse_continuous(self._bound)
        return map(self._bound.layout.write, self._walks.enumerate())

    def sample(self, rng: RandomSource) -> Candidate:
        """A candidate: each active axis drawn uniformly, until all rules pass.

        Raises:
            SpaceError: no candidate exists; the error names the rules that leave none.
        """
        codes = self._walks.draw(rng.random)
        if codes is None:
            self.refuse_empty()
            raise SpaceError(f"space {self.name!r}: no valid candidate was found", hint="loosen its rules")
        return self._bound.layout.write(codes)

    def sample_many(self, rng: RandomSource, n: int) -> list[Candidate]:
        """`n` independent samples; they may repeat.

        Raises:
            SpaceError: as `sample`.
        """
        return [self.sample(rng) for _ in range(n)]

    def mutate(self, candidate: Mapping[str, Any], rng: RandomSource) -> Candidate:
        """A valid neighbour: one active axis changed, and the axes below it drawn anew.

        It differs from the candidate whenever the space has another one; where no single change is valid, it is drawn
        from the whole space.

        Raises:
            SpaceError: it is no candidate of the space.
        """
        return self._bound.layout.write(self._walks.mutate(self._canonical(candidate), rng.random))

    def crossover(self, one: Mapping[str, Any], other: Mapping[str, Any], rng: RandomSource) -> Candidate:
        """A valid child that takes every axis from one of two valid parents.

        Raises:
            SpaceError: a parent is no candidate of the space.
        """
        parents = self._canonical(one), self._canonical(other)
        return self._bound.layout.write(self._walks.cross(*parents, rng.random))

    def walk(self, suggest: Callable[[Parameter], Any]) -> Candidate:
        """Asks for the value of each active axis in turn: `space.walk(lambda p: trial.suggest_...(p.name, ...))`.

        The result has the structure of the space; whether the rules allow it, `explain` says.

        Raises:
            SpaceError: a suggested value is not one of the axis.
        """
        layout, answers, parameters = self._bound.layout, {}, self.parameters()
        codes: Codes = [None] * len(layout.slots)
        for index, slot in enumerate(layout.slots):
            if layout.active(index, codes):
                answers[slot.axis] = suggest(parameters[slot.name])
                codes[index] = slot.domain.code(plain(answers[slot.axis]))
                if codes[index] is None:
                    raise SpaceError(
                        f"space {self.name!r}: axis {slot.name!r} has no value {answers[slot.axis]!r}",
                        hint=f"values: {slot.domain.describe()}",
                    )
        return layout.write(codes)

    # Judging and naming candidates

    def canonical(self, candidate: Mapping[str, Any]) -> Candidate:
        """The one form of an architecture: inactive axes gone, equivalent values merged, keys in order.

        Raises:
            SpaceError: an axis is unknown, missing, or has a value that it cannot have.
        """
        return self._bound.layout.write(self._canonical(candidate))

    def _canonical(self, candidate: Mapping[str, Any]) -> Codes:
        codes = self._codes(candidate)
        self._bound.canonicalise(codes)
        return codes

    def _codes(self, candidate: Mapping[str, Any]) -> Codes:
        codes, mistakes = self._bound.layout.read(candidate)
        if mistakes:
            raise mistaken(f"no candidate of space {self.name!r}", mistakes)
        return codes

    def digest(self, candidate: Mapping[str, Any]) -> str:
        """The name of an architecture: 16 hexadecimal characters of its family and canonical form.

        Raises:
            SpaceError: as `canonical`.
        """
        text = json.dumps([self.family, self.canonical(candidate)], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def explain(self, candidate: Mapping[str, Any]) -> list[str]:
        """Why it is not valid: mistakes in its axes, or the rules that its canonical form breaks; empty when valid."""
        codes, mistakes = self._bound.layout.read(candidate)
        if mistakes:
            return mistakes
        self._bound.canonicalise(codes)
        broken = [r for r in self._bound.rules if isinstance(r, Check) and not r.passes(codes)]
        return [self._broken(rule, codes) for rule in broken]

    def _broken(self, rule: Check, codes: Codes) -> str:
        values = rule.values(codes)
        seen = ", ".join(f"{name}={values.get(name)!r}" for name in sorted(rule.expression.names) if name in values)
        return f"{rule.rule.because}: {title(rule.rule)} (here {seen})"

    def validate(self, candidate: Mapping[str, Any]) -> None:
        """Raises when a candidate is not valid.

        Raises:
            SpaceError: with everything that `explain` says.
        """
        if mistakes := self.explain(candidate):
            raise mistaken(f"no candidate of space {self.name!r}", mistakes)

    def diff(self, one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, tuple[Value | None, Value | None]]:
        """The axes in which two canonical forms differ, with both values; None where the axis is inactive.

        Raises:
            SpaceError: as `canonical`.
        """
        a, b = self.canonical(one), self.canonical(other)
        return {axis: (a.get(axis), b.get(axis)) for axis in self._bound.layout.names if a.get(axis) != b.get(axis)}

    # Other forms of candidates

    def to_parameters(self, candidate: Mapping[str, Any]) -> dict[str, Value]:
        """The values by branch-qualified parameter names, as Optuna keeps them.

        Raises:
            SpaceError: as `canonical`.
        """
        codes = self._codes(candidate)
        active = [(slot, code) for slot, code in zip(self._bound.layout.slots, codes, strict=True) if code is not None]
        return {slot.name: slot.domain.values[code] for slot, code in active}  # type: ignore[index]

    def from_parameters(self, parameters: Mapping[str, Any]) -> Candidate:
        """The inverse of `to_parameters`; values of inactive parameters are left out.

        Raises:
            UnknownName: a parameter is not one of the space.
        SpaceError: a parameter is missing, or has a value that it cannot have.
        """
        known = self.parameters()
        for name in parameters:
            if name not in known:
                raise UnknownName(f"parameter of space {self.name!r}", str(name), known)

        def look_up(parameter: Parameter) -> Any:
            if parameter.name not in parameters:
                raise SpaceError(f"space {self.name!r}: parameter {parameter.name!r} is missing")
            return parameters[parameter.name]

        return self.walk(look_up)

    def columns(self, candidates: Iterable[Mapping[str, Any]]) -> dict[str, np.ndarray[Any, Any]]:
        """One numpy column an axis, one row a candidate. Inactive entries hold the first value of the axis.

        See `active_columns` for which entries those are.
        """
        rows = list(candidates)
        columns = {}
        for axis, indexes in self._bound.layout.names.items():
            domain = self._bound.layout.slots[indexes[0]].domain
            filler = domain.pick(0.0) if domain.continuous else domain.values[0]
            columns[axis] = np.array([row.get(axis, filler) for row in rows])
        return columns

    def active_columns(self, candidates: Iterable[Mapping[str, Any]]) -> dict[str, np.ndarray[Any, Any]]:
        """One column of True and False an axis: whether a candidate has it."""
        rows = list(candidates)
        return {axis: np.array([axis in row for row in rows], bool) for axis in self._bound.layout.names}

    def to_json(self) -> dict[str, Any]:
        """The whole space as JSON-ready data with a version number."""
        from mixnas.space.serial import space_to_json

        return space_to_json(self)

    @staticmethod
    def from_json(data: Any) -> SearchSpace:
        """The inverse of `to_json`.

        Raises:
            SpaceError: it is not such data, or of a newer version; with every mistake in `problems`.
        """
        from mixnas.space.serial import space_from_json

        return space_from_json(data)

    # Python's own

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SearchSpace) and repr(self) == repr(other)

    def __hash__(self) -> int:
        return hash(repr(self))

    def __reduce__(self) -> tuple[Any, ...]:
        return SearchSpace.from_json, (self.to_json(),)

    def __repr__(self) -> str:
        told = {"family": self.family, "source": self.source, "summary": self.summary}
        parts = [repr(self.name), *(f"{k}={v!r}" for k, v in told.items() if v)]
        parts += [f"axes={dict(self.axes)!r}", f"rules={list(self.rules)!r}", f"context={dict(self.context)!r}"]
        return f"SearchSpace({', '.join(parts)})"


def size_note(size: int | float) -> str:
    """`1,234 candidates`, or words for an infinite space."""
    if size == math.inf:
        return "infinitely many candidates"
    return f"{size:,} candidate{'' if size == 1 else 's'}"
