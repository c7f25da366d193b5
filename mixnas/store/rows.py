"""Rows to records and back. JSON holds no NaN and no infinity: such numbers are kept as text."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row

from mixnas.records import Baseline, Decision, EpochRecord, Fidelity, FrontPoint, Replicate, Trial
from mixnas.store.records import Attempt, DeviceMeasurement, Export, StudyRecord, TestRead


def pack(numbers: Mapping[str, float]) -> dict[str, float | str]:
    """Numbers as JSON can hold them.

    >>> pack({"acc": 0.5, "loss": float("nan"), "psnr": float("inf")})
    {'acc': 0.5, 'loss': 'nan', 'psnr': 'inf'}
    """
    return {k: float(v) if math.isfinite(v) else str(float(v)) for k, v in numbers.items()}


def unpack(data: Mapping[str, float | str]) -> dict[str, float]:
    """The inverse of `pack`."""
    return {k: float(v) for k, v in data.items()}


def finite(what: str, numbers: Mapping[str, float]) -> dict[str, float]:
    """The numbers as plain floats.

    Raises:
        ValueError: one is NaN or infinite; it would sit on the front for ever.
    """
    for name, value in numbers.items():
        if not math.isfinite(value):
            raise ValueError(f"{what}: {name}={value} is not finite; record the trial as failed instead")
    return {k: float(v) for k, v in numbers.items()}


def plain(text: str) -> str:
    """Text that any database can hold: NUL and undecodable bytes, as in a file's odd name, are spelled out."""
    return text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode("utf-8")


def study_record(row: Row[Any]) -> StudyRecord:
    """A row of `mixnas_studies`."""
    return StudyRecord(row.name, row.spec, row.space, row.environment, row.created_at)


def trial(row: Row[Any]) -> Trial:
    """A row of `mixnas_trials` with the `axes` of its architecture."""
    return Trial(
        study=row.study,
        number=row.number,
        digest=row.digest,
        axes=row.axes,
        state=row.state,
        values=row._mapping["values"],  # a row's own `values` is a method
        fidelity=Fidelity(row.epochs, row.seed),
        source=row.source,
        reason=row.reason,
        detail=row.detail,
        attempts=row.attempts,
        started_at=row.created_at,
        finished_at=row.finished_at,
        seconds=row.seconds,
    )


def curve_column(points: Sequence[EpochRecord]) -> list[list[Any]]:
    """A whole learning curve in one JSON column."""
    return [[p.epoch, *pack({"loss": p.train_loss, "seconds": p.seconds}).values(), pack(p.metrics)] for p in points]


def curve(column: Sequence[Sequence[Any]]) -> tuple[EpochRecord, ...]:
    """The inverse of `curve_column`."""
    return tuple(EpochRecord(number, float(loss), unpack(m), float(s)) for number, loss, s, m in column)


def replicate_row(study: str, found: Replicate) -> dict[str, Any]:
    """The columns of `mixnas_replicates`."""
    return {
        "study": study,
        "trial": found.trial,
        "seed": found.seed,
        "state": found.state,
        "values": finite(f"replicate of trial {study}/{found.trial}", found.values),
        "curve": curve_column(found.curve),
        "reason": found.reason,
        "detail": plain(found.detail),
        "seconds": found.seconds,
    }


def replicate(row: Row[Any]) -> Replicate:
    """A row of `mixnas_replicates`."""
    return Replicate(
        row.trial,
        row.seed,
        row.state,
        row._mapping["values"],
        curve(row.curve),
        row.reason,
        row.detail,
        row.seconds,
        row.at,
    )


def decision_row(study: str, found: Decision) -> dict[str, Any]:
    """The columns of `mixnas_decisions` but for the time."""
    return {
        "study": study,
        "trial": found.trial,
        "rung": found.rung,
        "epochs": found.epochs,
        "rank": found.rank,
        "of": found.of,
        "action": found.action,
    }


def decision(row: Row[Any]) -> Decision:
    """A row of `mixnas_decisions`."""
    return Decision(row.trial, row.rung, row.epochs, row.rank, row.of, row.action, row.at)


def baseline_row(study: str, found: Baseline) -> dict[str, Any]:
    """The columns of `mixnas_baselines`."""
    return {
        "study": study,
        "name": found.name,
        "family": found.family,
        "axes": found.axes,
        "state": found.state,
        "values": finite(f"baseline {found.name}", found.values),
        "epochs": found.fidelity.epochs,
        "seed": found.fidelity.seed,
        "curve": curve_column(found.curve),
        "reason": found.reason,
        "detail": plain(found.detail),
        "seconds": found.seconds,
    }


def baseline(row: Row[Any]) -> Baseline:
    """A row of `mixnas_baselines`."""
    return Baseline(
        name=row.name,
        family=row.family,
        axes=row.axes,
        state=row.state,
        values=row._mapping["values"],
        fidelity=Fidelity(row.epochs, row.seed),
        curve=curve(row.curve),
        reason=row.reason,
        detail=row.detail,
        seconds=row.seconds,
        at=row.at,
    )


def attempt(row: Row[Any]) -> Attempt:
    """A row of `mixnas_attempts`."""
    return Attempt(
        study=row.study,
        trial=row.trial,
        number=row.attempt,
        owner=row.owner,
        lease_until=row.lease_until,
        state=row.state,
        reason=row.reason,
        detail=row.detail,
        traceback=row.traceback,
        device=row.device,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )


def epoch(row: Row[Any]) -> EpochRecord:
    """A row of `mixnas_curves`."""
    return EpochRecord(row.epoch, row.train_loss, unpack(row.metrics), row.seconds)


def epoch_row(study: str, number: int, attempt: int, record: EpochRecord) -> dict[str, Any]:
    """A point of a learning curve as a row of `mixnas_curves`."""
    return {
        "study": study,
        "trial": number,
        "epoch": record.epoch,
        "attempt": attempt,
        "train_loss": record.train_loss,
        "metrics": pack(record.metrics),
        "seconds": record.seconds,
    }


def front_row(study: str, point: FrontPoint, at: str) -> dict[str, Any]:
    """The columns of `mixnas_fronts`."""
    row = {"study": study, "finished": point.finished, "trial": point.trial, "hypervolume": point.hypervolume}
    return row | {"members": [int(m) for m in point.members], "at": at}


def front_point(row: Row[Any]) -> FrontPoint:
    """A row of `mixnas_fronts`."""
    return FrontPoint(row.trial, row.finished, row.hypervolume, tuple(row.members), row.at)


def measurement(row: Row[Any]) -> DeviceMeasurement:
    """A row of `mixnas_measurements`."""
    return DeviceMeasurement(
        row.digest, row.problem, row.name, row.value, row.spread, row.device, row.environment, row.at
    )


def export(row: Row[Any]) -> Export:
    """A row of `mixnas_exports`."""
    return Export(row.study, row.trial, row.path, row.at)


def test_read(row: Row[Any]) -> TestRead:
    """A row of `mixnas_test_reads`."""
    return TestRead(row.digest, row.dataset, row.split_seed, unpack(row.metrics), row.path, row.at)
