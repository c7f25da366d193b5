"""How fast peak memory is predicted: on a shuffled stream of splitmixer candidates, beside a full trace of each.

    OMP_NUM_THREADS=1 python tests/benchmarks/bench_memory.py [--stream 3000] [--traced 20]

A prediction needs one trace a structure (kinds of layers, not sizes) and, for blocks that take turns, a depth; then it
puts sizes in. So the first candidates are slow and later ones are not: the stream is reported in parts, each with the
share that needed no new trace. Draws are from the space, so the mixture is that of a random search.
"""

from __future__ import annotations

import argparse
import random
import sys
import time

import torch

from mixnas.cost import memory
from mixnas.cost.memory import Setup, traced_memory, training_memory
from mixnas.records import Problem
from mixnas.space import load_space


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stream", type=int, default=3000)
    parser.add_argument("--traced", type=int, default=20)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    problem, setup, write = Problem(), Setup(), sys.stdout.write
    stream = list(load_space("splitmixer").sample_many(random.Random(0), arguments.stream))
    traced_memory("splitmixer", stream[0], problem, setup)  # imports and first calls

    write(f"training memory of splitmixer candidates, {problem.key()}, batch 32, fp32, torch {torch.__version__}\n")
    start = time.perf_counter()
    expected = [traced_memory("splitmixer", axes, problem, setup) for axes in stream[: arguments.traced]]
    full = arguments.traced / (time.perf_counter() - start)
    write(f"  full trace of each      {full:>9,.1f} /s   ({arguments.traced} candidates)\n")
    parts = [(0, 100), (100, 300), (300, 1000), (1000, arguments.stream)]
    found: list[int] = []
    for first, last in parts:
        before = memory._probed.cache_info().misses + memory._traced.cache_info().misses
        start = time.perf_counter()
        found += [training_memory("splitmixer", axes, problem, setup) for axes in stream[first:last]]
        seconds = time.perf_counter() - start
        new = memory._probed.cache_info().misses + memory._traced.cache_info().misses - before
        hits = 1 - new / (last - first)
        write(
            f"  candidates {first:>5,} to {last:>5,} {(last - first) / seconds:>8,.1f} /s   "
            f"{hits:.1%} without a new trace\n"
        )
    again = list(stream)
    random.Random(1).shuffle(again)
    start = time.perf_counter()
    for axes in again:
        training_memory("splitmixer", axes, problem, setup)
    rate = len(again) / (time.perf_counter() - start)
    write(f"  the same, shuffled      {rate:>9,.1f} /s   every trace known; {rate / full:,.0f} times a full trace\n")
    write(f"  equal to full traces    {'yes' if found[: arguments.traced] == expected else 'NO'}\n")
    return 0 if found[: arguments.traced] == expected else 1


if __name__ == "__main__":
    sys.exit(main())
