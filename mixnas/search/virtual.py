"""Workers and a clock that are made up: replayed trainings end in the order in which real ones would have ended.

Every epoch takes the seconds that its record says, on the clock of the executor alone. The driver sees what it would
have seen of `workers` real ones, hours of training pass in a second, and the same search gives the same result again.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import count

from mixnas.evaluators import run as run_job
from mixnas.records import EpochRecord, Job
from mixnas.search.executors import Done, Event, Progress, Sink


class VirtualExecutor:
    """`workers` jobs at once in virtual time. Each is worked out in this process, all at once, before it counts.

    The device of a measurement says at what virtual second the job ended, which the store keeps with the attempt.
    """

    def __init__(self, workers: int = 1) -> None:
        self.workers = workers
        self.clock = 0.0
        """Virtual seconds since the start: the time of the last event."""
        self._submitted: list[Job] = []
        self._coming: list[tuple[float, int, Event]] = []
        self._order: Iterator[int] = count()
        self._running: list[Job] = []

    def free(self) -> int:
        return self.workers - len(self._running)

    def submit(self, job: Job) -> None:
        self._running.append(job)
        self._submitted.append(job)

    def wait(self, sink: Sink, timeout: float) -> None:
        """Hands over what comes next, up to the first end of a job: its worker is free from then on."""
        if not self._running:
            time.sleep(timeout)  # for what other searches of the study do
        while self._submitted:
            self._begin(self._submitted.pop(0))
        while self._coming:
            self.clock, _, event = heapq.heappop(self._coming)
            if isinstance(event, Done):
                self._running.remove(event.job)
            sink(event)
            if isinstance(event, Done):
                return

    def stop(self) -> list[Job]:
        running, self._running, self._coming, self._submitted = self._running, [], [], []
        return running

    def _begin(self, job: Job) -> None:
        records: list[EpochRecord] = []
        measurement = run_job(job, records.append)
        at = self.clock
        for record in records:
            at += record.seconds
            self._plan(at, Progress(job, record))
        end = max(at, self.clock + measurement.seconds)  # a failure may have taken longer than what it reported
        self._plan(end, Done(job, replace(measurement, device=f"virtual, ended at {end:.3f} s")))

    def _plan(self, at: float, event: Event) -> None:
        heapq.heappush(self._coming, (at, next(self._order), event))
