"""Opens databases: reads the URL, checks that it is ours, creates the tables once, and hands out an engine.

Everything that differs between SQLite and PostgreSQL is in this file.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, inspect, make_url, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError

from mixnas import __version__
from mixnas.errors import StoreError
from mixnas.store.guard import guard
from mixnas.store.migrations import back_up, migrate, require_writable, say_migrated, stored_version
from mixnas.store.schema import OPTUNA_TABLES, PREFIX, SCHEMA_VERSION, meta, metadata

BUSY_SECONDS = 60.0
"""How long a writer waits for another one before it gives up."""

_SQLITE_HEADER = b"SQLite format 3\x00"
_POSTGRES_LOCK = 0x6D69786E6173  # "mixnas" as a number, the key of an advisory lock
_FORMS = "sqlite:///FILE or postgresql://USER@HOST/DATABASE"


@dataclass(frozen=True)
class Location:
    """Where a database is. `path` is None for a server; `shown` is the URL without its password."""

    url: URL
    shown: str
    path: Path | None


def locate(url: str) -> Location:
    """Reads a storage URL.

    Raises:
        StoreError: it is no URL, of an unknown kind, or names no file.
    """
    if "://" not in url:
        raise StoreError(f"{url!r} is not a storage URL", hint=f"for a file write sqlite:///{url or 'mixnas.db'}")
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise StoreError(f"{url!r} is not a storage URL", hint=f"known: {_FORMS}") from error
    kind = parsed.get_backend_name()
    shown = parsed.render_as_string(hide_password=True)
    if kind == "postgresql":
        return Location(_with_driver(parsed), shown, None)
    if kind != "sqlite":
        raise StoreError(f"unknown kind of storage {kind!r} in {shown!r}", hint=f"known: {_FORMS}")
    if parsed.host or not parsed.database or parsed.database == ":memory:":
        hint = f"write three slashes and the file's name: sqlite:///{parsed.host or 'mixnas.db'}"
        raise StoreError(f"{shown!r} names no file to keep results in", hint=hint)
    if parsed.query:
        hint = f"write sqlite:///{parsed.database}; a file's name may not hold '?'"
        raise StoreError(f"{shown!r} has options after '?', which files do not take", hint=hint)
    return Location(parsed, shown, Path(parsed.database).absolute())


def _with_driver(url: URL) -> URL:
    """SQLAlchemy reads plain `postgresql://` as psycopg2, an older driver: psycopg takes its place where it is not."""
    if url.drivername == "postgresql" and find_spec("psycopg2") is None:
        return url.set(drivername="postgresql+psycopg")
    return url


def open_engine(location: Location, create: bool) -> Engine:
    """An engine on a database that is certain to hold our tables in our version.

    Args:
        create: make what is missing, under a lock; otherwise a database that is not there is an error.

    Raises:
        StoreError: the database is missing, not ours, too new, or cannot be read (written, with `create`).
    """
    if location.path is not None:
        check_file(location.path, create)
    engine = plain_engine(location, create)
    try:
        with guard(location.shown):
            _prepare(engine, location, create)
    except BaseException:
        engine.dispose()
        raise
    return engine


def _prepare(engine: Engine, location: Location, create: bool) -> None:
    with engine.connect() as connection:
        ours = _holds_our_tables(connection, location, create)
    if not ours:
        with creation_lock(engine, location):
            _create(engine, location)
    with engine.connect() as connection:
        version = stored_version(connection, location.shown)
    if version != SCHEMA_VERSION:
        if location.path is not None:
            require_writable(location.path, version)  # before the lock, which lies beside it
        _migrate(engine, location)


def _holds_our_tables(connection: Connection, location: Location, create: bool) -> bool:
    tables = set(inspect(connection).get_table_names())
    if meta.name in tables:
        return True
    foreign = sorted(t for t in tables if t not in OPTUNA_TABLES and not t.startswith(PREFIX))
    if foreign:
        raise StoreError(
            f"database {location.shown} belongs to another program: it has the tables {_listed(foreign)}",
            hint="give another one with --storage sqlite:///FILE",
        )
    if not create:
        what = "only Optuna's tables" if tables else "no tables"
        raise StoreError(
            f"database {location.shown} holds no results of mixnas: it has {what}",
            hint="`mixnas search` with the same --storage adds its own",
        )
    return False


def _listed(names: list[str], most: int = 8) -> str:
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest


def _create(engine: Engine, location: Location) -> None:
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:  # outside of a transaction, where SQLite allows it
            connection.connection.cursor().execute("PRAGMA journal_mode=WAL")
    # One transaction: whoever looks meanwhile sees no table or all of them.
    with writing(engine).begin() as connection:
        if _holds_our_tables(connection, location, create=True):
            return
        metadata.create_all(connection)
        facts = {"schema_version": str(SCHEMA_VERSION), "created_by": f"mixnas {__version__}"}
        connection.execute(meta.insert(), [{"key": k, "value": v} for k, v in facts.items()])


def _migrate(engine: Engine, location: Location) -> None:
    """Brings an older database up to our version; of several processes that come at once, one does it."""
    with creation_lock(engine, location):
        with engine.connect() as connection:
            version = stored_version(connection, location.shown)
        if version == SCHEMA_VERSION:
            return
        backup = None
        if location.path is not None:
            backup = back_up(location.path, version)
        with writing(engine).begin() as connection:
            migrate(connection, version)
    say_migrated(location.shown, version, backup)


def check_file(path: Path, create: bool) -> None:
    if path.is_dir():
        raise StoreError(f"{path} is a folder, not a database file", hint=f"for example sqlite:///{path}/mixnas.db")
    if not path.parent.is_dir():
        raise StoreError(f"no folder {path.parent} for the database {path.name}", hint=f"mkdir -p {path.parent}")
    if create and not os.access(path.parent, os.W_OK):
        raise StoreError(
            f"folder {path.parent} is not writable, so no database can be kept there",
            hint="give a file elsewhere with --storage sqlite:///FILE",
        )
    if not path.exists():
        if not create:
            raise StoreError(f"no database at {path}", hint="`mixnas search` creates it; --storage names another one")
        return
    if not os.access(path, os.R_OK):
        raise StoreError(f"database {path} may not be read by you", hint=f"chmod u+rw {path}")
    if create and not os.access(path, os.W_OK):
        raise StoreError(
            f"database {path} is read-only", hint=f"chmod u+w {path}, or give another with --storage sqlite:///FILE"
        )
    with path.open("rb") as file:
        header = file.read(len(_SQLITE_HEADER))
    if header and header != _SQLITE_HEADER:
        raise StoreError(
            f"{path} is not an SQLite database: it starts with {header!r}",
            hint="give another file with --storage sqlite:///FILE",
        )


def plain_engine(location: Location, create: bool) -> Engine:
    # A record that holds NaN where no one expects it must not become invalid JSON.
    options: dict[str, Any] = {"json_serializer": partial(json.dumps, allow_nan=False, ensure_ascii=False)}
    if location.path is None:
        try:
            return create_engine(location.url, pool_pre_ping=True, **options)
        except ModuleNotFoundError as error:
            raise StoreError(
                f"storage {location.shown} needs the Python package {error.name!r}", hint=f"pip install {error.name}"
            ) from error
    url = URL.create("sqlite", database=f"file:{quote(str(location.path))}", query=_mode(location.path, create))
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS}, **options)
    event.listen(engine, "connect", _set_pragmas)
    event.listen(engine, "begin", _begin)
    return engine


def _mode(path: Path, create: bool) -> dict[str, str]:
    if create:
        return {"mode": "rwc", "uri": "true"}
    if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
        return {"mode": "rw", "uri": "true"}
    # In a folder where SQLite cannot make its -shm file it reads a resting database only when told that it is one.
    resting = not path.with_name(path.name + "-wal").exists()
    return {"mode": "ro", "uri": "true", **({"immutable": "1"} if resting else {})}


def _set_pragmas(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions begin where we say, see `_begin`
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()


def _begin(connection: Connection) -> None:
    # A transaction that reads first and writes later can fail at once with "database is locked", whatever the
    # timeout; one that takes the write lock at its start waits its turn.
    write = connection.get_execution_options().get("mixnas_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def writing(engine: Engine) -> Engine:
    """The same engine for transactions that write."""
    return engine.execution_options(mixnas_write=True)


@cache
def upsert(dialect: str, table: Table, replace: tuple[str, ...] = (), add: tuple[str, ...] = ()) -> Any:
    """`INSERT` that, where the primary key is taken, replaces some columns and adds to others.

    With neither it leaves the row that is there as it is. Cached, since to build it takes longer than to run it.
    """
    insert = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    keys = list(table.primary_key.columns)
    new: dict[str, Any] = {name: insert.excluded[name] for name in replace}
    new |= {name: table.c[name] + insert.excluded[name] for name in add}
    return insert.on_conflict_do_update(index_elements=keys, set_=new) if new else insert.on_conflict_do_nothing()


@contextmanager
def creation_lock(engine: Engine, location: Location) -> Iterator[None]:
    """Held while tables are made, by mixnas or by others that ask for it (Optuna's own creation is not race-free).

    A lock file beside an SQLite file, gone afterwards; an advisory lock of a PostgreSQL server. Do not nest.

    Raises:
        StoreError: someone holds the file's lock for longer than `BUSY_SECONDS`.
    """
    if location.path is not None:
        with file_lock(location.path.with_name(location.path.name + ".lock")):
            yield
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _POSTGRES_LOCK})
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _POSTGRES_LOCK})


@contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """Held by one process at a time, across threads too; a holder that is killed lets go of it."""
    descriptor = _locked(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)  # while it is held, so that it is ours that goes
        os.close(descriptor)


def _locked(path: Path) -> int:
    import fcntl

    deadline = time.monotonic() + BUSY_SECONDS
    while time.monotonic() < deadline:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_still(path, descriptor):
                return descriptor
        except BlockingIOError:
            pass
        os.close(descriptor)
        time.sleep(0.01)
    raise StoreError(f"another process has been creating a database for {BUSY_SECONDS:.0f} s: {path}", hint="end it")


def _is_still(path: Path, descriptor: int) -> bool:
    """Whether the locked file is the one at that path, and not one that its last holder has removed."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
