"""The statistics on simulated studies with known effects and known noise, and against scipy and statsmodels."""

from __future__ import annotations

import itertools
import math

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower

from mixnas.ablation.designs import Levels, plan
from mixnas.ablation.effects import contrasts, factorial_effects, make_model
from mixnas.statistics import compare, detectable, estimate, holm, power, seeds_needed

STUDIES = 4000


def differences(effect: float, seeds: int, *, noise: float = 1.0, rng: int = 0) -> npt.NDArray[np.float64]:
    """`[STUDIES, seeds]` paired differences with a known mean."""
    return np.random.default_rng(rng).normal(effect, noise, (STUDIES, seeds))


@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
@pytest.mark.parametrize("effect", [0.0, 0.7])
def test_intervals_of_differences_cover_at_the_nominal_rate(seeds: int, effect: float) -> None:
    found = compare(differences(effect, seeds, rng=seeds)).estimate
    covered = np.mean((found.low <= effect) & (effect <= found.high))
    assert 0.93 <= covered <= 0.97


@pytest.mark.parametrize("seeds", [3, 5, 10])
@pytest.mark.parametrize("level", [0.01, 0.05, 0.1])
def test_false_findings_come_at_their_level(seeds: int, level: float) -> None:
    found = np.mean(compare(differences(0.0, seeds, rng=seeds)).p < level)
    assert found == pytest.approx(level, abs=3 * math.sqrt(level * (1 - level) / STUDIES))


def test_power_grows_with_seeds_as_it_is_worked_out() -> None:
    observed = []
    for seeds in (3, 5, 8, 12):
        observed.append(np.mean(compare(differences(1.0, seeds, rng=seeds)).p < 0.05))
        assert observed[-1] == pytest.approx(power(1.0, seeds), abs=0.025)
    assert observed == sorted(observed)


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9])
def test_pairing_shrinks_intervals_as_far_as_seeds_correlate(correlation: float) -> None:
    rng = np.random.default_rng(1)
    shared = rng.normal(0, math.sqrt(correlation), (STUDIES, 5))
    arm, base = (shared + rng.normal(0, math.sqrt(1 - correlation), (STUDIES, 5)) for _ in range(2))
    paired = np.mean(compare(arm - base).estimate.sd ** 2)
    unpaired = np.mean(estimate(arm).sd ** 2 + estimate(base).sd ** 2)
    assert paired / unpaired == pytest.approx(1 - correlation, abs=0.03)


def test_holm_keeps_the_family_wise_level_where_single_tests_do_not() -> None:
    rng = np.random.default_rng(2)
    base = rng.normal(0, 1, (STUDIES, 1, 6))
    arms = rng.normal(0, 1, (STUDIES, 8, 6))
    p = compare(arms - base).p
    assert np.mean((p < 0.05).any(-1)) > 0.15
    assert np.mean((holm(p) < 0.05).any(-1)) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / STUDIES)


def test_holm_keeps_the_level_among_true_nulls_beside_real_effects() -> None:
    rng = np.random.default_rng(3)
    p = compare(rng.normal([[[0.0]], [[0.0]], [[0.0]], [[5.0]]], 1, (4, STUDIES, 5))).p.T
    assert np.mean((holm(p)[:, :3] < 0.05).any(-1)) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / STUDIES)
    assert np.mean(holm(p)[:, 3] < 0.05) > 0.9


@pytest.mark.parametrize("n", [1, 2, 5, 12])
def test_holm_is_what_statsmodels_gives(n: int) -> None:
    p = np.random.default_rng(n).uniform(0, 0.2, n).round(2)  # with ties
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1])


def test_holm_counts_untested_comparisons_out() -> None:
    found = holm([0.03, math.nan, 0.02])
    assert found[[0, 2]] == pytest.approx([0.04, 0.04])
    assert math.isnan(found[1])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-1, 1, width=32), min_size=3, max_size=10), st.floats(-0.1, 0.1))
def test_comparisons_are_what_scipy_gives(values: list[float], shift: float) -> None:
    x = np.array(values) + shift
    if x.std() < 1e-6:
        return
    found, expected = compare(x), stats.ttest_1samp(x, 0.0)
    interval = expected.confidence_interval(0.95)
    assert float(found.p) == pytest.approx(expected.pvalue)
    assert (float(found.estimate.low), float(found.estimate.high)) == pytest.approx((interval.low, interval.high))


@pytest.mark.parametrize("values", [[], [0.3], [0.25, 0.25, 0.25], [0.1 + 0.2, 0.3]])
def test_without_spread_nothing_is_tested(values: list[float]) -> None:
    assert math.isnan(float(compare(values).p))
    assert math.isnan(float(compare(values).effect_size))


def test_power_is_what_statsmodels_gives() -> None:
    for size, seeds, alpha in itertools.product((0.2, 0.8, 2.0), (3, 5, 20), (0.05, 0.01)):
        theirs = TTestPower().power(size, seeds, alpha)
        # theirs underflows to NaN where the effect is certain to be found
        assert power(size, seeds, alpha) == pytest.approx(1.0 if math.isnan(theirs) else theirs, abs=1e-6)


@pytest.mark.parametrize(("size", "seeds", "alpha"), [(5, 3, 0.01), (5, 3, 0.001), (40, 2, 0.001), (2, 20, 0.001)])
def test_power_holds_where_the_lower_tail_underflows(size: float, seeds: int, alpha: float) -> None:
    x = np.random.default_rng(9).normal(size, 1, (20_000, seeds))
    assert np.mean(compare(x).p < alpha) == pytest.approx(power(size, seeds, alpha), abs=0.012)


@pytest.mark.parametrize("alpha", [0.05, 0.01, 0.001])
def test_larger_effects_and_more_seeds_are_found_more_often(alpha: float) -> None:
    sizes = np.geomspace(0.01, 300, 60)
    table = np.array([[power(size, seeds, alpha) for size in sizes] for seeds in (2, 3, 5, 20, 1000)])
    assert (np.diff(table, axis=0) >= -1e-9).all() and (np.diff(table, axis=1) >= -1e-9).all()
    assert ((table >= 0) & (table <= 1)).all()
    needed = [seeds_needed(size, alpha) or 10**6 for size in sizes]
    assert needed == sorted(needed, reverse=True)


@pytest.mark.parametrize("size", [0.1, 0.5, 1.0, 3.0, 40.0])
def test_needed_seeds_are_the_fewest_that_have_the_power(size: float) -> None:
    seeds = seeds_needed(size)
    assert seeds is not None
    assert power(size, seeds) >= 0.8 > power(size, seeds - 1)
    assert detectable(1.0, seeds) <= size * 1.001


def test_needed_seeds_are_not_guessed_where_there_is_no_effect() -> None:
    assert seeds_needed(0.0) is None
    assert seeds_needed(math.nan) is None
    assert math.isnan(detectable(1.0, 1))


LEVELS = {"a": ("a0", "a1"), "b": ("b0", "b1", "b2"), "c": ("c0", "c1")}


def full_factorial(seeds: int) -> tuple[list[dict[str, str]], list[int]]:
    cells = [dict(zip(LEVELS, names, strict=True)) for names in itertools.product(*LEVELS.values())]
    return [cell for _ in range(seeds) for cell in cells], [seed for seed in range(seeds) for _ in cells]


def test_effects_of_a_factorial_are_covered_at_the_nominal_rate_beside_other_effects_and_blocks() -> None:
    runs, seeds = full_factorial(3)
    truth = np.array([0.8 * (r["a"] == "a1") + 0.5 * (r["a"] == "a1") * (r["c"] == "c1") for r in runs])
    rng = np.random.default_rng(4)
    blocks = rng.normal(0, 2, (STUDIES, 3))[:, seeds]
    model = make_model(runs, seeds, LEVELS)
    _, low, high, p, names = contrasts(model, truth + blocks + rng.normal(0, 1, (STUDIES, len(runs))))
    expected = {("a", "a1 - a0"): 1.05, ("c", "c1 - c0"): 0.25, ("a x c", "(a1 - a0) x (c1 - c0)"): 0.25}
    for i, name in enumerate(names):
        value = expected.get(name, 0.0)
        assert 0.93 <= np.mean((low[:, i] <= value) & (value <= high[:, i])) <= 0.97, name
        if value == 0:
            assert np.mean(p[:, i] < 0.05) == pytest.approx(0.05, abs=0.012), name
    assert np.mean((holm(p)[:, [n not in expected for n in names]] < 0.05).any(-1)) <= 0.06


def test_analysis_of_variance_is_what_statsmodels_gives() -> None:
    runs, seeds = full_factorial(3)
    values = np.random.default_rng(5).normal(0, 1, len(runs)) + np.array([r["b"] == "b2" for r in runs])
    found = factorial_effects(runs, seeds, values, LEVELS)
    data = pd.DataFrame([{**run, "seed": seed, "y": y} for run, seed, y in zip(runs, seeds, values, strict=True)])
    fitted = ols("y ~ C(seed) + C(a, Sum) * C(b, Sum) * C(c, Sum)", data).fit()
    table = anova_lm(fitted, typ=3)
    assert found.residual_degrees == table.loc["Residual", "df"]
    for row in found.sources:
        theirs = table.loc[":".join(f"C({name}, Sum)" for name in row.term.split(" x "))]
        assert (row.sum_squares, row.degrees, row.f, row.p) == pytest.approx(
            (theirs["sum_sq"], theirs["df"], theirs["F"], theirs["PR(>F)"])
        )


def test_aliased_effects_of_a_fraction_are_estimated_once_and_named() -> None:
    levels = {name: (f"{name}0", f"{name}1") for name in "abcd"}
    design = plan("fractional", [Levels(name, names, names[0]) for name, names in levels.items()])
    runs = [run for _ in range(2) for run in design.runs]
    seeds = [seed for seed in range(2) for _ in design.runs]
    values = [0.3 * (r["a"] == "a1") + 0.1 * (r["c"][1] == r["d"][1]) for r in runs]
    found = factorial_effects(runs, seeds, np.array(values) + np.random.default_rng(6).normal(0, 1e-4, 16), levels)
    by_term = {effect.term: effect for effect in found.effects}
    assert set(by_term) == {"a", "b", "c", "d", "a x b", "a x c", "a x d"}
    assert by_term["a"].estimate == pytest.approx(0.3, abs=1e-3)
    assert by_term["a x b"].aliases == ("c x d",)
    assert by_term["a x b"].estimate == pytest.approx(0.1, abs=1e-3)


def test_with_one_seed_the_noise_is_what_the_model_leaves_and_none_is_invented() -> None:
    runs, seeds = full_factorial(1)
    values = np.random.default_rng(7).normal(0, 1, len(runs))
    assert factorial_effects(runs, seeds, values, LEVELS).residual_degrees == 2
    saturated = factorial_effects(runs[:4], [0] * 4, values[:4], {"b": ("b0", "b1"), "c": LEVELS["c"]})
    assert len(saturated.effects) == 3
    assert all(math.isnan(effect.p) and math.isnan(effect.low) for effect in saturated.effects)


def test_missing_cells_leave_out_what_cannot_be_estimated() -> None:
    runs, seeds = full_factorial(2)
    kept = [i for i, run in enumerate(runs) if not (run["a"] == "a1" and run["b"] == "b2")]
    values = np.random.default_rng(8).normal(0, 1, len(kept))
    found = factorial_effects([runs[i] for i in kept], [seeds[i] for i in kept], values, LEVELS)
    assert "a x b" in found.missing
    assert {effect.term for effect in found.effects} == {"a", "b", "c", "a x c", "b x c"}
