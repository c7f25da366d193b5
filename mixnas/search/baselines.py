"""Models from outside the space, trained beside a search as its trials are; each once in the life of a study.

Of several searches of the study one trains a baseline; the others leave it to that one.
"""

from __future__ import annotations

from dataclasses import replace

from mixnas.records import Baseline, Job, Measurement
from mixnas.search.books import BaselineModel, StudyParts
from mixnas.search.leases import StudyShare
from mixnas.store import Store


class Baselines:
    """The baselines of one search. Their jobs have negative trial numbers, which no trial has."""

    def __init__(self, parts: StudyParts, store: Store, share: StudyShare) -> None:
        self._parts, self._store, self._share = parts, store, share
        self._known = {found.name: found for found in store.baselines(parts.study) if found.state == "finished"}
        self._waiting = [model for model in parts.baselines if model.name not in self._known]
        self._running: dict[int, BaselineModel] = {}
        self._names: dict[int, str] = {}
        self.found: dict[str, Baseline] = {}
        """Outcomes of this run, by name; failed ones too."""

    @property
    def done(self) -> bool:
        """Whether none waits or runs."""
        return not (self._waiting or self._running)

    def finished(self) -> list[Baseline]:
        """Those of earlier runs and of this one, by name."""
        found = {**self._known, **{b.name: b for b in self.found.values() if b.state == "finished"}}
        return [found[name] for name in sorted(found)]

    def name(self, number: int) -> str:
        """The name of the baseline that the job of that number trains."""
        return self._names[number]

    def costs(self, number: int) -> dict[str, float]:
        """The exact costs of a running baseline."""
        return dict(self._running[number].costs)

    def ask(self) -> Job | None:
        """The next one to train."""
        while self._waiting:
            model, number = self._waiting.pop(0), -1 - len(self._names)
            if self._share.claim(f"baseline:{model.name}"):
                self._names[number], self._running[number] = model.name, model
                return replace(self._parts.template, trial=number, attempt=1, family=model.family, axes=model.axes)
        return None

    def tell(self, job: Job, measurement: Measurement) -> None:
        """Keeps what came out of one."""
        model = self._running.pop(job.trial)
        known, finished = {**model.costs, **measurement.metrics}, measurement.outcome == "finished"
        found = Baseline(
            model.name,
            model.family,
            model.axes,
            "finished" if finished else "failed",
            {o.name: float(known[o.name]) for o in self._parts.objectives} if finished else {},
            job.fidelity,
            measurement.curve,
            measurement.reason,
            measurement.detail,
            measurement.seconds,
        )
        self._store.record_baseline(self._parts.study, found)
        self.found[model.name] = found
