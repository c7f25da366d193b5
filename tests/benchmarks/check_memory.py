"""Compares predicted peak memory with what the CPU allocator reports over real training steps.

    OMP_NUM_THREADS=1 python tests/benchmarks/check_memory.py [--write] [--kernels]

The prediction runs one step on fake tensors; the measurement is the sum of the allocator's events in the second of two
real steps, by torch.profiler. Candidates are drawn from the search spaces, all of them, with a few rules that are not
about the result: at most --work multiply-accumulates a step, so that the check ends, and at least --least MiB, because
the scratch of oneDNN's bf16 kernels (some 0.5 MB, whatever the model) is not predicted. `--write` keeps the table in
tests/benchmarks/memory_check.csv. `--kernels` measures operators alone instead, and says which of them take something
else inside on this processor than what is modelled.
"""

from __future__ import annotations

import argparse
import csv
import platform
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from mixnas.cost.kernel_check import KERNELS, differs, modelled_and_measured
from mixnas.cost.measured import measured_memory
from mixnas.cost.memory import Setup, training_memory
from mixnas.describe import describe
from mixnas.models import family
from mixnas.records import Candidate, Problem
from mixnas.space import load_space

TABLE = Path(__file__).with_name("memory_check.csv")
PROBLEMS = {
    "classification": Problem(),
    "segmentation": Problem("segmentation", 3, 32, 32, 10),
    "super_resolution": Problem("super_resolution", 3, 32, 32, 3),
}
SHARES = {
    ("splitmixer", "classification"): 24,
    ("wavemix_lite", "classification"): 16,
    ("wavemix_lite", "segmentation"): 8,
    ("wavemix_lite", "super_resolution"): 8,
    ("hybrid", "classification"): 16,
    ("hybrid", "segmentation"): 4,
    ("hybrid", "super_resolution"): 4,
    ("mlp_mixer", "classification"): 12,
}


def drawn(
    name: str, problem: Problem, count: int, work: float, least: float, rng: random.Random
) -> Iterator[tuple[Candidate, Setup]]:
    """Candidates with setups, both kinds of precision by turns."""
    found = 0
    setups = [Setup(batch, precision) for batch in (16, 32, 64, 128) for precision in ("fp32", "bf16")]
    space = load_space(name).given(
        image_size=problem.height, in_channels=problem.in_channels, num_classes=problem.num_classes, task=problem.task
    )
    for axes in space.sample_many(rng, 4_000):
        setup = setups[found % len(setups)]
        if 3 * int(family(name).macs(axes, problem)) * setup.batch_size > work:
            continue
        if training_memory(name, axes, problem, setup) < least * 2**20:
            continue
        yield axes, setup
        found += 1
        if found == count:
            return


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=float, default=8e9)
    parser.add_argument("--least", type=float, default=8.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--kernels", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.kernels:
        return compare_kernels()
    rows: list[dict[str, Any]] = []
    for (space, task), count in SHARES.items():
        rng, problem = random.Random(arguments.seed), PROBLEMS[task]
        for axes, setup in drawn(space, problem, count, arguments.work, arguments.least, rng):
            predicted = training_memory(space, axes, problem, setup)
            measured = measured_memory(space, axes, problem, setup)
            row = {"family": space, "task": task, "batch": setup.batch_size, "precision": setup.precision}
            row |= {"predicted": predicted, "measured": measured, "error": f"{predicted / measured - 1:+.4%}"}
            row |= {"architecture": describe(axes)}
            rows.append(row)
            sys.stdout.write("  ".join(str(value) for value in row.values()) + "\n")
            sys.stdout.flush()
    errors = sorted(abs(row["predicted"] / row["measured"] - 1) for row in rows)
    within = sum(error <= 0.03 for error in errors)
    sys.stdout.write(
        f"{within} of {len(rows)} within 3 %, {sum(e <= 0.001 for e in errors)} within 0.1 %; "
        f"median {errors[len(errors) // 2]:.4%}, largest {errors[-1]:.2%} "
        f"(torch {torch.__version__}, {platform.machine()})\n"
    )
    if arguments.write:
        with TABLE.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    return 0 if within == len(rows) else 1


def compare_kernels() -> int:
    """The operators of `KERNELS` alone: what they are modelled to take inside beside what they take here."""
    write, wrong = sys.stdout.write, 0
    write(f"torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}, {platform.machine()}\n")
    for name in KERNELS:
        modelled, measured = modelled_and_measured(name)
        off = differs(modelled, measured)
        wrong += off
        write(f"  {name:<44} modelled {modelled:>12,}  measured {measured:>12,}{'  DIFFERS' if off else ''}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
