"""Expected hypervolume improvement against exact hypervolumes and against draws."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from mixnas.pareto import contribution, hypervolume
from mixnas.search.improvement import expected_improvement, uncovered

GRID = st.integers(0, 12).map(lambda n: n / 10)
"""Coarse, so that ties and points at or beyond the reference of 1 are common."""


@st.composite
def fronts(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Points `[n, m]`, not only nondominated ones, and one more, `[m]`; m from 1 to 4."""
    m = draw(st.integers(1, 4))
    rows = draw(st.lists(st.lists(GRID, min_size=m, max_size=m), max_size=12))
    return np.array(rows, float).reshape(-1, m), np.array(draw(st.lists(GRID, min_size=m, max_size=m)))


@settings(deadline=None, max_examples=50)
@given(fronts())
def test_without_uncertainty_it_is_the_exact_contribution(case) -> None:
    points, new = case
    boxes = uncovered(points, np.ones(len(new)))
    for column in range(len(new)):
        known = np.delete(new, column)[None]
        found = expected_improvement(boxes, new[[column]], np.zeros(1), known, column=column)
        assert found[0] == pytest.approx(contribution(new, points, np.ones(len(new))), abs=1e-9)


@settings(deadline=None, max_examples=50)
@given(fronts())
def test_boxes_are_disjoint_and_hold_what_the_front_does_not_cover(case) -> None:
    points, _ = case
    corner = np.ones(points.shape[1])
    boxes = np.maximum(uncovered(points, corner), -1.0)
    volume = np.prod(boxes[:, :, 1] - boxes[:, :, 0], axis=1).sum()
    whole = 2.0 ** len(corner)
    assert volume == pytest.approx(whole - hypervolume(points, corner), abs=1e-9)


@settings(deadline=None, max_examples=40)  # a hundred hypervolumes each
@given(fronts(), st.floats(-0.3, 1.3), st.floats(0.01, 0.6), st.sampled_from([-math.inf, 0.0]))
def test_it_is_the_mean_improvement_over_the_distribution(case, mean: float, deviation: float, best: float) -> None:
    points, new = case
    corner = np.ones(len(new))
    # Quantiles at equal steps stand for draws: the same mean, without their noise.
    draws = norm.ppf((np.arange(100) + 0.5) / 100, mean, deviation)
    brute = np.mean([contribution(np.array([max(y, best), *new[1:]]), points, corner) for y in draws])
    boxes = uncovered(points, corner)
    found = expected_improvement(boxes, np.array([mean]), np.array([deviation]), new[None, 1:], best=best)
    assert found[0] == pytest.approx(brute, abs=1e-2 * max(deviation, 0.05) + 1e-4)


def test_a_log_normal_objective_is_integrated_exactly() -> None:
    points, new, shift = np.random.default_rng(1).random((12, 3)), np.array([0.2, 0.3]), 0.01
    boxes = uncovered(points, np.ones(3))
    draws = np.exp(norm.ppf((np.arange(400) + 0.5) / 400, math.log(0.2), 0.7)) - shift
    brute = np.mean([contribution(np.array([max(y, 0.0), *new]), points, np.ones(3)) for y in draws])
    found = expected_improvement(boxes, np.array([math.log(0.2)]), np.array([0.7]), new[None], best=0.0, shift=shift)
    assert found[0] == pytest.approx(brute, rel=2e-3) and brute > 0


def test_a_pool_is_judged_as_its_members_are_one_by_one() -> None:
    rng = np.random.default_rng(0)
    boxes = uncovered(rng.random((30, 3)), np.ones(3))
    mean, deviation, known = rng.random(50), rng.random(50) / 5, rng.random((50, 2))
    pool = expected_improvement(boxes, mean, deviation, known, column=1)
    single = [expected_improvement(boxes, mean[[i]], deviation[[i]], known[[i]], column=1)[0] for i in range(50)]
    assert pool == pytest.approx(single) and (pool > 0).any()
