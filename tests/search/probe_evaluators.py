"""Evaluators for tests, reached as `probe_evaluators:NAME`: the toy one made slow, failing or fatal."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mixnas.records import EpochRecord, Job, Measurement
from mixnas.toy import evaluate as toy

Report = Callable[[EpochRecord], None]


def slow(job: Job, report: Report) -> Measurement:
    """Sleeps a little in every epoch, so that there is time to interrupt it."""

    def late(record: EpochRecord) -> None:
        time.sleep(0.05)
        report(record)

    return toy(job, late)


def asleep(job: Job, report: Report) -> Measurement:
    """Reports an epoch, and is then silent for a quarter of an hour."""
    report(EpochRecord(1, 1.0, {"acc": 0.5}, 0.0))
    time.sleep(900)
    return toy(job, report)


def failing(job: Job, report: Report) -> Measurement:
    """Never finishes anything."""
    raise RuntimeError("no such luck")


def sometimes(job: Job, report: Report) -> Measurement:
    """Every third trial fails, every fifth gives NaN."""
    if job.trial % 3 == 2:
        return Measurement("failed", reason="non_finite_loss", detail="epoch 1")
    found = toy(job, report)
    if job.trial % 5 == 4:
        return Measurement("finished", {**found.metrics, "acc": float("nan")}, found.curve, found.seconds)
    return found


def unlucky_seeds(job: Job, report: Report) -> Measurement:
    """With seed 1 every other trial fails, and trial 0 gives NaN."""
    found = toy(job, report)
    if job.fidelity.seed == 1 and job.trial % 2:
        return Measurement("failed", reason="non_finite_loss", detail="epoch 1")
    if job.fidelity.seed == 1 and job.trial == 0:
        return Measurement("finished", {**found.metrics, "acc": float("nan")}, found.curve, found.seconds)
    return found


def suicidal(job: Job, report: Report) -> Measurement:
    """Its process is killed at the first attempt of trial 1, and at every attempt of trial 3."""
    if (job.trial == 1 and job.attempt == 1) or job.trial == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return toy(job, report)


def dying(job: Job, report: Report) -> Measurement:
    """Its process is killed at every attempt."""
    os.kill(os.getpid(), signal.SIGKILL)
    return toy(job, report)


def killed_while_training(job: Job, report: Report) -> Measurement:
    """A real training that keeps each epoch; its process is killed in the third one of the first attempt."""
    from mixnas import checkpoint
    from mixnas.evaluator import evaluate

    checkpoint.KEEP_SECONDS, checkpoint.KEEP_SHARE = 0.0, float("inf")

    def kill(record: EpochRecord) -> None:
        if job.attempt == 1 and record.epoch == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        report(record)

    return evaluate(job, kill)


def noisy(job: Job, report: Report) -> Measurement:
    """Prints to standard output, as libraries do."""
    print('{"measurement": "not from mixnas"}', flush=True)  # noqa: T201 - that is the point
    return toy(job, report)


def nothing_measured(job: Job, report: Report) -> Measurement:
    """Finishes without the objective."""
    return Measurement("finished", {"error": 0.5})


def leaving(job: Job, report: Report) -> Measurement:
    """Ends its process, as a script would."""
    sys.exit(4)


def not_a_measurement(job: Job, report: Report) -> Any:
    """Answers with something else."""
    return 7


def not_a_number(job: Job, report: Report) -> Measurement:
    """Answers with a word for a number."""
    return Measurement("finished", {"acc": "high"})  # type: ignore[dict-item]


def unheard_of(job: Job, report: Report) -> Measurement:
    """Answers with an outcome that there is not."""
    return Measurement("great", {"acc": 1.0})  # type: ignore[arg-type]


def hungry(job: Job, report: Report) -> Measurement:
    """Asks for more memory than there is."""
    raise MemoryError


def colourful(job: Job, report: Report) -> Measurement:
    """Fails with control characters in its message."""
    raise RuntimeError("\x1b[31mred\x07")


def swelling(job: Job, report: Report) -> Measurement:
    """Takes memory until the control group of the test has no more."""
    (Path(os.environ["MIXNAS_TEST_CGROUP"]) / "cgroup.procs").write_text(str(os.getpid()))
    held = [bytearray(b"x" * (16 << 20)) for _ in range(64)]
    return Measurement("finished", {"acc": float(len(held))})


def gone(job: Job, report: Report) -> Measurement:
    """Finishes three trials, then never again, as where the data set has gone."""
    if job.trial >= 3:
        raise OSError("the data are gone")
    return toy(job, report)
