"""One look for every figure: white, few lines, the Okabe-Ito palette that colour-blind readers can tell apart.

Fonts and line widths are chosen for 800 x 500 pixels, about the width of a page of text.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from html import escape
from typing import Any

import plotly.graph_objects as go

from mixnas.describe import binary_unit, format_bytes, short_number
from mixnas.objectives import Objective

WIDTH, HEIGHT = 800, 500

BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
SKY, YELLOW, BLACK = "#56B4E9", "#E69F00", "#1A1A1A"
PALETTE = (BLUE, ORANGE, GREEN, PURPLE, SKY, YELLOW, BLACK)
FAINT = "#B8BEC6"
GRID = "#ECEEF1"

FONT = "Arial, 'Liberation Sans', Helvetica, sans-serif"

LABEL = 44
"""Letters of a name on one line beside a plot."""

_TITLES = {
    "acc": "Validation accuracy",
    "error": "Validation error",
    "miou": "Validation mean IoU",
    "pixel_acc": "Validation pixel accuracy",
    "psnr": "Validation PSNR (dB)",
    "ssim": "Validation SSIM",
    "params": "Parameters",
    "macs": "Multiply-accumulates per image",
    "memory": "Peak memory of a training step",
    "inference_memory": "Peak memory of a forward pass",
    "train_seconds": "Training time (s)",
}
"""Axis titles that are shorter than the summaries of the objectives."""


def template() -> go.layout.Template:
    """The template of all figures; passed to each, so that Plotly's global default stays as it is."""
    axis: dict[str, Any] = {
        "showline": True, "linecolor": BLACK, "linewidth": 1.2, "ticks": "outside", "tickcolor": BLACK, "ticklen": 5,
        "gridcolor": GRID, "zeroline": False, "automargin": True, "title": {"standoff": 12, "font": {"size": 17}},
        "tickfont": {"size": 15},
    }  # fmt: skip
    layout = go.Layout(
        font={"family": FONT, "size": 15, "color": BLACK},
        title={
            "font": {"size": 18}, "x": 0.0, "xref": "paper", "xanchor": "left", "y": 1.0, "yanchor": "top",
            "pad": {"t": 14},
        },
        paper_bgcolor="white",
        plot_bgcolor="white",
        colorway=PALETTE,
        xaxis=axis,
        yaxis=axis,
        hoverlabel={"bgcolor": "white", "font": {"family": FONT, "size": 13}, "align": "left"},
        hovermode="closest",
        legend={
            "orientation": "h", "x": 0.0, "xanchor": "left", "y": 1.02, "yanchor": "bottom", "font": {"size": 15},
            "bgcolor": "rgba(255,255,255,0)",
        },
        margin={"l": 70, "r": 24, "t": 48, "b": 60},
    )  # fmt: skip
    return go.layout.Template(layout=layout)


def new_figure(**layout: Any) -> go.Figure:
    """An empty figure in our look."""
    return go.Figure(layout={"template": template(), **layout})


def titled(title: str, legend: bool = False) -> dict[str, Any]:
    """Layout for a title, or for none; `legend` leaves room for one between the title and the plot."""
    room = (84 if legend else 52) if title else (48 if legend else 20)
    return {"title": {"text": escape(title)} if title else {}, "margin": {"t": room}}


def short(label: str) -> str:
    """A name on one line, cut where it is too long."""
    return label if len(label) <= LABEL else label[: LABEL - 1] + "…"


def wrapped(label: str, width: int = LABEL, lines: int = 4) -> str:
    """A name as HTML, broken into lines that fit beside a plot; what is beyond the last of them is cut."""
    parts = textwrap.wrap(label, width, max_lines=lines, placeholder=" …", break_on_hyphens=False)
    return "<br>".join(map(escape, parts))


def faded(colour: str, alpha: float) -> str:
    """A `#RRGGBB` colour with an opacity."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha})"


def axis_title(objective: Objective) -> str:
    """The title of an objective's axis, with its unit."""
    if objective.name in _TITLES:
        return _TITLES[objective.name]
    unit = f" ({objective.unit})" if objective.unit not in ("", "fraction") else ""
    return objective.summary[:1].upper() + objective.summary[1:] + unit


def on_log_scale(objective: Objective) -> bool:
    """Costs are drawn on a log scale, what is learned on a linear one."""
    return objective.kind != "learned"


def axis_options(objective: Objective, low: float, high: float) -> dict[str, Any]:
    """Title, scale, range `[low, high]` and ticks of an axis that shows an objective."""
    options: dict[str, Any] = {"title": {"text": axis_title(objective)}}
    if not on_log_scale(objective):
        percent = {"tickformat": ".0%" if high - low > 0.05 else ".1%"} if objective.unit == "fraction" else {}
        return {**options, "range": [low, high], **percent}
    ticks = byte_ticks(low, high) if objective.unit == "B" else {t: short_number(t) for t in log_ticks(low, high)}
    return {
        **options, "type": "log", "range": [math.log10(low), math.log10(high)],
        "tickvals": list(ticks), "ticktext": list(ticks.values()),
    }  # fmt: skip


def spread(values: Sequence[float], objective: Objective) -> tuple[float, float]:
    """The range of an axis that shows these values; fractions do not go far beyond 1, logarithms have no zero."""
    if on_log_scale(objective):
        positive = [v for v in values if v > 0] or [1.0]
        return padded(min(positive), max(positive), log=True)
    low, high = padded(min(values), max(values), log=False)
    return (max(low, -0.01), min(high, 1.01)) if objective.unit == "fraction" else (low, high)


def padded(low: float, high: float, log: bool, share: float = 0.05) -> tuple[float, float]:
    """A range a little wider than the values in it, and never empty. On a log scale `low` must be positive."""
    if log:
        first, last = math.log10(low), math.log10(high)
        pad = (last - first) * share or 0.1
        return 10 ** (first - pad), 10 ** (last + pad)
    pad = (high - low) * share or 0.05 * (abs(high) or 1.0)
    return low - pad, high + pad


def log_ticks(low: float, high: float) -> list[float]:
    """Round numbers on a log axis: about three to eight of them, whether it spans a fifth of a decade or ten."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0), (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0)):
        ticks = [m * 10.0**d for d in decades for m in steps if low <= m * 10.0**d <= high]
        if len(ticks) >= 4:
            return ticks[:: math.ceil(len(ticks) / 8)]
    step = 10.0 ** math.floor(math.log10(high - low))
    while (high - low) / step < 4:
        step /= 2
    first = math.ceil(low / step)
    return [k * step for k in range(first, math.floor(high / step) + 1)]


def byte_ticks(low: float, high: float) -> dict[float, str]:
    """Bytes on a log axis, with their names: powers of two, or round numbers of one unit where those are few."""
    powers = range(math.ceil(math.log2(low)), math.floor(math.log2(high)) + 1)
    if len(powers) >= 3:
        every = math.ceil(len(powers) / 8)
        return {2.0**power: format_bytes(2.0**power) for power in powers if power % every == 0}
    size, unit = binary_unit(math.sqrt(low * high))
    return {tick * size: f"{tick:,g} {unit}" for tick in log_ticks(low / size, high / size)}
