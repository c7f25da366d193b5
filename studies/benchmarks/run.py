"""Runs the benchmark of strategies and writes its results, figures and tables.

python -m studies.benchmarks.run                           # everything, 20 repetitions on both tables
python -m studies.benchmarks.run --only auto,random        # these anew, the others as they are
python -m studies.benchmarks.run --tasks /tmp/peers        # JSON files for the scripts in peers/
python -m studies.benchmarks.run --add /tmp/peers/out-splitmixer-digits.json --to splitmixer-digits
python -m studies.benchmarks.run --report                  # only figures and tables, from the results there are
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import optuna

from mixnas.space import Parameter
from studies.benchmarks.arena import Arena, Run, arena
from studies.benchmarks.report import write_report
from studies.benchmarks.results import Step, facts, read, steps, write, write_summary
from studies.benchmarks.strategies import STRATEGIES
from studies.benchmarks.summary import curves, targets, time_table, worse_than_random

TABLES = ("splitmixer-digits", "wavemix-digits")


def main() -> None:
    """Reads the arguments and does what they ask for."""
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    asked = _arguments()
    if asked.tasks:
        for name in asked.tables:
            _write_task(arena(name), asked.repetitions, Path(asked.tasks))
        return
    if asked.add:
        _add(arena(asked.to), Path(asked.add))
    elif not asked.report:
        for name in asked.tables:
            _run(arena(name), asked.only or list(STRATEGIES), asked.repetitions)
    for name in TABLES:
        _summarise(arena(name))
    write_report(TABLES)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = {"type": lambda text: text.split(","), "metavar": "A,B"}
    parser.add_argument("--tables", default=list(TABLES), **names)  # type: ignore[arg-type]
    parser.add_argument("--only", default=[], help="strategies", **names)  # type: ignore[arg-type]
    parser.add_argument("--repetitions", type=int, default=20)
    parser.add_argument("--tasks", default="", metavar="FOLDER")
    parser.add_argument("--add", default="", metavar="FILE")
    parser.add_argument("--to", default=TABLES[0], metavar="TABLE")
    parser.add_argument("--report", action="store_true")
    return parser.parse_args()


def _run(arena: Arena, names: list[str], repetitions: int) -> None:
    for name in names:
        started = time.process_time()
        runs = list[list[Step]]()
        for repetition in range(repetitions):
            runs.append(steps(STRATEGIES[name](arena, repetition)))
            # Read anew each time: another process may be at work on other strategies.
            write(arena.name, {**read(arena.name), name: runs})
        spent = (time.process_time() - started) / repetitions
        sys.stdout.write(f"{arena.name}: {name}, {spent:.2f} CPU seconds a run\n")
        sys.stdout.flush()


def _write_task(arena: Arena, repetitions: int, folder: Path) -> None:
    """What `peers/task.py` reads."""
    table, trainings = arena.table, dict[str, Any]()
    last = table.header.metrics.index("acc")
    for place, axes in enumerate(table.candidates):
        trainings[json.dumps(axes, sort_keys=True)] = {
            "acc": table.metrics[last, place].tolist(),
            "seconds": table.seconds[place].tolist(),
            "costs": table.costs_of(place),
        }
    parameters = [_parameter(p) for p in arena.space.parameters().values()]
    task = {"seeds": list(table.header.seeds), "epochs": table.header.epochs, "budget": arena.budget}
    task |= {"repetitions": repetitions, "parameters": parameters, "trainings": trainings}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"task-{arena.name}.json").write_text(json.dumps(task), encoding="utf-8")


def _parameter(p: Parameter) -> dict[str, Any]:
    told = {"name": p.name, "axis": p.axis, "parent": p.parent, "parent_value": p.parent_value}
    return {**told, "values": list(p.values or ())}


def _add(arena: Arena, path: Path) -> None:
    """Takes in what a peer's script has written."""
    found = json.loads(path.read_text(encoding="utf-8"))
    known = read(arena.name)
    for name, repetitions in found.items():
        known[name] = [steps(_tracked(arena, outcome)) for outcome in repetitions]
    write(arena.name, known)


def _tracked(arena: Arena, outcome: list[tuple[float, dict[str, float]]]) -> Run:
    tracker = arena.tracker()
    return [(seconds, tracker.add(i, values).hypervolume) for i, (seconds, values) in enumerate(outcome)]


def _summarise(arena: Arena) -> None:
    runs = read(arena.name)
    rows = time_table(arena, runs)
    for row in rows:
        row["worse_than_random_at"] = worse_than_random(arena, runs, row["strategy"])
    goal = {str(seed): round(value, 6) for seed, value in targets(arena, runs).items()}
    write_summary(arena.name, {**facts(arena), "target": goal, "time_to_target": rows, "curves": curves(arena, runs)})


if __name__ == "__main__":
    main()
