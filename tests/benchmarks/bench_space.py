"""How fast a space enumerates, samples and names candidates, on one core, with peers in the same run.

    python tests/benchmarks/bench_space.py [SPACE]

The peers draw from the same axes: a loop that draws by `random.choice` and works the rules out without any cache, and
Optuna's RandomSampler through `SearchSpace.walk`. The target is 50,000 candidates a second.
"""
# ruff: noqa: T201

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from itertools import islice, pairwise
from typing import Any

import numpy as np

from mixnas.space import Expression, Parameter, SearchSpace, load_space

TARGET = 50_000


def rate(what: str, count: int, run: Callable[[], Any]) -> float:
    """Candidates a second, the best of three runs."""
    best = 0.0
    for _ in range(3):
        start = time.perf_counter()
        run()
        best = max(best, count / (time.perf_counter() - start))
    print(f"  {what:<38} {best:>12,.0f} /s")
    return best


def drain(space: SearchSpace, count: int) -> int:
    """Enumerates that many candidates."""
    return sum(1 for _ in islice(space.enumerate(), count))


def naive(space: SearchSpace, rng: random.Random, count: int) -> None:
    """Draws by hand until every rule passes; nothing cached, nothing canonical."""
    forbidden = [
        Expression.parse(r.condition, {*space.context, *axes(space)}) for r in space.rules if r.kind == "forbid"
    ]
    found = 0
    while found < count:
        values = {**space.context, **space.walk(lambda p: rng.choice(p.values or ()))}
        found += not any(expression.holds(values) for expression in forbidden)


def axes(space: SearchSpace) -> set[str]:
    """The names of all axes."""
    return {p.axis for p in space.parameters().values()}


def optuna_draws(space: SearchSpace, count: int) -> None:
    """That many raw draws of Optuna's RandomSampler, rules unseen."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(0))
    for _ in range(count):
        trial = study.ask()

        def suggest(parameter: Parameter, trial: Any = trial) -> Any:
            return trial.suggest_categorical(parameter.name, parameter.values)

        space.walk(suggest)


def main() -> None:
    """Runs everything on one space."""
    space = load_space(sys.argv[1] if len(sys.argv) > 1 else "splitmixer").given(image_size=32)
    start = time.perf_counter()
    size = space.size()
    print(f"{space.name}: {size:,} candidates, counted in {1000 * (time.perf_counter() - start):.1f} ms")
    count = min(int(size), 50_000)
    python, generator = random.Random(0), np.random.default_rng(0)
    candidates = space.sample_many(python, 2000)
    listed = rate("enumerate", count, lambda: drain(space, count))
    drawn = rate("sample (random.Random)", 50_000, lambda: space.sample_many(python, 50_000))
    rate("sample (numpy Generator)", 50_000, lambda: space.sample_many(generator, 50_000))
    rate("mutate", 2000, lambda: [space.mutate(c, python) for c in candidates])
    rate(
        "crossover",
        1999,
        lambda: [space.crossover(a, b, python) for a, b in pairwise(candidates)],
    )
    rate("canonical", 2000, lambda: [space.canonical(c) for c in candidates])
    rate("digest", 2000, lambda: [space.digest(c) for c in candidates])
    by_hand = rate("peer: drawn by hand, no cache", 100, lambda: naive(space, python, 100))
    peer = rate("peer: Optuna RandomSampler, no rules", 100, lambda: optuna_draws(space, 100))
    slower = min(listed, drawn)
    print(f"  sample is {drawn / by_hand:.0f} x by hand and {drawn / peer:.0f} x Optuna's")
    print(
        f"  target {TARGET:,} /s for enumerate and sample: {'met' if slower >= TARGET else 'MISSED'} ({slower:,.0f} /s)"
    )


if __name__ == "__main__":
    main()
