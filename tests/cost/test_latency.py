"""Timing: units, what is stored, what is refused, and that figures add up in the store."""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch
import typer
from typer.testing import CliRunner

from mixnas.cli.measure import register
from mixnas.cost.latency import measure
from mixnas.errors import MissingExtra, UnknownName, UsageError
from mixnas.models import family
from mixnas.objectives import TIMED
from mixnas.records import Problem
from mixnas.search.leases import StudyHold
from mixnas.search.loop import run
from mixnas.session import open_session
from mixnas.store import Store
from mixnas.study import StudySpec

TINY = family("splitmixer").tiny
QUICK: dict[str, Any] = {"seconds": 0.01}


@pytest.mark.parametrize("engine", ["eager", "export"])
def test_latency_and_throughput_are_the_same_thing_seen_from_two_sides(engine: str) -> None:
    problem = Problem.square(8)
    latency = measure("latency", "splitmixer", TINY, problem, engine=engine, batch_size=4, seconds=0.2)
    throughput = measure("throughput", "splitmixer", TINY, problem, engine=engine, batch_size=4, seconds=0.2)
    assert latency.value > 0 and latency.spread >= 0 and latency.runs >= 15
    assert throughput.value * latency.value / 4000 == pytest.approx(1, rel=0.9)


def test_names_say_batch_engine_and_threads() -> None:
    found = [measure(name, "splitmixer", TINY, Problem.square(8), **QUICK) for name in TIMED]
    assert [timing.stored_name for timing in found] == list(TIMED.values())


def test_threads_and_random_state_are_put_back() -> None:
    threads, state = torch.get_num_threads(), torch.random.get_rng_state()
    timing = measure("latency", "splitmixer", TINY, Problem.square(8), threads=threads + 1, **QUICK)
    assert timing.threads == threads + 1
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"name": "latenzy"}, UnknownName, "did you mean 'latency'"),
        ({"engine": "jit"}, UnknownName, "unknown engine 'jit'"),
        ({"batch_size": 0}, UsageError, "must be at least 1"),
        ({"threads": -1}, UsageError, "must be at least 1"),
    ],
)
def test_wrong_use_is_refused(change: dict[str, Any], error: type[UsageError], message: str) -> None:
    with pytest.raises(error) as caught:
        measure(**{"name": "latency", "family": "splitmixer", "axes": TINY, "problem": Problem.square(8), **change})
    assert message in str(caught.value)


@pytest.mark.skipif(importlib.util.find_spec("onnxruntime") is not None, reason="ONNX Runtime is installed")
def test_a_missing_engine_says_what_to_install() -> None:
    with pytest.raises(MissingExtra, match="onnxruntime") as caught:
        measure("latency", "splitmixer", TINY, Problem.square(8), engine="onnx", **QUICK)
    assert caught.value.hint == "pip install 'mixnas[onnx]'"


def test_onnx_runtime_where_it_is_installed() -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    assert measure("latency", "splitmixer", TINY, Problem.square(8), engine="onnx", **QUICK).value > 0


@pytest.fixture
def storage(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/timed.db"


def spec(**changes: Any) -> StudySpec:
    fields: dict[str, Any] = {"space": "splitmixer", "objectives": ("acc", "latency"), "trials": 1, "epochs": 1}
    return StudySpec(**{**fields, "constraints": ("params <= 3k",), "name": "timed", **changes})


def test_a_search_times_what_it_trains_and_measuring_again_adds(storage: str) -> None:
    with open_session(spec(), storage, executor="inline") as session:
        run(session.driver, session.executor, lambda event: None)
    app = typer.Typer()
    register(app)
    listed = CliRunner().invoke(app, ["--storage", storage, "--list", "--json"], catch_exceptions=False)
    again = CliRunner().invoke(app, ["--storage", storage, "--seconds", "0.05", "--json"], catch_exceptions=False)
    first, both = json.loads(listed.stdout), json.loads(again.stdout)
    with Store.open(storage) as store:
        trial = store.trial("timed", 0)
    assert [row["value"] for row in first] == [trial.values["latency"]]
    assert both[0] == first[0] and len(both) == 2
    assert {row["name"] for row in both} == {"latency[b1-eager-1t]"}
    assert both[1]["spread"] is not None and both[1]["device"].startswith("cpu ")


def test_nothing_is_measured_beside_a_training(storage: str) -> None:
    app = typer.Typer()
    register(app)
    words = ["--storage", storage, "--study", "timed", "--seconds", "0.05"]
    with open_session(spec(objectives=("acc", "params")), storage, executor="inline") as session:
        run(session.driver, session.executor, lambda event: None)
        refused = CliRunner().invoke(app, words)
        listed = CliRunner().invoke(app, [*words, "--list"])
    with Store.open(storage) as store:
        hold = StudyHold(store, "timed")
        held = CliRunner().invoke(app, words)
        hold.release()
        digest = store.trial("timed", 0).digest
        assert not store.measurements(digest)
    assert CliRunner().invoke(app, words).exit_code == 0
    for result in (refused, held):
        assert isinstance(result.exception, UsageError)
        assert f"study 'timed' is at work on this machine (process {os.getpid()})" in result.exception.message
    assert listed.exit_code == 0
    for device in ("tpu", "meta", "cuda:77"):
        nowhere = CliRunner().invoke(app, [*words, "--device", device])
        assert isinstance(nowhere.exception, UsageError) and repr(device) in nowhere.exception.message
    with Store.open(storage) as store:
        (found,) = store.measurements(digest)
    assert found.spread >= 0 and found.environment["threads"] == 1


@pytest.mark.parametrize(
    ("asked", "how", "message"),
    [
        ({}, {"workers": 2}, "is timed while nothing else trains, and this search has 2 workers"),
        ({"evaluator": "toy"}, {"executor": "inline"}, "timed by evaluator train, not by toy"),
    ],
)
def test_what_cannot_be_timed_is_refused_before_anything_is_written(
    asked: dict[str, Any], how: dict[str, Any], message: str, storage: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=message), open_session(spec(**asked), storage, **how):
        pass
    assert list(tmp_path.iterdir()) == []
