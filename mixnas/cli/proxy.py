"""`mixnas proxy`: what zero-cost proxies are worth on a space, measured against a table of trainings."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import typer

from mixnas.errors import UsageError

if TYPE_CHECKING:
    from mixnas.table import Table

WORTH_HAVING = ("params", "macs")
"""The proxies that cost nothing to know; another one has to beat them."""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("proxy")(proxy)


def proxy(
    space: str | None = typer.Option(None, help="A space that a table covers: splitmixer_small, wavemix_small."),
    table: str | None = typer.Option(None, help="The table: a name (`mixnas table list`) or an .npz file."),
    limit: int = typer.Option(0, min=0, help="Score only so many candidates, drawn at random; 0 scores all."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON and nothing else."),
) -> None:
    """Rank correlation of zero-cost proxies with trained accuracy, with 95 % intervals.

    Scores synflow, naswot and grad_norm on untrained models beside parameters and MACs, and compares the ranks with
    those of the mean accuracy after the last epoch in the table.
    """
    found = _table(space, table)
    rows = _rows(found, limit)
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    _print(found, rows)


def _table(space: str | None, name: str | None) -> Table:
    from mixnas.table import find_table, table_names

    if name:
        return find_table(name)
    if space is None:
        raise UsageError("which space?", hint="--space splitmixer_small, or --table NAME; `mixnas table list`")
    tables = {str(one): find_table(one) for one in table_names()}
    for found in tables.values():
        if found.header.space.get("name") == space:
            return found
    covered = sorted({str(found.header.space.get("name")) for found in tables.values()})
    raise UsageError(
        f"no table covers space {space!r}", hint=f"covered: {', '.join(covered)}; or make one: mixnas table build"
    )


def _rows(table: Table, limit: int) -> list[dict[str, Any]]:
    import time

    import numpy as np

    from mixnas.correlation import kendall, spearman
    from mixnas.proxies import batch, scores

    accuracy = np.nanmean(table.metrics[table.header.metrics.index("acc"), :, :, -1], axis=1)
    places = np.flatnonzero(np.isfinite(accuracy))
    if limit and limit < len(places):
        places = np.sort(np.random.default_rng(0).choice(places, limit, replace=False))
    images, targets = batch(table.header.dataset)
    started = time.perf_counter()
    known = [scores(table.header.family, table.candidates[i], table.problem, images, targets) for i in places]
    seconds = (time.perf_counter() - started) / len(places)
    rows = []
    for name in known[0]:
        values = np.array([one[name] for one in known])
        rho, tau = spearman(values, accuracy[places]), kendall(values, accuracy[places])
        rows.append(
            {
                "proxy": name,
                "spearman": [rho.value, rho.low, rho.high],
                "kendall": [tau.value, tau.low, tau.high],
                "candidates": len(places),
                "seconds_each_all_proxies": seconds,
            }
        )
    return sorted(rows, key=lambda row: -row["spearman"][0])


def _print(table: Table, rows: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table as Grid

    title = f"{table.header.space.get('name')} on {table.header.dataset}: {rows[0]['candidates']} candidates"
    grid = Grid(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("proxy", "Spearman", "95 %", "Kendall", "95 % "):
        grid.add_column(column, justify="left" if column == "proxy" else "right")
    for row in rows:
        rho, tau = row["spearman"], row["kendall"]
        cells = [f"{rho[0]:.3f}", f"{rho[1]:.3f} to {rho[2]:.3f}", f"{tau[0]:.3f}", f"{tau[1]:.3f} to {tau[2]:.3f}"]
        grid.add_row(row["proxy"], *cells)
    Console(highlight=False).print(grid)
    free = max(row["spearman"][2] for row in rows if row["proxy"] in WORTH_HAVING)
    better = [row["proxy"] for row in rows if row["proxy"] not in WORTH_HAVING and row["spearman"][1] > free]
    said = (
        f"{', '.join(better)} ranks better than params and macs" if better else "none ranks better than params or macs"
    )
    typer.echo(f"{said}, by these intervals; {rows[0]['seconds_each_all_proxies'] * 1000:.0f} ms a candidate for all")
