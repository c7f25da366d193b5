"""What can be kept beside trials: counts, baselines, replicates, measurements, exports, reads of the test set.

Every method is one transaction: it happens whole, or not at all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from sqlalchemy import Connection, Table, insert

from mixnas.records import Baseline, Replicate
from mixnas.store import rows, schema
from mixnas.store.connect import upsert
from mixnas.store.database import Database, now, require_study, require_trial


class Keeping(Database):
    """The verbs."""

    def count(self, study: str, kind: str, reason: str, n: int = 1) -> None:
        """Counts candidates that were proposed and not trained, with the reason.

        Args:
            kind: `duplicate`, `refused` (by a constraint of the user's), or any other word of the caller's own.

        Raises:
            UnknownName: there is no such study.
        """
        row = {"study": study, "kind": kind, "reason": reason, "count": n}
        with self._write(partial(require_study, name=study)) as connection:
            connection.execute(upsert(self._dialect, schema.proposals, add=("count",)), row)

    def record_replicate(self, study: str, found: Replicate) -> None:
        """Keeps what came out of a trial's architecture with another seed; an earlier result of that seed is replaced.

        Raises:
            ValueError: a value is not finite.
            UnknownName: there is no such study or trial.
        """
        row = rows.replicate_row(study, found) | {"at": now()}
        columns = tuple(name for name in row if name not in ("study", "trial", "seed"))
        with self._write(partial(require_trial, study=study, number=found.trial)) as connection:
            connection.execute(upsert(self._dialect, schema.replicates, replace=columns), row)

    def record_baseline(self, study: str, found: Baseline) -> None:
        """Keeps what came out of a baseline; a baseline of that name is replaced.

        Raises:
            ValueError: a value is not finite.
            UnknownName: there is no such study.
        """
        row = rows.baseline_row(study, found) | {"at": now()}
        columns = tuple(name for name in row if name not in ("study", "name"))
        with self._write(partial(require_study, name=study)) as connection:
            connection.execute(upsert(self._dialect, schema.baselines, replace=columns), row)

    def record_measurement(
        self,
        digest: str,
        problem_key: str,
        name: str,
        value: float,
        *,
        spread: float = math.nan,
        device: str = "cpu",
        environment: Mapping[str, Any] | None = None,
    ) -> None:
        """Keeps a value measured after the search, such as a latency. Measuring again adds a row."""
        row = {"digest": digest, "problem": problem_key, "name": name, "value": value, "spread": spread}
        self._add(schema.measurements, row | {"device": device, "environment": environment or {}})

    def record_export(self, study: str, number: int, path: str) -> None:
        """Keeps that a trial's config was written to a file.

        Raises:
            UnknownName: there is no such study or trial.
        """
        row = {"study": study, "trial": number, "path": path}
        self._add(schema.exports, row, partial(require_trial, study=study, number=number))

    def record_test_read(
        self, digest: str, dataset: str, split_seed: int, metrics: Mapping[str, float], path: str
    ) -> None:
        """Keeps that the test set was read for a model, and what came out."""
        row = {"digest": digest, "dataset": dataset, "split_seed": split_seed, "metrics": rows.pack(metrics)}
        self._add(schema.test_reads, row | {"path": path})

    def _add(self, table: Table, row: dict[str, Any], explain: Callable[[Connection], None] | None = None) -> None:
        with self._write(explain) as connection:
            connection.execute(insert(table), row | {"at": now()})
