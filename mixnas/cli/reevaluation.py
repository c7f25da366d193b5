"""The end of `mixnas search --seeds`: the front is trained again in view of the user, then shown with intervals."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mixnas.cli.noise import noise_notes, noise_table
from mixnas.cli.progress import Followed
from mixnas.describe import describe, format_value
from mixnas.errors import RunError
from mixnas.noise import NoiseReport, measured
from mixnas.search.executors import Done
from mixnas.search.loop import Hopeless, Interrupts, run

if TYPE_CHECKING:
    from mixnas.search.replicates import Reevaluation
    from mixnas.session import Session


@dataclass(frozen=True)
class Reevaluated:
    """How a re-evaluation ended, and what it tells."""

    ended: str
    """As `mixnas.search.loop.run` says it."""
    driver: Reevaluation
    report: NoiseReport | None
    seconds: float

    def tables(self) -> list[Table | Text]:
        """The front of the means and what belongs beneath it; nothing where no architecture has two seeds."""
        if self.report is None:
            return []
        notes = [Text(line) for line in noise_notes(self.report)]
        return [Text(""), noise_table(self.report, self.driver.parts.objectives), *notes]

    def account(self) -> str:
        """What was trained again, in a sentence."""
        driver = self.driver
        seeds = ", ".join(map(str, driver.seeds))
        near = f" and {len(driver.near)} near it" if driver.near else ""
        left = f" ({driver.left_out} more would be near, too)" if driver.left_out else ""
        done = f"{driver.finished} of {driver.trials}" if self.ended in ("interrupted", "stopped") else driver.finished
        return (
            f"front trained again: {len(driver.members)} members{near}{left} with seeds {seeds}; "
            f"{done} trainings finished in {self.seconds:.0f} s, failed {driver.failed}"
        )


def reevaluate(session: Session, state: Interrupts, *, plain: bool) -> Reevaluated:
    """Trains the front and what is near it with the other seeds of the session.

    Raises:
        RunError: training after training failed and none has ever finished.
    """
    started, driver, console = time.monotonic(), session.reevaluation(), Console()
    if not console.is_terminal:
        console = Console(width=max(console.width, 140))
    others = ", ".join(map(str, session.seeds[1:]))
    already = f", {driver.finished} of them before" if driver.finished else ""
    opening = (
        f"the front again with seeds {others}: {driver.trials} trainings of {len(driver.members)} members{already}"
    )
    console.print(Text(f"{opening}; then what is near them"), soft_wrap=True)
    title = f"{session.spec.name}, other seeds"
    with Followed(driver, console, title, lambda event: _line(driver, event), plain=plain) as view:
        try:
            ended = run(driver, session.executor, view.listen, state)
        except Hopeless as error:
            raise RunError(f"with other seeds {error.message}", hint=error.hint) from error
    return Reevaluated(ended, driver, driver.report(), time.monotonic() - started)


def _line(driver: Reevaluation, event: Done) -> str:
    """`[3/10] trial 12, seed 1: acc 0.9861  width 12 · depth 4`."""
    job, found = event.job, driver.replicate(event.job)
    name = f"[{driver.finished}/{driver.trials}] trial {job.trial}, seed {job.fidelity.seed}"
    if found is None:
        return f"{name}: its worker was lost; it is tried again"
    if found.state == "failed":
        return f"{name} failed: {found.reason}: {found.detail}"
    noisy = measured(driver.parts.objectives)
    values = "  ".join(f"{o.name} {format_value(o.name, found.values[o.name])}" for o in noisy)
    return f"{name}: {values}  {describe(job.axes)}"
