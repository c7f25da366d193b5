"""The store: studies, trials, curves and fronts in tables of our own beside Optuna's. Only this package speaks SQL."""

from mixnas.store.moving import Merged
from mixnas.store.records import (
    Attempt,
    DeviceMeasurement,
    DuplicateTrial,
    EnoughTrials,
    Export,
    FrontMoved,
    StudyRecord,
    TestRead,
    TrialTaken,
    UnknownTrial,
)
from mixnas.store.sharing import News
from mixnas.store.store import Store

__all__ = [
    "Attempt",
    "DeviceMeasurement",
    "DuplicateTrial",
    "EnoughTrials",
    "Export",
    "FrontMoved",
    "Merged",
    "News",
    "Store",
    "StudyRecord",
    "TestRead",
    "TrialTaken",
    "UnknownTrial",
]
