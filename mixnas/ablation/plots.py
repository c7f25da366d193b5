"""From an analysis to its figures, for the page, for files and for the dashboard."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from mixnas.ablation.analysis import Analysis, ArmResult
from mixnas.objectives import objective
from mixnas.statistics import ALPHA, LEVEL

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from mixnas.figures.effects import Interaction

WHAT = f"{LEVEL:.0%} intervals; colours after Holm's correction"
MOST_PANELS = 9
"""Interaction plots that are drawn."""


def figures(analysis: Analysis) -> Mapping[str, go.Figure]:
    """Every figure that has something to show, by the name of its file."""
    from mixnas.figures.bands import Band, bands_figure
    from mixnas.figures.effects import Contrast, Tradeoff, forest_figure, interaction_figure, tradeoff_figure

    metric = analysis.metric
    found: dict[str, go.Figure] = {}
    others = [(arm, arm.difference) for arm in analysis.arms if arm.difference is not None]
    rows = [Contrast(arm.arm.label, d.mean, d.low, d.high, _colour(arm)) for arm, d in others]
    if any(math.isfinite(row.mean) for row in rows):
        found["differences"] = forest_figure(rows, metric, f"Differences to the base, {WHAT}")
    effects = [
        Contrast(f"{e.term}: {e.contrast}", e.estimate, e.low, e.high, _of(e.estimate, e.p_holm, metric.sign))
        for e in analysis.effects.effects
    ]
    if effects:
        found["effects"] = forest_figure(effects, metric, f"Effects and interactions, {WHAT}")
    if pairs := interactions(analysis):
        found["interactions"] = interaction_figure(pairs[:MOST_PANELS], metric, "Interactions")
    known = [arm for arm in analysis.arms if math.isfinite(arm.mean)]
    costs = [name for name in ("params", "macs", "memory") if len({arm.costs.get(name) for arm in known}) > 1]
    if len(known) > 1 and costs and known[0] is analysis.arms[0]:
        points = [Tradeoff(a.arm.label, a.mean, a.low, a.high, a.costs, _colour(a)) for a in known]
        found["tradeoff"] = tradeoff_figure(points, metric, [objective(c) for c in costs[:2]], "What each arm costs")
    bands = [Band(arm.arm.label, arm.curve) for arm in analysis.arms if arm.curve]
    if bands:
        found["curves"] = bands_figure(
            bands, metric, f"Learning curves, mean and {LEVEL:.0%} interval; the base in black"
        )
    return found


def _colour(arm: ArmResult) -> str:
    from mixnas.figures.effects import BETTER, UNCLEAR, WORSE

    words = arm.difference.verdict if arm.difference else ""
    return {"better": BETTER, "worse": WORSE}.get(words, UNCLEAR)


def _of(estimate: float, p_holm: float, sign: int) -> str:
    from mixnas.figures.effects import BETTER, UNCLEAR, WORSE

    if not p_holm < ALPHA:
        return UNCLEAR
    return BETTER if estimate * sign < 0 else WORSE


def interactions(analysis: Analysis) -> list[Interaction]:
    """The metric at each pair of levels of each two factors that a factorial design crosses."""
    from mixnas.figures.effects import Interaction

    if not analysis.effects.effects:
        return []
    found = []
    for one, other in itertools.combinations(analysis.factors, 2):
        names, lines = analysis.factors[one], analysis.factors[other]
        means = {y: tuple(_mean(analysis, {one: x, other: y}) for x in names) for y in lines}
        found.append(Interaction(one, other, tuple(names), means))
    return found


def _mean(analysis: Analysis, levels: Mapping[str, str]) -> float:
    """Over all cells of the design at these levels; cells count the same, however many of their runs finished."""
    cells = [
        arm.mean
        for arm in analysis.arms
        if arm.arm.in_design and arm.values and all(arm.arm.levels.get(f) == name for f, name in levels.items())
    ]
    return float(np.mean(cells)) if cells else math.nan
