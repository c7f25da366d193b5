"""The one place where errors of the database become errors with a way out."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, SQLAlchemyError, StatementError

from mixnas.errors import MixnasError, RunError, StoreError

_SQLITE: dict[str, tuple[type[MixnasError], str, str]] = {
    "SQLITE_FULL": (
        RunError,
        "the disk is full",
        "free some space and run the same command again; nothing finished was lost",
    ),
    "SQLITE_BUSY": (
        RunError,
        "another process has kept it locked for too long",
        "see which program has the file open, end it or wait for it, then run the same command again",
    ),
    "SQLITE_READONLY": (
        StoreError,
        "it is read-only",
        "make the file and its folder writable, or work on a copy with --storage sqlite:///COPY",
    ),
    "SQLITE_CANTOPEN": (
        StoreError,
        "it cannot be opened",
        "see that the folder exists and that you may read and write there",
    ),
    "SQLITE_NOTADB": (StoreError, "it is not an SQLite database", "give another file with --storage sqlite:///FILE"),
    "SQLITE_CORRUPT": (
        StoreError,
        "it is damaged",
        "restore a backup, or save what can be read with `sqlite3 FILE .recover`",
    ),
    "SQLITE_IOERR": (RunError, "reading or writing it failed", "see whether the disk is full, gone or broken"),
}
"""By the start of SQLite's error name (`SQLITE_IOERR_WRITE` is an `SQLITE_IOERR`): class, message, way out."""


@contextmanager
def guard(shown: str) -> Iterator[None]:
    """Turns what SQLAlchemy raises inside into a StoreError or RunError that names the database `shown`.

    Raises:
        StoreError: the database cannot be used as it is.
        RunError: it failed underway (disk full, locked for longer than the busy timeout, connection lost).
        ValueError, TypeError: a record holds what cannot be stored; a bug of ours, not of the user's.
    """
    try:
        yield
    except IntegrityError:
        raise  # the caller knows which of its rules was broken
    except DBAPIError as error:
        raise _translated(shown, error.orig, isinstance(error, OperationalError)) from error
    except sqlite3.Error as error:  # a PRAGMA on the bare connection
        raise _translated(shown, error) from error
    except StatementError as error:
        if isinstance(error.orig, (ValueError, TypeError)):
            raise error.orig from error
        raise RunError(f"{shown}: {error}") from error
    except SQLAlchemyError as error:
        raise RunError(f"{shown}: {error}") from error


def _translated(shown: str, error: BaseException | None, server: bool = False) -> MixnasError:
    name = str(getattr(error, "sqlite_errorname", ""))
    for start, (kind, message, hint) in _SQLITE.items():
        if name.startswith(start):
            return kind(f"database {shown}: {message}", hint=hint)
    what = " ".join(str(error).split())
    hint = "" if name else "see that the server runs and can be reached, and that the database and the user exist"
    return RunError(f"database {shown}: {what}", hint=hint if server else "")
