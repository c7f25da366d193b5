"""`mixnas doctor`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from mixnas.doctor import Check

SIGNS = {"ok": ("✓", "green"), "absent": ("–", "dim"), "problem": ("✗", "bold red")}


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(doctor)


def doctor(
    storage: str = typer.Option("", help="A database that has to open. [sqlite:///mixnas.db, if it is there]"),
    address: str = typer.Option("", help="A Ray cluster that has to answer: auto, HOST:PORT or ray://HOST:PORT."),
    data_dir: str | None = typer.Option(None, help="Where data sets lie. [./data, or $MIXNAS_DATA]"),
    as_json: bool = typer.Option(False, "--json", help="Print JSON and nothing else."),
) -> None:
    """Examine this installation: packages, devices, folders, data, database, Ray, and a search of ten seconds.

    Nothing is changed and nothing left behind. Exit code 1 where something is wrong; each problem comes with its mend.
    """
    from dataclasses import asdict

    from rich.console import Console

    from mixnas.doctor import examine

    waiting = Console(stderr=True)
    with waiting.status("looking at packages, then a search of ten seconds ..."):
        found = list(examine(storage, address, data_dir))
    problems = [check for check in found if check.state == "problem"]
    if as_json:
        told = {"problems": len(problems), "checks": [asdict(check) for check in found]}
        typer.echo(json.dumps(told, indent=2, ensure_ascii=False))
    else:
        _show(found, problems)
    if problems:
        raise typer.Exit(1)


def _show(found: list[Check], problems: list[Check]) -> None:
    from rich.text import Text

    from mixnas.cli.shown import console_for, say
    from mixnas.doctor.examine import GROUPS

    console = console_for()
    for group in GROUPS:
        checks = [check for check in found if check.group == group]
        if checks:
            console.print(Text(group, style="bold"))
            _group(console, checks)
    if not problems:
        say(console, "\nAll is well.")
        return
    console.print(Text(f"\n{len(problems)} problem{'s' if len(problems) > 1 else ''}", style="bold red"))
    for check in problems:
        say(console, f"  {check.group}, {check.name}: {check.detail}" + (f". {check.mend}" if check.mend else ""))


def _group(console: Console, checks: list[Check]) -> None:
    from rich.text import Text

    width = max(len(check.name) for check in checks)
    for check in checks:
        sign, style = SIGNS[check.state]
        way = f" ({check.mend})" if check.mend and check.state == "absent" else ""
        faint = "dim" if check.state == "absent" else ""
        line = Text.assemble(("  " + sign, style), f"  {check.name:<{width}}  ", (check.detail + way, faint))
        console.print(line, soft_wrap=True)
