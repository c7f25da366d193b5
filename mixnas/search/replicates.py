"""Trains the front of a search again with other seeds, to see how much of it was luck.

Another small ask/tell object over the search's loop, executors and store. Members of the front come first; what they
spread tells who is near enough to them to be trained again, too (`mixnas.noise`). The trials and fronts of the study
stay as they are: what comes out is kept beside them as replicates. A replicate that has ended, finished or failed, is
never trained again; where several searches of a study have come to its end, each trains what no other one does.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from mixnas.noise import NoiseReport, near_limit, near_members, noise_report
from mixnas.pareto import front
from mixnas.records import EpochRecord, Fidelity, Job, Measurement, Replicate, Trial
from mixnas.search.books import StudyParts
from mixnas.search.leases import StudyShare
from mixnas.store import Store

Key = tuple[int, int]
"""A trial's number and a seed."""


LOOK_AGAIN = 2.0
"""Seconds between looks for what other searches have finished or left behind."""


class Reevaluation:
    """The re-evaluation of one study's front. Not thread-safe: one loop owns it.

    Args:
        seeds: of every architecture in the end, the search's own included.
        share: keeps trainings apart from those of other searches; without it there is none.
    """

    def __init__(
        self,
        parts: StudyParts,
        seeds: Sequence[int],
        store: Store,
        share: StudyShare | None = None,
    ) -> None:
        self.parts, self.seeds = parts, tuple(seeds)
        self._store, self._share = store, share
        self._trials = {trial.number: trial for trial in store.trials(parts.study, "finished")}
        self._found = {(one.trial, one.seed): one for one in store.replicates(parts.study)}
        self._running: set[Key] = set()
        self._elsewhere: list[Key] = []
        self._looked_at = time.monotonic()
        self._lost: Counter[Key] = Counter()
        self._near_chosen = False
        self.members = tuple(front(self._trials.values(), parts.objectives))
        self.near: tuple[Trial, ...] = ()
        """Candidates within noise of the front that are trained again, once the members have been."""
        self.left_out = 0
        """Further ones, beyond the number that is."""
        self._wanted = self._keys(self.members)
        self._queue = [key for key in self._wanted if key not in self._found]
        self.reused = self.finished
        self.failures_in_a_row = 0

    @property
    def trials(self) -> int:
        """Trainings that can finish, as far as they are known: near-members are chosen after the members' trainings."""
        return len(self._wanted) - self.failed

    @property
    def counted(self) -> int:
        """Trainings that count against them."""
        return self.finished

    @property
    def finished(self) -> int:
        """Trainings that have finished, earlier runs included."""
        return self._ended("finished")

    @property
    def failed(self) -> int:
        """Trainings that have failed, earlier runs included."""
        return self._ended("failed")

    @property
    def done(self) -> bool:
        """Whether nothing is left to hand out or to wait for."""
        return self._near_chosen and not self._open

    def ask(self) -> Job | None:
        """The next training, or None where nothing is to be started now."""
        self._look_elsewhere()
        if not (self._open or self._near_chosen):
            self._choose_near()
        while self._queue:
            key = self._queue.pop(0)
            if not self._take(key):
                self._elsewhere.append(key)
            elif key not in self._found:
                return self._job(key)
            else:
                self._let_go(key)
        return None

    def progress(self, job: Job, record: EpochRecord) -> None:
        """Nothing to do: curves are kept when they are whole."""

    def tell(self, job: Job, measurement: Measurement) -> None:
        """Takes the outcome of a training. One whose worker was lost is tried again."""
        key = job.trial, job.fidelity.seed
        self._running.discard(key)
        if measurement.reason == "lost_worker" and self._lost[key] < self.parts.retries:
            self._lost[key] += 1
            self._queue.insert(0, key)
            return
        self._found[key] = self._replicate(key, measurement)
        self._store.record_replicate(self.parts.study, self._found[key])
        self._let_go(key)
        self.failures_in_a_row = 0 if self._found[key].state == "finished" else self.failures_in_a_row + 1
        if job.checkpoint:
            with contextlib.suppress(OSError):
                self._checkpoint(key).unlink(missing_ok=True)

    def abandon(self, jobs: Iterable[Job]) -> None:
        """Gives running jobs up: the next run of the study trains them."""
        for job in jobs:
            self._running.discard((job.trial, job.fidelity.seed))
            self._let_go((job.trial, job.fidelity.seed))

    def replicate(self, job: Job) -> Replicate | None:
        """What came out of a job; None where it is to be tried again."""
        return self._found.get((job.trial, job.fidelity.seed))

    def report(self) -> NoiseReport | None:
        """What the seeds tell so far; None before an architecture has two."""
        return noise_report(list(self._trials.values()), self._found.values(), self.parts.objectives)

    @property
    def _open(self) -> bool:
        return bool(self._queue or self._running or self._elsewhere)

    def _take(self, key: Key) -> bool:
        """Keeps a training for this search, and finds out whether another one has done it by now."""
        if self._share is None:
            return True
        taken = self._share.claim(_claim(key))
        if taken:
            self._catch_up()
        return taken

    def _let_go(self, key: Key) -> None:
        if self._share is not None:
            self._share.give_up(_claim(key))

    def _catch_up(self) -> None:
        self._found |= {(one.trial, one.seed): one for one in self._store.replicates(self.parts.study)}

    def _look_elsewhere(self) -> None:
        """Takes in what other searches have finished, and what they have not back into the queue now and then."""
        if self._elsewhere and time.monotonic() - self._looked_at >= LOOK_AGAIN:
            self._looked_at = time.monotonic()
            self._catch_up()
            self._queue += [key for key in self._elsewhere if key not in self._found]
            self._elsewhere.clear()

    def _keys(self, trials: Sequence[Trial]) -> list[Key]:
        """Seeds outside, trials inside: what is stopped half-way has equally many seeds of each."""
        return [(t.number, seed) for seed in self.seeds for t in trials if seed != t.fidelity.seed]

    def _ended(self, state: str) -> int:
        return sum(key in self._found and self._found[key].state == state for key in self._wanted)

    def _choose_near(self) -> None:
        near = near_members(list(self._trials.values()), self._found.values(), self.parts.objectives)
        most = near_limit(len(self.members))
        self.near, self.left_out = tuple(near[:most]), len(near[most:])
        more = self._keys(self.near)
        self._wanted += more
        self._queue += [key for key in more if key not in self._found]
        self.reused += sum(key in self._found and self._found[key].state == "finished" for key in more)
        self._near_chosen = True

    def _job(self, key: Key) -> Job:
        self._running.add(key)
        number, seed = key
        return replace(
            self.parts.template,
            trial=number,
            attempt=1 + self._lost[key],
            axes=self._trials[number].axes,
            fidelity=Fidelity(self.parts.template.fidelity.epochs, seed),
            checkpoint=str(self._checkpoint(key)) if self.parts.checkpoints else "",
        )

    def _checkpoint(self, key: Key) -> Path:
        assert self.parts.checkpoints is not None
        return self.parts.checkpoints / f"{key[0]}-seed-{key[1]}.pt"

    def _replicate(self, key: Key, measurement: Measurement) -> Replicate:
        """A finished training without a finite value of every objective has failed."""
        trial, m = self._trials[key[0]], measurement
        exact = {o.name: trial.values[o.name] for o in self.parts.objectives if o.kind == "exact"}
        known = {**m.metrics, **exact}
        values = {o.name: float(known.get(o.name, math.nan)) for o in self.parts.objectives}
        bad = [name for name, value in values.items() if not math.isfinite(value)]
        if m.outcome == "finished" and not bad:
            return Replicate(*key, "finished", values, m.curve, seconds=m.seconds, detail=m.detail)
        reason, detail = m.reason, m.detail
        if m.outcome != "failed":
            reason, detail = "non_finite_value", f"{', '.join(bad)} missing or not finite"
        return Replicate(*key, "failed", {}, m.curve, reason, detail, m.seconds)


def _claim(key: Key) -> str:
    return f"replicate:{key[0]}/{key[1]}"
