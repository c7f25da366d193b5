"""From a trial to a model config file, and from that file to a model."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mixnas.describe import describe
from mixnas.environment import environment
from mixnas.errors import ConfigError, UsageError
from mixnas.model_config import ModelConfig, read_config, write_config
from mixnas.objectives import ALIASES, OBJECTIVES, Objective, objective
from mixnas.pareto import front, knee_trial
from mixnas.records import Problem, Trial, Value
from mixnas.space import Expression
from mixnas.space.query import parse_query

if TYPE_CHECKING:
    from torch import nn

    from mixnas.models.family import Family
    from mixnas.store import Store

MOST_PARAMETERS = 4_000_000_000
"""A config may come from anyone: what would need more than 16 GB of weights is refused before anything is allocated."""


# ------------------------------------------------------------------------------------------------------ load a model


def load_model(path: str | Path) -> nn.Module:
    """Builds the model that a config file describes, with its weights where the file names them.

    It takes float32 images `[B, C, H, W]`, normalised as the config says, and gives `[B, num_classes]` (or what its
    task asks for). It comes in training mode, as every new torch module does.

    Raises:
        ConfigError: the file cannot be read, a field is wrong, or the weights are missing or of other shapes.
    """
    config = read_config(path)
    model = build_model(config, str(path))
    if config.weights is not None:
        _load_weights(model, Path(path).parent / config.weights, str(path))
    return model


def build_model(config: ModelConfig, where: str) -> nn.Module:
    """The config's architecture with fresh weights, from torch's global generator.

    Raises:
        ConfigError: the family is unknown, cannot do the task, or refuses the axes.
    """
    from mixnas.models import FAMILIES, family

    if config.family not in FAMILIES:
        raise ConfigError(f"{where}: unknown family {config.family!r}", hint=f"known: {', '.join(sorted(FAMILIES))}")
    found = family(config.family)
    if config.problem.task not in found.tasks:
        raise ConfigError(
            f"{where}: family {config.family!r} cannot do {config.problem.task}",
            hint=f"it does: {', '.join(found.tasks)}",
        )
    try:
        if (parameters := _parameters(found, config)) > MOST_PARAMETERS:
            raise ConfigError(f"the model would have {parameters:,} parameters, the limit is {MOST_PARAMETERS:,}")
        return found.build(config.axes, config.problem)
    except UsageError as error:
        raise ConfigError(f"{where}: {error.message}", hint=error.hint) from error
    except (ArithmeticError, TypeError, ValueError, RuntimeError) as error:
        raise ConfigError(f"{where}: the axes make no {config.family} model: {error}") from error


def _parameters(found: Family, config: ModelConfig) -> int:
    """By the closed form; 0 for axes that it cannot work with, which building then explains."""
    try:
        return int(found.params({**found.defaults, **config.axes}, config.problem))
    except (ArithmeticError, KeyError, TypeError, ValueError):
        return 0


def _load_weights(model: nn.Module, path: Path, where: str) -> None:
    """Loads a safetensors file that has to fit exactly."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not path.is_file():
        raise ConfigError(
            f"{where}: its weights {str(path)!r} are not there",
            hint="put the file beside the config, or set weights: null for a model with fresh weights",
        )
    try:
        state = load_file(path)
    except (SafetensorError, OSError) as error:
        raise ConfigError(f"{where}: {path} is not a readable safetensors file: {error}") from error
    own = model.state_dict()
    problems = [f"{name} is missing" for name in own if name not in state]
    problems += [f"{name} is not of this model" for name in state if name not in own]
    problems += [
        f"{name} has shape {list(state[name].shape)}, the model needs {list(own[name].shape)}"
        for name in own
        if name in state and state[name].shape != own[name].shape
    ]
    if problems:
        more = f" (and {len(problems) - 3} more)" if len(problems) > 3 else ""
        raise ConfigError(
            f"{where}: the weights in {path.name} do not fit the model: {'; '.join(problems[:3])}{more}",
            hint="the axes, input or classes were changed after training; set weights: null and train again",
        )
    model.load_state_dict(state)


# ------------------------------------------------------------------------------------------------------ choose a trial

Costs = Callable[[Trial], Mapping[str, float]]


def best_trial(
    trials: Sequence[Trial], query: str, costs: Costs, axes: Iterable[str] = (), where: str = "--best"
) -> Trial:
    """The finished trial that a query such as `acc where params <= 20k` asks for; of equals, the first.

    The condition may speak of objectives, exact costs, the axes of the trials, and those named by `axes`.

    Raises:
        UnknownName: no objective has that name.
        ExpressionError: the condition is not in the expression language.
        UsageError: no trial meets it; the error names the one that comes nearest.
    """
    known_axes = {*axes, *(name for trial in trials for name in trial.axes)}
    name, condition = parse_query(query, known_axes, where)
    wanted = objective(name)
    values = [(trial, _values(trial, costs)) for trial in trials if trial.state == "finished"]
    values = [(trial, known) for trial, known in values if math.isfinite(float(known.get(name, math.nan)))]
    if not values:
        raise UsageError(f"{where}: no finished trial has a value of {name!r}", hint="`mixnas studies` counts them")
    fitting = [(t, known) for t, known in values if condition is None or condition.holds(known)]
    if not fitting:
        assert condition is not None
        raise _nothing_fits(values, condition, wanted, where)
    return min(fitting, key=lambda pair: (wanted.sign * pair[1][name], pair[0].number))[0]


def knee(trials: Sequence[Trial], objectives: Sequence[Objective]) -> Trial:
    """The trial at the knee of the front: farthest below the line between its ends, costs on a log scale.

    Raises:
        UsageError: no trial has finished.
    """
    members = front(trials, objectives)
    if not members:
        raise UsageError("--knee: no trial has finished, so there is no front", hint="`mixnas studies` counts them")
    return knee_trial(members, objectives)


def _values(trial: Trial, costs: Costs) -> dict[str, Any]:
    """Every name that a condition may use, aliases included."""
    known: dict[str, Any] = {**trial.axes, **costs(trial), **trial.values}
    return known | {alias: known[name] for alias, name in ALIASES.items() if name in known}


def _nothing_fits(
    values: list[tuple[Trial, dict[str, Any]]], condition: Expression, wanted: Objective, where: str
) -> UsageError:
    """Names the trial that is nearest to the condition in what the condition speaks of."""
    names = sorted(condition.names)
    nearest, known = _nearest(values, condition, names, wanted)
    shown = ", ".join(f"{n}={_number(known[n])}" for n in dict.fromkeys([*names, wanted.name]) if n in known)
    return UsageError(
        f"{where}: none of {len(values)} finished trials meets {condition}",
        hint=f"nearest: trial {nearest.number} with {shown}",
    )


def _nearest(
    values: list[tuple[Trial, dict[str, Any]]], condition: Expression, names: list[str], wanted: Objective
) -> tuple[Trial, dict[str, Any]]:
    """The trial whose numbers need the smallest factor, up or down, to meet the condition; of equals, the best."""

    def order(pair: tuple[Trial, dict[str, Any]]) -> tuple[float, float, int]:
        trial, known = pair
        return _factor_needed(condition, known, names), wanted.sign * known[wanted.name], trial.number

    return min(values, key=order)


def _factor_needed(condition: Expression, known: dict[str, Any], names: list[str]) -> float:
    """The logarithm of the smallest such factor, found by halving; infinite where no factor helps.

    Working on values leaves the expression alone, so that any condition can be explained.
    """
    numeric = [name for name in names if isinstance(known.get(name), int | float)][:4]

    def meets(logarithm: float) -> bool:
        scales = itertools.product((math.exp(-logarithm), math.exp(logarithm)), repeat=len(numeric))
        return any(
            condition.holds(known | {n: known[n] * s for n, s in zip(numeric, scale, strict=True)}) for scale in scales
        )

    low, high = 0.0, math.log(1e6)
    if not meets(high):
        return math.inf
    for _ in range(24):
        middle = (low + high) / 2
        low, high = (low, middle) if meets(middle) else (middle, high)
    return high


def _number(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and not value.is_integer():
        return f"{value:.4g}"
    return f"{int(value):,}" if isinstance(value, int | float) else value


# ------------------------------------------------------------------------------------------------------ write a config


def export_trial(store: Store, study: str, number: int, path: str | Path) -> ModelConfig:
    """Writes the config of a trial with its provenance, and keeps in the store that it was exported.

    Raises:
        UnknownName: there is no such study or trial.
        UsageError: the trial has not finished, or the study does not say what its models are for.
    """
    trial, record = store.trial(study, number), store.study(study)
    if trial.state != "finished":
        why = f": {trial.detail}" if trial.detail else ""
        raise UsageError(f"trial {study}/{number} is {trial.state}{why}", hint="only finished trials can be exported")
    spec = record.spec
    try:
        problem, family = Problem.from_key(str(spec["problem"])), str(spec["family"])
    except (KeyError, ValueError) as error:
        raise UsageError(f"study {study!r} does not say what its models are for: {error}") from error
    provenance = {
        "summary": describe(trial.axes),
        "study": study,
        "trial": number,
        "digest": trial.digest,
        "dataset": spec.get("dataset"),
        "metrics": {**_whole(store.costs(trial.digest, problem.key())), **_whole(trial.values)},
        "epochs": trial.fidelity.epochs,
        "seed": trial.fidelity.seed,
        "split_seed": spec.get("split_seed"),
        "recipe": spec.get("recipe"),
        "exported_at": now(),
        "versions": versions(),
    }
    config = ModelConfig(family, dict(trial.axes), problem, provenance=provenance)
    write_config(config, path)
    store.record_export(study, number, str(Path(path).absolute()))
    return config


def _whole(values: Mapping[str, float]) -> dict[str, float]:
    """Exact objectives, which the store holds as floats, as the whole numbers that they are."""
    exact = {name for name, entry in OBJECTIVES.items() if entry.kind == "exact"}
    return {k: int(v) if k in exact and float(v).is_integer() else v for k, v in values.items()}


def versions() -> dict[str, str]:
    """Python and the packages that a result depends on."""
    found = environment()
    return {"python": found["python"], **found["packages"]}


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
