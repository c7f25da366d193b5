"""What a training needs to go on later, in a file beside the database: its state and its curve so far.

A file is replaced whole or not at all, and read without running any code in it. One that is damaged, or of another
job, is no reason to fail: the training begins again and says so.
"""

from __future__ import annotations

import io
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from mixnas.printable import printable
from mixnas.records import EpochRecord, Job, to_dict
from mixnas.training import Training

KEEP_SECONDS = 1.0
"""Least time between two checkpoints of a training that nothing interrupts: one of longer epochs keeps each of them."""

KEEP_SHARE = 0.02
"""Largest share of the time that goes into writing them."""

_OF_THIS_GO = ("study", "trial", "attempt", "until", "after", "checkpoint", "measure", "data_dir", "device")
"""Fields of a job that do not change what is trained."""


class Checkpoint:
    """The checkpoint of one job; without a path nothing is kept."""

    def __init__(self, job: Job) -> None:
        self._path = Path(job.checkpoint) if job.checkpoint else None
        self._job = _identity(job)
        self._written, self._took = time.monotonic(), 0.0
        self.warning = ""
        """What went wrong with the file, in one line; the training went on without it."""

    def load(self, training: Training) -> tuple[EpochRecord, ...]:
        """Takes the training to where the checkpoint left it and returns the curve until there; empty where none is."""
        if self._path is None or not self._path.exists():
            return ()
        before = training.state_dict()
        before = {**before, "model": {name: value.clone() for name, value in before["model"].items()}}
        try:
            content = torch.load(self._path, map_location="cpu", weights_only=True)
            if content["job"] != self._job:
                raise ValueError("it is of another training")
            curve = tuple(EpochRecord(**record) for record in content["curve"])
            epoch, step = content["training"]["epoch"], content["training"]["step"]
            if type(epoch) is not int or type(step) is not int or step < 0:
                raise ValueError("its counts are no numbers")
            if [record.epoch for record in curve] != list(range(1, epoch + 1)):
                raise ValueError("its curve has gaps")
            training.load_state_dict(content["training"])
        except Exception as error:  # whatever a damaged file makes torch raise
            training.load_state_dict(before)
            reason = printable((str(error).strip() or type(error).__name__).splitlines()[0], 200)
            self.warning = f"began again at epoch 1, checkpoint {self._path.name} is of no use: {reason}"
            return ()
        return curve

    def keep_now_and_then(self, training: Training, curve: Sequence[EpochRecord]) -> None:
        """Writes the file where the last one is older than `KEEP_SECONDS`, and than what writing it took allows."""
        if time.monotonic() - self._written >= max(KEEP_SECONDS, self._took / KEEP_SHARE):
            self.keep(training, curve)

    def keep(self, training: Training, curve: Sequence[EpochRecord]) -> None:
        """Writes the file. A full or read-only disk costs the checkpoint, not the training."""
        if self._path is None:
            return
        started = time.monotonic()
        content = {"job": self._job, "training": training.state_dict(), "curve": [to_dict(r) for r in curve]}
        buffer = io.BytesIO()
        torch.save(content, buffer)
        try:
            _replace(self._path, buffer.getbuffer())
        except OSError as error:
            self.warning = f"no checkpoint could be written: {error}"
        self._written = time.monotonic()
        self._took = self._written - started


def _replace(path: Path, content: memoryview) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _identity(job: Job) -> str:
    """Everything about a job that changes its training."""
    data: dict[str, Any] = to_dict(job)
    return json.dumps({k: v for k, v in data.items() if k not in _OF_THIS_GO}, sort_keys=True)
