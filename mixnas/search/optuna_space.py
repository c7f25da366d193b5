"""A search space in Optuna's words: fixed, branch-qualified parameter names and their distributions."""

from __future__ import annotations

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import Trial

from mixnas.records import Candidate, Value
from mixnas.space import Choice, Flag, Integer, Parameter, SearchSpace


def distribution(parameter: Parameter) -> BaseDistribution:
    """The distribution of one parameter. Choices are the same fixed tuple whatever the context, as Optuna demands."""
    domain = parameter.domain
    if isinstance(domain, Choice | Flag):
        return CategoricalDistribution(tuple(domain.values))
    if isinstance(domain, Integer):
        return IntDistribution(domain.low, domain.high, log=domain.log, step=domain.step)
    return FloatDistribution(domain.low, domain.high, log=domain.log, step=domain.step)


def distributions(space: SearchSpace, axes: Candidate) -> dict[str, BaseDistribution]:
    """The distributions of a candidate's active parameters."""
    parameters = space.parameters()
    return {name: distribution(parameters[name]) for name in space.to_parameters(axes)}


def suggest(space: SearchSpace, trial: Trial) -> Candidate:
    """Draws a candidate from a trial; an axis is suggested only where it is active. Rules are not checked."""

    def one(parameter: Parameter) -> Value:
        found = distribution(parameter)
        if isinstance(found, CategoricalDistribution):
            value: Value = trial.suggest_categorical(parameter.name, found.choices)  # type: ignore[assignment]
            return value
        if isinstance(found, IntDistribution):
            return trial.suggest_int(parameter.name, found.low, found.high, step=found.step, log=found.log)
        assert isinstance(found, FloatDistribution)
        return trial.suggest_float(parameter.name, found.low, found.high, step=found.step, log=found.log)

    return space.walk(one)
