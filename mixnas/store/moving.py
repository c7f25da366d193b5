"""Studies as wholes: renamed, deleted, read out and put into another database, on our side and on Optuna's at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection, Table, func, insert, select, update

from mixnas.errors import StoreError
from mixnas.records import FrontPoint, Trial
from mixnas.store import optuna_rows, rows, schema
from mixnas.store.connect import upsert
from mixnas.store.database import Database, require_study
from mixnas.store.optuna_rows import OptunaStudy, Rows

FINAL = ("finished", "failed", "stopped")
"""States of trials that no search goes on with."""

_BY_TRIAL = (schema.attempts, schema.curves, schema.decisions, schema.replicates, schema.exports)
_BY_STUDY = (schema.proposals, schema.fronts, schema.baselines)
_BY_DIGEST = (schema.measurements, schema.test_reads)


@dataclass(frozen=True)
class StudyRows:
    """All that a database holds of a study: rows by table, also those of its architectures, and Optuna's side."""

    name: str
    ours: Mapping[str, Rows]
    optuna: OptunaStudy | None


@dataclass(frozen=True)
class Merged:
    """What a merge did: trials that came in, that were there already, and that had not ended and stayed behind."""

    added: int
    known: int
    open: int


class Moving(Database):
    """What happens to whole studies. Nothing here asks whether a search holds one: see `mixnas.search.leases`."""

    def rename_study(self, name: str, new: str) -> None:
        """Gives a study another name; whoever held it does no longer.

        Raises:
            StoreError: there is one of the new name, or it is empty, too long or not printable.
            UnknownName: there is no study to rename.
        """
        require_name(new)
        c = schema.studies.c
        with self._write(partial(_explain_taken, name=new)) as connection:
            require_study(connection, name)
            renaming = update(schema.studies).where(c.name == name)
            connection.execute(renaming.values(name=new, held_by="", held_until=""))
            optuna_rows.rename(connection, name, new)

    def delete_study(self, name: str) -> None:
        """Deletes a study with its trials. What is known of architectures stays: costs, measurements, test reads.

        Raises:
            UnknownName: there is no such study.
        """
        with self._write() as connection:
            require_study(connection, name)
            connection.execute(schema.studies.delete().where(schema.studies.c.name == name))
            optuna_rows.delete(connection, name)

    def study_rows(self, name: str) -> StudyRows:
        """A study as it is at this moment, to be put into another database.

        Raises:
            UnknownName: there is no such study.
        """
        digests = select(schema.trials.c.digest).where(schema.trials.c.study == name)
        with self._read() as connection:
            require_study(connection, name)
            found = {"mixnas_studies": _all(connection, schema.studies, schema.studies.c.name == name)}
            for table in (schema.trials, *_BY_TRIAL, *_BY_STUDY):
                found[table.name] = _all(connection, table, table.c.study == name)
            for table in (schema.architectures, schema.costs, *_BY_DIGEST):
                found[table.name] = _all(connection, table, table.c.digest.in_(digests))
            return StudyRows(name, found, optuna_rows.read(connection, name))

    def add_study(self, found: StudyRows, name: str) -> None:
        """Puts a study of another database in, under a name that is free here. Running trials are nobody's here.

        Raises:
            StoreError: there is a study of that name, here or in Optuna's tables; or these are missing.
        """
        require_name(name)
        with self._write(partial(_explain_taken, name=name)) as connection:
            head = found.ours["mixnas_studies"][0] | {"name": name, "held_by": "", "held_until": ""}
            connection.execute(insert(schema.studies), head)
            self._add_architectures(connection, found, {row["digest"] for row in found.ours["mixnas_trials"]})
            for table in (schema.trials, *_BY_TRIAL, *_BY_STUDY):
                _insert(connection, table, [row | {"study": name} for row in found.ours[table.name]])
            c = schema.attempts.c
            connection.execute(update(schema.attempts).where(c.study == name).values(lease_until=""))
            if found.optuna is not None:
                optuna_rows.write_study(connection, name, found.optuna)
                optuna_rows.write_trials(connection, name, found.optuna, {n: n for n in sorted(found.optuna.trials)})

    def merge_rows(
        self, found: StudyRows, into: str, fronts: Callable[[Sequence[Trial]], Iterable[FrontPoint]]
    ) -> Merged:
        """Adds the ended trials of a study that `into` does not have at their fidelity and seed, under new numbers.

        Args:
            fronts: the front after each of the finished trials, given in the order in which they finished; none where
                the study keeps none.

        Raises:
            UnknownName: there is no study `into`.
            StoreError: Optuna knows it, and not the trials that are to come in.
        """
        theirs = sorted(found.ours["mixnas_trials"], key=lambda row: (row["finished_at"], row["number"]))
        ended = [row for row in theirs if row["state"] in FINAL]
        with self._write() as connection:
            require_study(connection, into)
            there = {_key(row) for row in _all(connection, schema.trials, schema.trials.c.study == into)}
            new = [row for row in ended if _key(row) not in there]
            first = _next_number(connection, into)
            numbers = {row["number"]: first + place for place, row in enumerate(new)}
            self._add_trials(connection, found, into, new, numbers)
            self._replace_fronts(connection, into, fronts)
        return Merged(len(new), len(ended) - len(new), len(theirs) - len(ended))

    def _add_trials(
        self, connection: Connection, found: StudyRows, into: str, new: Rows, numbers: Mapping[int, int]
    ) -> None:
        self._add_architectures(connection, found, {row["digest"] for row in new})
        # What the other sampler kept means nothing to the one of this study.
        own = {"study": into, "sampler_state": None, "changed": 0}
        _insert(connection, schema.trials, [row | own | {"number": numbers[row["number"]]} for row in new])
        for table in _BY_TRIAL:
            mine = [row for row in found.ours[table.name] if row["trial"] in numbers]
            _insert(connection, table, [row | {"study": into, "trial": numbers[row["trial"]]} for row in mine])
        for table, add in ((schema.proposals, ("count",)), (schema.baselines, ())):
            if rows_there := [row | {"study": into} for row in found.ours[table.name]]:
                connection.execute(upsert(self._dialect, table, add=add), rows_there)
        if found.optuna is not None or numbers:
            optuna_rows.write_trials(connection, into, found.optuna or OptunaStudy({}, {}), numbers)

    def _add_architectures(self, connection: Connection, found: StudyRows, digests: set[str]) -> None:
        """What is known of architectures, where it is not known yet."""
        for table in (schema.architectures, schema.costs):
            if mine := [row for row in found.ours[table.name] if row["digest"] in digests]:
                connection.execute(upsert(self._dialect, table), mine)
        for table in _BY_DIGEST:
            mine = [_without_id(row) for row in found.ours[table.name] if row["digest"] in digests]
            there = {repr(_without_id(row)) for row in _all(connection, table, table.c.digest.in_(digests))}
            _insert(connection, table, [row for row in mine if repr(row) not in there])

    def _replace_fronts(
        self, connection: Connection, study: str, fronts: Callable[[Sequence[Trial]], Iterable[FrontPoint]]
    ) -> None:
        c = schema.trials.c
        query = select(schema.trials, schema.architectures.c.axes).join(schema.architectures)
        query = query.where(c.study == study, c.state == "finished").order_by(c.finished_at, c.number)
        finished = [rows.trial(row) for row in connection.execute(query)]
        connection.execute(schema.fronts.delete().where(schema.fronts.c.study == study))
        points = zip(finished, fronts(finished), strict=False)  # an ablation keeps none
        _insert(connection, schema.fronts, [rows.front_row(study, p, trial.finished_at) for trial, p in points])


def require_name(name: str) -> None:
    """Raises StoreError unless a study may be called so."""
    if not name or len(name) > schema.NAME_LENGTH or not name.isprintable():
        rule = f"1 to {schema.NAME_LENGTH} printable characters"
        raise StoreError(f"a study's name has {rule}, not {name[:50]!r}", hint="choose another --study")


def _explain_taken(connection: Connection, name: str) -> None:
    require_study(connection, name)
    raise StoreError(f"study {name!r} exists already", hint="choose another name, or delete that study first")


def _key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """What makes two trials of one study the same."""
    return row["digest"], row["epochs"], row["seed"]


def _next_number(connection: Connection, study: str) -> int:
    ours = connection.scalar(select(func.max(schema.trials.c.number)).where(schema.trials.c.study == study))
    return max(-1 if ours is None else ours, optuna_rows.next_number(connection, study) - 1) + 1


def _all(connection: Connection, table: Table, where: Any) -> Rows:
    return [dict(row._mapping) for row in connection.execute(select(table).where(where))]


def _without_id(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != "id"}


def _insert(connection: Connection, table: Table, new: Rows) -> None:
    if new:
        connection.execute(insert(table), [_without_id(row) for row in new])
