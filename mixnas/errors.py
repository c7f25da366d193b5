"""Errors that a user can meet, each with a way out.

MixnasError
├── UsageError          what was asked for cannot be done as asked (exit code 2)
│   ├── UnknownName     a name that is in no table; lists the close ones
│   ├── SpaceError      a search space or a candidate breaks a rule of the space
│   ├── ExpressionError a constraint or query that the expression language refuses
│   ├── ConfigError     a model config, study or recipe that cannot be read
│   ├── MissingExtra    an optional dependency that is not installed
│   └── StoreError      a database that cannot be opened, or is not ours
└── RunError            it was started and failed (exit code 1)
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class MixnasError(Exception):
    """Base of all errors raised on purpose. `hint` says what to do instead."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class UsageError(MixnasError):
    """What was asked for cannot be done as asked; nothing was written."""

    exit_code = 2


class UnknownName(UsageError):
    """A name that is in no table."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        close = difflib.get_close_matches(name, names, n=3)
        guess = f"did you mean {' or '.join(repr(c) for c in close)}? " if close else ""
        super().__init__(f"unknown {kind} {name!r}", hint=f"{guess}known: {', '.join(names)}")
        self.kind = kind
        self.name = name


class SpaceError(UsageError):
    """A search space, or a candidate of it, breaks a rule. `problems` lists every one found."""

    def __init__(self, message: str, hint: str = "", problems: Iterable[str] = ()) -> None:
        super().__init__(message, hint)
        self.problems = tuple(problems) or (message,)


class ExpressionError(UsageError):
    """Text that the expression language refuses, with the place in it."""


class ConfigError(UsageError):
    """A model config, study or recipe that cannot be read."""


class MissingExtra(UsageError):
    """An optional dependency that is not installed."""

    def __init__(self, what: str, package: str, extra: str) -> None:
        super().__init__(
            f"{what} needs the package {package!r}, which is not installed",
            hint=f"pip install 'mixnas[{extra}]'",
        )


class StoreError(UsageError):
    """A database that cannot be opened, or is not ours."""


class RunError(MixnasError):
    """Something was started and failed."""
