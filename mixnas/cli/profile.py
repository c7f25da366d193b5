"""`mixnas profile`: what a model costs, in all and stage by stage."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from mixnas.errors import UnknownName, UsageError
from mixnas.lookup import find_model

if TYPE_CHECKING:
    from rich.table import Table

    from mixnas.cost.breakdown import Memory
    from mixnas.cost.profile import Profile, Stage
    from mixnas.figures.profile import Part

PRECISIONS = ("fp32", "bf16")


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
    batch_size: int = typer.Option(32, min=1, max=10**6, help="Images in the training step whose memory is predicted."),
    precision: str = typer.Option("fp32", help="Precision of that step: fp32 or bf16."),
    plot: Path | None = typer.Option(None, help="Draw it, too: an icicle as .html, .png, .svg or .pdf."),
    names: bool = typer.Option(False, "--list", help="List the published models and stop."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON and nothing else."),
    storage: str = typer.Option("sqlite:///mixnas.db", help="The database to look up STUDY/NUMBER in."),
) -> None:
    """Print what a model costs: parameters, multiply-accumulates (MACs) of one forward pass of one image, and memory.

    MACs are the unit everywhere; "flops" means the same here, as in both papers and in fvcore. Two conventions are
    given: fvcore's, and thop's, which the tables of the SplitMixer paper follow. Operations that neither counts are
    listed. Memory is what lives at the peak of one training step, predicted without running it.
    """
    if names:
        if model is not None:
            raise UsageError(f"--list prints all names, so {model!r} has no place beside it", hint="leave one out")
        _list(as_json)
        return
    if model is None:
        raise UsageError("which model?", hint="`mixnas profile --list` names the published ones")
    if precision not in PRECISIONS:
        raise UnknownName("--precision", precision, PRECISIONS)
    if plot is not None:
        from mixnas.figures.save import require_drawable

        require_drawable(plot)
    from mixnas.cost.memory import Setup
    from mixnas.cost.profile import profile as costs

    found = find_model(model, storage)
    asked = {"in_channels": channels, "height": image_size, "width": image_size, "num_classes": num_classes}
    changes: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
    setup = Setup(batch_size, precision)
    result = costs(found.family, found.axes, replace(found.problem, **changes), setup)
    if plot is not None:
        _draw(plot, model, result)
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
    if result.memory is None:
        _show("Too large to run here, so there are no stages; the totals are exact without a run.")
        return
    _show(_stage_table(result))
    listed = ", ".join(f"{name} ({times}x)" for name, times in result.uncounted.items())
    _show(f"Not counted: {listed or 'nothing'}", "")
    memory = result.memory
    how = f"batch {memory.batch_size}, {memory.precision}, {memory.optimizer}"
    _show(
        f"  memory      {_bytes(memory.peak):>16}  peak of one training step ({how}), at: {memory.moment}",
        f"  inference   {_bytes(memory.inference):>16}  peak of one forward pass of the same batch",
        "",
        _memory_table(result, memory),
    )


def _unseen(result: Profile) -> str:
    return f", and {result.macs_unseen:,} that it cannot see" if result.macs_unseen else ""


def _stage_table(result: Profile) -> Table:
    table = _table("stage", "params", "MACs", "share", "saved", numbers=("params", "MACs", "share", "saved"))
    total = max(result.macs, 1)
    for depth, label, stage in _rows(result.stages, 0):
        share = f"{stage.macs / total:.1%}"
        table.add_row("  " * depth + label, f"{stage.params:,}", f"{stage.macs:,}", share, _bytes(stage.saved))
    return table


def _rows(stages: tuple[Stage, ...], depth: int) -> Iterator[tuple[int, str, Stage]]:
    """Rows of the table: equal neighbours in one row, layers without cost left out, plain stacks of layers closed."""
    position = 1
    for _, group in groupby(stages, key=_alike):
        members = list(group)
        first, count = members[0], len(members)
        label = first.name
        if label.isdigit():
            label = f"{position}" if count == 1 else f"{position} to {position + count - 1}, each"
        position += count
        if first.params or first.macs or first.saved:
            yield depth, label, first
            if any(inner.stages for inner in first.stages):
                yield from _rows(first.stages, depth + 1)


def _alike(stage: Stage) -> tuple[Any, ...]:
    """What is the same in equal stages; what of them lives at the peak differs."""
    return stage.kind, stage.params, stage.macs, stage.saved, tuple((s.name, _alike(s)) for s in stage.stages)


def _memory_table(result: Profile, memory: Memory) -> Table:
    """What lives at the peak: a row for each stage, a column for each kind."""
    kinds = list(memory.kinds)
    table = _table("at the peak", *kinds, "total", numbers=(*kinds, "total"))
    stages = [(stage.name, stage.memory) for stage in result.stages]
    for label, sizes in (*stages, ("outside of them", _rest(memory.kinds, result.stages)), ("total", memory.kinds)):
        if any(sizes.values()):
            cells = [_bytes(sizes[kind]) if sizes.get(kind) else "" for kind in kinds]
            table.add_row(label, *cells, _bytes(sum(sizes.values())))
    return table


def _rest(whole: Mapping[str, int], stages: tuple[Stage, ...]) -> dict[str, int]:
    """What of the memory is in none of the stages."""
    rest = {kind: size - sum(stage.memory.get(kind, 0) for stage in stages) for kind, size in whole.items()}
    return {kind: size for kind, size in rest.items() if size}


# --------------------------------------------------------------------------------------------------------- drawing


def _draw(path: Path, title: str, result: Profile) -> None:
    from mixnas.figures.profile import Part, profile_figure
    from mixnas.figures.save import save

    if result.memory is None:
        raise UsageError(f"{title} is too large to run here, so there is nothing to draw", hint="leave out --plot")
    values = {"memory": result.memory.peak, "saved": sum(result.memory.saved.values())}
    values |= {"params": result.params, "macs": result.macs}
    stages = tuple(map(_part, result.stages))
    whole = Part(title, result.family, values, _rest(result.memory.kinds, result.stages), stages)
    save(profile_figure(whole, f"{title}, batch {result.memory.batch_size}, {result.memory.precision}"), path)


def _part(stage: Stage) -> Part:
    from mixnas.figures.profile import Part

    values = {
        "memory": sum(stage.memory.values()),
        "saved": stage.saved,
        "params": stage.params,
        "macs": stage.macs,
    }
    own = _rest(stage.memory, stage.stages)
    label = f"{int(stage.name) + 1}" if stage.name.isdigit() else stage.name
    return Part(label, stage.kind, values, own, tuple(map(_part, stage.stages)))


# --------------------------------------------------------------------------------------------------------- layout


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


def _bytes(size: int) -> str:
    from mixnas.describe import format_bytes

    return format_bytes(size) if size else "0"


def _shape(shape: Any) -> str:
    return "x".join(str(size) for size in shape)
