"""The closed-form evaluator: deterministic, shaped like training, and able to fail and to be slow on demand."""

from __future__ import annotations

import statistics
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixnas.objectives import OBJECTIVES
from mixnas.records import FAILURES, EpochRecord, Fidelity, Job, Problem
from mixnas.toy import capacity, epoch_record, evaluate

AXES = {"width": 64, "depth": 4, "patch_size": 2, "kernel_size": 5, "channel": "overlap", "channel.ratio": "2/3"}
JOB = Job("s", 0, 1, "splitmixer", dict(AXES), Problem.square(8, 1, 10), "digits", Fidelity(8, 0))


def silent(record: EpochRecord) -> None:
    return None


def accuracy(epochs: int = 8, seed: int = 0, **axes: Any) -> float:
    return evaluate(replace(JOB, axes={**AXES, **axes}, fidelity=Fidelity(epochs, seed)), silent).metrics["acc"]


def mean(**arguments: Any) -> float:
    return statistics.fmean(accuracy(seed=seed, **arguments) for seed in range(20))


def test_it_depends_on_axes_seed_and_epoch_alone() -> None:
    other = replace(JOB, study="t", trial=9, attempt=3, dataset="mnist5k", axes=dict(reversed(AXES.items())))
    assert evaluate(JOB, silent) == evaluate(other, silent)
    assert accuracy(seed=1) != accuracy(seed=0)
    longer = evaluate(replace(JOB, fidelity=Fidelity(20, 0)), silent)
    assert longer.curve[:8] == evaluate(JOB, silent).curve


def test_its_values_are_the_same_in_every_process() -> None:
    code = "from tests.training.test_toy import *\nimport sys\nprint(repr(accuracy()), 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [repr(accuracy()), "False"]


def test_capacity_and_epochs_raise_accuracy() -> None:
    assert mean(width=16) < mean(width=64) < mean(width=256)
    assert mean(depth=2) < mean(depth=8) and mean(patch_size=4) < mean(patch_size=1)
    assert mean(epochs=1) < mean(epochs=4) < mean(epochs=30)
    assert 0.1 < mean(width=16, depth=2, epochs=1) < 0.6 < mean(width=256, depth=12, patch_size=1, epochs=60) < 0.996


def test_words_matter_less_than_width() -> None:
    spread = [capacity(replace(JOB, axes={**AXES, "activation": word})) for word in ("gelu", "relu", "silu")]
    assert 0 < max(spread) - min(spread) < 1


def test_seeds_add_the_noise_that_was_asked_for() -> None:
    values = [evaluate(replace(JOB, fidelity=Fidelity(8, s), recipe={"toy_noise": 0.02}), silent) for s in range(300)]
    assert 0.015 < statistics.stdev(value.metrics["acc"] for value in values) < 0.025


def test_a_share_fails_with_real_reasons() -> None:
    found = [
        evaluate(replace(JOB, fidelity=Fidelity(2, seed), recipe={"toy_fail_share": 0.3}), silent)
        for seed in range(400)
    ]
    failed = [measurement for measurement in found if measurement.outcome == "failed"]
    assert 80 < len(failed) < 160
    assert {m.reason for m in failed} <= set(FAILURES) and len({m.reason for m in failed}) == 3
    assert all(not m.metrics and m.detail.startswith("toy: ") for m in failed)


def test_it_takes_the_time_that_was_asked_for() -> None:
    import time

    started = time.perf_counter()
    evaluate(replace(JOB, recipe={"toy_seconds": 0.1}), silent)
    assert time.perf_counter() - started >= 0.1


@pytest.mark.parametrize("task", ["classification", "segmentation", "super_resolution"])
def test_it_knows_every_task(task: Any) -> None:
    job = replace(JOB, problem=Problem.square(16, 3, 5, task))
    wanted = {o.name for o in OBJECTIVES.values() if o.kind == "learned" and o.task in (None, task)}
    assert wanted <= set(evaluate(job, silent).metrics)


@settings(deadline=None)
@given(
    width=st.integers(1, 4096),
    word=st.text(max_size=5),
    epoch=st.integers(1, 500),
    seed=st.integers(0, 2**31),
)
def test_accuracy_stays_between_0_and_1(width: int, word: str, epoch: int, seed: int) -> None:
    job = replace(JOB, axes={"width": width, "kind": word, "on": True, "rate": 0.5}, fidelity=Fidelity(1, seed))
    assert 0 <= epoch_record(job, epoch).metrics["acc"] <= 1
