"""What `mixnas.noise` takes for granted about seeds, looked at in the tables of real trainings.

    python tests/benchmarks/check_noise.py [TABLE ...]

Two seeds of each candidate say three things: how far seeds are apart at each level of accuracy, as it stands and on the
scale arcsin(sqrt(x)); whether one seed is luckier than the other, or makes similar architectures lucky together, which
would be reasons to pair them; and how often two seeds of one architecture would be called different at 95 %.
"""

from __future__ import annotations

import itertools
import math
import sys

import numpy as np
import numpy.typing as npt

from mixnas.noise import to_scale
from mixnas.objectives import OBJECTIVES
from mixnas.statistics import Spread, pooled
from mixnas.table.find import find_table
from mixnas.table.table import Table

LEVELS = (0.80, 0.90, 0.95, 0.97, 0.98, 0.99, 1.001)
ACC = OBJECTIVES["acc"]

Numbers = npt.NDArray[np.float64]


def accuracies(table: Table) -> tuple[Numbers, list[dict[str, object]]]:
    """`[N, 2]` of the candidates of which both trainings finished, and these candidates."""
    both = table.finished[:, :2].all(axis=1)
    values = table.metrics[table.header.metrics.index("acc"), :, :2, -1]
    return values[both], [dict(axes) for axes, kept in zip(table.candidates, both, strict=True) if kept]


def together(differences: Numbers, candidates: list[dict[str, object]]) -> tuple[float, float]:
    """The correlation of the seeds' differences between candidates that differ in one axis, and its standard error."""
    names = sorted({name for axes in candidates for name in axes})
    rows = np.array([[str(axes.get(name)) for name in names] for axes in candidates])
    products = [
        differences[i] * differences[j]
        for i in range(len(rows))
        for j in np.flatnonzero((rows != rows[i]).sum(axis=1) == 1)
        if j > i
    ]
    share = np.array(products) / np.mean(differences**2)
    return float(share.mean()), float(share.std() / math.sqrt(len(share)))


def report(name: str) -> None:
    """Prints what one table says."""
    acc, candidates = accuracies(find_table(name))
    angles = np.vectorize(lambda value: to_scale(ACC, float(value)))(acc)
    raw, scaled = pooled(acc.tolist()), pooled(angles.tolist())
    assert raw is not None and scaled is not None
    gaps = angles[:, 1] - angles[:, 0]
    print(f"{name}: {len(acc)} architectures x 2 seeds")  # noqa: T201
    print(f"  {'accuracy':>14} {'n':>4}  {'sd of acc':>9}  {'sd on scale':>11}  called different: raw, scaled")  # noqa: T201
    for low, high in itertools.pairwise(LEVELS):
        inside = (acc.mean(axis=1) >= low) & (acc.mean(axis=1) < high)
        if inside.sum() < 10:
            continue
        here = [pooled(values[inside].tolist()) for values in (acc, angles)]
        called = [np.mean(np.abs(np.diff(v[inside])) > s.margin(1, 1)) for v, s in ((acc, raw), (angles, scaled))]
        sds = [spread.sd if isinstance(spread, Spread) else math.nan for spread in here]
        print(  # noqa: T201
            f"  {low:.2f} to {min(high, 1.0):.2f} {inside.sum():>4}  {sds[0]:>9.4f}  {sds[1]:>11.4f}"
            f"  {called[0]:>21.1%}, {called[1]:.1%}"
        )
    t = gaps.mean() / gaps.std(ddof=1) * math.sqrt(len(gaps))
    print(f"  one seed luckier than the other: t = {t:.2f} of {len(gaps) - 1} degrees of freedom")  # noqa: T201
    mean, error = together(gaps, candidates)
    print(f"  lucky together with what differs in one axis: correlation {mean:.3f} +- {error:.3f}")  # noqa: T201


if __name__ == "__main__":
    for table in sys.argv[1:] or ("splitmixer-digits", "wavemix-digits"):
        report(table)
