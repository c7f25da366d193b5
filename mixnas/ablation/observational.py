"""What the trials of a search suggest about each axis. Correlational: the search chose them, no design did.

Two views: PED-ANOVA (how far the good trials' values differ from all trials' values, arXiv:2304.10255) and a regression
of the metric on all axes at once. Where the same database has ablations of the space, their effects stand beside them.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mixnas.ablation.analysis import Analysis, analyse
from mixnas.ablation.effects import fit_terms
from mixnas.ablation.experiment import KIND
from mixnas.ablation.report import Table, p_text, signed
from mixnas.errors import UsageError
from mixnas.objectives import Objective, objective
from mixnas.records import Candidate, Trial, Value
from mixnas.space import SearchSpace
from mixnas.statistics import LEVEL, Numbers, holm
from mixnas.store import Store

FEWEST = 20
"""Finished trials below which nothing is estimated."""
TOP = 5
"""Trials that PED-ANOVA compares with the others, at least (its authors' advice)."""
LABEL = (
    "Correlational, from a search: it chose these trials for its own ends, so axes that it varied together are mixed up"
)


@dataclass(frozen=True)
class Slope:
    """The regression's word on an axis: the change of the metric for one step of it."""

    step: str
    """`per doubling`, `per unit`, or `dense - average`."""
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class AxisEffect:
    """One axis as the trials show it, and as designed experiments do."""

    axis: str
    importance: float
    """PED-ANOVA's, normalised to a sum of 1; NaN where it cannot be told."""
    slopes: tuple[Slope, ...]
    p: float
    p_holm: float
    designed: tuple[str, ...]


@dataclass(frozen=True)
class Observation:
    """What a search suggests."""

    study: str
    metric: Objective
    trials: int
    axes: tuple[AxisEffect, ...]
    explained: float
    """Share of the variance that the regression explains (adjusted R squared)."""
    untold: tuple[str, ...]
    """Axes whose columns are sums of others': the regression cannot tell them apart."""


def observe(store: Store, study: str) -> Observation:
    """Estimates what each axis has to do with the metric among the finished trials of a search.

    Raises:
        UnknownName: there is no such study.
        UsageError: it is an ablation, or has too few trials.
    """
    record = store.study(study)
    if record.spec.get("kind") == KIND:
        raise UsageError(f"study {study!r} is an ablation already", hint="type its command again for its report")
    metric = next(found for found in map(objective, record.spec["objectives"]) if found.kind == "learned")
    epochs = record.spec["epochs"]
    trials = [t for t in store.trials(study, "finished") if t.fidelity.epochs == epochs]
    if len(trials) < FEWEST:
        raise UsageError(
            f"study {study!r} has {len(trials)} finished trials, too few to tell anything about its axes",
            hint=f"{FEWEST} at least; or train a designed experiment: mixnas ablate BASE --vary AXES",
        )
    space = SearchSpace.from_json(record.space)
    importances = ped_anova(trials, metric, space)
    slopes, p, explained, untold = regression([t.axes for t in trials], [t.values[metric.name] for t in trials])
    designed = _designed(store, record.spec, metric)
    corrected = dict(zip(p, holm(list(p.values())), strict=True)) if p else {}
    axes = tuple(
        AxisEffect(
            axis,
            importances.get(axis, math.nan),
            tuple(slopes.get(axis, ())),
            p.get(axis, math.nan),
            float(corrected.get(axis, math.nan)),
            tuple(designed.get(axis, ())),
        )
        for axis in dict.fromkeys((*importances, *slopes, *untold))
    )
    ranked = sorted(axes, key=lambda a: -(a.importance if math.isfinite(a.importance) else -1))
    return Observation(study, metric, len(trials), tuple(ranked), explained, tuple(untold))


def ped_anova(trials: Sequence[Trial], metric: Objective, space: SearchSpace) -> dict[str, float]:
    """Importance of each axis for being among the best tenth of the trials, or the best `TOP`; sums to 1.

    An axis that stands below several options counts once, with what it has in all of them.
    """
    import optuna
    from optuna.trial import TrialState, create_trial

    from mixnas.search.optuna_space import distributions

    study = optuna.create_study(direction=metric.direction)
    study.add_trials(
        [
            create_trial(
                state=TrialState.COMPLETE,
                value=trial.values[metric.name],
                params=dict(space.to_parameters(trial.axes)),
                distributions=distributions(space, trial.axes),
            )
            for trial in trials
        ]
    )
    evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=min(max(0.1, TOP / len(trials)), 0.5))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    axes = {name: parameter.axis for name, parameter in space.parameters().items()}
    summed: dict[str, float] = {}
    for name, value in found.items():
        summed[axes[name]] = summed.get(axes[name], 0.0) + value
    return summed


def regression(
    candidates: Sequence[Candidate], values: Sequence[float]
) -> tuple[dict[str, list[Slope]], dict[str, float], float, list[str]]:
    """Least squares of the metric on all axes at once, without interactions.

    Numbers count by doublings where all are positive, else by units; words are compared with the average of all words.
    An axis that a candidate does not have says nothing about it. Returns the slopes and the p value of each axis, the
    adjusted R squared, and the axes that cannot be told apart from others.
    """
    from scipy import stats

    terms = {axis: found for axis in _axes(candidates) if (found := _columns(axis, candidates)) is not None}
    y = np.asarray(values, float)
    fit = fit_terms({axis: columns for axis, (columns, _) in terms.items()}, y)
    slopes: dict[str, list[Slope]] = {}
    half = float(stats.t.ppf((1 + LEVEL) / 2, fit.degrees)) if fit.degrees > 0 else math.nan
    for axis in fit.places:
        steps = terms[axis][1]
        slopes[axis] = []
        for step, weights in steps.items():
            mean, error = fit.contrast(axis, weights)
            slopes[axis].append(Slope(step, mean, mean - half * error, mean + half * error))
    total = float(((y - y.mean()) ** 2).sum())
    share = 1 - fit.variance / (total / (len(y) - 1)) if total and fit.degrees > 0 else math.nan
    return slopes, {axis: fit.p(axis) for axis in fit.places}, share, [axis for axis in terms if axis not in fit.places]


def _axes(candidates: Sequence[Candidate]) -> list[str]:
    return list(dict.fromkeys(axis for candidate in candidates for axis in candidate))


def _columns(axis: str, candidates: Sequence[Candidate]) -> tuple[Numbers, dict[str, Numbers]] | None:
    """The columns of an axis with the steps that are reported; None where it never varies."""
    given = [candidate.get(axis) for candidate in candidates]
    present = list(dict.fromkeys(value for value in given if value is not None))
    if len(present) < 2:
        return None
    if all(_is_number(value) for value in present):
        doubling = all(float(value) > 0 for value in present)
        scaled = np.array([math.nan if v is None else math.log2(float(v)) if doubling else float(v) for v in given])
        centred = np.where(np.isnan(scaled), 0.0, scaled - np.nanmean(scaled))
        return centred[:, None], {"per doubling" if doubling else "per unit": np.ones(1)}
    width = len(present) - 1
    codes: dict[Value | None, Numbers] = {None: np.zeros(width), present[-1]: -np.ones(width)}
    codes |= {value: np.eye(width)[i] for i, value in enumerate(present[:-1])}
    steps = {f"{value} - average": codes[value] for value in present}
    return np.array([codes[value] for value in given]), steps


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _designed(store: Store, spec: Mapping[str, object], metric: Objective) -> dict[str, list[str]]:
    """What ablations of the same family on the same data by the same evaluator say, by axis."""
    found: dict[str, list[str]] = {}
    for name in store.study_names():
        other = store.study(name).spec
        told = other.get("kind") == KIND and other.get("metric") == metric.name
        if told and all(other.get(key) == spec.get(key) for key in ("dataset", "family", "evaluator")):
            for axis, words in designed_effects(analyse(store, name)):
                found.setdefault(axis, []).append(f"{words} ({name})")
    return found


def designed_effects(analysis: Analysis) -> list[tuple[str, str]]:
    """Each main effect of a factorial, else each arm that differs from the base in one factor, with its interval."""
    metric = analysis.metric.name
    if analysis.effects.effects:
        mains = [e for e in analysis.effects.effects if e.term in analysis.factors]
        return [(e.term, f"{e.contrast}: {signed(metric, e.estimate, e.low, e.high)}") for e in mains]
    base = analysis.arms[0].arm.levels
    told = []
    for arm in analysis.arms[1:]:
        changed = [f for f, level in arm.arm.levels.items() if base.get(f) != level]
        d = arm.difference
        if len(changed) == 1 and d is not None and d.pairs:
            step = f"{arm.arm.levels[changed[0]]} - {base.get(changed[0], 'base')}"
            told.append((changed[0], f"{step}: {signed(metric, d.mean, d.low, d.high)}"))
    return told


def observation_table(found: Observation) -> Table:
    """One row an axis, the most important first."""
    metric = found.metric.name
    rows = tuple(
        (
            axis.axis,
            f"{axis.importance:.2f}" if math.isfinite(axis.importance) else "–",
            "; ".join(f"{s.step} {signed(metric, s.mean, s.low, s.high)}" for s in axis.slopes) or "–",
            p_text(axis.p_holm),
            "; ".join(axis.designed) or "–",
        )
        for axis in found.axes
    )
    head = ("axis", "PED-ANOVA", f"regression: change of {metric}", "p (Holm)", "designed effect")
    return Table(f"Axes of {found.study}, correlational", head, rows)


def observation_lines(found: Observation) -> list[str]:
    """What the numbers rest on."""
    lines = [f"{LABEL}. {found.trials} finished trials of {found.study}."]
    if math.isfinite(found.explained):
        lines.append(f"The regression (main effects only) explains {found.explained:.0%} of the variance.")
    if found.untold:
        lines.append(f"Cannot be told apart from other axes in these trials: {', '.join(found.untold)}.")
    if not any(axis.designed for axis in found.axes):
        lines.append("No ablation of these axes is in this database: mixnas ablate BASE --vary AXES makes one.")
    return lines
