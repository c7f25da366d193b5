"""From raw runs to the numbers of the report: mean curves with intervals, and the time to the peer's hypervolume.

All intervals are 90 % bootstrap intervals of a mean over repetitions (2,000 draws, seeded).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from studies.benchmarks.arena import TRAININGS, Arena
from studies.benchmarks.results import Runs, Step
from studies.benchmarks.strategies import PEER, RANDOM

AT = 60
"""The peer's hypervolume after so many full trainings is what the others are to reach."""
DRAWS = 2000
LEVEL = 0.90

Array = npt.NDArray[np.float64]


def at(run: list[Step], column: int, where: Array) -> Array:
    """The hypervolume `[len(where)]` that a run has at trainings (column 0) or seconds (column 1); 0 before any."""
    places = np.searchsorted([step[column] for step in run], where, side="right")
    volumes = np.array([0.0, *(step[2] for step in run)])
    return np.asarray(volumes[places])


def seconds_to(run: list[Step], target: float) -> float:
    """Virtual seconds until a run has that hypervolume; infinity where it never has."""
    return next((seconds for _, seconds, volume in run if volume >= target), math.inf)


def seconds_of(run: list[Step], trainings: int) -> float:
    """Virtual seconds of that many full trainings, between known rows in proportion."""
    known = [(0, 0.0), *((n, seconds) for n, seconds, _ in run)]
    return float(np.interp(trainings, [n for n, _ in known], [s for _, s in known]))


def interval(values: Array) -> tuple[float, float, float]:
    """Mean of `[repetitions]` and its interval."""
    mean, low, high = intervals(values[:, None])
    return float(mean[0]), float(low[0]), float(high[0])


def intervals(values: Array) -> tuple[Array, Array, Array]:
    """Mean of `[repetitions, n]` over repetitions and its interval, each `[n]`."""
    means = values[_draws(len(values))].mean(axis=1)
    low, high = np.quantile(means, ((1 - LEVEL) / 2, (1 + LEVEL) / 2), axis=0)
    return values.mean(axis=0), low, high


def _draws(repetitions: int) -> npt.NDArray[np.int64]:
    return np.random.default_rng(0).integers(0, repetitions, (DRAWS, repetitions))


def targets(arena: Arena, runs: Runs) -> dict[int, float]:
    """For each training seed, the peer's mean hypervolume after `AT` trainings with that seed."""
    found: dict[int, list[float]] = {}
    for repetition, run in enumerate(runs[PEER]):
        found.setdefault(arena.seed_of(repetition), []).append(float(at(run, 0, np.array([AT]))[0]))
    return {seed: float(np.mean(volumes)) for seed, volumes in found.items()}


def time_table(arena: Arena, runs: Runs) -> list[dict[str, Any]]:
    """One row for each strategy: mean seconds to the target and their ratio to the peer's `AT` trainings.

    Runs that do not reach the target within the budget count with the budget, so that such a mean is a lower bound.
    """
    goal = targets(arena, runs)
    peer = np.array([seconds_of(run, AT) for run in runs[PEER]])
    rows = []
    for name, repetitions in runs.items():
        each = np.array([seconds_to(run, goal[arena.seed_of(i)]) for i, run in enumerate(repetitions)])
        times = np.minimum(each, arena.budget)
        mean, low, high = interval(times)
        ratio = _ratio(times, peer)
        rows.append(
            {
                "strategy": name,
                "repetitions": len(repetitions),
                "reached": int(np.isfinite(each).sum()),
                "seconds": round(mean, 2),
                "seconds_90": [round(low, 2), round(high, 2)],
                "ratio": round(ratio[0], 4),
                "ratio_90": [round(ratio[1], 4), round(ratio[2], 4)],
                "final_gap": round(_final_gap(arena, repetitions), 5),
            }
        )
    return sorted(rows, key=lambda row: float(row["seconds"]))


def _ratio(times: Array, peer: Array) -> tuple[float, float, float]:
    means = times[_draws(len(times))].mean(axis=1) / peer[np.roll(_draws(len(peer)), 1, axis=0)].mean(axis=1)
    low, high = np.quantile(means, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return float(times.mean() / peer.mean()), float(low), float(high)


def gaps(arena: Arena, repetitions: list[list[Step]], column: int, where: Array) -> Array:
    """What the runs lack to the hypervolume of the whole table, as a share of it, `[repetitions, len(where)]`."""
    best = {seed: arena.best(seed) for seed in arena.table.header.seeds}
    return np.array([1 - at(run, column, where) / best[arena.seed_of(i)] for i, run in enumerate(repetitions)])


def _final_gap(arena: Arena, repetitions: list[list[Step]]) -> float:
    return float(gaps(arena, repetitions, 1, np.array([arena.budget])).mean())


def curves(arena: Arena, runs: Runs) -> dict[str, Any]:
    """For each strategy the mean gap and its interval over seconds and over trainings."""
    grids = {"seconds": np.geomspace(1, arena.budget, 60), "trainings": np.arange(1.0, TRAININGS + 1)}
    found: dict[str, Any] = {axis: {"at": _plain(grid)} for axis, grid in grids.items()}
    for column, axis in ((1, "seconds"), (0, "trainings")):
        for name, repetitions in runs.items():
            mean, low, high = intervals(gaps(arena, repetitions, column, grids[axis]))
            found[axis][name] = {"mean": _plain(mean), "low": _plain(low), "high": _plain(high)}
    return found


def worse_than_random(arena: Arena, runs: Runs, name: str) -> list[float]:
    """Budgets in seconds at which a strategy's mean hypervolume is below random's by more than noise.

    By the interval of the difference of the two, paired by repetition.
    """
    grid = np.geomspace(1, arena.budget, 60)
    both = min(len(runs[name]), len(runs[RANDOM]))
    difference = gaps(arena, runs[name][:both], 1, grid) - gaps(arena, runs[RANDOM][:both], 1, grid)
    low = intervals(difference)[1]
    return [round(float(seconds), 2) for seconds in grid[low > 0]]


def _plain(values: Array) -> list[float]:
    return [round(float(value), 6) for value in values]
