"""What an ablation says: every arm with its interval, its difference to the base, and that in words.

Made from what the store holds, so that it can be made again at any time, also while the ablation still runs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mixnas.ablation.arms import Arm, LeftOut
from mixnas.ablation.effects import Effects, factorial_effects
from mixnas.ablation.experiment import KIND
from mixnas.errors import UsageError
from mixnas.objectives import Objective, objective
from mixnas.records import EpochRecord, Trial
from mixnas.statistics import ALPHA, compare, detectable, estimate, holm, seeds_needed
from mixnas.store import Store

COSTS = ("params", "macs", "memory", "train_seconds")
"""What stands beside the metric, where it is known."""


@dataclass(frozen=True)
class Difference:
    """An arm against the base, by pairs of the same seed; NaN where there are too few of them."""

    pairs: int
    mean: float
    low: float
    high: float
    effect_size: float
    p: float
    p_holm: float
    seeds_needed: int | None
    """To find a difference of the observed size with power 0.8; None where that cannot be said."""
    detectable: float
    """The smallest true difference that this many pairs find with power 0.8."""
    verdict: str
    """`better`, `worse`, `not distinguishable from noise`, or that nothing can be said."""


@dataclass(frozen=True)
class ArmResult:
    """An arm and what came out of it."""

    arm: Arm
    values: Mapping[int, float]
    """The metric by seed, of the runs that finished."""
    failures: Mapping[int, str]
    """Why others did not, by seed."""
    mean: float
    low: float
    high: float
    sd: float
    costs: Mapping[str, float]
    """Exact costs, and the mean seconds of training."""
    cost_ratios: Mapping[str, float]
    """Each cost over that of the base."""
    curve: tuple[tuple[int, float, float, float], ...] = ()
    """The metric after each epoch over the seeds: epoch, mean, low, high."""
    difference: Difference | None = None
    """None for the base."""


@dataclass(frozen=True)
class Analysis:
    """A whole ablation, evaluated."""

    spec: Mapping[str, Any]
    """As the store keeps it."""
    environment: Mapping[str, Any]
    metric: Objective
    arms: tuple[ArmResult, ...]
    left_out: tuple[LeftOut, ...]
    effects: Effects
    wanted: int
    """Runs in all."""

    @property
    def finished(self) -> int:
        """Runs that came to an end with a value."""
        return sum(len(arm.values) for arm in self.arms)

    @property
    def failed(self) -> int:
        """Runs that failed."""
        return sum(len(arm.failures) for arm in self.arms)

    @property
    def factors(self) -> Mapping[str, Sequence[str]]:
        """The levels of each factor."""
        return dict(self.spec["factors"])


def analyse(store: Store, study: str) -> Analysis:
    """Evaluates an ablation as far as it has come.

    Raises:
        UnknownName: there is no such study.
        UsageError: it is a search, no ablation.
    """
    record = store.study(study)
    if record.spec.get("kind") != KIND:
        raise UsageError(f"study {study!r} is a search, no ablation", hint=f"mixnas ablate --from-study {study}")
    return evaluate(record.spec, record.environment, store.trials(study), store.curves(study))


def evaluate(
    spec: Mapping[str, Any],
    environment: Mapping[str, Any],
    trials: Sequence[Trial],
    curves: Mapping[int, tuple[EpochRecord, ...]],
) -> Analysis:
    """The analysis of the runs that belong to the design of a stored spec."""
    metric = objective(spec["metric"])
    seeds = range(spec["seed"], spec["seed"] + spec["seeds"])
    mine = [t for t in trials if t.fidelity.epochs == spec["epochs"] and t.fidelity.seed in seeds]
    arms = [Arm(**{**data, "notes": tuple(data["notes"])}) for data in spec["arms"]]
    of_base = [t for t in mine if t.digest == arms[0].digest]
    base_costs = _costs(arms[0], of_base)
    results = [_result(arm, [t for t in mine if t.digest == arm.digest], curves, metric, base_costs) for arm in arms]
    compared = _compared(results, metric)
    left_out = tuple(LeftOut(**cell) for cell in spec["left_out"])
    effects = _effects(spec, compared)
    return Analysis(spec, environment, metric, tuple(compared), left_out, effects, len(arms) * len(seeds))


def _result(
    arm: Arm,
    trials: Sequence[Trial],
    curves: Mapping[int, tuple[EpochRecord, ...]],
    metric: Objective,
    base_costs: Mapping[str, float],
) -> ArmResult:
    finished = [t for t in trials if t.state == "finished"]
    values = {t.fidelity.seed: t.values[metric.name] for t in finished}
    found = estimate([values[seed] for seed in sorted(values)])
    costs = _costs(arm, trials)
    return ArmResult(
        arm,
        dict(sorted(values.items())),
        {t.fidelity.seed: f"{t.reason}: {t.detail}" for t in trials if t.state == "failed"},
        float(found.mean),
        float(found.low),
        float(found.high),
        float(found.sd),
        costs,
        {name: value / base_costs[name] for name, value in costs.items() if base_costs.get(name)},
        _band([curves.get(t.number, ()) for t in finished], metric.name),
    )


def _costs(arm: Arm, trials: Sequence[Trial]) -> dict[str, float]:
    seconds = [t.values["train_seconds"] for t in trials if "train_seconds" in t.values]
    timed = {"train_seconds": float(np.mean(seconds))} if seconds else {}
    known = {**arm.costs, **timed}
    return {name: float(known[name]) for name in COSTS if name in known}


def _band(curves: Sequence[tuple[EpochRecord, ...]], metric: str) -> tuple[tuple[int, float, float, float], ...]:
    """Mean and interval after each epoch that every seed has reached."""
    whole = [curve for curve in curves if curve and all(metric in point.metrics for point in curve)]
    points = []
    for records in zip(*whole, strict=False):
        found = estimate([record.metrics[metric] for record in records])
        points.append((records[0].epoch, float(found.mean), float(found.low), float(found.high)))
    return tuple(points)


def _compared(results: Sequence[ArmResult], metric: Objective) -> list[ArmResult]:
    """The results with the differences to the first, corrected for how many there are."""
    base, *others = results
    pairs = [[arm.values[s] - base.values[s] for s in sorted({*arm.values} & {*base.values})] for arm in others]
    found = [compare(differences) for differences in pairs]
    corrected = holm([float(c.p) for c in found])
    alpha = ALPHA / max(len(others), 1)
    told = [base]
    for arm, differences, c, p_holm in zip(others, pairs, found, corrected, strict=True):
        mean, sd = float(c.estimate.mean), float(c.estimate.sd)
        size = abs(mean) / sd if sd > 0 else math.nan
        difference = Difference(
            len(differences),
            mean,
            float(c.estimate.low),
            float(c.estimate.high),
            float(c.effect_size),
            float(c.p),
            float(p_holm),
            seeds_needed(size, alpha),
            detectable(sd, len(differences), alpha),
            verdict(mean, float(p_holm), len(differences), metric),
        )
        told.append(replace(arm, difference=difference))
    return told


NOISE = "not distinguishable from noise"


def verdict(mean: float, p_holm: float, pairs: int, metric: Objective) -> str:
    """The difference in words."""
    if pairs == 0:
        return "no pair of runs has finished"
    if pairs == 1:
        return "one seed: noise is not known"
    if math.isnan(p_holm):
        return "no difference with any seed" if mean == 0 else "the same difference with every seed: noise is not known"
    if p_holm >= ALPHA:
        return NOISE
    return "better" if mean * metric.sign < 0 else "worse"


def _effects(spec: Mapping[str, Any], results: Sequence[ArmResult]) -> Effects:
    """Main effects and interactions of a factorial, from the arms that are cells of it."""
    cells = [result for result in results if result.arm.in_design]
    if spec["design"] not in ("factorial", "fractional") or not any(result.values for result in cells):
        return Effects()
    runs = [(result.arm.levels, seed, value) for result in cells for seed, value in result.values.items()]
    base = results[0].arm.levels
    levels = {}
    for factor, names in spec["factors"].items():
        present = [name for name in names if any(run[0][factor] == name for run in runs)]
        if len(present) > 1:
            levels[factor] = sorted(present, key=lambda name, factor=factor: name != base.get(factor))  # type: ignore[misc]
    if not levels:
        return Effects()
    return factorial_effects([r[0] for r in runs], [r[1] for r in runs], [r[2] for r in runs], levels)
