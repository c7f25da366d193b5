"""Real trainings on `digits`: `mixnas search` with default settings beside the plain-Optuna script, in one run.

    python -m studies.benchmarks.real.compare                    # about 10 minutes on two quiet cores
    python -m studies.benchmarks.real.compare --trials 5 --epochs 1 --cap 20 --out /tmp/real    # to try it

The script trains 60 architectures; then the search runs as typed, to its end, and again with one part switched off at a
time, until it has the script's hypervolume or its time is up. Times are those of the wall, from the start of a process.
Hypervolume is over accuracy and log10 of parameters; the reference point is the one that the search stores.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from mixnas.environment import environment
from mixnas.errors import MixnasError
from mixnas.objectives import parse_objectives
from mixnas.pareto import FrontTracker
from mixnas.store import Store

RESULTS = Path(__file__).parent.parent / "results"
OBJECTIVES = "acc,params"
STUDY = "real"
LOOK = 0.5
"""Seconds between looks at a search that is to end at the target."""

PARTS: dict[str, tuple[str, ...]] = {
    "one worker": ("--workers", "1"),
    "Optuna's TPE in place of exact costs": ("--sampler", "tpe"),
    "batches from a DataLoader": ("--evaluator", "studies.benchmarks.real.loader_evaluator:evaluate"),
    "early stopping switched on": ("--early-stopping", "mo-asha"),
}
"""What is changed, and the flags that change it: all else stays as in the search with default settings."""

Curve = list[tuple[float, float]]
"""Seconds since the start of the process and hypervolume, after each full training."""


@dataclass(frozen=True)
class Script:
    """What the plain-Optuna script did."""

    ended: list[float]
    """Seconds since its start, by training."""
    spent: list[float]
    """Seconds of each training."""
    values: list[dict[str, float]]
    repeats: list[bool]
    """Whether that architecture had been trained before."""

    def curve(self, reference: dict[str, float], with_repeats: bool = True) -> Curve:
        """Its hypervolume; without repeats, as if each had taken no time."""
        tracker = FrontTracker(parse_objectives(OBJECTIVES), reference)
        found, saved = Curve(), 0.0
        for number, values in enumerate(self.values):
            saved += self.spent[number] if self.repeats[number] and not with_repeats else 0.0
            found.append((self.ended[number] - saved, tracker.add(number, values).hypervolume))
        return found


def run_script(trials: int, epochs: int, seed: int, folder: Path) -> Script:
    """Runs it to its end."""
    log = folder / "log.csv"
    command = [sys.executable, "-m", "studies.benchmarks.real.plain_optuna_digits", "--log", str(log)]
    command += ["--trials", str(trials), "--epochs", str(epochs), "--seed", str(seed)]
    started = time.time()
    subprocess.run(command, check=True)
    with log.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    seen = [row["architecture"] for row in rows]
    return Script(
        [float(row["ended"]) - started for row in rows],
        [float(row["seconds"]) for row in rows],
        [{"acc": float(row["acc"]), "params": float(row["params"])} for row in rows],
        [name in seen[:place] for place, name in enumerate(seen)],
    )


def run_search(
    flags: tuple[str, ...], epochs: int, seed: int, folder: Path, cap: float = math.inf, target: float = math.inf
) -> tuple[Curve, dict[str, float]]:
    """Runs `mixnas search` in a process of its own; returns its curve and its reference point.

    Args:
        cap: seconds after which it is ended.
        target: hypervolume at which it is ended.
    """
    url = f"sqlite:///{folder}/search.db"
    command = [sys.executable, "-m", "mixnas", "search", "--space", "splitmixer", "--objective", OBJECTIVES, "--plain"]
    command += ["--storage", url, "--study", STUDY, "--epochs", str(epochs), "--seed", str(seed), *flags]
    started = time.time()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    while process.poll() is None and time.time() - started < cap and _volume(url) < target:
        time.sleep(LOOK)
    while process.poll() is None:
        process.send_signal(signal.SIGTERM)
        time.sleep(LOOK)
    with Store.open(url) as store:
        fronts, reference = store.fronts(STUDY), dict(store.study(STUDY).spec["reference"])
    ends = [(datetime.fromisoformat(point.at).timestamp() - started, point.hypervolume) for point in fronts]
    return ends, reference


def _volume(url: str) -> float:
    """The hypervolume so far; 0 where there is no database yet."""
    try:
        with Store.open(url) as store:
            return max((point.hypervolume for point in store.fronts(STUDY)), default=0.0)
    except MixnasError:
        return 0.0


def seconds_to(curve: Curve, target: float) -> float:
    """When a curve has that hypervolume; infinity where it never has."""
    return next((seconds for seconds, volume in curve if volume >= target), math.inf)


def compare(trials: int, epochs: int, seed: int, cap: float) -> dict[str, Any]:
    """All runs, one after the other; what is written to the results."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        script = run_script(trials, epochs, seed, folder)
        whole, reference = run_search((), epochs, seed, folder)
        (folder / "search.db").rename(folder / "whole.db")
        peer = script.curve(reference)
        target = peer[-1][1]
        rows = [
            _row("plain Optuna", peer, target),
            _row("plain Optuna, its repeats for nothing", script.curve(reference, with_repeats=False), target),
            _row("mixnas search", whole, target),
        ]
        for part, flags in PARTS.items():
            with tempfile.TemporaryDirectory(dir=folder) as own:
                more = ("--trials", "1000", *flags)
                rows.append(
                    _row(f"mixnas search, {part}", run_search(more, epochs, seed, Path(own), cap, target)[0], target)
                )
    facts = {"trainings": trials, "repeats": sum(script.repeats), "epochs": epochs, "seed": seed, "cap": cap}
    machine = environment()
    return {**facts, "reference": reference, "target": target, "runs": rows, "machine": machine}


def _row(name: str, curve: Curve, target: float) -> dict[str, Any]:
    reached, last = seconds_to(curve, target), curve[-1] if curve else (0.0, 0.0)
    return {
        "run": name,
        "trainings": len(curve),
        "seconds": round(last[0], 2),
        "hypervolume": round(last[1], 6),
        "seconds_to_target": round(reached, 2) if math.isfinite(reached) else None,
        "curve": [[round(seconds, 2), round(volume, 6)] for seconds, volume in curve],
    }


def table(found: dict[str, Any]) -> str:
    """The results as Markdown."""
    peer = found["runs"][0]["seconds_to_target"]
    lines = [
        f"Seconds to the hypervolume {found['target']:.4f} that plain Optuna has after {found['trainings']} trainings "
        f"({found['repeats']} of them repeats), {found['epochs']} epochs each, seed {found['seed']}; one run.",
        "",
        "| run | seconds to it | of plain Optuna's | trainings in all | hypervolume at the end |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for row in found["runs"]:
        reached, at_least = row["seconds_to_target"], ""
        if reached is None:
            reached, at_least = row["seconds"], "> "
        share = f"{at_least}{reached / peer:.2f}" if peer else ""
        lines.append(
            f"| {row['run']} | {at_least}{reached:.1f} | {share} | {row['trainings']} | {row['hypervolume']:.4f} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Runs everything and writes `real.json` and `real.md`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=60, help="trainings of the script")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cap", type=float, default=90.0, help="seconds of a search with a part switched off, at most")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    found = compare(options.trials, options.epochs, options.seed, options.cap)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "real.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    (options.out / "real.md").write_text(table(found), encoding="utf-8")
    sys.stdout.write(table(found))


if __name__ == "__main__":
    main()
