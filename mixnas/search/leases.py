"""Who is searching a study, and whether they still can be."""

from __future__ import annotations

import os
import socket
import time
from datetime import UTC, datetime

from mixnas.errors import RunError, UsageError
from mixnas.store import Store

LEASE_SECONDS = 120.0
"""How long a word from a worker lasts; every epoch renews it."""


def owner_name() -> str:
    """This process, as `host:pid`."""
    return f"{socket.gethostname()}:{os.getpid()}"


def seconds_left(lease_until: str) -> float:
    """Seconds until a lease ends; negative when it is over, 0 when there is none."""
    if not lease_until:
        return 0.0
    until = datetime.fromisoformat(lease_until)
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return (until - datetime.now(UTC)).total_seconds()


def may_live(owner: str) -> bool:
    """Whether the owner could still be alive: of another machine it is not known, here its process is looked up."""
    host, _, pid = owner.rpartition(":")
    if host != socket.gethostname() or not pid.isdigit():
        return True
    if int(pid) == os.getpid():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def require_free(store: Store, study: str, owner: str = "") -> str:
    """Refuses a study that a search holds; returns the name that its word stands on, which may be over or dead.

    Raises:
        UsageError: another process than `owner` has it, and may be alive.
    """
    before, until = store.holder(study)
    if seconds_left(until) > 0 and before != owner and may_live(before):
        raise _taken(study, before, seconds_left(until))
    return before


class StudyHold:
    """The right to search a study, which one process has at a time.

    Raises:
        UsageError: another process has it, and may be alive.
    """

    def __init__(self, store: Store, study: str) -> None:
        self.owner = owner_name()
        self._store, self._study = store, study
        before = require_free(store, study, self.owner)
        if not store.hold_study(study, self.owner, LEASE_SECONDS, instead_of=before):
            raise _taken(study, store.holder(study)[0], LEASE_SECONDS)
        self._renewed = time.monotonic()

    def renew(self) -> None:
        """Holds on for a while longer. Cheap: it writes only now and then.

        Raises:
            RunError: the process was suspended for so long that another one has taken over.
        """
        if time.monotonic() - self._renewed < LEASE_SECONDS / 4:
            return
        if not self._store.hold_study(self._study, self.owner, LEASE_SECONDS, instead_of=self.owner):
            raise RunError(f"study {self._study!r} has been taken over by {self._store.holder(self._study)[0]}")
        self._renewed = time.monotonic()

    def release(self) -> None:
        """Lets others search the study."""
        self._store.let_go_of_study(self._study, self.owner)


def _taken(study: str, owner: str, left: float) -> UsageError:
    return UsageError(
        f"study {study!r} is being searched by {owner}",
        hint=f"wait for it, choose another --study, or try again in {left:.0f} s if that process is gone",
    )
