"""What an ablation says: differences to the base, interactions, costs and learning curves."""

from __future__ import annotations

import plotly.graph_objects as go

from mixnas.ablation.analysis import evaluate
from mixnas.ablation.experiment import KIND
from mixnas.ablation.plots import figures
from mixnas.store import Store

TITLE = "Ablation"


def page(store: Store, study: str) -> list[go.Figure] | str:
    """The figures, or one sentence saying what is still missing."""
    record = store.study(study)
    if record.spec.get("kind") != KIND:
        return "This study is a search. `mixnas ablate` makes a designed experiment, and its figures appear here."
    analysis = evaluate(record.spec, record.environment, store.trials(study), store.curves(study))
    return list(figures(analysis).values()) or "The figures appear with the first finished run; there is none yet."
