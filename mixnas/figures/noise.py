"""The front over several seeds as a table: means, 95 % intervals, and who is within noise of being dominated."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import plotly.graph_objects as go

from mixnas.describe import describe, format_value, heading
from mixnas.figures import style
from mixnas.noise import NoiseReport, Repeated
from mixnas.objectives import Objective


def noise_figure(report: NoiseReport, objectives: Sequence[Objective], title: str = "") -> go.Figure:
    """The members of the front of the means, then the others with several seeds, each part by the first cost."""
    rows = [_row(one, objectives, _standing(one, report)) for one in (*report.members, *report.others)]
    head = ["trial", *(heading(o.name) for o in objectives), "seeds", "front", "architecture"]
    figure = style.new_figure(height=140 + 44 * min(len(rows), 12))
    figure.add_trace(
        go.Table(
            header={"values": head, "align": "left"},
            columnwidth=[1.2, *(3 if o.kind != "exact" else 1.6 for o in objectives), 1.3, 3, 6],
            cells={"values": [list(column) for column in zip(*rows, strict=True)], "align": "left"},
        )
    )
    return figure.update_layout(**style.titled(title))


def _standing(one: Repeated, report: NoiseReport) -> str:
    if one in report.members:
        return one.flag or "on it"
    by = report.fallen.get(one.number)
    return f"fell off: trial {by} is better" if by is not None else "off"


def _row(one: Repeated, objectives: Sequence[Objective], standing: str) -> list[Any]:
    return [one.number, *(_value(one, o) for o in objectives), one.seeds, standing, escape(describe(one.trial.axes))]


def _value(one: Repeated, o: Objective) -> str:
    """`0.9861 (0.9823 to 0.9894)`; exact costs stand alone."""
    mean, ends = format_value(o.name, one.trial.values[o.name]), one.intervals.get(o.name)
    return f"{mean} ({' to '.join(format_value(o.name, end) for end in ends)})" if ends else mean
