"""Who works on a study, and whether they still can be.

Several searches share a study: each has a claim that says so, and a lease on every trial that it runs. An ablation, or
what changes a study as a whole, holds it alone. Leases are renewed in a thread, so that a long epoch in this process
does not end them; one that has run out, or whose process is gone, may be taken over by whoever comes next.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import threading
from collections.abc import Callable
from datetime import UTC, datetime

from mixnas.errors import MixnasError, RunError, UsageError
from mixnas.store import Store
from mixnas.store.sharing import DRIVER

LEASE_SECONDS = 120.0
"""How long a word lasts that nobody renews. Clocks of machines that share a study may differ by less than that."""


def owner_name() -> str:
    """A name of its own for each search: `host:pid:` and some letters, since one process may run several."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(2)}"


def seconds_left(lease_until: str) -> float:
    """Seconds until a lease ends; negative when it is over, 0 when there is none."""
    if not lease_until:
        return 0.0
    until = datetime.fromisoformat(lease_until)
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return (until - datetime.now(UTC)).total_seconds()


def may_live(owner: str) -> bool:
    """Whether the owner could still be alive: of another machine it is not known, here its process is looked up."""
    host, pid, *_ = [*owner.split(":"), ""]
    if host != socket.gethostname() or not pid.isdigit():
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass
    return True


def is_over(owner: str, until: str) -> bool:
    """Whether a lease may be taken over."""
    return seconds_left(until) <= 0 or not may_live(owner)


def drivers(store: Store, study: str) -> list[str]:
    """The searches that are at work on a study."""
    return [owner for owner, until in store.claims(study, DRIVER).values() if not is_over(owner, until)]


def at_work_here(store: Store) -> dict[str, list[str]]:
    """Who trains on this machine by this database: searches and ablations, by study."""

    def here(owner: str) -> bool:
        return owner.split(":")[0] == socket.gethostname()

    found = {}
    for study in store.study_names():
        owners = drivers(store, study)
        holder, until = store.holder(study)
        owners += [] if is_over(holder, until) else [holder]
        if owners := [owner for owner in owners if here(owner)]:
            found[study] = owners
    return found


def require_free(store: Store, study: str) -> str:
    """Refuses a study that somebody works on; returns the name that its word stands on, which may be over or dead.

    Raises:
        UsageError: a search, an ablation or a merge has it, and may be alive.
    """
    before, until = store.holder(study)
    if not is_over(before, until):
        raise _taken(study, before, seconds_left(until))
    if found := drivers(store, study):
        raise _taken(study, ", ".join(found), LEASE_SECONDS)
    return before


class Heartbeat:
    """Does something every quarter of a lease, in a thread, until it is stopped."""

    def __init__(self, beat: Callable[[], None]) -> None:
        self._beat, self._ended = beat, threading.Event()
        self._thread = threading.Thread(target=self._run, name="mixnas-leases", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends it. Harmless when done twice."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(LEASE_SECONDS / 4):
            with contextlib.suppress(MixnasError):  # a full disk, say: the next beat is in time
                self._beat()


class StudyHold:
    """A study for one process alone."""

    def __init__(self, store: Store, study: str) -> None:
        """Takes it.

        Raises:
            UsageError: somebody works on it.
        """
        self.owner, self._store, self._study, self._lost = owner_name(), store, study, False
        before = require_free(store, study)
        if not store.hold_study(study, self.owner, LEASE_SECONDS, instead_of=before):
            raise _taken(study, store.holder(study)[0], LEASE_SECONDS)
        if found := drivers(store, study):  # began since we looked
            store.let_go_of_study(study, self.owner)
            raise _taken(study, ", ".join(found), LEASE_SECONDS)
        self._heartbeat = Heartbeat(self._renew)

    def check(self) -> None:
        """Sees to it that nobody else has the study.

        Raises:
            RunError: the process was suspended for so long that another one has taken over.
        """
        if self._lost:
            raise RunError(f"study {self._study!r} has been taken over by {self._store.holder(self._study)[0]}")

    def release(self) -> None:
        """Lets others work on the study."""
        self._heartbeat.stop()
        self._store.let_go_of_study(self._study, self.owner)

    def _renew(self) -> None:
        self._lost = not self._store.hold_study(self._study, self.owner, LEASE_SECONDS, instead_of=self.owner)


class StudyShare:
    """The place of one search among those that share a study."""

    def __init__(self, store: Store, study: str) -> None:
        """Takes it, and clears away what dead ones have left.

        Raises:
            UsageError: the study is held by something that works on it alone.
        """
        self.owner, self._store, self._study = owner_name(), store, study
        for owner, until in store.claims(study).values():
            if is_over(owner, until):
                store.give_up(study, owner)
        store.claim(study, DRIVER + self.owner, self.owner, LEASE_SECONDS)
        holder, until = store.holder(study)
        if not is_over(holder, until):
            store.give_up(study, self.owner)
            raise _taken(study, holder, seconds_left(until))
        self._heartbeat = Heartbeat(lambda: store.renew_all(study, self.owner, LEASE_SECONDS))

    def claim(self, what: str) -> bool:
        """Takes something that only one of the searches is to do; False where another one has it."""
        owner, until = self._store.claims(self._study, what).get(what, ("", ""))
        if owner not in ("", self.owner) and not is_over(owner, until):
            return False
        return self._store.claim(self._study, what, self.owner, LEASE_SECONDS, instead_of=owner)

    def give_up(self, what: str) -> None:
        """Lets go of it."""
        self._store.give_up(self._study, self.owner, what)

    def release(self) -> None:
        """Leaves the study to the others."""
        self._heartbeat.stop()
        self._store.give_up(self._study, self.owner)


def _taken(study: str, owner: str, left: float) -> UsageError:
    return UsageError(
        f"study {study!r} is in use by {owner}",
        hint=f"wait for it, choose another --study, or try again in {left:.0f} s if that process is gone",
    )
