"""The evaluator `table:FILE|NAME`: gives the learning curve of a real training again instead of training."""

from __future__ import annotations

import math
from functools import partial

from mixnas.errors import UsageError
from mixnas.evaluators import Evaluator, Report
from mixnas.records import EpochRecord, Job, Measurement, Problem, Value
from mixnas.space import SearchSpace
from mixnas.table.find import find_table
from mixnas.table.table import Header, Table

PREFIX = "table:"
LARGEST_SPACE = 200_000
"""Candidates of a space that is compared with a table."""


def table_evaluator(name: str) -> Evaluator:
    """The evaluator that replays a table, by `table:FILE` or `table:NAME`.

    Raises:
        UnknownName: there is no such table.
        ConfigError: the file is no table.
    """
    return partial(replay, find_table(name.removeprefix(PREFIX)))


def replay(table: Table, job: Job, report: Report) -> Measurement:
    """Gives the curve of the job's candidate and seed again, with the seconds that it took then.

    `Job.until` and `Job.after` are honoured: only later epochs are reported, and seconds are of these alone.

    Raises:
        UsageError: the table does not have the candidate or the seed.
    """
    require_seed(table.header, job.fidelity.seed)
    place = table.index(job.family, job.axes)
    whole = table.curve(place, job.fidelity.seed)
    curve = whole[: job.until] if job.until else whole
    for record in curve[job.after :]:
        report(record)
    seconds = math.fsum(record.seconds for record in curve[job.after :])
    if len(curve) < (job.until or table.header.epochs):
        return _failure(curve, seconds, job)
    metrics = {**curve[-1].metrics, "train_seconds": math.fsum(record.seconds for record in curve)}
    outcome = "paused" if len(curve) < table.header.epochs else "finished"
    return Measurement(outcome, metrics, curve, seconds, job.device)  # type: ignore[arg-type]


def _failure(curve: tuple[EpochRecord, ...], seconds: float, job: Job) -> Measurement:
    detail = f"so it did in the table, after epoch {len(curve)}"
    return Measurement("failed", {}, curve, seconds, job.device, "exception", detail)


def require_seed(header: Header, seed: int) -> None:
    """Raises UsageError unless the table has trainings with that seed."""
    if seed not in header.seeds:
        listed = ", ".join(map(str, header.seeds))
        raise UsageError(f"the table has no training with seed {seed}", hint=f"--seed, one of: {listed}")


def table_seeds(name: str, first: int, count: int) -> tuple[int, ...]:
    """So many seeds of the table `table:NAME`, from `first` on and round to it.

    Raises:
        UsageError: the table has not as many, or not the first.
    """
    header = find_table(name.removeprefix(PREFIX)).header
    require_seed(header, first)
    if count > len(header.seeds):
        raise UsageError(
            f"evaluator {name!r} has {len(header.seeds)} seeds of each candidate, --seeds asks for {count}",
            hint=f"--seeds {len(header.seeds)}",
        )
    place = header.seeds.index(first)
    return (header.seeds[place:] + header.seeds[:place])[:count]


def require_covered(
    name: str,
    space: SearchSpace,
    problem: Problem,
    *,
    dataset: str,
    epochs: int,
    seed: int,
    split_seed: int,
    recipe: dict[str, Value],
) -> None:
    """Refuses a search that the table `table:NAME` cannot answer to the end.

    Args:
        space: bound to the problem.

    Raises:
        UsageError: something differs from how the table was trained, or a candidate is not in it; the error names the
            value and what the table has.
    """
    table = find_table(name.removeprefix(PREFIX))
    header = table.header
    asked = {"dataset": dataset, "problem": problem.key(), "epochs": epochs, "split_seed": split_seed}
    for field, value in asked.items():
        if getattr(header, field) != value:
            raise UsageError(_differs(name, field, value, getattr(header, field)), hint=_way_out(field, header))
    for field in sorted({*recipe, *header.recipe}):
        if recipe.get(field) != header.recipe.get(field):
            message = _differs(name, f"recipe {field}", recipe.get(field), header.recipe.get(field))
            raise UsageError(message, hint=f"train as the table does: {field} {header.recipe.get(field)}")
    require_seed(header, seed)
    _require_candidates(name, table, space)


def _differs(name: str, field: str, asked: object, known: object) -> str:
    return f"evaluator {name!r}: {field} is {asked}, the table's trainings have {known}"


def _way_out(field: str, header: Header) -> str:
    if field == "epochs":
        # With a schedule over all epochs, the first 4 epochs of 8 are not a training of 4.
        return f"--epochs {header.epochs}; a shorter training is another one, its learning rate falls sooner"
    return f"--{field.replace('_', '-')} {getattr(header, field)}, or build a table for it: mixnas table build"


def _require_candidates(name: str, table: Table, space: SearchSpace) -> None:
    hint = f"search the space that it covers, {table.header.space.get('name')!r}, or a part of that"
    if space.family != table.header.family:
        raise UsageError(_differs(name, "family", space.family, table.header.family), hint=hint)
    size = space.size()
    if size > LARGEST_SPACE or size > len(table.candidates):
        raise UsageError(
            f"evaluator {name!r}: space {space.name!r} has {size:,} candidates, the table {len(table.candidates):,}",
            hint=hint,
        )
    for axes in space.enumerate():
        if not table.holds(space.family, axes):
            raise UsageError(f"evaluator {name!r}: {axes} of space {space.name!r} is not in the table", hint=hint)
