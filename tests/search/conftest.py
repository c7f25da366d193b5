"""A search over the real splitmixer space with the toy evaluator, on a real SQLite file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mixnas.session import Session, open_session
from mixnas.study import StudySpec

HERE = Path(__file__).parent


@pytest.fixture
def storage(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/search.db"


@pytest.fixture(autouse=True)
def probe_evaluators_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process and in worker processes."""
    monkeypatch.syspath_prepend(str(HERE))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(HERE), str(HERE.parents[1])]))


@contextmanager
def toy_session(storage: str, *, executor: str = "inline", workers: int = 0, **spec: Any) -> Iterator[Session]:
    """A session with the toy evaluator; any field of the spec can be given."""
    fields: dict[str, Any] = {"space": "splitmixer", "evaluator": "toy", "trials": 12, "epochs": 3, "name": "s", **spec}
    with open_session(StudySpec(**fields), storage, executor=executor, workers=workers) as session:
        yield session
