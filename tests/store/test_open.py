"""Opening: what is created, what is refused, and in which words. Nothing refused is changed."""

from __future__ import annotations

import re
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mixnas import __version__
from mixnas.errors import MixnasError, RunError, StoreError
from mixnas.store import Store, connect, schema
from tests.store.helpers import finish, message_without_privileges, start, study


@pytest.fixture
def shared_folder() -> Iterator[Path]:
    """A folder that a user without privileges can enter."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def refused(url: str, *, create: bool, kind: type[MixnasError] = StoreError) -> str:
    with pytest.raises(kind) as error:
        Store.open(url, create=create)
    assert error.value.exit_code == 2
    assert error.value.hint
    return str(error.value)


def test_a_new_file_holds_our_tables_in_wal_mode_and_nothing_lies_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "new file # 100% &é.db"
    with Store.open(f"sqlite:///{path}", create=True) as store:
        assert store.study_names() == []
        assert store.url == f"sqlite:///{path}"
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        meta = dict(connection.execute("SELECT key, value FROM mixnas_meta"))
    assert names == set(schema.metadata.tables) and all(name.startswith("mixnas_") for name in names)
    assert meta == {"schema_version": str(schema.SCHEMA_VERSION), "created_by": f"mixnas {__version__}"}


def test_opening_again_keeps_what_is_there(url: str) -> None:
    for expected in ([], ["a"], ["a", "b"]):
        with Store.open(url, create=True) as store:
            assert store.study_names() == expected
            study(store, "ab"[len(expected)] if len(expected) < 2 else "c")


def test_a_relative_url_stays_at_its_file_when_the_folder_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with Store.open("sqlite:///mixnas.db", create=True) as store:
        monkeypatch.chdir("/")
        store._engine.dispose()
        study(store)
    assert (tmp_path / "mixnas.db").stat().st_size > 0


def test_a_missing_database_is_not_made_by_reading(tmp_path: Path) -> None:
    path = tmp_path / "none.db"
    assert refused(f"sqlite:///{path}", create=False) == (
        f"no database at {path} (`mixnas search` creates it; --storage names another one)"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("create", [True, False])
@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("results.db", "'results.db' is not a storage URL (for a file write sqlite:///results.db)"),
        ("", "'' is not a storage URL (for a file write sqlite:///mixnas.db)"),
        ("mysql://u:secret@h/d", "unknown kind of storage 'mysql' in 'mysql://u:***@h/d' (known: sqlite:///FILE or"),
        ("://", "'://' is not a storage URL (known: sqlite:///FILE or postgresql://USER@HOST/DATABASE)"),
        ("sqlite://", "'sqlite://' names no file to keep results in (write three slashes"),
        (
            "sqlite://my.db",
            "names no file to keep results in (write three slashes and the file's name: sqlite:///my.db)",
        ),
        (
            "sqlite:///a.db?timeout=5",
            "has options after '?', which files do not take (write sqlite:///a.db; a file's name",
        ),
        ("sqlite:///:memory:", "names no file to keep results in"),
        ("sqlite:////nowhere/at/all.db", "no folder /nowhere/at for the database all.db (mkdir -p /nowhere/at)"),
    ],
)
def test_urls_that_name_no_database(url: str, message: str, create: bool) -> None:
    assert message in refused(url, create=create)


@pytest.mark.parametrize("create", [True, False])
def test_a_folder_is_no_database(tmp_path: Path, create: bool) -> None:
    message = refused(f"sqlite:///{tmp_path}", create=create)
    assert message == f"{tmp_path} is a folder, not a database file (for example sqlite:///{tmp_path}/mixnas.db)"


@pytest.mark.parametrize("create", [True, False])
@pytest.mark.parametrize("content", [b"width,depth\n1,2\n", b"x", b"SQLite format 2\x00" + bytes(100)])
def test_a_file_that_is_not_sqlite_is_left_alone(tmp_path: Path, content: bytes, create: bool) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    assert f"{path} is not an SQLite database: it starts with {content[:16]!r}" in refused(
        f"sqlite:///{path}", create=create
    )
    assert path.read_bytes() == content
    assert [p.name for p in tmp_path.iterdir()] == ["table.csv"]


@pytest.mark.parametrize("create", [True, False])
def test_a_damaged_database_is_named(tmp_path: Path, create: bool) -> None:
    path = tmp_path / "torn.db"
    Store.open(f"sqlite:///{path}", create=True).close()
    content = bytearray(path.read_bytes())
    content[100:4096] = b"\xff" * 3996
    path.write_bytes(content)
    assert re.match(
        rf"database sqlite:///{path}: it is damaged \(restore a backup", refused(f"sqlite:///{path}", create=create)
    )
    assert path.read_bytes() == content


@pytest.mark.parametrize("create", [True, False])
def test_the_database_of_another_program_is_left_alone(tmp_path: Path, create: bool) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE customers (id INTEGER)")
        connection.execute("CREATE TABLE trials (id INTEGER)")
    before = path.read_bytes()
    message = refused(f"sqlite:///{path}", create=create)
    assert message.startswith(f"database sqlite:///{path} belongs to another program: it has the tables customers (")
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["other.db"]


def test_many_foreign_tables_are_not_all_listed(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as connection:
        for number in range(11):
            connection.execute(f"CREATE TABLE t{number:02d} (id INTEGER)")
    assert "t00, t01, t02, t03, t04, t05, t06, t07 and 3 more" in refused(f"sqlite:///{path}", create=True)


def test_an_empty_file_is_filled_by_searching_and_refused_by_reading(tmp_path: Path) -> None:
    path = tmp_path / "empty.db"
    path.touch()
    assert "holds no results of mixnas: it has no tables" in refused(f"sqlite:///{path}", create=False)
    assert path.stat().st_size == 0
    with Store.open(f"sqlite:///{path}", create=True) as store:
        assert store.all_counts() == []


@pytest.mark.parametrize("create", [True, False])
def test_a_newer_schema_is_refused_by_name(tmp_path: Path, create: bool) -> None:
    path = tmp_path / "newer.db"
    Store.open(f"sqlite:///{path}", create=True).close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE mixnas_meta SET value = '7' WHERE key = 'schema_version'")
        connection.execute("UPDATE mixnas_meta SET value = 'mixnas 9.4.0' WHERE key = 'created_by'")
    assert refused(f"sqlite:///{path}", create=create) == (
        f"database sqlite:///{path} was written by mixnas 9.4.0: its schema version is 7, mixnas {__version__} reads "
        f"up to {schema.SCHEMA_VERSION} (upgrade with `pip install -U mixnas`, or give another database with --storage)"
    )


@pytest.mark.parametrize("version", ["0", "one", ""])
def test_a_schema_version_that_never_was_is_refused(tmp_path: Path, version: str) -> None:
    path = tmp_path / "odd.db"
    Store.open(f"sqlite:///{path}", create=True).close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE mixnas_meta SET value = ? WHERE key = 'schema_version'", (version,))
    assert f"has no schema version that mixnas {__version__} knows: {version!r}" in refused(
        f"sqlite:///{path}", create=False
    )


def test_an_unwritable_folder(shared_folder: Path) -> None:
    url = f"sqlite:///{shared_folder}/new.db"
    assert message_without_privileges(lambda: Store.open(url, create=True)) == (
        f"StoreError: folder {shared_folder} is not writable, so no database can be kept there "
        "(give a file elsewhere with --storage sqlite:///FILE)"
    )
    assert list(shared_folder.iterdir()) == []


def test_a_read_only_file_can_be_read_and_not_written(shared_folder: Path) -> None:
    path = shared_folder / "kept.db"
    with Store.open(f"sqlite:///{path}", create=True) as store:
        study(store)
        start(store, 0)
        finish(store, 0)
    path.chmod(0o444)
    before = path.read_bytes()

    def read_then_write() -> None:
        with Store.open(f"sqlite:///{path}") as store:
            assert store.trial("s", 0).values == {"acc": 0.75, "params": 1000.0}
            store.record_export("s", 0, "model.yaml")

    assert message_without_privileges(read_then_write) == (
        f"StoreError: database sqlite:///{path}: it is read-only (make the file and its folder writable, "
        "or work on a copy with --storage sqlite:///COPY)"
    )
    shared_folder.chmod(0o777)
    message = message_without_privileges(lambda: Store.open(f"sqlite:///{path}", create=True))
    assert message.startswith(f"StoreError: database {path} is read-only (chmod u+w {path}")
    assert path.read_bytes() == before
    path.chmod(0)
    assert "may not be read by you" in message_without_privileges(lambda: Store.open(f"sqlite:///{path}"))
    path.chmod(stat.S_IRUSR | stat.S_IWUSR)


def test_a_lock_that_another_program_keeps_is_a_run_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "BUSY_SECONDS", 0.05)
    path = tmp_path / "busy.db"
    with Store.open(f"sqlite:///{path}", create=True) as store:
        study(store)
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(
            RunError, match=r"another process has kept it locked for too long \(see which program"
        ) as error:
            start(store, 0)
        assert error.value.exit_code == 1
        assert store.trials("s") == []  # readers do not wait for writers
        other.execute("COMMIT")
        start(store, 0)
        assert len(store.trials("s")) == 1
        other.close()


def test_a_full_disk_is_a_run_error_and_loses_nothing(tmp_path: Path) -> None:
    from sqlalchemy import event

    with Store.open(f"sqlite:///{tmp_path}/full.db", create=True) as store:
        study(store)
        start(store, 0)
        store.close()
        event.listen(store._engine, "connect", lambda c, _: c.execute("PRAGMA max_page_count = 1"))
        with pytest.raises(RunError, match=r"the disk is full \(free some space and run the same command again"):
            for number in range(1, 10**4):
                start(store, number, axes={"width": number, "note": "x" * 4000})
        assert [t.number for t in store.trials("s")] == list(range(number))
        assert len(store.attempts("s", number - 1)) == 1


def test_a_lock_file_left_by_a_killed_process_holds_nobody_up(tmp_path: Path) -> None:
    (tmp_path / "new.db.lock").touch()
    with Store.open(f"sqlite:///{tmp_path}/new.db", create=True) as store:
        assert store.study_names() == []
    assert [p.name for p in tmp_path.iterdir()] == ["new.db"]


def test_a_creation_lock_that_is_held_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "BUSY_SECONDS", 0.05)
    lock = tmp_path / "new.db.lock"
    with connect.file_lock(lock):
        with pytest.raises(StoreError, match=f"has been creating a database for 0 s: {lock}"):
            Store.open(f"sqlite:///{tmp_path}/new.db", create=True)
        assert lock.exists()
    assert not lock.exists()
    Store.open(f"sqlite:///{tmp_path}/new.db", create=True).close()


def test_postgresql_without_its_driver_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    for name in ("psycopg", "psycopg2"):
        monkeypatch.setitem(sys.modules, name, None)
    message = refused("postgresql://me:secret@localhost/mixnas", create=True)
    assert re.fullmatch(
        r"storage postgresql://me:\*\*\*@localhost/mixnas needs the Python package '(psycopg2?)' \(pip install \1\)",
        message,
    )
