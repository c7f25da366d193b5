"""`mixnas profile`: what a model costs, in all and stage by stage."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

import typer

from mixnas.errors import UsageError
from mixnas.lookup import find_model

if TYPE_CHECKING:
    from rich.table import Table

    from mixnas.cost.profile import Profile, Stage


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(name="profile")(profile)


def profile(
    model: str | None = typer.Argument(
        None, help="A published model (see --list), a config file, or a trial as STUDY/NUMBER."
    ),
    image_size: int | None = typer.Option(None, min=1, help="Pixels of a side, in place of the model's own."),
    channels: int | None = typer.Option(None, min=1, help="Input channels, in place of the model's own."),
    num_classes: int | None = typer.Option(None, min=1, help="Classes, in place of the model's own."),
    names: bool = typer.Option(False, "--list", help="List the published models and stop."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON and nothing else."),
    storage: str = typer.Option("sqlite:///mixnas.db", help="The database to look up STUDY/NUMBER in."),
) -> None:
    """Print what a model costs: parameters, and multiply-accumulates (MACs) of one forward pass of one image.

    MACs are the unit everywhere; "flops" means the same here, as in both papers and in fvcore. Two conventions are
    given: fvcore's, and thop's, which the tables of the SplitMixer paper follow. Operations that neither counts are
    listed.
    """
    if names:
        if model is not None:
            raise UsageError(f"--list prints all names, so {model!r} has no place beside it", hint="leave one out")
        _list(as_json)
        return
    if model is None:
        raise UsageError("which model?", hint="`mixnas profile --list` names the published ones")
    from mixnas.cost.profile import profile as costs

    found = find_model(model, storage)
    asked = {"in_channels": channels, "height": image_size, "width": image_size, "num_classes": num_classes}
    changes: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
    result = costs(found.family, found.axes, replace(found.problem, **changes))
    if as_json:
        typer.echo(json.dumps({"model": model, **result.to_dict()}, indent=2, ensure_ascii=False))
    else:
        _print(found.title, result)


# -------------------------------------------------------------------------------------------------------- printing


def _list(as_json: bool) -> None:
    from mixnas.models import family, named_models

    rows: list[dict[str, Any]] = [
        {
            "name": name,
            "family": key,
            "input": list(member.problem.input),
            "num_classes": member.problem.num_classes,
            "params": int(family(key).params(member.axes, member.problem)),
            "macs": int(family(key).macs(member.axes, member.problem)),
            "note": member.note,
        }
        for name, (key, member) in named_models().items()
    ]
    if as_json:
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    table = _table("model", "input", "params", "MACs", "note", numbers=("params", "MACs"))
    for row in rows:
        table.add_row(row["name"], _shape(row["input"]), f"{row['params']:,}", f"{row['macs']:,}", row["note"])
    _show(table)


def _print(title: str, result: Profile) -> None:
    from rich.markup import escape

    _show(
        f"[bold]{escape(title)}[/bold]",
        f"  family      {result.family}, {result.task}, input {_shape(result.input)}, {result.num_classes} classes",
        f"  parameters  {result.params:>16,}",
        f"  MACs        {result.macs:>16,}  a forward pass of one image, as fvcore counts{_unseen(result)}",
        f"  MACs (thop) {result.macs_thop:>16,}  the same in thop's convention, as the papers print it",
        "",
    )
    if result.stages:
        _show(_stage_table(result))
        listed = ", ".join(f"{name} ({times}x)" for name, times in result.uncounted.items())
        _show(f"Not counted: {listed or 'nothing'}")
    else:
        _show("Too large to run here, so there are no stages; the totals are exact without a run.")


def _unseen(result: Profile) -> str:
    return f", and {result.macs_unseen:,} that it cannot see" if result.macs_unseen else ""


def _stage_table(result: Profile) -> Table:
    table = _table("stage", "params", "MACs", "share", numbers=("params", "MACs", "share"))
    total = max(result.macs, 1)
    for depth, label, stage in _rows(result.stages, 0):
        table.add_row("  " * depth + label, f"{stage.params:,}", f"{stage.macs:,}", f"{stage.macs / total:.1%}")
    return table


def _rows(stages: tuple[Stage, ...], depth: int) -> Iterator[tuple[int, str, Stage]]:
    """Rows of the table: equal neighbours in one row, layers without cost left out, plain stacks of layers closed."""
    same: Callable[[Stage], Stage] = lambda stage: replace(stage, name="")  # noqa: E731
    position = 1
    for _, group in groupby(stages, key=same):
        members = list(group)
        first, count = members[0], len(members)
        label = first.name
        if label.isdigit():
            label = f"{position}" if count == 1 else f"{position} to {position + count - 1}, each"
        position += count
        if first.params or first.macs:
            yield depth, label, first
            if any(inner.stages for inner in first.stages):
                yield from _rows(first.stages, depth + 1)


def _table(*columns: str, numbers: tuple[str, ...]) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, justify="right" if column in numbers else "left", no_wrap=column != "note")
    return table


def _show(*parts: Any) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 200  # a pipe has no width to fit into
    for part in parts:
        console.print(part, soft_wrap=isinstance(part, str))


def _shape(shape: Any) -> str:
    return "x".join(str(size) for size in shape)
