"""The search driver: asks a proposer, lets the gate refuse, hands out jobs and decides who goes on.

Ask and tell; it owns no loop, imports no torch and never trains. Its tables are the truth; the Optuna study that
users look at is fed from them. No architecture is trained twice at the same fidelity and seed. With early stopping a
job ends at the next rung; who is promoted goes on from its checkpoint, before anyone new begins.

Several searches, here or on other machines, may serve one study: before each answer the driver takes in what the
others have done, and what one of them has left behind is taken up by whoever looks next.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from mixnas.records import Candidate, Decision, EpochRecord, Fidelity, FrontPoint, Job, Measurement, Trial
from mixnas.search.baselines import Baselines
from mixnas.search.books import Books, StudyParts
from mixnas.search.feed import Feed
from mixnas.search.leases import StudyShare
from mixnas.search.proposers import Proposer, derived_seed
from mixnas.search.rungs import Ladder
from mixnas.search.standing import ENDED, Standing
from mixnas.search.unseen import Found, Unseen
from mixnas.store import FrontMoved, Store, TrialTaken

LOOK_AGAIN = 5.0
"""Seconds between looks for trials that other searches have left behind."""


class Driver:
    """One search over one study. Not thread-safe: one loop owns it."""

    def __init__(self, parts: StudyParts, proposer: Proposer, store: Store, feed: Feed) -> None:
        self.parts, self.objectives, self.trials = parts, parts.objectives, parts.trials
        self._proposer, self._store = proposer, store
        self._books = Books(parts, store, feed)
        self._unseen = Unseen(parts.space, parts.gate, proposer, self._books.count)
        self._standing = Standing(parts)
        self._ladder = Ladder(parts.early_stopping, parts.objectives) if parts.early_stopping else None
        self._again: list[Trial] = []
        self._running: dict[int, int] = {}
        self._lost: Counter[int] = Counter()
        self._looked_at = time.monotonic()
        self.failures_in_a_row = 0
        self.exhausted = False
        self.decisions: dict[int, Decision] = {}
        """The newest decision of early stopping on each trial of this run."""
        self.last_decision: Decision | None = None
        self._restore()
        self.baselines = Baselines(parts, store, self._books.share)

    @property
    def fidelity(self) -> Fidelity:
        """Epochs and seed of every trial of the study."""
        return self.parts.template.fidelity

    @property
    def begun(self) -> int:
        """Trials of the study, in whatever state."""
        return len(self._standing)

    @property
    def finished(self) -> int:
        """Trials that were trained to their last epoch."""
        return self._standing["finished"]

    @property
    def failed(self) -> int:
        """Trials that have failed for good."""
        return self._standing["failed"]

    @property
    def stopped(self) -> int:
        """Trials that early stopping did not let go on."""
        return self._standing["stopped"]

    @property
    def paused(self) -> int:
        """Trials that wait at a rung."""
        return len(self._ladder.paused) if self._ladder else 0

    @property
    def elsewhere(self) -> int:
        """Trials that other searches of the study run."""
        return len(self._standing.elsewhere)

    @property
    def others(self) -> tuple[str, ...]:
        """The other searches that are at work on the study, as `host:pid:...`."""
        return self._books.others

    @property
    def share(self) -> StudyShare:
        """The place of this search among those of the study."""
        return self._books.share

    @property
    def front(self) -> FrontPoint | None:
        """The front of all finished trials; None while there are none."""
        return self._standing.front

    @property
    def values(self) -> Mapping[int, Mapping[str, float]]:
        """The objectives of finished trials, by number."""
        return self._standing.values

    @property
    def counted(self) -> int:
        """Trials that count against those asked for: all that have not failed and are not running."""
        return self.finished + self.stopped + self.paused

    @property
    def done(self) -> bool:
        """Whether nothing is left to hand out or to wait for."""
        waiting = self._running or self._again or self.elsewhere or self.paused or not self.baselines.done
        return not waiting and (self.counted >= self.trials or self.exhausted)

    def axes(self, number: int) -> Candidate:
        """The candidate of a trial of this study."""
        return self._standing.axes[number]

    def ask(self) -> Job | None:
        """The next job, or None where nothing is to be started now."""
        self._catch_up()
        job = self.baselines.ask() or self._resumed() or self._promoted() or self._begun()
        if job is None and (job := self._completed()) is None and not self._running and not self.elsewhere:
            self._stop_paused()
        return job

    def progress(self, job: Job, record: EpochRecord) -> None:
        """Keeps one point of a running trial's learning curve."""
        if job.trial >= 0:
            with contextlib.suppress(TrialTaken):  # what comes of it is another search's now
                self._books.epoch(job, record)

    def tell(self, job: Job, measurement: Measurement) -> None:
        """Takes the outcome of a job. A trial whose worker was lost is tried again."""
        if job.trial < 0:
            self.baselines.tell(job, self._checked(self.baselines.costs(job.trial), measurement))
        elif self._running.pop(job.trial, None) == job.attempt:
            # Suspended for longer than a lease, a search may find its trial taken over: the other's result counts.
            with contextlib.suppress(TrialTaken):
                self._tell(job, measurement)

    def abandon(self, jobs: Iterable[Job]) -> None:
        """Gives running jobs up: their trials are taken up again by the next run of the study."""
        for job in jobs:
            if job.trial >= 0 and self._running.pop(job.trial, None) == job.attempt:
                self._books.release(job)

    def close(self) -> None:
        """Leaves the study to others, and with it what still runs."""
        for number, attempt in self._running.items():
            self._books.release(self._books.job(number, attempt, self.axes(number)))
        self._running.clear()
        self._books.close()

    # --------------------------------------------------------------------------------------------- what comes next

    def _resumed(self) -> Job | None:
        """A trial that lost its worker, or that another run left behind."""
        while self._again:
            if (job := self._go_on(self._again.pop(0))) is not None:
                return job
        return None

    def _promoted(self, wanted_in_full: bool = False) -> Job | None:
        """A paused trial that may go on to the next rung."""
        while self._ladder and (decision := self._ladder.promote(wanted_in_full)) is not None:
            if (job := self._go_on(self._store.trial(self.parts.study, decision.trial), decision)) is not None:
                self._keep(decision)
                return job
            self._catch_up()
        return None

    def _begun(self) -> Job | None:
        """A new trial of an unseen candidate."""
        while not self.exhausted and self.counted + len(self._running) + self.elsewhere < self.trials:
            if (found := self._next()) is None:
                self.exhausted = True
            elif (job := self._begin(found)) is not None:
                return job
            else:
                self._catch_up()
        return None

    def _completed(self) -> Job | None:
        """All have begun and nobody is to be promoted: more go on where too few full trainings would come of it."""
        if self._ladder is None or self.finished + len(self._running) + self.elsewhere >= self._ladder.rules.min_full:
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
            self._standing.mark(decision.trial, "stopped")

    def _next(self) -> Found | None:
        members = [self.axes(number) for number in self.front.members] if self.front else []
        return self._unseen.next(members, derived_seed(self.fidelity.seed, "help", self.begun))

    def _begin(self, found: Found) -> Job | None:
        """Opens a trial on both sides; None where another search of the study was quicker."""
        self._unseen.add(found.digest)
        if not self._books.claim(found.digest):
            self._books.count("duplicate", "another search took it")
            return None
        number = self._books.number(found.digest, found.axes, found.verdict, found.source)
        self._proposer.begin(number, found.axes)
        state = self._proposer.state(number)
        if not self._books.begin(number, found.digest, found.axes, found.verdict, found.source, state):
            self._proposer.finish(number, None)
            return None
        self._standing.begin(number, found.axes, found.verdict.costs)
        return self._job(number, 1)

    def _go_on(self, trial: Trial, decision: Decision | None = None) -> Job | None:
        """Takes a trial up again; None where another search was quicker, of which the next look tells."""
        try:
            attempt = self._books.again(trial, decision)
        except TrialTaken:
            return None
        self._standing.mark(trial.number, "running", attempt)
        return self._job(trial.number, attempt)

    def _job(self, number: int, attempt: int) -> Job:
        self._running[number] = attempt
        until, after = (self._ladder.target(number), self._ladder.behind(number)) if self._ladder else (0, 0)
        return self._books.job(number, attempt, self.axes(number), until, after)

    # ------------------------------------------------------------------------------------------- what came out of it

    def _tell(self, job: Job, measurement: Measurement) -> None:
        if measurement.reason == "lost_worker" and self._lost[job.trial] < self.parts.retries:
            self._lost[job.trial] += 1
            self._again.append(self._books.release(job))
            return
        measurement = self._checked(self._standing.costs[job.trial], measurement)
        if measurement.curve and measurement.curve[0].epoch == 1:
            self._proposer.learn(job.trial, measurement.curve)
        {"finished": self._finish, "paused": self._pause, "failed": self._fail}[measurement.outcome](job, measurement)

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
        known = {**self._standing.costs[job.trial], **measurement.metrics}
        values = {o.name: float(known[o.name]) for o in self.objectives}
        digest = self.parts.space.digest(self.axes(job.trial))
        while True:
            tracker, front = self._standing.with_finished(job.trial, values)
            try:
                self._books.finish(job, digest, measurement, values, front)
                break
            except FrontMoved:
                before = self.finished
                self._catch_up()
                if self.finished == before:
                    raise
        self._standing.mark(job.trial, "finished")
        self._standing.finish(values, tracker, front)
        self._proposer.finish(job.trial, values)
        self.failures_in_a_row = 0

    def _pause(self, job: Job, measurement: Measurement) -> None:
        assert self._ladder is not None, "no job pauses without early stopping"
        decision = self._ladder.reach(job.trial, {**self._standing.costs[job.trial], **measurement.metrics})
        self._books.pause(job, measurement, decision)
        self._standing.mark(job.trial, "paused")
        self._keep(decision)
        self.failures_in_a_row = 0

    def _fail(self, job: Job, measurement: Measurement) -> None:
        self._books.fail(job, measurement)
        self._standing.mark(job.trial, "failed")
        self._proposer.finish(job.trial, None)
        self.failures_in_a_row += 1

    def _keep(self, decision: Decision) -> None:
        self.decisions[decision.trial] = self.last_decision = decision

    # ---------------------------------------------------------------------------- earlier runs, and the other searches

    def _restore(self) -> None:
        trials, curves = self._books.news(), self._store.curves(self.parts.study)
        self._proposer.restore(trials, self._store.sampler_states(self.parts.study))
        for number, curve in curves.items():
            self._proposer.learn(number, curve)
        for trial in _by_end(trials):
            self._unseen.add(trial.digest)
            self._standing.take_in(trial)
        self._climb(curves)
        self._take_up()

    def _catch_up(self) -> None:
        """Takes in what the other searches of the study have done since the last look."""
        news = [trial for trial in self._books.news() if self._standing.is_news(trial)]
        for trial in _by_end(news):
            self._take_in(trial)
        if news:
            self._climb({})
        if self.elsewhere and time.monotonic() - self._looked_at > LOOK_AGAIN:
            self._take_up()

    def _take_in(self, trial: Trial) -> None:
        number, curve = trial.number, self._store.curve(self.parts.study, trial.number)
        self._unseen.add(trial.digest)
        self._running.pop(number, None)
        self._again = [waiting for waiting in self._again if waiting.number != number]
        if number not in self._standing:
            self._proposer.restore([trial], self._store.sampler_states(self.parts.study, number))
            self._proposer.learn(number, curve)
        else:
            self._proposer.learn(number, curve)
            if trial.state in ENDED and not self._standing.has_ended(number):
                self._proposer.finish(number, trial.values if trial.state == "finished" else None)
        self._standing.take_in(trial)

    def _take_up(self) -> None:
        """Queues what other searches have left behind."""
        self._looked_at = time.monotonic()
        if not self.elsewhere:
            return
        left = [trial for trial in self._books.left_behind() if trial.number in self._standing.elsewhere]
        self._standing.elsewhere -= {trial.number for trial in left}
        self._again += left

    def _climb(self, curves: Mapping[int, tuple[EpochRecord, ...]]) -> None:
        """Takes in decisions of early stopping that are new to this search."""
        if self._ladder is None:
            return

        def values(number: int, epochs: int) -> Mapping[str, float]:
            points = (curves.get(number) or self._store.curve(self.parts.study, number))[:epochs]
            seconds = {"train_seconds": sum(point.seconds for point in points)}
            return {**self._standing.costs[number], **points[-1].metrics, **seconds}

        self._ladder.restore(self._books.decisions(), values)


def _by_end(trials: Iterable[Trial]) -> list[Trial]:
    """Trials in the order in which they ended."""
    return sorted(trials, key=lambda trial: (trial.finished_at, trial.number))
