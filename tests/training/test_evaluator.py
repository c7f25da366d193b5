"""What the train evaluator makes of a job, failures included, and what it may read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

import mixnas.data
from mixnas.data import splits as splits_module
from mixnas.errors import UnknownName, UsageError
from mixnas.evaluator import evaluate
from mixnas.evaluators import EVALUATORS, load_evaluator, run
from mixnas.models.families.splitmixer import FAMILY
from mixnas.records import EpochRecord, Fidelity, Job, Measurement, Problem

JOB = Job(
    study="s",
    trial=0,
    attempt=1,
    family="splitmixer",
    axes=FAMILY.tiny,
    problem=Problem.square(8, 1, 10),
    dataset="digits",
    fidelity=Fidelity(epochs=2, seed=0),
)


def silent(record: EpochRecord) -> None:
    return None


def without_time(measurement: Measurement) -> Any:
    curve = tuple(replace(record, seconds=0.0) for record in measurement.curve)
    metrics = {name: value for name, value in measurement.metrics.items() if name != "train_seconds"}
    return replace(measurement, curve=curve, metrics=metrics, seconds=0.0)


def test_a_job_is_measured() -> None:
    seen: list[EpochRecord] = []
    found = evaluate(JOB, seen.append)
    assert found.outcome == "finished" and found.curve == tuple(seen) and len(seen) == 2
    assert set(found.metrics) == {"acc", "error", "train_seconds"}
    assert found.metrics["acc"] == seen[-1].metrics["acc"] > 0.15
    assert found.metrics["train_seconds"] == pytest.approx(sum(record.seconds for record in seen))
    assert found.seconds >= found.metrics["train_seconds"]


def test_the_same_job_gives_the_same_curve() -> None:
    assert without_time(evaluate(JOB, silent)) == without_time(evaluate(JOB, silent))
    torch.rand(3)
    again = without_time(evaluate(replace(JOB, study="other", trial=7), silent))
    assert again == without_time(evaluate(JOB, silent))
    assert again != without_time(evaluate(replace(JOB, fidelity=Fidelity(2, 1)), silent))


def test_it_never_reads_the_test_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reader is asked for one part only, and a test part that cannot be read changes nothing."""
    expected = without_time(evaluate(JOB, silent))
    splits_module.splits.cache_clear()
    asked: list[str] = []
    read = splits_module.read

    def watched(entry: Any, part: str, *rest: Any) -> Any:
        asked.append(part)
        assert part != "test", "the evaluator opened the test part"
        return read(entry, part, *rest)

    monkeypatch.setattr(splits_module, "read", watched)
    monkeypatch.setattr(mixnas.data, "load_test", None)
    assert without_time(evaluate(JOB, silent)) == expected
    assert asked == ["search"]


def test_the_validation_images_are_not_trained_on(monkeypatch: pytest.MonkeyPatch) -> None:
    from mixnas import evaluator

    kept: dict[str, Any] = {}
    fit = evaluator.fit
    monkeypatch.setattr(
        evaluator, "fit", lambda t, v, r, **more: (kept.update(training=t, validation=v), fit(t, v, r, **more))[1]
    )
    evaluate(JOB, silent)
    trained = {image.numpy().tobytes() for image in kept["training"].train.images}
    assert not trained & {image.numpy().tobytes() for image in kept["validation"].images}


def test_a_loss_that_is_not_finite_is_an_outcome() -> None:
    found = run(replace(JOB, recipe={"lr": 1e30, "clip_norm": 0.0}), silent)
    assert (found.outcome, found.reason, dict(found.metrics), found.curve) == ("failed", "non_finite_loss", {}, ())
    assert found.detail == "the loss became NaN or infinite in epoch 1, by step 33"


def test_an_exception_is_an_outcome_with_its_traceback() -> None:
    found = run(replace(JOB, axes={**JOB.axes, "width": -4}), silent)
    assert (found.outcome, found.reason) == ("failed", "exception")
    assert found.detail.startswith("ConfigError: splitmixer: width must be") and "\n" not in found.detail
    assert "Traceback" in found.traceback and "splitmixer.py" in found.traceback


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory"),
        torch.AcceleratorError("CUDA error: out of memory\nCUDA kernel errors might be reported later"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    ],
)
def test_running_out_of_memory_is_an_outcome(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*arguments: Any, **named: Any) -> None:
        raise error

    monkeypatch.setattr("mixnas.evaluator.fit", fails)
    assert run(JOB, silent).reason == "out_of_memory"


def test_a_real_allocation_that_fails_is_out_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mixnas.evaluator.fit", lambda *arguments, **named: torch.empty(2**50))
    assert run(JOB, silent).reason == "out_of_memory"


@pytest.mark.parametrize("error", [ValueError("mine"), KeyboardInterrupt()])
def test_what_report_raises_passes_through(error: BaseException) -> None:
    def report(record: EpochRecord) -> None:
        raise error

    with pytest.raises(type(error)):
        run(JOB, report)


def test_an_unknown_recipe_field_is_an_outcome_that_names_it() -> None:
    assert "unknown recipe field 'learning_rate'" in run(replace(JOB, recipe={"learning_rate": 1}), silent).detail


def test_evaluators_by_name() -> None:
    assert load_evaluator("train") is evaluate
    assert load_evaluator("mixnas.evaluator:evaluate") is evaluate
    assert all(callable(load_evaluator(name)) for name in EVALUATORS)


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("trian", UnknownName, "unknown evaluator 'trian'.*did you mean 'train'"),
        ("no.such.module:f", UsageError, "evaluator 'no.such.module:f': No module named 'no'"),
        ("mixnas.evaluator:nothing", UsageError, "has no attribute 'nothing'.*package.module:function"),
        (":f", UsageError, "evaluator ':f'"),
    ],
)
def test_evaluators_that_do_not_exist(name: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        load_evaluator(name)
