"""`mixnas replay`: a stored result comes out again, and one that does not is noticed."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mixnas.cli.main import build_app
from mixnas.errors import UsageError
from mixnas.reproduce import replay
from mixnas.search.loop import run
from mixnas.session import open_session
from mixnas.store import Store
from mixnas.study import StudySpec


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two real trainings in worker processes, and some of the toy with failures among them."""
    folder = tmp_path_factory.mktemp("replay")
    real = StudySpec("splitmixer", trials=2, epochs=1, name="real", constraints=("macs <= 100k",))
    with open_session(real, f"sqlite:///{folder}/mixnas.db", workers=2) as session:
        run(session.driver, session.executor)
    toy = StudySpec("splitmixer", trials=6, epochs=3, name="toy", evaluator="toy", sampler="random")
    with open_session(toy, f"sqlite:///{folder}/mixnas.db", executor="inline") as session:
        run(session.driver, session.executor)
    return folder


def test_a_training_of_a_worker_comes_out_again_here(folder: Path) -> None:
    with Store.open(f"sqlite:///{folder}/mixnas.db") as store:
        found = replay(store, "real", 1)
    assert found.same and len(found.stored) == 1
    assert found.again.curve[0].metrics == dict(found.stored[0].metrics)
    assert found.changed == ()


def test_a_result_that_was_tampered_with_is_named(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "mixnas.db"
    path.write_bytes((folder / "mixnas.db").read_bytes())
    with sqlite3.connect(path) as db:
        db.execute("update mixnas_curves set train_loss = 7 where study = 'toy' and trial = 2 and epoch = 3")
    result = CliRunner().invoke(build_app(), ["replay", "toy/2", "--storage", f"sqlite:///{path}"])
    assert result.exit_code == 1
    assert "NOT the same: epoch 3, train_loss: 7 stored" in result.output


def test_as_json(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    result = CliRunner().invoke(build_app(), ["replay", "3", "--study", "toy", "--json"])
    data = json.loads(result.output)
    assert result.exit_code == 0
    assert (data["trial"], data["same"], data["largest_difference"], data["epochs"]) == (3, True, 0.0, 3)


def test_a_trial_that_still_runs_cannot_be_replayed(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "mixnas.db"
    path.write_bytes((folder / "mixnas.db").read_bytes())
    with sqlite3.connect(path) as db:
        db.execute("update mixnas_trials set state = 'running' where study = 'toy' and number = 1")
    with Store.open(f"sqlite:///{path}") as store, pytest.raises(UsageError, match="toy/1 is running"):
        replay(store, "toy", 1)


@pytest.mark.parametrize("name", ["x", "toy/", "-1", "toy/³", "1.5"])
def test_what_is_no_trial_says_what_is(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(folder)
    result = CliRunner().invoke(build_app(), ["replay", "--", name])
    assert isinstance(result.exception, UsageError) and "is no trial" in result.exception.message
