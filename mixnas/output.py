"""Files that a command is asked to write: looked at before the work whose result they are for."""

from __future__ import annotations

import os
from pathlib import Path

from mixnas.errors import UsageError


def require_place(path: Path) -> None:
    """Refuses a file that could not be written where it is to go.

    Raises:
        UsageError: it is a folder, or its folder does not exist or may not be written to.
    """
    if path.is_dir():
        raise UsageError(f"{str(path)!r} is a folder", hint="name a file in it")
    if not path.parent.is_dir():
        raise UsageError(f"no folder {str(path.parent)!r} for {path.name!r}", hint="make it first")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise UsageError(f"{str(path)!r} may not be written", hint="choose another place")
