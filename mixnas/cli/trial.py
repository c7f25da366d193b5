"""`mixnas studies trial`: one trial with all goes at it, and why it failed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import typer

from mixnas.study import DEFAULT_STORAGE

if TYPE_CHECKING:
    from mixnas.records import Trial
    from mixnas.store import Store
    from mixnas.store.records import Attempt


def trial(
    context: typer.Context,
    trial: str = typer.Argument(metavar="TRIAL", help="A number, or STUDY/NUMBER."),
    study: str = typer.Option("", help="Name of the study; may be left out when there is only one."),
    storage: str = typer.Option("", help=f"The database of the studies. [{DEFAULT_STORAGE}]"),
    as_json: bool = typer.Option(False, "--json", help="Print JSON and nothing else."),
) -> None:
    """Print what became of a trial: its values, every go at it, and the traceback where it failed."""
    from mixnas.cli.replay import which_trial
    from mixnas.cli.studies import json_before, storage_of
    from mixnas.store import Store

    with Store.open(storage_of(context, storage)) as store:
        name, number = which_trial(store, trial, study)
        found, facts = store.trial(name, number), _facts(store, name, number)
    if as_json or json_before(context):
        typer.echo(json.dumps(facts, indent=2, ensure_ascii=False))
    else:
        for line in _lines(found, facts):
            typer.echo(line)


def _facts(store: Store, study: str, number: int) -> dict[str, Any]:
    """A trial as plain data, in the order in which it is shown."""
    found = store.trial(study, number)
    return {
        "study": study,
        "trial": number,
        "state": found.state,
        "digest": found.digest,
        "config": found.axes,
        "proposed by": found.source,
        "epochs": found.fidelity.epochs,
        "epochs trained": len(store.curve(study, number)),
        "seed": found.fidelity.seed,
        "values": dict(found.values),
        "reason": found.reason,
        "detail": found.detail,
        "seconds": found.seconds,
        "attempts": [_attempt(a) for a in store.attempts(study, number)],
        "traceback": store.traceback(study, number),
    }


def _attempt(attempt: Attempt) -> dict[str, Any]:
    names = ("number", "state", "reason", "detail", "owner", "device", "started_at", "finished_at")
    return {name: getattr(attempt, name) for name in names}


def _lines(found: Trial, facts: dict[str, Any]) -> list[str]:
    """The trial for people. Texts in it may come from anywhere, so none reaches the terminal as it is."""
    from mixnas.describe import describe, format_value
    from mixnas.printable import printable
    from mixnas.records import FAILURES

    values = "  ".join(f"{name} {format_value(name, value)}" for name, value in found.values.items())
    why = f"{found.reason}: {found.detail or FAILURES.get(found.reason, '')}" if found.reason else ""
    rows = {
        "trial": f"{found.study}/{found.number}",
        "architecture": describe(found.axes),
        "proposed by": found.source,
        "state": f"{found.state}, {facts['epochs trained']} of {found.fidelity.epochs} epochs, {found.seconds:.1f} s",
        "values": values,
        "failed with": why,
    }
    lines = [f"{name:<13} {printable(text, 300)}" for name, text in rows.items() if text]
    if len(facts["attempts"]) > 1:
        lines += [printable(_go(attempt), 300) for attempt in facts["attempts"]]
    traceback = (printable_block(line) for line in facts["traceback"].splitlines())
    return [*lines, *(["", *traceback] if facts["traceback"] else [])]


def _go(attempt: dict[str, Any]) -> str:
    why = f", {attempt['reason']}: {attempt['detail']}" if attempt["reason"] else ""
    return f"go {attempt['number']}, from {attempt['started_at']}: {attempt['state']}{why}"


def printable_block(line: str) -> str:
    """A line with its indentation, without control characters."""
    return line if line.isprintable() else ascii(line)[1:-1]
