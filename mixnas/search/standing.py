"""How a study stands: what is known of its trials, whichever search trained them, and the front that they make."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from copy import copy

from mixnas.pareto import FrontTracker
from mixnas.records import Candidate, FrontPoint, State, Trial
from mixnas.search.books import StudyParts

ENDED = ("finished", "failed", "stopped")


class Standing:
    """Trials by number, with their candidates, exact costs and values, and how many there are in each state."""

    def __init__(self, parts: StudyParts) -> None:
        self._gate = parts.gate
        self._tracker = FrontTracker(parts.objectives, dict(parts.reference))
        self._known: dict[int, tuple[str, int]] = {}
        self._states = Counter[str]()
        self.axes: dict[int, Candidate] = {}
        self.costs: dict[int, Mapping[str, float]] = {}
        self.values: dict[int, Mapping[str, float]] = {}
        """The objectives of finished trials."""
        self.front: FrontPoint | None = None
        self.elsewhere: set[int] = set()
        """Trials that other searches of the study run."""

    def __getitem__(self, state: State) -> int:
        """How many trials are in a state."""
        return self._states[state]

    def __len__(self) -> int:
        return len(self._known)

    def __contains__(self, number: int) -> bool:
        return number in self._known

    def is_news(self, trial: Trial) -> bool:
        """Whether another search has changed the trial: its state, or who runs it."""
        return self._known.get(trial.number) != (trial.state, trial.attempts)

    def has_ended(self, number: int) -> bool:
        """Whether nothing more can become of a trial."""
        return self._known[number][0] in ENDED

    def begin(self, number: int, axes: Candidate, costs: Mapping[str, float]) -> None:
        """This search runs a new trial."""
        self.axes[number], self.costs[number] = axes, costs
        self.mark(number, "running", 1)

    def mark(self, number: int, state: State, attempt: int = 0) -> None:
        """A trial has come to a state by this search's doing; without `attempt` it is the same attempt as before."""
        last = 0
        if number in self._known:
            before, last = self._known[number]
            self._states[before] -= 1
        self._states[state] += 1
        self._known[number] = (state, attempt or last)
        self.elsewhere.discard(number)

    def take_in(self, trial: Trial) -> None:
        """A trial as the store has it; one that runs is another search's."""
        number = trial.number
        if number not in self.axes:
            self.axes[number], self.costs[number] = trial.axes, self._gate.check(trial.axes).costs
        self.mark(number, trial.state, trial.attempts)
        if trial.state == "running":
            self.elsewhere.add(number)
        elif trial.state == "finished":
            self.finish(trial.values, *self.with_finished(number, trial.values))

    def with_finished(self, number: int, values: Mapping[str, float]) -> tuple[FrontTracker, FrontPoint]:
        """The front if the trial finishes with these values, for `finish`; nothing is changed yet."""
        tracker = copy(self._tracker)
        return tracker, tracker.add(number, values)

    def finish(self, values: Mapping[str, float], tracker: FrontTracker, front: FrontPoint) -> None:
        """A trial has finished."""
        self._tracker, self.front = tracker, front
        self.values[front.trial] = values
