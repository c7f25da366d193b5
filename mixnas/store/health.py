"""Looks at a database without changing it: an older schema is told of, not brought up to date."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import CursorResult, func, inspect, select

from mixnas.errors import StoreError
from mixnas.store import schema
from mixnas.store.connect import Location, check_file, locate, plain_engine
from mixnas.store.guard import guard
from mixnas.store.migrations import stored_version

CONNECT_SECONDS = 10
"""For a server to answer."""


@dataclass(frozen=True)
class Health:
    """What was seen."""

    version: int
    current: bool
    """Whether the schema is of our own version."""
    studies: int
    integrity: str
    """`ok`, or SQLite's first complaint; always `ok` on a server, which looks after itself."""


def look(url: str) -> Health:
    """Opens a database and reads it through.

    Raises:
        StoreError: it is not there, not ours, cannot be read, or is of a newer mixnas.
        RunError: its server cannot be reached.
    """
    location = locate(url)
    if location.path is not None:
        check_file(location.path, create=False)
    else:
        patient = location.url.update_query_dict({"connect_timeout": str(CONNECT_SECONDS)})
        location = replace(location, url=patient)
    engine = plain_engine(location, create=False)
    try:
        with guard(location.shown), engine.connect() as connection:
            if schema.meta.name not in inspect(connection).get_table_names():
                raise StoreError(
                    f"database {location.shown} holds no results of mixnas",
                    hint="`mixnas search` with the same --storage adds its own",
                )
            integrity = _integrity(connection.exec_driver_sql, location)
            version = stored_version(connection, location.shown)
            studies = connection.scalar(select(func.count()).select_from(schema.studies)) or 0
    finally:
        engine.dispose()
    return Health(version, version == schema.SCHEMA_VERSION, studies, integrity)


def _integrity(execute: Callable[[str], CursorResult[Any]], location: Location) -> str:
    if location.path is None:
        return "ok"
    return str(execute("PRAGMA integrity_check(1)").scalar())
