"""`mixnas space`: list, show, size, sample and check search spaces."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from mixnas.space import SearchSpace

Name = Annotated[str, typer.Argument(help="A space's name, or the path of its .py or .json file.")]
ImageSize = Annotated[int | None, typer.Option("--image-size", help="Pixels of a side that the rules are judged for.")]
Channels = Annotated[int | None, typer.Option("--channels", help="Input channels that the rules are judged for.")]
Classes = Annotated[int | None, typer.Option("--classes", help="Number of classes that the rules are judged for.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Adds the commands to the app."""
    space = typer.Typer(help="Search spaces: list, show, count, sample, check.", no_args_is_help=True)
    for command in (list_, show, size, sample, check):
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
    conditional = sum(p.parent is not None for p in space.parameters().values())
    typer.echo(f"{space.name}: good")
    typer.echo(f"  family      {space.family}")
    typer.echo(f"  axes        {len(space.axes)}, and {conditional} conditional")
    typer.echo(f"  rules       {len(space.rules)}")
    typer.echo(f"  candidates  {_size(space)}")


def _load(name: str, image_size: int | None, channels: int | None, classes: int | None) -> SearchSpace:
    from mixnas.space import load_space

    given = {"image_size": image_size, "in_channels": channels, "num_classes": classes}
    context = {key: value for key, value in given.items() if value is not None}
    space = load_space(name)
    return space.given(**context) if context else space


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
