"""Trials and attempts: what goes in comes out, and only the newest attempt may write."""

from __future__ import annotations

import math
import threading
from datetime import UTC, datetime
from typing import Any

import pytest

from mixnas.errors import StoreError, UnknownName
from mixnas.records import EpochRecord, Fidelity, FrontPoint, Measurement, StudyCounts, Trial
from mixnas.store import DuplicateTrial, Store, TrialTaken, UnknownTrial
from tests.store.helpers import BAD, CURVE, FIDELITY, GOOD, finish, start, study


def seconds_from_now(time: str) -> float:
    return (datetime.fromisoformat(time) - datetime.now(UTC)).total_seconds()


def test_a_study_is_kept_as_it_was_created(store: Store) -> None:
    spec = {"objectives": ["acc", "params"], "lr": 0.1, "deep": {"z": 1, "a": [None, True]}}
    store.create_study("é ß", spec, {"name": "toy"}, {"torch": "2.14"})
    assert store.has_study("é ß") and not store.has_study("other")
    record = store.study("é ß")
    assert (record.name, record.spec, record.space, record.environment) == (
        "é ß",
        spec,
        {"name": "toy"},
        {"torch": "2.14"},
    )
    assert list(record.spec["deep"]) == ["z", "a"]
    assert abs(seconds_from_now(record.created_at)) < 60


def test_a_study_name_is_taken_once(store: Store) -> None:
    study(store)
    with pytest.raises(StoreError) as error:
        store.create_study("s", {"other": 1}, {}, {})
    assert str(error.value) == (
        "study 's' exists already (give another name with --study, or run `mixnas search` with the same flags to go on "
        "with it)"
    )
    assert store.study("s").spec == {"trials": 3}


@pytest.mark.parametrize("name", ["", "a\nb", "\x1b[31m", "x" * 201])
def test_names_that_no_screen_can_show_are_refused(store: Store, name: str) -> None:
    with pytest.raises(StoreError, match="a study's name has 1 to 200 printable characters, not "):
        store.create_study(name, {}, {}, {})
    assert store.study_names() == []


def test_an_unknown_study_lists_the_known_ones_in_every_question(store: Store) -> None:
    study(store, "digits")
    questions: list[Any] = [
        store.study,
        store.trials,
        store.unfinished,
        store.counts,
        store.curves,
        store.fronts,
        store.refusals,
        store.sampler_states,
        store.exports,
        lambda name: store.trial(name, 0),
        lambda name: store.attempts(name, 0),
        lambda name: store.curve(name, 0),
        lambda name: store.traceback(name, 0),
        lambda name: start(store, 0, name),
        lambda name: store.start_attempt(name, 0, "me", 1),
        lambda name: store.count(name, "refused", "x"),
        lambda name: store.record_export(name, 0, "x"),
    ]
    for question in questions:
        with pytest.raises(UnknownName) as error:
            question("digit")
        assert str(error.value) == "unknown study 'digit' (did you mean 'digits'? known: digits)"


def test_an_unknown_trial_says_which_numbers_there_are(store: Store) -> None:
    study(store)
    with pytest.raises(UnknownTrial, match=r"^unknown trial 0 of study 's' \(it has no trials yet\)$"):
        store.trial("s", 0)
    start(store, 0)
    start(store, 1)
    for question in (store.trial, store.curve, store.attempts, store.traceback):
        with pytest.raises(UnknownName, match=r"^unknown trial 2 of study 's' \(its trials are numbered 0 to 1\)$"):
            question("s", 2)
    with pytest.raises(UnknownTrial):
        store.record_export("s", 2, "model.yaml")


def test_a_trial_from_start_to_finish(store: Store) -> None:
    study(store)
    digest = start(store, 0, sampler_state={"params": {"width": 32}, "none": None})
    running = store.trial("s", 0)
    axes = {"width": 32, "channel": "overlap", "channel.ratio": "2/3", "channel.shared": True}
    assert running == Trial(
        "s", 0, digest, axes, "running", {}, FIDELITY, source="random", attempts=1, started_at=running.started_at
    )
    assert list(running.axes) == list(axes)
    assert store.unfinished("s") == [running]
    assert store.costs(digest, "classification-1x8x8-10") == {"macs": 2.5e6, "params": 1000.0}
    assert store.costs(digest, "classification-3x32x32-10") == {}
    assert store.sampler_states("s") == {0: {"params": {"width": 32}, "none": None}}
    store.record_epoch("s", 0, 1, CURVE[0])
    assert store.curve("s", 0) == CURVE[:1]

    values = {"acc": 0.75, "params": 1000}
    store.finish_trial("s", 0, 1, GOOD, values, FrontPoint(0, 1, 0.5, (0,)))
    done = store.trial("s", 0)
    assert (done.state, done.values, done.seconds, done.reason) == ("finished", values, 0.75, "")
    assert done.started_at <= done.finished_at and abs(seconds_from_now(done.finished_at)) < 60
    assert store.curve("s", 0) == CURVE and store.curves("s") == {0: CURVE}
    (point,) = store.fronts("s")
    assert (point.trial, point.finished, point.hypervolume, point.members) == (0, 1, 0.5, (0,))
    assert point.at
    (attempt,) = store.attempts("s", 0)
    assert (attempt.state, attempt.owner, attempt.device, attempt.lease_until) == ("finished", "here:1", "cpu", "")
    assert store.unfinished("s") == []
    assert store.counts("s") == StudyCounts("s", finished=1)


def test_a_failure_keeps_its_reason_traceback_and_the_curve_so_far(store: Store) -> None:
    study(store)
    start(store, 0)
    store.record_epoch("s", 0, 1, CURVE[0])
    store.finish_trial("s", 0, 1, BAD, {}, None)
    trial = store.trial("s", 0)
    assert (trial.state, trial.reason, trial.detail, trial.values) == ("failed", "exception", "ValueError: no", {})
    assert store.traceback("s", 0) == BAD.traceback
    assert store.attempts("s", 0)[0].state == "failed"
    assert store.curve("s", 0) == CURVE[:1]
    assert store.fronts("s") == []
    assert store.counts("s") == StudyCounts("s", failed=1)
    assert [t.number for t in store.trials("s", "failed")] == [0] and store.trials("s", "finished") == []


def test_a_measured_curve_replaces_what_came_in_on_the_way(store: Store) -> None:
    study(store)
    start(store, 0)
    for record in (EpochRecord(1, 9.0, {"acc": 0.1}, 1.0), EpochRecord(9, 9.0, {}, 1.0)):
        store.record_epoch("s", 0, 1, record)
    finish(store, 0)
    assert store.curve("s", 0) == CURVE


def test_what_is_not_a_number_comes_back_as_it_was(store: Store) -> None:
    study(store)
    start(store, 0)
    metrics = {"acc": math.nan, "psnr": math.inf, "gain": -math.inf, "zero": -0.0}
    for epoch, loss in enumerate((math.nan, math.inf, -math.inf), start=1):
        store.record_epoch("s", 0, 1, EpochRecord(epoch, loss, metrics, 0.5))
    assert [repr(r) for r in store.curve("s", 0)] == [
        f"EpochRecord(epoch={e}, train_loss={loss}, "
        "metrics={'acc': nan, 'psnr': inf, 'gain': -inf, 'zero': -0.0}, seconds=0.5)"
        for e, loss in ((1, "nan"), (2, "inf"), (3, "-inf"))
    ]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_no_trial_finishes_with_a_value_that_is_not_finite(store: Store, value: float) -> None:
    study(store)
    start(store, 0)
    with pytest.raises(ValueError, match=rf"^trial s/0: acc={value} is not finite; record the trial as failed"):
        store.finish_trial("s", 0, 1, GOOD, {"acc": value}, None)
    assert store.trial("s", 0).state == "running"
    with pytest.raises(ValueError, match="params=nan is not finite"):
        start(store, 1, costs={"params": math.nan})
    with pytest.raises(ValueError, match="not JSON compliant"):
        start(store, 1, sampler_state={"weights": [value]})
    assert len(store.trials("s")) == 1


def test_outcome_and_values_must_agree(store: Store) -> None:
    study(store)
    start(store, 0)
    with pytest.raises(ValueError, match=r"trial s/0: outcome 'finished' with values \{\}"):
        store.finish_trial("s", 0, 1, GOOD, {}, None)
    with pytest.raises(ValueError, match=r"trial s/0: outcome 'failed' with values \{'acc': 0.5\}"):
        store.finish_trial("s", 0, 1, BAD, {"acc": 0.5}, None)
    assert store.counts("s").running == 1


def test_no_architecture_is_trained_twice_at_the_same_fidelity_and_seed(store: Store) -> None:
    study(store)
    study(store, "other")
    digest = start(store, 0)
    with pytest.raises(DuplicateTrial) as error:
        start(store, 1, digest=digest)
    assert str(error.value) == (
        f"study 's' has architecture {digest} at 3 epochs with seed 7 already: trial 0 "
        "(another driver of this study took it first; ask for another candidate)"
    )
    with pytest.raises(StoreError, match="study 's' has a trial 0 already"):
        start(store, 0, digest="b" * 16)
    assert len(store.trials("s")) == 1 and len(store.attempts("s", 0)) == 1
    assert store.costs("b" * 16, "classification-1x8x8-10") == {}
    start(store, 1, digest=digest, fidelity=Fidelity(4, 7))
    start(store, 2, digest=digest, fidelity=Fidelity(3, 8))
    start(store, 0, "other", digest=digest)
    assert [t.digest for t in store.trials("s")] == [digest] * 3


def test_a_released_trial_goes_on_with_a_further_attempt(store: Store) -> None:
    study(store)
    start(store, 0)
    store.record_epoch("s", 0, 1, CURVE[0])
    store.release("s", 0, 1)
    assert [t.number for t in store.unfinished("s")] == [0]
    assert store.start_attempt("s", 0, "there:2", 60) == 2
    assert store.trial("s", 0).attempts == 2
    for late in (
        lambda: store.record_epoch("s", 0, 1, CURVE[1]),
        lambda: store.renew("s", 0, 1, 60),
        lambda: store.release("s", 0, 1),
        lambda: finish(store, 0, attempt=1),
    ):
        with pytest.raises(TrialTaken, match=r"^attempt 1 of trial s/0 is over: attempt 2 has taken it up$"):
            late()
    finish(store, 0, attempt=2)
    assert [(a.number, a.owner, a.state) for a in store.attempts("s", 0)] == [
        (1, "here:1", "interrupted"),
        (2, "there:2", "finished"),
    ]
    with pytest.raises(TrialTaken, match=r"^trial s/0 has ended as finished$"):
        finish(store, 0, attempt=2)
    with pytest.raises(TrialTaken, match=r"^trial s/0 has ended as finished$"):
        store.start_attempt("s", 0, "there:2", 60)
    assert len(store.fronts("s")) == 1


def test_a_trial_taken_from_a_silent_owner_ends_its_attempt_as_lost(store: Store) -> None:
    study(store)
    start(store, 0)
    assert store.start_attempt("s", 0, "there:2", 60, after=1) == 2
    with pytest.raises(TrialTaken, match=r"^trial s/0 has been taken up since: attempt 2 holds it$"):
        store.start_attempt("s", 0, "third:3", 60, after=1)
    first, second = store.attempts("s", 0)
    assert (first.state, first.reason, first.lease_until) == ("lost", "lost_worker", "")
    assert (second.state, second.owner) == ("running", "there:2")


def test_of_many_that_saw_a_lost_trial_one_takes_it(store: Store) -> None:
    study(store)
    start(store, 0)
    won: list[int] = []
    barrier = threading.Barrier(6)

    def take(worker: int) -> None:
        barrier.wait()
        try:
            store.start_attempt("s", 0, f"here:{worker}", 60, after=1)
            won.append(worker)
        except TrialTaken:
            pass

    threads = [threading.Thread(target=take, args=(worker,)) for worker in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert store.attempts("s", 0)[-1].owner == f"here:{won[0]}"


def test_a_lease_runs_from_now_and_can_be_renewed(store: Store) -> None:
    study(store)
    start(store, 0, lease_seconds=100)
    assert 50 < seconds_from_now(store.attempts("s", 0)[0].lease_until) <= 100
    store.renew("s", 0, 1, 1000)
    assert 900 < seconds_from_now(store.attempts("s", 0)[0].lease_until) <= 1000
    store.record_epoch("s", 0, 1, CURVE[0], lease_seconds=5000)
    assert 4900 < seconds_from_now(store.attempts("s", 0)[0].lease_until) <= 5000
    store.record_epoch("s", 0, 1, CURVE[1])
    assert 4900 < seconds_from_now(store.attempts("s", 0)[0].lease_until) <= 5000


def test_counters_add_up(store: Store) -> None:
    study(store, "a")
    study(store, "b")
    store.count("a", "refused", "params <= 1k")
    store.count("a", "refused", "params <= 1k", 40_000)
    store.count("a", "refused", "macs <= 1M", 50_000)
    store.count("a", "duplicate", "proposed again", 3)
    store.count("a", "invalid", "width")
    start(store, 0, "b")
    assert store.refusals("a") == {"macs <= 1M": 50_000, "params <= 1k": 40_001}
    assert store.refusals("a", "invalid") == {"width": 1}
    assert store.refusals("b") == {}
    assert store.all_counts() == [StudyCounts("a", duplicates=3, refused=90_001), StudyCounts("b", running=1)]


def test_what_is_measured_exported_and_read_later_is_kept(store: Store) -> None:
    study(store)
    digest = start(store, 0)
    store.record_measurement(digest, "p", "latency_ms", 1.5, spread=0.1, device="A100", environment={"driver": "555"})
    store.record_measurement(digest, "p", "latency_ms", 1.25)
    first, second = store.measurements(digest)
    assert (first.value, first.spread, first.device, first.environment) == (1.5, 0.1, "A100", {"driver": "555"})
    assert second.value == 1.25 and math.isnan(second.spread) and second.at
    assert store.measurements("unknown") == []
    store.record_export("s", 0, "out/model.yaml")
    (export,) = store.exports("s")
    assert (export.study, export.trial, export.path) == ("s", 0, "out/model.yaml")
    store.record_test_read(digest, "digits", 2**40, {"acc": 0.97, "loss": math.inf}, "m.safetensors")
    store.record_test_read("of no search", "cifar10", 0, {}, "")
    assert [r.digest for r in store.test_reads()] == [digest, "of no search"]
    (read,) = store.test_reads(dataset="digits", digest=digest)
    assert (read.split_seed, read.metrics, read.path) == (2**40, {"acc": 0.97, "loss": math.inf}, "m.safetensors")
    assert store.test_reads(dataset="digits", digest="of no search") == []


def test_numbers_of_numpy_are_kept_as_numbers(store: Store) -> None:
    import numpy as np

    study(store)
    digest = start(store, 0, costs={"params": np.int64(7), "macs": np.float32(2.5)})
    assert store.costs(digest, "classification-1x8x8-10") == {"macs": 2.5, "params": 7.0}
    curve = (EpochRecord(1, np.float32(0.5), {"acc": np.float32(0.25)}, np.float64(1)),)
    measurement = Measurement("finished", {}, curve, seconds=np.float32(1.5))
    store.finish_trial(
        "s", 0, 1, measurement, {"acc": np.float32(0.25)}, FrontPoint(0, 1, np.float64(1), (np.int64(0),))
    )
    assert store.trial("s", 0).values == {"acc": 0.25} and store.trial("s", 0).seconds == 1.5
    assert store.curve("s", 0) == curve and store.fronts("s")[0].members == (0,)


def test_a_failure_with_an_unprintable_message_can_be_kept(store: Store) -> None:
    study(store)
    start(store, 0)
    odd = "no file 'a\udcff\x00b'"
    store.finish_trial("s", 0, 1, Measurement("failed", reason="exception", detail=odd, traceback=odd), {}, None)
    assert store.trial("s", 0).detail == store.traceback("s", 0) == r"no file 'a\udcff\x00b'"
