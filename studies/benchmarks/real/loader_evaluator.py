"""Trains a candidate of a search as the peer does, batch by batch out of a DataLoader, to see what that costs.

mixnas search --space splitmixer --objective acc,params --evaluator studies.benchmarks.real.loader_evaluator:evaluate
"""

from __future__ import annotations

import time

import torch

from mixnas.data import load_splits
from mixnas.evaluators import Report
from mixnas.models import family
from mixnas.records import EpochRecord, Job, Measurement
from studies.benchmarks.real.plain_optuna_digits import accuracy, loaders, train


def evaluate(job: Job, report: Report) -> Measurement:
    """Trains to the last epoch; the validation part is looked at after each, as every search of ours does."""
    started, curve = time.perf_counter(), list[EpochRecord]()
    torch.manual_seed(job.fidelity.seed)
    training, validation = loaders(load_splits(job.dataset, job.split_seed, job.data_dir))
    model = family(job.family).build(job.axes, job.problem)
    begun = time.perf_counter()
    for epoch, loss in enumerate(train(model, training, job.fidelity.epochs), 1):
        seconds = time.perf_counter() - begun
        acc = accuracy(model, validation)
        curve.append(EpochRecord(epoch, loss, {"acc": acc, "error": 1 - acc}, seconds))
        report(curve[-1])
        begun = time.perf_counter()
    return Measurement("finished", dict(curve[-1].metrics), tuple(curve), time.perf_counter() - started, job.device)
