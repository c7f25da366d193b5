"""`mixnas measure`: times the models of a study on the device at hand, after the search."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import typer

from mixnas.errors import UsageError
from mixnas.study import DEFAULT_STORAGE

if TYPE_CHECKING:
    from mixnas.records import Trial
    from mixnas.store import Store


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("measure")(measure)


def measure(
    study: str = typer.Option("", help="Name of the study; may be left out when there is only one."),
    objective: str = typer.Option("latency", help="latency (ms) or throughput (images/s)."),
    device: str = typer.Option("cpu", help="cpu, cuda or cuda:N."),
    batch_size: int | None = typer.Option(None, min=1, help="Images in a forward pass. [1 for latency, 64]"),
    threads: int = typer.Option(1, min=1, help="Threads of the CPU."),
    engine: str = typer.Option("eager", help="eager, export (torch.export) or onnx (ONNX Runtime)."),
    seconds: float = typer.Option(1.0, min=0.05, help="Time for each model."),
    every: bool = typer.Option(False, "--all", help="All finished trials, not only the front."),
    list_only: bool = typer.Option(False, "--list", help="List what has been measured and stop."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON and nothing else."),
    storage: str = typer.Option(DEFAULT_STORAGE, help="Database URL."),
) -> None:
    """Time the models of a study on this machine and keep the figures beside those of other machines.

    Measuring again adds rows and never overwrites one. Values are medians of forward passes after a warm-up; the spread
    is the interquartile range. Refused while a search or an ablation of this database trains on this machine; other
    programs are not looked for, so run it while nothing else runs.
    """
    from mixnas.cli.fronts import only_study
    from mixnas.final_training import require_device
    from mixnas.store import Store

    with Store.open(storage) as store:
        name = study or only_study(store)
        trials = _trials(store, name, every)
        if not list_only:
            require_device(device)
            _require_quiet(store)
            for trial in trials:
                _measure(store, name, trial, objective, device, batch_size, threads, engine, seconds)
        rows = _rows(store, trials)
    if as_json:
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    elif rows:
        _print(name, rows)
    else:
        typer.echo(f"Nothing has been measured of study {name!r} yet: mixnas measure --study {name}")


def _trials(store: Store, name: str, every: bool) -> list[Trial]:
    from mixnas.objectives import objective
    from mixnas.pareto import front

    finished = store.trials(name, "finished")
    if every:
        return finished
    return list(front(finished, [objective(o) for o in store.study(name).spec["objectives"]]))


def _measure(
    store: Store,
    study: str,
    trial: Trial,
    objective: str,
    device: str,
    batch_size: int | None,
    threads: int,
    engine: str,
    seconds: float,
) -> None:
    from mixnas.cost.latency import measure as time_model
    from mixnas.environment import environment
    from mixnas.lookup import find_in
    from mixnas.objectives import objective as find_objective

    found = find_in(store, study, trial.number)
    timing = time_model(
        find_objective(objective).name,
        found.family,
        found.axes,
        found.problem,
        batch_size=batch_size,
        engine=engine,
        device=device,
        threads=threads,
        seconds=seconds,
    )
    _require_quiet(store)  # or it was timed beside something that began in the meantime
    where = environment()
    store.record_measurement(
        trial.digest,
        found.problem.key(),
        timing.stored_name,
        timing.value,
        spread=timing.spread,
        device=device_name(device, where),
        environment={**where, "threads": threads, "engine": engine, "batch_size": timing.batch_size},
    )


def _require_quiet(store: Store) -> None:
    """Refuses to time models beside trainings, which would make them look slow.

    Raises:
        UsageError: a search or an ablation of the database is at work on this machine.
    """
    from mixnas.search.leases import at_work_here

    for study, owners in at_work_here(store).items():
        who = ", ".join(f"process {owner.split(':')[1]}" for owner in owners)
        raise UsageError(
            f"a model is timed while nothing else trains, and study {study!r} is at work on this machine ({who})",
            hint="wait until it has ended, or stop it with Ctrl-C; what was measured before is kept",
        )


def device_name(device: str, where: dict[str, Any]) -> str:
    """What a device is called in the store: its kind and its model, so that two machines are told apart."""
    if device.startswith("cuda"):
        import torch

        return f"{device} {torch.cuda.get_device_name(device)}"[:200]
    return f"{device} {where['processor']}".strip()[:200]


def _rows(store: Store, trials: list[Trial]) -> list[dict[str, Any]]:
    return [
        {
            "trial": trial.number,
            "digest": trial.digest,
            "name": found.name,
            "value": found.value,
            "spread": None if math.isnan(found.spread) else found.spread,
            "device": found.device,
            "at": found.at,
        }
        for trial in trials
        for found in store.measurements(trial.digest)
    ]


def _print(study: str, rows: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"Measured of {study}", title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("trial", "measured", "median", "spread", "device", "at"):
        table.add_column(column, justify="right" if column in ("trial", "median", "spread") else "left")
    for row in rows:
        spread = "–" if row["spread"] is None else f"{row['spread']:,.3g}"
        table.add_row(str(row["trial"]), row["name"], f"{row['value']:,.4g}", spread, row["device"], row["at"][:19])
    console = Console(highlight=False, markup=False)  # names have brackets
    if not console.is_terminal:
        console.width = 160
    console.print(table)
