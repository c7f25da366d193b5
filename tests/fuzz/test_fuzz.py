"""A slice of the campaign with a fixed seed, every named attack, and texts that hypothesis makes up."""

from __future__ import annotations

import gc
import json
import os
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mixnas.errors import RunError
from tests.fuzz import cases, commands
from tests.fuzz.campaign import EVERY, Report, campaign, feed_target, warm_up
from tests.fuzz.guard import Sandbox
from tests.fuzz.targets import TARGETS

SLICE = dict.fromkeys(EVERY, 150) | {"states of trainings": 20, "images in .npz files": 60, "command line": 12}


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox() as made:
        warm_up(made)
        yield made


@pytest.mark.parametrize("name", EVERY)
def test_a_slice_of_the_campaign(name: str, box: Sandbox) -> None:
    report = Report()
    feed_target(EVERY[name], SLICE[name], 1, box, report)
    assert report.inputs == SLICE[name] and report.outcomes[name, "refused"] + report.outcomes[name, "accepted"] > 0
    assert report.findings == []


@pytest.mark.parametrize("name", cases.CASES)
def test_a_named_attack_is_refused(name: str, box: Sandbox) -> None:
    target, make = cases.CASES[name]
    value = make()
    outcome, why = box.run(lambda: TARGETS[target].feed(value), 10.0, (".",))
    assert not cases.harmed() and not why
    assert outcome == ("accepted" if name in cases.FINE else "refused")
    box.clear()


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text(max_size=12), inside, max_size=4),
    max_leaves=12,
)
keys = st.sampled_from(
    ["format", "family", "axes", "problem", "weights", "normalisation", "provenance", "version", "rules"]
)
MADE_UP: dict[str, st.SearchStrategy[Any]] = {
    "expressions": st.text(max_size=60) | st.from_regex(r"[a-z_.]{1,9} ?[-+*/<>=%]{1,2} ?[0-9'a-zA-Z(.]{1,9}"),
    "model configs": st.text(max_size=200) | st.dictionaries(keys, plain).map(json.dumps),
    "spaces as JSON": st.text(max_size=200) | st.dictionaries(keys | st.just("name"), plain).map(json.dumps),
    "study specs": plain | st.dictionaries(st.sampled_from(["space", "objectives", "trials", "recipe", "seed"]), plain),
    "journals of tables": st.binary(max_size=300),
    "tables": st.binary(max_size=300),
    "checkpoints": st.tuples(st.sampled_from(["x.pth", "x.npz", "x.safetensors"]), st.binary(max_size=300)),
}


@pytest.mark.parametrize("name", MADE_UP)
def test_what_hypothesis_makes_up(name: str, box: Sandbox) -> None:
    @settings(max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(MADE_UP[name])
    def feed(value: Any) -> None:
        outcome, why = box.run(lambda: TARGETS[name].feed(value), 10.0, (".",))
        box.clear()
        assert outcome != "finding", why

    feed()


def test_the_same_seed_makes_the_same_inputs() -> None:
    one, other = (campaign(40, 7, "expressions") for _ in range(2))
    assert one.outcomes == other.outcomes and one.inputs == 40


# ------------------------------------------------------------------------------------------ the guard sees what is done


def misdeed_of_a_shell() -> None:
    os.system("true")


def misdeed_of_a_process() -> None:
    subprocess.run([sys.executable, "-c", "pass"], check=True)


def misdeed_outside() -> None:
    (Path("..") / "escape").write_text("x")


def misdeed_at_home() -> None:
    (Path.home() / ".config").mkdir()


def misdeed_of_an_error() -> None:
    raise KeyError("x")


def misdeed_of_an_exit() -> None:
    sys.exit(0)


def misdeed_of_a_loop() -> None:
    while True:
        pass


def misdeed_of_silence() -> None:
    raise RunError("")


@pytest.mark.parametrize("misdeed", [value for name, value in globals().items() if name.startswith("misdeed_")])
def test_the_guard_sees_it(misdeed: Any, box: Sandbox) -> None:
    assert box.run(misdeed, 0.5, ("asked.yaml",))[0] == "finding"
    assert box.run(lambda: Path("asked.yaml").write_text("x"), 5.0, ("asked.yaml",)) == ("accepted", "")
    box.clear()


class _Left:
    """Something that writes when it goes, as a temporary folder of an earlier test does."""

    def __init__(self, path: Path) -> None:
        self.path, self.itself = path, self

    def __del__(self) -> None:
        self.path.mkdir()


def test_the_guard_blames_no_input_for_what_earlier_tests_left(box: Sandbox) -> None:
    outside = box.root / "outside"
    outside.mkdir()
    go, gone = threading.Event(), threading.Event()

    def late() -> None:
        go.wait(10)
        (outside / "by a thread").mkdir()
        gone.set()

    def feed() -> None:
        _ = [[] for _ in range(200_000)]  # enough to make Python collect cycles
        go.set()
        assert gone.wait(10)

    threading.Thread(target=late).start()
    _Left(outside / "by the collector")
    assert box.run(feed, 10.0) == ("accepted", "")
    gc.collect()
    assert sorted(path.name for path in outside.iterdir()) == ["by a thread", "by the collector"]

    def starts_one() -> None:
        thread = threading.Thread(target=(outside / "by the input").mkdir)
        thread.start()
        thread.join()

    assert box.run(starts_one, 10.0)[0] == "finding"


def test_the_command_line_is_really_typed(box: Sandbox) -> None:
    commands._arguments(random.Random(0))  # puts the files down
    assert box.run(lambda: commands._type(["space", "size", "space.json"]), 20.0) == ("accepted", "")
    assert box.run(lambda: commands._type(["space", "size", "nowhere"]), 20.0) == ("refused", "")
    assert box.run(lambda: commands._type(["space", "size", "--nowhere"]), 20.0) == ("refused", "")
    box.clear()
