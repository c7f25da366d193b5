"""The store: studies, trials, curves and fronts in tables of our own beside Optuna's. Only this package speaks SQL."""

from mixnas.store.moving import Merged
from mixnas.store.records import (
    Attempt,
    DeviceMeasurement,
    DuplicateTrial,
    Export,
    StudyRecord,
    TestRead,
    TrialTaken,
    UnknownTrial,
)
from mixnas.store.store import Store

__all__ = [
    "Attempt",
    "DeviceMeasurement",
    "DuplicateTrial",
    "Export",
    "Merged",
    "Store",
    "StudyRecord",
    "TestRead",
    "TrialTaken",
    "UnknownTrial",
]
