"""The books of a study: what is fixed about it, and every entry on both sides.

Our tables are the truth; the Optuna study that users look at is fed beside them. A trial has the same number on both.
Several searches may keep the books of one study, here or elsewhere: each looks for what the others have entered.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mixnas.environment import environment
from mixnas.objectives import TIMED, Objective
from mixnas.records import Candidate, Decision, EpochRecord, FrontPoint, Job, Measurement, Trial
from mixnas.search.feed import Feed
from mixnas.search.gate import Gate, Verdict
from mixnas.search.leases import LEASE_SECONDS, StudyShare, is_over, may_live
from mixnas.search.rungs import EarlyStopping
from mixnas.space import SearchSpace
from mixnas.store import DuplicateTrial, EnoughTrials, Store, TrialTaken


@dataclass(frozen=True)
class BaselineModel:
    """A model from outside the space to train beside the search, and its exact costs."""

    name: str
    family: str
    axes: Candidate
    costs: Mapping[str, float]


@dataclass(frozen=True)
class StudyParts:
    """What is fixed about a search."""

    space: SearchSpace
    objectives: tuple[Objective, ...]
    gate: Gate
    template: Job
    """Every job is this one with a trial, an attempt and axes."""
    trials: int
    """Asked for, over all runs of the study together."""
    reference: Mapping[str, float]
    """The worst corner that hypervolume is measured from, by objective."""
    baselines: Sequence[BaselineModel] = ()
    early_stopping: EarlyStopping | None = None
    retries: int = 1
    """How often a trial whose worker is lost is tried again."""
    checkpoints: Path | None = None
    """Folder for the states of trainings that may go on later; without one a paused training begins again."""

    @property
    def study(self) -> str:
        """The name of the study."""
        return self.template.study

    @property
    def problem_key(self) -> str:
        """What the store calls the problem."""
        return self.template.problem.key()


class Books:
    """One study's entries by one of its searches, which has a place among them until `close`."""

    def __init__(self, parts: StudyParts, store: Store, feed: Feed) -> None:
        self.parts, self.store = parts, store
        self._feed, self.share = feed, StudyShare(store, parts.study)
        self._seen = -1
        self._decided = 0
        self._shared = False
        self.others: tuple[str, ...] = ()
        """Other searches that are at work on the study."""

    def news(self) -> tuple[Trial, ...]:
        """The trials that have changed since the last call, by number; at the first call all of them."""
        found = self.store.news(self.parts.study, self._seen, self.share.owner)
        self.others = tuple(owner for owner in found.others if may_live(owner))
        self._shared = self._shared or bool(self.others)
        if self._seen < 0 and not self.others:  # others may be between the two sides with what they enter
            self._feed.reconcile(found.trials)
        self._seen = found.changes
        return found.trials

    def decisions(self) -> list[Decision]:
        """What early stopping has decided since the last call, by whichever search."""
        self._decided, found = self.store.decisions_since(self.parts.study, self._decided)
        return found

    def left_behind(self) -> list[Trial]:
        """Running trials that nobody works on any more: given back, or of a search that is gone."""
        newest = self.store.newest_attempts(self.parts.study)
        free = [a for a in newest if a.state != "running" or is_over(a.owner, a.lease_until)]
        return [self.store.trial(self.parts.study, attempt.trial) for attempt in free]

    def claim(self, digest: str) -> bool:
        """Keeps a candidate for this search until it has begun; False where another one has it."""
        return not self.others or self.share.claim(f"candidate:{digest}")

    def number(self, digest: str, axes: Candidate, verdict: Verdict, source: str) -> int:
        """Opens a trial on the Optuna side, which counts without gaps or races, and returns its number."""
        return self._feed.start(axes, {"digest": digest, "source": source, **verdict.costs})

    def begin(
        self,
        number: int,
        digest: str,
        axes: Candidate,
        verdict: Verdict,
        source: str,
        sampler_state: Mapping[str, Any] | None,
    ) -> bool:
        """Opens it on our side; False where another search was quicker: with this candidate, or the last trial."""
        parts = self.parts
        try:
            self.store.start_trial(
                parts.study,
                number,
                digest,
                parts.template.family,
                axes,
                parts.template.fidelity,
                problem_key=parts.problem_key,
                costs=parts.gate.stored(verdict.costs),
                source=source,
                owner=self.share.owner,
                lease_seconds=LEASE_SECONDS,
                sampler_state=sampler_state,
                most=parts.trials if self.others else None,
            )
        except (DuplicateTrial, EnoughTrials):
            self._feed.fail(number, "another search was quicker")
            return False
        finally:
            if self.others:
                self.share.give_up(f"candidate:{digest}")
        return True

    def again(self, trial: Trial, decision: Decision | None = None) -> int:
        """Takes an unfinished trial up once more, a paused one by the decision to promote it; returns the attempt.

        Raises:
            TrialTaken: another search was quicker.
        """
        return self.store.start_attempt(
            self.parts.study, trial.number, self.share.owner, LEASE_SECONDS, after=trial.attempts, decision=decision
        )

    def job(self, number: int, attempt: int, axes: Candidate, until: int = 0, after: int = 0) -> Job:
        """The job of an attempt."""
        path = self._checkpoint(number)
        return replace(
            self.parts.template,
            trial=number,
            attempt=attempt,
            axes=axes,
            until=until,
            after=after,
            checkpoint=str(path) if path else "",
        )

    def count(self, kind: str, reason: str) -> None:
        """Counts a candidate that was proposed and is not trained."""
        self.store.count(self.parts.study, kind, reason)

    def epoch(self, job: Job, record: EpochRecord) -> None:
        """Keeps one point of a running trial's learning curve and renews its lease."""
        self.store.record_epoch(job.study, job.trial, job.attempt, record, lease_seconds=LEASE_SECONDS)

    def finish(
        self, job: Job, digest: str, measurement: Measurement, values: dict[str, float], front: FrontPoint
    ) -> None:
        """A trial has been trained to its last epoch.

        Raises:
            FrontMoved: another search has finished one since `front` was worked out; nothing was entered.
            TrialTaken: another search has taken the trial over.
        """
        self.store.finish_trial(job.study, job.trial, job.attempt, measurement, values, front)
        self._keep_timings(job, digest, measurement)
        self._feed.finish(job.trial, values, {"seconds": round(measurement.seconds, 3)})
        self._forget(job.trial)

    def fail(self, job: Job, measurement: Measurement) -> None:
        """A trial has failed for good."""
        self.store.finish_trial(job.study, job.trial, job.attempt, measurement, {}, None)
        self._feed.fail(job.trial, f"{measurement.reason}: {measurement.detail}".rstrip(": "))
        self._forget(job.trial)

    def pause(self, job: Job, measurement: Measurement, decision: Decision) -> None:
        """A trial waits at a rung. On the Optuna side it is still running."""
        self.store.pause_trial(job.study, job.trial, job.attempt, measurement, decision)

    def stop(self, decisions: Sequence[Decision]) -> None:
        """Paused trials are not promoted any more."""
        for decision in self.store.stop_trials(self.parts.study, decisions):
            self._feed.stop(decision.trial, str(decision))
            self._forget(decision.trial)

    def release(self, job: Job) -> Trial:
        """Lets go of a running trial: anyone may take it up at once."""
        with contextlib.suppress(TrialTaken):  # somebody has
            self.store.release(job.study, job.trial, job.attempt)
        return self.store.trial(job.study, job.trial)

    def close(self) -> None:
        """Leaves the study to the others; the last one sees to it that both sides agree."""
        if self._shared:
            self.news()
            if not self.others:
                self._feed.reconcile(self.store.trials(self.parts.study))
        self.share.release()
        if self.parts.checkpoints is not None:
            for folder in (self.parts.checkpoints, self.parts.checkpoints.parent):
                with contextlib.suppress(OSError):  # not empty, or never made
                    folder.rmdir()

    def _checkpoint(self, number: int) -> Path | None:
        return self.parts.checkpoints / f"{number}.pt" if self.parts.checkpoints else None

    def _forget(self, number: int) -> None:
        """The checkpoint of a trial that has ended is of no more use."""
        path = self._checkpoint(number)
        if path is not None:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)

    def _keep_timings(self, job: Job, digest: str, measurement: Measurement) -> None:
        """What was timed, with its spread, beside what `mixnas measure` adds for other devices."""
        for name in job.measure:
            self.store.record_measurement(
                digest,
                self.parts.problem_key,
                TIMED[name],
                measurement.metrics[name],
                spread=measurement.metrics.get(f"{name}_spread", float("nan")),
                device=measurement.device,
                environment=environment(),
            )
