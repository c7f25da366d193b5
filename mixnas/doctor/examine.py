"""The whole examination, group by group."""

from __future__ import annotations

from collections.abc import Iterator

from mixnas.doctor import places, services
from mixnas.doctor.check import Check, guarded
from mixnas.doctor.packages import packages

GROUPS = ("versions", "devices", "places", "data sets", "database", "ray", "extras", "self-test")
"""In the order in which they are shown."""


def examine(storage: str = "", address: str = "", data_dir: str | None = None) -> Iterator[Check]:
    """Looks at everything, the quick things first, and tells each as it is known.

    Args:
        storage: URL of a database that has to be there; empty looks at the default one, if there is one.
        address: of a Ray cluster that has to answer; empty asks none.
        data_dir: where data sets lie; None takes `$MIXNAS_DATA` or `./data`.
    """
    yield from guarded("places", "folders", lambda: places.places(data_dir))
    yield from guarded("data sets", "data sets", lambda: places.data_sets(data_dir))
    yield from guarded("versions", "packages", packages)
    yield from guarded("extras", "browser", places.browser)
    yield from guarded("database", storage or "database", lambda: services.database(storage))
    yield from guarded("ray", address or "cluster", lambda: services.ray(address))
    yield from guarded("self-test", "search", services.self_test)
