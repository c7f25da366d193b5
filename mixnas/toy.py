"""A closed-form stand-in for training: learning curves in microseconds, with the shape of real ones. No torch.

Accuracy rises with the logarithm of a capacity made of the axes, and with epochs towards the limit of that capacity;
some axes matter more than others, seeds add small noise. Everything is a function of (axes, seed, epoch) alone.

The job's recipe may hold, beside the fields of a real one:

    toy_seconds      sleeps this long in all, to stand for a slow training
    toy_fail_share   this share of all (architecture, seed) pairs fails, with one of the real reasons
    toy_noise        standard deviation of the seed's noise (default 0.004)
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from statistics import NormalDist

from mixnas.evaluators import Report
from mixnas.records import FAILURES, EpochRecord, Job, Measurement

NOISE = 0.004
FAILING = ("non_finite_loss", "exception", "out_of_memory")

_SLOPES = {"width": 1.0, "depth": 0.8, "patch_size": -0.7, "kernel_size": 0.3, "segments": -0.4, "levels": 0.5}
"""What doubling the axis of that last name adds to the capacity."""

_CHOICE_SPREAD = 0.5
"""Every other axis adds up to this much either way, by a hash of its name and value."""


def evaluate(job: Job, report: Report) -> Measurement:
    """Gives the closed-form curve of the job's candidate, epoch by epoch, or a failure where the recipe asks for it.

    Pauses at `Job.until`, and reports and sleeps for the epochs after `Job.after` only.
    """
    epochs = job.fidelity.epochs
    last = min(job.until, epochs) or epochs
    pause = float(job.recipe.get("toy_seconds", 0)) / epochs
    fails = _uniform(job, "fails") < float(job.recipe.get("toy_fail_share", 0))
    curve = [epoch_record(job, epoch) for epoch in range(1, job.after + 1)]
    for epoch in range(job.after + 1, last + 1):
        if pause:
            time.sleep(pause)
        if fails:
            return _failure(job, tuple(curve))
        curve.append(epoch_record(job, epoch))
        report(curve[-1])
    metrics = {**curve[-1].metrics, "train_seconds": sum(record.seconds for record in curve)}
    seconds = sum(record.seconds for record in curve[job.after :])
    return Measurement("finished" if last == epochs else "paused", metrics, tuple(curve), seconds, job.device)


def epoch_record(job: Job, epoch: int) -> EpochRecord:
    """The point of the curve at an epoch, counted from 1. Depends on nothing but the job and the epoch."""
    chance = 1 / max(job.problem.num_classes, 2)
    limit = 0.995 - (0.995 - chance) * 2 ** (-capacity(job) / 3)
    learned = 1 - math.exp(-epoch / (1 + capacity(job) / 4))
    noise = NormalDist().inv_cdf(_uniform(job, "seed")) * float(job.recipe.get("toy_noise", NOISE))
    wobble = NormalDist().inv_cdf(_uniform(job, f"epoch {epoch}")) * float(job.recipe.get("toy_noise", NOISE)) / 4
    quality = min(max(chance + (limit - chance) * learned + noise + wobble, 0.0), 1.0)
    seconds = 0.01 * 2 ** (capacity(job) / 2)
    return EpochRecord(epoch, -math.log(max(quality, 1e-6)), _metrics(job.problem.task, quality), seconds)


def capacity(job: Job) -> float:
    """How much the candidate can learn: at least 0, about 5 to 12 for members of the spaces that ship."""
    total = 0.0
    for name, value in sorted(job.axes.items()):
        slope = _SLOPES.get(name.rsplit(".", 1)[-1])
        if slope is not None and not isinstance(value, str) and value > 0:
            total += slope * math.log2(value)
        else:
            total += _CHOICE_SPREAD * (2 * _hash(name, value) - 1)
    return max(total, 0.0)


def _metrics(task: str, quality: float) -> dict[str, float]:
    if task == "segmentation":
        return {"miou": quality, "pixel_acc": quality**0.5}
    if task == "super_resolution":
        return {"psnr": 20 + 20 * quality, "ssim": quality}
    return {"acc": quality, "error": 1 - quality}


def _failure(job: Job, curve: tuple[EpochRecord, ...]) -> Measurement:
    reason = FAILING[int(_uniform(job, "reason") * len(FAILING))]
    return Measurement("failed", {}, curve, 0.0, job.device, reason, f"toy: {FAILURES[reason]}")


def _uniform(job: Job, purpose: str) -> float:
    """A number in (0, 1) that depends on the architecture, the seed and the purpose."""
    return _hash(sorted(job.axes.items()), job.fidelity.seed, purpose)


def _hash(*parts: object) -> float:
    digest = hashlib.sha256(json.dumps(parts).encode()).digest()
    return (int.from_bytes(digest[:6], "big") + 0.5) / 2**48
