"""What became of everything that was proposed: trained, failed and why, or never trained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import plotly.graph_objects as go

from mixnas.figures import style
from mixnas.records import FAILURES, StudyCounts, Trial


@dataclass(frozen=True)
class Outcome:
    """One bar: what happened, how often, and whether it is a result, a failure, or was never trained."""

    label: str
    count: int
    kind: str


def outcome_data(
    counts: StudyCounts, trials: Sequence[Trial], refusals: Mapping[str, int] | None = None
) -> tuple[Outcome, ...]:
    """The outcomes that happened, from the last bar of the figure to the first.

    Failures are split by reason, and refusals too where `refusals` (reason to number) is given.
    """
    reasons = Counter(t.reason or "reason unknown" for t in trials if t.state == "failed")
    refused = refusals or {"by a constraint": counts.refused}
    rows = [
        Outcome("duplicate, not trained", counts.duplicates, "skipped"),
        *(Outcome(f"refused: {_short(reason)}", n, "skipped") for reason, n in reversed(list(refused.items()))),
        Outcome("running", counts.running, "running"),
        Outcome("paused at a rung", counts.paused, "running"),
        Outcome("stopped early", counts.stopped, "stopped"),
        *(Outcome(f"failed: {FAILURES.get(reason, reason)}", n, "failed") for reason, n in reasons.most_common()),
        Outcome("finished", counts.finished, "finished"),
    ]
    return tuple(row for row in rows if row.count)


def _short(text: str, most: int = 34) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


_COLOURS = {
    "finished": style.BLUE,
    "stopped": style.GREEN,
    "failed": style.ORANGE,
    "running": style.SKY,
    "skipped": style.FAINT,
}


def outcome_figure(outcomes: Sequence[Outcome], title: str = "") -> go.Figure:
    """One horizontal bar an outcome, with its count."""
    figure = style.new_figure(height=90 + 52 * len(outcomes), bargap=0.35, showlegend=False)
    figure.add_trace(
        go.Bar(
            x=[o.count for o in outcomes], y=[escape(o.label) for o in outcomes], orientation="h",
            marker={"color": [_COLOURS[o.kind] for o in outcomes]}, text=[f"{o.count:,}" for o in outcomes],
            textposition="outside", cliponaxis=False, hovertemplate="%{y}: %{x}<extra></extra>",
        )
    )  # fmt: skip
    figure.update_xaxes(title_text="Proposals", tickformat=",d", rangemode="tozero")
    figure.update_yaxes(ticks="", showgrid=False)
    return figure.update_layout(**style.titled(title))
