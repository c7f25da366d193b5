"""Finds and loads search spaces: by name, by the path of a Python file, or by the path of a JSON file."""

from __future__ import annotations

import json
from pathlib import Path

from mixnas import catalog
from mixnas.errors import SpaceError, UsageError
from mixnas.space.space import SearchSpace

LARGEST_FILE = 10_000_000


def load_space(name_or_path: str | Path) -> SearchSpace:
    """The space of that name (`./search_spaces/` first, then the built-in ones), or in that `.py` or `.json` file.

    Raises:
        UnknownName: no space has that name; the error lists the known ones.
        UsageError: there is no such file, or it fails while it runs.
        SpaceError: the file declares no space, or one with mistakes (all of them in `problems`).
    """
    name = str(name_or_path)
    if name.endswith(".json"):
        return _from_json_file(Path(name))
    return _from_python_file(catalog.find("search_spaces", name))


def _from_python_file(path: Path) -> SearchSpace:
    try:
        module = catalog.load(path)
    except SpaceError as error:
        raise SpaceError(f"{path}: {error.message}", error.hint, error.problems) from error
    space = getattr(module, "space", None)
    if not isinstance(space, SearchSpace):
        found = "nothing" if space is None else f"a {type(space).__name__}"
        raise SpaceError(f"{path}: {found} is called 'space'", hint="write space = SearchSpace(...)")
    return space


def _from_json_file(path: Path) -> SearchSpace:
    if not path.is_file():
        raise UsageError(f"no file {str(path)!r}", hint="a space is a name, a .py file or a .json file")
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise SpaceError(f"{path}: larger than {LARGEST_FILE:,} bytes", hint="this is no search space")
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise SpaceError(
            f"{path}: not readable as JSON: {error}", hint="write it with mixnas space show --json"
        ) from error
    try:
        return SearchSpace.from_json(data)
    except SpaceError as error:
        raise SpaceError(f"{path}: {error.message}", error.hint, error.problems) from error
