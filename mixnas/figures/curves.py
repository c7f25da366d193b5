"""Learning curves: every trial faint, the members of the front in colour."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from mixnas.describe import describe, format_value, heading
from mixnas.figures import style
from mixnas.objectives import Objective
from mixnas.pareto import first_cost
from mixnas.records import EpochRecord, Trial


@dataclass(frozen=True)
class Curve:
    """One trial's metric after each epoch; `cost` is its value in the study's first cost, NaN when unknown."""

    trial: int
    text: str
    epochs: tuple[int, ...]
    values: tuple[float, ...]
    cost: float
    on_front: bool


@dataclass(frozen=True)
class CurvesData:
    """The curves of a study in one metric; `cost` is the objective that orders the members of the front."""

    metric: Objective
    cost: Objective
    curves: tuple[Curve, ...]


def curves_data(
    trials: Sequence[Trial],
    curves: Mapping[int, Sequence[EpochRecord]],
    members: Sequence[int],
    objectives: Sequence[Objective],
) -> CurvesData | None:
    """The curves in the study's first learned objective, or None where no epoch has reported it."""
    metric = next((o for o in objectives if o.kind == "learned"), objectives[0])
    cost = objectives[first_cost(objectives)]
    chosen = []
    for trial in trials:
        records = [r for r in curves.get(trial.number, ()) if math.isfinite(r.metrics.get(metric.name, math.nan))]
        if records:
            epochs, values = zip(*((r.epoch, float(r.metrics[metric.name])) for r in records), strict=True)
            price = float(trial.values.get(cost.name, math.nan))
            chosen.append(Curve(trial.number, describe(trial.axes), epochs, values, price, trial.number in members))
    return CurvesData(metric, cost, tuple(chosen)) if chosen else None


def curves_figure(data: CurvesData, title: str = "") -> go.Figure:
    """Draws the curves; members of the front go from light to dark with rising cost."""
    front = sorted((c for c in data.curves if c.on_front), key=lambda c: (c.cost, c.trial))
    others = [c for c in data.curves if not c.on_front]
    figure = style.new_figure()
    figure.add_trace(_bundle(others))
    every = math.ceil(len(front) / _NAMED)
    for place, curve in enumerate(front):
        figure.add_trace(_member(data, curve, shade(place, len(front))).update(showlegend=place % every == 0))
    values = [value for curve in data.curves for value in curve.values]
    figure.update_yaxes(style.axis_options(data.metric, *style.spread(values, data.metric)))
    figure.update_xaxes(title_text="Epoch", tickformat="d")
    return figure.update_layout(legend=_LEGEND, **style.titled(title))


_NAMED = 18
"""So many members of the front fit into the legend; of a larger one, every second or third is named."""


_LEGEND = {
    "orientation": "v",
    "x": 1.02,
    "y": 1.0,
    "xanchor": "left",
    "yanchor": "top",
    "font": {"size": 13},
    "title": {"text": "Trials on the front", "font": {"size": 13}},
}


def _bundle(curves: Sequence[Curve]) -> go.Scatter:
    """All of them as one trace with gaps: thousands of traces would make the page slow."""
    x: list[int | None] = []
    y: list[float | None] = []
    labels: list[str] = []
    for curve in curves:
        x += [*curve.epochs, None]
        y += [*curve.values, None]
        labels += [_label(curve)] * (len(curve.epochs) + 1)
    return go.Scatter(
        x=x, y=y, text=labels, mode="lines+markers", marker={"size": 3, "color": style.FAINT}, connectgaps=False,
        line={"width": 1, "color": style.faded(style.FAINT, 0.75)}, name=f"Other trials ({len(curves)})",
        hovertemplate="%{text}<br>epoch %{x}: %{y:.4g}<extra></extra>", showlegend=bool(curves),
        legendrank=2000,
    )  # fmt: skip


def _member(data: CurvesData, curve: Curve, colour: str) -> go.Scatter:
    cost = format_value(data.cost.name, curve.cost, short=True) if math.isfinite(curve.cost) else "?"
    name = f"{curve.trial}: {cost} {heading(data.cost.name)}" if data.cost is not data.metric else f"{curve.trial}"
    last = format_value(data.metric.name, curve.values[-1])
    return go.Scatter(
        x=curve.epochs, y=curve.values, mode="lines+markers", name=name, marker={"size": 5, "color": colour},
        line={"width": 2.5, "color": colour}, text=[f"{_label(curve)}<br>last {last}"] * len(curve.epochs),
        hovertemplate="%{text}<br>epoch %{x}: %{y:.4g}<extra></extra>",
    )  # fmt: skip


def _label(curve: Curve) -> str:
    return f"<b>Trial {curve.trial}</b>  {curve.text}"


def shade(place: int, count: int) -> str:
    """A colour for one of `count` ordered curves, from light to dark blue."""
    share = place / max(count - 1, 1)
    light, dark = (158, 202, 225), (8, 48, 107)
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(light, dark, strict=True))
    return f"rgb({red},{green},{blue})"
