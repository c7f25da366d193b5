"""What can be written of studies and trials. Every method is one transaction: it happens whole, or not at all.

Whatever changes a trial raises the study's count of changes first, which locks the study's row: so all lock in one
order, and none waits for another that waits for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection, and_, func, insert, select, update

from mixnas.errors import StoreError
from mixnas.records import Candidate, Decision, EpochRecord, Fidelity, FrontPoint, Measurement
from mixnas.store import rows, schema
from mixnas.store.connect import upsert
from mixnas.store.database import Database, now, require_study, require_trial
from mixnas.store.moving import require_name
from mixnas.store.records import DuplicateTrial, EnoughTrials, FrontMoved, TrialTaken
from mixnas.store.sharing import count_change


class Writing(Database):
    """The verbs. What an attempt writes is refused once another attempt has taken over (TrialTaken)."""

    def create_study(
        self, name: str, spec: Mapping[str, Any], space: Mapping[str, Any], environment: Mapping[str, Any]
    ) -> None:
        """Adds a study.

        Raises:
            StoreError: there is one of that name, or the name is empty, too long or not printable.
        """
        require_name(name)
        row = {"name": name, "spec": spec, "space": space, "environment": environment, "created_at": now()}
        with self._write(partial(_explain_study, name=name)) as connection:
            connection.execute(insert(schema.studies), row)

    def describe_study(self, name: str, spec: Mapping[str, Any]) -> None:
        """Replaces the description of a study: an ablation goes on with more arms or seeds.

        Raises:
            UnknownName: there is no such study.
        """
        with self._write() as connection:
            require_study(connection, name)
            connection.execute(update(schema.studies).where(schema.studies.c.name == name).values(spec=spec))

    def hold_study(self, study: str, owner: str, lease_seconds: float, *, instead_of: str) -> bool:
        """Takes or renews the right to search a study; False where someone other than `instead_of` has it by now."""
        c = schema.studies.c
        held = {"held_by": owner, "held_until": now(lease_seconds)}
        with self._write() as connection:
            require_study(connection, study)
            query = update(schema.studies).where(c.name == study, c.held_by.in_([instead_of, owner])).values(held)
            return connection.execute(query).rowcount > 0

    def let_go_of_study(self, study: str, owner: str) -> None:
        """Gives the right to search a study back; nothing happens where `owner` does not have it."""
        c = schema.studies.c
        query = update(schema.studies).where(c.name == study, c.held_by == owner)
        with self._write() as connection:
            connection.execute(query.values(held_by="", held_until=""))

    def start_trial(
        self,
        study: str,
        number: int,
        digest: str,
        family: str,
        axes: Candidate,
        fidelity: Fidelity,
        *,
        problem_key: str,
        costs: Mapping[str, float],
        source: str,
        owner: str,
        lease_seconds: float,
        sampler_state: Mapping[str, Any] | None = None,
        most: int | None = None,
    ) -> None:
        """Adds a trial with its architecture, exact costs and first attempt, which `owner` holds for a while.

        Args:
            most: trials of the study that may be there afterwards, failed ones not counted.

        Raises:
            DuplicateTrial: the study has that architecture at that fidelity and seed already.
            EnoughTrials: there are `most` trials already.
            StoreError: the study has a trial of that number already.
            UnknownName: there is no such study.
        """
        at = now()
        exact = rows.finite(f"costs of {digest}", costs)
        cost_rows = [{"digest": digest, "problem": problem_key, "name": k, "value": v} for k, v in exact.items()]
        same = {"digest": digest, "epochs": fidelity.epochs, "seed": fidelity.seed}
        row = {"study": study, "number": number, "state": "running", "values": {}, "attempts": 1, "seconds": 0.0}
        row |= same | {"source": source, "sampler_state": sampler_state, "created_at": at}
        with self._write(partial(_explain_start, study=study, number=number, same=same)) as connection:
            row["changed"] = count_change(connection, study)
            _require_room(connection, study, most)
            architecture = {"digest": digest, "family": family, "axes": axes, "first_seen": at}
            connection.execute(upsert(self._dialect, schema.architectures), architecture)
            if cost_rows:
                connection.execute(upsert(self._dialect, schema.costs, replace=("value",)), cost_rows)
            connection.execute(insert(schema.trials), row)
            connection.execute(insert(schema.attempts), _attempt_row(study, number, 1, owner, lease_seconds))

    def start_attempt(
        self,
        study: str,
        number: int,
        owner: str,
        lease_seconds: float,
        *,
        after: int | None = None,
        decision: Decision | None = None,
    ) -> int:
        """Takes up an unfinished trial again and returns the number of the new attempt; a running one ends as `lost`.

        It is for the caller to know that the older attempt is over: its lease has run out, or its owner is dead.

        Args:
            after: the newest attempt when the caller looked; of several callers who saw the same, one succeeds.
            decision: the promotion that lets a paused trial go on.

        Raises:
            TrialTaken: the trial has ended, or someone has taken it up since (with `after`).
            UnknownName: there is no such study or trial.
        """
        with self._write() as connection:
            changed = count_change(connection, study)
            newest = _newest(connection, study, number, ("running", "paused"))
            if after is not None and newest != after:
                raise TrialTaken(f"trial {study}/{number} has been taken up since: attempt {newest} holds it")
            _end_attempt(connection, study, number, newest, {"state": "lost", "reason": "lost_worker"})
            connection.execute(insert(schema.attempts), _attempt_row(study, number, newest + 1, owner, lease_seconds))
            taken = {"attempts": newest + 1, "state": "running", "changed": changed}
            connection.execute(update(schema.trials).where(_is_trial(study, number)).values(taken))
            _add_decisions(connection, study, [decision] if decision else [])
            return newest + 1

    def pause_trial(self, study: str, number: int, attempt: int, measurement: Measurement, decision: Decision) -> None:
        """A trial has come to a rung and waits there: its attempt, its curve so far and the decision at once.

        Raises:
            TrialTaken: another attempt has taken over, or the trial has ended.
        """
        with self._write() as connection:
            changed = count_change(connection, study)
            _require_newest(connection, study, number, attempt)
            pausing = update(schema.trials).where(_is_trial(study, number))
            seconds = schema.trials.c.seconds + measurement.seconds
            detail = rows.plain(measurement.detail)
            connection.execute(pausing.values(state="paused", detail=detail, seconds=seconds, changed=changed))
            ended = {"state": "paused", "detail": detail, "device": measurement.device}
            _end_attempt(connection, study, number, attempt, ended)
            if measurement.curve:
                _replace_curve(connection, study, number, attempt, measurement.curve)
            _add_decisions(connection, study, [decision])

    def stop_trials(self, study: str, decisions: Sequence[Decision]) -> list[Decision]:
        """Ends the paused trials that decisions stop, and returns these decisions; others are left as they are."""
        c = schema.trials.c
        with self._write() as connection:
            changed = count_change(connection, study)  # before the look: nobody else changes a trial from here on
            paused = set(connection.scalars(select(c.number).where(c.study == study, c.state == "paused")))
            taken = [decision for decision in decisions if decision.trial in paused]
            ended = {"state": "stopped", "finished_at": now(), "changed": changed}
            for start in range(0, len(taken), 500):  # a statement has room for so many names
                numbers = [decision.trial for decision in taken[start : start + 500]]
                connection.execute(update(schema.trials).where(c.study == study, c.number.in_(numbers)).values(ended))
            _add_decisions(connection, study, taken)
            return taken

    def renew(self, study: str, number: int, attempt: int, lease_seconds: float) -> None:
        """Holds the trial for so many seconds from now.

        Raises:
            TrialTaken: another attempt has taken over, or the trial has ended.
        """
        with self._write() as connection:
            _require_newest(connection, study, number, attempt)
            _renew(connection, study, number, attempt, lease_seconds)

    def release(self, study: str, number: int, attempt: int) -> None:
        """Lets go of a trial on purpose: the attempt ends as `interrupted`, and anyone may take the trial up at once.

        Raises:
            TrialTaken: another attempt has taken over, or the trial has ended.
        """
        with self._write() as connection:
            changed = count_change(connection, study)
            _require_newest(connection, study, number, attempt)
            connection.execute(update(schema.trials).where(_is_trial(study, number)).values(changed=changed))
            _end_attempt(connection, study, number, attempt, {"state": "interrupted"})

    def record_epoch(
        self, study: str, number: int, attempt: int, record: EpochRecord, *, lease_seconds: float | None = None
    ) -> None:
        """Adds a point to the learning curve of a running trial; a point of an earlier attempt is replaced.

        Args:
            lease_seconds: renews the lease in the same transaction.

        Raises:
            TrialTaken: another attempt has taken over, or the trial has ended.
        """
        columns = ("attempt", "train_loss", "metrics", "seconds")
        with self._write() as connection:
            _require_newest(connection, study, number, attempt)
            statement = upsert(self._dialect, schema.curves, replace=columns)
            connection.execute(statement, rows.epoch_row(study, number, attempt, record))
            if lease_seconds is not None:
                _renew(connection, study, number, attempt, lease_seconds)

    def finish_trial(
        self,
        study: str,
        number: int,
        attempt: int,
        measurement: Measurement,
        values: Mapping[str, float],
        front: FrontPoint | None,
    ) -> None:
        """Ends a trial, finished or failed: its values, attempt, whole learning curve and the new front at once.

        The curve of the measurement replaces what was recorded on the way from its first epoch on; an empty one (the
        worker is gone) leaves it.

        Raises:
            TrialTaken: another attempt has taken over, or the trial has ended.
            FrontMoved: `front` counts fewer finished trials than there are by now; nothing was written.
            ValueError: `values` are not finite, missing for a finished trial, or given for a failed one.
        """
        state = measurement.outcome
        if bool(values) != (state == "finished"):
            raise ValueError(f"trial {study}/{number}: outcome {state!r} with values {dict(values)}")
        ending = {"state": state, "reason": measurement.reason, "detail": rows.plain(measurement.detail)}
        spent = schema.trials.c.seconds + measurement.seconds  # a trial that paused comes here with its last part
        result = {"values": rows.finite(f"trial {study}/{number}", values), "seconds": spent}
        with self._write(partial(_explain_front, study=study, front=front)) as connection:
            result["changed"] = count_change(connection, study)
            _require_newest(connection, study, number, attempt)
            done = update(schema.trials).where(_is_trial(study, number))
            connection.execute(done.values(finished_at=now(), **ending, **result))
            extra = {"traceback": rows.plain(measurement.traceback), "device": measurement.device}
            _end_attempt(connection, study, number, attempt, ending | extra)
            if measurement.curve:
                _replace_curve(connection, study, number, attempt, measurement.curve)
            if front is not None:
                connection.execute(insert(schema.fronts), rows.front_row(study, front, front.at or now()))


def _is_trial(study: str, number: int) -> Any:
    return and_(schema.trials.c.study == study, schema.trials.c.number == number)


def _is_attempt(study: str, number: int, attempt: int) -> Any:
    c = schema.attempts.c
    return and_(c.study == study, c.trial == number, c.attempt == attempt)


def _newest(connection: Connection, study: str, number: int, states: tuple[str, ...] = ("running",)) -> int:
    """The number of the newest attempt of a trial in one of these states; locks its row where a server can."""
    query = select(schema.trials.c.state, schema.trials.c.attempts).where(_is_trial(study, number)).with_for_update()
    row = connection.execute(query).first()
    if row is None:
        require_trial(connection, study, number)
    elif row.state in states:
        return int(row.attempts)
    raise TrialTaken(f"trial {study}/{number} has ended as {row.state if row else 'unknown'}")


def _require_newest(connection: Connection, study: str, number: int, attempt: int) -> None:
    newest = _newest(connection, study, number)
    if newest != attempt:
        raise TrialTaken(f"attempt {attempt} of trial {study}/{number} is over: attempt {newest} has taken it up")


def _explain_study(connection: Connection, name: str) -> None:
    """Says why a study could not be added."""
    require_study(connection, name)
    hint = "give another name with --study, or run `mixnas search` with the same flags to go on with it"
    raise StoreError(f"study {name!r} exists already", hint=hint)


def _explain_start(connection: Connection, study: str, number: int, same: Mapping[str, Any]) -> None:
    """Says why a trial could not be added."""
    require_study(connection, study)
    twin = schema.trials.select().filter_by(study=study, **same)
    if (row := connection.execute(twin).first()) is not None:
        raise DuplicateTrial(
            f"study {study!r} has architecture {same['digest']} at {same['epochs']} epochs with seed {same['seed']} "
            f"already: trial {row.number}",
            hint="another driver of this study took it first; ask for another candidate",
        )
    if connection.execute(schema.trials.select().where(_is_trial(study, number))).first() is not None:
        raise StoreError(
            f"study {study!r} has a trial {number} already",
            hint="another driver of this study took the number; start the trial under another one",
        )


def _require_room(connection: Connection, study: str, most: int | None) -> None:
    c = schema.trials.c
    there = select(func.count()).where(c.study == study, c.state != "failed")
    if most is not None and (connection.scalar(there) or 0) >= most:
        raise EnoughTrials(f"study {study!r} has {most} trials already", hint="--trials N asks for more")


def _explain_front(connection: Connection, study: str, front: FrontPoint | None) -> None:
    """Says why a trial could not be ended."""
    if front is None:
        return
    c = schema.fronts.c
    if connection.scalar(select(c.finished).where(c.study == study, c.finished == front.finished)) is not None:
        raise FrontMoved(f"another driver has finished a trial of study {study!r}: {front.finished} there are already")


def _attempt_row(study: str, number: int, attempt: int, owner: str, lease_seconds: float) -> dict[str, Any]:
    row = {"study": study, "trial": number, "attempt": attempt, "owner": owner, "state": "running"}
    return row | {"lease_until": now(lease_seconds), "started_at": now()}


def _renew(connection: Connection, study: str, number: int, attempt: int, lease_seconds: float) -> None:
    held = update(schema.attempts).where(_is_attempt(study, number, attempt))
    connection.execute(held.values(lease_until=now(lease_seconds)))


def _end_attempt(connection: Connection, study: str, number: int, attempt: int, values: Mapping[str, str]) -> None:
    ending = update(schema.attempts).where(_is_attempt(study, number, attempt))
    if values["state"] == "lost":  # one that ended otherwise keeps its own state
        ending = ending.where(schema.attempts.c.state == "running")
    connection.execute(ending.values(finished_at=now(), lease_until="", **values))


def _replace_curve(
    connection: Connection, study: str, number: int, attempt: int, curve: tuple[EpochRecord, ...]
) -> None:
    c = schema.curves.c
    # A training that failed after a pause tells of the epochs since then only.
    known = schema.curves.delete().where(c.study == study, c.trial == number, c.epoch >= curve[0].epoch)
    connection.execute(known)
    connection.execute(insert(schema.curves), [rows.epoch_row(study, number, attempt, point) for point in curve])


def _add_decisions(connection: Connection, study: str, decisions: Sequence[Decision]) -> None:
    if decisions:
        connection.execute(insert(schema.decisions), [rows.decision_row(study, d) | {"at": now()} for d in decisions])
