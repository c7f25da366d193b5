"""Ablations: differences with intervals, interactions, and accuracy against cost."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mixnas.describe import format_value
from mixnas.figures import style
from mixnas.objectives import Objective

BETTER, WORSE, UNCLEAR = style.GREEN, style.ORANGE, style.FAINT
WORDS = {BETTER: "better", WORSE: "worse", UNCLEAR: "not told from noise"}
ROW, LINE = 32, 16
"""Pixels of a row of the forest plot, and of each further line of its name."""
KEY = 22
"""Pixels of a line of a legend."""


@dataclass(frozen=True)
class Contrast:
    """A difference with its interval; `low` and `high` are NaN where there is none."""

    label: str
    mean: float
    low: float
    high: float
    colour: str = UNCLEAR


@dataclass(frozen=True)
class Interaction:
    """The metric at each pair of levels of two factors, averaged over everything else."""

    one: str
    other: str
    levels: tuple[str, ...]
    """Of `one`, along the axis."""
    lines: Mapping[str, tuple[float, ...]]
    """For each level of `other` the means along the levels of `one`; NaN where no run finished."""


@dataclass(frozen=True)
class Tradeoff:
    """An arm's metric and costs."""

    label: str
    value: float
    low: float
    high: float
    costs: Mapping[str, float]
    colour: str = UNCLEAR


def forest_figure(contrasts: Sequence[Contrast], metric: Objective, title: str = "") -> go.Figure:
    """One row a contrast: its estimate and interval around 0. Contrasts without a value are left out."""
    shown = [c for c in contrasts if math.isfinite(c.mean)]
    names = [style.wrapped(c.label) for c in shown]
    row = ROW + LINE * max((name.count("<br>") for name in names), default=0)
    legend = bool(shown)
    figure = style.new_figure(height=max(len(shown), 1) * row + (190 if legend else 120))
    for colour, words in WORDS.items():
        rows = [i for i, c in enumerate(shown) if c.colour == colour]
        figure.add_trace(_intervals(shown, rows, colour, words))
    figure.add_vline(x=0, line={"color": style.BLACK, "width": 1, "dash": "dot"})
    figure.update_yaxes(
        tickvals=list(range(len(shown))), ticktext=names, autorange="reversed", showgrid=False, title=None,
    )  # fmt: skip
    fraction = metric.unit == "fraction"
    words = f"Change of {_name(metric)}{' (percentage points)' if fraction else ''}"
    figure.update_xaxes(title={"text": words}, tickformat="+.1%" if fraction else "+")
    # The plot begins where the names end: a title above it would reach into the buttons on the right.
    return figure.update_layout(**style.titled(title, legend=legend)).update_layout(
        title={"xref": "container", "x": 0.02}
    )


def _intervals(contrasts: Sequence[Contrast], rows: Sequence[int], colour: str, words: str) -> go.Scatter:
    chosen = [contrasts[i] for i in rows]
    return go.Scatter(
        x=[c.mean for c in chosen], y=list(rows), mode="markers", name=words, showlegend=bool(chosen),
        marker={"size": 10, "color": _ink(colour)},
        error_x={
            "type": "data", "symmetric": False, "thickness": 2, "width": 4, "color": _ink(colour),
            "array": [_or_zero(c.high - c.mean) for c in chosen],
            "arrayminus": [_or_zero(c.mean - c.low) for c in chosen],
        },
        text=[escape(c.label) for c in chosen], hovertemplate="%{text}<br>%{x:+.4f}<extra></extra>",
    )  # fmt: skip


def interaction_figure(interactions: Sequence[Interaction], metric: Objective, title: str = "") -> go.Figure:
    """One panel a pair of factors; lines that are not parallel are an interaction.

    Raises:
        ValueError: there is no pair.
    """
    if not interactions:
        raise ValueError("an interaction plot needs two factors")
    columns = min(len(interactions), 3)
    rows = math.ceil(len(interactions) / columns)
    grid = make_subplots(rows, columns, shared_yaxes="all", horizontal_spacing=0.05, vertical_spacing=0.36 / rows)
    figure = go.Figure(grid).update_layout(style.new_figure(height=340 * rows + 70).layout)
    for place, pair in enumerate(interactions):
        row, column = place // columns + 1, place % columns + 1
        for i, (level, means) in enumerate(pair.lines.items()):
            colour = style.PALETTE[i % len(style.PALETTE)]
            figure.add_trace(_line(pair, level, means, colour), row=row, col=column)
            _name_line(figure, level, means, colour, i, (row, column))
        figure.update_xaxes(
            title={"text": escape(style.short(pair.one))}, type="category", range=[-0.3, len(pair.levels) - 0.3 + 0.35],
            row=row, col=column,
        )  # fmt: skip
        panel = "" if place == 0 else str(place + 1)
        figure.add_annotation(
            text=f"lines: {escape(style.short(pair.other))}", showarrow=False, xref=f"x{panel} domain",
            yref=f"y{panel} domain", x=0, y=1.0, yanchor="bottom", xanchor="left",
            font={"size": 13, "color": style.BLACK},
        )  # fmt: skip
    percent = {"tickformat": ".1%"} if metric.unit == "fraction" else {}
    figure.update_yaxes(**percent)
    figure.update_yaxes(title={"text": style.axis_title(metric)}, col=1)
    return figure.update_layout(showlegend=False, **style.titled(title, legend=True))


def _line(pair: Interaction, level: str, means: Sequence[float], colour: str) -> go.Scatter:
    return go.Scatter(
        x=list(pair.levels), y=list(means), mode="lines+markers", line={"color": colour, "width": 2.5},
        marker={"size": 8}, hovertemplate=f"{escape(pair.other)}={escape(level)}<br>%{{x}}: %{{y:.4f}}<extra></extra>",
    )  # fmt: skip


def _name_line(
    figure: go.Figure, level: str, means: Sequence[float], colour: str, i: int, place: tuple[int, int]
) -> None:
    """The level's name at the end of its line."""
    known = [(x, y) for x, y in enumerate(means) if math.isfinite(y)]
    if known:
        figure.add_annotation(
            x=known[-1][0], y=known[-1][1], text=escape(level), showarrow=False, xanchor="left", xshift=8,
            font={"size": 13, "color": colour}, row=place[0], col=place[1],
        )  # fmt: skip


def tradeoff_figure(
    arms: Sequence[Tradeoff], metric: Objective, costs: Sequence[Objective], title: str = ""
) -> go.Figure:
    """Metric against each cost, an arrow from the base, which is the first, to every other arm.

    Raises:
        ValueError: there is no arm with a value, or no cost.
    """
    shown = [arm for arm in arms if math.isfinite(arm.value)]
    if not shown or not costs:
        raise ValueError("a trade-off needs an arm with a value, and a cost")
    figure = go.Figure(make_subplots(1, len(costs), shared_yaxes=True, horizontal_spacing=0.06))
    figure.update_layout(style.new_figure(height=520).layout)
    ends = [x for arm in shown for x in (arm.low, arm.high, arm.value) if math.isfinite(x)]
    low, high = style.spread(ends, metric)
    for column, cost in enumerate(costs, start=1):
        known = [arm for arm in shown if cost.name in arm.costs]
        for base in (False, True):
            figure.add_trace(_points(known, cost, base), row=1, col=column)
        x_low, x_high = style.spread([arm.costs[cost.name] for arm in known], cost)
        figure.update_xaxes(style.axis_options(cost, x_low, x_high), row=1, col=column)
        _arrows(figure, known, cost, column)
    figure.update_yaxes(style.axis_options(metric, low, high), row=1, col=1)
    figure.update_yaxes(range=[low, high])
    figure.add_traces(_key(shown))
    legend = {"orientation": "v", "x": 0, "y": -0.2, "yanchor": "top", "font": {"size": 13}}
    room = KEY * sum(1 + style.wrapped(arm.label).count("<br>") for arm in shown)
    figure.update_layout(height=500 + room, legend=legend, **style.titled(title))
    return figure.update_layout(margin={"b": 60 + room})


def _points(arms: Sequence[Tradeoff], cost: Objective, base: bool) -> go.Scatter:
    chosen = arms[:1] if base else arms[1:]
    return go.Scatter(
        x=[arm.costs[cost.name] for arm in chosen], y=[arm.value for arm in chosen], mode="markers",
        marker={
            "size": 13 if base else 9, "symbol": "diamond" if base else "circle",
            "color": style.BLACK if base else [_ink(arm.colour) for arm in chosen],
        },
        error_y={
            "type": "data", "symmetric": False, "thickness": 1, "width": 3, "color": style.FAINT,
            "array": [_or_zero(arm.high - arm.value) for arm in chosen],
            "arrayminus": [_or_zero(arm.value - arm.low) for arm in chosen],
        },
        text=[f"{escape(arm.label)}<br>{cost.name} {format_value(cost.name, arm.costs[cost.name])}" for arm in chosen],
        hovertemplate="%{text}<br>%{y:.4f}<extra></extra>",
        showlegend=False,
    )  # fmt: skip


def _arrows(figure: go.Figure, arms: Sequence[Tradeoff], cost: Objective, column: int) -> None:
    """From the base to each arm. Arrows of a logarithmic axis are placed by logarithms."""
    axis = "" if column == 1 else str(column)

    def along(arm: Tradeoff) -> float:
        value = arm.costs[cost.name]
        return math.log10(value) if style.on_log_scale(cost) else value

    for number, arm in enumerate(arms[1:], start=1):
        figure.add_annotation(
            x=along(arm), y=arm.value, ax=along(arms[0]), ay=arms[0].value, xref=f"x{axis}", yref=f"y{axis}",
            axref=f"x{axis}", ayref=f"y{axis}", text="", showarrow=True, arrowhead=2, arrowsize=1.2, arrowwidth=1.3,
            arrowcolor=_ink(arm.colour), opacity=0.75, standoff=6,
        )  # fmt: skip
        # Beyond the arrow's head, where no arrow passes.
        left, below = along(arm) < along(arms[0]), arm.value < arms[0].value
        figure.add_annotation(
            x=along(arm), y=arm.value, xref=f"x{axis}", yref=f"y{axis}", text=str(number), showarrow=False,
            xshift=-11 if left else 11, yshift=-9 if below else 9, font={"size": 13, "color": _ink(arm.colour)},
        )  # fmt: skip


def _key(arms: Sequence[Tradeoff]) -> list[go.Scatter]:
    """Which arm has which number, as a legend."""
    names = ["base", *(f"{number}  {style.wrapped(arm.label)}" for number, arm in enumerate(arms[1:], start=1))]
    colours = [style.BLACK, *(_ink(arm.colour) for arm in arms[1:])]
    return [
        go.Scatter(x=[None], y=[None], mode="markers", name=name, marker={"color": colour, "size": 9})
        for name, colour in zip(names, colours, strict=True)
    ]


def _ink(colour: str) -> str:
    """Grey that can be read on white."""
    return "#7A828C" if colour == UNCLEAR else colour


def _or_zero(value: float) -> float:
    return value if math.isfinite(value) else 0.0


def _name(metric: Objective) -> str:
    title = style.axis_title(metric)
    return title[0].lower() + title[1:] if not title[:2].isupper() else title
