"""Several processes on one file: creation at the same moment, writing beside Optuna, and death in the middle."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import time
from pathlib import Path

import pytest

from mixnas.store import Store
from tests.store.helpers import (
    CURVE,
    create_and_write,
    create_both,
    finish,
    in_processes,
    run_optuna,
    start,
    study,
    write_for_ever,
    write_ours,
)


def assert_sound(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def test_eight_processes_create_one_database_at_the_same_moment(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.db" for number in range(3)]
    urls = [f"sqlite:///{path}" for path in paths]
    barrier = multiprocessing.get_context("spawn").Barrier(8)
    in_processes(create_and_write, [(urls, worker, 6, barrier) for worker in range(8)])
    assert sorted(p.name for p in tmp_path.iterdir()) == [p.name for p in paths]
    for path, url in zip(paths, urls, strict=True):
        assert_sound(path)
        with Store.open(url) as store:
            assert store.study_names() == [f"study-{worker}" for worker in range(8)]
            assert {(c.finished, c.refused) for c in store.all_counts()} == {(6, 6)}
            assert all(len(store.curves(name)) == len(store.fronts(name)) == 6 for name in store.study_names())


@pytest.mark.slow
def test_eight_processes_create_our_tables_and_optunas_at_the_same_moment(tmp_path: Path) -> None:
    path = tmp_path / "both.db"
    barrier = multiprocessing.get_context("spawn").Barrier(8)
    in_processes(create_both, [(f"sqlite:///{path}", worker, barrier) for worker in range(8)])
    assert_sound(path)
    with Store.open(f"sqlite:///{path}") as store:
        assert len(store.study_names()) == 8


def test_optuna_and_mixnas_write_to_the_same_file_at_once(tmp_path: Path) -> None:
    import optuna

    path = tmp_path / "shared.db"
    url = f"sqlite:///{path}"
    Store.open(url, create=True).close()
    context = multiprocessing.get_context("spawn")
    processes = [
        context.Process(target=run_optuna, args=(url, 25)),
        context.Process(target=write_ours, args=(url, 400)),
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0, 0]
    assert_sound(path)
    theirs = optuna.load_study(study_name="theirs", storage=url)
    assert len(theirs.get_trials(states=[optuna.trial.TrialState.COMPLETE])) == 25
    with Store.open(url) as store:
        assert store.counts("ours").finished == 400
        assert len(store.fronts("ours")) == 400


def test_a_file_that_holds_only_optunas_tables_is_joined_by_searching_alone(tmp_path: Path) -> None:
    import optuna

    from mixnas.errors import StoreError

    url = f"sqlite:///{tmp_path}/optuna.db"
    run_optuna(url, 2)
    with pytest.raises(StoreError, match=r"holds no results of mixnas: it has only Optuna's tables \(`mixnas search`"):
        Store.open(url)
    with Store.open(url, create=True) as store:
        study(store)
        start(store, 0)
        finish(store, 0)
        theirs = optuna.load_study(study_name="theirs", storage=url)
        theirs.add_trial(optuna.trial.create_trial(values=[1.0, 2.0]))
        start(store, 1)
        assert len(theirs.trials) == 3
        assert len(store.trials("s")) == 2


def test_a_writer_killed_in_the_middle_leaves_whole_trials(tmp_path: Path) -> None:
    path = tmp_path / "killed.db"
    url = f"sqlite:///{path}"
    with Store.open(url, create=True) as store:
        study(store)
        process = multiprocessing.get_context("spawn").Process(target=write_for_ever, args=(url,))
        process.start()
        deadline = time.monotonic() + 60
        while store.counts("s").finished < 20 and time.monotonic() < deadline:
            time.sleep(0.005)
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join(10)
        trials = store.trials("s")
        assert len(trials) >= 20 and [t.number for t in trials] == list(range(len(trials)))
        assert [t.state for t in trials[:-1]] == ["finished"] * (len(trials) - 1)
        done = [t.number for t in trials if t.state == "finished"]
        assert store.curves("s") == dict.fromkeys(done, CURVE)
        assert [point.trial for point in store.fronts("s")] == done
        for trial in store.unfinished("s"):
            assert store.start_attempt("s", trial.number, "here:2", 60, after=trial.attempts) == 2
            finish(store, trial.number, attempt=2)
        assert store.counts("s").running == 0
    assert_sound(path)
