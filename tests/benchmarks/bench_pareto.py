"""Fronts and hypervolume against Optuna's, side by side in one run: python tests/benchmarks/bench_pareto.py"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from optuna._hypervolume.wfg import compute_hypervolume
from optuna.study._multi_objective import _is_pareto_front

from mixnas import pareto


def seconds(call: Callable[[], Any], repeats: int = 5) -> float:
    """The best of some runs."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def compare(label: str, ours: Callable[[], Any], optunas: Callable[[], Any]) -> None:
    a, b = seconds(ours), seconds(optunas)
    print(f"{label:38} ours {a * 1e3:9.2f} ms   optuna {b * 1e3:9.2f} ms   ratio {b / a:6.2f}")  # noqa: T201


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    for kind, draw in (("random", lambda n, m: rng.random((n, m))), ("all on the front", lambda n, m: rng.dirichlet(
            np.ones(m), n))):  # fmt: skip
        for n, m in ((5000, 2), (5000, 4)):
            rows = draw(n, m)
            compare(f"front of {n} x {m}, {kind}", lambda rows=rows: pareto.nondominated(rows),
                    lambda rows=rows: _is_pareto_front(rows, assume_unique_lexsorted=False))  # fmt: skip
    for n, m in ((1000, 2), (200, 3), (60, 4)):
        rows, corner = rng.dirichlet(np.ones(m), n), np.ones(m)
        compare(f"hypervolume of {n} x {m}", lambda rows=rows, corner=corner: pareto.hypervolume(rows, corner),
                lambda rows=rows, corner=corner: compute_hypervolume(rows, corner))  # fmt: skip
