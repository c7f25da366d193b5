"""NePS's multi-objective optimisers, one worker, through its own ask-and-tell (neural-pipeline-search 0.17).

A promoted configuration goes on from its checkpoint: only its further epochs are paid for.
"""

# mypy: ignore-errors
# Runs in an environment of its own, without mixnas and its checks.
from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import neps
import numpy as np
import torch
from neps.optimizers.algorithms import moasha
from neps.space import HPOCategorical, HPOInteger, SearchSpace
from task import Outcome, Task, take_part


def space(task: Task) -> SearchSpace:
    """Every parameter by the index of its value, and epochs as the fidelity."""
    axes: dict[str, Any] = {name: HPOCategorical(list(range(number))) for name, number in task.choices.items()}
    return SearchSpace({**axes, "epochs": HPOInteger(1, task.epochs, is_fidelity=True)})


def run(task: Task, repetition: int, make: Callable[[SearchSpace, Task], Any]) -> Outcome:
    """One run to the end of the budget."""
    for seed in (np.random.seed, random.seed, torch.manual_seed):
        seed(1000 + repetition)
    optimiser = neps.AskAndTell(make(space(task), task))
    found, clock, trained = Outcome(), 0.0, dict[str, int]()
    while clock < task.budget:
        trial = optimiser.ask()
        config = dict(trial.config)
        epochs = int(config.pop("epochs"))
        training = task.training(config, repetition)
        before = trained.get(trial.metadata.previous_trial_id or "", 0)
        clock += sum(training["seconds"][before:epochs])
        trained[trial.metadata.id] = epochs
        optimiser.tell(trial, list(task.losses(training, epochs).values()))
        if epochs == task.epochs:
            found.append((clock, task.values(training)))
    return found


def moasha_run(task: Task, repetition: int) -> Outcome:
    """MO-ASHA with its defaults."""
    return run(task, repetition, lambda space, task: moasha(space))


if __name__ == "__main__":
    take_part({"NePS MO-ASHA": moasha_run})
