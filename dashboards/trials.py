"""The learning curves of a study, what became of all that was proposed, and what early stopping decided."""

from __future__ import annotations

import plotly.graph_objects as go

from mixnas.figures.curves import curves_data, curves_figure
from mixnas.figures.outcomes import outcome_data, outcome_figure
from mixnas.figures.rungs import decisions_figure
from mixnas.objectives import objective
from mixnas.pareto import front
from mixnas.store import Store

TITLE = "Trials"


def page(store: Store, study: str) -> list[go.Figure] | str:
    """The figures, or one sentence saying what is still missing."""
    objectives = [objective(name) for name in store.study(study).spec["objectives"]]
    trials = store.trials(study)
    outcomes = outcome_data(store.counts(study), trials, store.refusals(study))
    if not outcomes:
        return "Learning curves and outcomes appear with the first trial; nothing has been proposed yet."
    figures = [outcome_figure(outcomes, title="Outcomes")]
    members = [trial.number for trial in front(trials, objectives)]
    curves = curves_data(trials, store.curves(study), members, objectives)
    if curves:
        figures.insert(0, curves_figure(curves, title="Learning curves"))
    if decisions := store.decisions(study):
        axes = {trial.number: trial.axes for trial in trials}
        figures.append(decisions_figure(decisions, axes, title="Early stopping, newest first"))
    return figures
