"""An order of trials that is kept up to date: by non-dominated sorting, ties within a front by an epsilon-net.

A trial that comes in changes the fronts that it reaches, and those alone are ordered anew when someone asks, so that a
rung with thousands of trials takes in another one without sorting all of them again.

Source: the update of fronts, Li, Deb, Zhang and Kwong 2017 (doi:10.1109/TEVC.2016.2600642).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from mixnas.objectives import Objective
from mixnas.pareto import epsilon_net_order, minimised, scaled

Array = npt.NDArray[np.float64]


@dataclass(eq=False)
class _Front:
    """Trials none of which dominates another."""

    numbers: list[int]
    points: Array
    """Minimised, `[n, m]`."""
    scaled: Array
    """As hypervolumes measure them, `[n, m]`."""
    waiting: set[int] = field(default_factory=set)
    order: list[int] | None = None
    """The trials from first to last; None where it has to be worked out."""

    def part(self, mask: npt.NDArray[np.bool_]) -> _Front:
        """The trials of a mask."""
        numbers = [number for number, kept in zip(self.numbers, mask, strict=True) if kept]
        return _Front(numbers, self.points[mask], self.scaled[mask], self.waiting.intersection(numbers))

    def with_those_of(self, other: _Front) -> _Front:
        """Both together."""
        return _Front(
            self.numbers + other.numbers,
            np.vstack([self.points, other.points]),
            np.vstack([self.scaled, other.scaled]),
            self.waiting | other.waiting,
        )

    def ordered(self) -> list[int]:
        """So that every beginning of it is well spread; ties go by the trials' numbers."""
        if self.order is None:
            by_number = np.argsort(self.numbers)
            places = by_number[epsilon_net_order(self.scaled[by_number])]
            self.order = [self.numbers[place] for place in places]
        return self.order


class Ranking:
    """Trials from best to worst. Each waits for something from the moment it comes in until it is `settled`."""

    def __init__(self, objectives: Sequence[Objective]) -> None:
        self._objectives = tuple(objectives)
        self._fronts: list[_Front] = []
        self._front_of: dict[int, _Front] = {}

    def __len__(self) -> int:
        return len(self._front_of)

    def add(self, number: int, values: Mapping[str, float]) -> None:
        """Takes in a trial, whose values must be finite; one that is there already waits again."""
        if number in self._front_of:
            self._front_of[number].waiting.add(number)
            return
        point = minimised(values, self._objectives)[None]
        new = _Front([number], point, scaled(values, self._objectives)[None], {number})
        level = self._level(point)
        while level < len(self._fronts):
            old = self._fronts[level]
            beaten = _dominated(old.points, new.points)
            self._put(level, old.part(~beaten).with_those_of(new))
            if not beaten.any():
                return
            new, level = old.part(beaten), level + 1
        self._fronts.append(new)
        self._front_of.update(dict.fromkeys(new.numbers, new))

    def settle(self, number: int) -> None:
        """The trial waits no more."""
        self._front_of[number].waiting.discard(number)

    def place(self, number: int) -> int:
        """Where the trial stands, counted from 1."""
        before = 0
        for front in self._fronts:
            if front is self._front_of[number]:
                return before + front.ordered().index(number) + 1
            before += len(front.numbers)
        raise KeyError(number)

    def first_waiting(self, most: int) -> int | None:
        """The best trial that waits, if it is among the first `most` of all."""
        before = 0
        for front in self._fronts:
            if before >= most:
                break
            if front.waiting:
                listed = front.ordered()[: most - before]
                if (found := next((n for n in listed if n in front.waiting), None)) is not None:
                    return found
            before += len(front.numbers)
        return None

    def _level(self, point: Array) -> int:
        """The first front without anyone who dominates the point: all after it have none either."""
        low, high = 0, len(self._fronts)
        while low < high:
            middle = (low + high) // 2
            if _dominated(point, self._fronts[middle].points)[0]:
                low = middle + 1
            else:
                high = middle
        return low

    def _put(self, level: int, front: _Front) -> None:
        self._fronts[level] = front
        self._front_of.update(dict.fromkeys(front.numbers, front))


def _dominated(points: Array, by: Array) -> npt.NDArray[np.bool_]:
    """Which rows of `points` any row of `by` dominates, `[n]`."""
    nowhere_worse = (by[:, None] <= points[None]).all(axis=2)
    better = (by[:, None] < points[None]).any(axis=2)
    return np.asarray((nowhere_worse & better).any(axis=0))
