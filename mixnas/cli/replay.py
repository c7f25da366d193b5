"""`mixnas replay`: whether a stored result comes out again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import typer

from mixnas.errors import UsageError
from mixnas.study import DEFAULT_STORAGE

if TYPE_CHECKING:
    from mixnas.reproduce import Replay
    from mixnas.store import Store


LONGEST_NUMBER = 15
"""Digits of a trial's number; more would not fit into a database's integer."""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("replay")(replay)


def replay(
    trial: str = typer.Argument(metavar="TRIAL", help="A number, or STUDY/NUMBER."),
    study: str = typer.Option("", help="Name of the study; may be left out when there is only one."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON and nothing else."),
    storage: str = typer.Option(DEFAULT_STORAGE, help="Database URL."),
) -> None:
    """Train a trial once more, alone, and compare it with what the store holds. Nothing is written.

    Exit code 1 where the result is another one. Trainings run on one thread with their own seeds, so that neither the
    number of workers nor their order matters.
    """
    from mixnas.reproduce import replay as train_again
    from mixnas.store import Store

    with Store.open(storage) as store:
        name, number = which_trial(store, trial, study)
        found = train_again(store, name, number)
    if as_json:
        typer.echo(json.dumps(_plain(found), indent=2))
    else:
        _print(found)
    if not found.same:
        raise typer.Exit(1)


def which_trial(store: Store, trial: str, study: str) -> tuple[str, int]:
    """Study and number of a trial that was asked for as NUMBER or STUDY/NUMBER.

    Raises:
        UsageError: it is neither, or the study has to be named.
    """
    from mixnas.cli.fronts import only_study

    name, _, number = trial.rpartition("/")
    if not number.isascii() or not number.isdigit() or len(number) > LONGEST_NUMBER:
        raise UsageError(f"{trial[:80]!r} is no trial", hint="a number, or STUDY/NUMBER; `mixnas pareto` lists some")
    return name or study or only_study(store), int(number)


def _plain(found: Replay) -> dict[str, Any]:
    return {
        "trial": found.trial.number,
        "study": found.trial.study,
        "same": found.same,
        "largest_difference": None if found.difference == float("inf") else found.difference,
        "where": found.where,
        "epochs": len(found.again.curve),
        "seconds_stored": found.trial.seconds,
        "seconds_now": found.again.seconds,
        "environment": list(found.changed),
    }


def _print(found: Replay) -> None:
    from mixnas.describe import describe

    trial = found.trial
    typer.echo(f"trial {trial.study}/{trial.number}: {describe(trial.axes)}")
    typer.echo(f"{len(found.again.curve)} epochs, seed {trial.fidelity.seed}, {found.again.seconds:.1f} s")
    if found.difference == 0:
        typer.echo("the same: every loss and metric is equal to the last digit")
    elif found.same:
        typer.echo(f"the same up to floating-point noise ({found.difference:.1g}; {found.where})")
    else:
        typer.echo(f"NOT the same: {found.where}")
    for line in found.changed:
        typer.echo(f"  {line}")
