"""The loop between a driver and an executor, with the rules for Ctrl-C.

Once: nothing new is started, running trials finish. Twice, or SIGTERM: everything stops now; what was running is
taken up again by the next run of the study.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

from mixnas.errors import RunError
from mixnas.printable import printable
from mixnas.records import FAILURES, EpochRecord, Job, Measurement
from mixnas.search.executors import Done, Event, Executor, Progress


class AskTell(Protocol):
    """What the loop drives: a search, an ablation, the re-evaluation of a front."""

    @property
    def trials(self) -> int:
        """Trials that are asked for."""

    @property
    def counted(self) -> int:
        """Trials that count against them."""

    @property
    def finished(self) -> int:
        """Trials that were trained to their last epoch."""

    @property
    def failures_in_a_row(self) -> int:
        """Failures since the last success."""

    @property
    def done(self) -> bool:
        """Whether nothing is left to hand out or to wait for."""

    def ask(self) -> Job | None:
        """The next job, or None where nothing is to be started now."""

    def progress(self, job: Job, record: EpochRecord) -> None:
        """A job has finished an epoch."""

    def tell(self, job: Job, measurement: Measurement) -> None:
        """A job has ended."""

    def abandon(self, jobs: Iterable[Job]) -> None:
        """These jobs were ended before their time."""


@dataclass(frozen=True)
class Stopping:
    """Ctrl-C was seen: nothing new is started."""


Listener = Callable[[Event | Stopping | None], None]
"""Told of each event after the books are kept, of Stopping once, and of None at least every `TICK` seconds."""

TICK = 0.25
FAILURES_TO_GIVE_UP = 8
"""Failures from the first trial on after which a search ends."""

FAILURES_IN_A_ROW = 24
"""Failures after which one ends that has finished trials: its data set is gone, say."""


class Hopeless(RunError):
    """Trial after trial failed and none has ever finished; `trial` is the last of them."""

    def __init__(self, message: str, hint: str, trial: int) -> None:
        super().__init__(message, hint)
        self.trial = trial


class StopNow(BaseException):
    """The user wants out at once. Not an Exception, so that no evaluator takes it for a failed training."""


class Interrupts:
    """Counts Ctrl-C: at the first nothing new starts, at the second everything ends at the next safe point."""

    def __init__(self, armed: bool = True) -> None:
        self.armed, self.count = armed, 0

    @property
    def asked(self) -> bool:
        """Whether to start nothing more."""
        return self.count > 0

    def handle(self, number: int, _frame: Any) -> None:
        """The signal handler. A third Ctrl-C does not wait for a safe point."""
        if not self.armed:
            raise KeyboardInterrupt
        self.count += 2 if number == signal.SIGTERM else 1
        if self.count > 2 and number == signal.SIGINT:
            raise KeyboardInterrupt

    def check(self) -> None:
        """A safe point: the books are in order here."""
        if self.count >= 2:
            raise StopNow


@contextmanager
def interrupts(armed: bool = True) -> Iterator[Interrupts]:
    """Catches SIGINT and SIGTERM inside the block; a no-op outside the main thread.

    Args:
        armed: count from the start. Otherwise Ctrl-C interrupts as usual until the block sets `armed`.
    """
    state = Interrupts(armed)
    if threading.current_thread() is not threading.main_thread():
        yield state
        return
    before = {number: signal.signal(number, state.handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield state
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run(
    driver: AskTell,
    executor: Executor,
    listen: Listener = lambda event: None,
    state: Interrupts | None = None,
    *,
    keep: bool = False,
) -> str:
    """Runs the search to its end and says how it ended: `done`, `exhausted`, `interrupted` or `stopped`.

    Args:
        state: of the caller's `interrupts()`, where signals are to be caught for longer than the search lasts.
        keep: leaves the executor running at the end, for another driver.

    Raises:
        Hopeless: trial after trial failed.
    """
    with nullcontext(state) if state else interrupts() as state:
        try:
            _run(driver, executor, listen, state)
        except StopNow:
            driver.abandon(executor.stop())
            return "stopped"
        except BaseException:
            driver.abandon(executor.stop())
            raise
    if not keep:
        executor.stop()
    if driver.counted >= driver.trials:
        return "done"
    return "interrupted" if state.asked else "exhausted"


def _run(driver: AskTell, executor: Executor, listen: Listener, state: Interrupts) -> None:
    def sink(event: Event) -> None:
        if isinstance(event, Progress):
            driver.progress(event.job, event.record)
        else:
            driver.tell(event.job, event.measurement)
        listen(event)
        if isinstance(event, Done):
            _give_up_if_hopeless(driver, event)
        state.check()

    told = False
    while True:
        if state.asked and not told:
            told = True
            listen(Stopping())
        while not state.asked and executor.free() and (job := driver.ask()) is not None:
            executor.submit(job)
            listen(None)
        if driver.done or (state.asked and executor.free() == executor.workers):
            return
        executor.wait(sink, TICK)
        state.check()
        listen(None)


def _give_up_if_hopeless(driver: AskTell, event: Done) -> None:
    if driver.failures_in_a_row >= (FAILURES_IN_A_ROW if driver.finished else FAILURES_TO_GIVE_UP):
        # The measurement has no reason where it was the driver that found a value wanting.
        reason = event.measurement.reason or "non_finite_value"
        raise Hopeless(
            f"the {'last' if driver.finished else 'first'} {driver.failures_in_a_row} trials all failed; "
            f"the last one with {reason}: {printable(event.measurement.detail, 300) or FAILURES[reason]}",
            hint="nothing can be learned this way: mend that, then type the same command",
            trial=event.job.trial,
        )
