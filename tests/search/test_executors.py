"""Anything that runs jobs: the same suite for every executor, then what only worker processes can suffer."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from mixnas.errors import UnknownName
from mixnas.records import Fidelity, Job, Problem, to_dict
from mixnas.search.executors import EXECUTORS, Done, Event, Executor, ProcessExecutor, Progress, make_executor
from tests.search.conftest import toy_session


def job(trial: int = 0, evaluator: str = "toy", epochs: int = 2) -> Job:
    axes = {"width": 16, "depth": 2, "patch_size": 2, "kernel_size": 3, "channel": "dense"}
    problem = Problem.square(8, 1, 10)
    return Job("s", trial, 1, "splitmixer", axes, problem, "digits", Fidelity(epochs, 0), evaluator=evaluator)


def gather(executor: Executor, jobs: int, seconds: float = 60) -> list[Event]:
    events: list[Event] = []
    end = time.monotonic() + seconds
    while sum(isinstance(e, Done) for e in events) < jobs:
        executor.wait(events.append, 0.1)
        assert time.monotonic() < end, "the jobs did not end in time"
    return events


RAY = (pytest.mark.slow, pytest.mark.ray)
ALL = [pytest.param(name, marks=RAY if name == "ray" else ()) for name in EXECUTORS]


@pytest.fixture(params=ALL)
def executor(request: pytest.FixtureRequest):
    made = make_executor(request.param, workers=2)
    yield made
    made.stop()


def test_runs_jobs_and_reports_every_epoch(executor: Executor) -> None:
    assert executor.free() == executor.workers
    for trial in range(executor.workers):
        executor.submit(job(trial))
    assert executor.free() == 0
    events = gather(executor, executor.workers)
    for trial in range(executor.workers):
        mine = [e for e in events if e.job.trial == trial]
        assert [e.record.epoch for e in mine if isinstance(e, Progress)] == [1, 2]
        assert isinstance(mine[-1], Done) and mine[-1].measurement.outcome == "finished"
        assert 0 < mine[-1].measurement.metrics["acc"] < 1
    assert executor.free() == executor.workers


@pytest.mark.parametrize("name", ALL)
def test_results_do_not_depend_on_the_executor(name: str) -> None:
    results = []
    for one in ("inline", name):
        made = make_executor(one, workers=1)
        made.submit(job())
        results.append([e.measurement.curve for e in gather(made, 1) if isinstance(e, Done)])
        made.stop()
    assert results[0] == results[1]


def test_stop_says_what_was_running(executor: Executor) -> None:
    executor.submit(job(7, "probe_evaluators:slow", epochs=100))
    assert [j.trial for j in executor.stop()] == [7]


def test_an_unknown_executor_lists_the_known() -> None:
    with pytest.raises(UnknownName, match="inline, processes, ray"):
        make_executor("ray2")


def test_an_exception_is_an_outcome_with_its_traceback() -> None:
    executor = ProcessExecutor(1)
    executor.submit(job(evaluator="probe_evaluators:failing"))
    (done,) = [e for e in gather(executor, 1) if isinstance(e, Done)]
    executor.stop()
    assert (done.measurement.reason, done.measurement.detail) == ("exception", "RuntimeError: no such luck")
    assert "in failing" in done.measurement.traceback


def test_a_killed_worker_is_an_outcome_and_is_replaced() -> None:
    executor = ProcessExecutor(1)
    executor.submit(job(3, "probe_evaluators:suicidal"))
    (done,) = [e for e in gather(executor, 1) if isinstance(e, Done)]
    assert (done.measurement.reason, done.measurement.detail) == ("lost_worker", "worker process killed by signal 9")
    executor.submit(job(0, "probe_evaluators:suicidal"))
    (done,) = [e for e in gather(executor, 1) if isinstance(e, Done)]
    executor.stop()
    assert done.measurement.outcome == "finished"


def test_a_job_that_takes_too_long_is_ended_and_its_worker_replaced() -> None:
    executor = ProcessExecutor(1)
    executor.submit(replace(job(1, "probe_evaluators:slow", epochs=10_000), timeout=0.2))
    (done,) = [e for e in gather(executor, 1) if isinstance(e, Done)]
    assert (done.measurement.reason, done.measurement.detail) == ("timeout", "took longer than 0.2 s")
    executor.submit(replace(job(2), timeout=60.0))
    (done,) = [e for e in gather(executor, 1) if isinstance(e, Done)]
    executor.stop()
    assert done.measurement.outcome == "finished"


def test_what_an_evaluator_prints_does_not_get_into_the_answers() -> None:
    executor = ProcessExecutor(1)
    executor.submit(job(evaluator="probe_evaluators:noisy"))
    (done,) = [e for e in gather(executor, 1) if isinstance(e, Done)]
    executor.stop()
    assert done.measurement.outcome == "finished"


def test_a_search_survives_lost_workers(storage: str) -> None:
    from mixnas.search.loop import run

    with toy_session(
        storage, executor="processes", workers=2, evaluator="probe_evaluators:suicidal", trials=6
    ) as session:
        assert run(session.driver, session.executor) == "done"
        counts = session.store.counts("s")
        assert (counts.finished, counts.failed, counts.running) == (6, 1, 0)
        assert session.store.trial("s", 1).attempts == 2
        assert session.store.trial("s", 3).reason == "lost_worker"


@pytest.mark.slow
def test_a_training_whose_worker_was_killed_goes_on_from_its_last_epoch_with_the_same_curve(storage: str) -> None:
    from mixnas.search.loop import run
    from mixnas.session import open_session
    from mixnas.study import StudySpec

    spec = StudySpec("splitmixer", evaluator="probe_evaluators:killed_while_training", trials=1, epochs=5, name="s")
    spec = replace(spec, sampler="random", constraints=("macs <= 20k",))
    epochs: list[tuple[int, int]] = []
    with open_session(spec, storage, executor="processes", workers=1) as session:

        def listen(event: object) -> None:
            if isinstance(event, Progress):
                epochs.append((event.job.attempt, event.record.epoch))

        assert run(session.driver, session.executor, listen) == "done"
        template, curve = session.driver.parts.template, session.store.curve("s", 0)
        axes = session.driver.axes(0)
    assert epochs == [(1, 1), (1, 2), (2, 4), (2, 5)]
    alone = make_executor("inline")
    alone.submit(replace(template, trial=0, attempt=1, axes=axes, evaluator="train"))
    (done,) = [event for event in gather(alone, 1) if isinstance(event, Done)]
    learned = [[(r.epoch, r.train_loss, r.metrics) for r in records] for records in (curve, done.measurement.curve)]
    assert learned[0] == learned[1]


def test_a_worker_ends_in_the_middle_of_a_training_when_its_driver_is_killed() -> None:
    command = [sys.executable, "-m", "mixnas.search.worker"]
    worker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert worker.stdin is not None and worker.stdout is not None
    worker.stdin.write(json.dumps(to_dict(job(evaluator="probe_evaluators:asleep"))) + "\n")
    worker.stdin.flush()
    assert "epoch" in worker.stdout.readline()
    worker.stdin.close()
    assert worker.wait(timeout=30) == 0
    worker.stdout.close()
