"""Brings databases of older versions of the schema up to ours: a backup first, then one transaction.

What a version adds as whole tables needs no step: missing tables are made as new ones are. `STEPS` holds the rest.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, select, text

from mixnas import __version__
from mixnas.errors import StoreError
from mixnas.store.schema import SCHEMA_VERSION, meta, metadata, trials


def _count_changes(connection: Connection) -> None:
    """2 to 3: studies count the changes of their trials."""
    connection.execute(text("ALTER TABLE mixnas_studies ADD COLUMN changes INTEGER DEFAULT 0 NOT NULL"))
    connection.execute(text("ALTER TABLE mixnas_trials ADD COLUMN changed INTEGER DEFAULT 0 NOT NULL"))
    for index in trials.indexes:
        index.create(connection, checkfirst=True)


STEPS: Mapping[int, Callable[[Connection], None]] = {2: _count_changes}
"""By the version that it starts from: what to change in tables that are there. 1 to 2 only added tables."""

OLDEST = 1
"""The oldest version that can be brought up to ours."""


def stored_version(connection: Connection, shown: str) -> int:
    """The schema version of a database, between `OLDEST` and ours; `shown` names it in errors.

    Raises:
        StoreError: it is newer than ours, or none that ever was.
    """
    facts = {row.key: row.value for row in connection.execute(select(meta))}
    version = facts.get("schema_version") or ""
    if version.isascii() and version.isdigit() and int(version) > SCHEMA_VERSION:
        raise StoreError(
            f"database {shown} was written by {facts.get('created_by', 'a newer mixnas')}: its schema version "
            f"is {version}, mixnas {__version__} reads up to {SCHEMA_VERSION}",
            hint="upgrade with `pip install -U mixnas`, or give another database with --storage",
        )
    if version not in {str(known) for known in range(OLDEST, SCHEMA_VERSION + 1)}:
        raise StoreError(
            f"database {shown} has no schema version that mixnas {__version__} knows: {version!r}",
            hint="restore a backup, or give another database with --storage",
        )
    return int(version)


def require_writable(path: Path, version: int) -> None:
    """Refuses to bring a file up to date where neither it nor a backup beside it can be written.

    Raises:
        StoreError: the file or its folder is read-only.
    """
    if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
        return
    raise StoreError(
        f"database {path} has schema version {version}, mixnas {__version__} reads version {SCHEMA_VERSION}, and it "
        "cannot be brought up to date where it is: the file or its folder is read-only",
        hint=f"work on a copy: cp {path} . && mixnas ... --storage sqlite:///{path.name}",
    )


def back_up(path: Path, version: int) -> Path:
    """Copies an SQLite file to `<file>.v<version>.backup` beside it, with what its log still holds; never over another.

    Raises:
        StoreError: the copy cannot be written.
    """
    wanted = path.with_name(f"{path.name}.v{version}.backup")
    free, count = wanted, 1
    while free.exists():
        count += 1
        free = wanted.with_name(f"{wanted.name}.{count}")
    partial = free.with_name(f"{free.name}.part")
    try:
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(partial)) as copy:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, readable where its folder is read-only
        partial.replace(free)
    except (sqlite3.Error, OSError) as error:
        if partial.is_file():
            partial.unlink()
        raise StoreError(
            f"database {path} has schema version {version} and could not be backed up before the change: {error}",
            hint="free some space beside it; nothing was changed",
        ) from error
    return free


def migrate(connection: Connection, version: int) -> None:
    """Changes a database of an older version to ours, within the transaction of the connection."""
    metadata.create_all(connection)
    for older in range(version, SCHEMA_VERSION):
        if older in STEPS:
            STEPS[older](connection)
    row = meta.update().where(meta.c.key == "schema_version")
    connection.execute(row.values(value=str(SCHEMA_VERSION)))


def say_migrated(shown: str, version: int, backup: Path | None) -> None:
    """Tells the log, which reaches a user's standard error, what has been done to the database."""
    kept = f"; as it was it lies in {backup}" if backup else ""
    message = "database %s was brought from schema version %d to %d%s"
    logging.getLogger("mixnas.store").warning(message, shown, version, SCHEMA_VERSION, kept)
