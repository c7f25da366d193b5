"""What keeping checkpoints costs a training: the same ones with and without, turn about, in one run.

    python tests/benchmarks/bench_checkpoint.py [--pairs 5]

Nothing is asserted.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from dataclasses import replace

from mixnas.evaluator import evaluate
from mixnas.records import Fidelity, Job, Problem

MODELS = {"width 8, depth 2": (8, 2, 8), "width 64, depth 8": (64, 8, 2)}
"""Width, depth and epochs."""


def job(width: int, depth: int, epochs: int) -> Job:
    axes = {"width": width, "depth": depth, "patch_size": 1, "kernel_size": 3, "channel": "dense"}
    return Job("bench", 0, 1, "splitmixer", axes, Problem.square(8, 1, 10), "digits", Fidelity(epochs, 0))


def cpu_seconds(one: Job) -> float:
    started = time.process_time()
    evaluate(one, lambda record: None)
    return time.process_time() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=5)
    pairs = parser.parse_args().pairs
    evaluate(job(8, 2, 1), lambda record: None)  # loads what the first training loads
    for name, (width, depth, epochs) in MODELS.items():
        ratios, plain = [], job(width, depth, epochs)
        for _ in range(pairs):
            with tempfile.TemporaryDirectory() as folder:
                kept = cpu_seconds(replace(plain, checkpoint=f"{folder}/0.pt"))
            ratios.append(kept / cpu_seconds(plain))
        low, middle, high = min(ratios), statistics.median(ratios), max(ratios)
        print(f"{name:18}  with checkpoints / without: {middle:.3f} ({low:.3f} to {high:.3f})")  # noqa: T201


if __name__ == "__main__":
    main()
