"""How many candidates a space has, exactly, without listing them.

Components multiply. Inside a component slots are filled one after the other, and partial fillings that look alike to
every rule still to come are counted once (dynamic programming over the codes that later rules can see). Slots that no
rule mentions only contribute the number of ways to fill what is below them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from mixnas.errors import SpaceError
from mixnas.space.bound import Component
from mixnas.space.layout import Codes, Layout

MOST_STEPS = 5_000_000
"""Partial fillings that a count may look at before it gives up."""


def size(layout: Layout, components: list[Component]) -> int | float:
    """The exact number of canonical, valid candidates; `math.inf` with a continuous axis.

    Raises:
        SpaceError: rules tie so many axes together that counting would take too long.
    """
    tied = {i for component in components for i in component.slots}
    free = _Free(layout, tied)
    total: int | float = 1
    for component in components:
        total = _times(total, _Counter(component, free).count())
    for index, slot in enumerate(layout.slots):
        if slot.parent is None and index not in tied:
            total = _times(total, free.ways(index))
    return total


def ways_below(layout: Layout, tied: set[int]) -> Callable[[int, int], int | float]:
    """For a slot and one of its codes, the number of ways to fill the slots below that are not tied."""
    return _Free(layout, tied).below


class _Free:
    """Ways to fill slots that no rule mentions."""

    def __init__(self, layout: Layout, tied: set[int]) -> None:
        self.layout = layout
        self.tied = tied
        self.known: dict[int, int | float] = {}

    def ways(self, index: int) -> int | float:
        """Fillings of a free slot and all below it."""
        if index not in self.known:
            domain = self.layout.slots[index].domain
            codes = [code for (slot, code) in self.layout.children if slot == index]
            plain = math.inf if domain.continuous else len(domain.values) - len(codes)
            self.known[index] = plain
            for code in codes:
                self.known[index] = _plus(self.known[index], self.below(index, code))
        return self.known[index]

    def below(self, index: int, code: int) -> int | float:
        """Fillings of the free slots directly below an option, and of all below those."""
        total: int | float = 1
        for child in self.layout.children.get((index, code), ()):
            if child not in self.tied:
                total = _times(total, self.ways(child))
        return total


class _Counter:
    """Counts the fillings of one component."""

    def __init__(self, component: Component, free: _Free) -> None:
        self.component = component
        self.free = free
        self.known: dict[Any, int | float] = {}
        self.steps = 0

    def count(self) -> int | float:
        """The number of valid, canonical fillings, each times the ways to fill the free slots below it."""
        return self._from(0, [None] * len(self.component.layout.slots))

    def _from(self, place: int, codes: Codes) -> int | float:
        component = self.component
        if place == len(component.slots):
            return 1
        key = (place, component.steps[place].state(codes))
        if key in self.known:
            return self.known[key]
        total: int | float = 0
        index, rules = component.slots[place], component.steps[place].decided
        for code in component.codes_at(place, codes):
            self._step()
            codes[index] = code
            if all(rule.passes(codes) for rule in rules):
                total = _plus(total, _times(self._weight(index, code), self._from(place + 1, codes)))
        self.known[key] = total
        return total

    def _weight(self, index: int, code: int | None) -> int | float:
        if code is None:
            return 1
        return math.inf if self.component.layout.slots[index].domain.continuous else self.free.below(index, code)

    def _step(self) -> None:
        self.steps += 1
        if self.steps > MOST_STEPS:
            axes = dict.fromkeys(self.component.layout.slots[i].axis for i in self.component.slots)
            raise SpaceError(
                f"the size cannot be counted in reasonable time: rules tie the axes {', '.join(axes)} together",
                hint="write rules over fewer axes, or axes with fewer values; sampling works all the same",
            )


def _times(a: int | float, b: int | float) -> int | float:
    """A product in which nothing times infinity is nothing, and no large integer meets a float."""
    if a == 0 or b == 0:
        return 0
    return math.inf if math.inf in (a, b) else a * b


def _plus(a: int | float, b: int | float) -> int | float:
    return math.inf if math.inf in (a, b) else a + b
