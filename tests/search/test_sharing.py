"""Several searches of one study at once: every trial once, the asked number of them, one front, nothing left behind."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import optuna
import pytest

from mixnas.errors import UsageError
from mixnas.evaluators import run as run_job
from mixnas.objectives import parse_objectives
from mixnas.pareto import front
from mixnas.records import Job, Measurement
from mixnas.search import driver as driver_module
from mixnas.search.driver import Driver
from mixnas.search.leases import StudyHold
from mixnas.session import Session
from mixnas.store import Store
from tests.search.conftest import HERE, toy_session

OBJECTIVES = parse_objectives("acc,params")


@pytest.fixture(autouse=True)
def look_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver_module, "LOOK_AGAIN", 0.0)


def in_turns(sessions: list[Session], rng: random.Random) -> None:
    """Lets searches act in an order that is drawn, until all of them have come to their end; one step at a time."""
    jobs: dict[int, Job] = {}
    while jobs or not all(session.driver.done for session in sessions):
        place = rng.randrange(len(sessions))
        driver = sessions[place].driver
        if place in jobs and rng.random() < 0.6:
            job = jobs.pop(place)
            driver.tell(job, measured(driver, job, rng))
        elif place not in jobs and (job := driver.ask()) is not None:
            jobs[place] = job


def measured(driver: Driver, job: Job, rng: random.Random) -> Measurement:
    """The toy training, sometimes lost or failed."""
    fate = rng.random()
    if fate < 0.1:
        return Measurement("failed", reason="lost_worker")
    if fate < 0.2:
        return Measurement("failed", reason="non_finite_loss")
    return run_job(job, lambda record: driver.progress(job, record))


def check(store: Store, storage: str, asked: int) -> None:
    """What must hold once all searches have ended."""
    trials = store.trials("s")
    ended = [t for t in trials if t.state in ("finished", "stopped")]
    assert len(ended) == asked and not store.unfinished("s") and not store.trials("s", "paused")
    assert len({t.digest for t in trials}) == len(trials)
    finished = [t for t in trials if t.state == "finished"]
    points = store.fronts("s")
    assert [p.finished for p in points] == list(range(1, len(finished) + 1))
    assert sorted(p.trial for p in points) == sorted(t.number for t in finished)
    assert sorted(t.number for t in front(finished, OBJECTIVES)) == sorted(points[-1].members)
    assert store.claims("s") == {}
    states = {t.number: t.state.name for t in optuna.load_study(study_name="s", storage=storage).trials}
    words = {"finished": "COMPLETE", "failed": "FAIL", "stopped": "PRUNED"}
    assert {t.number: words[t.state] for t in trials}.items() <= states.items()
    assert set(states.values()) <= set(words.values())


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(
    "spec",
    [{"sampler": "random"}, {"sampler": "auto"}, {"sampler": "nsga2", "early_stopping": "mo-asha", "min_full": 3}],
)
def test_searches_in_any_order_of_steps_share_the_trials(storage: str, spec: dict[str, Any], seed: int) -> None:
    with ExitStack() as stack:
        sessions = [stack.enter_context(toy_session(storage, trials=14, **spec)) for _ in range(3)]
        in_turns(sessions, random.Random(seed))
        drivers = [session.driver for session in sessions]
        assert all(driver.done for driver in drivers)
        assert len({driver.front and driver.front.members for driver in drivers}) == 1
        assert len({(d.finished, d.failed, d.stopped, d.paused, d.elsewhere) for d in drivers}) == 1
    with Store.open(storage) as store:
        check(store, storage, 14)


def test_a_search_that_comes_later_helps_and_one_that_leaves_is_not_missed(storage: str) -> None:
    with toy_session(storage, trials=8) as first:
        jobs = [first.driver.ask() for _ in range(3)]
        with toy_session(storage, trials=8) as second:
            assert second.driver.elsewhere == 3 and len(second.driver.others) == 1
            first.driver.abandon([job for job in jobs if job])
            first.driver.close()
            in_turns([second], random.Random(0))
            assert second.driver.finished == 8
            taken = [second.store.trial("s", job.trial) for job in jobs if job]
            assert all(trial.attempts >= 2 for trial in taken)


def test_what_a_search_leaves_when_it_is_suspended_is_taken_over_and_its_own_result_is_not_counted(
    storage: str,
) -> None:
    with toy_session(storage, trials=4) as first, toy_session(storage, trials=4) as second:
        job = first.driver.ask()
        assert job is not None
        with sqlite3.connect(storage.removeprefix("sqlite:///")) as db:
            db.execute("update mixnas_attempts set lease_until = '2001' || substr(lease_until, 5)")
        again = second.driver.ask()
        assert again is not None and (again.trial, again.attempt) == (job.trial, 2)
        first.driver.progress(job, run_job(job, lambda record: None).curve[0])
        first.driver.tell(job, run_job(job, lambda record: None))
        assert (first.driver.finished, first.driver.elsewhere) == (0, 0)
        second.driver.tell(again, run_job(again, lambda record: None))
        assert first.driver.ask() is not None
        assert first.driver.finished == 1 and first.store.counts("s").finished == 1


def test_a_study_that_is_shared_is_not_renamed_and_one_that_is_held_alone_is_not_shared(storage: str) -> None:
    with toy_session(storage, trials=2) as session, pytest.raises(UsageError, match="study 's' is in use by"):
        StudyHold(session.store, "s")
    with Store.open(storage, create=True) as store:
        hold = StudyHold(store, "s")
        with pytest.raises(UsageError, match="study 's' is in use by"), toy_session(storage, trials=2):
            pass
        hold.release()


def start_eight(folder: Path, *flags: str) -> list[tuple[int, str]]:
    """Types a search eight times at the same moment; exit code and standard error of each."""
    command = [sys.executable, "-m", "mixnas", "search", "--space", "splitmixer", "--objective", "acc,params"]
    command += [
        "--evaluator",
        "probe_evaluators:slow",
        "--epochs",
        "2",
        "--plain",
        "--workers",
        "1",
        "--sampler",
        "random",
    ]
    processes = [
        subprocess.Popen(
            [*command, *(flag.replace("{}", str(number)) for flag in flags)],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(8)
    ]
    return [(process.wait(150), process.stderr.read() if process.stderr else "") for process in processes]


@pytest.mark.slow
@pytest.mark.parametrize("flags", [("--trials", "24", "--study", "s"), ("--trials", "3", "--study", "s{}")])
def test_eight_searches_started_at_once_on_one_new_file_all_finish(tmp_path: Path, flags: tuple[str, ...]) -> None:
    assert HERE.is_dir()
    assert start_eight(tmp_path, *flags) == [(0, "")] * 8
    url = f"sqlite:///{tmp_path}/mixnas.db"
    with Store.open(url) as store:
        assert sum(counts.finished for counts in store.all_counts()) == 24
        if store.study_names() == ["s"]:
            check(store, url, 24)
    with sqlite3.connect(tmp_path / "mixnas.db") as db:
        assert db.execute("pragma integrity_check").fetchone() == ("ok",)
