"""What can measure a job, in one table. Torch-free: an evaluator's module is loaded when it is asked for."""

from __future__ import annotations

import importlib
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import replace
from numbers import Real
from typing import TypeAlias, get_args, get_type_hints

from mixnas.errors import UnknownName, UsageError
from mixnas.records import EpochRecord, Job, Measurement

Report: TypeAlias = Callable[[EpochRecord], None]
"""Called after each epoch. Whatever it raises ends the training and passes through to the caller."""

Evaluator: TypeAlias = Callable[[Job, Report], Measurement]

EVALUATORS: dict[str, str] = {
    "train": "mixnas.evaluator:evaluate",
    "toy": "mixnas.toy:evaluate",
}
"""Name to `package.module:function`."""


_OUTCOMES: tuple[str, ...] = get_args(get_type_hints(Measurement)["outcome"])
_NO_MEMORY = ("can't allocate memory", "CUDA error: out of memory", "CUBLAS_STATUS_ALLOC_FAILED")


def load_evaluator(name: str) -> Evaluator:
    """The evaluator of a name in the table, of `table:NAME|FILE`, or of `package.module:function`.

    Raises:
        UnknownName: the name is in no table, or there is no such table of trainings.
        UsageError: the module cannot be imported, or has no such function; the file is no table.
    """
    if name.startswith("table:"):
        from mixnas.table.replay import table_evaluator

        return table_evaluator(name)
    if ":" not in name and name not in EVALUATORS:
        raise UnknownName("evaluator", name, [*EVALUATORS, "table:NAME", "package.module:function"])
    target = EVALUATORS.get(name, name)
    module, _, function = target.partition(":")
    try:
        found: Evaluator = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise UsageError(f"evaluator {name!r}: {error}", hint="write it as package.module:function") from error
    return found


def run(job: Job, report: Report) -> Measurement:
    """Runs a job's evaluator. Whatever it raises becomes a failed measurement; what `report` raises passes through.

    So does a call of `sys.exit` in it, and an answer that is no measurement of plain numbers: it could not be stored.
    """
    started = time.perf_counter()
    curve: list[EpochRecord] = []
    outside: list[BaseException] = []

    def keep_and_report(record: EpochRecord) -> None:
        record = replace(record, metrics=_numbers(record.metrics))
        curve.append(record)
        try:
            report(record)
        except BaseException as error:
            outside.append(error)
            raise

    try:
        return _checked(load_evaluator(job.evaluator)(job, keep_and_report))
    except (Exception, SystemExit) as error:
        if outside:
            raise
        return failure(error, job, tuple(curve), time.perf_counter() - started)


def _checked(found: object) -> Measurement:
    """What an evaluator has answered; its numbers as Python's own."""
    if not isinstance(found, Measurement):
        raise TypeError(f"the evaluator has to return a Measurement, not {type(found).__name__}")
    if found.outcome not in _OUTCOMES:
        raise ValueError(f"the evaluator's outcome is {found.outcome!r}, not one of {', '.join(_OUTCOMES)}")
    return replace(found, metrics=_numbers(found.metrics))


def _numbers(metrics: Mapping[str, object]) -> dict[str, float]:
    wrong = [name for name, value in metrics.items() if not isinstance(value, Real)]
    if wrong:
        raise TypeError(f"the evaluator's metric {wrong[0]!r} is a {type(metrics[wrong[0]]).__name__}, not a number")
    return {name: float(value) for name, value in metrics.items() if isinstance(value, Real)}


def failure(error: BaseException, job: Job, curve: tuple[EpochRecord, ...], seconds: float) -> Measurement:
    """The measurement of a training that ended with an error."""
    first_line = (str(error) or type(error).__name__).strip().splitlines()[0]
    reason = _reason(error)
    return Measurement(
        outcome="failed",
        curve=curve,
        seconds=seconds,
        device=job.device,
        reason=reason,
        detail=f"{type(error).__name__}: {first_line}" if reason == "exception" else first_line,
        traceback="".join(traceback.format_exception(error)),
    )


def _reason(error: BaseException) -> str:
    """One of the words of `mixnas.records.FAILURES`. By name, since torch is not imported here."""
    name, text = type(error).__name__, str(error)
    if name == "NonFiniteLoss":
        return "non_finite_loss"
    if name == "OutOfMemoryError" or isinstance(error, MemoryError):
        return "out_of_memory"
    # torch's CPU allocator and CUDA's libraries raise a plain RuntimeError, or one of torch's own classes of it.
    if isinstance(error, RuntimeError) and any(word in text for word in _NO_MEMORY):
        return "out_of_memory"
    return "exception"
