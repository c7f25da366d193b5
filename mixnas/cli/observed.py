"""`mixnas ablate --from-study`: effects read off a search."""

from __future__ import annotations

import json
from dataclasses import asdict

import typer

from mixnas.errors import UsageError


def observe(search: str, storage: str, as_format: str | None) -> None:
    """Prints what the trials of a search suggest, beside what ablations of the same space have shown.

    Raises:
        UsageError: the study has too few trials, or the format is none that this has.
    """
    from mixnas.ablation.formats import markdown_table, plain
    from mixnas.ablation.observational import observation_lines, observation_table
    from mixnas.ablation.observational import observe as read
    from mixnas.cli.shown import console_for, print_table, quiet_libraries, say
    from mixnas.store import Store

    if as_format not in (None, "markdown", "json"):
        raise UsageError(f"--from-study has no --format {as_format}", hint="--format markdown or json")
    quiet_libraries()
    with Store.open(storage) as store:
        found = read(store, search)
    if as_format == "json":
        typer.echo(json.dumps(plain({**asdict(found), "label": "correlational"}), indent=2, ensure_ascii=False))
        return
    table, lines = observation_table(found), observation_lines(found)
    if as_format == "markdown":
        typer.echo("\n".join([f"## {table.title}", "", markdown_table(table), "", *(f"- {line}" for line in lines)]))
        return
    console = console_for()
    print_table(table, console)
    for line in lines:
        say(console, line)
