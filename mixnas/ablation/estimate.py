"""What an ablation will take before it starts: runs, multiply-accumulates, and time from what was measured."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mixnas.ablation.arms import Arm
from mixnas.ablation.experiment import Experiment
from mixnas.describe import short_number
from mixnas.store import Store

BACKWARD = 3
"""A training step is taken for three forward passes: itself, and twice as much for the gradients."""
MOST_TRIALS = 200
"""Earlier runs that are looked at, the newest."""
STEPS = 3
"""Steps that are timed where there is no earlier run."""


@dataclass(frozen=True)
class Forecast:
    """What is to come."""

    runs: int
    reused: int
    """Runs that the study has already."""
    macs: float
    """Of all that is to be run, forward and backward; 0 where the number of images is not known."""
    seconds: float | None
    """Estimated, for the workers together; None where nothing was measured."""
    basis: str
    """Where the time comes from."""

    def lines(self) -> list[str]:
        """For the screen."""
        new = self.runs - self.reused
        lines = [
            f"{self.runs} runs, {self.reused} of them in the study already" if self.reused else f"{self.runs} runs"
        ]
        if new and self.macs:
            lines.append(f"{short_number(self.macs)} multiply-accumulates ({BACKWARD} x MACs x images x epochs)")
        if new:
            lines.append(f"about {_duration(self.seconds)} ({self.basis})" if self.seconds else self.basis)
        return lines


def forecast(experiment: Experiment, storage: str, workers: int, *, measure: bool = True) -> Forecast:
    """Counts what is left to run and estimates how long it takes.

    Args:
        measure: time a few steps of the cheapest and the most expensive arm, where no earlier run tells.
    """
    store = _existing(storage)
    try:
        left = _left(experiment, store)
        images = _images(experiment)
        epochs = experiment.spec.epochs
        macs = float(BACKWARD * images * epochs * sum(arm.costs["macs"] for arm in left))
        fit, basis = _seconds_per_epoch(experiment, store, measure and bool(left))
    finally:
        if store is not None:
            store.close()
    seconds = sum(fit[0] + fit[1] * arm.costs["macs"] for arm in left) * epochs / max(workers, 1) if fit else None
    return Forecast(experiment.runs, experiment.runs - len(left), macs, seconds, basis)


def _existing(storage: str) -> Store | None:
    if storage.startswith("sqlite:///") and not Path(storage.removeprefix("sqlite:///")).exists():
        return None
    return Store.open(storage)


def _left(experiment: Experiment, store: Store | None) -> list[Arm]:
    """One arm for each run that is still to be done."""
    done: set[tuple[str, int]] = set()
    if store is not None and store.has_study(experiment.spec.name):
        ended = (t for t in store.trials(experiment.spec.name) if t.state in ("finished", "failed"))
        done = {(t.digest, t.fidelity.seed) for t in ended if t.fidelity.epochs == experiment.spec.epochs}
    return [arm for seed in experiment.seeds for arm in experiment.arms if (arm.digest, seed) not in done]


def _images(experiment: Experiment) -> int:
    """Training images, where the evaluator reads them; 0 where it does not."""
    if experiment.spec.evaluator != "train":
        return 0
    from mixnas.data import load_splits

    return len(load_splits(experiment.spec.dataset, experiment.spec.split_seed, experiment.spec.data_dir).train)


def _seconds_per_epoch(
    experiment: Experiment, store: Store | None, measure: bool
) -> tuple[tuple[float, float] | None, str]:
    """Seconds of an epoch as a + b x MACs, and where that comes from."""
    if store is not None and (points := _earlier(experiment, store)):
        return _line(points), f"from {len(points)} earlier runs on {experiment.spec.dataset} in this database"
    if experiment.spec.evaluator != "train":
        return None, f"how long evaluator {experiment.spec.evaluator} takes is not known"
    if not measure:
        return None, "time not estimated"
    ordered = sorted(experiment.arms, key=lambda arm: arm.costs["macs"])
    chosen = [ordered[0], ordered[-1]] if ordered[0].costs["macs"] < ordered[-1].costs["macs"] else [ordered[0]]
    points = [(float(arm.costs["macs"]), time_epoch(experiment, arm)) for arm in chosen]
    return _line(points), f"from {STEPS} steps of {' and '.join(arm.label for arm in chosen)}, timed now on one thread"


def _earlier(experiment: Experiment, store: Store) -> list[tuple[float, float]]:
    """(MACs, seconds of an epoch) of runs on the same data by the same evaluator and batch size."""
    spec, key, points = experiment.spec, experiment.problem.key(), []
    for name in store.study_names():
        other: Mapping[str, object] = store.study(name).spec
        recipe = other.get("recipe")
        batch = recipe.get("batch_size") if isinstance(recipe, Mapping) else None
        same = (other.get("dataset"), other.get("evaluator"), batch)
        if same != (spec.dataset, spec.evaluator, spec.recipe.batch_size):
            continue
        for trial in store.trials(name, "finished")[-MOST_TRIALS:]:
            macs = trial.values.get("macs") or store.costs(trial.digest, key).get("macs")
            if macs and trial.seconds:
                points.append((float(macs), trial.seconds / trial.fidelity.epochs))
    return points[-MOST_TRIALS:]


def _line(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """a and b of seconds = a + b x MACs; the median where a line would fall or begin below 0."""
    macs, seconds = (np.array(column, float) for column in zip(*points, strict=True))
    if len(set(macs)) > 1:
        slope, start = np.polyfit(macs, seconds, 1)
        if slope >= 0 and start >= 0:
            return float(start), float(slope)
    return float(np.median(seconds)), 0.0


def time_epoch(experiment: Experiment, arm: Arm) -> float:
    """Seconds of one epoch of an arm, from a few steps after one that is not counted."""
    import torch

    from mixnas.data import load_splits
    from mixnas.data.splits import Part
    from mixnas.evaluator import one_thread
    from mixnas.models import family
    from mixnas.recipe import resolve_augment
    from mixnas.training import Training, seeded

    spec = experiment.spec
    splits = load_splits(spec.dataset, spec.split_seed, spec.data_dir)
    batch = min(spec.recipe.batch_size, len(splits.train))
    few = Part(splits.train.images[: STEPS * batch], splits.train.targets[: STEPS * batch])
    recipe = resolve_augment(spec.recipe, spec.dataset)
    with one_thread(), seeded(0, "cpu"), torch.random.fork_rng():
        model = family(experiment.space.family).build(arm.axes, experiment.problem)
        training = Training(model, experiment.problem, few, splits.normalisation, recipe, epochs=2, seed=0)
        training.run_epoch()
        started = time.perf_counter()
        training.run_epoch()
        seconds = time.perf_counter() - started
    return seconds / (len(few) // batch) * (len(splits.train) // batch)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(seconds, 1):.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
