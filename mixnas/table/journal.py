"""The journal of a table in the making: one JSON line for each training that has ended, added as they end.

    {"axes": {...}, "seed": 0, "outcome": "finished", "curve": [{"epoch": 1, "train_loss": 2.1, "metrics": {...},
    "seconds": 0.5}, ...]}

A line that was cut off by a kill is dropped; of several lines of one training the first counts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from mixnas.errors import ConfigError
from mixnas.records import Candidate, EpochRecord, Job, Measurement, to_dict
from mixnas.table.table import digest


@dataclass
class Journal:
    """The trainings that have ended, by (digest, seed), on disk and here."""

    path: Path
    family: str
    epochs: int
    ended: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def open(cls, path: Path, family: str, epochs: int) -> Journal:
        """Reads what there is.

        Raises:
            ConfigError: a whole line is no such record, or of trainings of other epochs.
        """
        journal = cls(path, family, epochs)
        for number, line in _whole_lines(path):
            entry = _entry(line, epochs, f"{path}, line {number}")
            journal.ended.setdefault((digest(family, entry["axes"]), entry["seed"]), entry)
        return journal

    def holds(self, axes: Candidate, seed: int) -> bool:
        """Whether that training has ended."""
        return (digest(self.family, axes), seed) in self.ended

    def entry(self, axes: Candidate, seed: int) -> dict[str, Any]:
        """The record of a training that has ended."""
        return self.ended[digest(self.family, axes), seed]

    def add(self, file: IO[str], job: Job, measurement: Measurement) -> None:
        """Writes a training that has ended."""
        curve = [to_dict(record) for record in measurement.curve]
        entry = {"axes": job.axes, "seed": job.fidelity.seed, "outcome": measurement.outcome, "curve": curve}
        file.write(json.dumps(entry) + "\n")
        file.flush()
        self.ended[digest(self.family, job.axes), job.fidelity.seed] = entry

    def appending(self) -> IO[str]:
        """The file, ready for the next whole line."""
        kept = sum(len(line) for _, line in _whole_lines(self.path))
        file = self.path.open("r+b" if self.path.exists() else "w+b")
        file.truncate(kept)
        file.close()
        return self.path.open("a", encoding="utf-8")


def _whole_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    if not path.exists():
        return
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if line.endswith(b"\n"):
                yield number, line


def _entry(line: bytes, epochs: int, where: str) -> dict[str, Any]:
    try:
        entry = json.loads(line)
        curve = [EpochRecord(**record) for record in entry["curve"]]
        whole = entry["outcome"] == "finished"
        numbered = [record.epoch for record in curve] == list(range(1, len(curve) + 1))
        if not (isinstance(entry["axes"], dict) and isinstance(entry["seed"], int) and numbered):
            raise ValueError("axes, seed or epochs are not as they should be")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ConfigError(
            f"{where}: no record of a training ({type(error).__name__}: {error})",
            hint="move the journal away to begin anew",
        ) from error
    if len(curve) > epochs or (whole and len(curve) != epochs):
        raise ConfigError(
            f"{where}: a training of {len(curve)} epochs, this table is to have {epochs}",
            hint=f"--epochs {len(curve)}, or another -o FILE",
        )
    return dict(entry)
