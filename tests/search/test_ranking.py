"""An order that is kept up to date is the one that sorting everything anew would give."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixnas.objectives import parse_objectives
from mixnas.pareto import epsilon_net_order, minimised, ranks, scaled
from mixnas.search.ranking import Ranking

OBJECTIVES = parse_objectives("acc,params,macs")


def sorted_anew(values: dict[int, dict[str, float]]) -> list[int]:
    """Fronts one after the other, each in the order of its epsilon-net."""
    numbers = sorted(values)
    levels = ranks([minimised(values[n], OBJECTIVES) for n in numbers])
    points = np.array([scaled(values[n], OBJECTIVES) for n in numbers])
    fronts = [np.flatnonzero(levels == level) for level in range(levels.max() + 1)]
    return [numbers[members[place]] for members in fronts for place in epsilon_net_order(points[members])]


VALUES = st.tuples(st.integers(0, 6), st.sampled_from((10.0, 20.0, 40.0, 80.0)), st.sampled_from((1.0, 2.0, 3.0)))


@settings(max_examples=80, deadline=None)
@given(st.lists(VALUES, min_size=1, max_size=40), st.randoms(use_true_random=False))
def test_every_arrival_leaves_the_order_of_a_sort(drawn, rng) -> None:
    ranking, values, waiting = Ranking(OBJECTIVES), {}, set()
    numbers = list(range(len(drawn)))
    rng.shuffle(numbers)
    for number, (acc, params, macs) in zip(numbers, drawn, strict=True):
        values[number] = {"acc": acc / 10, "params": params, "macs": macs}
        ranking.add(number, values[number])
        waiting.add(number)
        order = sorted_anew(values)
        assert [ranking.place(n) for n in order] == list(range(1, len(values) + 1)) and len(ranking) == len(values)
        for most in (0, 1, len(order) // 3, len(order)):
            assert ranking.first_waiting(most) == next((n for n in order[:most] if n in waiting), None)
        if rng.random() < 0.5 and waiting:
            gone = rng.choice(sorted(waiting))
            waiting.discard(gone)
            ranking.settle(gone)


def test_a_trial_that_never_came_has_no_place() -> None:
    with pytest.raises(KeyError):
        Ranking(OBJECTIVES).place(3)
