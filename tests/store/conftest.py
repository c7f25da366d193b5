"""A store on a real database: a new SQLite file for each test, or MIXNAS_TEST_STORAGE (emptied of our tables first)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from mixnas.store import Store
from mixnas.store.schema import metadata


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Where the test may create a database."""
    server = os.environ.get("MIXNAS_TEST_STORAGE")
    if not server:
        return f"sqlite:///{tmp_path}/mixnas.db"
    engine = create_engine(server)
    metadata.drop_all(engine)
    engine.dispose()
    return server


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """An open store without studies."""
    with Store.open(url, create=True) as store:
        yield store
