"""The benchmark of strategies in `studies/benchmarks`: its clock, its numbers and what peers are told."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from mixnas.records import Fidelity, Job
from mixnas.search.books import StudyParts
from mixnas.search.driver import Driver
from mixnas.search.executors import Done
from mixnas.search.feed import Feed
from mixnas.search.loop import StopNow
from mixnas.search.loop import run as run_loop
from mixnas.search.proposers import SAMPLERS
from mixnas.search.rungs import EarlyStopping, early_stopping
from mixnas.search.virtual import VirtualExecutor
from mixnas.store import Store
from studies.benchmarks import results, run, summary
from studies.benchmarks.arena import Arena, Run, arena, drive, setting
from studies.benchmarks.plain_optuna import plain_optuna
from studies.benchmarks.strategies import PEER, STRATEGIES


@pytest.fixture
def small() -> Arena:
    """A table's contest with a budget of a few trainings."""
    return replace(arena("wavemix-digits"), budget=60.0)


@pytest.mark.parametrize("name", ["random", PEER])
def test_a_run_goes_on_to_the_budget_and_no_further(small: Arena, name: str) -> None:
    found = STRATEGIES[name](small, 1)
    seconds, volumes = [s for s, _ in found], [v for _, v in found]
    assert seconds == sorted(seconds) and volumes == sorted(volumes)
    assert seconds[-2] < small.budget <= seconds[-1]
    assert 0 < volumes[-1] <= small.best(small.seed_of(1))
    assert STRATEGIES[name](small, 1) == found and STRATEGIES[name](small, 2) != found


@pytest.mark.parametrize(("sampler", "stopping"), [("auto", "none"), ("tpe", "none"), ("random", "mo-asha")])
def test_a_run_without_books_is_the_drivers(small: Arena, tmp_path: Path, sampler: str, stopping: str) -> None:
    contest = replace(small, budget=30.0)
    rules = early_stopping(stopping, contest.table.header.epochs, len(contest.table.candidates))
    assert drive(contest, 1, SAMPLERS[sampler].make, rules) == with_books(contest, 1, sampler, rules, tmp_path)


def with_books(contest: Arena, repetition: int, sampler: str, rules: EarlyStopping | None, folder: Path) -> Run:
    """The same search by the driver and the loop of every search, with a real store and Optuna study."""
    header, url, found = contest.table.header, f"sqlite:///{folder}/s.db", Run()
    fidelity, executor = Fidelity(header.epochs, contest.seed_of(repetition)), VirtualExecutor()
    template = Job("s", -1, 0, contest.space.family, {}, contest.table.problem, header.dataset, fidelity, header.recipe)
    template = replace(template, evaluator=f"table:{contest.name}")
    parts = StudyParts(
        contest.space, contest.objectives, contest.gate, template, len(contest.table.candidates), contest.reference,
        early_stopping=rules,
    )  # fmt: skip
    with Store.open(url, create=True) as store:
        store.create_study("s", {}, {}, {})
        feed = Feed(url, "s", contest.objectives, contest.space)
        driver = Driver(parts, SAMPLERS[sampler].make(setting(contest, repetition)), store, feed)

        def listen(event: object) -> None:
            if driver.finished > len(found) and driver.front is not None:
                found.append((executor.clock, driver.front.hypervolume))
            if isinstance(event, Done) and executor.clock >= contest.budget:
                raise StopNow

        run_loop(driver, executor, listen)
        driver.close()
        feed.close()
    return found


def test_repeats_are_paid_for_and_count_for_nothing(small: Arena) -> None:
    once, again = drive(small, 0, SAMPLERS["tpe"].make), drive(small, 0, SAMPLERS["tpe"].make, repeats=True)
    assert len(again) <= len(once)
    assert all(paid >= free for (paid, _), (free, _) in zip(again, once, strict=False))


def test_the_peer_trains_duplicates(small: Arena) -> None:
    assert len(plain_optuna(small, 0)) > 5


def test_raw_results_survive_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    rows = results.steps([(1.0, 0.5), (2.5, 0.5), (3.0, 0.75), (4.0, 0.75)])
    assert rows == [(1, 1.0, 0.5), (3, 3.0, 0.75), (4, 4.0, 0.75)]
    results.write("t", {"a": [rows, rows[:1]], "b, c": [rows]})
    assert results.read("t") == {"a": [rows, rows[:1]], "b, c": [rows]}


def test_a_curve_is_read_between_its_steps() -> None:
    rows = [(1, 1.0, 0.5), (3, 3.0, 0.75), (4, 4.0, 0.75)]
    assert summary.at(rows, 1, np.array([0.5, 1.0, 2.9, 3.0, 9.0])).tolist() == [0.0, 0.5, 0.5, 0.75, 0.75]
    assert summary.at(rows, 0, np.array([0.0, 2.0, 3.0])).tolist() == [0.0, 0.5, 0.75]
    assert summary.seconds_to(rows, 0.6) == 3.0 and summary.seconds_to(rows, 0.8) == float("inf")
    assert summary.seconds_of(rows, 2) == 2.0


def test_times_are_told_as_shares_of_the_peers() -> None:
    contest = arena("wavemix-digits")
    slow = [[(n, 2.0 * n, 0.01 * n) for n in range(1, 101)]] * 4
    fast = [[(n, 0.5 * n, 0.01 * n) for n in range(1, 101)]] * 4
    never = [[(1, 1.0, 0.001)]] * 4
    rows = {r["strategy"]: r for r in summary.time_table(contest, {PEER: slow, "fast": fast, "never": never})}
    assert rows[PEER]["ratio"] == 1.0 and rows["fast"]["ratio"] == 0.25 and rows["fast"]["ratio_90"] == [0.25, 0.25]
    assert (rows["never"]["reached"], rows["never"]["seconds"]) == (0, round(contest.budget, 2))
    runs = {"random": fast, "worse": slow, "same": fast}
    assert summary.worse_than_random(contest, runs, "same") == []
    assert max(summary.worse_than_random(contest, runs, "worse")) > 10


def peer_task() -> ModuleType:
    path = Path(run.__file__).parent / "peers" / "task.py"
    spec = importlib.util.spec_from_file_location("peer_task", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_peers_are_told_every_training(tmp_path: Path) -> None:
    contest = arena("splitmixer-digits")
    run._write_task(contest, 3, tmp_path)
    task = peer_task().Task(str(tmp_path / "task-splitmixer-digits.json"))
    assert json.loads((tmp_path / "task-splitmixer-digits.json").read_text())["repetitions"] == 3
    names = [name for name in task.choices if name == "channel"]
    reached = {task.training({**dict.fromkeys(task.choices, 0), names[0]: i}, 0)["costs"]["params"] for i in range(3)}
    assert len(reached) == 3
    config = dict.fromkeys(task.choices, 0)
    found = task.training(config, 1)
    axes = {p["axis"]: p["values"][0] for p in task._parameters if p["parent"] is None}
    place = contest.table.index("splitmixer", contest.space.canonical(axes))
    assert found["seconds"] == contest.table.seconds[place, 1].tolist()
    assert task.values(found)["acc"] == contest.values(place, 1)["acc"]
