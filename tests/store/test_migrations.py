"""Databases of older versions: read as they were, backed up, brought up to date once; others are refused."""

from __future__ import annotations

import logging
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import inspect

from mixnas.errors import StoreError
from mixnas.store import Store, migrations, schema
from tests.store.helpers import finish, in_processes, message_without_privileges, start

VERSION_1 = Path(__file__).with_name("version_1.sql")
"""A search of four trials by mixnas 0.1.0 at commit ce2020e, as `sqlite3 FILE .dump` writes it."""

VERSION_2 = Path(__file__).with_name("version_2.sql")
"""A search of six trials with early stopping by mixnas 0.1.0 at commit 0c9fd5b, likewise."""


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "mixnas.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(VERSION_1.read_text())
    yield path


def content(path: Path, tables: set[str] | None = None) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(path)) as connection:
        names = tables or {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        return {name: sorted(connection.execute(f'SELECT * FROM "{name}"'), key=repr) for name in names}


def open_it(url: str) -> None:
    """Opens a database, in a process of its own."""
    Store.open(url).close()


def test_version_2_gets_what_several_drivers_need(tmp_path: Path) -> None:
    path = tmp_path / "mixnas.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(VERSION_2.read_text())
    with Store.open(f"sqlite:///{path}") as store:
        trials = store.trials("old")
        assert [trial.state for trial in trials].count("finished") == 2 and len(store.decisions("old")) > 6
        assert store.news("old", 0, "here:1").trials == () and store.news("old", -1, "here:1").trials == tuple(trials)
        start(store, len(trials), "old")
        news = store.news("old", 0, "here:1")
        assert news.changes == 1 and [trial.number for trial in news.trials] == [len(trials)]
        assert store.claim("old", "driver:here:2", "here:2", 60) and store.news("old", 1, "here:1").others == (
            "here:2",
        )
        indexes = {index["name"] for index in inspect(store._engine).get_indexes("mixnas_trials")}
        assert indexes == {index.name for index in schema.trials.indexes}
    assert path.with_name("mixnas.db.v2.backup").exists()


@pytest.mark.parametrize("create", [True, False])
def test_an_older_database_is_brought_up_to_date_with_a_backup_beside_it(
    old: Path, create: bool, caplog: pytest.LogCaptureFixture
) -> None:
    before = content(old)
    with caplog.at_level(logging.WARNING), Store.open(f"sqlite:///{old}", create=create) as store:
        trials = store.trials("old")
        assert [trial.state for trial in trials] == ["finished"] * 4
        assert store.curves("old").keys() == {0, 1, 2, 3} and len(store.fronts("old")) == 4
        assert store.decisions("old") == [] and store.replicates("old") == []
        start(store, 4, "old")
        finish(store, 4, "old")
        assert set(inspect(store._engine).get_table_names()) >= set(schema.metadata.tables)
    backup = old.with_name("mixnas.db.v1.backup")
    assert sorted(p.name for p in old.parent.iterdir()) == ["mixnas.db", "mixnas.db.v1.backup"]
    assert content(backup) == before
    assert ("schema_version", str(schema.SCHEMA_VERSION)) in content(old)["mixnas_meta"]
    assert f"was brought from schema version 1 to {schema.SCHEMA_VERSION}; as it was it lies in {backup}" in caplog.text


def test_it_happens_once_and_a_backup_is_never_replaced(old: Path) -> None:
    old.with_name("mixnas.db.v1.backup").write_text("somebody's")
    Store.open(f"sqlite:///{old}").close()
    Store.open(f"sqlite:///{old}").close()
    assert sorted(p.name for p in old.parent.iterdir()) == [
        "mixnas.db",
        "mixnas.db.v1.backup",
        "mixnas.db.v1.backup.2",
    ]
    assert old.with_name("mixnas.db.v1.backup").read_text() == "somebody's"


def test_processes_that_come_at_once_migrate_one_time(old: Path) -> None:
    in_processes(open_it, [(f"sqlite:///{old}",)] * 3)
    assert sorted(p.name for p in old.parent.iterdir()) == ["mixnas.db", "mixnas.db.v1.backup"]


def test_a_step_that_fails_leaves_the_database_as_it_was(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(connection: object) -> None:
        raise StoreError("no")

    before = content(old)
    monkeypatch.setattr(migrations, "STEPS", {1: fail})
    with pytest.raises(StoreError, match="no"):
        Store.open(f"sqlite:///{old}")
    assert content(old) == before
    monkeypatch.undo()
    with Store.open(f"sqlite:///{old}") as store:
        assert store.counts("old").finished == 4


def test_an_older_database_that_is_read_only_is_refused_with_a_way_out(old: Path) -> None:
    before = old.read_bytes()
    for folder in old.parents:  # pytest's own folders are closed to others
        if folder == Path(tempfile.gettempdir()):
            break
        folder.chmod(0o755)
    message = message_without_privileges(lambda: Store.open(f"sqlite:///{old}"))
    assert "has schema version 1" in message and "read-only (work on a copy: cp" in message
    assert [p.name for p in old.parent.iterdir()] == ["mixnas.db"] and old.read_bytes() == before


def test_a_backup_that_cannot_be_written_stops_it(old: Path) -> None:
    before = content(old)
    old.with_name("mixnas.db.v1.backup.part").mkdir()
    with pytest.raises(StoreError, match="could not be backed up"):
        Store.open(f"sqlite:///{old}")
    assert content(old) == before
