"""`auto` over several fidelities: what paused trainings tell of their end, and which of them goes on.

Not a part of mixnas: both ways are measured here beside `auto`, and neither brings enough (README.md).

- Curves learned: successive halving decides who goes on; a paused trial is in the surrogate with the end that its last
  epoch suggests, as uncertain as such guesses have been.
- Freeze and thaw: the same surrogate decides, too. The paused trial goes on whose expected improvement for each second
  that is left of it is greater than that of any new candidate (after Swersky et al. 2014, arXiv:1406.3896).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_solve, cholesky

from mixnas.records import Decision, EpochRecord
from mixnas.search.auto import AutoProposer
from mixnas.search.beliefs import SHIFT, Beliefs, Known, cost_columns
from mixnas.search.proposers import Setting
from mixnas.search.rungs import EarlyStopping, Ladder, early_stopping
from mixnas.search.surrogate import Kernel, Process
from studies.benchmarks.arena import Arena, Run, Search, drive

Array = npt.NDArray[np.float64]

FEWEST = 5
"""Trainings to the last epoch before an early one is taken to tell anything of the last."""


@dataclass(frozen=True)
class Guess:
    """What a paused trial's curve suggests of its end, as the surrogate models errors."""

    trial: Known
    mean: float
    deviation: float


class RoughProcess(Process):
    """A Gaussian process some of whose targets are guesses, `deviations` `[n]` being 0 for the others."""

    def __init__(self, inputs: Array, targets: Array, kernel: Kernel, deviations: Array) -> None:
        measured = targets[deviations == 0]
        self._inputs, self._middle, self._scale = inputs, float(measured.mean()), float(measured.std()) or 1.0
        self.kernel = kernel
        noise = math.exp(kernel.noise) + 1e-8 + (deviations / self._scale) ** 2
        self._root = cholesky(kernel.between(inputs, inputs) + np.diag(noise), lower=True)
        self._weights = cho_solve((self._root, True), (targets - self._middle) / self._scale)


class CurveBeliefs(Beliefs):
    """Beliefs that guesses are added to; costs, seconds and the kernel come from finished trials alone."""

    guesses: Sequence[Guess] = ()

    def update(self, trials: Sequence[Known]) -> None:
        super().update(trials)
        if not self.guesses or self._kernel is None:
            return
        known = [guess.trial for guess in self.guesses]
        joined = self._joined(np.array([k.encoded for k in known]), cost_columns(known))
        inputs = np.vstack([self._inputs, joined])
        targets = np.concatenate([self._targets, [guess.mean for guess in self.guesses]])
        deviations = np.concatenate([np.zeros(len(self._targets)), [guess.deviation for guess in self.guesses]])
        self._process = RoughProcess(inputs, targets, self._kernel, deviations)


class CurveProposer(AutoProposer):
    """`auto` that learns from paused trials, too, and says which of them is worth going on with."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._curve_beliefs = CurveBeliefs(self._objectives, self._column)
        self._beliefs = self._curve_beliefs
        self._errors: dict[int, list[float]] = {}
        """By trial, the modelled error after each of its epochs."""

    def learn(self, number: int, curve: Sequence[EpochRecord]) -> None:
        super().learn(number, curve)
        name = self._objectives[self._column].name
        self._errors[number] = [math.log(1.0 - record.metrics[name] + SHIFT) for record in curve]

    def _best(self, rng: Any) -> Any:
        self._curve_beliefs.guesses = self._guesses()
        return super()._best(rng)

    def _guesses(self) -> list[Guess]:
        paused = [number for number, known in self._trials.items() if known.paused and not known.ended]
        laws = {epochs: self._law(epochs) for epochs in {len(self._errors[number]) for number in paused}}
        found = [(self._trials[n], laws[len(self._errors[n])], self._errors[n][-1]) for n in paused]
        return [Guess(trial, law[0] + law[1] * now, law[2]) for trial, law, now in found if law]

    def _law(self, epochs: int) -> tuple[float, float, float] | None:
        """Of finished trials: offset, slope and deviation of their end, given their error after so many epochs."""
        curves = [self._errors[number] for number in self._finished]
        if len(curves) < FEWEST:
            return None
        now, end = np.array([curve[epochs - 1] for curve in curves]), np.array([curve[-1] for curve in curves])
        apart = now - now.mean()
        slope = max(float((end - end.mean()) @ apart / (apart @ apart + 0.5)), 0.0)
        offset = float(end.mean() - slope * now.mean())
        missed = end - offset - slope * now
        return offset, slope, math.sqrt((float(missed @ missed) + 0.1) / (len(curves) - 1))

    def goes_on(self, left: dict[int, float]) -> int | None:
        """The paused trial to go on with, None for a new candidate.

        Args:
            left: by paused trial, the share of its training that is left.
        """
        if not left:
            return None
        if len(self._finished) < FEWEST:
            return min(left, key=lambda number: self._errors[number][-1])
        self._curve_beliefs.guesses = self._guesses()
        self._curve_beliefs.update([self._trials[number] for number in self._finished])
        boxes, known = self._cut(self._front), [self._trials[number] for number in left]
        paused = self._curve_beliefs.expect(np.array([k.encoded for k in known]), cost_columns(known))
        gains = self._scores(boxes, paused) / np.array(list(left.values()))
        new = self._curve_beliefs.expect(self._pool.axes, self._pool.costs) if len(self._pool) else None
        best = float(self._scores(boxes, new).max()) if new is not None else 0.0
        return list(left)[int(np.argmax(gains))] if gains.max() >= best else None


class ThawingLadder(Ladder):
    """Rungs where trials pause; who goes on is asked for, not ranked."""

    choose: Callable[[dict[int, float]], int | None]
    epochs: int

    def promote(self, wanted_in_full: bool = False) -> Decision | None:
        rungs = self.rules.rungs
        left = {trial: 1 - rungs[self._passed.get(trial, 0)] / self.epochs for trial in sorted(self.paused)}
        trial = next(iter(left), None) if wanted_in_full else self.choose(left)
        if trial is None:
            return None
        level = self._passed.get(trial, 0)
        decision = self._decision(level, trial, "promoted")
        self._send_on(trial, level)
        return decision


def curves_learned(rungs: Sequence[int]) -> Callable[[Arena, int], Run]:
    """`auto` that learns from paused trials, beside successive halving over these rungs."""

    def run(arena: Arena, repetition: int) -> Run:
        rules = early_stopping("mo-asha", arena.table.header.epochs, len(arena.table.candidates), rungs)
        return drive(arena, repetition, CurveProposer, early_stopping=rules)

    return run


def freeze_and_thaw(rungs: Sequence[int]) -> Callable[[Arena, int], Run]:
    """`auto` that learns from paused trials and goes on with one where that promises more than a new candidate."""

    def run(arena: Arena, repetition: int) -> Run:
        ladder = ThawingLadder(EarlyStopping(tuple(rungs)), arena.objectives)
        ladder.epochs = arena.table.header.epochs

        def make(setting: Setting) -> CurveProposer:
            proposer = CurveProposer(setting)
            ladder.choose = proposer.goes_on
            return proposer

        return Search(arena, repetition, make, ladder).run()

    return run
