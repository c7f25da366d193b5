"""The log of early stopping: who was promoted at which rung, and who was stopped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from mixnas.describe import describe
from mixnas.figures import style
from mixnas.records import Candidate, Decision

SHOWN = 200
"""Newest decisions that are listed."""


def decisions_figure(decisions: Sequence[Decision], axes: Mapping[int, Candidate], title: str = "") -> go.Figure:
    """A table of the newest decisions, newest first; trials that no `axes` are known of keep their number alone."""
    newest = list(reversed(decisions))[:SHOWN]
    figure = style.new_figure(height=420)
    figure.add_trace(
        go.Table(
            header={"values": ["trial", "epochs", "decision", "architecture"], "align": "left"},
            columnwidth=[1, 1, 3, 8],
            cells={
                "values": [
                    [decision.trial for decision in newest],
                    [decision.epochs for decision in newest],
                    [str(decision) for decision in newest],
                    [describe(axes[d.trial]) if d.trial in axes else "" for d in newest],
                ],
                "align": "left",
            },
        )
    )
    return figure.update_layout(**style.titled(title))
