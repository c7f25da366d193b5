"""A study's rows in Optuna's tables, so that both sides of a database change in one transaction.

The tables are read from the database itself: Optuna may add columns. Where there are none, there is nothing to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, MetaData, Table, func, insert, inspect, select

from mixnas.errors import StoreError
from mixnas.store.schema import OPTUNA_TABLES

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class OptunaStudy:
    """The rows of one study by table; `trials` maps each trial's number to its rows by table."""

    study: Mapping[str, Rows]
    trials: Mapping[int, Mapping[str, Rows]]


def rename(connection: Connection, name: str, new: str) -> None:
    """Renames a study, if there is one.

    Raises:
        StoreError: Optuna has a study of the new name.
    """
    if (tables := _tables(connection)) and _study_id(connection, tables, name) is not None:
        require_free(connection, new)
        studies = tables["studies"]
        connection.execute(studies.update().where(studies.c.study_name == name).values(study_name=new))


def require_free(connection: Connection, name: str) -> None:
    """Raises StoreError where Optuna's tables hold a study of that name."""
    tables = _tables(connection)
    if tables and _study_id(connection, tables, name) is not None:
        raise StoreError(f"Optuna's tables hold a study {name!r} already", hint="choose another name")


def delete(connection: Connection, name: str) -> None:
    """Deletes a study with all that hangs on it, if there is one."""
    tables = _tables(connection)
    study_id = _study_id(connection, tables, name) if tables else None
    if study_id is None:
        return
    trials = tables["trials"]
    own = select(trials.c.trial_id).where(trials.c.study_id == study_id)
    for table in _of_trials(tables):
        connection.execute(table.delete().where(table.c.trial_id.in_(own)))
    connection.execute(trials.delete().where(trials.c.study_id == study_id))
    for table in [*_of_study(tables), tables["studies"]]:
        connection.execute(table.delete().where(table.c.study_id == study_id))


def read(connection: Connection, name: str) -> OptunaStudy | None:
    """All rows of a study, or None where Optuna does not know it."""
    tables = _tables(connection)
    study_id = _study_id(connection, tables, name) if tables else None
    if study_id is None:
        return None
    study = {
        table.name: _dicts(connection, select(table).where(table.c.study_id == study_id))
        for table in [tables["studies"], *_of_study(tables)]
    }
    trials = tables["trials"]
    heads = _dicts(connection, select(trials).where(trials.c.study_id == study_id).order_by(trials.c.trial_id))
    found: dict[int, dict[str, Rows]] = {row["trial_id"]: {"trials": [row]} for row in heads}
    own = select(trials.c.trial_id).where(trials.c.study_id == study_id)
    for table in _of_trials(tables):
        for row in _dicts(connection, select(table).where(table.c.trial_id.in_(own))):
            found[row["trial_id"]].setdefault(table.name, []).append(row)
    return OptunaStudy(study, {int(rows["trials"][0]["number"]): rows for rows in found.values()})


def write_study(connection: Connection, name: str, rows: OptunaStudy) -> None:
    """Adds a study without its trials.

    Raises:
        StoreError: Optuna's tables are missing here, or hold a study of that name.
    """
    tables = _tables(connection)
    if not tables:
        raise StoreError("this database has no tables of Optuna's", hint="`mixnas studies copy` makes them first")
    require_free(connection, name)
    head = {key: value for key, value in rows.study["studies"][0].items() if key != "study_id"}
    key = connection.execute(insert(tables["studies"]), head | {"study_name": name}).inserted_primary_key
    assert key is not None
    for table in _of_study(tables):
        _insert(connection, table, rows.study.get(table.name, []), {"study_id": key[0]})


def write_trials(connection: Connection, name: str, rows: OptunaStudy, numbers: Mapping[int, int]) -> None:
    """Adds trials to a study under new numbers (`old: new`, ascending); nothing where Optuna does not know the study.

    Raises:
        StoreError: `rows` lack one of the trials.
    """
    tables = _tables(connection)
    study_id = _study_id(connection, tables, name) if tables else None
    if study_id is None:
        return
    for old, new in numbers.items():
        if old not in rows.trials:
            raise StoreError(f"Optuna's tables have no trial {old} of the study that is to be read")
        head = {key: value for key, value in rows.trials[old]["trials"][0].items() if key != "trial_id"}
        head |= {"study_id": study_id, "number": new}
        key = connection.execute(insert(tables["trials"]), head).inserted_primary_key
        assert key is not None
        for table in _of_trials(tables):
            _insert(connection, table, rows.trials[old].get(table.name, []), {"trial_id": key[0]})


def next_number(connection: Connection, name: str) -> int:
    """The number that the study's next trial gets; 0 where Optuna does not know the study."""
    tables = _tables(connection)
    if not tables:
        return 0
    trials, study_id = tables["trials"], _study_id(connection, tables, name)
    return int(connection.scalar(select(func.count()).where(trials.c.study_id == study_id)) or 0)


def _tables(connection: Connection) -> Mapping[str, Table]:
    """Optuna's tables as they are here; empty where there are none."""
    there = set(inspect(connection).get_table_names()) & OPTUNA_TABLES
    if not {"studies", "trials"} <= there:
        return {}
    metadata = MetaData()
    metadata.reflect(connection, only=sorted(there))
    return metadata.tables


def _of_study(tables: Mapping[str, Table]) -> list[Table]:
    return [t for t in tables.values() if "study_id" in t.c and t.name not in ("studies", "trials")]


def _of_trials(tables: Mapping[str, Table]) -> list[Table]:
    return [t for t in tables.values() if "trial_id" in t.c and t.name != "trials"]


def _study_id(connection: Connection, tables: Mapping[str, Table], name: str) -> int | None:
    c = tables["studies"].c
    return connection.scalar(select(c.study_id).where(c.study_name == name))


def _dicts(connection: Connection, query: Any) -> Rows:
    return [dict(row._mapping) for row in connection.execute(query)]


def _insert(connection: Connection, table: Table, found: Rows, owner: dict[str, int]) -> None:
    """Rows under new keys: a table's own key is given anew by the database."""
    keys = {column.name for column in table.primary_key} - set(owner)
    new = [{k: v for k, v in row.items() if k not in keys and k in table.c} | owner for row in found]
    if new:
        connection.execute(insert(table), new)
