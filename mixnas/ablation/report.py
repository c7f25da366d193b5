"""What every report of an ablation holds: its tables, and its sentences. `formats` writes them down."""

from __future__ import annotations

import math
from dataclasses import dataclass

from mixnas.ablation.analysis import NOISE, Analysis, ArmResult
from mixnas.ablation.designs import describe_plan
from mixnas.ablation.effects import Effect
from mixnas.ablation.experiment import Experiment
from mixnas.ablation.spec import DESIGNS
from mixnas.describe import format_value, heading
from mixnas.statistics import ALPHA, LEVEL, MOST_SEEDS

PER_COST = {
    "params": (1e3, "1k params"),
    "macs": (1e6, "1M MACs"),
    "memory": (2.0**20, "MiB"),
    "train_seconds": (1.0, "second of training"),
}
"""What the metric is divided by, and in what unit."""
SAID = ("params", "macs")
"""Costs that stand in the sentence of an arm."""


@dataclass(frozen=True)
class Table:
    """A titled table of text; the first column is a name, the others are aligned to the right."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables(analysis: Analysis) -> list[Table]:
    """All tables that have something to say: arms, costs, effects, analysis of variance."""
    found = [arms_table(analysis), costs_table(analysis), per_cost_table(analysis)]
    return [*found, effects_table(analysis), sources_table(analysis)] if analysis.effects.effects else found


def arms_table(analysis: Analysis) -> Table:
    """Every arm: the metric, the difference to the base and what it means."""
    metric = analysis.metric.name
    head = ("arm", "seeds", metric, "difference to base", "p (Holm)", "effect size", "verdict")
    return Table("Arms", head, tuple(_arm_row(arm, metric) for arm in analysis.arms))


def _arm_row(arm: ArmResult, metric: str) -> tuple[str, ...]:
    level = _with_half(metric, arm.mean, arm.low, arm.high)
    d = arm.difference
    if d is None:
        return arm.arm.label, str(len(arm.values)), level, "", "", "", ""
    words = (signed(metric, d.mean, d.low, d.high), p_text(d.p_holm), _number(d.effect_size))
    return arm.arm.label, str(len(arm.values)), level, *words, d.verdict


def costs_table(analysis: Analysis) -> Table:
    """Every cost of every arm, and its share of the base's."""
    names = _costs(analysis)
    rows = tuple((arm.arm.label, *(_cost(arm, name) for name in names)) for arm in analysis.arms)
    return Table("Costs", ("arm", *map(heading, names)), rows)


def per_cost_table(analysis: Analysis) -> Table:
    """How much of the metric each cost buys."""
    metric = analysis.metric.name
    units = [(name, *PER_COST[name]) for name in _costs(analysis)]
    rows = []
    for arm in analysis.arms:
        per = [_number(arm.mean * unit / arm.costs[name]) if arm.costs.get(name) else "–" for name, unit, _ in units]
        rows.append((arm.arm.label, *per))
    return Table(f"{metric} per cost", ("arm", *(f"per {words}" for _, _, words in units)), tuple(rows))


def _costs(analysis: Analysis) -> list[str]:
    return list(dict.fromkeys(name for arm in analysis.arms for name in arm.costs))


def _cost(arm: ArmResult, name: str) -> str:
    if name not in arm.costs:
        return "–"
    shown = format_value(name, arm.costs[name])
    ratio = arm.cost_ratios.get(name)
    return shown if arm.difference is None or ratio is None else f"{shown} ({ratio - 1:+.0%})"


def effects_table(analysis: Analysis) -> Table:
    """Main effects and interactions of a factorial, with intervals."""
    metric = analysis.metric.name
    rows = tuple(
        (" = ".join((e.term, *e.aliases)), e.contrast, signed(metric, e.estimate, e.low, e.high), p_text(e.p_holm))
        for e in analysis.effects.effects
    )
    return Table("Main effects and interactions", ("effect", "contrast", f"change of {metric}", "p (Holm)"), rows)


def sources_table(analysis: Analysis) -> Table:
    """The analysis of variance."""
    effects = analysis.effects
    rows = [
        (s.term, str(s.degrees), f"{s.sum_squares:.3g}", _number(s.f), p_text(s.p), p_text(s.p_holm))
        for s in effects.sources
    ]
    squares = effects.residual_sd**2 * effects.residual_degrees
    rows.append(("noise", str(effects.residual_degrees), f"{squares:.3g}" if rows else "–", "", "", ""))
    head = ("source", "degrees of freedom", "sum of squares", "F", "p", "p (Holm)")
    return Table("Analysis of variance", head, tuple(rows))


def design_lines(experiment: Experiment) -> list[str]:
    """What is going to be run, before it is."""
    spec = experiment.spec
    changes = ", ".join(f"{axis}={value}" for axis, value in spec.changes.items())
    seeds = experiment.seeds
    lines = [
        f"ablation {spec.name}: {experiment.title}{f', with {changes}' if changes else ''}, on {spec.dataset}, "
        f"{spec.epochs} epochs",
        *(f"base: {note}" for note in experiment.changed),
        f"design {spec.design}: {DESIGNS[spec.design]}",
        f"{len(experiment.arms)} arms with seeds {seeds[0]} to {seeds[-1]}",
        *describe_plan(experiment.plan),
    ]
    return [*lines, *(f"left out: {cell.label}: {cell.reason}" for cell in experiment.left_out)]


def design_table(experiment: Experiment) -> Table:
    """Every arm with its levels and exact costs."""
    factors = [factor.name for factor in experiment.factors]
    costs = list(dict.fromkeys(name for arm in experiment.arms for name in arm.costs))
    rows = tuple(
        (
            arm.label,
            *(arm.levels.get(factor, "–") for factor in factors),
            *(format_value(name, arm.costs[name]) for name in costs),
            "; ".join(arm.notes),
        )
        for arm in experiment.arms
    )
    return Table("Arms", ("arm", *factors, *costs, ""), rows)


def title(analysis: Analysis) -> str:
    """What the report is called."""
    return f"Ablation {analysis.spec['name']}"


def introduction(analysis: Analysis) -> list[str]:
    """What was asked and how it was measured, one sentence or fact a line."""
    spec = analysis.spec
    first, last = spec["seed"], spec["seed"] + spec["seeds"] - 1
    lines = [
        f"{word}: {spec[key]}"
        for word, key in (("Question", "question"), ("Expected", "expectation"), ("Source", "source"))
        if spec.get(key)
    ]
    changes = ", ".join(f"{axis}={value}" for axis, value in spec["changes"].items())
    lines += [
        f"Base: {spec['title']}{f', with {changes}' if changes else ''}",
        f"Design: {spec['design']}, {DESIGNS[spec['design']]}",
        *(line[0].upper() + line[1:] for line in spec["plan"]),
        f"Measured: validation {analysis.metric.name} on {spec['dataset']} after {spec['epochs']} epochs, "
        f"seeds {first} to {last}, evaluator {spec['evaluator']}; "
        f"{analysis.finished} of {analysis.wanted} runs finished"
        + (f", {analysis.failed} failed" if analysis.failed else ""),
    ]
    return [*lines, *(f"Left out: {cell.label}: {cell.reason}" for cell in analysis.left_out)]


def conclusions(analysis: Analysis) -> list[str]:
    """What can be said, in sentences, and what the numbers rest on."""
    lines = [_sentence(analysis, arm) for arm in analysis.arms if arm.difference is not None]
    lines += [_effect_sentence(analysis, effect) for effect in analysis.effects.effects]
    lines += [f"{arm.arm.label}: seed {s} failed: {why}" for arm in analysis.arms for s, why in arm.failures.items()]
    if advice := _advice(analysis):
        lines.append(advice)
    if analysis.effects.missing:
        lines.append(f"Cannot be estimated, because cells are missing: {', '.join(analysis.effects.missing)}.")
    return lines


def _sentence(analysis: Analysis, arm: ArmResult) -> str:
    d = arm.difference
    assert d is not None
    metric = analysis.metric.name
    costs = [f"{r - 1:+.0%} {name}" for name, r in arm.cost_ratios.items() if name in SAID and round(r, 3) != 1]
    at = f" at {' and '.join(costs)}" if costs else ""
    if d.pairs < 2:
        return f"{arm.arm.label}{at}: {d.verdict}."
    told = f"{arm.arm.label}{at}: {d.verdict}, {metric} {signed(metric, d.mean, d.low, d.high)}"
    if d.verdict == NOISE and d.seeds_needed is None:
        return f"{told}; more than {MOST_SEEDS:,} seeds would be needed to tell such a difference from noise."
    if d.verdict == NOISE and d.seeds_needed is not None and d.seeds_needed > d.pairs:
        return f"{told}; about {d.seeds_needed} seeds would tell such a difference from noise."
    return f"{told}."


def _effect_sentence(analysis: Analysis, effect: Effect) -> str:
    """A main effect is better or worse, an interaction is there or not told from noise."""
    metric = analysis.metric
    if not math.isfinite(effect.p_holm):
        words = "noise is not known"
    elif effect.p_holm >= ALPHA:
        words = NOISE
    elif effect.term in analysis.factors:
        words = "better" if effect.estimate * metric.sign < 0 else "worse"
    else:
        words = "the two depend on each other"
    kind = "Effect" if effect.term in analysis.factors else "Interaction"
    numbers = signed(metric.name, effect.estimate, effect.low, effect.high)
    alias = f", or {' or '.join(effect.aliases)}" if effect.aliases else ""
    return f"{kind} of {effect.term}{alias}, {effect.contrast}: {words}, {metric.name} {numbers}."


def _advice(analysis: Analysis) -> str:
    """Said where the seeds are too few to say anything."""
    told = [arm.difference for arm in analysis.arms if arm.difference is not None]
    if told and all(d.pairs < 2 for d in told):
        return "With fewer than 2 seeds nothing can be told from noise; --seeds 5 is a good start."
    noisy = [d for d in told if d.verdict == NOISE]
    if not noisy or len(noisy) < len(told):
        return ""
    seen = max(d.detectable for d in noisy)
    metric = analysis.metric.name
    pairs = min(d.pairs for d in noisy)
    return (
        f"No arm can be told from the base: with {pairs} seeds and the observed spread, only a difference of "
        f"{format_value(metric, seen)} or more would be found with power 0.8."
    )


def footnotes(analysis: Analysis) -> list[str]:
    """How the numbers were worked out, and with what."""
    notes = [
        f"Intervals are {LEVEL:.0%} t intervals; differences are paired by seed: same split, same rule for initial "
        "weights, same order of batches. p values are of paired t-tests, corrected by Holm over all arms; effect size "
        "is Cohen's d of the differences with Hedges' correction.",
        "Validation data only: the test set was not read.",
    ]
    if analysis.effects.effects:
        notes.append(
            f"Effects: least squares with seeds as blocks, {analysis.effects.residual_degrees} degrees of freedom for "
            "noise; an interaction is half of the change of one factor's effect between two levels of the other."
        )
    return [*notes, measured_with(analysis)]


def measured_with(analysis: Analysis) -> str:
    """Versions and device."""
    packages = analysis.environment.get("packages", {})
    versions = [f"{name} {packages[name]}" for name in ("mixnas", "torch", "numpy") if name in packages]
    processor = analysis.environment.get("processor", "")
    told = [*versions, f"Python {analysis.environment.get('python', '')}", *([f"CPU {processor}"] if processor else [])]
    return ", ".join(told)


def signed(metric: str, mean: float, low: float, high: float) -> str:
    """A difference with its interval: `+0.0123 [0.0040, 0.0206]`."""
    if not math.isfinite(mean):
        return "–"
    sign = "+" if mean >= 0 else "-"
    shown = f"{sign}{format_value(metric, abs(mean))}"
    if not math.isfinite(low):
        return shown
    ends = ("-" if end < 0 else "" for end in (low, high))
    first, last = (f"{sign}{format_value(metric, abs(end))}" for sign, end in zip(ends, (low, high), strict=True))
    return f"{shown} [{first}, {last}]"


def _with_half(metric: str, mean: float, low: float, high: float) -> str:
    if not math.isfinite(mean):
        return "–"
    half = f" ± {format_value(metric, (high - low) / 2)}" if math.isfinite(high) else ""
    return f"{format_value(metric, mean)}{half}"


def p_text(value: float) -> str:
    """A p value to three decimals, `–` where there is none."""
    if not math.isfinite(value):
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _number(value: float) -> str:
    return f"{value:.3g}" if math.isfinite(value) else "–"
