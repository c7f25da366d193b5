"""`mixnas pareto`."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from mixnas.errors import UsageError

if TYPE_CHECKING:
    from rich.table import Table

    from mixnas.noise import NoiseReport
    from mixnas.objectives import Objective
    from mixnas.records import Baseline, Trial
    from mixnas.store import Store

STORAGE = typer.Option("sqlite:///mixnas.db", help="The database of the studies.")


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(name="pareto")(pareto)


def pareto(
    storage: str = STORAGE,
    study: str = typer.Option("", help="Name of the study; may be left out when there is only one."),
    as_json: bool = typer.Option(False, "--json", help="Print the front as JSON and nothing else."),
    as_csv: bool = typer.Option(False, "--csv", help="Print the front as CSV, one column an axis, and nothing else."),
    plot: Path | None = typer.Option(None, help="Draw the front into FILE: .html, .png, .svg or .pdf."),
) -> None:
    """Print the Pareto front of a study: the trials that no other trial beats in every objective.

    After a search with --seeds: the front of the means over seeds, among the trials that have several, with 95 %
    intervals and a note on members that may be dominated after all.
    """
    from mixnas.cli.noise import noise_columns, noise_fields, noise_notes, noise_table
    from mixnas.noise import noise_report
    from mixnas.objectives import objective
    from mixnas.pareto import front
    from mixnas.store import Store

    if as_json and as_csv:
        raise UsageError("--json and --csv exclude each other", hint="choose one")
    if plot is not None:
        from mixnas.figures.save import require_drawable

        require_drawable(plot)
    with Store.open(storage) as store:
        name = study or only_study(store)
        objectives = [objective(o) for o in store.study(name).spec["objectives"]]
        trials, baselines = store.trials(name), store.baselines(name)
        noise = noise_report(trials, store.replicates(name), objectives)
    members = [one.trial for one in noise.members] if noise else front(trials, objectives)
    if plot is not None:
        _draw(trials, objectives, name, plot, baselines, noise)
    if as_json:
        more = [noise_fields(one) for one in noise.members] if noise else [{}] * len(members)
        entries = [front_entry(t, objectives) | extra for t, extra in zip(members, more, strict=True)]
        typer.echo(json.dumps(entries, indent=2, ensure_ascii=False))
    elif as_csv:
        typer.echo(front_csv(members, objectives, noise_columns(noise.members, objectives) if noise else {}), nl=False)
    elif noise:
        print_table(noise_table(noise, objectives))
        for line in noise_notes(noise):
            typer.echo(line)
    elif not members:
        typer.echo(f"Study {name!r} has no finished trial yet, so there is no front.")
    else:
        print_table(front_table(members, objectives, f"Front of {name}: {len(members)} of {len(trials)} trials"))


def only_study(store: Store) -> str:
    """The name of the single study of a database.

    Raises:
        UsageError: there is none, or there are several; the error lists them.
    """
    names = store.study_names()
    if len(names) == 1:
        return names[0]
    if not names:
        raise UsageError("the database holds no study yet", hint="`mixnas search` starts one")
    raise UsageError(f"the database holds {len(names)} studies", hint=f"choose one with --study: {', '.join(names)}")


def front_entry(trial: Trial, objectives: Sequence[Objective]) -> dict[str, Any]:
    """One member of a front as `mixnas pareto --json` prints it."""
    values = {o.name: _number(trial.values[o.name], o) for o in objectives}
    return {"trial": trial.number, "digest": trial.digest, "config": trial.axes, "values": values}


def _number(value: float, objective: Objective) -> float:
    """Counts as the whole numbers that they are."""
    return int(value) if objective.kind == "exact" and float(value).is_integer() else value


def front_csv(
    members: Sequence[Trial], objectives: Sequence[Objective], more: Mapping[str, Sequence[Any]] | None = None
) -> str:
    """A front as CSV: trial, digest, objectives, `more` columns, then every axis that any member has.

    Axes that are inactive in a member are empty.
    """
    more = more or {}
    axes = list(dict.fromkeys(axis for trial in members for axis in trial.axes))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["trial", "digest", *(o.name for o in objectives), *more, *axes])
    for place, trial in enumerate(members):
        values = [_number(trial.values[o.name], o) for o in objectives]
        values += [column[place] for column in more.values()]
        writer.writerow([trial.number, trial.digest, *values, *(_cell(trial.axes.get(axis, "")) for axis in axes)])
    return text.getvalue()


def _cell(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def front_table(members: Sequence[Trial], objectives: Sequence[Objective], title: str = "") -> Table:
    """A front as a table for the terminal."""
    from rich.table import Table
    from rich.text import Text

    from mixnas.describe import describe, format_value, heading

    table = Table(title=Text(title) if title else None, title_justify="left")
    for name in ("trial", *(heading(o.name) for o in objectives)):
        table.add_column(Text(name), justify="right", no_wrap=True)
    table.add_column("architecture", overflow="fold")
    for trial in members:
        values = (format_value(o.name, trial.values[o.name]) for o in objectives)
        table.add_row(str(trial.number), *values, Text(describe(trial.axes)))
    return table


def print_table(table: Table) -> None:
    """To the terminal at its width; to a file or a pipe wide enough for one line a row."""
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        console = Console(width=200)
    console.print(table)


def _draw(
    trials: Sequence[Trial],
    objectives: Sequence[Objective],
    name: str,
    path: Path,
    baselines: Sequence[Baseline],
    noise: NoiseReport | None,
) -> None:
    from mixnas.figures.pareto import baseline_marks, pareto_data, pareto_figure
    from mixnas.figures.save import save

    data = pareto_data(trials, objectives, baseline_marks(baselines), noise)
    if not data.points or len(objectives) < 2:
        missing = "a finished trial" if not data.points else "a second objective"
        raise UsageError(f"study {name!r} has no front to draw: it needs {missing}", hint="leave --plot out")
    typer.echo(f"drawn: {save(pareto_figure(data), path)}", err=True)
