"""The benchmark with real trainings: its arithmetic, and each of its two sides for a moment."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest

from mixnas.space import load_space
from studies.benchmarks.real import compare
from studies.benchmarks.real.plain_optuna_digits import cannot_be_built, define_model

REFERENCE = {"acc": 0.0, "params": 1e4}


def script() -> compare.Script:
    values = [{"acc": 0.5, "params": 100.0}, {"acc": 0.5, "params": 100.0}, {"acc": 0.9, "params": 100.0}]
    return compare.Script([3.0, 5.0, 9.0], [2.0, 2.0, 4.0], values, [False, True, False])


def test_repeats_take_time_and_bring_nothing() -> None:
    assert script().curve(REFERENCE) == [
        (3.0, pytest.approx(1.0)),
        (5.0, pytest.approx(1.0)),
        (9.0, pytest.approx(1.8)),
    ]
    assert [seconds for seconds, _ in script().curve(REFERENCE, with_repeats=False)] == [3.0, 3.0, 7.0]


def test_a_run_that_never_got_there_is_told_as_more() -> None:
    curve = script().curve(REFERENCE)
    assert compare.seconds_to(curve, 1.5) == 9.0 and compare.seconds_to(curve, 2.0) == float("inf")
    rows = [compare._row("plain Optuna", curve, 1.8), compare._row("mixnas search", curve[:1], 1.8)]
    text = compare.table({"target": 1.8, "trainings": 3, "repeats": 1, "epochs": 8, "seed": 0, "runs": rows})
    assert "| plain Optuna | 9.0 | 1.00 | 3 | 1.8000 |" in text
    assert "| mixnas search | > 3.0 | > 0.33 | 1 | 1.0000 |" in text


def test_the_script_draws_from_the_same_space() -> None:
    space = load_space("splitmixer").given(image_size=8, in_channels=1, num_classes=10, task="classification")
    study, taken = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0)), 0
    for _ in range(300):
        trial = study.ask()
        try:
            axes = define_model(trial)
        except optuna.TrialPruned:
            continue
        taken += 1
        assert not cannot_be_built(axes) and not space.explain(space.canonical(axes))
    assert taken > 20


@pytest.mark.slow
def test_both_sides_run(tmp_path: Path) -> None:
    found = compare.run_script(2, 1, 0, tmp_path)
    assert len(found.values) == 2 and found.ended == sorted(found.ended) and not found.repeats[0]
    flags = ("--evaluator", "toy", "--trials", "6", "--workers", "1")
    curve, reference = compare.run_search(flags, 1, 0, tmp_path)
    assert len(curve) == 6 and 0 < curve[0][0] <= curve[-1][0] and reference["acc"] == 0.0
    assert found.curve(reference)[-1][1] > 0
