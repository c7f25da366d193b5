"""Measures a candidate by training it, on one thread: what comes out is then the same in every executor."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from mixnas.checkpoint import Checkpoint
from mixnas.data import load_splits
from mixnas.describe import format_bytes
from mixnas.environment import machine_memory
from mixnas.evaluators import Report
from mixnas.models import family
from mixnas.recipe import Recipe, resolve_augment
from mixnas.records import EpochRecord, Job, Measurement
from mixnas.training import Training, derived_seed, fit, seeded


def evaluate(job: Job, report: Report) -> Measurement:
    """Trains the job's candidate on the training part and measures it on the validation part; no test image is read.

    `metrics` are those of the last epoch, never of the best one, and `train_seconds`. One thread and the same job
    give the same curve again, in one go or in several: a job with a `checkpoint` goes on from it, keeps it up to date
    after each epoch where that costs little, and pauses at `until`. Only the epochs of this go are reported. Whatever
    goes wrong is raised; `mixnas.evaluators.run` makes it an outcome.
    """
    started = time.perf_counter()
    with one_thread():
        curve, warning = _train(job, report)
    metrics = {**curve[-1].metrics, "train_seconds": sum(record.seconds for record in curve)}
    paused = curve[-1].epoch < job.fidelity.epochs
    if not paused:
        metrics |= _timed(job)
    seconds = time.perf_counter() - started
    return Measurement("paused" if paused else "finished", metrics, curve, seconds, job.device, detail=warning)


def _timed(job: Job) -> dict[str, float]:
    """What the job asks to be timed, on one thread; the spread goes by the name `latency_spread`."""
    from mixnas.cost.latency import measure

    found: dict[str, float] = {}
    for name in job.measure:
        timing = measure(name, job.family, job.axes, job.problem, device=job.device)
        found |= {name: timing.value, f"{name}_spread": timing.spread}
    return found


@contextmanager
def one_thread() -> Iterator[None]:
    """One torch thread inside the block. More of them make models for small images slower, and sums differ."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _train(job: Job, report: Report) -> tuple[tuple[EpochRecord, ...], str]:
    """The curve from epoch 1 on, and what was wrong with the checkpoint."""
    splits = load_splits(job.dataset, job.split_seed, job.data_dir)
    recipe = resolve_augment(Recipe.from_dict(job.recipe), job.dataset)
    _require_room(job)
    checkpoint = Checkpoint(job)
    with seeded(derived_seed(job.fidelity.seed, "init"), job.device):
        training = Training(
            family(job.family).build(job.axes, job.problem),
            job.problem,
            splits.train,
            splits.normalisation,
            recipe,
            epochs=job.fidelity.epochs,
            seed=job.fidelity.seed,
            device=job.device,
        )
        curve = list(checkpoint.load(training))

        def keep_and_report(record: EpochRecord) -> None:
            curve.append(record)
            checkpoint.keep_now_and_then(training, curve)
            report(record)

        fit(training, splits.validation, keep_and_report, until=job.until)
        if training.epoch < training.epochs:
            checkpoint.keep(training, curve)
    return tuple(curve), checkpoint.warning


def _require_room(job: Job) -> None:
    """Refuses a model that cannot fit into this machine, before anything of it is allocated.

    Raises:
        MemoryError: its weights, their gradients and the two moments of AdamW are larger than the machine's memory.
    """
    needed, there = 4 * 4 * int(family(job.family).params(job.axes, job.problem)), machine_memory()
    if torch.device(job.device).type == "cpu" and needed > there:
        raise MemoryError(
            f"weights, gradients and optimiser state need {format_bytes(needed)}, this machine has "
            f"{format_bytes(there)}; a --constraint on memory refuses such candidates untrained"
        )
