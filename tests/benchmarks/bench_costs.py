"""How fast candidates are costed: closed forms from arrays and one at a time, beside fvcore on the same candidates.

    OMP_NUM_THREADS=1 python tests/benchmarks/bench_costs.py [--candidates 200000] [--counted 60]

Everything is timed in this one process on one thread. "fvcore" builds the model, counts its parameters and traces it
once: what costs a candidate without a closed form. Each figure is the best of three goes, except fvcore's one.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from mixnas.cost.check import count
from mixnas.models.families.splitmixer import FAMILY, axes_of
from mixnas.models.splitmixer import SplitMixerConfig
from mixnas.models.splitmixer_costs import DEFAULTS
from mixnas.records import Candidate, Problem


def draw(rng: random.Random) -> Candidate:
    """A random valid member of the family, of the sizes that a search looks at."""
    channel = rng.choice(("dense", "overlap", "disjoint"))
    mixes, segments = rng.choice(("one", "all")), rng.choice((2, 4, 8))
    shared = mixes == "all" and rng.random() < 0.5
    return axes_of(
        {
            "norm": rng.choice(("batch", "layer")),
            "spatial": rng.choice(("separable", "depthwise")),
            "channel": channel,
            "channel.ratio": rng.choice(("2/3", "3/5", "4/7", "5/9", "6/11")),
            "channel.segments": segments,
            "channel.mixes": mixes,
            "channel.shared": shared,
            "channel.operator": "conv3d" if shared and rng.random() < 0.5 else "pointwise",
        },
        width=rng.choice((32, 48, 64, 96, 128, 192, 256)),
        depth=rng.choice((2, 4, 6, 8, 10, 12)),
        patch_size=rng.choice((1, 2, 4)),
        kernel_size=rng.choice((3, 5, 7, 9)),
    )


def columns(candidates: list[Candidate]) -> dict[str, np.ndarray[Any, Any]]:
    """One column an axis; inactive entries hold the axis' default."""
    return {name: np.array([axes.get(name, default) for axes in candidates]) for name, default in DEFAULTS.items()}


def rate(work: Callable[[], object], amount: int, goes: int = 3) -> float:
    """Candidates a second, the best of some goes."""
    seconds = []
    for _ in range(goes):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return amount / min(seconds)


def counted(axes: Candidate, problem: Problem) -> tuple[int, int]:
    """Parameters and MACs from the built model."""
    model = FAMILY.build(axes, problem)
    return sum(p.numel() for p in model.parameters()), count(model, problem.input).total


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--candidates", type=int, default=200_000)
    parser.add_argument("--counted", type=int, default=60, help="how many of them fvcore counts")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rng, problem = random.Random(0), Problem()
    candidates = [draw(rng) for _ in range(arguments.candidates)]
    for axes in candidates[:1000]:
        SplitMixerConfig.from_axes(axes)
    table, some = columns(candidates), candidates[: arguments.counted]

    def from_arrays() -> tuple[Any, Any]:
        return FAMILY.params(table, problem), FAMILY.macs(table, problem)

    def one_at_a_time(rows: list[Candidate]) -> list[tuple[Any, Any]]:
        return [(FAMILY.params(axes, problem), FAMILY.macs(axes, problem)) for axes in rows]

    start = time.perf_counter()
    expected = [counted(axes, problem) for axes in some]
    fvcore = len(some) / (time.perf_counter() - start)
    arrays = rate(from_arrays, len(candidates))
    single = rate(lambda: one_at_a_time(candidates[:20_000]), min(20_000, len(candidates)))
    same = rate(lambda: one_at_a_time(some), len(some))
    agree = (
        one_at_a_time(some) == expected
        and [(int(p), int(m)) for p, m in zip(*(c[: len(some)] for c in from_arrays()), strict=True)] == expected
    )

    write = sys.stdout.write
    write(f"params + MACs of splitmixer candidates, {problem.key()}, one thread, torch {torch.__version__}\n")
    write(f"  from arrays    {arrays:>12,.0f} candidates/s   ({len(candidates):,} at once)\n")
    write(f"  one at a time  {single:>12,.0f} candidates/s\n")
    write(f"  fvcore         {fvcore:>12,.1f} candidates/s   ({len(some)} of the same, built and traced)\n")
    ratios = f"{same / fvcore:,.0f} one at a time, {arrays / fvcore:,.0f} from arrays"
    write(f"  ratio to fvcore on the same {len(some)}: {ratios}\n")
    write(f"  all {len(some)} agree exactly: {'yes' if agree else 'NO'}\n")
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main())
