"""A store on a real database: a new SQLite file for each test, and a new database of a PostgreSQL server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from mixnas.store import Store
from tests.store import postgres


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The URL of a database of a PostgreSQL server."""
    if postgres.programs() is None:
        pytest.skip(postgres.MISSING)
    with postgres.cluster() as url:
        yield f"{url}/postgres"


@pytest.fixture
def postgres_url(server: str) -> str:
    """The same database, emptied: that is ten times faster than to make a new one."""
    engine = create_engine(server)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    return server


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where the test may create a database."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{tmp_path}/mixnas.db"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """An open store without studies."""
    with Store.open(url, create=True) as store:
        yield store
