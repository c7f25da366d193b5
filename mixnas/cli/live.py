"""What a running search shows: a live view on a terminal, plain lines elsewhere, and the account at the end."""

from __future__ import annotations

import shlex
import time
from typing import TYPE_CHECKING, Protocol, Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from mixnas.describe import describe, format_value
from mixnas.objectives import Objective
from mixnas.pareto import first_cost
from mixnas.printable import printable
from mixnas.search.executors import Done, Event
from mixnas.search.executors import Progress as EpochDone
from mixnas.search.loop import Stopping

if TYPE_CHECKING:
    from mixnas.cli.reevaluation import Reevaluated
    from mixnas.records import Measurement, Trial
    from mixnas.search.driver import Driver
    from mixnas.search.feasibility import Feasible
    from mixnas.session import Session

ROWS = 12
STOPPING = "Stopping: running trials are let finish. Ctrl-C again stops now."


class View(Protocol):
    """Follows a search."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *error: object) -> None: ...
    def listen(self, event: Event | Stopping | None) -> None:
        """Takes an event, after the books are kept; None is a tick."""

    def summary(self, ended: str, storage: str, again: Reevaluated | None = None) -> None:
        """Says how it ended, what seeds told of the front where it was trained again, and what to type next."""


def open_view(session: Session, *, plain: bool) -> View:
    """The live view on a terminal, plain lines where output goes elsewhere."""
    console = Console()
    if console.is_terminal and not plain:
        return LiveView(session, console)
    # In a file or a pipe, 80 columns would only break the lines of the table.
    return PlainView(session, Console(width=max(console.width, 140)))


class PlainView:
    """One line for each trial that ends."""

    def __init__(self, session: Session, console: Console) -> None:
        self._session, self._driver, self._console = session, session.driver, console
        self._started = time.monotonic()
        self._before = session.driver.counted

    def __enter__(self) -> Self:
        spec, driver = self._session.spec, self._driver
        already = f", {driver.counted} finished before" if driver.counted else ""
        self._say(
            f"study {spec.name}: space {self._session.space.name}, data {spec.dataset}, "
            f"{spec.trials} trials of {spec.epochs} epochs, {self._session.executor.workers} workers{already}"
        )
        if driver.others:
            self._say(f"{_searches(len(driver.others))} at work on it: the trials are shared")
        if spec.constraints:
            self._say(f"constraint {'; '.join(spec.constraints)}: {_share(self._session.feasible)}")
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def listen(self, event: Event | Stopping | None) -> None:
        if isinstance(event, Done):
            self._say(self._line(event))
        elif isinstance(event, Stopping):
            self._say(STOPPING)

    def summary(self, ended: str, storage: str, again: Reevaluated | None = None) -> None:
        seconds = time.monotonic() - self._started - (again.seconds if again else 0)
        for line in _ending(self._session, ended, storage, seconds, self._before, again):
            self._console.print(line, highlight=False, soft_wrap=isinstance(line, Text))

    def _line(self, event: Done) -> str:
        driver, number = self._driver, event.job.trial
        place = f"[{driver.counted}/{driver.trials}]"
        if number < 0:
            return self._baseline_line(place, driver.baselines.name(number), event)
        if event.measurement.outcome == "paused":
            return f"{place} trial {number}  {driver.decisions[number]}  {describe(driver.axes(number))}"
        if number not in driver.values:
            return f"{place} trial {number} failed: {self._why(event)}"
        values = "  ".join(f"{k} {format_value(k, v)}" for k, v in driver.values[number].items())
        mark = "  *front*" if driver.front and number in driver.front.members else ""
        return f"{place} trial {number}  {values}  {describe(driver.axes(number))}{mark}"

    def _why(self, event: Done) -> str:
        """The reason of a failure in a line; a value that the driver found wanting is in the store alone."""
        found: Measurement | Trial = event.measurement
        if not found.reason:
            found = self._session.store.trial(self._session.spec.name, event.job.trial)
        return f"{found.reason}: {printable(found.detail, 300)}"

    def _baseline_line(self, place: str, name: str, event: Done) -> str:
        found = self._driver.baselines.found[name]
        if found.state == "failed":
            return f"{place} baseline {name} failed: {found.reason}: {found.detail}"
        return f"{place} baseline {name}  " + "  ".join(f"{k} {format_value(k, v)}" for k, v in found.values.items())

    def _say(self, text: str) -> None:
        self._console.print(Text(text), soft_wrap=True)


class LiveView(PlainView):
    """Progress, best per objective, running trials and the current front, redrawn four times a second."""

    def __init__(self, session: Session, console: Console) -> None:
        super().__init__(session, console)
        self._bar = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            console=console,
        )
        self._task = self._bar.add_task(
            session.spec.name, total=session.driver.trials, completed=session.driver.counted, left=""
        )
        self._running: dict[int, str] = {}
        self._refusals, self._looked = session.store.refusals(session.spec.name), time.monotonic()
        self._live = Live(self._draw(), console=console, refresh_per_second=4, transient=True)

    def __enter__(self) -> Self:
        super().__enter__()
        self._live.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._live.__exit__(None, None, None)

    def listen(self, event: Event | Stopping | None) -> None:
        if isinstance(event, EpochDone):
            found, wanted = event.record.metrics, [o.name for o in self._driver.objectives]
            metrics = "  ".join(f"{name} {format_value(name, found[name])}" for name in wanted if name in found)
            self._running[event.job.trial] = f"epoch {event.record.epoch}/{event.job.fidelity.epochs}  {metrics}"
        elif isinstance(event, Done):
            self._running.pop(event.job.trial, None)
            self._look()
            if event.measurement.outcome == "failed" or event.job.trial < 0:
                self._live.console.print(Text(self._line(event), style="yellow"))
        elif isinstance(event, Stopping):
            self._live.console.print(Text(STOPPING, style="yellow"))
        self._bar.update(self._task, completed=self._driver.counted, left=self._left())
        self._live.update(self._draw())

    def _look(self) -> None:
        """Counts what was refused, at most once a second: a replayed search has hundreds of trials in one."""
        if time.monotonic() - self._looked > 1:
            self._refusals, self._looked = self._session.store.refusals(self._session.spec.name), time.monotonic()

    def _refused(self) -> str:
        """`refused 12, 9 of them by params <= 50k; about 0.25% passes, tightest: macs <= 2M`."""
        reason, most = next(iter(self._refusals.items()), ("", 0))
        all_of_them = sum(self._refusals.values())
        by = f", {most} of them by {reason}" if most < all_of_them else f" by {reason}" if most else ""
        found = self._session.feasible
        tightest = f", tightest: {found.tightest}" if len(found.alone) > 1 else ""
        return f"refused {all_of_them}{by}; {'' if found.exact else 'about '}{found.share:.2%} passes{tightest}"

    def _left(self) -> str:
        done = self._driver.counted - self._before
        if done < 2:
            return ""
        seconds = (time.monotonic() - self._started) / done * max(self._driver.trials - self._driver.counted, 0)
        return f"about {seconds // 60:.0f} min {seconds % 60:.0f} s left"

    def _best(self, o: Objective) -> str:
        values = [v[o.name] for v in self._driver.values.values()]
        return f"{o.name} {format_value(o.name, max(values) if o.direction == 'maximize' else min(values))}"

    def _title(self, number: int) -> str:
        return f"trial {number:<4}" if number >= 0 else f"baseline {self._driver.baselines.name(number)}"

    def _draw(self) -> Group:
        driver = self._driver
        best = "   ".join(self._best(o) for o in driver.objectives if driver.values)
        failed = f"   failed {driver.failed}" if driver.failed else ""
        failed += f"   {_searches(len(driver.others))} at work" if driver.others else ""
        running = (Text(f"  {self._title(n)} {text}", style="dim") for n, text in sorted(self._running.items()))
        front = [front_table(self._session, ROWS)] if driver.values else []
        stopping = [Text(f"  {self._stopping()}")] if driver.last_decision else []
        limits = (
            [Text(f"  {self._refused()}", no_wrap=True, overflow="ellipsis")] if self._session.spec.constraints else []
        )
        return Group(self._bar, Text(f"  best   {best}{failed}"), *limits, *stopping, *running, *front)

    def _stopping(self) -> str:
        """`6 in full, 20 paused, 3 stopped; trial 12 at rung 2: 1st of 9, promoted`."""
        driver, last = self._driver, self._driver.last_decision
        assert last is not None
        stopped = f", {driver.stopped} stopped" if driver.stopped else ""
        return f"{driver.finished} in full, {driver.paused} paused{stopped}; trial {last.trial} at {last}"


def _searches(number: int) -> str:
    return "1 other search is" if number == 1 else f"{number} other searches are"


def _share(found: Feasible) -> str:
    """`about 3.1% of the space passes (2,000 candidates drawn); tightest: params <= 50k, 4.2% alone`."""
    about = "" if found.exact else "about "
    seen = f"all {found.costed:,} candidates costed" if found.exact else f"{found.costed:,} candidates drawn"
    text = f"{about}{found.share:.2%} of the space passes ({seen})"
    if len(found.alone) > 1:
        text += f"; tightest: {found.tightest}, {found.alone[found.tightest]:.2%} alone"
    return text


def front_table(session: Session, rows: int = 1000) -> Table:
    """The current front, cheapest first."""
    driver = session.driver
    members = driver.front.members if driver.front else ()
    key = driver.objectives[first_cost(driver.objectives)].name
    ordered = sorted(members, key=lambda n: driver.values[n][key])
    title = f"Pareto front: {len(ordered)} of {driver.finished} trials"
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("trial", justify="right")
    for o in driver.objectives:
        table.add_column(o.name, justify="right")
    table.add_column("architecture", overflow="fold")
    for number in ordered[:rows]:
        values = [format_value(o.name, driver.values[number][o.name]) for o in driver.objectives]
        table.add_row(str(number), *values, describe(driver.axes(number)))
    for baseline in driver.baselines.finished():
        values = [format_value(o.name, baseline.values[o.name]) for o in driver.objectives]
        table.add_row("–", *values, f"baseline {baseline.name}", style="dim")
    if len(ordered) > rows:
        table.caption = f"and {len(ordered) - rows} more"
    return table


def _ending(
    session: Session, ended: str, storage: str, seconds: float, before: int, again: Reevaluated | None
) -> list[Table | Text]:
    driver, spec = session.driver, session.spec
    counts, refusals = session.store.counts(spec.name), session.store.refusals(spec.name)
    table: list[Table | Text] = [Text(""), front_table(session)] if driver.values else []
    account = (
        f"trained {counts.finished}, refused {counts.refused}, duplicates {counts.duplicates} (not trained), "
        f"failed {counts.failed}"
    )
    if driver.parts.early_stopping is not None:
        waiting = f", {counts.paused} paused" if counts.paused else ""
        rungs = ", ".join(map(str, driver.parts.early_stopping.rungs))
        account += f"; stopped early {counts.stopped}{waiting} (rungs at epoch {rungs})"
    words = [f"\n{_how(driver, ended, seconds, before)}", account]
    if again is not None:
        table = again.tables() or table
        words += [again.account()]
        words += ["The same command goes on."] if again.ended in ("interrupted", "stopped") else []
    words += [f"  refused {count} times: {reason}" for reason, count in refusals.items()]
    return [*table, *(Text(line) for line in [*words, *_next_commands(spec.name, storage, bool(driver.values))])]


def _how(driver: Driver, ended: str, seconds: float, before: int) -> str:
    """How it ended, in a sentence."""
    progress = f"{driver.counted} of {driver.trials} trials"
    what = "finished" if driver.parts.early_stopping is None else f"done, {driver.finished} in full,"
    if ended == "done" and driver.counted == before:
        return f"{progress} were finished before. --trials N asks for more, --study NAME starts another study."
    return {
        "done": f"{progress} {what} in {seconds:.0f} s",
        "exhausted": f"{progress} {what} in {seconds:.0f} s: no other candidate passes the rules and constraints",
        "interrupted": f"interrupted: {progress} {what.rstrip(',')}, none is running. The same command goes on.",
        "stopped": f"stopped: {progress} {what.rstrip(',')}. The same command takes up what was running and goes on.",
    }[ended]


def _next_commands(study: str, storage: str, has_front: bool) -> list[str]:
    from mixnas.study import DEFAULT_STORAGE

    where = f" --storage {shlex.quote(storage)}" if storage != DEFAULT_STORAGE else ""
    which = f" --study {shlex.quote(study)}{where}"
    if not has_front:
        return []
    return [
        "\nnext:",
        f"  mixnas pareto{which} --plot front.html",
        f"  mixnas dashboard{where}",
        f"  mixnas export{which} --knee -o model.yaml",
    ]
