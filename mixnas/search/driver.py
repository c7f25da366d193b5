"""The search driver: asks a proposer, lets the gate refuse, hands out jobs and decides who goes on.

Ask and tell; it owns no loop, imports no torch and never trains. Its tables are the truth; the Optuna study that
users look at is fed from them. No architecture is trained twice at the same fidelity and seed. With early stopping a
job ends at the next rung; who is promoted goes on from its checkpoint, before anyone new begins.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from mixnas.pareto import FrontTracker
from mixnas.records import Candidate, Decision, EpochRecord, Fidelity, FrontPoint, Job, Measurement, Trial
from mixnas.search.baselines import Baselines
from mixnas.search.books import Books, StudyParts
from mixnas.search.feed import Feed
from mixnas.search.proposers import Proposer, derived_seed
from mixnas.search.rungs import Ladder
from mixnas.search.unseen import Found, Unseen
from mixnas.store import Store


class Driver:
    """One search over one study. Not thread-safe: one loop owns it."""

    def __init__(self, parts: StudyParts, proposer: Proposer, store: Store, feed: Feed) -> None:
        self.parts, self.objectives, self.trials = parts, parts.objectives, parts.trials
        self._proposer = proposer
        self._books = Books(parts, store, feed)
        self._unseen = Unseen(parts.space, parts.gate, proposer, self._books.count)
        self._tracker = FrontTracker(parts.objectives, dict(parts.reference))
        self._ladder = Ladder(parts.early_stopping, parts.objectives) if parts.early_stopping else None
        self._costs: dict[int, Mapping[str, float]] = {}
        self._axes: dict[int, Candidate] = {}
        self._again: list[Trial] = []
        self._running: set[int] = set()
        self._lost: Counter[int] = Counter()
        self.finished = self.failed = self.stopped = self.begun = 0
        self.failures_in_a_row = 0
        self.exhausted = False
        self.front: FrontPoint | None = None
        self.values: dict[int, Mapping[str, float]] = {}
        self.decisions: dict[int, Decision] = {}
        """The newest decision of early stopping on each trial of this run."""
        self.last_decision: Decision | None = None
        self._restore(store)
        self.baselines = Baselines(parts, store)

    @property
    def fidelity(self) -> Fidelity:
        """Epochs and seed of every trial of the study."""
        return self.parts.template.fidelity

    @property
    def paused(self) -> int:
        """Trials that wait at a rung."""
        return len(self._ladder.paused) if self._ladder else 0

    @property
    def counted(self) -> int:
        """Trials that count against those asked for: all that have not failed and are not running."""
        return self.finished + self.stopped + self.paused

    @property
    def done(self) -> bool:
        """Whether nothing is left to hand out or to wait for."""
        waiting = self._running or self._again or self.paused or not self.baselines.done
        return not waiting and (self.counted >= self.trials or self.exhausted)

    def axes(self, number: int) -> Candidate:
        """The candidate of a trial of this study."""
        return self._axes[number]

    def ask(self) -> Job | None:
        """The next job, or None where nothing is to be started now."""
        job = self.baselines.ask() or self._resumed() or self._promoted() or self._begun()
        if job is None and (job := self._completed()) is None and not self._running:
            self._stop_paused()
        return job

    def progress(self, job: Job, record: EpochRecord) -> None:
        """Keeps one point of a running trial's learning curve and renews its lease."""
        self._books.renew()
        if job.trial >= 0:
            self._books.epoch(job, record)

    def tell(self, job: Job, measurement: Measurement) -> None:
        """Takes the outcome of a job. A trial whose worker was lost is tried again."""
        if job.trial < 0:
            self.baselines.tell(job, self._checked(self.baselines.costs(job.trial), measurement))
            return
        self._running.discard(job.trial)
        if measurement.reason == "lost_worker" and self._lost[job.trial] < self.parts.retries:
            self._lost[job.trial] += 1
            self._again.append(self._books.release(job))
            return
        measurement = self._checked(self._costs[job.trial], measurement)
        if measurement.curve and measurement.curve[0].epoch == 1:
            self._proposer.learn(job.trial, measurement.curve)
        {"finished": self._finish, "paused": self._pause, "failed": self._fail}[measurement.outcome](job, measurement)

    def abandon(self, jobs: Iterable[Job]) -> None:
        """Gives running jobs up: their trials are taken up again by the next run of the study."""
        for job in jobs:
            if job.trial >= 0:
                self._running.discard(job.trial)
                self._books.release(job)

    def renew(self) -> None:
        """Holds on to the study for a while longer."""
        self._books.renew()

    def close(self) -> None:
        """Lets others search the study."""
        self._books.close()

    # --------------------------------------------------------------------------------------------- what comes next

    def _resumed(self) -> Job | None:
        """A trial that lost its worker, or that an earlier run left behind."""
        if not self._again:
            return None
        return self._go_on(self._again.pop(0))

    def _promoted(self, wanted_in_full: bool = False) -> Job | None:
        """A paused trial that may go on to the next rung."""
        decision = self._ladder.promote(wanted_in_full) if self._ladder else None
        if decision is None:
            return None
        self._keep(decision)
        return self._go_on(self._books.store.trial(self.parts.study, decision.trial), decision)

    def _begun(self) -> Job | None:
        """A new trial of an unseen candidate."""
        if self.counted + len(self._running) >= self.trials or self.exhausted:
            return None
        while (found := self._next()) is not None:
            if (job := self._begin(found)) is not None:
                return job
        self.exhausted = True
        return None

    def _completed(self) -> Job | None:
        """All have begun and nobody is to be promoted: more go on where too few full trainings would come of it."""
        if self._ladder is None or self.finished + len(self._running) >= self._ladder.rules.min_full:
            return None
        return self._promoted(wanted_in_full=True)

    def _stop_paused(self) -> None:
        if self._ladder is None or not self._ladder.paused:
            return
        decisions = self._ladder.stop()
        self._books.stop(decisions)
        for decision in decisions:
            self._keep(decision)
            self._proposer.finish(decision.trial, None)
        self.stopped += len(decisions)

    def _next(self) -> Found | None:
        members = [self._axes[number] for number in self.front.members] if self.front else []
        return self._unseen.next(members, derived_seed(self.fidelity.seed, "help", self.begun))

    def _begin(self, found: Found) -> Job | None:
        """Opens a trial on both sides; None where another search of the study was quicker with the same candidate."""
        self._unseen.add(found.digest)
        number = self._books.number(found.digest, found.axes, found.verdict, found.source)
        self._proposer.begin(number, found.axes)
        state = self._proposer.state(number)
        if not self._books.begin(number, found.digest, found.axes, found.verdict, found.source, state):
            self._proposer.finish(number, None)
            return None
        self._axes[number], self._costs[number] = found.axes, found.verdict.costs
        self.begun += 1
        return self._job(number, 1)

    def _go_on(self, trial: Trial, decision: Decision | None = None) -> Job:
        return self._job(trial.number, self._books.again(trial, decision))

    def _job(self, number: int, attempt: int) -> Job:
        self._running.add(number)
        until, after = (self._ladder.target(number), self._ladder.behind(number)) if self._ladder else (0, 0)
        return self._books.job(number, attempt, self._axes[number], until, after)

    # ------------------------------------------------------------------------------------------- what came out of it

    def _checked(self, costs: Mapping[str, float], measurement: Measurement) -> Measurement:
        """A measurement with a value missing or not finite is a failure: such a value ranks nowhere."""
        if measurement.outcome == "failed":
            return measurement
        paused = measurement.outcome == "paused" and self._ladder is not None
        objectives = self._ladder.objectives if paused and self._ladder else self.objectives
        values = {**costs, **measurement.metrics}
        bad = [o.name for o in objectives if not math.isfinite(values.get(o.name, math.nan))]
        if not bad:
            return measurement
        return replace(
            measurement, outcome="failed", reason="non_finite_value", detail=f"{', '.join(bad)} missing or not finite"
        )

    def _finish(self, job: Job, measurement: Measurement) -> None:
        known = {**self._costs[job.trial], **measurement.metrics}
        values = {o.name: float(known[o.name]) for o in self.objectives}
        self.front = self._tracker.add(job.trial, values)
        self._books.finish(job, self.parts.space.digest(self._axes[job.trial]), measurement, values, self.front)
        self._proposer.finish(job.trial, values)
        self.values[job.trial] = values
        self.finished += 1
        self.failures_in_a_row = 0

    def _pause(self, job: Job, measurement: Measurement) -> None:
        assert self._ladder is not None, "no job pauses without early stopping"
        decision = self._ladder.reach(job.trial, {**self._costs[job.trial], **measurement.metrics})
        self._books.pause(job, measurement, decision)
        self._keep(decision)
        self.failures_in_a_row = 0

    def _fail(self, job: Job, measurement: Measurement) -> None:
        self._books.fail(job, measurement)
        self._proposer.finish(job.trial, None)
        self.failed += 1
        self.failures_in_a_row += 1

    def _keep(self, decision: Decision) -> None:
        self.decisions[decision.trial] = self.last_decision = decision

    # ------------------------------------------------------------------------------------------------- earlier runs

    def _restore(self, store: Store) -> None:
        trials, curves = self._books.trials(), store.curves(self.parts.study)
        for trial in trials:
            self._unseen.add(trial.digest)
            self._axes[trial.number] = trial.axes
            self._costs[trial.number] = self.parts.gate.check(trial.axes).costs
        finished = [t for t in trials if t.state == "finished"]
        for trial in sorted(finished, key=lambda t: (t.finished_at, t.number)):
            self.values[trial.number] = trial.values
            self.front = self._tracker.add(trial.number, trial.values)
        states = Counter(trial.state for trial in trials)
        self.begun, self.finished = len(trials), len(finished)
        self.failed, self.stopped = states["failed"], states["stopped"]
        self._again = [t for t in trials if t.state == "running"]
        self._proposer.restore(trials, store.sampler_states(self.parts.study))
        for number, curve in curves.items():
            self._proposer.learn(number, curve)
        if self._ladder is not None:
            self._climb_again(self._ladder, store, curves)

    def _climb_again(self, ladder: Ladder, store: Store, curves: Mapping[int, tuple[EpochRecord, ...]]) -> None:
        def values(number: int, epochs: int) -> Mapping[str, float]:
            points = curves[number][:epochs]
            return {
                **self._costs[number],
                **points[-1].metrics,
                "train_seconds": sum(point.seconds for point in points),
            }

        ladder.restore(store.decisions(self.parts.study), values)
