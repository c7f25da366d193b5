"""The evaluator of `mixnas table build`: trains as the evaluator `train` does, and gives CPU seconds for each epoch.

A table has to say what a training costs, not how busy the machine was. The seconds are of the whole process, so it
must train one model at a time, as worker processes do; they hold the validation of the epoch as well.
"""

from __future__ import annotations

import time
from dataclasses import replace

from mixnas.evaluators import Report, load_evaluator
from mixnas.records import EpochRecord, Job, Measurement


def evaluate(job: Job, report: Report) -> Measurement:
    """As `mixnas.evaluator.evaluate`, with CPU seconds in the curve."""
    clock = time.process_time()
    curve: list[EpochRecord] = []

    def timed(record: EpochRecord) -> None:
        nonlocal clock
        before, clock = clock, time.process_time()
        curve.append(replace(record, seconds=clock - before))
        report(curve[-1])

    measurement = load_evaluator("train")(job, timed)
    return replace(measurement, curve=tuple(curve))
