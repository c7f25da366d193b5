"""What proposes candidates. One protocol, one table; the driver decides what becomes of a proposal.

Optuna's samplers run on a study in memory, the advisor: it may be told of duplicates and refusals, which the study
that users see must not hold, and it costs no database writes. It is rebuilt from our tables when a search goes on.
Every draw is seeded by (study seed, trials begun, tries), so that a search that goes on does not repeat its first
points, as a seeded sampler made anew would (Optuna 5.0).
"""

from __future__ import annotations

import hashlib
import random
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import optuna
from optuna.samplers import BaseSampler, GPSampler, NSGAIIISampler, NSGAIISampler, TPESampler
from optuna.trial import FrozenTrial, TrialState, create_trial

from mixnas.errors import UnknownName
from mixnas.objectives import Objective
from mixnas.records import Candidate, EpochRecord, Trial
from mixnas.search.gate import Gate, Verdict
from mixnas.search.optuna_space import distributions, suggest
from mixnas.space import SearchSpace


class Proposer(Protocol):
    """Proposes candidates and learns from what becomes of them."""

    def propose(self) -> Candidate:
        """The next proposal, as drawn: it may break a rule, be refused or be known already."""

    def reject(self, verdict: Verdict | None = None) -> None:
        """The last proposal is not taken; the verdict says which constraint it breaks, and by how much."""

    def begin(self, number: int, axes: Candidate) -> None:
        """A candidate, the last proposal or another, is being trained as trial `number`."""

    def learn(self, number: int, curve: Sequence[EpochRecord]) -> None:
        """The learning curve of a trial, as far as it has come; said when it pauses and before it ends."""

    def finish(self, number: int, values: Mapping[str, float] | None) -> None:
        """A trial has ended; `values` is None where it failed."""

    def state(self, number: int) -> dict[str, Any] | None:
        """What to keep with the trial, so that a later `restore` knows it; None for nothing."""

    def restore(self, trials: Sequence[Trial], states: Mapping[int, dict[str, Any]]) -> None:
        """Learns the trials of earlier runs of the study; their curves follow through `learn`."""


def derived_seed(*parts: object) -> int:
    """A 32-bit seed from anything that prints the same everywhere."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:4], "big")


class RandomProposer:
    """Axis-wise uniform draws from the space, valid by construction."""

    def __init__(self, space: SearchSpace, seed: int) -> None:
        self._space, self._seed = space, seed
        self._begun = self._tries = 0

    def propose(self) -> Candidate:
        self._tries += 1
        return self._space.sample(random.Random(derived_seed(self._seed, self._begun, self._tries)))

    def reject(self, verdict: Verdict | None = None) -> None:
        pass

    def begin(self, number: int, axes: Candidate) -> None:
        self._begun, self._tries = self._begun + 1, 0

    def learn(self, number: int, curve: Sequence[EpochRecord]) -> None:
        pass

    def finish(self, number: int, values: Mapping[str, float] | None) -> None:
        pass

    def state(self, number: int) -> dict[str, Any] | None:
        return None

    def restore(self, trials: Sequence[Trial], states: Mapping[int, dict[str, Any]]) -> None:
        self._begun += len(trials)


STATES = {"finished": TrialState.COMPLETE, "failed": TrialState.FAIL, "stopped": TrialState.FAIL}
"""What the advisor is told of trials of earlier runs; all others are running."""


class OptunaProposer:
    """One of Optuna's samplers behind the protocol."""

    def __init__(
        self,
        space: SearchSpace,
        objectives: Sequence[Objective],
        seed: int,
        make_sampler: Callable[[int], BaseSampler],
        constraints: Sequence[str] = (),
    ) -> None:
        self._constraints = tuple(constraints)
        self._space, self._objectives, self._seed, self._make = space, tuple(objectives), seed, make_sampler
        self._advisor = optuna.create_study(directions=[o.direction for o in objectives])
        self._pending: optuna.Trial | None = None
        self._proposed: Candidate = {}
        self._numbers: dict[int, int] = {}
        self._begun = self._tries = 0

    def propose(self) -> Candidate:
        self.reject()
        self._tries += 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            self._advisor.sampler = self._make(derived_seed(self._seed, self._begun, self._tries))
            self._pending = self._advisor.ask()
            self._proposed = suggest(self._space, self._pending)
        return self._proposed

    def reject(self, verdict: Verdict | None = None) -> None:
        """Tells the advisor PRUNED, which TPE takes for a bad point, and by how much the constraints are broken, which
        the other samplers read, too."""
        if self._pending is not None:
            self._constrain(self._pending, verdict)
            self._advisor.tell(self._pending, state=TrialState.PRUNED)
            self._pending = None

    def begin(self, number: int, axes: Candidate) -> None:
        if self._pending is not None and self._same(axes):
            self._constrain(self._pending, None)
            self._numbers[number] = self._pending.number
            self._pending = None
        else:
            self.reject()
            self._add(number, self._frozen(axes, TrialState.RUNNING))
        self._begun, self._tries = self._begun + 1, 0

    def learn(self, number: int, curve: Sequence[EpochRecord]) -> None:
        pass  # these samplers know finished trials only

    def finish(self, number: int, values: Mapping[str, float] | None) -> None:
        inner = self._numbers.pop(number)
        if values is None:
            self._advisor.tell(inner, state=TrialState.FAIL)
        else:
            self._advisor.tell(inner, [values[o.name] for o in self._objectives])

    def state(self, number: int) -> dict[str, Any] | None:
        """The sampler's own marks on the trial (NSGA keeps the generation there)."""
        trial = self._advisor.get_trials(deepcopy=False)[self._numbers[number]]
        return {name: mark for name, mark in trial.system_attrs.items() if not name.startswith("constraints")} or None

    def restore(self, trials: Sequence[Trial], states: Mapping[int, dict[str, Any]]) -> None:
        for trial in trials:
            state = STATES.get(trial.state, TrialState.RUNNING)
            values = [trial.values[o.name] for o in self._objectives] if trial.state == "finished" else None
            self._add(trial.number, self._frozen(trial.axes, state, values, states.get(trial.number)))
            if state != TrialState.RUNNING:
                del self._numbers[trial.number]
            self._begun += 1

    def _constrain(self, trial: optuna.Trial, verdict: Verdict | None) -> None:
        """The same constraints for every trial, which Optuna's GP asks for; 0 or less is met."""
        for name, value in self._violations(verdict).items():
            trial.set_constraint(name, value)

    def _violations(self, verdict: Verdict | None) -> dict[str, float]:
        if not self._constraints:
            return {}
        broken = verdict.violations if verdict else {}
        rules = float(verdict.invalid) if verdict else 0.0
        return {"rules of the space": rules, **{text: broken.get(text, 0.0) for text in self._constraints}}

    def _same(self, axes: Candidate) -> bool:
        return self._space.canonical(self._proposed) == axes

    def _add(self, number: int, frozen: FrozenTrial) -> None:
        self._numbers[number] = len(self._advisor.get_trials(deepcopy=False))
        self._advisor.add_trial(frozen)

    def _frozen(
        self,
        axes: Candidate,
        state: TrialState,
        values: list[float] | None = None,
        system_attrs: dict[str, Any] | None = None,
    ) -> FrozenTrial:
        return create_trial(
            state=state,
            values=values,
            params=dict(self._space.to_parameters(axes)),
            distributions=distributions(self._space, axes),
            system_attrs=system_attrs,
            constraints=self._violations(None) or None,
        )


@dataclass(frozen=True)
class Setting:
    """What a proposer may know of its search."""

    space: SearchSpace
    objectives: tuple[Objective, ...]
    gate: Gate
    seed: int
    trials: int
    """Asked for, over all runs of the study together."""
    epochs: int
    """Of a full training."""
    reference: Mapping[str, float]
    """The worst corner that hypervolume is measured from, by objective."""
    published: tuple[Candidate, ...] = ()
    """Canonical candidates of the space that a paper has published."""


@dataclass(frozen=True)
class Sampler:
    """One entry of the table: how to make the proposer, and one line for the help text."""

    make: Callable[[Setting], Proposer]
    summary: str


def _tpe(setting: Setting) -> Proposer:
    def make(seed: int) -> BaseSampler:
        # group: conditional axes are modelled by branch; constant_liar: running trials are kept apart.
        return TPESampler(multivariate=True, group=True, constant_liar=True, seed=seed)

    return _optuna(setting, make)


def _nsga2(setting: Setting) -> Proposer:
    population = max(8, min(50, setting.trials // 4))

    def make(seed: int) -> BaseSampler:
        return NSGAIISampler(population_size=population, seed=seed)

    return _optuna(setting, make)


def _nsga3(setting: Setting) -> Proposer:
    population = max(8, min(50, setting.trials // 4))

    def make(seed: int) -> BaseSampler:
        return NSGAIIISampler(population_size=population, seed=seed)

    return _optuna(setting, make)


def _gp(setting: Setting) -> Proposer:
    def make(seed: int) -> BaseSampler:
        return GPSampler(seed=seed, warn_independent_sampling=False)

    return _optuna(setting, make)


def _optuna(setting: Setting, make: Callable[[int], BaseSampler]) -> Proposer:
    return OptunaProposer(setting.space, setting.objectives, setting.seed, make, setting.gate.constraints)


def _random(setting: Setting) -> Proposer:
    return RandomProposer(setting.space, setting.seed)


def _evolution(setting: Setting) -> Proposer:
    from mixnas.search.evolution import EvolutionProposer

    return EvolutionProposer(setting)


def _grid(setting: Setting) -> Proposer:
    from mixnas.search.grid import GridProposer

    return GridProposer(setting)


def _auto(setting: Setting) -> Proposer:
    from mixnas.search.auto import AutoProposer, unsuited

    return _tpe(setting) if unsuited(setting.objectives) else AutoProposer(setting)


SAMPLERS: dict[str, Sampler] = {
    "auto": Sampler(
        _auto, "expected improvement a second, costs exact; tpe where not exactly one objective is learned"
    ),
    "tpe": Sampler(_tpe, "Optuna's multi-objective TPE, multivariate and by branch of the space"),
    "nsga2": Sampler(_nsga2, "Optuna's NSGA-II"),
    "nsga3": Sampler(_nsga3, "Optuna's NSGA-III, for four objectives and more"),
    "gp": Sampler(_gp, "Optuna's Gaussian process; slow to ask, for few and long trainings"),
    "evolution": Sampler(_evolution, "regularised evolution on the mutations of the space"),
    "random": Sampler(_random, "uniform draws from the space; the baseline"),
    "grid": Sampler(_grid, "every candidate once, shuffled; for spaces small enough to be trained whole"),
}


def make_proposer(name: str, setting: Setting) -> Proposer:
    """The proposer of that name.

    Raises:
        UnknownName: there is none.
    """
    if name not in SAMPLERS:
        raise UnknownName("sampler", name, SAMPLERS)
    return SAMPLERS[name].make(setting)
