"""Ablations of a small SplitMixer with the toy evaluator, on a real SQLite file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mixnas.ablation import AblationSpec
from mixnas.ablation.analysis import Analysis, analyse
from mixnas.ablation.experiment import Experiment, prepare
from mixnas.ablation.runner import open_ablation
from mixnas.search.loop import run
from mixnas.store import Store

SMALL = {"width": 16, "depth": 2}


@pytest.fixture
def storage(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/ablation.db"


def spec(**fields: Any) -> AblationSpec:
    """A 2 x 2 factorial around a small SplitMixer, with any field changed."""
    given: dict[str, Any] = {
        "base": "splitmixer-I-256/8",
        "changes": SMALL,
        "vary": ("spatial", "channel=overlap,dense"),
        "design": "factorial",
        "evaluator": "toy",
        "epochs": 3,
        "seeds": 3,
        "name": "tricks",
    }
    return AblationSpec(**given | fields)


def prepared(storage: str = "sqlite:///none.db", **fields: Any) -> Experiment:
    """The experiment of such a spec."""
    return prepare(spec(**fields), storage)


def finished(storage: str, **fields: Any) -> Analysis:
    """Such an ablation, run to its end."""
    experiment = prepared(storage, **fields)
    with open_ablation(experiment, storage, executor="inline") as ablation:
        run(ablation.driver, ablation.executor)
        return analyse(ablation.store, experiment.spec.name)


def trained(storage: str, study: str = "tricks") -> int:
    """How many trials the store has."""
    with Store.open(storage) as store:
        return len(store.trials(study))
