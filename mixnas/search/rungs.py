"""Early stopping for several objectives: asynchronous successive halving over rungs of epochs, by promotion.

Every trial pauses at the first rung. One that is among the best `1 / reduction` of those that have reached its rung is
promoted to the next, at any time; the others wait, since later arrivals may make room for them, and are stopped when
the search ends. No synchronisation, and nothing is thrown away: a promoted trial goes on from its checkpoint.

Within a rung trials are ranked by non-dominated sorting of what has been learned so far and what is known exactly, so
that a trial competes with those of similar cost; ties within a front are broken by an epsilon-net, which spreads the
promotions along the front. Sources: ASHA, Li et al. 2020 (arXiv:1810.05934); MO-ASHA, Schmucker et al. 2021
(arXiv:2106.12639).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mixnas.errors import UnknownName, UsageError
from mixnas.objectives import TIMED, Objective
from mixnas.pareto import minimised
from mixnas.records import Decision
from mixnas.search.ranking import Ranking

EARLY_STOPPING: dict[str, str] = {
    "none": "every trial is trained to the last epoch",
    "mo-asha": "successive halving over rungs of epochs, by non-dominated sorting",
}

LEVELS = 3
"""Most rungs that are laid out by default: lower ones tell little of the end of a long training."""

MOST_REDUCTION = 1000.0

FEWEST_FULL = 5
"""Full trainings that a search ends with at least, if it has so many trials, and a tenth of all."""


@dataclass(frozen=True)
class EarlyStopping:
    """Where trials pause, what share goes on, and how many are trained to the end at least."""

    rungs: tuple[int, ...]
    """Epochs, ascending; the last epoch of a training is none of them."""
    reduction: float = 3.0
    min_full: int = 0

    def __post_init__(self) -> None:
        if list(self.rungs) != sorted(set(self.rungs)) or any(rung < 1 for rung in self.rungs):
            listed = ",".join(map(str, self.rungs))
            raise UsageError(f"--rungs {listed} are not ascending numbers of epochs", hint="for example --rungs 1,3,9")
        if not 1 < self.reduction <= MOST_REDUCTION:
            share = "no smaller share" if self.reduction <= 1 else "next to nothing"
            hint = f"it must be above 1, and {MOST_REDUCTION:g} at most"
            raise UsageError(f"--reduction {self.reduction:g} keeps {share}", hint=hint)
        if self.min_full < 0:
            raise UsageError(f"--min-full {self.min_full} is not a number of trials")


def early_stopping(
    name: str, epochs: int, trials: int, rungs: Sequence[int] = (), reduction: float = 3.0, min_full: int = 0
) -> EarlyStopping | None:
    """The rules of that name; None for `none`.

    Args:
        rungs: epochs; the last epoch may be among them. Empty lays them out by `default_rungs`.
        min_full: 0 takes a tenth of the trials, and no fewer than `FEWEST_FULL`.

    Raises:
        UnknownName: there are no such rules.
        UsageError: the numbers fit together in no way.
    """
    if name not in EARLY_STOPPING:
        raise UnknownName("early stopping", name, EARLY_STOPPING)
    if name == "none":
        return None
    chosen = EarlyStopping(tuple(rungs), reduction, min_full or min(trials, max(FEWEST_FULL, trials // 10)))
    if chosen.rungs and chosen.rungs[-1] > epochs:
        raise UsageError(
            f"--rungs {','.join(map(str, rungs))} go beyond the {epochs} epochs of a training",
            hint="lower them, or raise --epochs",
        )
    below = tuple(rung for rung in chosen.rungs or default_rungs(epochs, reduction) if rung < epochs)
    if not below:
        raise UsageError(
            f"--early-stopping {name} has nowhere to stop in trainings of {epochs} epochs",
            hint="raise --epochs, or leave it out",
        )
    return EarlyStopping(below, reduction, chosen.min_full)


def default_rungs(epochs: int, reduction: float) -> tuple[int, ...]:
    """Rungs below the last epoch, each about `reduction` times the one before it, `LEVELS` at most.

    >>> default_rungs(8, 3), default_rungs(30, 3), default_rungs(1, 3)
    ((1, 3), (1, 3, 10), ())
    """
    levels = (round(epochs / reduction**level) for level in range(LEVELS, 0, -1))
    return tuple(sorted({rung for rung in levels if 1 <= rung < epochs}))


class Ladder:
    """Which trial has come how far, and which may go on. Trials are numbers; nothing is trained or stored here."""

    def __init__(self, rules: EarlyStopping, objectives: Sequence[Objective]) -> None:
        """Objectives that are timed on the trained model are left out: a paused one has no such value."""
        self.rules = rules
        ranked = (o for o in objectives if o.name not in TIMED)
        self.objectives = tuple(sorted(ranked, key=lambda o: o.kind != "learned"))
        self._rungs = [Ranking(self.objectives) for _ in rules.rungs]
        self._passed: dict[int, int] = {}
        self.paused: set[int] = set()

    def target(self, trial: int) -> int:
        """The epoch at which the trial pauses next; 0 where it goes on to the last one."""
        passed = self._passed.get(trial, 0)
        return self.rules.rungs[passed] if passed < len(self.rules.rungs) else 0

    def behind(self, trial: int) -> int:
        """The epochs that the trial has had when it was promoted last; 0 where it never was."""
        passed = self._passed.get(trial, 0)
        return self.rules.rungs[passed - 1] if passed else 0

    def reach(self, trial: int, values: Mapping[str, float]) -> Decision:
        """The trial has come to its next rung, with these values there, and pauses.

        Raises:
            ValueError: a value is missing, NaN or infinite: it ranks nowhere.
        """
        level = self._passed.get(trial, 0)
        if not np.isfinite(minimised(values, self.objectives)).all():
            raise ValueError(f"trial {trial} cannot be ranked by {dict(values)}")
        self._rungs[level].add(trial, values)
        self.paused.add(trial)
        return self._decision(level, trial, "paused")

    def promote(self, wanted_in_full: bool = False) -> Decision | None:
        """Sends one paused trial on, from the highest rung that has one among its best; None where there is none.

        Args:
            wanted_in_full: more full trainings are wanted than there are: the best one that is paused goes on, whatever
                share of its rung has.
        """
        for level in reversed(range(len(self.rules.rungs))):
            rung = self._rungs[level]
            most = len(rung) if wanted_in_full else int(len(rung) / self.rules.reduction)
            if (trial := rung.first_waiting(most)) is not None:
                decision = self._decision(level, trial, "promoted")
                self._send_on(trial, level)
                return decision
        return None

    def stop(self) -> list[Decision]:
        """The search is over: what is paused stays where it is."""
        stopped = [self._decision(self._passed.get(trial, 0), trial, "stopped") for trial in sorted(self.paused)]
        for decision in stopped:
            self._drop(decision.trial, decision.rung - 1)
        return stopped

    def restore(self, decisions: Iterable[Decision], values: Callable[[int, int], Mapping[str, float]]) -> None:
        """Takes decisions of earlier runs or other searches, in their order; own ones among them change nothing.

        Args:
            values: by trial and epochs, what the trial was ranked by.
        """
        for decision in decisions:
            level, trial = decision.rung - 1, decision.trial
            if decision.action == "paused":
                self._rungs[level].add(trial, values(trial, decision.epochs))
                self.paused.add(trial)
            elif decision.action == "promoted":
                self._send_on(trial, level)
            else:
                self._drop(trial, level)

    def _send_on(self, trial: int, level: int) -> None:
        self._drop(trial, level)
        self._passed[trial] = level + 1

    def _drop(self, trial: int, level: int) -> None:
        """The trial waits at that rung no more."""
        self.paused.discard(trial)
        self._rungs[level].settle(trial)

    def _decision(self, level: int, trial: int, action: Literal["paused", "promoted", "stopped"]) -> Decision:
        rung = self._rungs[level]
        return Decision(trial, level + 1, self.rules.rungs[level], rung.place(trial), len(rung), action)
