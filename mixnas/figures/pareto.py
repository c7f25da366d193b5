"""The Pareto front: every trial faint, the front as a stair, and what it dominates as a shade.

With more than two objectives, one panel for each pair of them. Where members were trained with several seeds, they are
drawn at their means with 95 % intervals, and those within noise of being dominated are hollow.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mixnas import pareto
from mixnas.describe import describe, format_value, heading
from mixnas.figures import style
from mixnas.noise import NoiseReport, Repeated
from mixnas.objectives import Objective
from mixnas.records import Baseline, Trial

WITHIN_NOISE = {"size": 10, "color": "white", "line": {"color": style.BLUE, "width": 2}}
"""The marker of members of the front that may be dominated after all."""


@dataclass(frozen=True)
class Mark:
    """A point from elsewhere (a paper, a baseline) to draw beside the trials. `values`: objective to number."""

    label: str
    values: Mapping[str, float]


def baseline_marks(baselines: Iterable[Baseline]) -> list[Mark]:
    """The baselines of a study that finished."""
    return [Mark(baseline.name, baseline.values) for baseline in baselines if baseline.state == "finished"]


@dataclass(frozen=True)
class Point:
    """One finished trial. `values` are in the order of the objectives."""

    trial: int
    digest: str
    text: str
    values: tuple[float, ...]
    """With means over seeds where there are several."""
    on_front: bool
    seeds: int = 1
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """95 % interval of each objective's mean over seeds; empty for a single seed."""
    flag: str = ""
    """What it is within noise of, where it may be dominated after all."""


@dataclass(frozen=True)
class FrontData:
    """What a figure of a front shows."""

    objectives: tuple[Objective, ...]
    points: tuple[Point, ...]
    marks: tuple[Mark, ...] = ()

    @property
    def compared(self) -> tuple[Point, ...]:
        """The points that the front is chosen from: those with several seeds, where there are any."""
        return tuple(p for p in self.points if p.seeds > 1) or self.points


@dataclass(frozen=True)
class Panel:
    """One pair of objectives: `x` is the cost where one of them is. Ranges are in the objectives' own units."""

    x: int
    y: int
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    stair: tuple[tuple[float, float], ...]
    """Corners of the line between what is dominated (in these two objectives) and what is not, end to end."""


def pareto_data(
    trials: Sequence[Trial],
    objectives: Sequence[Objective],
    marks: Sequence[Mark] = (),
    noise: NoiseReport | None = None,
) -> FrontData:
    """Gathers the finished trials that have a finite value in every objective.

    Args:
        noise: what several seeds tell; the front is then that of the means.
    """
    front = [one.trial for one in noise.members] if noise else pareto.front(trials, objectives)
    members = {t.number for t in front}
    known = {one.number: one for one in noise.repeated} if noise else {}
    points = tuple(
        _point(t, values, t.number in members, known.get(t.number), objectives)
        for t in trials
        if t.state == "finished" and all(map(math.isfinite, values := _values(t, objectives)))
    )
    return FrontData(tuple(objectives), points, tuple(marks))


def _point(
    trial: Trial, values: tuple[float, ...], on_front: bool, known: Repeated | None, objectives: Sequence[Objective]
) -> Point:
    point = Point(trial.number, trial.digest, describe(trial.axes), values, on_front)
    if known is None:
        return point
    means, flag = _values(known.trial, objectives), known.flag if on_front else ""
    return replace(point, values=means, seeds=known.seeds, intervals=known.intervals, flag=flag)


def _values(trial: Trial, objectives: Sequence[Objective]) -> tuple[float, ...]:
    return tuple(float(trial.values.get(o.name, math.nan)) for o in objectives)


def panels(data: FrontData) -> list[Panel]:
    """One panel for each pair of objectives, accuracy against each cost first.

    Two costs that are known before any training tell nothing about a search: such pairs are left out.
    """
    cost_last = sorted(range(len(data.objectives)), key=lambda i: data.objectives[i].kind != "learned")
    pairs = list(itertools.combinations(cost_last, 2))
    told = [pair for pair in pairs if any(data.objectives[i].kind != "exact" for i in pair)]
    return [_panel(data, x, y) for y, x in told or pairs]


def _panel(data: FrontData, x: int, y: int) -> Panel:
    first, second = data.objectives[x], data.objectives[y]
    pairs = [(p.values[x], p.values[y]) for p in data.points]
    marked = [(m.values[first.name], m.values[second.name]) for m in data.marks if _has(m, first, second)]
    x_range = style.spread([a for a, _ in pairs + marked] + _ends(data, first), first)
    y_range = style.spread([b for _, b in pairs + marked] + _ends(data, second), second)
    compared = [(p.values[x], p.values[y]) for p in data.compared]
    return Panel(x, y, x_range, y_range, _stair(compared, first, second, x_range, y_range))


def _ends(data: FrontData, objective: Objective) -> list[float]:
    """Where the error bars of the front end."""
    return [end for p in data.points if p.on_front for end in p.intervals.get(objective.name, ())]


def _has(mark: Mark, *objectives: Objective) -> bool:
    return all(o.name in mark.values for o in objectives)


def _stair(
    pairs: Sequence[tuple[float, float]],
    first: Objective,
    second: Objective,
    x_range: tuple[float, float],
    y_range: tuple[float, float],
) -> tuple[tuple[float, float], ...]:
    """From the worst y, below the best x, along the front to the worst x, beside the best y."""
    signs = np.array([first.sign, second.sign])
    mask = pareto.nondominated(np.array(pairs) * signs)
    front = sorted({pair for pair, on in zip(pairs, mask, strict=True) if on}, key=lambda pair: first.sign * pair[0])
    worst_x = x_range[1] if first.sign > 0 else x_range[0]
    worst_y = y_range[1] if second.sign > 0 else y_range[0]
    corners = [(front[0][0], worst_y)]
    for here, following in itertools.pairwise([*front, (worst_x, front[-1][1])]):
        corners += [here, (following[0], here[1])]
    return tuple(corners)


def pareto_figure(data: FrontData, title: str = "") -> go.Figure:
    """Draws the front; a grid of pairwise fronts for more than two objectives.

    Raises:
        ValueError: there is no point, or fewer than two objectives.
    """
    if not data.points or len(data.objectives) < 2:
        raise ValueError(f"a front needs points and two objectives, got {len(data.points)}, {len(data.objectives)}")
    shown = panels(data)
    columns = min(len(shown), 2)
    rows = math.ceil(len(shown) / columns)
    grid = make_subplots(rows, columns, horizontal_spacing=0.14, vertical_spacing=0.42 / (rows + 1))
    figure = style.new_figure(**({"height": 400 * rows + 60} if len(shown) > 1 else {}))
    figure = go.Figure(grid).update_layout(figure.layout)
    for place, panel in enumerate(shown):
        row, column = place // columns + 1, place % columns + 1
        figure.add_traces(_traces(data, panel, legend=place == 0), rows=row, cols=column)
        figure.update_xaxes(style.axis_options(data.objectives[panel.x], *panel.x_range), row=row, col=column)
        figure.update_yaxes(style.axis_options(data.objectives[panel.y], *panel.y_range), row=row, col=column)
    return figure.update_layout(**style.titled(title, legend=True))


def _traces(data: FrontData, panel: Panel, legend: bool) -> list[go.Scatter]:
    """From the back to the front: shade, other trials, stair, front, its members within noise, marks."""
    others = [p for p in data.points if not p.on_front]
    front = [p for p in data.points if p.on_front and not p.flag]
    flagged = [p for p in data.points if p.flag]
    seeds = max(p.seeds for p in data.points)
    means = f", means of {seeds} seeds" if seeds > 1 else ""
    beside = f"{'Others' if means else 'Dominated'} ({len(others)})"
    hollow = f"Front{'' if front else means}, within noise ({len(flagged)})"
    marks = [m for m in data.marks if _has(m, data.objectives[panel.x], data.objectives[panel.y])]
    traces = [
        _shade(panel),
        _scatter(data, panel, others, beside, {"size": 7, "color": style.FAINT}),
        _line(panel.stair),
        _scatter(
            data, panel, front, f"Front{means} ({len(front)})",
            {"size": 10, "color": style.BLUE, "line": {"color": "white", "width": 1.2}},
        ),
        *([_scatter(data, panel, flagged, hollow, WITHIN_NOISE)] if flagged else []),
        _marked(data, panel, marks),
    ]  # fmt: skip
    for trace in traces:
        trace.showlegend = legend and bool(trace.name) and len(trace.x) > 0
        trace.legendgroup = trace.name
    return traces


def _scatter(data: FrontData, panel: Panel, points: Sequence[Point], name: str, marker: dict[str, Any]) -> go.Scatter:
    bars = {"error_x": _bars(data, panel.x, points), "error_y": _bars(data, panel.y, points)}
    return go.Scatter(
        x=[p.values[panel.x] for p in points], y=[p.values[panel.y] for p in points], mode="markers", name=name,
        marker=marker, text=[_hover(data, p) for p in points], hovertemplate="%{text}<extra></extra>",
        customdata=[p.trial for p in points], **{name: bar for name, bar in bars.items() if bar},
    )  # fmt: skip


def _bars(data: FrontData, axis: int, points: Sequence[Point]) -> dict[str, Any]:
    """Error bars of members of the front along one axis, or nothing where none has an interval."""
    name = data.objectives[axis].name
    spans = [(*p.intervals[name], p.values[axis]) if p.on_front and name in p.intervals else None for p in points]
    if not any(spans):
        return {}
    return {
        "symmetric": False, "color": style.BLUE, "thickness": 1.3, "width": 4,
        "array": [max(span[1] - span[2], 0.0) if span else 0.0 for span in spans],
        "arrayminus": [max(span[2] - span[0], 0.0) if span else 0.0 for span in spans],
    }  # fmt: skip


def _hover(data: FrontData, point: Point) -> str:
    pairs = zip(data.objectives, point.values, strict=True)
    values = "<br>".join(f"{heading(o.name)} {format_value(o.name, v)}{_interval(point, o.name)}" for o, v in pairs)
    seeds = f"<br>{point.seeds} seeds {escape(point.flag)}".rstrip() if point.seeds > 1 else ""
    return f"<b>Trial {point.trial}</b>  {escape(point.digest)}<br>{values}{seeds}<br>{escape(point.text)}"


def _interval(point: Point, name: str) -> str:
    ends = point.intervals.get(name)
    return f" ({' to '.join(format_value(name, end) for end in ends)})" if ends else ""


def _shade(panel: Panel) -> go.Scatter:
    worst = (panel.stair[-1][0], panel.stair[0][1])
    x, y = zip(*panel.stair, worst, strict=True)
    return go.Scatter(
        x=x, y=y, mode="lines", fill="toself", fillcolor=style.faded(style.BLUE, 0.07), line={"width": 0},
        hoverinfo="skip",
    )  # fmt: skip


def _line(stair: Sequence[tuple[float, float]]) -> go.Scatter:
    x, y = zip(*stair, strict=True)
    return go.Scatter(x=x, y=y, mode="lines", line={"color": style.BLUE, "width": 2}, hoverinfo="skip")


def _label_side(data: FrontData, panel: Panel, mark: Mark) -> str:
    """Where a mark's label goes: towards the middle of the panel, so that its edges cut nothing off."""
    first, second = data.objectives[panel.x], data.objectives[panel.y]
    across = _share(mark.values[first.name], panel.x_range, log=style.on_log_scale(first))
    upwards = _share(mark.values[second.name], panel.y_range, log=style.on_log_scale(second))
    side = "left" if across > 0.7 else "right" if across < 0.3 else "center"
    return f"{'bottom' if upwards > 0.5 else 'top'} {side}"


def _share(value: float, ends: tuple[float, float], *, log: bool) -> float:
    """How far along an axis a value lies, 0 to 1."""
    low, high, at = (math.log10(v) if log else v for v in (*ends, value))
    return (at - low) / (high - low) if high > low else 0.5


def _marked(data: FrontData, panel: Panel, marks: Sequence[Mark]) -> go.Scatter:
    first, second = data.objectives[panel.x].name, data.objectives[panel.y].name
    return go.Scatter(
        x=[m.values[first] for m in marks], y=[m.values[second] for m in marks], mode="markers+text", name="Reference",
        text=[escape(m.label) for m in marks], textfont={"size": 13, "color": style.ORANGE},
        textposition=[_label_side(data, panel, m) for m in marks],
        marker={"symbol": "diamond-open", "size": 11, "color": style.ORANGE, "line": {"width": 2}},
        hovertemplate="%{text}<extra></extra>",
    )  # fmt: skip
