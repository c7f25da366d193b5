"""`mixnas ablate --from-study`: effects read off a search."""

from __future__ import annotations

from mixnas.errors import UsageError


def observe(search: str, storage: str, study: str | None, as_format: str | None) -> None:
    """Prints what the trials of a search suggest."""
    raise UsageError(
        "--from-study is being written", hint="mixnas ablate BASE --vary AXES trains a designed experiment"
    )
