"""What a program of another environment has to know to take part: read from one JSON file, no mixnas needed.

The file is written by `run.py --tasks`. A peer sees a flat space with one categorical parameter a choice; values of
parameters that do not apply are ignored, and what it asks for again is trained again.
"""

# mypy: ignore-errors
# Runs in an environment of its own, without mixnas and its checks.
from __future__ import annotations

import json
import math
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

Outcome = list[tuple[float, dict[str, float]]]
"""Virtual seconds and the objectives after each training to the last epoch."""


class Task:
    """One table, as plain data."""

    def __init__(self, path: str) -> None:
        data = json.loads(Path(path).read_text())
        self._parameters: list[dict[str, Any]] = data["parameters"]
        self.choices = {p["name"]: len(p["values"]) for p in self._parameters if len(p["values"]) > 1}
        """Parameters to search, and how many values each has."""
        self.seeds: list[int] = data["seeds"]
        self.epochs: int = data["epochs"]
        self.budget: float = data["budget"]
        self.repetitions: int = data["repetitions"]
        self._trainings: dict[str, dict[str, Any]] = data["trainings"]

    def seed_of(self, repetition: int) -> int:
        """The seed of all trainings of a repetition."""
        return self.seeds[repetition % len(self.seeds)]

    def training(self, config: dict[str, Any], repetition: int) -> dict[str, Any]:
        """`acc` and `seconds` of each epoch, and the costs, of a configuration by parameter names."""
        axes, chosen = {}, {}
        for p in self._parameters:
            if p["parent"] is None or chosen.get(p["parent"]) == p["parent_value"]:
                chosen[p["name"]] = axes[p["axis"]] = p["values"][config.get(p["name"], 0)]
        found = self._trainings[json.dumps(axes, sort_keys=True)]
        run = self.seeds.index(self.seed_of(repetition))
        return {"acc": found["acc"][run], "seconds": found["seconds"][run], "costs": found["costs"]}

    def losses(self, training: dict[str, Any], epoch: int) -> dict[str, float]:
        """What is minimised after an epoch: error and log10 of each cost."""
        costs = {name: math.log10(value) for name, value in training["costs"].items()}
        return {"error": 1 - training["acc"][epoch - 1], **costs}

    def values(self, training: dict[str, Any]) -> dict[str, float]:
        """The objectives after the last epoch, in their own units."""
        return {"acc": training["acc"][-1], **training["costs"]}


def take_part(strategies: dict[str, Callable[[Task, int], Outcome]]) -> None:
    """Runs every strategy of a script: `python SCRIPT TASK.json OUT.json`; each repetition is written when it ends."""
    warnings.simplefilter("ignore")
    task = Task(sys.argv[1])
    found: dict[str, list[Outcome]] = {name: [] for name in strategies}
    for repetition in range(task.repetitions):
        for name, run in strategies.items():
            started = time.process_time()
            found[name].append(run(task, repetition))
            spent = time.process_time() - started
            sys.stderr.write(f"{name}, repetition {repetition}: {spent:.1f} CPU seconds\n")
        Path(sys.argv[2]).write_text(json.dumps(found))
