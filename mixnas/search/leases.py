"""Who is working on a trial, and whether they still can be."""

from __future__ import annotations

import os
import socket
from datetime import UTC, datetime

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
