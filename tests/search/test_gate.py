"""The gate: cheap costs first, the share of a space that passes, and by how much a constraint is broken."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from mixnas.errors import ExpressionError, UsageError
from mixnas.objectives import parse_objectives
from mixnas.records import Candidate
from mixnas.search.feasibility import require_feasible
from mixnas.search.gate import COSTED, Gate, conjuncts, violation
from mixnas.search.proposers import Setting, make_proposer
from mixnas.space import Expression, SearchSpace, choice, forbid, integer

SPACE = SearchSpace("small", family="splitmixer", width=choice(8, 16, 32, 64), depth=integer(1, 5))


class Slow:
    """A cost that takes a while, and counts how often it is asked for."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, axes: Candidate) -> float:
        self.asked += 1
        return float(int(axes["width"]) * int(axes["depth"])) * 2**20


def cheap(axes: Any) -> dict[str, Any]:
    return {"params": axes["width"] * 100, "macs": axes["width"] * axes["depth"]}


def gate(constraints: Sequence[str], wanted: Sequence[str] = ()) -> tuple[Gate, Slow]:
    slow = Slow()
    return Gate(SPACE, constraints, cheap, cheap, {"memory": slow}, wanted, {"memory": "memory[b32]"}), slow


@pytest.mark.parametrize("constraints", [["params <= 2k and memory <= 20MiB"], ["memory <= 20MiB", "params <= 2k"]])
def test_cheap_constraints_refuse_before_a_slow_cost_is_worked_out(constraints: list[str]) -> None:
    judge, slow = gate(constraints)
    assert judge.check({"width": 64, "depth": 1}).refused
    assert slow.asked == 0
    assert judge.check({"width": 16, "depth": 2}).refused == constraints[0]
    assert judge.check({"width": 16, "depth": 1}).costs["memory"] == 16 * 2**20
    assert slow.asked == 2


def test_a_slow_cost_that_nobody_names_is_not_worked_out() -> None:
    judge, slow = gate(["params <= 2k"])
    judge.check({"width": 8, "depth": 1})
    require_feasible(judge)
    assert slow.asked == 0
    wanted, slow = gate(["params <= 2k"], wanted=["memory"])
    assert wanted.check({"width": 64, "depth": 1}).refused
    assert slow.asked == 0
    assert wanted.check({"width": 8, "depth": 1}).costs["memory"] == 8 * 2**20


def test_the_store_is_given_names_that_say_for_what_batch() -> None:
    judge, _ = gate([], wanted=["memory"])
    assert judge.stored({"params": 1, "memory": 2}) == {"params": 1, "memory[b32]": 2}


def test_many_candidates_are_judged_as_one_is() -> None:
    judge, slow = gate(["params <= 3.2k", "depth > 1 and memory <= 64MiB"], wanted=["memory"])
    broken: list[Candidate] = [{"width": 9, "depth": 1}, {"width": 8}]
    candidates = [broken[0], *SPACE.enumerate(), broken[1]]
    mask, costs = judge.judge(candidates)
    assert slow.asked == 0
    assert mask.tolist() == [c["width"] in (8, 16, 32) and c.get("depth", 0) > 1 for c in candidates]
    assert np.isnan(costs["params"][[0, -1]]).all()
    for axes, row in zip(candidates[1:-1], range(1, len(candidates) - 1), strict=True):
        assert {name: column[row] for name, column in costs.items()} == cheap(axes)
        assert mask[row] or judge.check(axes).refused


def test_judging_nothing_or_nothing_valid_tells_no_costs() -> None:
    judge, _ = gate(["params <= 2k"])
    for candidates in ([], [{"width": 9, "depth": 1}]):
        mask, costs = judge.judge(candidates)
        assert (mask.tolist(), costs) == ([False] * len(candidates), {})


def test_the_share_that_passes_is_exact_where_all_can_be_costed() -> None:
    judge, _ = gate(["params <= 3.2k", "depth > 1"])
    found = require_feasible(judge)
    assert (found.share, found.exact, found.costed) == (0.6, True, 20)
    assert found.alone == {"params <= 3.2k": 0.75, "depth > 1": 0.8}
    assert found.tightest == "params <= 3.2k"


def test_a_large_space_is_counted_exactly() -> None:
    wide = SearchSpace(
        "wide",
        family="splitmixer",
        width=integer(1, 400),
        depth=integer(1, 200),
        rules=[forbid("width == depth", because="a test")],
    )
    texts = ["params <= 9.9k and macs > 150", "depth % 3 == 0", "width >= 2 * depth"]
    found = require_feasible(Gate(wide, texts, cheap, cheap))
    pairs = [(w, d) for w in range(1, 401) for d in range(1, 201) if w != d]
    held = [(w <= 99 and w * d > 150, d % 3 == 0, w >= 2 * d) for w, d in pairs]
    assert (found.costed, found.exact) == (79_800, True)
    assert found.share == sum(map(all, held)) / len(pairs)
    assert list(found.alone.values()) == [sum(column) / len(pairs) for column in zip(*held, strict=True)]


def test_the_share_under_a_slow_cost_comes_from_candidates_that_pass_the_others() -> None:
    judge, slow = gate(["width <= 32", "memory <= 64MiB"])
    found = require_feasible(judge)
    assert slow.asked == 15  # of 20, those that are narrow enough
    assert not found.exact
    assert found.share == pytest.approx(11 / 20)


def test_an_impossible_slow_constraint_is_named() -> None:
    judge, _ = gate(["params <= 1M", "memory <= 1KiB"])
    with pytest.raises(
        UsageError, match="no candidate of space 'small' passes --constraint 'memory <= 1KiB'"
    ) as caught:
        require_feasible(judge)
    assert "for memory, the smallest among them" in caught.value.message
    assert caught.value.hint.endswith("memory 8 MiB to 320 MiB")


def test_a_slow_constraint_that_only_the_smallest_pass_is_not_taken_for_impossible() -> None:
    wide = SearchSpace("wide", family="splitmixer", width=integer(1, 100), depth=integer(1, 50))
    slow = Slow()
    found = require_feasible(Gate(wide, ["memory <= 1MiB"], cheap, cheap, {"memory": slow}))
    assert found.share == pytest.approx(1 / 5000)
    assert slow.asked == 2 * COSTED


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("params <= 400", 0.0),
        ("params <= 200", 1.0),
        ("params <= 300", 1 / 3),
        ("params >= 500", 0.2),
        ("width in (1, 2)", 1.0),
        ("params < 400", 1e-6),
        ("params <= 0", 400.0),
    ],
)
def test_a_violation_is_the_excess_as_a_share_of_the_limit(text: str, broken: float) -> None:
    constraint = Expression.parse(text, ["params", "width"])
    assert violation(constraint, {"params": 400, "width": 4}) == pytest.approx(broken)


def test_a_conjunction_falls_into_its_parts() -> None:
    whole = Expression.parse("a < 1 and (b < 2 or c < 3) and a + b < 4", "abc")
    parts = conjuncts(whole)
    assert [sorted(part.names) for part in parts] == [["a"], ["b", "c"], ["a", "b"]]
    rng = random.Random(0)
    for _ in range(200):
        values = {name: rng.choice((0, 1, 2, 3, 4)) for name in "abc"}
        assert whole.holds(values) == all(part.holds(values) for part in parts)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("memory <= 2GB", "GB"),
        ("memory <= '2GiB'", "'2GiB'"),
        ("memory", "memory"),
        ("memori <= 2GiB", "did you mean 'memory'"),
        ("latency <= 5ms", "latency is known only after training"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises((ExpressionError, UsageError)) as caught:
        gate([text])[0].check({"width": 8, "depth": 1})
    assert message in str(caught.value)
    assert "--constraint" in str(caught.value)


@pytest.mark.parametrize("sampler", ["tpe", "nsga2"])
def test_samplers_see_by_how_much_a_constraint_is_broken(sampler: str) -> None:
    judge, _ = gate(["params <= 2k"])
    proposer: Any = make_proposer(
        sampler, Setting(SPACE, parse_objectives("acc,params"), judge, seed=0, trials=20, epochs=1, reference={})
    )
    number = 0
    for _ in range(12):
        axes = SPACE.canonical(proposer.propose())
        verdict = judge.check(axes)
        if verdict.refused:
            proposer.reject(verdict)
            continue
        proposer.begin(number, axes)
        proposer.finish(number, {"acc": 0.5, "params": verdict.costs["params"]})
        number += 1
    trials = proposer._advisor.get_trials()
    assert {frozenset(trial.constraints) for trial in trials} == {frozenset({"rules of the space", "params <= 2k"})}
    for trial in trials:
        assert (trial.constraints["params <= 2k"] > 0) == (trial.state.name == "PRUNED")
    assert 0 < number < 12
