"""The front of a study, and how its hypervolume grew."""

from __future__ import annotations

import plotly.graph_objects as go

from mixnas.figures.history import history_data, history_figure
from mixnas.figures.noise import noise_figure
from mixnas.figures.pareto import baseline_marks, pareto_data, pareto_figure
from mixnas.noise import noise_report
from mixnas.objectives import objective
from mixnas.store import Store

TITLE = "Pareto front"


def page(store: Store, study: str) -> list[go.Figure] | str:
    """The figures, or one sentence saying what is still missing."""
    objectives = [objective(name) for name in store.study(study).spec["objectives"]]
    trials, fronts = store.trials(study), store.fronts(study)
    noise = noise_report(trials, store.replicates(study), objectives)
    data = pareto_data(trials, objectives, baseline_marks(store.baselines(study)), noise)
    if not data.points:
        return "The front appears with the first finished trial; there is none yet."
    figures = []
    if len(objectives) > 1:
        figures.append(pareto_figure(data, title="Front"))
    if noise:
        figures.append(noise_figure(noise, objectives, title="Front trained with several seeds: means"))
    if fronts:
        figures.append(history_figure([history_data(study, fronts, trials)], objectives, title="Hypervolume"))
    return figures or "With a single objective there is no front; the best trial is in the table of Optuna Dashboard."
