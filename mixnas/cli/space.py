"""`mixnas space`: list, show, count, sample, cost and check search spaces."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from mixnas.records import Problem
    from mixnas.space import SearchSpace
    from mixnas.whole_space import SpaceCosts

Name = Annotated[str, typer.Argument(help="A space's name, or the path of its .py or .json file.")]
ImageSize = Annotated[int | None, typer.Option("--image-size", help="Pixels of a side that the rules are judged for.")]
Channels = Annotated[int | None, typer.Option("--channels", help="Input channels that the rules are judged for.")]
Classes = Annotated[int | None, typer.Option("--classes", help="Number of classes that the rules are judged for.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Adds the commands to the app."""
    space = typer.Typer(help="Search spaces: list, show, count, sample, cost, check.", no_args_is_help=True)
    for command in (list_, show, size, sample, cost, check):
        space.command(command.__name__.rstrip("_"))(command)
    app.add_typer(space, name="space")


def list_(as_json: AsJson = False) -> None:
    """Lists every space that a name reaches."""
    from rich.console import Console
    from rich.table import Table

    from mixnas import catalog
    from mixnas.errors import UsageError
    from mixnas.space import load_space

    table = Table("space", "candidates", "axes", "what", box=None, pad_edge=False)
    rows = []
    for name, path in catalog.names("search_spaces").items():
        row: dict[str, object] = {"name": name, "path": str(path)}
        try:
            space = load_space(str(path))
        except UsageError as error:
            first = error.message.splitlines()[0]
            row |= {"error": error.message}
            table.add_row(name, "-", "-", f"broken: {first}; see mixnas space check {name}")
        else:
            row |= {"size": _json_size(space), "axes": len(space.parameters()), "summary": space.summary}
            table.add_row(name, _size(space), str(len(space.parameters())), space.summary or space.family)
        rows.append(row)
    if as_json:
        typer.echo(json.dumps(rows))
    else:
        Console().print(table)


def show(
    name: Name,
    image_size: ImageSize = None,
    channels: Channels = None,
    classes: Classes = None,
    as_json: AsJson = False,
) -> None:
    """Shows the axes of a space as a tree, and its rules with their reasons."""
    from mixnas.space import show as show_space

    space = _load(name, image_size, channels, classes)
    if as_json:
        typer.echo(json.dumps(space.to_json(), indent=2))
        return
    typer.echo(show_space(space))
    typer.echo(f"that leaves {_size(space)} candidates")


def size(
    name: Name,
    image_size: ImageSize = None,
    channels: Channels = None,
    classes: Classes = None,
    as_json: AsJson = False,
) -> None:
    """Prints how many different architectures a space holds, exactly."""
    space = _load(name, image_size, channels, classes)
    if as_json:
        typer.echo(json.dumps({"name": space.name, "size": _json_size(space), "context": dict(space.context)}))
    else:
        total = space.size()
        typer.echo("infinite" if total == math.inf else str(total))


def sample(
    name: Name,
    count: Annotated[int, typer.Option("-n", "--count", help="How many candidates.", min=1)] = 5,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same candidates.")] = 0,
    image_size: ImageSize = None,
    channels: Channels = None,
    classes: Classes = None,
    as_json: AsJson = False,
) -> None:
    """Draws random candidates; with --json a list of {"digest", "config"}."""
    import random

    from mixnas.space import show_candidate

    space = _load(name, image_size, channels, classes)
    candidates = space.sample_many(random.Random(seed), count)
    if as_json:
        typer.echo(json.dumps([{"digest": space.digest(c), "config": c} for c in candidates]))
        return
    for candidate in candidates:
        typer.echo(f"{space.digest(candidate)}  {show_candidate(candidate)}")


def cost(
    name: Name,
    constraint: Annotated[
        list[str] | None, typer.Option("--constraint", help='What has to hold, such as "params <= 300k"; repeatable.')
    ] = None,
    image_size: ImageSize = None,
    channels: Channels = None,
    classes: Classes = None,
    memory: Annotated[
        int, typer.Option("--memory", help="Candidates, drawn, whose memory is predicted; 0 leaves it out.", min=0)
    ] = 12,
    plot: Annotated[Path | None, typer.Option("--plot", help="Draw it: .html, .png, .svg or .pdf.")] = None,
    as_json: AsJson = False,
) -> None:
    """Costs every candidate: quantiles of parameters, MACs and memory, and how many candidates pass the constraints.

    A space of more than 3 million candidates is judged by 100,000 of them, drawn so that each is as likely as any
    other; its size stays exact. Memory (of a training step, batch 32, fp32) takes a trace of each structure, so it and
    constraints on it are judged by a few.
    """
    from mixnas.cli.shown import telling
    from mixnas.whole_space import cost_space

    if plot is not None:
        from mixnas.figures.save import require_drawable

        require_drawable(plot)
    space = _load(name, image_size, channels, classes)
    problem = _problem(space)
    with telling() as told:
        found = cost_space(space, problem, constraint or (), traced=memory, told=told)
    if plot is not None:
        _draw(plot, space, found)
    if as_json:
        typer.echo(json.dumps(_costs_as_json(space, problem, found), indent=2))
    else:
        _print_costs(space, problem, found)


def check(
    file: Name,
    image_size: ImageSize = None,
    channels: Channels = None,
    classes: Classes = None,
) -> None:
    """Reports every mistake in a space file at once (exit code 2), or says what the file holds."""
    from mixnas.errors import UnknownName
    from mixnas.models import FAMILIES

    space = _load(file, image_size, channels, classes)
    if space.family not in FAMILIES:
        raise UnknownName(f"model family in space {space.name!r}:", space.family, FAMILIES)
    space.refuse_empty()
    _require_models(space)
    conditional = sum(p.parent is not None for p in space.parameters().values())
    typer.echo(f"{space.name}: good")
    typer.echo(f"  family      {space.family}")
    typer.echo(f"  axes        {len(space.axes)}, and {conditional} conditional")
    typer.echo(f"  rules       {len(space.rules)}")
    typer.echo(f"  candidates  {_size(space)}")


def _require_models(space: SearchSpace) -> None:
    """Refuses a space with candidates of which no model can be made, as far as 40 drawn ones show.

    Raises:
        SpaceError: the family refuses one; says which and why.
    """
    import random

    import torch

    from mixnas.errors import SpaceError, UsageError
    from mixnas.models import family
    from mixnas.space import show_candidate

    for candidate in space.sample_many(random.Random(0), 40):
        try:
            with torch.device("meta"):  # nothing is allocated
                family(space.family).build(candidate, _problem(space))
        except UsageError as error:
            what = f"space {space.name!r} holds a candidate that is no model: {show_candidate(candidate)}"
            raise SpaceError(f"{what}: {error.message}", "change the axis, or forbid it with a rule") from error


def _problem(space: SearchSpace) -> Problem:
    """The problem that the space's rules are judged for."""
    from mixnas.records import Problem

    context = dict(space.context)
    return Problem.square(**{key: context[key] for key in ("image_size", "in_channels", "num_classes", "task")})  # type: ignore[arg-type]


def _load(name: str, image_size: int | None, channels: int | None, classes: int | None) -> SearchSpace:
    from mixnas.space import load_space

    given = {"image_size": image_size, "in_channels": channels, "num_classes": classes}
    context = {key: value for key, value in given.items() if value is not None}
    space = load_space(name)
    return space.given(**context) if context else space


# ------------------------------------------------------------------------------------------------- what a space costs


def _costs_as_json(space: SearchSpace, problem: Problem, found: SpaceCosts) -> dict[str, object]:
    exact = found.exact and found.share_by_memory is None
    passing = int(found.passes.sum()) if exact else round(found.share * found.size)
    quantiles = found.quantiles()
    peaks = quantiles.pop("memory", None)
    how = {"drawn": len(found.memory), "batch_size": 32, "precision": "fp32", "quantiles": peaks}
    return {
        "name": space.name,
        "problem": problem.key(),
        "size": found.size,
        "costed": found.costed,
        "exact": found.exact,
        "quantiles": quantiles,
        "passing": {"count": passing, "share": found.share, "exact": exact},
        "quantiles_passing": found.quantiles(passing=True),
        "constraints": dict(found.alone),
        "tightest": found.tightest,
        "memory": how if peaks else None,
        "published": [vars(model) for model in found.published],
    }


def _print_costs(space: SearchSpace, problem: Problem, found: SpaceCosts) -> None:
    from rich.console import Console
    from rich.table import Table

    from mixnas.describe import format_value
    from mixnas.whole_space import QUANTILES

    how = "all of them costed" if found.exact else f"{found.costed:,} drawn ones costed, so what follows is estimated"
    typer.echo(f"{space.name} for {problem.key()}: {found.size:,} candidates, {how}")
    table = Table("", *QUANTILES, box=None, pad_edge=False)
    for cost, values in found.quantiles().items():
        table.add_row(cost, *(format_value(cost, value) for value in values.values()))
    if found.refused:
        passing = "passing" if found.share_by_memory is None else "passing all but memory"
        for cost, values in found.quantiles(passing=True).items():
            table.add_row(f"{cost}, {passing}", *(format_value(cost, value) for value in values.values()))
    console = Console()
    console.width = max(console.width, 110)
    console.print(table)
    if found.memory:
        typer.echo(f"memory is of {len(found.memory)} drawn candidates: peak of a training step, batch 32, fp32")
    if found.alone:
        _print_passing(found)


def _print_passing(found: SpaceCosts) -> None:
    if found.share_by_memory is not None:
        rest = "all" if found.passes.all() else f"{found.passes.mean():.2%}"
        typer.echo(
            f"about {found.share * found.size:,.0f} pass ({found.share:.0%}): {rest} without what is said of memory, "
            f"and {found.share_by_memory:.0%} of up to {len(found.memory)} of those with it"
        )
    elif found.exact:
        typer.echo(f"{int(found.passes.sum()):,} pass ({found.share:.2%})")
    else:
        error = (found.share * (1 - found.share) / found.costed) ** 0.5
        typer.echo(f"about {found.share * found.size:,.0f} pass ({found.share:.2%}, standard error {error:.2%})")
    for text, share in found.alone.items():
        mark = ", the tightest" if text == found.tightest and len(found.alone) > 1 else ""
        shown = f"about {share:.0%}" if text in found.by_memory else f"{share:.2%}"
        typer.echo(f"  {text}: {shown} alone{mark}")


def _draw(path: Path, space: SearchSpace, found: SpaceCosts) -> None:
    from mixnas.figures.density import density_figure
    from mixnas.figures.pareto import Mark
    from mixnas.figures.save import save

    marks = [Mark(m.name, {"params": m.params, "macs": m.macs}) for m in found.published]
    title = f"{space.name}: {found.size:,} candidates" + ("" if found.exact else f", {found.costed:,} drawn")
    title += "; constraints on memory left out" if found.by_memory else ""
    save(density_figure(found.columns, found.passes, marks, title, refused=found.refused), path)


def _size(space: SearchSpace) -> str:
    """The size for people; a space that is too entangled to count still lists."""
    from mixnas.errors import SpaceError

    try:
        total = space.size()
    except SpaceError:
        return "uncounted"
    return "infinitely many" if total == math.inf else f"{total:,}"


def _json_size(space: SearchSpace) -> int | None:
    """The size, or null where it is infinite or cannot be counted."""
    from mixnas.errors import SpaceError

    try:
        total = space.size()
    except SpaceError:
        return None
    return None if isinstance(total, float) else total
