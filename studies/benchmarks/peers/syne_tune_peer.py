"""Syne Tune's multi-objective schedulers, one worker, driven as its tuner drives them (syne-tune 0.16)."""

# mypy: ignore-errors
# Runs in an environment of its own, without mixnas and its checks.
from __future__ import annotations

import logging
import random

import numpy as np
from syne_tune.backend.trial_status import Trial
from syne_tune.config_space import choice
from syne_tune.optimizer.schedulers.multiobjective.moasha import MOASHA
from syne_tune.optimizer.schedulers.multiobjective.multi_objective_regularized_evolution import (
    MultiObjectiveRegularizedEvolution,
)
from task import Outcome, Task, take_part

logging.disable(logging.WARNING)


def space(task: Task) -> dict[str, object]:
    """Every parameter by the index of its value."""
    return {name: choice(list(range(number))) for name, number in task.choices.items()}


def moasha(task: Task, repetition: int) -> Outcome:
    """MO-ASHA on error and costs with its defaults, stopping after any epoch at a rung."""
    np.random.seed(1000 + repetition)
    random.seed(1000 + repetition)
    names = list(task.losses(task.training({}, 0), 1))
    scheduler = MOASHA(space(task), names, max_t=task.epochs, time_attr="epoch", random_seed=1000 + repetition)
    found, clock, number = Outcome(), 0.0, 0
    while clock < task.budget:
        config = scheduler.suggest().config
        trial, training = Trial(number, config, None), task.training(config, repetition)
        scheduler.on_trial_add(trial)
        for epoch in range(1, task.epochs + 1):
            clock += training["seconds"][epoch - 1]
            result = {**task.losses(training, epoch), "epoch": epoch}
            if epoch == task.epochs:
                scheduler.on_trial_complete(trial, result)
                found.append((clock, task.values(training)))
            elif scheduler.on_trial_result(trial, result) == "STOP":
                break
        number += 1
    return found


def evolution(task: Task, repetition: int) -> Outcome:
    """Multi-objective regularised evolution with its defaults, trained to the end."""
    np.random.seed(1000 + repetition)
    random.seed(1000 + repetition)
    searcher = MultiObjectiveRegularizedEvolution(space(task), random_seed=1000 + repetition)
    found, clock, number = Outcome(), 0.0, 0
    while clock < task.budget:
        config = searcher.suggest()
        training = task.training(config, repetition)
        clock += sum(training["seconds"])
        searcher.on_trial_complete(number, config, list(task.losses(training, task.epochs).values()))
        found.append((clock, task.values(training)))
        number += 1
    return found


if __name__ == "__main__":
    take_part({"Syne Tune MO-ASHA": moasha, "Syne Tune MO-REA": evolution})
