"""Compares predicted peak memory with what the CPU allocator reports over real training steps.

    OMP_NUM_THREADS=1 python tests/benchmarks/check_memory.py [--write]

The prediction runs one step on fake tensors; the measurement is the sum of the allocator's events in the second of two
real steps, by torch.profiler. Candidates are drawn from the search spaces, all of them, with a few rules that are not
about the result: at most --work multiply-accumulates a step, so that the check ends, and at least --least MiB, because
the scratch of oneDNN's bf16 kernels (some 0.5 MB, whatever the model) is not predicted. `--write` keeps the table in
tests/benchmarks/memory_check.csv.
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

from mixnas.cost.measured import measured_memory
from mixnas.cost.memory import Setup, training_memory
from mixnas.describe import describe
from mixnas.models import family
from mixnas.records import Candidate, Problem
from mixnas.space import load_space

TABLE = Path(__file__).with_name("memory_check.csv")
SHARES = {"splitmixer": 40, "wavemix_lite": 28, "mlp_mixer": 12}


def drawn(space: str, count: int, work: float, least: float, rng: random.Random) -> Iterator[tuple[Candidate, Setup]]:
    """Candidates with setups, both kinds of precision by turns."""
    found = 0
    setups = [Setup(batch, precision) for batch in (16, 32, 64, 128) for precision in ("fp32", "bf16")]
    for axes in load_space(space).sample_many(rng, 20_000):
        setup = setups[found % len(setups)]
        if 3 * int(family(space).macs(axes, Problem())) * setup.batch_size > work:
            continue
        if training_memory(space, axes, Problem(), setup) < least * 2**20:
            continue
        yield axes, setup
        found += 1
        if found == count:
            return


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=float, default=1.5e10)
    parser.add_argument("--least", type=float, default=8.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows: list[dict[str, Any]] = []
    for space, count in SHARES.items():
        rng = random.Random(arguments.seed)
        for axes, setup in drawn(space, count, arguments.work, arguments.least, rng):
            predicted = training_memory(space, axes, Problem(), setup)
            measured = measured_memory(space, axes, Problem(), setup)
            row = {"family": space, "batch": setup.batch_size, "precision": setup.precision, "predicted": predicted}
            row |= {"measured": measured, "error": f"{predicted / measured - 1:+.4%}", "architecture": describe(axes)}
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


if __name__ == "__main__":
    sys.exit(main())
