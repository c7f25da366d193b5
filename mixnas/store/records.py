"""Records that only the store speaks of, and the errors that callers of the store catch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mixnas.errors import StoreError, UnknownName, UsageError

AttemptState = Literal["running", "paused", "finished", "failed", "interrupted", "lost"]
"""`paused` came to a rung; `interrupted` ended on purpose; `lost` was taken over after its owner went silent. The last
two leave the trial running."""


@dataclass(frozen=True)
class StudyRecord:
    """A study as it was created: its description, its space and the machine, all plain data."""

    name: str
    spec: Mapping[str, Any]
    space: Mapping[str, Any]
    environment: Mapping[str, Any]
    created_at: str = ""


@dataclass(frozen=True)
class Attempt:
    """One go at a trial. `number` counts from 1; only the newest attempt of a trial may write."""

    study: str
    trial: int
    number: int
    owner: str
    lease_until: str
    state: AttemptState
    reason: str = ""
    detail: str = ""
    traceback: str = ""
    device: str = ""
    started_at: str = ""
    finished_at: str = ""


@dataclass(frozen=True)
class DeviceMeasurement:
    """A value measured after a search, such as latency on one device. `spread` is NaN when nothing is known of it."""

    digest: str
    problem_key: str
    name: str
    value: float
    spread: float = math.nan
    device: str = "cpu"
    environment: Mapping[str, Any] = field(default_factory=dict)
    at: str = ""


@dataclass(frozen=True)
class Export:
    """A trial's config was written to `path`."""

    study: str
    trial: int
    path: str
    at: str = ""


@dataclass(frozen=True)
class TestRead:
    """The test set of a data set was read once, for the model of that digest."""

    __test__ = False  # not a test case, whatever pytest makes of the name

    digest: str
    dataset: str
    split_seed: int
    metrics: Mapping[str, float]
    path: str = ""
    at: str = ""


class UnknownTrial(UnknownName):
    """A trial number that the study does not have."""

    def __init__(self, study: str, number: int, last: int | None) -> None:
        have = "it has no trials yet" if last is None else f"its trials are numbered 0 to {last}"
        UsageError.__init__(self, f"unknown trial {number} of study {study!r}", hint=have)
        self.kind = "trial"
        self.name = str(number)


class DuplicateTrial(StoreError):
    """The study already has a trial of that architecture at that fidelity and seed; maybe another driver took it."""


class TrialTaken(StoreError):
    """Another attempt holds the trial or has ended it, so this one may not write any more."""


class FrontMoved(StoreError):
    """Another driver has finished a trial since this one looked: the front is to be worked out again."""


class EnoughTrials(StoreError):
    """Other drivers of the study have begun the last of the trials that were asked for."""
