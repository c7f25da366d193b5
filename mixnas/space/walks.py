"""Walking a bound space: enumerate, draw, mutate, cross over.

A draw takes each active axis uniformly among its values (on its own scale and steps), one component at a time, until
the rules of the component pass. Where they hardly ever pass, the component is filled slot by slot among the values
that can still be completed; so the tightest space samples too. Small components keep a table of their outcomes, with
the same probabilities. `random` is always a function that gives a number in [0, 1).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import Any

from mixnas.errors import SpaceError
from mixnas.space.axes import Integer
from mixnas.space.bound import Bound, Component
from mixnas.space.layout import Code, Codes

ATTEMPTS = 64
"""Plain draws of a component before it is filled with care."""

LAST_ATTEMPTS = 5_000
"""Draws before a component with a continuous axis in its rules is given up."""

MOST_NEIGHBOURS = 64
"""Other values of one axis that a mutation tries in turn."""

LARGEST_TABLE = 20_000
"""Raw fillings of a component up to which a table of its outcomes is kept."""

MOST_LISTED = 10_000
"""Values of one axis that are tried in turn when a component is filled with care."""

Random = Callable[[], float]
_Draw = tuple[int, int, int, int, Callable[[float], Any]]


class Walks:
    """The walks of one bound space."""

    def __init__(self, bound: Bound) -> None:
        self.bound = bound
        self.slots = bound.layout.slots
        self.plans = [(component, self._plan(component.slots)) for component in bound.components]
        self.tables: list[_Table] | None = None
        self.free_plan = self._plan(bound.free)
        self.plans_below = [self._plan(tuple(bound.layout.below(index))) for index in range(len(self.slots))]

    def _plan(self, indexes: tuple[int, ...]) -> list[_Draw]:
        """What drawing needs for each slot: itself, its parent, the parent's code, the number of values, and how."""
        plan: list[_Draw] = []
        for index in indexes:
            slot = self.slots[index]
            uniform = not slot.domain.continuous and not (isinstance(slot.domain, Integer) and slot.domain.log)
            parent = -1 if slot.parent is None else slot.parent
            count = len(slot.domain.values) if uniform else 0
            plan.append((index, parent, -1 if slot.parent_code is None else slot.parent_code, count, slot.domain.pick))
        return plan

    def enumerate(self) -> Iterator[Codes]:
        """All codes in the order of the space. The list that is yielded is reused: copy it to keep it."""
        if not self.bound.completable():
            return iter(())
        return self._descend(0, [None] * len(self.slots))

    def _descend(self, index: int, codes: Codes) -> Iterator[Codes]:
        while index < len(self.slots) and not self.bound.layout.active(index, codes):
            codes[index] = None
            if not self._admits(index, codes):
                return
            index += 1
        if index == len(self.slots):
            yield codes
            return
        for code in range(len(self.slots[index].domain.values)):
            codes[index] = code
            if self._admits(index, codes):
                yield from self._descend(index + 1, codes)

    def _admits(self, index: int, codes: Codes) -> bool:
        """Whether the codes up to a slot pass all rules that they decide, and can be completed."""
        owner = self.bound.owner[index]
        return owner is None or owner[0].admits(owner[1], codes)

    def draw(self, random: Random) -> Codes | None:
        """The codes of one candidate, or None where none was found."""
        if not self.bound.possible:
            return None
        codes: Codes = [None] * len(self.slots)
        if self.tables is None:
            self.tables = [_Table(component, plan) for component, plan in self.plans]
        for table, (component, plan) in zip(self.tables, self.plans, strict=True):
            if table.known:
                if not table.draw(codes, random):
                    return None
            elif not self._draw_component(component, plan, codes, random):
                return None
        _draw(self.free_plan, codes, random)
        return codes

    def _draw_component(self, component: Component, plan: list[_Draw], codes: Codes, random: Random) -> bool:
        for _ in range(ATTEMPTS):
            _draw(plan, codes, random)
            if component.settle(codes):
                return True
        for _ in range(1 if component.countable else LAST_ATTEMPTS):
            if self._fill(component, codes, random) and component.settle(codes):
                return True
        return False

    def _fill(self, component: Component, codes: Codes, random: Random) -> bool:
        """Fills a component slot by slot, uniformly among the codes that can still be completed."""
        for place, index in enumerate(component.slots):
            domain = self.slots[index].domain
            if domain.continuous and self.bound.layout.active(index, codes):
                codes[index] = domain.pick(random())
                continue
            untried = self._codes(component, place, codes, random)
            while untried:
                chosen = int(random() * len(untried))
                untried[chosen], untried[-1] = untried[-1], untried[chosen]
                codes[index] = untried.pop()
                if component.admits(place, codes):
                    break
            else:
                return False
        return True

    def _codes(self, component: Component, place: int, codes: Codes, random: Random) -> list[Code]:
        """The codes that may stand at a place; some of them where there are very many."""
        domain = self.slots[component.slots[place]].domain
        if domain.continuous or len(domain.values) <= MOST_LISTED:
            return list(component.codes_at(place, codes))
        active = self.bound.layout.active(component.slots[place], codes)
        return [domain.pick(random()) for _ in range(MOST_LISTED)] if active else [None]

    def mutate(self, parent: Codes, random: Random) -> Codes:
        """A valid neighbour: one active axis changed, the axes below it drawn anew. The parent where it is alone."""
        changeable = [i for i, code in enumerate(parent) if code is not None and len(self.slots[i].domain.values) > 1]
        for _ in range(ATTEMPTS if changeable else 0):
            index = changeable[int(random() * len(changeable))]
            child = self._change(parent, index, self._other(index, parent[index], random), random)
            if child is not None:
                return child
        return self._any_neighbour(parent, changeable, random) or self._any_other(parent, random) or list(parent)

    def _other(self, index: int, code: Code, random: Random) -> Code:
        """Another code of a slot, uniformly."""
        domain = self.slots[index].domain
        if domain.continuous or code is None:
            return domain.pick(random())
        other = int(random() * (len(domain.values) - 1))
        return other + (other >= code)

    def _change(self, parent: Codes, index: int, code: Code, random: Random) -> Codes | None:
        """The parent with one slot changed, or None where that is not valid or is the parent again."""
        child = list(parent)
        child[index] = code
        _draw(self.plans_below[index], child, random)
        return child if self.bound.settle(child) and child != parent else None

    def _any_neighbour(self, parent: Codes, changeable: list[int], random: Random) -> Codes | None:
        """Tries every change of one axis, in random order."""
        changes: list[tuple[int, Code]] = []
        for index in changeable:
            domain = self.slots[index].domain
            few = not domain.continuous and len(domain.values) <= MOST_NEIGHBOURS
            others = range(len(domain.values)) if few else [domain.pick(random()) for _ in range(MOST_NEIGHBOURS)]
            changes += [(index, code) for code in others if code != parent[index]]
        while changes:
            index, code = changes.pop(int(random() * len(changes)))
            for _ in range(4 if self.plans_below[index] else 1):
                if child := self._change(parent, index, code, random):
                    return child
        return None

    def _any_other(self, parent: Codes, random: Random) -> Codes | None:
        """Any candidate but the parent."""
        for _ in range(ATTEMPTS):
            child = self.draw(random)
            if child is None or child != parent:
                return child
        return None

    def cross(self, one: Codes, other: Codes, random: Random) -> Codes:
        """A valid child whose every axis comes from a parent; one of the parents where no mixture is valid."""
        for _ in range(ATTEMPTS):
            child: Codes = [None] * len(self.slots)
            for index, (a, b) in enumerate(zip(one, other, strict=True)):
                if self.bound.layout.active(index, child):
                    child[index] = b if a is None else a if b is None or random() < 0.5 else b
            if self.bound.settle(child):
                return child
        return list(one if random() < 0.5 else other)


class _Table:
    """What drawing a small component until it settles comes to, with the probability of each outcome."""

    def __init__(self, component: Component, plan: list[_Draw]) -> None:
        self.slots = component.slots
        self.outcomes: list[tuple[Code, ...]] = []
        self.sums: list[float] = []
        self.known = all(count for *_, count, _ in plan) and _raw_size(plan) <= LARGEST_TABLE
        if self.known:
            weights: dict[tuple[Code, ...], float] = {}
            for codes, weight in _raw(plan, 0, [None] * len(component.layout.slots), 1.0):
                filled = list(codes)
                if component.settle(filled):
                    outcome = tuple(filled[i] for i in self.slots)
                    weights[outcome] = weights.get(outcome, 0.0) + weight
            self.outcomes, self.sums = list(weights), list(accumulate(weights.values()))

    def draw(self, codes: Codes, random: Random) -> bool:
        """Fills in the slots of the component; False where no filling is valid."""
        if not self.outcomes:
            return False
        place = bisect_right(self.sums, random() * self.sums[-1])
        for index, code in zip(self.slots, self.outcomes[min(place, len(self.outcomes) - 1)], strict=True):
            codes[index] = code
        return True


def _raw_size(plan: list[_Draw]) -> int:
    """The number of raw fillings."""
    below: dict[tuple[int, int], int] = {}
    for index, parent, parent_code, count, _ in reversed(plan):
        inner = [ways for (slot, _), ways in below.items() if slot == index]
        here = (parent, parent_code)
        below[here] = below.get(here, 1) * (count - len(inner) + sum(inner))
    return below[(-1, -1)]


def _raw(plan: list[_Draw], place: int, codes: Codes, weight: float) -> Iterator[tuple[Codes, float]]:
    """Every raw filling with its probability; the list is reused."""
    if place == len(plan):
        yield codes, weight
        return
    index, parent, parent_code, count, _ = plan[place]
    if parent >= 0 and codes[parent] != parent_code:
        codes[index] = None
        yield from _raw(plan, place + 1, codes, weight)
        return
    for code in range(count):
        codes[index] = code
        yield from _raw(plan, place + 1, codes, weight / count)


def _draw(plan: list[_Draw], codes: Codes, random: Random) -> None:
    """Draws the slots of a plan; those whose parent has another code become inactive."""
    for index, parent, parent_code, count, pick in plan:
        if parent >= 0 and codes[parent] != parent_code:
            codes[index] = None
        elif count:
            codes[index] = int(random() * count)
        else:
            codes[index] = pick(random())


def refuse_continuous(bound: Bound) -> None:
    """Raises SpaceError when the space cannot be enumerated."""
    names = [slot.name for slot in bound.layout.slots if slot.domain.continuous]
    if names:
        raise SpaceError(
            f"a space with continuous axes ({', '.join(names)}) cannot be enumerated",
            hint="give them a step: real(0.0, 0.5, step=0.1)",
        )
