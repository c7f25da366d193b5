"""Finds tables by name: `./studies/tables/NAME.npz` first, then the built-in ones; or by the path of a file."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from mixnas import catalog
from mixnas.errors import UnknownName
from mixnas.table.file import read_table
from mixnas.table.table import Table


def table_names() -> dict[str, Path]:
    """Every name with its file; the user's own file hides a built-in one of the same name."""
    found: dict[str, Path] = {}
    for folder in (catalog.builtin_folder("studies") / "tables", Path("studies") / "tables"):
        found.update({path.stem: path for path in sorted(folder.glob("*.npz"))})
    return dict(sorted(found.items()))


def find_table(name_or_path: str) -> Table:
    """The table of that name or in that file. Read once as long as the file stays the same.

    Raises:
        UnknownName: no table has that name; the error lists the known ones.
        ConfigError: the file cannot be read.
    """
    if name_or_path.endswith(".npz") or "/" in name_or_path:
        path = Path(name_or_path)
    else:
        known = table_names()
        if name_or_path not in known:
            raise UnknownName("table", name_or_path, [*known, "a path to an .npz file"])
        path = known[name_or_path]
    stamp = path.stat() if path.is_file() else None
    return _read(path, stamp and (stamp.st_mtime_ns, stamp.st_size))


@lru_cache(maxsize=8)
def _read(path: Path, _stamp: tuple[int, int] | None) -> Table:
    return read_table(path)
