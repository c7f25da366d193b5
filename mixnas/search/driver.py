"""The search driver: asks a proposer, lets the gate refuse, hands out jobs and keeps the books.

Ask and tell; it owns no loop, imports no torch and never trains. Its tables are the truth; the Optuna study that
users look at is fed from here. No architecture is trained twice at the same fidelity and seed: a repeated proposal
is counted and another is made, after `PATIENCE` repeats by mutating a member of the front or by drawing anew.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from mixnas.environment import environment
from mixnas.objectives import TIMED, Objective
from mixnas.pareto import FrontTracker
from mixnas.records import Baseline, Candidate, EpochRecord, Fidelity, FrontPoint, Job, Measurement, Trial
from mixnas.search.feed import Feed
from mixnas.search.gate import Gate, Verdict
from mixnas.search.leases import LEASE_SECONDS, StudyHold
from mixnas.search.proposers import Proposer, derived_seed
from mixnas.space import SearchSpace
from mixnas.store import DuplicateTrial, Store

PATIENCE = 8
"""Proposals in a row that may be refused or known before the driver helps out."""
DRAWS = 3000
"""Own draws before the whole space is walked for what is left."""
WALK = 500_000
"""Largest space that is walked to its end for the last unseen candidates."""
MAX_ATTEMPTS = 2
"""How often a trial whose worker is lost is tried."""


@dataclass(frozen=True)
class BaselineModel:
    """A model from outside the space to train beside the search, and its exact costs."""

    name: str
    family: str
    axes: Candidate
    costs: Mapping[str, float]


class Driver:
    """One search over one study. Not thread-safe: one loop owns it."""

    def __init__(
        self,
        study: str,
        space: SearchSpace,
        objectives: tuple[Objective, ...],
        gate: Gate,
        proposer: Proposer,
        store: Store,
        feed: Feed,
        template: Job,
        trials: int,
        reference: Mapping[str, float],
        problem_key: str,
        baselines: Sequence[BaselineModel] = (),
    ) -> None:
        self.study, self.objectives, self.trials = study, objectives, trials
        self._space, self._gate, self._proposer = space, gate, proposer
        self._store, self._feed, self._template = store, feed, template
        self._problem_key = problem_key
        self._tracker = FrontTracker(objectives, dict(reference))
        self._costs: dict[int, Mapping[str, float]] = {}
        self._axes: dict[int, Candidate] = {}
        self._seen: set[str] = set()
        self._again: list[Trial] = []
        self._running: set[int] = set()
        self.finished = self.failed = self.begun = 0
        self.failures_in_a_row = 0
        self.exhausted = False
        self.front: FrontPoint | None = None
        self.values: dict[int, Mapping[str, float]] = {}
        self._hold = StudyHold(store, study)
        self._restore()
        self._known = {found.name: found for found in store.baselines(study) if found.state == "finished"}
        self._baselines = [model for model in baselines if model.name not in self._known]
        self._baseline_jobs: dict[int, BaselineModel] = {}
        self._names: dict[int, str] = {}
        self.baselines: dict[str, Baseline] = {}

    @property
    def fidelity(self) -> Fidelity:
        """Epochs and seed of every trial of the study."""
        return self._template.fidelity

    @property
    def done(self) -> bool:
        """Whether nothing is left to hand out or to wait for."""
        waiting = self._running or self._again or self._baselines or self._baseline_jobs
        return not waiting and (self.finished >= self.trials or self.exhausted)

    def finished_baselines(self) -> list[Baseline]:
        """Those of earlier runs and of this one, by name."""
        found = {**self._known, **{b.name: b for b in self.baselines.values() if b.state == "finished"}}
        return [found[name] for name in sorted(found)]

    def axes(self, number: int) -> Candidate:
        """The candidate of a trial of this study."""
        return self._axes[number]

    def ask(self) -> Job | None:
        """The next job, or None where nothing is to be started now."""
        if self._baselines:
            return self._begin_baseline(self._baselines.pop(0))
        if self._again:
            return self._resume(self._again.pop(0))
        if self.finished + len(self._running) >= self.trials or self.exhausted:
            return None
        while (found := self._next()) is not None:
            if (job := self._begin(*found)) is not None:
                return job
        self.exhausted = True
        return None

    def progress(self, job: Job, record: EpochRecord) -> None:
        """Keeps one point of a running trial's learning curve and renews its lease."""
        self._hold.renew()
        if job.trial < 0:
            return
        self._store.record_epoch(job.study, job.trial, job.attempt, record, lease_seconds=LEASE_SECONDS)

    def tell(self, job: Job, measurement: Measurement) -> None:
        """Takes the outcome of a job. A trial whose worker was lost is tried once more."""
        if job.trial < 0:
            self._end_baseline(self._baseline_jobs.pop(job.trial), job, measurement)
            return
        self._running.discard(job.trial)
        if measurement.reason == "lost_worker" and job.attempt < MAX_ATTEMPTS:
            self._store.release(job.study, job.trial, job.attempt)
            self._again.append(self._store.trial(job.study, job.trial))
            return
        measurement = self._checked(self._costs[job.trial], measurement)
        self._proposer.learn(job.trial, measurement.curve)
        if measurement.outcome == "finished":
            self._finish(job, measurement)
        else:
            self._fail(job, measurement)

    def abandon(self, jobs: Iterable[Job]) -> None:
        """Gives running jobs up: their trials are taken up again by the next run of the study."""
        for job in jobs:
            if job.trial < 0:
                continue
            self._running.discard(job.trial)
            self._store.release(job.study, job.trial, job.attempt)

    def close(self) -> None:
        """Lets others search the study."""
        self._hold.release()

    def baseline_name(self, number: int) -> str:
        """The name of the baseline that a job of a negative trial number trains."""
        return self._names[number]

    def _begin_baseline(self, model: BaselineModel) -> Job:
        number = -1 - len(self._names)
        self._names[number], self._baseline_jobs[number] = model.name, model
        return replace(self._template, trial=number, attempt=1, family=model.family, axes=model.axes)

    def _end_baseline(self, model: BaselineModel, job: Job, measurement: Measurement) -> None:
        measurement = self._checked(model.costs, measurement)
        known, finished = {**model.costs, **measurement.metrics}, measurement.outcome == "finished"
        found = Baseline(
            model.name,
            model.family,
            model.axes,
            "finished" if finished else "failed",
            {o.name: float(known[o.name]) for o in self.objectives} if finished else {},
            job.fidelity,
            measurement.curve,
            measurement.reason,
            measurement.detail,
            measurement.seconds,
        )
        self._store.record_baseline(self.study, found)
        self.baselines[model.name] = found

    def _restore(self) -> None:
        trials = self._store.trials(self.study)
        self._feed.reconcile(trials)
        for trial in trials:
            self._seen.add(trial.digest)
            self._axes[trial.number] = trial.axes
            self._costs[trial.number] = self._gate.check(trial.axes).costs
        finished = [t for t in trials if t.state == "finished"]
        for trial in sorted(finished, key=lambda t: (t.finished_at, t.number)):
            self.values[trial.number] = trial.values
            self.front = self._tracker.add(trial.number, trial.values)
        self.begun, self.finished = len(trials), len(finished)
        self.failed = sum(t.state == "failed" for t in trials)
        self._again = [t for t in trials if t.state == "running"]
        self._proposer.restore(trials, self._store.sampler_states(self.study))
        for number, curve in self._store.curves(self.study).items():
            self._proposer.learn(number, curve)

    def _next(self) -> tuple[Candidate, Verdict, str] | None:
        """An unseen, feasible candidate, its verdict, and who proposed it; None when there is none left."""
        for _ in range(PATIENCE):
            axes = self._space.canonical(self._proposer.propose())
            verdict = self._gate.check(axes)
            if self._is_new(axes, verdict):
                return axes, verdict, "sampler"
            self._proposer.reject(verdict)
        return self._help_out()

    def _usable(self, drawn: Candidate) -> Verdict | None:
        axes = self._space.canonical(drawn)
        verdict = self._gate.check(axes)
        return verdict if self._is_new(axes, verdict, count=False) else None

    def _is_new(self, axes: Candidate, verdict: Verdict, count: bool = True) -> bool:
        kind, reason = "", verdict.refused
        if verdict.refused:
            kind = "invalid" if verdict.invalid else "refused"
        elif self._space.digest(axes) in self._seen:
            kind, reason = "duplicate", "proposed again"
        if kind and count:
            self._store.count(self.study, kind, reason)
        return not kind

    def _help_out(self) -> tuple[Candidate, Verdict, str] | None:
        """Mutations of the front, then draws, then what a walk through the whole space still finds."""
        rng = random.Random(derived_seed(self.fidelity.seed, "help", self.begun))
        members = list(self.front.members) if self.front else []
        for _ in range(PATIENCE * len(members)):
            drawn = self._space.mutate(self._axes[rng.choice(members)], rng)
            if (verdict := self._usable(drawn)) is not None:
                return self._space.canonical(drawn), verdict, "mutation"
        for drawn in self._space.sample_many(rng, DRAWS):
            if (verdict := self._usable(drawn)) is not None:
                return drawn, verdict, "draw"
        if self._space.size() <= WALK:
            for drawn in self._space.enumerate():
                if (verdict := self._usable(drawn)) is not None:
                    return drawn, verdict, "walk"
        return None

    def _begin(self, axes: Candidate, verdict: Verdict, source: str) -> Job | None:
        """Opens a trial on both sides; None where another search of the study was quicker with the same candidate."""
        digest = self._space.digest(axes)
        self._seen.add(digest)
        number = self._feed.start(axes, {"digest": digest, "source": source, **verdict.costs})
        self._proposer.begin(number, axes)
        try:
            self._store.start_trial(
                self.study,
                number,
                digest,
                self._template.family,
                axes,
                self.fidelity,
                problem_key=self._problem_key,
                costs=self._gate.stored(verdict.costs),
                source=source,
                owner=self._hold.owner,
                lease_seconds=LEASE_SECONDS,
                sampler_state=self._proposer.state(number),
            )
        except DuplicateTrial:
            self._store.count(self.study, "duplicate", "another search took it")
            self._feed.fail(number, "another search took it")
            self._proposer.finish(number, None)
            return None
        self._axes[number], self._costs[number] = axes, verdict.costs
        self._running.add(number)
        self.begun += 1
        return replace(self._template, trial=number, attempt=1, axes=axes)

    def _resume(self, trial: Trial) -> Job:
        attempt = self._store.start_attempt(
            self.study, trial.number, self._hold.owner, LEASE_SECONDS, after=trial.attempts
        )
        self._running.add(trial.number)
        return replace(self._template, trial=trial.number, attempt=attempt, axes=trial.axes)

    def _checked(self, costs: Mapping[str, float], measurement: Measurement) -> Measurement:
        """A finished measurement with a value missing or not finite is a failure: such a value ranks nowhere."""
        if measurement.outcome == "failed":
            return measurement
        values = {**costs, **measurement.metrics}
        bad = [o.name for o in self.objectives if not math.isfinite(values.get(o.name, math.nan))]
        if not bad:
            return measurement
        return replace(
            measurement, outcome="failed", reason="non_finite_value", detail=f"{', '.join(bad)} missing or not finite"
        )

    def _finish(self, job: Job, measurement: Measurement) -> None:
        known = {**self._costs[job.trial], **measurement.metrics}
        values = {o.name: float(known[o.name]) for o in self.objectives}
        self.front = self._tracker.add(job.trial, values)
        self._store.finish_trial(job.study, job.trial, job.attempt, measurement, values, self.front)
        self._keep_timings(job, measurement)
        self._feed.finish(job.trial, values, {"seconds": round(measurement.seconds, 3)})
        self._proposer.finish(job.trial, values)
        self.values[job.trial] = values
        self.finished += 1
        self.failures_in_a_row = 0

    def _keep_timings(self, job: Job, measurement: Measurement) -> None:
        """What was timed, with its spread, beside what `mixnas measure` adds for other devices."""
        for name in job.measure:
            self._store.record_measurement(
                self._space.digest(self._axes[job.trial]),
                self._problem_key,
                TIMED[name],
                measurement.metrics[name],
                spread=measurement.metrics.get(f"{name}_spread", math.nan),
                device=measurement.device,
                environment=environment(),
            )

    def _fail(self, job: Job, measurement: Measurement) -> None:
        self._store.finish_trial(job.study, job.trial, job.attempt, measurement, {}, None)
        self._feed.fail(job.trial, f"{measurement.reason}: {measurement.detail}".rstrip(": "))
        self._proposer.finish(job.trial, None)
        self.failed += 1
        self.failures_in_a_row += 1
