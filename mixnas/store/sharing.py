"""What several drivers of one study need: what the others did, who they are, and what each has for itself.

A claim is held until a time that its owner renews; one that has run out may be taken by anybody. What others did is
found by the count of changes of the study, which each change of a trial raises while it holds the row of the study:
whoever has seen the trials up to a count has missed none below it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection, and_, or_, select, update

from mixnas.records import Decision, Trial
from mixnas.store import rows, schema
from mixnas.store.connect import upsert
from mixnas.store.database import Database, now, require_study
from mixnas.store.reading import TRIALS
from mixnas.store.records import Attempt

DRIVER = "driver:"
"""How claims begin that say who is searching the study."""


@dataclass(frozen=True)
class News:
    """What has changed in a study since a count of its changes."""

    changes: int
    """The count now: what to ask from the next time."""
    trials: tuple[Trial, ...]
    others: tuple[str, ...]
    """Drivers but the one who asks, whose claims have not run out."""


class Sharing(Database):
    """The questions and verbs between drivers."""

    def news(self, study: str, since: int, owner: str) -> News:
        """The trials that changed after a count, by number, and who else is at work; -1 asks for all trials.

        Raises:
            UnknownName: there is no such study.
        """
        t, c = schema.trials.c, schema.claims.c
        changed = TRIALS.where(t.study == study, t.changed > since).order_by(t.number)
        drivers = select(c.owner).where(c.study == study, c.what.startswith(DRIVER), c.owner != owner, c.until > now())
        count = select(schema.studies.c.changes).where(schema.studies.c.name == study)
        with self._read() as connection:
            changes = connection.scalar(count)
            if changes is None:
                require_study(connection, study)
            # Read after the count: a trial that changes in between is only told of twice.
            found = tuple(rows.trial(row) for row in connection.execute(changed))
            return News(int(changes or 0), found, tuple(connection.scalars(drivers.order_by(c.owner))))

    def claim(self, study: str, what: str, owner: str, lease_seconds: float, *, instead_of: str = "") -> bool:
        """Takes or renews something for a while; False where somebody has it.

        Args:
            instead_of: an owner of whom the caller knows that it is gone.

        Raises:
            UnknownName: there is no such study.
        """
        c = schema.claims.c
        mine = {"study": study, "what": what, "owner": owner, "until": now(lease_seconds)}
        free = or_(c.owner.in_([owner, instead_of]), c.until < now())
        taking = update(schema.claims).where(c.study == study, c.what == what, free)
        with self._write(partial(require_study, name=study)) as connection:
            if connection.execute(upsert(self._dialect, schema.claims), mine).rowcount > 0:
                return True
            return connection.execute(taking.values(owner=owner, until=mine["until"])).rowcount > 0

    def claims(self, study: str, what: str = "") -> dict[str, tuple[str, str]]:
        """Owner and time by what is claimed, of claims that begin like this; those that have run out, too."""
        c = schema.claims.c
        query = select(schema.claims).where(c.study == study, c.what.startswith(what, autoescape=True))
        with self._read() as connection:
            return {row.what: (row.owner, row.until) for row in connection.execute(query.order_by(c.what))}

    def give_up(self, study: str, owner: str, what: str = "") -> None:
        """Lets go of one claim, or of all that `owner` has in the study."""
        c = schema.claims.c
        mine = and_(c.study == study, c.owner == owner)
        with self._write() as connection:
            connection.execute(schema.claims.delete().where(and_(mine, c.what == what) if what else mine))

    def renew_all(self, study: str, owner: str, lease_seconds: float) -> None:
        """Holds on to all that `owner` has: its claims and the attempts that it runs."""
        until, c, a = now(lease_seconds), schema.claims.c, schema.attempts.c
        mine = (a.study == study, a.owner == owner, a.state == "running")
        with self._write() as connection:
            connection.execute(update(schema.claims).where(c.study == study, c.owner == owner).values(until=until))
            connection.execute(update(schema.attempts).where(*mine).values(lease_until=until))

    def newest_attempts(self, study: str) -> list[Attempt]:
        """The newest attempt of each running trial, by trial: who has it, and for how long."""
        t, a = schema.trials.c, schema.attempts.c
        newest = and_(a.study == t.study, a.trial == t.number, a.attempt == t.attempts)
        query = select(schema.attempts).join(schema.trials, newest).where(t.study == study, t.state == "running")
        with self._read() as connection:
            return [rows.attempt(row) for row in connection.execute(query.order_by(a.trial))]

    def decisions_since(self, study: str, last: int) -> tuple[int, list[Decision]]:
        """What early stopping decided after a decision's number, in order, and what to ask from next; 0 is all."""
        c = schema.decisions.c
        query = select(schema.decisions).where(c.study == study, c.id > last).order_by(c.id)
        with self._read() as connection:
            found = list(connection.execute(query))
        return (found[-1].id if found else last), [rows.decision(row) for row in found]


def count_change(connection: Connection, study: str) -> int:
    """Raises the study's count of changes and returns it; others who change trials wait for this transaction's end."""
    c = schema.studies.c
    connection.execute(update(schema.studies).where(c.name == study).values(changes=c.changes + 1))
    return int(connection.scalar(select(c.changes).where(c.name == study)) or 0)
