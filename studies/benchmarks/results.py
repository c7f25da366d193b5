"""The raw results of a table's contest as a CSV file: one row where the hypervolume of a run grew, and its last.

strategy,repetition,trainings,seconds,hypervolume
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from studies.benchmarks.arena import Arena, Run

FOLDER = Path(__file__).parent / "results"

Step = tuple[int, float, float]
"""Trainings to the last epoch so far, virtual seconds, hypervolume."""

Runs = dict[str, list[list[Step]]]
"""By strategy, its repetitions in order."""


def steps(run: Run) -> list[Step]:
    """The rows of one run."""
    numbered = [(i + 1, seconds, volume) for i, (seconds, volume) in enumerate(run)]
    grown = [step for i, step in enumerate(numbered) if i == 0 or step[2] > numbered[i - 1][2]]
    return grown if not numbered or grown[-1] == numbered[-1] else [*grown, numbered[-1]]


def read(name: str) -> Runs:
    """What there is of a table."""
    path, found = FOLDER / f"{name}.csv", Runs()
    if not path.exists():
        return found
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            runs = found.setdefault(row["strategy"], [])
            while len(runs) <= int(row["repetition"]):
                runs.append([])
            runs[-1].append((int(row["trainings"]), float(row["seconds"]), float(row["hypervolume"])))
    return found


def write(name: str, runs: Runs) -> None:
    """All of a table, whole."""
    FOLDER.mkdir(exist_ok=True)
    with (FOLDER / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["strategy", "repetition", "trainings", "seconds", "hypervolume"])
        for strategy, repetitions in runs.items():
            for repetition, found in enumerate(repetitions):
                out.writerows([strategy, repetition, n, f"{s:.3f}", f"{v:.6f}"] for n, s, v in found)


def facts(arena: Arena) -> dict[str, Any]:
    """What the contest was held on."""
    header = arena.table.header
    return {
        "table": arena.name,
        "candidates": len(arena.table.candidates),
        "seeds": list(header.seeds),
        "epochs": header.epochs,
        "objectives": [o.name for o in arena.objectives],
        "scale": "1 - acc, log10 of each cost",
        "reference": dict(arena.reference),
        "best_hypervolume": {str(seed): round(arena.best(seed), 6) for seed in header.seeds},
        "budget_seconds": round(arena.budget, 3),
    }


def write_summary(name: str, summary: Mapping[str, Any]) -> None:
    """The numbers of the report, as JSON."""
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
