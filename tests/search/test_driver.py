"""The driver's books: nothing twice, nothing lost, the front is the front, and Optuna sees the same."""

from __future__ import annotations

import math

import numpy as np
import optuna
import pytest

from mixnas.objectives import parse_objectives
from mixnas.records import FAILURES, Measurement
from mixnas.search.loop import run
from mixnas.search.proposers import SAMPLERS
from mixnas.store import Store
from tests.search.conftest import toy_session

TINY_SPACE = """
from mixnas.space import SearchSpace, choice, flag, forbid

space = SearchSpace(
    "tiny", family="splitmixer",
    width=choice(16, 24, 32), depth=choice(2, 4),
    channel=choice("dense"),
    rules=[forbid("width == 32 and depth == 4", because="that would be the sixth")],
)
"""

EVERY = [pytest.param(name, marks=pytest.mark.slow if name == "gp" else ()) for name in SAMPLERS]
"""Optuna's Gaussian process takes seconds for an answer."""


@pytest.mark.parametrize("sampler", EVERY)
def test_asked_trials_finish_and_no_architecture_is_trained_twice(storage: str, sampler: str) -> None:
    asked = 14 if sampler == "gp" else 30
    with toy_session(storage, sampler=sampler, trials=asked) as session:
        assert run(session.driver, session.executor) == "done"
        trials = session.store.trials("s", "finished")
        digests = {session.space.digest(t.axes) for t in trials}
        assert len(trials) == len(digests) == asked
        assert all(not session.space.explain(t.axes) for t in trials)


@pytest.mark.parametrize("sampler", EVERY)
def test_a_study_that_goes_on_does_not_repeat_its_first_points(storage: str, sampler: str) -> None:
    for trials in (6, 12):
        with toy_session(storage, sampler=sampler, trials=trials) as session:
            run(session.driver, session.executor)
    with Store.open(storage) as store:
        assert store.counts("s").finished == 12
        # Repeats of the first six would have been counted as duplicates.
        assert store.counts("s").duplicates <= 3


@pytest.mark.parametrize("sampler", EVERY)
def test_same_seed_and_one_worker_give_the_same_candidates(tmp_path, sampler: str) -> None:
    runs = []
    for name in ("a", "b"):
        with toy_session(f"sqlite:///{tmp_path}/{name}.db", sampler=sampler, trials=13) as session:
            run(session.driver, session.executor)
            runs.append([(t.digest, dict(t.values)) for t in session.store.trials("s")])
    assert runs[0] == runs[1]


def test_front_equals_brute_force_and_optuna(storage: str) -> None:
    with toy_session(storage, trials=40, objectives=("acc", "params", "macs")) as session:
        run(session.driver, session.executor)
        trials = session.store.trials("s", "finished")
        front = session.driver.front
        stored = session.store.fronts("s")
    points = np.array([[-t.values["acc"], t.values["params"], t.values["macs"]] for t in trials])
    better = (points[:, None] <= points[None]).all(-1) & (points[:, None] < points[None]).any(-1)
    brute = {t.number for t, beaten in zip(trials, better.any(0), strict=True) if not beaten}
    study = optuna.load_study(study_name="s", storage=storage)
    assert front is not None
    assert brute == set(front.members) == set(stored[-1].members) == {t.number for t in study.best_trials}
    assert study.metric_names == ["acc", "params", "macs"]
    volumes = [point.hypervolume for point in stored]
    assert volumes == sorted(volumes) and len(volumes) == 40


def test_optuna_trials_carry_the_same_numbers_values_and_digests(storage: str) -> None:
    with toy_session(storage) as session:
        run(session.driver, session.executor)
        ours = session.store.trials("s")
    study = optuna.load_study(study_name="s", storage=storage)
    assert [t.number for t in study.trials] == [t.number for t in ours]
    for theirs, mine in zip(study.trials, ours, strict=True):
        assert theirs.user_attrs["digest"] == mine.digest
        assert theirs.values == [mine.values["acc"], mine.values["params"]]
        assert theirs.state.name == "COMPLETE"


def test_failures_are_outcomes_with_reasons_and_never_on_the_front(storage: str) -> None:
    with toy_session(storage, evaluator="probe_evaluators:sometimes", trials=10) as session:
        assert run(session.driver, session.executor) == "done"
        failed = session.store.trials("s", "failed")
        counts = session.store.counts("s")
        assert session.driver.front is not None
        members = session.driver.front.members
    assert counts.finished == 10 and counts.failed == len(failed) > 3 and counts.running == 0
    assert {t.reason for t in failed} == {"non_finite_loss", "non_finite_value"} <= set(FAILURES)
    assert not {t.number for t in failed} & set(members)
    states = {t.number: t.state.name for t in optuna.load_study(study_name="s", storage=storage).trials}
    assert all(states[t.number] == "FAIL" for t in failed)


@pytest.mark.parametrize("sampler", EVERY)
def test_a_space_that_is_used_up_ends_the_search(storage: str, tmp_path, sampler: str) -> None:
    path = tmp_path / "tiny.py"
    path.write_text(TINY_SPACE)
    for _ in range(2):
        with toy_session(storage, space=str(path), trials=20, sampler=sampler) as session:
            assert run(session.driver, session.executor) == "exhausted"
            assert session.store.counts("s").finished == 5 == session.space.size()


def test_constraints_refuse_before_training_and_are_counted(storage: str) -> None:
    with toy_session(storage, sampler="random", constraints=("params <= 5k", "depth > 2"), trials=10) as session:
        run(session.driver, session.executor)
        trials = session.store.trials("s")
        refusals = session.store.refusals("s")
        counts = session.store.counts("s")
    assert all(t.values["params"] <= 5000 and t.axes["depth"] > 2 for t in trials)
    assert set(refusals) <= {"params <= 5k", "depth > 2"}
    assert sum(refusals.values()) == counts.refused > 0


def test_a_lost_trial_is_tried_once_more_then_failed(storage: str) -> None:
    with toy_session(storage, trials=2) as session:
        driver = session.driver
        job = driver.ask()
        assert job is not None
        driver.tell(job, Measurement("failed", reason="lost_worker"))
        again = driver.ask()
        assert again is not None and (again.trial, again.attempt) == (job.trial, 2)
        driver.tell(again, Measurement("failed", reason="lost_worker"))
        assert driver.failed == 1
        assert session.store.trial("s", job.trial).reason == "lost_worker"
        assert [a.number for a in session.store.attempts("s", job.trial)] == [1, 2]


def test_metrics_that_are_missing_are_a_failure_not_a_crash(storage: str) -> None:
    with toy_session(storage, trials=2) as session:
        job = session.driver.ask()
        assert job is not None
        session.driver.tell(job, Measurement("finished", {"error": 0.5}))
        trial = session.store.trial("s", job.trial)
        assert (trial.state, trial.reason) == ("failed", "non_finite_value")
        assert "acc" in trial.detail


def test_reference_point_is_stored_and_every_value_counts(storage: str) -> None:
    with toy_session(storage, trials=8) as session:
        reference = session.store.study("s").spec["reference"]
        run(session.driver, session.executor)
        assert session.driver.front is not None and session.driver.front.hypervolume > 0
        assert reference["acc"] == 0.0
        assert all(t.values["params"] < reference["params"] for t in session.store.trials("s"))
        assert math.isfinite(session.driver.front.hypervolume)


def test_objectives_in_another_order_are_another_study() -> None:
    assert [o.name for o in parse_objectives("params, flops ,acc")] == ["params", "macs", "acc"]


def test_baselines_run_at_the_same_fidelity_beside_the_front_and_only_once(storage: str) -> None:
    names = ("convmixer-256/8", "splitmixer-I-256/8")
    for baselines in (names[:1], names):
        with toy_session(storage, trials=3, baselines=baselines, constraints=("params <= 5k",)) as session:
            assert run(session.driver, session.executor) == "done"
            assert len(session.driver.baselines.found) == 1, "each one is trained once"
            found = {b.name: b for b in session.store.baselines("s")}
            assert session.store.counts("s").finished == 3
            assert session.driver.front is not None and min(session.driver.front.members) >= 0
    assert set(found) == set(names)
    convmixer = found["convmixer-256/8"]
    assert (convmixer.fidelity.epochs, len(convmixer.curve)) == (3, 3)
    # 256/8 on one 8x8 channel: fewer input weights than on CIFAR-10, everything else the same.
    assert convmixer.values["params"] == 594_186 - 2 * 256 * 4
    assert len(optuna.load_study(study_name="s", storage=storage).trials) == 3
