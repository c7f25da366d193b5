"""`mixnas table`: builds tables of trainings that searches can be replayed on, and says what is in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mixnas.errors import MixnasError, UsageError

if TYPE_CHECKING:
    from mixnas.search.executors import Executor
    from mixnas.table import Table
    from mixnas.table.build import Trainings
    from mixnas.table.journal import Journal

Name = Annotated[str, typer.Argument(help="A table's name, or the path of its .npz file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Adds the commands to the app."""
    table = typer.Typer(
        help="Tables of real trainings, to replay searches on: build, show, list.", no_args_is_help=True
    )
    for command in (build, show, list_):
        table.command(command.__name__.rstrip("_"))(command)
    app.add_typer(table, name="table")


def build(
    space: Annotated[str, typer.Argument(help="The space whose candidates are trained, all of them.")],
    output: Path = typer.Option(..., "--output", "-o", help="File to write, NAME.npz."),
    dataset: str = typer.Option("digits", help="The data set."),
    seeds: int = typer.Option(2, help="Trainings of each candidate: seeds 0, 1, ..."),
    epochs: int = typer.Option(0, help="Epochs of each training. [the data set's own default]"),
    recipe: str = typer.Option("small", help="How they are trained."),
    split_seed: int = typer.Option(0, help="Cuts the validation part from the training data."),
    limit: int = typer.Option(0, help="Train a sample of so many candidates; 0 trains all."),
    workers: int = typer.Option(0, help="Worker processes; 0 is one a core."),
    evaluator: str = typer.Option("train", help="train, toy, or package.module:function."),
) -> None:
    """Train every candidate of a space with several seeds and write the learning curves to one file.

    What has ended is kept in FILE.part.jsonl at once: after Ctrl-C, or a kill, the same command goes on. Seconds are
    CPU seconds of each epoch, so that a busy machine makes no training look dear.
    """
    from mixnas.recipe import recipe as find_recipe
    from mixnas.table.build import Plan, Trainings, finish, open_journal

    if output.suffix != ".npz":
        raise UsageError(f"-o {output}: a table file ends in .npz", hint=f"-o {output}.npz")
    if output.is_dir():
        raise UsageError(f"-o {output} is a folder", hint="name a file in it")
    timed = {} if evaluator == "train" else {"evaluator": evaluator}
    plan = Plan(space, dataset, seeds, epochs, find_recipe(recipe), split_seed, limit, **timed)
    trainings = Trainings.of(plan)
    journal = open_journal(trainings, output)
    _train(trainings, journal, workers)
    table = finish(trainings, journal, output)
    typer.echo(f"{output}: {_what(table)}")
    if not table.header.whole:
        typer.echo("A sample of its space: no search of the space can be replayed on it.")
    else:
        typer.echo(f"Replay a search on it: mixnas search --space {space} --evaluator table:{output} --backend virtual")


def show(name: Name, as_json: AsJson = False) -> None:
    """Show what a table holds, how it was trained, and what that took."""
    from mixnas.table import find_table

    table = find_table(name)
    if as_json:
        typer.echo(json.dumps(_facts(table), indent=2))
        return
    header = table.header
    typer.echo(_what(table))
    typer.echo(f"space    {header.space.get('name')} ({'all of it' if header.whole else 'a sample'}), {header.family}")
    typer.echo(f"data     {header.dataset}, {header.problem}, split seed {header.split_seed}")
    typer.echo("recipe   " + ", ".join(f"{k} {v}" for k, v in header.recipe.items()))
    typer.echo(f"compute  {header.cpu_seconds:,.0f} CPU seconds on {header.device}")
    packages = header.environment.get("packages", {})
    typer.echo("made by  " + ", ".join(f"{name} {version}" for name, version in packages.items()))
    for line in _ranges(table):
        typer.echo(line)


def list_(as_json: AsJson = False) -> None:
    """List every table that a name reaches."""
    from mixnas.table import read_table, table_names

    rows: list[dict[str, Any]] = []
    for name, path in table_names().items():
        try:
            table = read_table(path)
        except MixnasError as error:
            rows.append({"name": name, "path": str(path), "error": error.message})
        else:
            rows.append({"name": name, "path": str(path), "what": _what(table)})
    if as_json:
        typer.echo(json.dumps(rows))
    elif not rows:
        typer.echo("No table yet: mixnas table build SPACE -o studies/tables/NAME.npz")
    for row in [] if as_json else rows:
        typer.echo(f"{row['name']:24s} {row.get('what') or 'broken: ' + row['error']}")


def _train(trainings: Trainings, journal: Journal, workers: int) -> None:
    """Trains what is left, in view of the user.

    Raises:
        typer.Exit: with code 1 where it was interrupted.
    """
    from mixnas.table.build import train_all

    left = [job for job in trainings.jobs() if not journal.holds(job.axes, job.fidelity.seed)]
    if not left:
        typer.echo("every training is in the journal already")
        return
    executor = _executor(trainings.plan.evaluator, min(workers, len(left)) if workers else 0)
    try:
        with _progress() as progress:
            task = progress.add_task("trainings", total=None)

            def told(done: int, total: int) -> None:
                progress.update(task, completed=done, total=total)

            train_all(trainings, journal, executor, told)
    except KeyboardInterrupt:
        typer.echo(f"interrupted; {journal.path} has what was trained, and the same command goes on", err=True)
        raise typer.Exit(1) from None
    finally:
        executor.stop()


def _executor(evaluator: str, workers: int) -> Executor:
    from mixnas.evaluators import load_evaluator
    from mixnas.search.executors import make_executor

    if workers < 0:
        raise UsageError(f"--workers {workers} is not a number of processes", hint="0 takes one a core")
    load_evaluator(evaluator)
    return make_executor("processes", workers, evaluator)


def _progress() -> Any:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left:"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )


def _what(table: Table) -> str:
    header = table.header
    return (
        f"{len(table.candidates):,} candidates of {header.space.get('name')} x {len(header.seeds)} seeds x "
        f"{header.epochs} epochs on {header.dataset}, {header.cpu_seconds:,.0f} CPU seconds"
    )


def _facts(table: Table) -> dict[str, Any]:
    header = {name: getattr(table.header, name) for name in table.header.__dataclass_fields__}
    return {**header, "candidates": len(table.candidates), "failed": int((~table.finished).sum())}


def _ranges(table: Table) -> list[str]:
    """One line for each cost, metric at the end and the seconds of a training: smallest, median, largest."""
    import numpy as np

    from mixnas.describe import format_value

    columns = dict(zip(table.header.costs, table.costs, strict=True))
    columns |= {name: values[..., -1] for name, values in zip(table.header.metrics, table.metrics, strict=True)}
    columns["seconds"] = np.nansum(table.seconds, axis=-1)
    lines = [f"failed   {int((~table.finished).sum())} of {table.finished.size} trainings"]
    for name, values in columns.items():
        known = values[np.isfinite(values)]
        if known.size:
            low, middle, high = (format_value(name, float(q)) for q in np.quantile(known, (0, 0.5, 1)))
            lines.append(f"{name:8s} {low} to {high}, half of them up to {middle}")
    return lines
