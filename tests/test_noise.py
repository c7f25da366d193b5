"""What seeds tell of a front, against the definition worked out again and against simulated studies."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mixnas.noise import from_scale, near_limit, near_members, noise_report, to_scale
from mixnas.objectives import OBJECTIVES, Objective, parse_objectives
from mixnas.pareto import front
from mixnas.records import Fidelity, Replicate, Trial

ACC_PARAMS = parse_objectives("acc,params")


def trial(number: int, acc: float, params: float, **more: float) -> Trial:
    values = {"acc": acc, "params": params, **more}
    return Trial("s", number, f"{number:016x}", {"width": number}, "finished", values, Fidelity(1, 0))


def replicates(number: int, accs: Sequence[float], params: float) -> list[Replicate]:
    return [Replicate(number, seed, "finished", {"acc": a, "params": params}) for seed, a in enumerate(accs, 1)]


Study = list[tuple[int, list[float]]]
"""For each architecture its parameters and its accuracy with each seed."""


def stored(study: Study) -> tuple[list[Trial], list[Replicate]]:
    trials = [trial(n, accs[0], params) for n, (params, accs) in enumerate(study)]
    return trials, [one for n, (params, accs) in enumerate(study) for one in replicates(n, accs[1:], params)]


studies = st.lists(
    st.tuples(st.integers(1, 5), st.lists(st.integers(300, 359).map(lambda k: k / 359), min_size=1, max_size=4)),
    min_size=1,
    max_size=7,
)


@settings(max_examples=300)
@given(studies)
def test_flags_and_front_agree_with_the_definition(study: Study) -> None:
    report = noise_report(*stored(study), ACC_PARAMS)
    several = {n: (params, accs) for n, (params, accs) in enumerate(study) if len(accs) > 1}
    if not several:
        assert report is None
        return
    assert report is not None and {one.number for one in report.repeated} == set(several)
    angles = {n: np.arcsin(np.sqrt(accs)) for n, (_, accs) in several.items()}
    df = sum(len(a) - 1 for a in angles.values())
    sd = math.sqrt(sum(((a - a.mean()) ** 2).sum() for a in angles.values()) / df)
    # The mean of equal shares of right answers is the same number, however it came about.
    mean = {n: round(float(np.mean(accs)), 9) for n, (_, accs) in several.items()}
    for one in report.repeated:
        params, accs = several[one.number]
        rivals = set()
        for n, (price, others) in several.items():
            lead = math.asin(math.sqrt(mean[one.number])) - math.asin(math.sqrt(mean[n]))
            margin = stats.t.ppf(0.975, df) * sd * math.sqrt(1 / len(accs) + 1 / len(others))
            if n != one.number and price <= params and lead <= margin + 1e-9:
                rivals.add(n)
        assert set(one.rivals) == rivals and bool(one.flag) == bool(rivals)
        low, high = one.intervals["acc"]
        assert low <= mean[one.number] + 1e-9 and mean[one.number] <= high + 1e-9
        beaten = any(
            price <= params and mean[n] >= mean[one.number] and (price < params or mean[n] > mean[one.number])
            for n, (price, _) in several.items()
        )
        assert (one in report.members) is not beaten


@settings(max_examples=200)
@given(studies)
def test_near_members_agree_with_the_definition(study: Study) -> None:
    trials, others = stored(study)
    members = {t.number for t in front(trials, ACC_PARAMS)}
    angles = {n: np.arcsin(np.sqrt(accs)) for n, (_, accs) in enumerate(study) if n in members and len(accs) > 1}
    found = [t.number for t in near_members(trials, others, ACC_PARAMS)]
    if not angles:
        assert found == []
        return
    df = sum(len(a) - 1 for a in angles.values())
    sd = math.sqrt(sum(((a - a.mean()) ** 2).sum() for a in angles.values()) / df)
    expected = set()
    for n, (params, accs) in enumerate(study):
        leads = [
            math.asin(math.sqrt(np.mean(theirs))) - math.asin(math.sqrt(accs[0]))
            - stats.t.ppf(0.975, df) * sd * math.sqrt(1 + 1 / len(theirs))
            for m, (price, theirs) in enumerate(study)
            if m in members and price <= params
        ]  # fmt: skip
        if n not in members and all(lead <= 1e-12 for lead in leads):
            expected.add(n)
    assert set(found) == expected


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_intervals_cover_and_a_clear_member_is_rarely_a_mistake(seeds: int) -> None:
    """Right answers of 359 images, from 80 % to 99.5 %: the noise of real trainings (`check_noise.py`)."""
    rng, covered, intervals, clear, pairs = np.random.default_rng(seeds), 0, 0, 0, 0
    true = [0.8, 0.9, 0.95, 0.95, 0.97, 0.99, 0.99, 0.995]  # trials 3 and 6 are no better than a cheaper one
    for _ in range(400):
        study: Study = [(n, (rng.binomial(359, p, seeds) / 359).tolist()) for n, p in enumerate(true)]
        report = noise_report(*stored(study), ACC_PARAMS)
        assert report is not None
        for one in report.repeated:
            low, high = one.intervals["acc"]
            covered, intervals = covered + (low <= true[one.number] <= high), intervals + 1
            if one.number in (3, 6):
                clear, pairs = clear + (one.number - 1 not in one.rivals), pairs + 1
    assert 0.92 <= covered / intervals <= 0.975
    assert clear / pairs <= 0.045


def test_a_lucky_member_falls_and_the_luck_is_told() -> None:
    study = [(100, [0.95, 0.95, 0.951]), (200, [0.97, 0.93, 0.93]), (300, [0.96, 0.98, 0.981])]
    report = noise_report(*stored(study), ACC_PARAMS)
    assert report is not None
    assert [one.number for one in report.members] == [0, 2] and report.fallen == {1: 0}
    assert report.luck["acc"] == pytest.approx(((0.95 - 0.9505) + (0.97 - 0.93)) / 2)
    assert report.members[1].trial.values == {"acc": pytest.approx(0.9736667, abs=1e-6), "params": 300}


def test_members_with_one_seed_are_named_and_failed_seeds_counted() -> None:
    trials, others = stored([(100, [0.90, 0.91]), (200, [0.99])])
    others += [Replicate(0, 2, "failed", {}, reason="exception"), Replicate(7, 1, "finished", {"acc": 0.5})]
    report = noise_report(trials, others, ACC_PARAMS)
    assert report is not None
    assert (report.single, [(m.number, m.seeds, m.failed) for m in report.members]) == ((1,), [(0, 2, 1)])


def test_seeds_that_all_agree_leave_ties_alone() -> None:
    report = noise_report(*stored([(100, [0.9, 0.9]), (200, [0.91, 0.91]), (200, [0.91, 0.91])]), ACC_PARAMS)
    assert report is not None
    assert {one.number: one.rivals for one in report.members} == {0: (), 1: (2,), 2: (1,)}
    assert [one.flag for one in report.members] == ["", "within noise of trial 2", "within noise of trial 1"]


def test_without_noise_there_is_no_report() -> None:
    trials, others = stored([(100, [0.9, 0.91])])
    assert noise_report(trials, [], ACC_PARAMS) is None
    assert noise_report(trials, others, parse_objectives("params")) is None
    assert near_members(trials, others, parse_objectives("params")) == []


def test_a_member_that_is_clearly_better_in_one_measured_objective_is_clear() -> None:
    both = parse_objectives("acc,error,params")
    trials = [trial(n, acc, 100, error=1 - acc) for n, acc in enumerate((0.90, 0.97))]
    others = [Replicate(t.number, 1, "finished", t.values) for t in trials]
    report = noise_report(trials, others, both)
    assert report is not None and [one.rivals for one in report.members] == [()]


@given(st.sampled_from([OBJECTIVES[n] for n in ("acc", "error", "ssim", "psnr", "latency")]), st.floats(1e-6, 1.0))
def test_scales_have_inverses(objective: Objective, value: float) -> None:
    assert from_scale(objective, to_scale(objective, value)) == pytest.approx(value)


def test_the_number_of_near_members_is_bounded() -> None:
    assert [near_limit(n) for n in (1, 5, 20)] == [5, 5, 20]
