"""The tables: portable, prefixed, and strict about what may not be."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.schema import CreateIndex, CreateTable

from mixnas.store import Store
from mixnas.store.connect import upsert
from mixnas.store.schema import OPTUNA_TABLES, PREFIX, metadata
from tests.store.helpers import finish, start, study


@pytest.mark.parametrize("table", metadata.sorted_tables, ids=lambda t: t.name)
@pytest.mark.parametrize("dialect", [sqlite.dialect(), postgresql.dialect()], ids=lambda d: d.name)
def test_each_table_and_upsert_can_be_written_for_both_databases(table, dialect) -> None:  # type: ignore[no-untyped-def]
    assert table.name.startswith(PREFIX)
    assert f"CREATE TABLE {table.name}" in str(CreateTable(table).compile(dialect=dialect))
    for index in table.indexes:
        assert index.name.startswith((PREFIX, f"ix_{PREFIX}"))
        assert "CREATE" in str(CreateIndex(index).compile(dialect=dialect))
    assert "ON CONFLICT DO NOTHING" in str(upsert(dialect.name, table).compile(dialect=dialect))


def test_optunas_tables_are_those_of_the_installed_optuna() -> None:
    from optuna.storages._rdb.models import BaseModel

    assert set(BaseModel.metadata.tables) | {"alembic_version"} <= OPTUNA_TABLES


def test_a_study_can_be_renamed_and_deleted_with_one_statement(store: Store) -> None:
    study(store)
    start(store, 0)
    finish(store, 0)
    store.count("s", "refused", "params <= 1")
    store.record_export("s", 0, "model.yaml")
    with store._write() as connection:
        connection.execute(text("UPDATE mixnas_studies SET name = 'new' WHERE name = 's'"))
    assert store.trial("new", 0).state == "finished"
    assert len(store.curve("new", 0)) == 3 and len(store.fronts("new")) == len(store.exports("new")) == 1
    with store._write() as connection:
        connection.execute(text("DELETE FROM mixnas_studies WHERE name = 'new'"))
    with store._read() as connection:
        left = {t.name: connection.scalar(text(f"SELECT count(*) FROM {t.name}")) for t in metadata.sorted_tables}
    full = {name for name, count in left.items() if count}
    assert full == {"mixnas_meta", "mixnas_architectures", "mixnas_costs"}


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO mixnas_fronts VALUES ('none', 1, 0, 0.5, '[]', '')",
        "UPDATE mixnas_trials SET number = 0 WHERE number = 1",
        "UPDATE mixnas_trials SET digest = 'none' WHERE number = 1",
        "INSERT INTO mixnas_exports (study, trial, path, at) VALUES ('s', 9, '', '')",
    ],
)
def test_rows_that_belong_to_nothing_are_refused_by_the_database_itself(store: Store, statement: str) -> None:
    study(store)
    start(store, 0)
    start(store, 1)
    with pytest.raises(IntegrityError), store._writer.begin() as connection:
        connection.execute(text(statement))
