"""Fronts and hypervolume against brute force, Optuna and inclusion-exclusion."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna._hypervolume.wfg import compute_hypervolume

from mixnas import pareto
from mixnas.errors import UsageError
from mixnas.objectives import OBJECTIVES, Objective
from mixnas.records import Fidelity, Trial

ACC_PARAMS = (OBJECTIVES["acc"], OBJECTIVES["params"])
ALL_THREE = (*ACC_PARAMS, OBJECTIVES["macs"])


def trial(number: int, values: dict[str, float], state: str = "finished") -> Trial:
    return Trial("s", number, f"{number:016x}", {"width": 8}, state, values, Fidelity(1, 0))  # type: ignore[arg-type]


@st.composite
def points(draw: st.DrawFn, max_rows: int = 14, max_columns: int = 4, special: bool = False) -> np.ndarray:
    """A grid of few values, so that ties and equal rows are common."""
    columns = draw(st.integers(1, max_columns))
    numbers: st.SearchStrategy[float] = st.integers(0, 5).map(float)
    if special:
        numbers = st.one_of(numbers, st.sampled_from([math.nan, math.inf, -math.inf]))
    rows = draw(st.lists(st.lists(numbers, min_size=columns, max_size=columns), max_size=max_rows))
    return np.asarray(rows, float).reshape(len(rows), columns)


def brute_force_front(rows: np.ndarray) -> list[bool]:
    good = [all(math.isfinite(x) for x in row) for row in rows]
    beaten = [any(ok and beats(other, row) for other, ok in zip(rows, good, strict=True)) for row in rows]
    return [ok and not lost for ok, lost in zip(good, beaten, strict=True)]


def beats(a: np.ndarray, b: np.ndarray) -> bool:
    pairs = list(zip(a.tolist(), b.tolist(), strict=True))
    return all(x <= y for x, y in pairs) and any(x < y for x, y in pairs)


def brute_force_volume(rows: np.ndarray, corner: Sequence[float]) -> float:
    """Inclusion and exclusion over all subsets of boxes."""
    total = 0.0
    for size in range(1, len(rows) + 1):
        for subset in itertools.combinations(rows, size):
            worst = np.max(subset, axis=0)
            total -= (-1) ** size * math.prod(max(0.0, c - x) for c, x in zip(corner, worst, strict=True))
    return total


@given(points(special=True))
def test_front_equals_brute_force(rows: np.ndarray) -> None:
    assert pareto.nondominated(rows).tolist() == brute_force_front(rows)


@given(points(max_rows=8), st.integers(2, 6))
@settings(max_examples=60)
def test_hypervolume_equals_inclusion_exclusion(rows: np.ndarray, corner: int) -> None:
    reference = [float(corner)] * rows.shape[1]
    assert pareto.hypervolume(rows, reference) == pytest.approx(brute_force_volume(rows, reference))


@pytest.mark.parametrize("objectives", [2, 3, 4, 5])
def test_hypervolume_agrees_with_optuna(objectives: int) -> None:
    rows = np.random.default_rng(objectives).random((40, objectives))
    assert pareto.hypervolume(rows, np.ones(objectives)) == pytest.approx(
        compute_hypervolume(rows, np.ones(objectives))
    )


@pytest.mark.parametrize("objectives", [2, 3, 4])
def test_large_fronts_keep_every_member(objectives: int) -> None:
    """More rows than one block, all on a simplex (nothing dominated), and each again with a little added."""
    rows = np.random.default_rng(0).dirichlet(np.ones(objectives), 700)
    mask = pareto.nondominated(np.vstack([rows, rows + 0.01]))
    assert mask[:700].all() and not mask[700:].any()


def test_front_agrees_with_optuna_best_trials() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(directions=["maximize", "minimize", "minimize"])
    rng, trials = np.random.default_rng(3), []
    for number in range(60):
        values = dict(zip(("acc", "params", "macs"), rng.integers(0, 9, 3).astype(float).tolist(), strict=True))
        study.add_trial(optuna.trial.create_trial(values=list(values.values())))
        trials.append(trial(number, values))
    expected = {t.number for t in study.best_trials}
    assert {t.number for t in pareto.front(trials, ALL_THREE)} == expected


@given(points(max_rows=12, max_columns=3))
def test_ranks_peel_fronts(rows: np.ndarray) -> None:
    ranks = pareto.ranks(rows)
    for level in range(int(ranks.max(initial=-1)) + 1):
        left = ranks >= level
        assert (ranks[left] == level).tolist() == brute_force_front(rows[left])


def test_rows_that_are_not_finite_rank_last() -> None:
    assert pareto.ranks([[1, 2], [math.nan, 0], [2, 3], [-math.inf, 0]]).tolist() == [0, 2, 1, 2]


@given(points(max_rows=12, max_columns=3))
def test_epsilon_net_order_is_a_permutation_that_starts_at_the_best_first_objective(rows: np.ndarray) -> None:
    order = pareto.epsilon_net_order(rows)
    assert sorted(order.tolist()) == list(range(len(rows)))
    if len(rows):
        assert rows[order[0], 0] == rows[:, 0].min()


def test_epsilon_net_order_goes_to_the_far_end_then_to_the_middle() -> None:
    assert pareto.epsilon_net_order([[0, 4], [1, 3], [2, 2], [4, 0]]).tolist() == [0, 3, 2, 1]


def test_dominates() -> None:
    assert pareto.dominates([1, 2], [1, 3])
    assert not pareto.dominates([1, 2], [1, 2])
    assert not pareto.dominates([1, 3], [2, 2])


def test_points_beyond_the_reference_contribute_nothing() -> None:
    assert pareto.hypervolume([[1, 1], [0, 5]], [3, 3]) == 4
    assert pareto.hypervolume([[3, 0]], [3, 3]) == 0
    assert pareto.hypervolume([[math.nan, 0]], [3, 3]) == 0
    assert pareto.hypervolume([], [3, 3]) == 0


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"an array \[n, m\], got the shape \[3\]"):
        pareto.nondominated([1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="points have 2 objectives, the reference point has 3"):
        pareto.hypervolume([[1, 2]], [3, 3, 3])


def test_knee_is_farthest_from_the_line_between_the_extremes() -> None:
    assert pareto.knee([[0, 10], [1, 2], [5, 1], [10, 0]]) == 1
    assert pareto.knee([[7, 7]]) == 0
    assert pareto.knee([[0, 3], [1, 3]]) == 0
    with pytest.raises(ValueError, match="no knee"):
        pareto.knee([])


def test_record_front_sorts_by_the_first_cost_and_leaves_out_what_is_not_a_result() -> None:
    trials = [
        trial(0, {"acc": 0.9, "params": 900}),
        trial(1, {"acc": 0.5, "params": 100}),
        trial(2, {"acc": 0.5, "params": 100}),
        trial(3, {"acc": 0.4, "params": 200}),
        trial(4, {"acc": math.inf, "params": 1}),
        trial(5, {"acc": math.nan, "params": 1}),
        trial(6, {"acc": 1.0}),
        trial(7, {}, "failed"),
        trial(8, {"acc": 0.99, "params": 1}, "running"),
    ]
    assert [t.number for t in pareto.front(trials, ACC_PARAMS)] == [1, 2, 0]
    assert pareto.front([], ACC_PARAMS) == []


def test_scaled_takes_the_logarithm_of_costs_only() -> None:
    assert pareto.scaled({"acc": 0.9, "params": 1000}, ACC_PARAMS).tolist() == pytest.approx([0.1, 3.0])
    assert math.isfinite(pareto.scaled({"acc": 0.9, "params": 0}, ACC_PARAMS)[1])
    psnr = Objective("psnr", "maximize", "dB", "learned", "peak signal-to-noise ratio")
    assert pareto.scaled({"psnr": 30.0}, [psnr]).tolist() == [-30.0]


def test_knee_trial_measures_costs_on_a_log_scale() -> None:
    members = [trial(0, {"acc": 0.1, "params": 10}), trial(1, {"acc": 0.9, "params": 100}),
               trial(2, {"acc": 0.95, "params": 10_000})]  # fmt: skip
    assert pareto.knee_trial(members, ACC_PARAMS).number == 1


@given(points(max_rows=12, max_columns=3, special=True))
def test_tracker_equals_recomputation_after_every_trial(rows: np.ndarray) -> None:
    objectives = ALL_THREE[: rows.shape[1]]
    reference = {o.name: 0.0 if o.name == "acc" else 4.0 for o in objectives}
    tracker, seen, before = pareto.FrontTracker(objectives, reference), [], 0.0
    for number, row in enumerate(rows):
        # Accuracy in tenths, costs as they are: some lie beyond the reference on purpose.
        values = {o.name: x / 10 if o.name == "acc" else x for o, x in zip(objectives, row, strict=True)}
        seen.append(trial(number, values))
        point = tracker.add(number, values)
        members = sorted(t.number for t in pareto.front(seen, objectives))
        corner = pareto.scaled(reference, objectives)
        volume = pareto.hypervolume([pareto.scaled(seen[m].values, objectives) for m in members], corner)
        assert (point.trial, point.finished, point.members) == (number, number + 1, tuple(members))
        assert point.hypervolume == pytest.approx(volume)
        assert point.hypervolume >= before
        before = point.hypervolume


def test_tracker_needs_a_whole_reference_point() -> None:
    with pytest.raises(UsageError, match=r"the reference point has nothing for 'params' \(give the worst params"):
        pareto.FrontTracker(ACC_PARAMS, {"acc": 0.0})
    with pytest.raises(UsageError, match="the reference point has inf for 'params'"):
        pareto.FrontTracker(ACC_PARAMS, {"acc": 0.0, "params": math.inf})
