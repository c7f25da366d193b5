"""The front trained again with other seeds: every (architecture, seed) once, whatever interrupts it."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mixnas.cli.main import build_app
from mixnas.errors import UsageError
from mixnas.noise import near_limit, near_members
from mixnas.records import Job, Measurement, Replicate
from mixnas.search.executors import Done, Event
from mixnas.search.leases import StudyShare
from mixnas.search.loop import Interrupts, run
from mixnas.search.loop import Stopping as StoppingNote
from mixnas.search.replicates import Reevaluation
from mixnas.session import Session
from mixnas.store import Store
from mixnas.study import StudySpec
from mixnas.toy import evaluate
from tests.search.conftest import toy_session
from tests.search.test_commands import mixnas, start
from tests.table.conftest import built, toy_plan, write_space

TOY = ["search", "--space", "splitmixer", "--evaluator", "toy", "--trials", "12", "--epochs", "3", "--study", "s"]


def search(session: Session) -> None:
    assert run(session.driver, session.executor, keep=True) == "done"


def repeat(session: Session, listen: Callable[[Event | StoppingNote | None], None] = lambda event: None) -> list[Job]:
    """Runs the re-evaluation to its end and returns the jobs that ended."""
    ended: list[Job] = []

    def note(event: Event | StoppingNote | None) -> None:
        if isinstance(event, Done):
            ended.append(event.job)
        listen(event)

    assert run(session.reevaluation(), session.executor, note) == "done"
    return ended


def keys(store: Store) -> set[tuple[int, int]]:
    return {(one.trial, one.seed) for one in store.replicates("s")}


def test_members_and_what_is_near_them_get_every_seed_once(storage: str) -> None:
    with toy_session(storage, seeds=3) as session:
        search(session)
        before = session.store.trials("s"), session.store.fronts("s")
        ended = repeat(session)
        driver, store = session.reevaluation(), session.store
        assert (store.trials("s"), store.fronts("s")) == before, "the search's own results stay as they are"
        assert session.driver.front is not None
        members = set(session.driver.front.members)
        near = near_members(store.trials("s"), store.replicates("s"), session.driver.objectives)
        again = members | {trial.number for trial in near[: near_limit(len(members))]}
        assert {t.number for t in driver.members} == members
        assert keys(store) == {(number, seed) for number in again for seed in (1, 2)}
        assert len(ended) == len(keys(store)) and {job.fidelity.epochs for job in ended} == {3}
        found = store.replicates("s")[0]
        assert found.values["params"] == store.trial("s", found.trial).values["params"]
        assert [record.epoch for record in found.curve] == [1, 2, 3] and found.seconds > 0
        assert repeat(session) == []


def test_more_seeds_later_train_only_the_new_ones(storage: str) -> None:
    for seeds in (1, 2, 4):
        with toy_session(storage, seeds=seeds) as session:
            search(session)
            before = keys(session.store)
            new = {(job.trial, job.fidelity.seed) for job in repeat(session)} if seeds > 1 else set()
            assert not new & before and {seed for _, seed in new} <= set(range(1, seeds))
            report = session.reevaluation().report()
            assert (report is None) == (seeds == 1)
            assert report is None or {one.seeds for one in report.members} == {seeds}


def test_one_that_is_interrupted_goes_on(storage: str) -> None:
    state, ended = Interrupts(), []
    with toy_session(storage, seeds=3) as session:
        search(session)

        def interrupt(event: Event | StoppingNote | None) -> None:
            if isinstance(event, Done):
                ended.append((event.job.trial, event.job.fidelity.seed))
                state.count = len(ended) // 4

        assert run(session.reevaluation(), session.executor, interrupt, state) == "interrupted"
        assert len(ended) == 4 and keys(session.store) == set(ended)
    with toy_session(storage, seeds=3) as session:
        search(session)
        rest = [(job.trial, job.fidelity.seed) for job in repeat(session)]
        assert not set(rest) & set(ended) and keys(session.store) == {*rest, *ended}


def test_failures_are_kept_counted_and_not_tried_again(storage: str) -> None:
    with toy_session(storage, seeds=3, evaluator="probe_evaluators:unlucky_seeds") as session:
        search(session)
        repeat(session)
        driver, store = session.reevaluation(), session.store
        failed = [one for one in store.replicates("s") if one.state == "failed"]
        assert failed and all(one.seed == 1 and (one.trial % 2 or one.trial == 0) for one in failed)
        assert {one.reason for one in failed} <= {"non_finite_loss", "non_finite_value"}
        assert driver.report() is not None and repeat(session) == []
        for one in driver.report().repeated:  # type: ignore[union-attr]
            assert (one.seeds, one.failed) == ((2, 1) if one.number % 2 or one.number == 0 else (3, 0))


def test_a_lost_worker_is_tried_again_as_often_as_asked(storage: str) -> None:
    with toy_session(storage, seeds=2) as session:
        search(session)
        driver = session.reevaluation()
        lost = Measurement("failed", reason="lost_worker")
        job = driver.ask()
        assert job is not None
        driver.tell(job, lost)
        again = driver.ask()
        assert again is not None and (again.trial, again.fidelity, again.attempt) == (job.trial, job.fidelity, 2)
        assert keys(session.store) == set()
        driver.tell(again, lost)
        (kept,) = session.store.replicates("s")
        assert kept == Replicate(job.trial, 1, "failed", {}, reason="lost_worker", at=kept.at) and driver.failed == 1


def test_two_searches_share_the_trainings(storage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mixnas.search.replicates.LOOK_AGAIN", 0.0)
    with toy_session(storage, seeds=3) as session:
        search(session)
        parts, store, rng = session.driver.parts, session.store, random.Random(0)
        shares = [session.driver.share, StudyShare(store, "s")]
        both = [Reevaluation(parts, (0, 1, 2), store, share) for share in shares]
        running: list[list[Job]] = [[], []]
        trained: list[tuple[int, int, int]] = []
        while not all(driver.done for driver in both):
            owner = rng.randrange(2)
            if len(running[owner]) < 2 and (job := both[owner].ask()) is not None:
                running[owner].append(job)
            elif running[owner]:
                job = running[owner].pop()
                both[owner].tell(job, evaluate(job, lambda record: None))
                trained.append((owner, job.trial, job.fidelity.seed))
        assert len(trained) == len({key[1:] for key in trained}) == len(keys(store)), "none is trained twice"
        assert {owner for owner, _, _ in trained} == {0, 1} and not store.claims("s", "replicate")
        shares[1].release()
        reports = [driver.report() for driver in both]
        assert reports[0] == reports[1] == session.reevaluation().report() is not None


@pytest.mark.parametrize("executor", ["processes", pytest.param("ray", marks=(pytest.mark.slow, pytest.mark.ray))])
def test_other_executors_give_the_same(tmp_path: Path, executor: str) -> None:
    found = []
    for name in ("inline", executor):
        with toy_session(f"sqlite:///{tmp_path}/{name}.db", seeds=2, trials=6) as session:
            search(session)
        with toy_session(f"sqlite:///{tmp_path}/{name}.db", executor=name, workers=2, seeds=2, trials=6) as session:
            repeat(session)
            found.append([(one.trial, one.seed, one.values) for one in session.store.replicates("s")])
    assert found[0] == found[1] != []


def test_a_table_lends_its_own_seeds(tmp_path: Path, storage: str) -> None:
    table = tmp_path / "tiny.npz"
    built(toy_plan(tmp_path), table)
    fields = {"space": write_space(tmp_path), "evaluator": f"table:{table}", "seed": 1, "trials": 4}
    with toy_session(storage, executor="virtual", workers=2, seeds=2, **fields) as session:
        search(session)
        assert session.seeds == (1, 0)
        assert {job.fidelity.seed for job in repeat(session)} == {0} and keys(session.store)
    refused = pytest.raises(UsageError, match="has 2 seeds of each candidate, --seeds asks for 3")
    with refused, toy_session(storage, executor="virtual", seeds=3, **fields):
        pass


def test_seeds_are_refused_where_they_change_nothing(storage: str) -> None:
    refused = pytest.raises(UsageError, match="params, macs are known exactly and hang on no seed")
    with refused, toy_session(storage, seeds=3, objectives=("params", "macs")):
        pass
    with pytest.raises(UsageError, match="--seeds 0 is not a number of seeds"):
        StudySpec("splitmixer", seeds=0)


# ----------------------------------------------------------------------------------------------------------- as typed


def typed(*arguments: str) -> str:
    """What a command prints that only reads: in this process, which is quicker."""
    result = CliRunner().invoke(build_app(), list(arguments))
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_search_with_seeds_ends_with_intervals_wherever_the_front_is_shown(tmp_path: Path) -> None:
    code, out, err = mixnas(tmp_path, *TOY, "--backend", "inline", "--seeds", "3")
    assert code == 0, err
    assert "the front again with seeds 1, 2:" in out and "front trained again:" in out
    assert "Front of the means over 3 seeds" in out and "95 % interval" in out and "12 of 12 trials finished" in out
    assert "on average" in out, "how lucky the search's own seed was"
    where = ("--storage", f"sqlite:///{tmp_path}/mixnas.db")
    entries = json.loads(typed("pareto", "--json", *where))
    for entry in entries:
        low, high = entry["intervals"]["acc"]
        assert low < entry["values"]["acc"] < high and entry["seeds"] == 3
        assert isinstance(entry["within_noise_of"], list) and isinstance(entry["values"]["params"], int)
    header, *rows = typed("pareto", "--csv", *where).splitlines()
    assert header.startswith("trial,digest,acc,params,acc_low,acc_high,seeds,noise,width") and len(rows) == len(entries)
    assert "95 % interval" in typed("pareto", *where)
    best = typed("export", "--best", "acc", "-o", str(tmp_path / "best.yaml"), *where)
    dearest = max(entries, key=lambda entry: float(entry["values"]["acc"]))
    assert f"Wrote trial {dearest['trial']} of s" in best and "chosen by the mean of 3 seeds: acc 0." in best
    knee = typed("export", "--knee", "-o", str(tmp_path / "knee.yaml"), *where)
    assert any(f"Wrote trial {entry['trial']} of s" in knee for entry in entries) and "3 seeds" in knee


def test_export_says_when_one_seed_has_to_do(storage: str, tmp_path: Path) -> None:
    with toy_session(storage, seeds=2) as session:
        search(session)
        repeat(session)
        single = {t.number for t in session.store.trials("s")} - {trial for trial, _ in keys(session.store)}
        axes = session.store.trial("s", min(single)).axes
    conditions = (f"{k} == {v!r}" if isinstance(v, str) else f"{k} == {v}" for k, v in axes.items() if v is not False)
    query = "acc where " + " and ".join(c.replace("True", "true") for c in conditions)
    out = typed("export", "--best", query, "-o", str(tmp_path / "one.yaml"), "--storage", storage)
    assert f"Wrote trial {min(single)} of s" in out and "chosen by a single seed: no trial with several meets" in out


def test_one_seed_changes_nothing(storage: str) -> None:
    with toy_session(storage) as session:
        search(session)
    text = typed("pareto", "--storage", storage) + typed("pareto", "--storage", storage, "--json")
    assert "interval" not in text and "seeds" not in text and "of 12 trials" in text


def replicate_rows(folder: Path) -> dict[tuple[int, int], str]:
    with sqlite3.connect(folder / "mixnas.db") as db:
        return {(trial, seed): at for trial, seed, at in db.execute("select trial, seed, at from mixnas_replicates")}


def wait_for_replicates(folder: Path, wanted: int) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            if len(replicate_rows(folder)) >= wanted:
                return
        except sqlite3.OperationalError:
            pass
        time.sleep(0.02)
    raise AssertionError("the front was not trained again")


@pytest.mark.parametrize(
    "how", [signal.SIGKILL, *(pytest.param(one, marks=pytest.mark.slow) for one in (signal.SIGINT, signal.SIGTERM))]
)
def test_the_same_command_goes_on_with_the_seeds(tmp_path: Path, how: signal.Signals) -> None:
    command = [*TOY, "--evaluator", "probe_evaluators:slow", "--workers", "2", "--seeds", "4"]
    process = start(tmp_path, *command)
    wait_for_replicates(tmp_path, 3)
    os.kill(process.pid, how)
    out, err = process.communicate(timeout=60)
    assert process.returncode != 0 and "Traceback" not in err
    assert how == signal.SIGKILL or "The same command goes on." in out
    before = replicate_rows(tmp_path)
    code, out, err = mixnas(tmp_path, *command)
    after = replicate_rows(tmp_path)
    assert code == 0 and len(after) > len(before), err
    assert before.items() <= after.items(), "what was there has not been trained again"
    per_trial = [sum(trial == number for number, _ in after) for trial, _ in after]
    assert set(per_trial) == {3}


@pytest.mark.slow
def test_two_searches_as_typed_share_the_trainings(tmp_path: Path) -> None:
    command = [*TOY, "--evaluator", "probe_evaluators:slow", "--workers", "1", "--seeds", "4", "--plain"]
    both = [start(tmp_path, *command) for _ in range(2)]
    said = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    trained = [found for out, _ in said for found in re.findall(r"trial \d+, seed \d+(?=:)", out)]
    assert len(trained) == len(set(trained)) == len(replicate_rows(tmp_path)) > 0
    fronts = [out.partition("Front of the means")[2].partition("\n\n")[0] for out, _ in said]
    assert fronts[0] == fronts[1] != ""
