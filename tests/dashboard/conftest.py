"""A database with a filled study, an empty one, and one whose name is hard on addresses and HTML."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mixnas.store import Store
from tests.figures.samples import ALL_THREE, add_study, fill

ODD = "<b>odd</b> / näme?#%2F&'\"+ ../x"


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL; tests only read from it."""
    path: Path = tmp_path_factory.mktemp("dashboard") / "mixnas.db"
    url = f"sqlite:///{path}"
    with Store.open(url, create=True) as store:
        fill(store, "filled", 40)
        fill(store, "three", 20, ALL_THREE)
        add_study(store, "empty")
        add_study(store, ODD)
        add_study(store, "..")
    return url


@pytest.fixture(scope="session")
def store(database: str) -> Iterator[Store]:
    with Store.open(database) as opened:
        yield opened
