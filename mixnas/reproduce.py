"""Trains a stored trial once more, alone, and compares what comes out with what the store holds."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mixnas.environment import environment
from mixnas.errors import UsageError
from mixnas.evaluators import Report, run
from mixnas.records import EpochRecord, Job, Measurement, Problem, Trial
from mixnas.store import Store
from mixnas.study import StudySpec

TOLERANCE = 1e-6
"""Largest relative difference that is floating-point noise: sums in another order, on another CPU."""

FINAL = ("finished", "failed", "stopped")


@dataclass(frozen=True)
class Replay:
    """A trial beside its repetition."""

    trial: Trial
    stored: tuple[EpochRecord, ...]
    again: Measurement
    difference: float
    """Largest relative difference of a loss or a metric at any epoch; infinite where the curves differ in kind."""
    where: str
    """The place of that difference: `epoch 3, acc: 0.91 stored, 0.93 now`."""
    changed: tuple[str, ...]
    """What is different about the machine, one line each; timings may then differ, and the last digits."""

    @property
    def same(self) -> bool:
        """Whether the stored result has been reproduced."""
        return self.difference <= TOLERANCE


def replay(store: Store, study: str, number: int, report: Report = lambda record: None) -> Replay:
    """Trains the trial as far as it was trained and compares curve and outcome; the store is only read.

    Raises:
        UnknownName: there is no such study or trial.
        UsageError: the trial has not come to its end.
    """
    trial = store.trial(study, number)
    if trial.state not in FINAL:
        raise UsageError(f"trial {study}/{number} is {trial.state}", hint="only a trial that has ended can be replayed")
    record = store.study(study)
    stored = store.curve(study, number)
    again = run(_job(trial, record.spec, len(stored)), report)
    difference, where = _compare(trial, stored, again)
    return Replay(trial, stored, again, difference, where, tuple(_changes(record.environment, environment())))


def _job(trial: Trial, stored: Mapping[str, Any], epochs: int) -> Job:
    """The job that trains the trial for as many epochs as it was trained, and keeps no checkpoint."""
    spec = StudySpec.from_dict(stored)
    partial = trial.state == "stopped" and epochs < trial.fidelity.epochs
    return Job(
        study=trial.study,
        trial=trial.number,
        attempt=1,
        family=str(stored["family"]),
        axes=trial.axes,
        problem=Problem.from_key(str(stored["problem"])),
        dataset=spec.dataset,
        fidelity=trial.fidelity,
        recipe=spec.recipe.to_dict(),
        split_seed=spec.split_seed,
        data_dir=spec.data_dir,
        evaluator=spec.evaluator,
        until=epochs if partial else 0,
    )


def _compare(trial: Trial, stored: Sequence[EpochRecord], again: Measurement) -> tuple[float, str]:
    failed = "failed" if again.outcome == "failed" else "finished"
    expected = "failed" if trial.state == "failed" else "finished"
    if (failed, again.reason) != (expected, trial.reason if expected == "failed" else ""):
        return math.inf, f"it {expected} {trial.reason}".rstrip() + f", and now {failed} {again.reason}".rstrip()
    if len(stored) != len(again.curve):
        return math.inf, f"{len(stored)} epochs stored, {len(again.curve)} now"
    return max(_differences(stored, again.curve), default=(0.0, ""))


def _differences(stored: Sequence[EpochRecord], again: Sequence[EpochRecord]) -> Iterator[tuple[float, str]]:
    for old, new in zip(stored, again, strict=True):
        pairs = {"train_loss": (old.train_loss, new.train_loss)}
        pairs |= {name: (value, new.metrics.get(name, math.nan)) for name, value in old.metrics.items()}
        for name, (before, now) in pairs.items():
            equal = before == now or (math.isnan(before) and math.isnan(now))
            apart = 0.0 if equal else abs(before - now) / max(abs(before), abs(now), 1e-12)
            difference = math.inf if math.isnan(apart) else apart
            yield difference, f"epoch {old.epoch}, {name}: {before:.6g} stored, {now:.6g} now"


def _changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted(before.keys() & now.keys()):
        if isinstance(before[name], Mapping) and isinstance(now[name], Mapping):
            yield from _changes(before[name], now[name])
        elif before[name] != now[name]:
            yield f"{name}: {before[name]} then, {now[name]} now"
