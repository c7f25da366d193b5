"""The store: everything that a search learned, in one SQLite file or one PostgreSQL database."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Self

from mixnas.store.connect import creation_lock, locate, open_engine
from mixnas.store.keeping import Keeping
from mixnas.store.moving import Moving
from mixnas.store.reading import Reading
from mixnas.store.sharing import Sharing
from mixnas.store.writing import Writing


class Store(Reading, Writing, Keeping, Sharing, Moving):
    """Studies, trials, learning curves and fronts.

    See `reading` for the questions, `writing` and `keeping` for the verbs, `sharing` for what goes on between drivers
    of one study, and `moving` for what happens to whole studies.

    with Store.open("sqlite:///mixnas.db") as store:
        for trial in store.trials("digits", "finished"):
            ...
    """

    @classmethod
    def open(cls, url: str, *, create: bool = False) -> Self:
        """Opens a database.

        Args:
            create: make what is missing (race-free between processes) and insist on being able to write. Without it
                a missing database is an error, and a read-only one can be read.

        Raises:
            StoreError: it is missing, cannot be read or written, belongs to another program, or is of a newer mixnas.
                Nothing was written.
        """
        location = locate(url)
        if location.path is None:
            url = location.url.render_as_string(hide_password=False)
        return cls(url, location, open_engine(location, create))

    def creation_lock(self) -> AbstractContextManager[None]:
        """Held while others make their tables in the same database: Optuna's own creation is not race-free."""
        return creation_lock(self._engine, self._location)
