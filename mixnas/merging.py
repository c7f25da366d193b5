"""Studies between databases: copied as they are, or brought together by architecture, fidelity and seed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from mixnas.errors import UsageError
from mixnas.objectives import objective
from mixnas.pareto import FrontTracker
from mixnas.records import FrontPoint, Trial
from mixnas.search.feed import open_storage
from mixnas.search.leases import StudyHold, require_free
from mixnas.store import Merged, Store
from mixnas.study import differences


@contextmanager
def held(store: Store, study: str) -> Iterator[None]:
    """A study that no search can take up meanwhile.

    Raises:
        UsageError: a search holds it.
        UnknownName: there is no such study.
    """
    hold = StudyHold(store, study)
    try:
        yield
    finally:
        hold.release()


def copy(source: Store, study: str, target: Store, name: str) -> int:
    """Copies a study to a name that is free in `target`, and returns the number of its trials.

    Raises:
        UsageError: a search holds it.
        StoreError: the name is taken.
    """
    require_free(source, study)
    found = source.study_rows(study)
    with target.creation_lock():  # Optuna's own creation of its tables is not race-free
        open_storage(target.url).engine.dispose()
    target.add_study(found, name)
    return len(found.ours["mixnas_trials"])


def merge(source: Store, study: str, target: Store, into: str) -> Merged:
    """Adds to a study the ended trials of another one that it does not have at their fidelity and seed.

    Raises:
        UsageError: they are not the same search (space, objectives, data, recipe, ...), or a search holds one.
    """
    require_free(source, study)
    theirs, ours = source.study(study), target.study(into)
    if source.same_database(target) and study == into:
        raise UsageError(f"study {study!r} cannot be merged into itself", hint="name another study or database")
    if changed := differences(ours.spec, theirs.spec):
        what = "; ".join(line.replace("asked ", "to be merged ") for line in changed)
        raise UsageError(
            f"study {study!r} of {source.shown} is not the same search as {into!r}: {what}",
            hint="only studies of one space, objectives, data and recipe can be merged; `mixnas studies copy` keeps "
            "them side by side",
        )

    def fronts(finished: Sequence[Trial]) -> Iterable[FrontPoint]:
        spec = ours.spec
        if "reference" not in spec:
            return []
        tracker = FrontTracker([objective(name) for name in spec["objectives"]], spec["reference"])
        return [tracker.add(trial.number, trial.values) for trial in finished]

    with held(target, into):
        return target.merge_rows(source.study_rows(study), into, fronts)
