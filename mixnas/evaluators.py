"""What can measure a job, in one table. Torch-free: an evaluator's module is loaded when it is asked for."""

from __future__ import annotations

import importlib
import time
import traceback
from collections.abc import Callable
from typing import TypeAlias

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
    """Runs a job's evaluator. Whatever it raises becomes a failed measurement; what `report` raises passes through."""
    started = time.perf_counter()
    curve: list[EpochRecord] = []
    outside: list[BaseException] = []

    def keep_and_report(record: EpochRecord) -> None:
        curve.append(record)
        try:
            report(record)
        except BaseException as error:
            outside.append(error)
            raise

    try:
        return load_evaluator(job.evaluator)(job, keep_and_report)
    except Exception as error:
        if outside:
            raise
        return failure(error, job, tuple(curve), time.perf_counter() - started)


def failure(error: Exception, job: Job, curve: tuple[EpochRecord, ...], seconds: float) -> Measurement:
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


def _reason(error: Exception) -> str:
    """One of the words of `mixnas.records.FAILURES`. By name, since torch is not imported here."""
    name = type(error).__name__
    if name == "NonFiniteLoss":
        return "non_finite_loss"
    # torch's CPU allocator raises a plain RuntimeError.
    if name == "OutOfMemoryError" or isinstance(error, MemoryError) or "can't allocate memory" in str(error):
        return "out_of_memory"
    return "exception"
