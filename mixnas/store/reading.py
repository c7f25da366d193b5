"""What can be asked of a store. Every method is one transaction and a fixed number of queries."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sqlalchemy import Select, func, select

from mixnas.errors import UnknownName
from mixnas.records import Baseline, Decision, EpochRecord, FrontPoint, Replicate, State, StudyCounts, Trial
from mixnas.store import rows, schema
from mixnas.store.database import Database, require_study, require_trial
from mixnas.store.records import Attempt, DeviceMeasurement, Export, StudyRecord, TestRead

TRIALS = select(schema.trials, schema.architectures.c.axes).join(schema.architectures)
"""Trials with the axes of their architectures."""


class Reading(Database):
    """The questions. An unknown study is an error that lists the known ones, never an empty answer."""

    def has_study(self, name: str) -> bool:
        """Whether there is a study of that name."""
        return name in self.study_names()

    def study_names(self) -> list[str]:
        """All studies, in the order of their names."""
        with self._read() as connection:
            return list(connection.scalars(select(schema.studies.c.name).order_by(schema.studies.c.name)))

    def study(self, name: str) -> StudyRecord:
        """The study as it was created.

        Raises:
            UnknownName: there is none; lists the known.
        """
        with self._read() as connection:
            row = connection.execute(select(schema.studies).where(schema.studies.c.name == name)).first()
            if row is None:
                raise UnknownName("study", name, connection.scalars(select(schema.studies.c.name)))
            return rows.study_record(row)

    def holder(self, study: str) -> tuple[str, str]:
        """Who searches a study, and until when that word lasts; two empty texts where nobody does."""
        c = schema.studies.c
        (row,) = self._of_study(study, select(c.held_by, c.held_until), c.name)
        return row.held_by, row.held_until

    def trial(self, study: str, number: int) -> Trial:
        """One trial.

        Raises:
            UnknownName: there is no such study or no such trial; says which there are.
        """
        with self._read() as connection:
            require_trial(connection, study, number)
            query = TRIALS.where(schema.trials.c.study == study, schema.trials.c.number == number)
            return rows.trial(connection.execute(query).one())

    def trials(self, study: str, state: State | None = None) -> list[Trial]:
        """The trials of a study, all or those in one state, by number."""
        query = TRIALS.order_by(schema.trials.c.number)
        if state is not None:
            query = query.where(schema.trials.c.state == state)
        return [rows.trial(row) for row in self._of_study(study, query, schema.trials.c.study)]

    def unfinished(self, study: str) -> list[Trial]:
        """The trials that someone works on, or that wait to be taken up again (`start_attempt`)."""
        return self.trials(study, "running")

    def attempts(self, study: str, number: int) -> list[Attempt]:
        """All goes at a trial, the newest last."""
        query = select(schema.attempts).order_by(schema.attempts.c.attempt)
        return [rows.attempt(row) for row in self._of_trial(study, number, query, schema.attempts)]

    def traceback(self, study: str, number: int) -> str:
        """The traceback of the newest attempt that left one, or an empty text."""
        return next((a.traceback for a in reversed(self.attempts(study, number)) if a.traceback), "")

    def sampler_states(self, study: str, number: int | None = None) -> dict[int, dict[str, Any]]:
        """What the sampler kept with each trial, or with one, by trial number; trials without are left out."""
        c = schema.trials.c
        query = select(c.number, c.sampler_state).where(c.sampler_state.is_not(None)).order_by(c.number)
        query = query if number is None else query.where(c.number == number)
        return {row.number: row.sampler_state for row in self._of_study(study, query, c.study)}

    def curve(self, study: str, number: int) -> tuple[EpochRecord, ...]:
        """The learning curve of a trial as far as it is known, by epoch."""
        query = select(schema.curves).order_by(schema.curves.c.epoch)
        return tuple(rows.epoch(row) for row in self._of_trial(study, number, query, schema.curves))

    def curves(self, study: str) -> dict[int, tuple[EpochRecord, ...]]:
        """The learning curves of all trials that have one, by trial number, in one query."""
        c = schema.curves.c
        query = select(c.trial, c.epoch, c.train_loss, c.metrics, c.seconds).order_by(c.trial, c.epoch)
        found: dict[int, list[EpochRecord]] = {}
        for number, epoch, train_loss, metrics, seconds in self._of_study(study, query, c.study):
            found.setdefault(number, []).append(EpochRecord(epoch, train_loss, rows.unpack(metrics), seconds))
        return {number: tuple(points) for number, points in found.items()}

    def fronts(self, study: str) -> list[FrontPoint]:
        """The front after each finished trial, in the order in which they finished."""
        query = select(schema.fronts).order_by(schema.fronts.c.finished)
        return [rows.front_point(row) for row in self._of_study(study, query, schema.fronts.c.study)]

    def decisions(self, study: str) -> list[Decision]:
        """What early stopping decided, in the order in which it did."""
        c = schema.decisions.c
        return [rows.decision(row) for row in self._of_study(study, select(schema.decisions).order_by(c.id), c.study)]

    def replicates(self, study: str) -> list[Replicate]:
        """The trainings of trials with other seeds, by trial and seed; failed ones too."""
        c = schema.replicates.c
        query = select(schema.replicates).order_by(c.trial, c.seed)
        return [rows.replicate(row) for row in self._of_study(study, query, c.study)]

    def baselines(self, study: str) -> list[Baseline]:
        """The baselines of a study, by name; failed ones too."""
        query = select(schema.baselines).order_by(schema.baselines.c.name)
        return [rows.baseline(row) for row in self._of_study(study, query, schema.baselines.c.study)]

    def counts(self, study: str) -> StudyCounts:
        """How a study stands."""
        with self._read() as connection:
            require_study(connection, study)
        return next(counts for counts in self.all_counts() if counts.name == study)

    def all_counts(self) -> list[StudyCounts]:
        """How each study stands, by name."""
        t, p = schema.trials.c, schema.proposals.c
        by_state = select(t.study, t.state, func.count().label("n")).group_by(t.study, t.state)
        by_kind = select(p.study, p.kind, func.sum(p.count).label("n")).group_by(p.study, p.kind)
        with self._read() as connection:
            names = list(connection.scalars(select(schema.studies.c.name).order_by(schema.studies.c.name)))
            found = Counter({(row.study, row.state): row.n for row in connection.execute(by_state)})
            found.update({(row.study, row.kind): int(row.n) for row in connection.execute(by_kind)})
        return [
            StudyCounts(
                name,
                finished=found[name, "finished"],
                failed=found[name, "failed"],
                running=found[name, "running"],
                duplicates=found[name, "duplicate"],
                refused=found[name, "refused"],
                paused=found[name, "paused"],
                stopped=found[name, "stopped"],
            )
            for name in names
        ]

    def refusals(self, study: str, kind: str = "refused") -> dict[str, int]:
        """How often each reason refused a candidate before training, the most frequent first."""
        p = schema.proposals.c
        query = select(p.reason, p.count.label("n")).where(p.kind == kind).order_by(p.count.desc(), p.reason)
        return {row.reason: row.n for row in self._of_study(study, query, p.study)}

    def costs(self, digest: str, problem_key: str) -> dict[str, float]:
        """The exact costs of an architecture on a problem by name; empty when none are known."""
        c = schema.costs.c
        query = select(c.name, c.value).where(c.digest == digest, c.problem == problem_key).order_by(c.name)
        with self._read() as connection:
            return {row.name: row.value for row in connection.execute(query)}

    def measurements(self, digest: str) -> list[DeviceMeasurement]:
        """All that was measured of an architecture after its training, oldest first."""
        query = select(schema.measurements).where(schema.measurements.c.digest == digest)
        with self._read() as connection:
            return [rows.measurement(row) for row in connection.execute(query.order_by(schema.measurements.c.id))]

    def exports(self, study: str) -> list[Export]:
        """The configs that were written from a study, oldest first."""
        query = select(schema.exports).order_by(schema.exports.c.id)
        return [rows.export(row) for row in self._of_study(study, query, schema.exports.c.study)]

    def test_reads(self, dataset: str | None = None, digest: str | None = None) -> list[TestRead]:
        """How often the test set was read, and for which models; all, or those of one data set or one model."""
        c = schema.test_reads.c
        query = select(schema.test_reads).order_by(c.id)
        query = query if dataset is None else query.where(c.dataset == dataset)
        query = query if digest is None else query.where(c.digest == digest)
        with self._read() as connection:
            return [rows.test_read(row) for row in connection.execute(query)]

    def _of_study(self, study: str, query: Select[Any], column: Any) -> list[Any]:
        with self._read() as connection:
            found = list(connection.execute(query.where(column == study)))
            if not found:
                require_study(connection, study)
            return found

    def _of_trial(self, study: str, number: int, query: Select[Any], table: Any) -> list[Any]:
        with self._read() as connection:
            found = list(connection.execute(query.where(table.c.study == study, table.c.trial == number)))
            if not found:
                require_trial(connection, study, number)
            return found
