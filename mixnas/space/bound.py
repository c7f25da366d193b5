"""Rules bound to the slots of a space, and the independent components that they tie the slots into.

Slots that no rule mentions are free. The others fall into components: two slots are in one component when a rule
mentions both, or one decides whether the other exists. Components know nothing of each other, so each is settled,
counted and searched alone, however large the space is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from mixnas.records import Value
from mixnas.space.axes import Choice
from mixnas.space.expression import Expression
from mixnas.space.layout import Codes, Layout
from mixnas.space.nodes import INACTIVE
from mixnas.space.rules import Merge, Rule

CACHE = 100_000
"""Results kept for each rule and each component; a full cache is emptied."""


@dataclass
class BoundRule:
    """A rule with the slots whose codes decide it."""

    rule: Rule
    expression: Expression
    layout: Layout
    context: Mapping[str, Value]
    slots: tuple[int, ...] = ()
    """The slots of every axis that it mentions."""
    axes: tuple[str, ...] = ()
    results: dict[Any, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        mentioned = set(self.expression.names) | ({self.rule.axis} if isinstance(self.rule, Merge) else set())
        self.axes = tuple(axis for axis in self.layout.names if axis in mentioned)
        self.slots = tuple(sorted(i for axis in self.axes for i in self.layout.names[axis]))
        self._key: Callable[[Codes], Any] = itemgetter(*self.slots) if self.slots else lambda codes: ()

    @property
    def countable(self) -> bool:
        """Whether all its axes have a list of values."""
        return not any(self.layout.slots[i].domain.continuous for i in self.slots)

    def cached(self, codes: Codes, compute: Callable[[Codes], Any]) -> Any:
        """The result for the codes of its slots, computed once."""
        key = self._key(codes)
        try:
            return self.results[key]
        except KeyError:
            if len(self.results) >= CACHE:
                self.results.clear()
            result = self.results[key] = compute(codes)
            return result

    def values(self, codes: Codes) -> dict[str, Value]:
        """What the expression sees: the context, and the active axes among its own."""
        seen = dict(self.context)
        for index in self.slots:
            code = codes[index]
            if code is not None:
                slot = self.layout.slots[index]
                seen[slot.axis] = slot.domain.values[code]  # type: ignore[index]
        return seen


class Check(BoundRule):
    """A forbid or require."""

    def passes(self, codes: Codes) -> bool:
        """Whether the rule lets a candidate with these codes through."""
        return bool(self.cached(codes, self._judge))

    def _judge(self, codes: Codes) -> bool:
        values = self.values(codes)
        if self.rule.kind == "forbid":
            return not self.expression.holds(values)
        return any(axis not in values for axis in self.axes) or self.expression.holds(values)


class Merger(BoundRule):
    """A merge."""

    def passes(self, codes: Codes) -> bool:
        """Whether the axis has the first of its equal values already."""
        return self.cached(codes, self._target) is None

    def apply(self, codes: Codes) -> bool:
        """Rewrites the axis to the first equal value; says whether it changed."""
        target = self.cached(codes, self._target)
        if target is None:
            return False
        codes[target[0]] = target[1]
        return True

    def _target(self, codes: Codes) -> tuple[int, int] | None:
        """The slot and its better code, or None where it has the first already."""
        assert isinstance(self.rule, Merge)
        for index in self.layout.names[self.rule.axis]:
            code = codes[index]
            if code is None or not self._leaf(index, int(code)):
                continue
            trial = list(codes)
            here = self.expression.evaluate(self.values(trial))
            for earlier in range(int(code)):
                trial[index] = earlier
                same = self._leaf(index, earlier) and here is not INACTIVE
                if same and self.expression.evaluate(self.values(trial)) == here:
                    return index, earlier
        return None

    def _leaf(self, index: int, code: int) -> bool:
        domain = self.layout.slots[index].domain
        return not isinstance(domain, Choice) or not domain.children(code)


class Component:
    """Slots tied together by rules, closed under "which slot decides whether this one exists"."""

    def __init__(self, layout: Layout, slots: Iterable[int], rules: Iterable[Check | Merger]) -> None:
        self.layout = layout
        self.slots = tuple(sorted(slots))
        self.rules = tuple(rules)
        self.checks = tuple(r for r in self.rules if isinstance(r, Check))
        self.mergers = tuple(r for r in self.rules if isinstance(r, Merger))
        self.countable = all(r.countable for r in self.rules)
        self._key = itemgetter(*self.slots)
        self._settled: dict[Any, tuple[Any, ...] | None] = {}
        self.steps = tuple(_Step(self, place) for place in range(len(self.slots)))
        self._open: dict[Any, bool] = {}

    def settle(self, codes: Codes) -> bool:
        """Rewrites its slots to their canonical codes; says whether its rules let them through."""
        if not self.countable:
            return self._settle(codes)
        key = self._key(codes)
        try:
            settled = self._settled[key]
        except KeyError:
            passed = self._settle(codes)
            settled = tuple(codes[i] for i in self.slots) if passed else None
            if len(self._settled) >= CACHE:
                self._settled.clear()
            self._settled[key] = settled
            return passed
        if settled is None:
            return False
        for index, code in zip(self.slots, settled, strict=True):
            codes[index] = code
        return True

    def _settle(self, codes: Codes) -> bool:
        self.canonicalise(codes)
        return all(check.passes(codes) for check in self.checks)

    def canonicalise(self, codes: Codes) -> None:
        """Applies the merges until none changes anything; each step lowers a code, so it ends."""
        while any(merger.apply(codes) for merger in self.mergers):
            pass

    def admits(self, place: int, codes: Codes) -> bool:
        """Whether the codes up to that place in the component pass, and can be completed."""
        step = self.steps[place]
        return all(rule.passes(codes) for rule in step.decided) and (
            not step.pending or self.completable(place + 1, codes)
        )

    def completable(self, place: int, codes: Codes) -> bool:
        """Whether slots from that place on can be filled so that all rules pass. Later slots are overwritten."""
        if place == len(self.slots):
            return True
        step = self.steps[place]
        key = (place, step.state(codes))
        if key not in self._open:
            if len(self._open) >= 10 * CACHE:
                self._open.clear()
            self._open[key] = self._search(place, codes)
        return self._open[key]

    def _search(self, place: int, codes: Codes) -> bool:
        for code in self.codes_at(place, codes):
            codes[self.slots[place]] = code
            if self.admits(place, codes):
                return True
        return False

    def codes_at(self, place: int, codes: Codes) -> Iterable[Any]:
        """The codes that the slot at that place may have: None where it is inactive, 0 stands for a continuum."""
        index = self.slots[place]
        if not self.layout.active(index, codes):
            return (None,)
        domain = self.layout.slots[index].domain
        return (0,) if domain.continuous else range(len(domain.values))


class _Step:
    """What happens when the slot at a place of a component gets its code, all before it having theirs."""

    def __init__(self, component: Component, place: int) -> None:
        slots, layout = component.slots, component.layout
        countable = [r for r in component.rules if r.countable]
        self.decided = tuple(r for r in countable if max(r.slots) == slots[place])
        self.pending = any(max(r.slots) > slots[place] for r in countable)
        later = set(slots[place:])
        seen = {layout.slots[i].parent for i in later}
        for rule in countable:
            if later & set(rule.slots):
                seen |= set(rule.slots)
        frontier = [i for i in slots[:place] if i in seen]
        self.state: Callable[[Codes], Any] = itemgetter(*frontier) if frontier else lambda codes: None


class Bound:
    """A layout with its rules bound to it."""

    def __init__(self, layout: Layout, rules: Iterable[Check | Merger]) -> None:
        self.layout = layout
        self.rules = tuple(rules)
        nothing: Codes = [None] * len(layout.slots)
        self.possible = all(rule.passes(nothing) for rule in self.rules if not rule.slots)
        """False when a rule that speaks of the context alone refuses everything."""
        self.components = components(layout, self.rules)
        self.owner: list[tuple[Component, int] | None] = [None] * len(layout.slots)
        for component in self.components:
            for place, index in enumerate(component.slots):
                self.owner[index] = (component, place)
        self.free = tuple(index for index, owner in enumerate(self.owner) if owner is None)

    def canonicalise(self, codes: Codes) -> None:
        """Applies all merges."""
        for component in self.components:
            component.canonicalise(codes)

    def settle(self, codes: Codes) -> bool:
        """Applies all merges; says whether all rules pass."""
        return self.possible and all(component.settle(codes) for component in self.components)

    def completable(self) -> bool:
        """Whether any candidate exists, as far as rules without continuous axes can tell."""
        nothing: Codes = [None] * len(self.layout.slots)
        return self.possible and all(component.completable(0, nothing) for component in self.components)


def components(layout: Layout, rules: Iterable[Check | Merger]) -> list[Component]:
    """The independent components of a space, in its order. Rules without axes are left to the caller."""
    owner: dict[int, int] = {}

    def root(index: int) -> int:
        while owner.setdefault(index, index) != index:
            index = owner[index]
        return index

    rules = [rule for rule in rules if rule.slots]
    for rule in rules:
        for index in rule.slots:
            owner[root(index)] = root(rule.slots[0])
            parent = layout.slots[index].parent
            while parent is not None:
                owner[root(parent)] = root(index)
                parent = layout.slots[parent].parent
    groups: dict[int, list[int]] = {}
    for index in sorted(owner):
        groups.setdefault(root(index), []).append(index)
    return [Component(layout, slots, [r for r in rules if r.slots[0] in slots]) for slots in groups.values()]
