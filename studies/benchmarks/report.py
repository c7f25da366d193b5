"""Draws the benchmark's figures and writes its tables, from the summaries that `run.py` made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mixnas.figures import style
from mixnas.figures.save import save
from studies.benchmarks.results import FOLDER
from studies.benchmarks.strategies import PEER
from studies.benchmarks.summary import AT

DASHES = ("solid", "dash", "dot")
SHOWN = ("auto", "auto + mo-asha", "tpe", "evolution", "nsga2", "random + mo-asha", "random", PEER)
"""In the first figure, as far as they are there; variants of `auto` and other packages have figures of their own."""

FIDELITIES = ("with curves", "with freeze and thaw")
"""In the names of what `fidelities.py` tries."""


def write_report(tables: tuple[str, ...]) -> None:
    """Figures as PNG and HTML, and the tables as Markdown."""
    summaries = {name: json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")) for name in tables}
    strategies = [row["strategy"] for row in summaries[tables[0]]["time_to_target"]]
    groups = {
        "strategies": [name for name in SHOWN if name in strategies],
        "ablation": [name for name in strategies if name == "auto" or name.startswith("auto without")],
        "fidelities": [
            n for n in strategies if n in ("auto", "auto + mo-asha") or any(word in n for word in FIDELITIES)
        ],
        "peers": [n for n in strategies if n in ("auto", PEER) or n.startswith(("Syne Tune", "NePS"))],
    }
    for group, names in groups.items():
        if len(names) > 1:
            figure = _figure(summaries, names)
            for ending in ("png", "html"):
                _save(figure, FOLDER / f"{group}.{ending}")
    (FOLDER / "tables.md").write_text(_tables(summaries), encoding="utf-8")


def _save(figure: go.Figure, path: Path) -> None:
    if path.suffix == ".html":  # plotly.js from its own site: with it inside, each page would have 5 MB
        path.write_text(figure.to_html(include_plotlyjs="cdn"), encoding="utf-8")
    else:
        save(figure, path, 1200, 900)


def _figure(summaries: dict[str, Any], names: list[str]) -> go.Figure:
    """One row a table; the gap to the best hypervolume over virtual seconds and over trainings."""
    figure = make_subplots(
        len(summaries), 2, shared_yaxes=True, horizontal_spacing=0.03, vertical_spacing=0.13,
        subplot_titles=[f"{name}" for name in summaries for _ in range(2)],
    )  # fmt: skip
    figure.update_layout(style.new_figure().layout)
    for row, summary in enumerate(summaries.values(), 1):
        for column, axis in ((1, "seconds"), (2, "trainings")):
            curves = summary["curves"][axis]
            for place, name in enumerate(names):
                if name in curves:
                    for trace in _traces(curves["at"], curves[name], name, place, legend=row == column == 1):
                        figure.add_trace(trace, row=row, col=column)
        figure.update_xaxes(title_text="Virtual seconds of training, one worker", type="log", row=row, col=1)
        figure.update_xaxes(title_text="Full trainings", row=row, col=2)
        figure.update_yaxes(title_text="Hypervolume missing", row=row, col=1)
    figure.update_yaxes(type="log", tickformat="~%", range=[-3.3, 0], dtick=1)
    return figure.update_layout(margin={"t": 110, "l": 90}, legend={"y": 1.06}, width=1200, height=900)


def _traces(at: list[float], curve: dict[str, list[float]], name: str, place: int, legend: bool) -> list[go.Scatter]:
    colour = style.PALETTE[place % len(style.PALETTE)]
    floor = [[max(value, 1e-5) for value in curve[key]] for key in ("mean", "low", "high")]
    band = go.Scatter(
        x=[*at, *at[::-1]], y=[*floor[2], *floor[1][::-1]], fill="toself", fillcolor=style.faded(colour, 0.15),
        line={"width": 0}, mode="lines", hoverinfo="skip", showlegend=False, legendgroup=name,
    )  # fmt: skip
    line = {"color": colour, "width": 2.5, "dash": DASHES[place // len(style.PALETTE) % len(DASHES)]}
    mean = go.Scatter(
        x=at, y=floor[0], mode="lines", line=line, name=name, legendgroup=name, showlegend=legend,
        hovertemplate=f"{name}: %{{y:.3%}} at %{{x:.4g}}<extra></extra>",
    )  # fmt: skip
    return [band, mean]


def _tables(summaries: dict[str, Any]) -> str:
    parts = []
    for name, summary in summaries.items():
        head = f"| {name} | reached | seconds to it | of plain Optuna's time | missing at the end | worse than random |"
        lines = [head, "| --- | ---: | ---: | ---: | ---: | --- |"]
        for row in summary["time_to_target"]:
            low, high = row["ratio_90"]
            at_least = "≥ " if row["reached"] < row["repetitions"] else ""
            lines.append(
                f"| {row['strategy']} | {row['reached']}/{row['repetitions']} | {at_least}{row['seconds']:.1f} "
                f"({row['seconds_90'][0]:.1f} to {row['seconds_90'][1]:.1f}) | {at_least}{row['ratio']:.2f} "
                f"({low:.2f} to {high:.2f}) | {row['final_gap']:.2%} | {_worse(row['worse_than_random_at'])} |"
            )
        parts.append("\n".join(lines))
    note = f"Time to the hypervolume that plain Optuna has after {AT} full trainings; 90 % intervals of the mean.\n\n"
    return note + "\n\n".join(parts) + "\n"


def _worse(budgets: list[float]) -> str:
    if not budgets:
        return "nowhere"
    return f"at {len(budgets)} of 60 budgets, {min(budgets):.0f} to {max(budgets):.0f} s"
