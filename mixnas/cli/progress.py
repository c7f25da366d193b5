"""How trainings with seeds are followed, an ablation's or a front's: a bar on a terminal, one line each elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from mixnas.describe import format_value
from mixnas.search.executors import Done, Event
from mixnas.search.loop import Stopping

if TYPE_CHECKING:
    from mixnas.ablation.runner import ArmDriver

STOPPING = "Stopping: running trainings are let finish. Ctrl-C again stops now."


class Counted(Protocol):
    """What is followed: how many trainings there are, and how many of them have finished, now and before."""

    reused: int

    @property
    def trials(self) -> int: ...
    @property
    def finished(self) -> int: ...


class Followed:
    """Follows the runs of a driver; `line` says what came out of one."""

    def __init__(
        self, driver: Counted, console: Console, title: str, line: Callable[[Done], str], *, plain: bool = False
    ) -> None:
        self._driver, self._console, self._line = driver, console, line
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._bar = Progress(*columns, TextColumn("{task.fields[left]}"), console=console, transient=True)
        self._bar.disable = plain or not console.is_terminal
        self._task = self._bar.add_task(title, total=driver.trials, completed=driver.finished, left="")
        self._started = time.monotonic()

    def __enter__(self) -> Self:
        self._bar.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.__exit__(None, None, None)

    def listen(self, event: Event | Stopping | None) -> None:
        """Takes an event, after the books are kept; None is a tick."""
        if isinstance(event, Stopping):
            self._bar.console.print(Text(STOPPING, style="yellow"))
        elif isinstance(event, Done) and (self._bar.disable or event.measurement.outcome == "failed"):
            self._bar.console.print(Text(self._line(event)), soft_wrap=True)
        driver = self._driver
        self._bar.update(self._task, completed=driver.finished, total=driver.trials, left=self._left())

    def _left(self) -> str:
        done = self._driver.finished - self._driver.reused
        if done < 2:
            return ""
        seconds = (time.monotonic() - self._started) / done * max(self._driver.trials - self._driver.finished, 0)
        return f"about {seconds // 60:.0f} min {seconds % 60:.0f} s left"


def follow_ablation(driver: ArmDriver, console: Console) -> Followed:
    """Follows the runs of an ablation."""

    def line(event: Done) -> str:
        job, measurement = event.job, event.measurement
        name = f"[{driver.finished}/{driver.trials}] {driver.arm(job).label}, seed {job.fidelity.seed}"
        if measurement.outcome == "failed":
            return f"{name} failed: {measurement.reason}: {measurement.detail}"
        metric = driver.experiment.spec.metric
        return f"{name}: {metric} {format_value(metric, measurement.metrics[metric])}"

    return Followed(driver, console, driver.study, line)
