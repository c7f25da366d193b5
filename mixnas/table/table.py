"""What a table holds: for each candidate and seed the whole learning curve of a real training, with its seconds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from mixnas.errors import UsageError
from mixnas.records import Candidate, EpochRecord, Problem, Value

FORMAT = "mixnas-table/1"

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Header:
    """How the trainings of a table were done. Plain data, JSON in the file."""

    format: str
    family: str
    space: dict[str, Any]
    """The space whose candidates were trained, as `SearchSpace.to_json` gives it."""
    rules_digest: str
    """`space_digest(space)`: two tables of one digest cover the same space."""
    whole: bool
    """Whether every candidate of the space is in it, not only some."""
    dataset: str
    problem: str
    """`Problem.key()`."""
    recipe: dict[str, Value]
    epochs: int
    seeds: tuple[int, ...]
    split_seed: int
    metrics: tuple[str, ...]
    """Validation metrics, in the order of `Table.metrics`."""
    costs: tuple[str, ...]
    """Exact costs, in the order of `Table.costs`."""
    cpu_seconds: float
    """Compute of all trainings together: seconds of one core, validation of every epoch included."""
    device: str
    environment: dict[str, Any]
    """Versions and machine that put the table together."""


@dataclass(frozen=True, eq=False)
class Table:
    """The trainings of `N` candidates with `S` seeds over `E` epochs.

    Epochs that a failed training did not reach are NaN in all arrays.
    """

    header: Header
    candidates: tuple[Candidate, ...]
    """Canonical, `N` of them."""
    costs: Numbers
    """`[len(header.costs), N]`."""
    metrics: Numbers
    """`[len(header.metrics), N, S, E]`, of the validation part."""
    train_loss: Numbers
    """`[N, S, E]`."""
    seconds: Numbers
    """`[N, S, E]`, CPU seconds of each epoch."""
    finished: npt.NDArray[np.bool_]
    """`[N, S]`; the others failed."""

    @property
    def problem(self) -> Problem:
        """What the models were trained for."""
        return Problem.from_key(self.header.problem)

    def index(self, family: str, axes: Candidate) -> int:
        """The place of a canonical candidate.

        Raises:
            UsageError: the table does not have it.
        """
        found = self._places.get(digest(family, axes))
        if found is None:
            raise UsageError(
                f"the table has no training of {dict(axes)}",
                hint=f"search the space that it covers: {self.header.space.get('name', 'see mixnas table show')}",
            )
        return found

    def holds(self, family: str, axes: Candidate) -> bool:
        """Whether a canonical candidate is in it."""
        return digest(family, axes) in self._places

    def curve(self, place: int, seed: int) -> tuple[EpochRecord, ...]:
        """The learning curve of a candidate with a seed of the table, as far as it got."""
        run = self.header.seeds.index(seed)
        seconds, losses = self.seconds[place, run].tolist(), self.train_loss[place, run].tolist()
        rows = self.metrics[:, place, run].T.tolist()
        reached = int(np.isfinite(self.seconds[place, run]).sum())
        return tuple(
            EpochRecord(i + 1, losses[i], dict(zip(self.header.metrics, rows[i], strict=True)), seconds[i])
            for i in range(reached)
        )

    def costs_of(self, place: int) -> dict[str, float]:
        """The exact costs of a candidate by name."""
        return dict(zip(self.header.costs, self.costs[:, place].tolist(), strict=True))

    @cached_property
    def _places(self) -> dict[str, int]:
        return {digest(self.header.family, axes): place for place, axes in enumerate(self.candidates)}


def digest(family: str, axes: Mapping[str, Any]) -> str:
    """The name of an architecture, as a search space gives it to the same axes in canonical form."""
    text = json.dumps([family, axes], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def space_digest(space: Mapping[str, Any]) -> str:
    """The name of a space in its JSON form: 16 hexadecimal characters over its axes, rules and context."""
    text = json.dumps(space, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
