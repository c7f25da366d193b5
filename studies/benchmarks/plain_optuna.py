"""Optuna as its multi-objective tutorial does it: default sampler, every suggestion trained to the end.

This is the peer that our strategies are measured against. It knows no costs beforehand, does not stop early, and
trains again what it has trained before, since nothing in `study.optimize` keeps it from doing so.
"""

from __future__ import annotations

import optuna

from mixnas.search.optuna_space import suggest
from studies.benchmarks.arena import Arena, Run


def plain_optuna(arena: Arena, repetition: int) -> Run:
    """One run of the tutorial's script on a table, to the end of the budget."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    seed, tracker, found, clock = arena.seed_of(repetition), arena.tracker(), Run(), 0.0
    sampler = optuna.samplers.TPESampler(seed=1000 + repetition)
    study = optuna.create_study(directions=[o.direction for o in arena.objectives], sampler=sampler)

    def objective(trial: optuna.Trial) -> list[float]:
        nonlocal clock
        axes = arena.space.canonical(suggest(arena.space, trial))
        place = arena.table.index(arena.space.family, axes)
        clock += sum(record.seconds for record in arena.table.curve(place, seed))
        values = arena.values(place, seed)
        found.append((clock, tracker.add(trial.number, values).hypervolume))
        if clock >= arena.budget:
            study.stop()
        return [values[o.name] for o in arena.objectives]

    study.optimize(objective, n_trials=10_000)
    return found
