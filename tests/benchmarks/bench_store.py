"""How long the store takes for a trial, and to read a long study; Optuna's own storage beside it in the same run.

python tests/benchmarks/bench_store.py [--trials 5000] [--without-optuna]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from mixnas.records import EpochRecord, Fidelity, FrontPoint, Measurement
from mixnas.store import Store

CURVE = tuple(EpochRecord(epoch, 1 / epoch, {"acc": 1 - 1 / (epoch + 1)}, 0.5) for epoch in range(1, 13))
DONE = Measurement("finished", {"acc": 0.9}, CURVE, seconds=6.0)
CHECKPOINTS = (100, 1000, 5000)


def add_trial(store: Store, number: int) -> None:
    store.start_trial(
        "bench",
        number,
        f"{number:016x}",
        "splitmixer",
        {"width": 64, "depth": 4, "channel": "overlap", "channel.ratio": "2/3", "channel.shared": True, "n": number},
        Fidelity(12, 0),
        problem_key="classification-1x8x8-10",
        costs={"params": 20_000 + number, "macs": 1e6},
        source="sampler",
        owner="bench:1",
        lease_seconds=60,
        sampler_state={"generation": number},
    )
    front = FrontPoint(number, number + 1, 0.5, tuple(range(20)))
    store.finish_trial("bench", number, 1, DONE, {"acc": 0.9, "params": 20_000.0 + number}, front)


def seconds(function: Callable[[], object]) -> float:
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def bench_store(folder: Path, trials: int) -> dict[int, float]:
    """Milliseconds per trial (start and finish with a 12-epoch curve) over the last 100 before each checkpoint."""
    per_trial: dict[int, float] = {}
    with Store.open(f"sqlite:///{folder}/store.db", create=True) as store:
        store.create_study("bench", {}, {}, {})
        for number in range(trials):
            if number + 100 in CHECKPOINTS or number == trials - 100:
                started = time.perf_counter()
            add_trial(store, number)
            if number + 1 in CHECKPOINTS or number + 1 == trials:
                per_trial[number + 1] = (time.perf_counter() - started) * 10
                report(store, number + 1, per_trial[number + 1])
        one = 1000 * seconds(lambda: [store.count("bench", "refused", "params <= 1k") for _ in range(200)]) / 200
        write(f"count() one refusal              {one:8.2f} ms")
    size = (folder / "store.db").stat().st_size
    write(f"file                             {size / 1e6:8.1f} MB, {size / trials / 1e3:.1f} kB a trial")
    return per_trial


def report(store: Store, trials: int, per_trial: float) -> None:
    write(f"start + finish at {trials:5d} trials   {per_trial:8.2f} ms a trial")
    for name in ("trials", "curves", "fronts", "counts", "sampler_states"):
        taken = min(seconds(lambda name=name: getattr(store, name)("bench")) for _ in range(3))
        write(f"  {name + '()':30s} {1000 * taken:8.1f} ms")


def bench_optuna(folder: Path, trials: int) -> float:
    """Milliseconds per trial of plain Optuna: ask, five parameters, four attributes, tell; random sampler."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    url = f"sqlite:///{folder}/optuna.db"
    study = optuna.create_study(
        storage=url, directions=["maximize", "minimize"], sampler=optuna.samplers.RandomSampler(seed=0)
    )

    def one() -> None:
        trial = study.ask()
        for name in "abcde":
            trial.suggest_int(name, 0, 9)
        for name in ("digest", "source", "params", "macs"):
            trial.set_user_attr(name, 1)
        study.tell(trial, [0.9, 20_000.0])

    return 1000 * seconds(lambda: [one() for _ in range(trials)]) / trials


def write(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=5000)
    parser.add_argument("--without-optuna", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        ours = bench_store(Path(name), options.trials)
        first, last = ours[min(ours)], ours[max(ours)]
        write(f"growth from {min(ours)} to {max(ours)} trials: {last / first:.2f}x")
        if not options.without_optuna:
            theirs = bench_optuna(Path(name), 100)
            write(f"plain Optuna's storage, 100 trials {theirs:6.2f} ms a trial: {theirs / first:.1f} times ours")


if __name__ == "__main__":
    main()
