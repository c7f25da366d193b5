"""The tables: what is kept, and what keeps it consistent.

All names start with `mixnas_`, so that Optuna's tables can live in the same database. Types and constraints are
portable between SQLite and PostgreSQL. Times are UTC in ISO format with milliseconds, so that they sort as text.

    studies ─< trials ─< attempts        architectures ─< trials
                  ├────< curves          architectures ─< costs
                  ├────< exports         measurements, test_reads: by digest, also of models that no search here met
                  └────< decisions, replicates
    studies ─< fronts, proposals, baselines, claims

Version 2 added `decisions` and `replicates`; version 3 what several drivers of one study need: `claims`, and the count
of changes by which each finds out what the others did.
"""

from __future__ import annotations

import math
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Dialect,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
)

SCHEMA_VERSION = 3
PREFIX = "mixnas_"
NAME_LENGTH = 200
"""Longest name of a study."""

OPTUNA_TABLES = frozenset(
    {
        "alembic_version",
        "studies",
        "study_directions",
        "study_system_attributes",
        "study_user_attributes",
        "trial_heartbeats",
        "trial_intermediate_values",
        "trial_params",
        "trial_system_attributes",
        "trial_user_attributes",
        "trial_values",
        "trials",
        "version_info",
    }
)
"""The tables that Optuna 5 makes; a database that holds only these may be joined."""


class Number(TypeDecorator[float]):
    """A float that may be NaN, which SQLite cannot hold: NaN is NULL in the table and NaN again when read."""

    impl = Double
    cache_ok = True

    def process_bind_param(self, value: float | None, dialect: Dialect) -> float | None:
        """NaN becomes NULL; numpy scalars become floats."""
        return None if value is None or math.isnan(value) else float(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> float:
        """NULL becomes NaN."""
        return math.nan if value is None else float(value)


Json = JSON(none_as_null=True)
metadata = MetaData()


def _study(**options: Any) -> Column[str]:
    # The cascades let a study be renamed or deleted with one statement.
    key = ForeignKey("mixnas_studies.name", ondelete="CASCADE", onupdate="CASCADE")
    return Column("study", String(NAME_LENGTH), key, nullable=False, **options)


def _of_trial() -> ForeignKeyConstraint:
    keys = ["mixnas_trials.study", "mixnas_trials.number"]
    return ForeignKeyConstraint(["study", "trial"], keys, ondelete="CASCADE", onupdate="CASCADE")


def _time(name: str) -> Column[str]:
    return Column(name, String(32), nullable=False, default="")


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False, default="")


meta = Table("mixnas_meta", metadata, Column("key", String(50), primary_key=True), Column("value", Text))

studies = Table(
    "mixnas_studies",
    metadata,
    Column("name", String(NAME_LENGTH), primary_key=True),
    Column("spec", Json, nullable=False),
    Column("space", Json, nullable=False),
    Column("environment", Json, nullable=False),
    _time("created_at"),
    Column("held_by", String(200), nullable=False, default=""),
    _time("held_until"),
    # Goes up with each change of a trial, in the transaction of the change; it locks the row, so counts are in order.
    Column("changes", Integer, nullable=False, default=0, server_default="0"),
)

architectures = Table(
    "mixnas_architectures",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("family", String(100), nullable=False),
    Column("axes", Json, nullable=False),
    _time("first_seen"),
)

costs = Table(
    "mixnas_costs",
    metadata,
    Column("digest", String(64), ForeignKey("mixnas_architectures.digest"), primary_key=True),
    Column("problem", String(100), primary_key=True),
    Column("name", String(100), primary_key=True),
    Column("value", Number),
)

trials = Table(
    "mixnas_trials",
    metadata,
    _study(primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("digest", String(64), ForeignKey("mixnas_architectures.digest"), nullable=False),
    Column("state", String(20), nullable=False),
    Column("values", Json, nullable=False),
    Column("epochs", Integer, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("source", String(100), nullable=False, default=""),
    Column("reason", String(50), nullable=False, default=""),
    _text("detail"),
    Column("sampler_state", Json),
    # The number of the newest attempt: the only one that may still write.
    Column("attempts", Integer, nullable=False, default=0),
    _time("created_at"),
    _time("finished_at"),
    Column("seconds", Number),
    # The study's count of changes when this trial changed last.
    Column("changed", Integer, nullable=False, default=0, server_default="0"),
    Index("mixnas_trials_changed", "study", "changed"),
    Index("mixnas_trials_once", "study", "digest", "epochs", "seed", unique=True),
    Index("mixnas_trials_state", "study", "state"),
)

attempts = Table(
    "mixnas_attempts",
    metadata,
    Column("study", String(NAME_LENGTH), primary_key=True),
    Column("trial", Integer, primary_key=True, autoincrement=False),
    Column("attempt", Integer, primary_key=True, autoincrement=False),
    Column("owner", String(200), nullable=False),
    _time("lease_until"),
    Column("state", String(20), nullable=False),
    Column("reason", String(50), nullable=False, default=""),
    _text("detail"),
    _text("traceback"),
    Column("device", String(200), nullable=False, default=""),
    _time("started_at"),
    _time("finished_at"),
    _of_trial(),
)

curves = Table(
    "mixnas_curves",
    metadata,
    Column("study", String(NAME_LENGTH), primary_key=True),
    Column("trial", Integer, primary_key=True, autoincrement=False),
    Column("epoch", Integer, primary_key=True, autoincrement=False),
    Column("attempt", Integer, nullable=False),
    Column("train_loss", Number),
    Column("metrics", Json, nullable=False),
    Column("seconds", Number),
    _of_trial(),
)

decisions = Table(
    "mixnas_decisions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("study", String(NAME_LENGTH), nullable=False),
    Column("trial", Integer, nullable=False),
    Column("rung", Integer, nullable=False),
    Column("epochs", Integer, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("of", Integer, nullable=False),
    Column("action", String(20), nullable=False),
    _time("at"),
    _of_trial(),
    Index("mixnas_decisions_study", "study", "trial"),
)

replicates = Table(
    "mixnas_replicates",
    metadata,
    # Trainings of a trial's architecture with other seeds, to see how much of its result was luck.
    Column("study", String(NAME_LENGTH), primary_key=True),
    Column("trial", Integer, primary_key=True, autoincrement=False),
    Column("seed", BigInteger, primary_key=True, autoincrement=False),
    Column("state", String(20), nullable=False),
    Column("values", Json, nullable=False),
    Column("curve", Json, nullable=False),
    Column("reason", String(50), nullable=False, default=""),
    _text("detail"),
    Column("seconds", Number),
    _time("at"),
    _of_trial(),
)

claims = Table(
    "mixnas_claims",
    metadata,
    # What a driver of a study has for itself for a while: its place among the drivers, a candidate, a baseline.
    _study(primary_key=True),
    Column("what", String(300), primary_key=True),
    Column("owner", String(200), nullable=False),
    _time("until"),
)

proposals = Table(
    "mixnas_proposals",
    metadata,
    # Counters, not a row for each proposal: a tight constraint refuses tens of thousands of candidates.
    _study(primary_key=True),
    Column("kind", String(20), primary_key=True),
    Column("reason", Text, primary_key=True),
    Column("count", Integer, nullable=False),
)

fronts = Table(
    "mixnas_fronts",
    metadata,
    _study(primary_key=True),
    Column("finished", Integer, primary_key=True, autoincrement=False),
    Column("trial", Integer, nullable=False),
    Column("hypervolume", Number),
    Column("members", Json, nullable=False),
    _time("at"),
)

baselines = Table(
    "mixnas_baselines",
    metadata,
    _study(primary_key=True),
    Column("name", String(200), primary_key=True),
    Column("family", String(100), nullable=False),
    Column("axes", Json, nullable=False),
    Column("state", String(20), nullable=False),
    Column("values", Json, nullable=False),
    Column("epochs", Integer, nullable=False),
    Column("seed", Integer, nullable=False),
    Column("curve", Json, nullable=False),
    Column("reason", String(50), nullable=False, default=""),
    _text("detail"),
    Column("seconds", Number),
    _time("at"),
)

measurements = Table(
    "mixnas_measurements",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", String(64), nullable=False, index=True),
    Column("problem", String(100), nullable=False),
    Column("name", String(100), nullable=False),
    Column("value", Number),
    Column("spread", Number),
    Column("device", String(200), nullable=False),
    Column("environment", Json, nullable=False),
    _time("at"),
)

exports = Table(
    "mixnas_exports",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("study", String(NAME_LENGTH), nullable=False),
    Column("trial", Integer, nullable=False),
    _text("path"),
    _time("at"),
    _of_trial(),
)

test_reads = Table(
    "mixnas_test_reads",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", String(64), nullable=False, index=True),
    Column("dataset", String(100), nullable=False, index=True),
    Column("split_seed", BigInteger, nullable=False),
    Column("metrics", Json, nullable=False),
    _text("path"),
    _time("at"),
)
