"""Finds spaces, studies and dashboard pages by their file's name.

A name is looked up in the user's own folder of that kind first (`./search_spaces/NAME.py`), then among the built-in
ones; a path to a file works too. An installed wheel carries the built-in files under `mixnas/_catalog`; a checkout
has them beside the package.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Literal

from mixnas.errors import UnknownName, UsageError

Kind = Literal["search_spaces", "studies", "dashboards"]

_SINGULAR = {"search_spaces": "space", "studies": "study", "dashboards": "dashboard page"}


def builtin_folder(kind: Kind) -> Path:
    """The folder of the built-in files of that kind, in a wheel or in a checkout."""
    package = Path(__file__).resolve().parent
    packed = package / "_catalog" / kind
    return packed if packed.is_dir() else package.parent / kind


def names(kind: Kind) -> dict[str, Path]:
    """Every name of that kind with its file; the user's own file hides a built-in one of the same name."""
    found: dict[str, Path] = {}
    for folder in (builtin_folder(kind), Path(kind)):
        if folder.is_dir():
            found.update({p.stem: p for p in sorted(folder.glob("*.py")) if not p.stem.startswith("_")})
    return dict(sorted(found.items()))


def is_file(name: str) -> bool:
    """Whether a text that a user gave is the path of a file; one that no file system takes is none."""
    try:
        return Path(name).is_file()
    except OSError:  # too long
        return False


def find(kind: Kind, name: str) -> Path:
    """The file of a name, or of a path.

    Raises:
        UnknownName: no file of that name; the error lists the known ones.
        UsageError: it is a path, and there is no such file.
    """
    if name.endswith(".py") or "/" in name:
        path = Path(name)
        if not is_file(name):
            raise UsageError(f"no file {name!r}", hint=f"a {_SINGULAR[kind]} is a Python file; see ./{kind}/")
        return path
    known = names(kind)
    if name not in known:
        raise UnknownName(_SINGULAR[kind], name, known)
    return known[name]


def load(path: Path) -> ModuleType:
    """Runs a file of the catalog and returns it as a module.

    Raises:
        UsageError: the file raises an error while it runs; the error names the line.
    """
    spec = importlib.util.spec_from_file_location(f"mixnas_catalog_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} is not a Python file", hint="its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except UsageError:
        raise
    except Exception as error:
        raise UsageError(f"{path}: {_where(error, path)}{type(error).__name__}: {error}") from error
    return module


def _where(error: BaseException, path: Path) -> str:
    """`line 12: ` for the last line of the file itself that was being run, or nothing."""
    if isinstance(error, SyntaxError) and error.lineno:
        return f"line {error.lineno}: "
    line, trace = 0, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return f"line {line}: " if line else ""
