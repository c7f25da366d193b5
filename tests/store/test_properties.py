"""Any record survives the store, and any order of verbs leaves what a plain model of it says."""

from __future__ import annotations

import itertools
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from mixnas.records import EpochRecord, Fidelity, FrontPoint, Measurement
from mixnas.store import DuplicateTrial, Store, TrialTaken
from mixnas.store.rows import pack, unpack
from tests.store.helpers import BAD, CURVE, GOOD, start, study

_serial = itertools.count()
VERBS = ("finish", "fail", "release", "epoch", "renew")

words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
numbers = st.floats(width=64)
columns = numbers.map(lambda x: x + 0.0)  # SQLite keeps no sign of zero
finite = st.floats(allow_nan=False, allow_infinity=False)
values = st.one_of(st.booleans(), st.integers(-(2**53), 2**53), finite, words)
axes = st.dictionaries(words, values, max_size=6)
metrics = st.dictionaries(words, numbers, max_size=4)
times = st.floats(0, 1e9)


@st.composite
def curves(draw: st.DrawFn) -> tuple[EpochRecord, ...]:
    epochs = draw(st.lists(st.integers(1, 10**6), unique=True, max_size=5))
    return tuple(EpochRecord(e, draw(columns), draw(metrics), draw(times)) for e in sorted(epochs))


@given(metrics)
def test_packed_numbers_are_strict_json_and_come_back(numbers: dict[str, float]) -> None:
    import json

    text = json.dumps(pack(numbers), allow_nan=False)
    assert repr(unpack(json.loads(text))) == repr(numbers)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    axes=axes,
    fidelity=st.builds(Fidelity, st.integers(1, 10**6), st.integers(0, 2**63 - 1)),
    costs=st.dictionaries(words, finite, max_size=3),
    objectives=st.dictionaries(words, finite, min_size=1, max_size=3),
    curve=curves(),
    text=st.tuples(words, words, words),
    seconds=times,
    front=st.lists(st.integers(0, 10**6), max_size=5),
    hypervolume=columns,
    state=st.none() | st.dictionaries(words, st.lists(values, max_size=3), max_size=3),
)
def test_a_trial_comes_back_as_it_went_in(
    store: Store,
    axes: dict[str, Any],
    fidelity: Fidelity,
    costs: dict[str, float],
    objectives: dict[str, float],
    curve: tuple[EpochRecord, ...],
    text: tuple[str, str, str],
    seconds: float,
    front: list[int],
    hypervolume: float,
    state: dict[str, Any] | None,
) -> None:
    serial = next(_serial)
    name = study(store, f"study {serial}")
    digest = f"{serial:064x}"
    source, detail, traceback = text
    start(store, 5, name, digest=digest, axes=axes, fidelity=fidelity, costs=costs, source=source, sampler_state=state)
    measurement = Measurement("finished", objectives, curve, seconds, "cpu", "", detail, traceback)
    store.finish_trial(name, 5, 1, measurement, objectives, FrontPoint(5, 1, hypervolume, tuple(front)))

    trial = store.trial(name, 5)
    assert repr(trial.axes) == repr(axes) and trial.fidelity == fidelity
    assert repr(trial.values) == repr(objectives)
    assert (trial.source, trial.detail, trial.seconds) == (source, detail, seconds)
    assert store.traceback(name, 5) == traceback
    assert repr(store.curve(name, 5)) == repr(curve)
    assert repr(store.curves(name)) == repr({5: curve} if curve else {})
    assert store.costs(digest, "classification-1x8x8-10") == costs
    (point,) = store.fronts(name)
    assert repr(point.hypervolume) == repr(hypervolume) and point.members == tuple(front)
    assert store.sampler_states(name) == ({} if state is None else {5: state})


@dataclass
class Model:
    """What a trial should look like."""

    digest: str
    state: str = "running"
    attempts: list[str] = field(default_factory=lambda: ["running"])


class Verbs(RuleBasedStateMachine):
    """Verbs in any order, late and repeated ones included, against a dictionary."""

    trials = Bundle("trials")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.store = Store.open(f"sqlite:///{Path(self.folder.name)}/model.db", create=True)
        study(self.store)
        self.model: dict[int, Model] = {}
        self.fronts = 0

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    @rule(target=trials, digest=st.sampled_from("abcdef"))
    def start(self, digest: str) -> int:
        number = len(self.model)
        twin = next((n for n, m in self.model.items() if m.digest == digest), None)
        if twin is not None:
            with pytest.raises(DuplicateTrial, match=f"already: trial {twin}"):
                start(self.store, number, digest=digest)
            return twin
        start(self.store, number, digest=digest)
        self.model[number] = Model(digest)
        return number

    @rule(number=trials)
    def take_up(self, number: int) -> None:
        known = self.model[number]
        if known.state != "running":
            with pytest.raises(TrialTaken):
                self.store.start_attempt("s", number, "there:2", 60)
            return
        assert self.store.start_attempt("s", number, "there:2", 60) == len(known.attempts) + 1
        known.attempts = [*known.attempts[:-1], known.attempts[-1].replace("running", "lost"), "running"]

    @rule(
        number=trials, attempt=st.integers(1, 3), verb=st.sampled_from(["finish", "fail", "release", "epoch", "renew"])
    )
    def write(self, number: int, attempt: int, verb: str) -> None:
        known = self.model[number]
        if known.state != "running" or attempt != len(known.attempts):
            with pytest.raises(TrialTaken):
                self._write(number, attempt, verb)
            return
        self._write(number, attempt, verb)
        ended = {"finish": "finished", "fail": "failed", "release": "interrupted"}.get(verb, known.attempts[-1])
        known.attempts[-1] = ended
        known.state = ended if verb in ("finish", "fail") else "running"
        self.fronts += verb == "finish"

    def _write(self, number: int, attempt: int, verb: str) -> None:
        if verb == "finish":
            point = FrontPoint(number, self.fronts + 1, 1.0, (number,))
            self.store.finish_trial("s", number, attempt, GOOD, {"acc": 0.5}, point)
        elif verb == "fail":
            self.store.finish_trial("s", number, attempt, BAD, {}, None)
        elif verb == "release":
            self.store.release("s", number, attempt)
        elif verb == "epoch":
            self.store.record_epoch("s", number, attempt, CURVE[0])
        else:
            self.store.renew("s", number, attempt, 60)

    @invariant()
    def agrees(self) -> None:
        found = {t.number: t for t in self.store.trials("s")}
        assert {n: (t.digest, t.state) for n, t in found.items()} == {
            n: (m.digest, m.state) for n, m in self.model.items()
        }
        for number, known in self.model.items():
            assert [a.state for a in self.store.attempts("s", number)] == known.attempts
            assert bool(found[number].values) == (known.state == "finished")
        states = [m.state for m in self.model.values()]
        counts = self.store.counts("s")
        assert [counts.finished, counts.failed, counts.running] == [
            states.count(s) for s in ("finished", "failed", "running")
        ]
        assert len(self.store.fronts("s")) == self.fronts


Verbs.TestCase.settings = settings(max_examples=15, stateful_step_count=15, deadline=None)
TestVerbs = Verbs.TestCase
