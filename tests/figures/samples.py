"""Made-up studies for tests of figures and pages: the shape of real ones, in no time."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime, timedelta

from mixnas.objectives import OBJECTIVES, Objective
from mixnas.pareto import FrontTracker
from mixnas.records import Candidate, EpochRecord, Fidelity, FrontPoint, Measurement, Trial
from mixnas.store import Store

ACC_PARAMS = (OBJECTIVES["acc"], OBJECTIVES["params"])
ALL_THREE = (*ACC_PARAMS, OBJECTIVES["macs"])
REFERENCE = {"acc": 0.0, "params": 1e6, "macs": 1e9}
EPOCHS = 8
START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def axes(rng: random.Random) -> Candidate:
    base: Candidate = {
        "width": rng.choice([16, 32, 64, 96, 128, 256]), "depth": rng.randrange(2, 9), "patch_size": rng.choice([1, 2]),
        "kernel_size": rng.choice([3, 5, 7]), "activation": "gelu", "norm": "batch",
        "spatial": rng.choice(["separable", "depthwise"]), "channel": rng.choice(["dense", "overlap", "disjoint"]),
    }  # fmt: skip
    if base["channel"] == "overlap":
        base |= {"channel.ratio": "2/3", "channel.mixes": "one", "channel.shared": False}
    return base


def costs(a: Candidate) -> tuple[float, float]:
    width, depth = int(a["width"]), int(a["depth"])
    mixing = {"dense": 1.0, "overlap": 0.45, "disjoint": 0.3}[str(a["channel"])]
    params = depth * (width * width * mixing + 2 * width * int(a["kernel_size"])) + 40 * width
    return float(int(params)), float(int(params * 64 / int(a["patch_size"]) ** 2))


def curve(final: float, rng: random.Random) -> tuple[EpochRecord, ...]:
    points = []
    for epoch in range(1, EPOCHS + 1):
        acc = final * (1 - 0.75 * math.exp(-0.8 * epoch)) + rng.gauss(0, 0.006)
        points.append(EpochRecord(epoch, 2.3 * math.exp(-0.4 * epoch), {"acc": min(max(acc, 0), 1)}, 0.4))
    return tuple(points)


def sample_trials(
    count: int = 60, seed: int = 0, study: str = "sample"
) -> tuple[list[Trial], dict[int, tuple[EpochRecord, ...]]]:
    """Trials with curves; every tenth failed, the last one still running."""
    rng = random.Random(seed)
    trials, curves, clock = [], {}, START
    for number in range(count):
        chosen = axes(rng)
        params, macs = costs(chosen)
        seconds = 1.0 + macs / 2e6
        final = 0.985 - 0.45 * math.exp(-params / 4000) - abs(rng.gauss(0, 0.035))
        curves[number] = curve(final, rng)
        values = {"acc": curves[number][-1].metrics["acc"], "params": params, "macs": macs}
        state, reason = "finished", ""
        if number % 10 == 9:
            state, values, reason = "failed", {}, "non_finite_loss"
        begun, clock = clock, clock + timedelta(seconds=seconds)
        trials.append(
            Trial(
                study, number, f"{rng.getrandbits(64):016x}", chosen, state, values, Fidelity(EPOCHS, 0), "random",  # type: ignore[arg-type]
                reason, "", 1, begun.isoformat(), clock.isoformat(), seconds,
            )
        )  # fmt: skip
    return trials, curves


def sample_fronts(trials: list[Trial], objectives: tuple[Objective, ...]) -> list[FrontPoint]:
    """The history of the front, as a search records it."""
    tracker = FrontTracker(objectives, {o.name: REFERENCE[o.name] for o in objectives})
    return [tracker.add(t.number, t.values) for t in trials if t.state == "finished"]


def fill(store: Store, study: str, count: int = 60, objectives: tuple[Objective, ...] = ACC_PARAMS) -> list[Trial]:
    """Adds a study with `count` made-up trials as a search would, and returns them as the store reads them back."""
    trials, curves = sample_trials(count, study=study)
    add_study(store, study, objectives)
    tracker = FrontTracker(objectives, {o.name: REFERENCE[o.name] for o in objectives})
    for trial in trials:
        store.start_trial(
            study, trial.number, trial.digest, "splitmixer", trial.axes, trial.fidelity, problem_key="digits",
            costs={}, source=trial.source, owner="test", lease_seconds=60.0,
        )  # fmt: skip
        finished = trial.state == "finished"
        point = tracker.add(trial.number, trial.values) if finished else None
        outcome = Measurement(
            "finished" if finished else "failed", trial.values, curves[trial.number], trial.seconds, reason=trial.reason
        )
        store.finish_trial(study, trial.number, 1, outcome, trial.values, point)
    store.count(study, "duplicate", "seen before", 13)
    store.count(study, "refused", "params <= 300k", 41)
    return store.trials(study)


def add_study(store: Store, study: str, objectives: tuple[Objective, ...] = ACC_PARAMS) -> None:
    """Adds a study without trials."""
    spec = {"objectives": [o.name for o in objectives], "space": "splitmixer", "dataset": "digits", "epochs": EPOCHS}
    store.create_study(study, spec, {}, {})
