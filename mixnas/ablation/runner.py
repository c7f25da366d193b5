"""Runs an ablation: a small ask/tell object over the search's own loop, executors and store.

A run is an arm with a seed. What the study has already (same architecture, epochs and seed) is not run again, whichever
design asked for it first; what was interrupted is taken up again.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from mixnas.ablation.arms import Arm
from mixnas.ablation.experiment import KIND, Experiment
from mixnas.environment import environment
from mixnas.errors import UsageError
from mixnas.objectives import parse_objectives
from mixnas.readiness import require_trainable
from mixnas.records import EpochRecord, Fidelity, Job, Measurement, Trial
from mixnas.search.executors import Cluster, Executor, make_executor
from mixnas.search.feed import Feed
from mixnas.search.leases import LEASE_SECONDS, StudyHold
from mixnas.store import Store
from mixnas.study import differences

SOURCE = "ablation"
MAX_ATTEMPTS = 2
"""How often a run whose worker is lost is tried."""


class ArmDriver:
    """The runs of one ablation. Not thread-safe: one loop owns it."""

    def __init__(self, experiment: Experiment, store: Store, feed: Feed) -> None:
        self.experiment, self.study = experiment, experiment.spec.name
        self._store, self._feed = store, feed
        self._arms = {arm.digest: arm for arm in experiment.arms}
        self._hold = StudyHold(store, self.study)
        self._template = _template(experiment)
        wanted = {(arm.digest, seed) for seed in experiment.seeds for arm in experiment.arms}
        epochs = experiment.spec.epochs
        stored = store.trials(self.study)
        feed.reconcile(stored)
        known = {(t.digest, t.fidelity.seed): t for t in stored if t.fidelity.epochs == epochs}
        mine = [trial for key, trial in known.items() if key in wanted]
        # Seeds outside, arms inside: a study that is stopped half-way has whole pairs.
        self._queue = [(a, s) for s in experiment.seeds for a in experiment.arms if (a.digest, s) not in known]
        self._again = [trial for trial in mine if trial.state == "running"]
        self._running: dict[int, Arm] = {}
        self.reused = sum(trial.state == "finished" for trial in mine)
        self.finished = self.reused
        self.failed = sum(trial.state == "failed" for trial in mine)
        self.failures_in_a_row = 0

    @property
    def trials(self) -> int:
        """Runs that can finish."""
        return self.experiment.runs - self.failed

    @property
    def counted(self) -> int:
        """Runs that count against them."""
        return self.finished

    @property
    def done(self) -> bool:
        """Whether nothing is left to hand out or to wait for."""
        return not (self._queue or self._again or self._running)

    def arm(self, job: Job) -> Arm:
        """The arm of a job."""
        return self._arms[self.experiment.space.digest(job.axes)]

    def ask(self) -> Job | None:
        """The next run, or None where none is left."""
        if self._again:
            return self._resume(self._again.pop(0))
        return self._begin(*self._queue.pop(0)) if self._queue else None

    def progress(self, job: Job, record: EpochRecord) -> None:
        """Keeps one point of a learning curve and renews the lease."""
        self._hold.check()
        self._store.record_epoch(job.study, job.trial, job.attempt, record, lease_seconds=LEASE_SECONDS)

    def tell(self, job: Job, measurement: Measurement) -> None:
        """Takes the outcome of a run. One whose worker was lost is tried once more."""
        arm = self._running.pop(job.trial)
        if measurement.reason == "lost_worker" and job.attempt < MAX_ATTEMPTS:
            self._store.release(job.study, job.trial, job.attempt)
            self._again.append(self._store.trial(job.study, job.trial))
            return
        measurement = self._checked(measurement)
        finished = measurement.outcome == "finished"
        values = self._values(arm, measurement) if finished else {}
        self._store.finish_trial(job.study, job.trial, job.attempt, measurement, values, None)
        if finished:
            self._feed.finish(job.trial, values, {"seconds": round(measurement.seconds, 3)})
            self.finished, self.failures_in_a_row = self.finished + 1, 0
        else:
            self._feed.fail(job.trial, f"{measurement.reason}: {measurement.detail}".rstrip(": "))
            self.failed, self.failures_in_a_row = self.failed + 1, self.failures_in_a_row + 1

    def abandon(self, jobs: Iterable[Job]) -> None:
        """Gives running jobs up: the next run of the study takes them up again."""
        for job in jobs:
            self._running.pop(job.trial, None)
            self._store.release(job.study, job.trial, job.attempt)

    def close(self) -> None:
        """Lets others work on the study."""
        self._hold.release()

    def _begin(self, arm: Arm, seed: int) -> Job:
        fidelity = Fidelity(self.experiment.spec.epochs, seed)
        number = self._feed.start(arm.axes, {"digest": arm.digest, "arm": arm.label, "seed": seed, **arm.costs})
        self._store.start_trial(
            self.study,
            number,
            arm.digest,
            self.experiment.space.family,
            arm.axes,
            fidelity,
            problem_key=self.experiment.problem.key(),
            costs=self.experiment.gate.stored(arm.costs),
            source=SOURCE,
            owner=self._hold.owner,
            lease_seconds=LEASE_SECONDS,
        )
        return self._started(arm, number, 1, fidelity)

    def _resume(self, trial: Trial) -> Job:
        attempt = self._store.start_attempt(
            self.study, trial.number, self._hold.owner, LEASE_SECONDS, after=trial.attempts
        )
        return self._started(self._arms[trial.digest], trial.number, attempt, trial.fidelity)

    def _started(self, arm: Arm, number: int, attempt: int, fidelity: Fidelity) -> Job:
        self._running[number] = arm
        return replace(self._template, trial=number, attempt=attempt, axes=arm.axes, fidelity=fidelity)

    def _checked(self, measurement: Measurement) -> Measurement:
        """A finished measurement without a finite metric is a failure."""
        metric = self.experiment.spec.metric
        if measurement.outcome == "failed" or math.isfinite(measurement.metrics.get(metric, math.nan)):
            return measurement
        detail = f"{metric} missing or not finite"
        return replace(measurement, outcome="failed", reason="non_finite_value", detail=detail)

    def _values(self, arm: Arm, measurement: Measurement) -> dict[str, float]:
        """The metric, every exact cost, and the seconds of training."""
        found: Mapping[str, float] = {**arm.costs, **measurement.metrics}
        names = (self.experiment.spec.metric, *arm.costs, "train_seconds")
        return {name: float(found[name]) for name in names if name in found}


def _template(experiment: Experiment) -> Job:
    spec = experiment.spec
    return Job(
        study=spec.name,
        trial=-1,
        attempt=0,
        family=experiment.space.family,
        axes={},
        problem=experiment.problem,
        dataset=spec.dataset,
        fidelity=Fidelity(spec.epochs, spec.seed),
        recipe=spec.recipe.to_dict(),
        split_seed=spec.split_seed,
        data_dir=spec.data_dir,
        evaluator=spec.evaluator,
    )


@dataclass(frozen=True)
class Ablation:
    """An ablation that is ready to run."""

    experiment: Experiment
    driver: ArmDriver
    executor: Executor
    store: Store


@contextmanager
def open_ablation(
    experiment: Experiment,
    storage: str,
    *,
    executor: str = "processes",
    workers: int = 0,
    cluster: Cluster | None = None,
    download: bool = False,
) -> Iterator[Ablation]:
    """Opens the study of an experiment, or goes on with it. Everything is let go of at the end of the block.

    Raises:
        UsageError: it cannot be done as asked; nothing has been written then.
    """
    spec = experiment.spec
    pool = make_executor(executor, workers, spec.evaluator, cluster)  # workers load while we check the rest
    store = feed = driver = None
    try:
        require_trainable(experiment.spec, experiment.problem, download)
        store = Store.open(storage, create=True)
        _open_study(store, experiment)
        with store.creation_lock():  # Optuna's own creation of its tables is not race-free
            objectives = parse_objectives(f"{spec.metric},params", experiment.problem.task)
            feed = Feed(store.url, spec.name, objectives, experiment.space, experiment.gate.constraints)
        driver = ArmDriver(experiment, store, feed)
        yield Ablation(experiment, driver, pool, store)
    finally:
        pool.stop()
        for part in (driver, feed, store):
            if part is not None:
                part.close()


def _open_study(store: Store, experiment: Experiment) -> None:
    """Creates the study, or checks that the stored one can be gone on with and keeps the design that is asked for now.

    Raises:
        UsageError: the stored one was trained differently, or is no ablation.
    """
    name, asked = experiment.spec.name, experiment.to_dict()
    if not store.has_study(name):
        store.create_study(name, asked, asked["space_json"], environment())
        return
    stored: Mapping[str, Any] = store.study(name).spec
    if stored.get("kind") != KIND:
        raise UsageError(f"study {name!r} exists and is a search, no ablation", hint="choose a name with --study NAME")
    if changed := differences(stored, asked):
        raise UsageError(
            f"study {name!r} exists and was trained differently: {'; '.join(changed)}",
            hint="give this one a name of its own with --study NAME, or repeat the flags of the stored one",
        )
    store.describe_study(name, asked)
