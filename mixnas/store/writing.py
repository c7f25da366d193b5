"""What can be written to a store. Every method is one transaction: it happens whole, or not at all."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection, Table, and_, insert, select, update

from mixnas.errors import StoreError
from mixnas.records import Baseline, Candidate, Decision, EpochRecord, Fidelity, FrontPoint, Measurement, Replicate
from mixnas.store import rows, schema
from mixnas.store.connect import upsert
from mixnas.store.database import Database, now, require_study, require_trial
from mixnas.store.moving import require_name
from mixnas.store.records import DuplicateTrial, TrialTaken


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
    ) -> None:
        """Adds a trial with its architecture, exact costs and first attempt, which `owner` holds for a while.

        Raises:
            DuplicateTrial: the study has that architecture at that fidelity and seed already.
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
            newest = _newest(connection, study, number, ("running", "paused"))
            if after is not None and newest != after:
                raise TrialTaken(f"trial {study}/{number} has been taken up since: attempt {newest} holds it")
            _end_attempt(connection, study, number, newest, {"state": "lost", "reason": "lost_worker"})
            connection.execute(insert(schema.attempts), _attempt_row(study, number, newest + 1, owner, lease_seconds))
            taken = {"attempts": newest + 1, "state": "running"}
            connection.execute(update(schema.trials).where(_is_trial(study, number)).values(taken))
            _add_decisions(connection, study, [decision] if decision else [])
            return newest + 1

    def pause_trial(self, study: str, number: int, attempt: int, measurement: Measurement, decision: Decision) -> None:
        """A trial has come to a rung and waits there: its attempt, its curve so far and the decision at once.

        Raises:
            TrialTaken: another attempt has taken over, or the trial has ended.
        """
        with self._write() as connection:
            _require_newest(connection, study, number, attempt)
            pausing = update(schema.trials).where(_is_trial(study, number))
            seconds = schema.trials.c.seconds + measurement.seconds
            detail = rows.plain(measurement.detail)
            connection.execute(pausing.values(state="paused", detail=detail, seconds=seconds))
            ended = {"state": "paused", "detail": detail, "device": measurement.device}
            _end_attempt(connection, study, number, attempt, ended)
            if measurement.curve:
                _replace_curve(connection, study, number, attempt, measurement.curve)
            _add_decisions(connection, study, [decision])

    def stop_trials(self, study: str, decisions: Sequence[Decision]) -> None:
        """Ends the paused trials that decisions stop, with these decisions; others are left as they are."""
        stopped = [decision.trial for decision in decisions]
        c = schema.trials.c
        with self._write() as connection:
            for start in range(0, len(stopped), 500):  # a statement has room for so many names
                ending = update(schema.trials).where(c.study == study, c.number.in_(stopped[start : start + 500]))
                connection.execute(ending.where(c.state == "paused").values(state="stopped", finished_at=now()))
            _add_decisions(connection, study, decisions)

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
            _require_newest(connection, study, number, attempt)
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
            ValueError: `values` are not finite, missing for a finished trial, or given for a failed one.
        """
        state = measurement.outcome
        if bool(values) != (state == "finished"):
            raise ValueError(f"trial {study}/{number}: outcome {state!r} with values {dict(values)}")
        ending = {"state": state, "reason": measurement.reason, "detail": rows.plain(measurement.detail)}
        spent = schema.trials.c.seconds + measurement.seconds  # a trial that paused comes here with its last part
        result = {"values": rows.finite(f"trial {study}/{number}", values), "seconds": spent}
        with self._write() as connection:
            _require_newest(connection, study, number, attempt)
            done = update(schema.trials).where(_is_trial(study, number))
            connection.execute(done.values(finished_at=now(), **ending, **result))
            extra = {"traceback": rows.plain(measurement.traceback), "device": measurement.device}
            _end_attempt(connection, study, number, attempt, ending | extra)
            if measurement.curve:
                _replace_curve(connection, study, number, attempt, measurement.curve)
            if front is not None:
                self._add_front(connection, study, front)

    def count(self, study: str, kind: str, reason: str, n: int = 1) -> None:
        """Counts candidates that were proposed and not trained, with the reason.

        Args:
            kind: `duplicate`, `refused` (by a constraint of the user's), or any other word of the caller's own.

        Raises:
            UnknownName: there is no such study.
        """
        row = {"study": study, "kind": kind, "reason": reason, "count": n}
        with self._write(partial(require_study, name=study)) as connection:
            connection.execute(upsert(self._dialect, schema.proposals, add=("count",)), row)

    def record_replicate(self, study: str, found: Replicate) -> None:
        """Keeps what came out of a trial's architecture with another seed; an earlier result of that seed is replaced.

        Raises:
            ValueError: a value is not finite.
            UnknownName: there is no such study or trial.
        """
        row = rows.replicate_row(study, found) | {"at": now()}
        columns = tuple(name for name in row if name not in ("study", "trial", "seed"))
        with self._write(partial(require_trial, study=study, number=found.trial)) as connection:
            connection.execute(upsert(self._dialect, schema.replicates, replace=columns), row)

    def record_baseline(self, study: str, found: Baseline) -> None:
        """Keeps what came out of a baseline; a baseline of that name is replaced.

        Raises:
            ValueError: a value is not finite.
            UnknownName: there is no such study.
        """
        row = rows.baseline_row(study, found) | {"at": now()}
        columns = tuple(name for name in row if name not in ("study", "name"))
        with self._write(partial(require_study, name=study)) as connection:
            connection.execute(upsert(self._dialect, schema.baselines, replace=columns), row)

    def record_measurement(
        self,
        digest: str,
        problem_key: str,
        name: str,
        value: float,
        *,
        spread: float = math.nan,
        device: str = "cpu",
        environment: Mapping[str, Any] | None = None,
    ) -> None:
        """Keeps a value measured after the search, such as a latency. Measuring again adds a row."""
        row = {"digest": digest, "problem": problem_key, "name": name, "value": value, "spread": spread}
        self._add(schema.measurements, row | {"device": device, "environment": environment or {}})

    def record_export(self, study: str, number: int, path: str) -> None:
        """Keeps that a trial's config was written to a file.

        Raises:
            UnknownName: there is no such study or trial.
        """
        row = {"study": study, "trial": number, "path": path}
        self._add(schema.exports, row, partial(require_trial, study=study, number=number))

    def record_test_read(
        self, digest: str, dataset: str, split_seed: int, metrics: Mapping[str, float], path: str
    ) -> None:
        """Keeps that the test set was read for a model, and what came out."""
        row = {"digest": digest, "dataset": dataset, "split_seed": split_seed, "metrics": rows.pack(metrics)}
        self._add(schema.test_reads, row | {"path": path})

    def _add(self, table: Table, row: dict[str, Any], explain: Callable[[Connection], None] | None = None) -> None:
        with self._write(explain) as connection:
            connection.execute(insert(table), row | {"at": now()})

    def _add_front(self, connection: Connection, study: str, front: FrontPoint) -> None:
        columns = ("trial", "hypervolume", "members", "at")
        row = rows.front_row(study, front, front.at or now())
        connection.execute(upsert(self._dialect, schema.fronts, replace=columns), row)


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
