"""`mixnas studies list|show|trial|rename|delete|merge|copy`: what happens to whole studies."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import typer

from mixnas.cli.trial import trial
from mixnas.errors import UsageError
from mixnas.study import DEFAULT_STORAGE

if TYPE_CHECKING:
    from rich.table import Table

    from mixnas.records import StudyCounts
    from mixnas.store import Store

STORAGE = typer.Option("", help=f"The database of the studies. [{DEFAULT_STORAGE}]")
AS_JSON = typer.Option(False, "--json", help="Print JSON and nothing else.")
WORDS = ("finished", "failed", "running", "paused", "stopped", "duplicates", "refused")
SHOWN = (
    *("kind", "space", "family", "objectives", "constraints", "dataset", "task", "problem", "epochs", "trials"),
    *("sampler", "seed", "split_seed", "evaluator", "recipe", "baselines", "reference"),
)
"""What of a stored spec `show` prints, where the study has it."""
RARE = ("paused", "stopped")
"""Counts that only early stopping makes; not shown where there are none."""


def register(app: typer.Typer) -> None:
    """Adds the group of commands; `mixnas studies` alone lists."""
    group = typer.Typer(
        help="List the studies of a database; show a study or a trial; rename, delete, merge or copy one."
    )
    group.callback(invoke_without_command=True)(studies)
    for name, command in (
        ("list", list_studies),
        ("show", show),
        ("trial", trial),
        ("rename", rename),
        ("delete", delete),
        ("merge", merge),
        ("copy", copy),
    ):
        group.command(name=name)(command)
    app.add_typer(group, name="studies")


def studies(context: typer.Context, storage: str = STORAGE, as_json: bool = AS_JSON) -> None:
    """List the studies of a database with their counts; show a study or a trial; rename, delete, merge or copy one."""
    if context.invoked_subcommand is None:
        _list(storage or DEFAULT_STORAGE, as_json)


def list_studies(context: typer.Context, storage: str = STORAGE, as_json: bool = AS_JSON) -> None:
    """List the studies of a database with their counts."""
    _list(storage_of(context, storage), as_json or json_before(context))


def _list(storage: str, as_json: bool) -> None:
    from mixnas.cli.fronts import print_table
    from mixnas.store import Store

    with Store.open(storage) as store:
        counts = store.all_counts()
    if as_json:
        from mixnas.records import to_dict

        typer.echo(json.dumps([to_dict(c) for c in counts], indent=2, ensure_ascii=False))
    elif not counts:
        typer.echo("No study yet: `mixnas search` starts one.")
    else:
        print_table(_studies_table(counts))


def show(
    context: typer.Context,
    name: str = typer.Argument("", help="The study; left out, the only one there is."),
    storage: str = STORAGE,
    as_json: bool = AS_JSON,
) -> None:
    """Print what a study is: what it searches, with what, since when, and how it stands."""
    from mixnas.cli.fronts import only_study
    from mixnas.printable import printable
    from mixnas.store import Store

    with Store.open(storage_of(context, storage)) as store:
        facts = _facts(store, name or only_study(store))
    if as_json or json_before(context):
        typer.echo(json.dumps(facts, indent=2, ensure_ascii=False))
        return
    for key, value in facts.items():
        text = ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, Mapping) else value
        text = ", ".join(map(str, text)) if isinstance(text, list) else text
        typer.echo(f"{key:<12} {printable(str(text), 300) or '-'}")


def _facts(store: Store, name: str) -> dict[str, Any]:
    """A study as plain data, in the order in which it is shown."""
    from mixnas.records import to_dict
    from mixnas.search.leases import drivers, is_over

    record, counts, holder = store.study(name), to_dict(store.counts(name)), store.holder(name)
    spec, at_work = record.spec, ([] if is_over(*holder) else [holder[0]]) + drivers(store, name)
    return {
        "study": record.name,
        "created": record.created_at,
        "searched by": ", ".join(at_work) or "nobody",
        "counts": {word: counts[word] for word in WORDS},
        **({"failed with": dict(failures)} if (failures := _failures(store, name)) else {}),
        **{key: spec[key] for key in SHOWN if key in spec},
        "packages": record.environment.get("packages", {}),
    }


def _failures(store: Store, name: str) -> Counter[str]:
    """How many trials failed with each reason, the most frequent first."""
    found = Counter(trial.reason for trial in store.trials(name, "failed"))
    return Counter(dict(found.most_common()))


def rename(
    context: typer.Context,
    name: str = typer.Argument(..., help="The study."),
    new: str = typer.Argument(..., help="Its new name."),
    storage: str = STORAGE,
) -> None:
    """Give a study another name, here and for Optuna Dashboard. Refused while a search holds it."""
    from mixnas.merging import held
    from mixnas.store import Store

    with Store.open(storage_of(context, storage), create=True) as store, held(store, name):
        store.rename_study(name, new)
    typer.echo(f"Study {name} is now called {new}")


def delete(
    context: typer.Context,
    name: str = typer.Argument(..., help="The study."),
    yes: bool = typer.Option(False, "--yes", "-y", help="Do not ask."),
    storage: str = STORAGE,
) -> None:
    """Delete a study with its trials and curves, here and for Optuna Dashboard. Refused while a search holds it."""
    from mixnas.merging import held
    from mixnas.store import Store

    with Store.open(storage_of(context, storage), create=True) as store, held(store, name):
        trials = len(store.trials(name))
        if not yes:
            _confirm(f"Delete study {name} with its {trials} trials? There is no way back")
        store.delete_study(name)
    typer.echo(f"Deleted study {name} with its {trials} trials")


def _confirm(question: str) -> None:
    if not sys.stdin.isatty():
        raise UsageError("nobody is there to confirm the deletion", hint="give --yes to delete without being asked")
    typer.confirm(question, abort=True)


def merge(
    context: typer.Context,
    name: str = typer.Argument(..., help="The study to take trials from."),
    source: str = typer.Option("", "--from", help="Its database. [the one of --storage]"),
    into: str = typer.Option("", help="The study to add them to. [the same name]"),
    storage: str = STORAGE,
) -> None:
    """Add to a study the ended trials of the same search elsewhere that it does not have yet.

    Trials are the same when architecture, epochs and seed are. Studies that differ in what they search are refused.
    """
    from mixnas.merging import merge as merge_studies
    from mixnas.store import Store

    target = storage_of(context, storage)
    with Store.open(source or target) as from_store, Store.open(target, create=True) as store:
        done = merge_studies(from_store, name, store, into or name)
    left = f"; {done.open} that have not ended stay where they are" if done.open else ""
    typer.echo(f"Added {done.added} trials to study {into or name}, {done.known} were there already{left}")


def copy(
    context: typer.Context,
    name: str = typer.Argument(..., help="The study."),
    to: str = typer.Option("", "--to", help="The database to copy it to; made where it is missing. [--storage]"),
    new: str = typer.Option("", "--as", help="Its name there. [the same]"),
    storage: str = STORAGE,
) -> None:
    """Copy a study to another database, or under another name: results, curves, costs and Optuna's side."""
    from mixnas.merging import copy as copy_study
    from mixnas.store import Store

    source = storage_of(context, storage)
    with Store.open(source) as store:
        store.study(name)  # a wrong name makes no new file
        with Store.open(to or source, create=True) as target:
            trials = copy_study(store, name, target, new or name)
            typer.echo(f"Copied study {name} with {trials} trials to {new or name} in {target.shown}")


def storage_of(context: typer.Context, own: str) -> str:
    """The command's own --storage, or the one before it: `mixnas studies --storage URL show NAME`."""
    above = context.parent.params if context.parent else {}
    return own or str(above.get("storage") or "") or DEFAULT_STORAGE


def json_before(context: typer.Context) -> bool:
    """Whether --json stands before the command: `mixnas studies --json show NAME`."""
    return bool(context.parent and context.parent.params.get("as_json"))


def _studies_table(counts: Sequence[StudyCounts]) -> Table:
    from rich.table import Table
    from rich.text import Text

    from mixnas.printable import printable

    table = Table()
    table.add_column("study", overflow="fold")
    words = [word for word in WORDS if word not in RARE or any(getattr(row, word) for row in counts)]
    for word in words:
        table.add_column(word, justify="right", no_wrap=True)
    for row in counts:
        table.add_row(Text(printable(row.name, 200)), *(f"{getattr(row, word):,}" for word in words))
    return table
