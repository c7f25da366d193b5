"""Searches that pause, promote and stop trials: the books on both sides, resuming, and lost workers."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest

from mixnas.errors import UsageError
from mixnas.records import Measurement
from mixnas.search.executors import Done
from mixnas.search.loop import run
from mixnas.session import checkpoint_folder
from tests.search.conftest import toy_session

RULES: dict[str, Any] = {"early_stopping": "mo-asha", "epochs": 9, "rungs": (1, 3), "sampler": "random", "trials": 30}
OPTUNA = {"finished": "COMPLETE", "stopped": "PRUNED", "failed": "FAIL", "running": "RUNNING", "paused": "RUNNING"}


def states_agree(storage: str, trials: list[Any]) -> None:
    theirs = {t.number: t.state.name for t in optuna.load_study(study_name="s", storage=storage).trials}
    assert theirs == {t.number: OPTUNA[t.state] for t in trials}


def test_trials_pause_go_on_or_are_stopped_and_both_sides_say_so(storage: str) -> None:
    with toy_session(storage, **RULES) as session:
        assert run(session.driver, session.executor) == "done"
        trials, curves, decisions = session.store.trials("s"), session.store.curves("s"), session.store.decisions("s")
        counts, front = session.store.counts("s"), session.driver.front
        assert front is not None
    states = Counter(t.state for t in trials)
    assert states == {"finished": counts.finished, "stopped": counts.stopped} and len(trials) == 30
    assert 5 <= states["finished"] < 15
    states_agree(storage, trials)
    for trial in trials:
        log = [d for d in decisions if d.trial == trial.number]
        reached = [d.epochs for d in log if d.action == "paused"]
        assert reached == [1, 3][: len(reached)] and reached
        assert [p.epoch for p in curves[trial.number]] == list(range(1, 1 + len(curves[trial.number])))
        assert len(curves[trial.number]) == (9 if trial.state == "finished" else reached[-1])
        assert (log[-1].action == "stopped") == (trial.state == "stopped") == (not trial.values)
        assert trial.seconds == pytest.approx(sum(p.seconds for p in curves[trial.number]))
    finished = [t for t in trials if t.state == "finished"]
    points = np.array([[-t.values["acc"], t.values["params"]] for t in finished])
    beaten = ((points[:, None] <= points[None]).all(-1) & (points[:, None] < points[None]).any(-1)).any(0)
    assert set(front.members) == {t.number for t, lost in zip(finished, beaten, strict=True) if not lost}


def test_full_trainings_are_as_many_as_asked_for(storage: str) -> None:
    with toy_session(storage, **{**RULES, "trials": 8, "min_full": 6}) as session:
        run(session.driver, session.executor)
        assert session.store.counts("s").finished >= 6


def test_it_is_the_same_search_in_one_go_and_in_several(tmp_path: Path) -> None:
    found = []
    for name, steps in (("a", 10_000), ("b", 7)):
        storage = f"sqlite:///{tmp_path}/{name}.db"
        done = False
        while not done:
            with toy_session(storage, **{**RULES, "trials": 15}) as session:
                done = drive(session, steps)
                states_agree(storage, session.store.trials("s"))
        with toy_session(storage, **{**RULES, "trials": 15}) as session:
            trials, decisions = session.store.trials("s"), session.store.decisions("s")
            found.append([(t.digest, t.state, dict(t.values)) for t in trials] + [str(d) for d in decisions])
            assert session.driver.counted == 15 and session.driver.done
    assert found[0] == found[1]


def drive(session: Any, jobs: int) -> bool:
    """Runs so many jobs; False where there would have been more."""
    driver, executor = session.driver, session.executor
    for _ in range(jobs):
        if (job := driver.ask()) is None:
            return bool(driver.done)
        executor.submit(job)
        executor.wait(lambda event: driver.tell(event.job, event.measurement) if isinstance(event, Done) else None, 0)
    return False


def test_a_search_that_died_takes_up_what_was_promoted(storage: str) -> None:
    with toy_session(storage, **RULES) as session:
        while (job := session.driver.ask()) is not None and not job.after:
            session.executor.submit(job)
            session.executor.wait(
                lambda event: session.driver.tell(event.job, event.measurement) if isinstance(event, Done) else None, 0
            )
        assert job is not None and (job.after, job.until) == (1, 3)
    with toy_session(storage, **RULES) as session:
        again = session.driver.ask()
        assert again is not None and (again.trial, again.after, again.until) == (job.trial, 1, 3)
        assert again.attempt == job.attempt + 1
        assert run_with(session, again) == "done"
        states_agree(storage, session.store.trials("s"))


def run_with(session: Any, first: Any) -> str:
    """Goes on with a job that has been asked for already."""
    session.executor.submit(first)
    return run(session.driver, session.executor)


def test_a_promoted_trial_that_fails_is_a_failure_with_its_curve(storage: str) -> None:
    with toy_session(storage, **{**RULES, "trials": 6}) as session:
        driver = session.driver
        while (job := driver.ask()) is not None and not job.after:
            session.executor.submit(job)
            session.executor.wait(
                lambda event: driver.tell(event.job, event.measurement) if isinstance(event, Done) else None, 0
            )
        assert job is not None
        driver.tell(job, Measurement("failed", reason="exception", detail="no"))
        trial = session.store.trial("s", job.trial)
        assert (trial.state, trial.reason, len(session.store.curve("s", job.trial))) == ("failed", "exception", 1)
        assert run(driver, session.executor) == "done"
        assert session.store.counts("s").failed == 1 and driver.counted == 6


def test_retries_do_not_count_promotions(storage: str) -> None:
    with toy_session(storage, **{**RULES, "retries": 2, "trials": 3}) as session:
        job = session.driver.ask()
        for attempt in (1, 2, 3):
            assert job is not None and job.attempt == attempt
            session.driver.tell(job, Measurement("failed", reason="lost_worker"))
            job = session.driver.ask()
        assert session.driver.failed == 1


def test_other_rungs_are_another_study(storage: str) -> None:
    with toy_session(storage, **{**RULES, "trials": 2}) as session:
        run(session.driver, session.executor)
    with (
        pytest.raises(UsageError, match="rungs: stored 1, 3, asked 2"),
        toy_session(storage, **{**RULES, "rungs": (2,)}),
    ):
        pass
    with pytest.raises(UsageError, match="early_stopping"), toy_session(storage, **{**RULES, "early_stopping": "none"}):
        pass


def test_checkpoints_lie_beside_the_database_under_a_safe_name(tmp_path: Path, monkeypatch: Any) -> None:
    database = tmp_path / "mixnas.db"
    assert checkpoint_folder(database, "", "a-study_1") == tmp_path / "mixnas.db.checkpoints" / "a-study_1"
    for hostile in ("../../etc", "..", "a/b", "x" * 200, "with space"):
        folder = checkpoint_folder(database, "", hostile)
        assert folder.parent == tmp_path / "mixnas.db.checkpoints" and folder.resolve() == folder
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert checkpoint_folder(None, "postgresql://u@h/d", "s").is_relative_to(tmp_path / "mixnas")


def test_real_trainings_go_on_from_their_checkpoints_which_are_gone_at_the_end(storage: str, tmp_path: Path) -> None:
    rules = {**RULES, "epochs": 3, "rungs": (1,), "trials": 4, "min_full": 2, "evaluator": "train"}
    with toy_session(storage, **rules, constraints=("params <= 3k", "macs <= 100k")) as session:
        job = session.driver.ask()
        assert job is not None and Path(job.checkpoint).parent == tmp_path / "search.db.checkpoints" / "s"
        assert run_with(session, job) == "done"
        finished, curves = session.store.trials("s", "finished"), session.store.curves("s")
        assert len(finished) >= 2 and all(not t.detail for t in finished)
        assert all([p.epoch for p in curves[t.number]] == [1, 2, 3] for t in finished)
        assert all(len(session.store.attempts("s", t.number)) == 2 for t in finished)
    assert not (tmp_path / "search.db.checkpoints").exists()


def test_the_dashboard_shows_what_was_stopped_and_why(storage: str) -> None:
    from mixnas import catalog

    with toy_session(storage, epochs=8, trials=12, early_stopping="mo-asha") as session:
        run(session.driver, session.executor)
        page = catalog.load(catalog.find("dashboards", "trials")).page(session.store, "s")
        stopped = session.store.counts("s").stopped
        decisions = session.store.decisions("s")
    assert isinstance(page, list) and stopped > 0
    (bars,) = [trace for figure in page for trace in figure.data if trace.type == "bar"]
    assert dict(zip(bars.y, bars.x, strict=True))["stopped early"] == stopped
    (table,) = [trace for figure in page for trace in figure.data if trace.type == "table"]
    assert list(table.cells.values[2]) == [str(decision) for decision in reversed(decisions)]
