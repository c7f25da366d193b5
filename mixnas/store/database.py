"""An open database: transactions to read and to write in, with every error explained once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import IntegrityError

from mixnas.errors import StoreError, UnknownName
from mixnas.store.connect import Location, writing
from mixnas.store.guard import guard
from mixnas.store.records import UnknownTrial
from mixnas.store.schema import studies, trials


def now(later: float = 0.0) -> str:
    """The time in UTC, some seconds later if asked, as text that sorts like time."""
    return (datetime.now(UTC) + timedelta(seconds=later)).isoformat(timespec="milliseconds")


class Database:
    """A connection pool and its transactions. May be shared by threads, not by processes."""

    def __init__(self, url: str, location: Location, engine: Engine) -> None:
        self.url = url
        """The URL as it was given, with the driver of a server."""
        self._location = location
        self._engine = engine
        self._writer = writing(engine)

    @property
    def path(self) -> Path | None:
        """The database file; None for a server."""
        return self._location.path

    @property
    def shown(self) -> str:
        """The URL without its password."""
        return self._location.shown

    def same_database(self, other: Database) -> bool:
        """Whether both are open on one database."""
        mine, theirs = self._location, other._location
        return mine.path == theirs.path if mine.path or theirs.path else mine.url == theirs.url

    def close(self) -> None:
        """Gives all connections back. Harmless when done twice."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def _dialect(self) -> str:
        return self._engine.dialect.name

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database, whatever others write meanwhile."""
        with guard(self._location.shown), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _write(self, explain: Callable[[Connection], None] | None = None) -> Iterator[Connection]:
        """A transaction that writes: all of it or nothing.

        Args:
            explain: called when a constraint of the tables refused a row; raises what the caller should hear.
        """
        try:
            with guard(self._location.shown), self._writer.begin() as connection:
                yield connection
        except IntegrityError as error:
            if explain is not None:
                with self._read() as connection:
                    explain(connection)
            raise StoreError(f"database {self._location.shown} refused the rows: {error.orig}") from error


def require_study(connection: Connection, name: str) -> None:
    """Raises UnknownName, with the names that there are, unless the study exists."""
    if connection.scalar(select(studies.c.name).where(studies.c.name == name)) is None:
        raise UnknownName("study", name, connection.scalars(select(studies.c.name)))


def require_trial(connection: Connection, study: str, number: int) -> None:
    """Raises UnknownName for a study, or UnknownTrial, unless the trial exists."""
    same = (trials.c.study == study, trials.c.number == number)
    if connection.scalar(select(trials.c.number).where(*same)) is None:
        require_study(connection, study)
        raise UnknownTrial(study, number, connection.scalar(select(func.max(trials.c.number)).where(same[0])))
