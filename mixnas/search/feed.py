"""What Optuna Dashboard and `optuna.load_study` see: a real Optuna study in the same database, fed from our tables.

Our tables are the truth. A trial gets its number here (Optuna counts without gaps or races, and so both sides speak
of the same number), is RUNNING while it trains or waits at a rung, and ends COMPLETE with values, FAIL, or PRUNED where
early stopping did not let it go on. Nothing else is put in: duplicates and refused candidates are no trials, and curves
stay in our tables (Optuna refuses intermediate values with two objectives). `reconcile` mends what a killed process
left behind.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

import optuna
import sqlalchemy
from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.storages import RDBStorage
from optuna.trial import TrialState, create_trial

from mixnas.objectives import Objective
from mixnas.records import Candidate, Trial
from mixnas.search.optuna_space import distributions
from mixnas.space import SearchSpace
from mixnas.store.guard import guard

P = ParamSpec("P")
R = TypeVar("R")


def guarded(method: Callable[Concatenate[Feed, P], R]) -> Callable[Concatenate[Feed, P], R]:
    """Lets errors of the database leave a method as the store's own do, out of Optuna's wrapping."""

    @wraps(method)
    def inner(self: Feed, /, *arguments: P.args, **named: P.kwargs) -> R:
        with guard(self.shown):
            try:
                return method(self, *arguments, **named)
            except StorageInternalError as error:
                raise error.__cause__ or error from error

    return inner


class Feed:
    """The Optuna side of one study."""

    def __init__(
        self,
        url: str,
        study: str,
        objectives: tuple[Objective, ...],
        space: SearchSpace,
        constraints: Sequence[str] = (),
    ) -> None:
        """`constraints` hold for every trial that is fed: what they refuse is never trained."""
        self.shown = sqlalchemy.make_url(url).render_as_string(hide_password=True)
        self._space, self._constraints = space, tuple(constraints)
        self._objectives = objectives
        self._ids: dict[int, int] = {}
        self._storage = open_storage(url)
        self._study = optuna.create_study(
            storage=self._storage,
            study_name=study,
            directions=[o.direction for o in objectives],
            load_if_exists=True,
        )
        self._study_id = self._storage.get_study_id_from_name(study)
        if self._study.metric_names is None:
            self._study.set_metric_names([o.name for o in objectives])

    @guarded
    def start(self, axes: Candidate, attributes: Mapping[str, Any]) -> int:
        """Opens a RUNNING trial and returns its number."""
        template = create_trial(
            state=TrialState.RUNNING,
            params=dict(self._space.to_parameters(axes)),
            distributions=distributions(self._space, axes),
            user_attrs=dict(attributes),
            constraints=dict.fromkeys(self._constraints, 0.0) or None,
        )
        trial_id = self._storage.create_new_trial(self._study_id, template_trial=template)
        number = self._storage.get_trial_number_from_id(trial_id)
        self._ids[number] = trial_id
        return number

    @guarded
    def finish(self, number: int, values: Mapping[str, float], attributes: Mapping[str, Any]) -> None:
        """Ends a trial with its values."""
        self._end(number, attributes, TrialState.COMPLETE, [values[o.name] for o in self._objectives])

    @guarded
    def fail(self, number: int, reason: str) -> None:
        """Ends a trial without values."""
        self._end(number, {"reason": reason}, TrialState.FAIL)

    @guarded
    def stop(self, number: int, reason: str) -> None:
        """Ends a trial that early stopping did not let go on."""
        self._end(number, {"reason": reason}, TrialState.PRUNED)

    @guarded
    def reconcile(self, trials: Iterable[Trial]) -> None:
        """Brings the Optuna side up to our tables: trials that ended there end here, unknown RUNNING ones fail."""
        ours = {trial.number: trial for trial in trials}
        for open_trial in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING, TrialState.WAITING)):
            known = ours.get(open_trial.number)
            if known is None:
                self.fail(open_trial.number, "its process ended before it began")
            elif known.state == "finished":
                self.finish(known.number, known.values, {})
            elif known.state == "failed":
                self.fail(known.number, known.reason)
            elif known.state == "stopped":
                self.stop(known.number, "stopped at a rung")

    def close(self) -> None:
        """Lets go of the database."""
        self._storage.remove_session()
        self._storage.engine.dispose()

    def _end(
        self,
        number: int,
        attributes: Mapping[str, Any],
        state: TrialState,
        values: Sequence[float] | None = None,
    ) -> None:
        """Ends a trial on this side, where another search of the study has not done it before."""
        trial_id = self._trial_id(number)
        with contextlib.suppress(UpdateFinishedTrialError):
            for key, value in attributes.items():
                self._storage.set_trial_user_attr(trial_id, key, value)
            self._storage.set_trial_state_values(trial_id, state, values)  # `tell` would look the number up again

    def _trial_id(self, number: int) -> int:
        """Optuna looks a number up among all trials of the study, so that those of this search are kept."""
        if number in self._ids:
            return self._ids.pop(number)
        return self._storage.get_trial_id_from_study_id_trial_number(self._study_id, number)


def open_storage(url: str) -> RDBStorage:
    """Optuna's storage on our database, with the same patience and fewer flushes to disk than its default."""
    sqlite = url.startswith("sqlite")
    storage = RDBStorage(url, engine_kwargs={"connect_args": {"timeout": 60}} if sqlite else None)
    if sqlite:
        # Every later connection; WAL is a property of the file and was set when our tables were made.
        sqlalchemy.event.listen(storage.engine, "connect", _relax)
        storage.engine.dispose()
    return storage


def _relax(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA synchronous=NORMAL")
