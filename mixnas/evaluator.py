"""Measures a candidate by training it. A failure is an outcome, not an error."""

from __future__ import annotations

import time
import traceback
from dataclasses import replace

import torch

from mixnas.data import dataset, load_splits
from mixnas.evaluators import Report
from mixnas.models import family
from mixnas.recipe import Recipe
from mixnas.records import EpochRecord, Job, Measurement
from mixnas.training import NonFiniteLoss, Training, derived_seed, fit, seeded


def evaluate(job: Job, report: Report) -> Measurement:
    """Trains the job's candidate on the training part and measures it on the validation part; no test image is read.

    `metrics` are those of the last epoch, never of the best one, and `train_seconds`. One thread and the same job
    give the same curve again.
    """
    started = time.perf_counter()
    curve: list[EpochRecord] = []
    outside: list[BaseException] = []

    def keep_and_report(record: EpochRecord) -> None:
        curve.append(record)
        try:
            report(record)
        except BaseException as error:
            outside.append(error)
            raise

    try:
        _train(job, keep_and_report)
    except Exception as error:
        if outside:
            raise
        return _failed(error, job, tuple(curve), time.perf_counter() - started)
    metrics = {**curve[-1].metrics, "train_seconds": sum(record.seconds for record in curve)}
    return Measurement("finished", metrics, tuple(curve), time.perf_counter() - started, job.device)


def _train(job: Job, report: Report) -> None:
    splits = load_splits(job.dataset, job.split_seed, job.data_dir)
    recipe = resolve_augment(Recipe.from_dict(job.recipe), job.dataset)
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
        fit(training, splits.validation, report)


def resolve_augment(recipe: Recipe, dataset_name: str) -> Recipe:
    """The recipe with `augment="dataset"` replaced by what the data set's record recommends."""
    if recipe.augment != "dataset":
        return recipe
    return replace(recipe, augment=dataset(dataset_name).augment)


def _failed(error: Exception, job: Job, curve: tuple[EpochRecord, ...], seconds: float) -> Measurement:
    first_line = (str(error) or type(error).__name__).strip().splitlines()[0]
    reason = _reason(error)
    return Measurement(
        outcome="failed",
        curve=curve,
        seconds=seconds,
        device=job.device,
        reason=reason,
        detail=f"{type(error).__name__}: {first_line}" if reason == "exception" else first_line,
        traceback="".join(traceback.format_exception(error)),
    )


def _reason(error: Exception) -> str:
    """One of the words of `mixnas.records.FAILURES`."""
    if isinstance(error, NonFiniteLoss):
        return "non_finite_loss"
    # torch's CPU allocator raises a plain RuntimeError.
    if isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error):
        return "out_of_memory"
    return "exception"
