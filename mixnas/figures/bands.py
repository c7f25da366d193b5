"""Learning curves over several seeds: the mean after each epoch, with its interval as a band."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mixnas.figures import style
from mixnas.objectives import Objective

TOGETHER = 3
"""Bands that one panel can hold and still be read."""
COLUMNS = 3
PANEL = 230
"""Pixels of the height of a panel."""


@dataclass(frozen=True)
class Band:
    """A learning curve over several seeds: epoch, mean, low, high."""

    label: str
    points: tuple[tuple[int, float, float, float], ...]


def bands_figure(bands: Sequence[Band], metric: Objective, title: str = "") -> go.Figure:
    """The base, which is the first, in black; more than two arms beside it get a panel each, with the base in it."""
    shown = [band for band in bands if band.points]
    figure = _overlaid(shown) if len(shown) <= TOGETHER else _panels(shown)
    percent = {"tickformat": ".0%"} if metric.unit == "fraction" else {}
    figure.update_yaxes(percent)
    figure.update_yaxes(title={"text": style.axis_title(metric)}, col=1)
    return figure.update_layout(**style.titled(title, legend=len(shown) > TOGETHER))


def _overlaid(bands: Sequence[Band]) -> go.Figure:
    grid = go.Figure(make_subplots(1, 1)).update_layout(style.new_figure(height=520).layout)
    for i, band in enumerate(bands):
        _draw(grid, band, _colour(i), (1, 1), named=True)
    grid.update_xaxes(title={"text": "Epoch"}, rangemode="normal")
    legend = {"orientation": "v", "x": 1.02, "y": 1.0, "yanchor": "top", "font": {"size": 13}}
    return grid.update_layout(legend=legend)


def _panels(bands: Sequence[Band]) -> go.Figure:
    base, *others = bands
    rows = math.ceil(len(others) / COLUMNS)
    titles = [style.wrapped(band.label, 34, 2) for band in others]
    grid = make_subplots(
        rows, COLUMNS, shared_xaxes="all", shared_yaxes="all", subplot_titles=titles,
        horizontal_spacing=0.03, vertical_spacing=0.24 / rows,
    )  # fmt: skip
    figure = go.Figure(grid).update_layout(style.new_figure(height=PANEL * rows + 130).layout, showlegend=False)
    figure.update_annotations(font={"size": 13, "color": style.BLACK})
    for i, band in enumerate(others):
        place = i // COLUMNS + 1, i % COLUMNS + 1
        _draw(figure, base, style.BLACK, place, named=False)
        _draw(figure, band, style.BLUE, place, named=False)
        if i + COLUMNS >= len(others):
            figure.update_xaxes(title={"text": "Epoch"}, showticklabels=True, row=place[0], col=place[1])
    return figure


def _draw(figure: go.Figure, band: Band, colour: str, place: tuple[int, int], *, named: bool) -> None:
    epochs, means, low, high = (list(column) for column in zip(*band.points, strict=True))
    row, column = place
    if all(map(math.isfinite, low)) and len(epochs) > 1:
        around = go.Scatter(
            x=[*epochs, *reversed(epochs)], y=[*high, *reversed(low)], fill="toself", mode="lines",
            fillcolor=style.faded(colour, 0.15), line={"width": 0}, hoverinfo="skip", showlegend=False,
            legendgroup=band.label,
        )  # fmt: skip
        figure.add_trace(around, row=row, col=column)
    line = go.Scatter(
        x=epochs, y=means, mode="lines" if len(epochs) > 1 else "markers", name=style.wrapped(band.label),
        line={"color": colour, "width": 2.2}, legendgroup=band.label, showlegend=named,
        hovertemplate=f"{escape(band.label)}<br>epoch %{{x}}: %{{y:.4f}}<extra></extra>",
    )  # fmt: skip
    figure.add_trace(line, row=row, col=column)


def _colour(i: int) -> str:
    return style.BLACK if i == 0 else style.PALETTE[(i - 1) % len(style.PALETTE)]
