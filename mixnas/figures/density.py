"""How the costs of a whole space are spread: a map of all candidates, with the published models on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go

from mixnas.describe import format_value
from mixnas.figures import style
from mixnas.figures.pareto import Mark
from mixnas.objectives import objective

BINS = 80
"""Cells of the map along each axis."""

_SCALE = ((0.0, "#E8F1F8"), (0.35, style.SKY), (1.0, "#00456E"))


def density_figure(
    columns: Mapping[str, Any], passes: Any, marks: Sequence[Mark] = (), title: str = "", refused: bool = False
) -> go.Figure:
    """Parameters against multiply-accumulates, both on log scales; a darker cell holds more candidates.

    Args:
        columns: `params` and `macs`, `[N]`.
        passes: which candidates pass the constraints, `[N]`; the others are drawn in grey.
        marks: models with their costs.
        refused: there are constraints, so the figure says what grey is.
    """
    x, y = (np.log10(np.maximum(np.asarray(columns[name], float), 1.0)) for name in ("params", "macs"))
    edges = [np.linspace(low, low + (high - low or 1.0), BINS + 1) for low, high in (_ends(x), _ends(y))]
    every = np.histogram2d(x, y, edges)[0]
    passing = np.histogram2d(x[passes], y[passes], edges)[0]
    figure = style.new_figure(width=880, height=600)
    if refused:
        figure.add_trace(_cells(every, edges, ((0.0, style.GRID), (1.0, style.FAINT)), "refused", showscale=False))
    figure.add_trace(_cells(passing, edges, _SCALE, "passing" if refused else "candidates", showscale=True))
    if marks:
        figure.add_trace(_marks(marks))
    spread = [[10 ** edge[0], 10 ** edge[-1], *(m.values[name] for m in marks)]
              for edge, name in zip(edges, ("params", "macs"), strict=True)]  # fmt: skip
    for update, name, values in zip((figure.update_xaxes, figure.update_yaxes), columns, spread, strict=True):
        options = style.axis_options(objective(name), *style.padded(min(values), max(values), log=True))
        update(showgrid=False, **options)
    if key := _key(bool(marks), refused):
        figure.add_annotation(key)
    return figure.update_layout(**style.titled(title), showlegend=False)


def _key(marks: bool, refused: bool) -> dict[str, Any]:
    """What is drawn beside the cells that the scale explains."""
    words = [f"<span style='color:{style.ORANGE}'>◆</span> published models"] * marks
    words += [f"<span style='color:{style.FAINT}'>■</span> refused by a constraint"] * refused
    place = {"x": 0.02, "xref": "paper", "xanchor": "left", "y": 0.98, "yref": "paper", "yanchor": "top"}
    return {"text": "<br>".join(words), "align": "left", "showarrow": False, **place} if words else {}


def _ends(values: Any) -> tuple[float, float]:
    return float(values.min()), float(values.max())


def _cells(counts: Any, edges: Sequence[Any], scale: Any, what: str, showscale: bool) -> go.Heatmap:
    """A cell where there is a candidate, on a log scale of their number."""
    centres = [10 ** ((edge[:-1] + edge[1:]) / 2) for edge in edges]
    shown = np.where(counts > 0, np.log10(np.maximum(counts, 1)), np.nan).T
    most = float(np.log10(max(counts.max(), 10)))
    ticks = list(range(int(most) + 1))
    return go.Heatmap(
        x=10 ** edges[0], y=10 ** edges[1], z=shown, customdata=counts.T, zmin=0, zmax=most, colorscale=scale,
        showscale=showscale, hoverongaps=False, name=what,
        text=[[f"{format_value('params', a, short=True)} parameters, {format_value('macs', b, short=True)} MACs"
               for a in centres[0]] for b in centres[1]],
        hovertemplate=f"about %{{text}}<br>%{{customdata:,}} {what}<extra></extra>",
        colorbar={
            "title": {"text": what.capitalize(), "font": {"size": 14}}, "thickness": 14, "outlinewidth": 0,
            "tickvals": ticks, "ticktext": [f"{10**t:,}" for t in ticks],
        },
    )  # fmt: skip


def _marks(marks: Sequence[Mark]) -> go.Scatter:
    return go.Scatter(
        x=[m.values["params"] for m in marks], y=[m.values["macs"] for m in marks], mode="markers",
        marker={"symbol": "diamond", "size": 10, "color": style.ORANGE, "line": {"width": 1, "color": "white"}},
        text=[escape(m.label) for m in marks], name="Published",
        customdata=[[f"{m.values['params']:,.0f}", f"{m.values['macs']:,.0f}"] for m in marks],
        hovertemplate="%{text}<br>%{customdata[0]} parameters, %{customdata[1]} MACs<extra></extra>",
    )  # fmt: skip
