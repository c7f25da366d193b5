"""A front with seeds: as a table, as JSON, as CSV, and the sentences that belong beneath it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mixnas.describe import describe, format_value, heading
from mixnas.noise import NoiseReport, Repeated, measured
from mixnas.objectives import Objective

if TYPE_CHECKING:
    from rich.table import Table


def seeds_said(report: NoiseReport) -> str:
    """`3 seeds`, or `2 to 3 seeds` where not all have as many."""
    counts = [one.seeds for one in report.members]
    fewest, most = min(counts), max(counts)
    return f"{most} seeds" if fewest == most else f"{fewest} to {most} seeds"


def noise_table(report: NoiseReport, objectives: Sequence[Objective]) -> Table:
    """The front of the means with 95 % intervals and flags, for the terminal."""
    from rich.table import Table
    from rich.text import Text

    noisy = measured(objectives)
    title = f"Front of the means over {seeds_said(report)}: {len(report.members)} of {len(report.repeated)} trials"
    table = Table(title=Text(title, style="bold"), title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("trial", justify="right")
    for o in objectives:
        table.add_column(Text(heading(o.name)), justify="right", no_wrap=True)
        if o in noisy:
            table.add_column("95 % interval", no_wrap=True)
    table.add_column("seeds", justify="right")
    table.add_column("within noise of", no_wrap=True)
    table.add_column("architecture", overflow="fold")
    for one in report.members:
        cells = [cell for o in objectives for cell in _cells(one, o, noisy)]
        table.add_row(str(one.number), *cells, str(one.seeds), one.rivals_said, Text(describe(one.trial.axes)))
    return table


def _cells(one: Repeated, o: Objective, noisy: Sequence[Objective]) -> list[str]:
    shown = [format_value(o.name, one.trial.values[o.name])]
    return [*shown, " to ".join(format_value(o.name, end) for end in one.intervals[o.name])] if o in noisy else shown


def noise_notes(report: NoiseReport) -> list[str]:
    """What else there is to know: who fell off, who was left out, and how lucky the search's own seed was."""
    lines = []
    if report.fallen:
        beaten = [f"{number} (by {by})" for number, by in sorted(report.fallen.items())]
        lines.append(f"off the front by their means: {_listed(beaten)}")
    if report.single:
        lines.append(
            f"left out, with one seed only: {_listed(report.single)}; the same search with --seeds trains more"
        )
    failed = sum(one.failed for one in report.repeated)
    if failed:
        lines.append(f"{failed} trainings with other seeds failed; means are of those that finished")
    for name, gap in report.luck.items():
        seen = "better" if gap >= 0 else "worse"
        by = format_value(name, abs(gap))
        lines.append(f"the search's own seed showed its front {seen} than the others do, by {by} {name} on average")
    return lines


def _listed(trials: Sequence[object]) -> str:
    return f"trial{'s' if len(trials) > 1 else ''} {', '.join(map(str, trials))}"


def noise_fields(one: Repeated) -> dict[str, Any]:
    """What a member has beside what `mixnas pareto --json` prints of every member."""
    intervals = {name: list(ends) for name, ends in one.intervals.items()}
    return {"seeds": one.seeds, "failed_seeds": one.failed, "intervals": intervals, "within_noise_of": list(one.rivals)}


def noise_columns(members: Sequence[Repeated], objectives: Sequence[Objective]) -> Mapping[str, list[Any]]:
    """The same as columns of a CSV file."""
    columns: dict[str, list[Any]] = {}
    for o in measured(objectives):
        columns[f"{o.name}_low"] = [one.intervals[o.name][0] for one in members]
        columns[f"{o.name}_high"] = [one.intervals[o.name][1] for one in members]
    columns["seeds"] = [one.seeds for one in members]
    columns["noise"] = [one.flag for one in members]
    return columns
