"""How the hypervolume of the front grows, over trials and over training time; several studies in one figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mixnas.figures import style
from mixnas.objectives import Objective
from mixnas.records import FrontPoint, Trial


@dataclass(frozen=True)
class HistoryData:
    """One study's hypervolume after each finished trial.

    `seconds` is what all workers together had spent on training by then, failed trials included.
    """

    name: str
    finished: tuple[int, ...]
    seconds: tuple[float, ...]
    hypervolume: tuple[float, ...]
    trials: tuple[int, ...]


def history_data(name: str, points: Sequence[FrontPoint], trials: Sequence[Trial]) -> HistoryData:
    """Joins the fronts of a study with the time that its trials took."""
    spent, total = {}, 0.0
    order = {point.trial: place for place, point in enumerate(points)}
    final = [t for t in trials if t.state != "running"]
    for trial in sorted(final, key=lambda t: (t.finished_at, order.get(t.number, t.number))):
        total += trial.seconds
        spent[trial.number] = total
    seconds, reached = [], 0.0
    for point in points:
        reached = max(reached, spent.get(point.trial, reached))
        seconds.append(reached)
    return HistoryData(
        name,
        tuple(p.finished for p in points),
        tuple(seconds),
        tuple(p.hypervolume for p in points),
        tuple(p.trial for p in points),
    )


def volume_title(objectives: Sequence[Objective]) -> str:
    """What the hypervolume is measured over, as the title of an axis."""
    parts = [f"log<sub>10</sub> {o.name}" if style.on_log_scale(o) else o.name for o in objectives]
    return f"Hypervolume ({' × '.join(parts)})" if parts else "Hypervolume"


def history_figure(histories: Sequence[HistoryData], objectives: Sequence[Objective], title: str = "") -> go.Figure:
    """Two panels with one vertical axis: over finished trials and over seconds of training."""
    figure = make_subplots(1, 2, shared_yaxes=True, horizontal_spacing=0.05)
    figure.update_layout(style.new_figure().layout)
    for place, history in enumerate(histories):
        colour = style.PALETTE[place % len(style.PALETTE)]
        for column, x in ((1, history.finished), (2, history.seconds)):
            figure.add_trace(_steps(history, x, colour, legend=column == 1 and len(histories) > 1), row=1, col=column)
    figure.update_xaxes(title_text="Finished trials", rangemode="tozero", row=1, col=1)
    figure.update_xaxes(title_text="Seconds of training, all workers", rangemode="tozero", row=1, col=2)
    figure.update_yaxes(title_text=volume_title(objectives), row=1, col=1)
    figure.update_yaxes(ticks="", row=1, col=2)
    return figure.update_layout(**style.titled(title, legend=len(histories) > 1))


def _steps(history: HistoryData, x: Sequence[float], colour: str, legend: bool) -> go.Scatter:
    return go.Scatter(
        x=x, y=history.hypervolume, mode="lines", line={"shape": "hv", "color": colour, "width": 2.5},
        name=escape(history.name), showlegend=legend, legendgroup=history.name, customdata=history.trials,
        hovertemplate="after trial %{customdata}: %{y:.4g}<extra></extra>",
    )  # fmt: skip
