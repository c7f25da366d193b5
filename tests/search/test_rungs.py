"""Promotions against brute force, and what may never be promoted."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixnas.errors import UnknownName, UsageError
from mixnas.objectives import parse_objectives
from mixnas.records import Decision, ordinal
from mixnas.search.rungs import EARLY_STOPPING, EarlyStopping, Ladder, default_rungs, early_stopping

OBJECTIVES = parse_objectives("params,acc,latency")
RULES = EarlyStopping((1, 3, 9), 3.0)
PARAMS = (10.0, 20.0, 40.0, 80.0)


def front_of(values: dict[int, dict[str, float]], number: int) -> int:
    """How many fronts must be peeled off before the trial is on one, by comparing all with all."""
    left, level = dict(values), 0
    while True:
        beaten = {
            a
            for a, x in left.items()
            for y in left.values()
            if y["acc"] >= x["acc"]
            and y["params"] <= x["params"]
            and (y["acc"], y["params"]) != (x["acc"], x["params"])
        }
        if number not in beaten:
            return level
        left, level = {a: left[a] for a in beaten}, level + 1


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PARAMS), st.integers(0, 10), st.booleans()), min_size=1, max_size=40))
def test_promotions_are_those_of_brute_force(arrivals: list[tuple[float, int, bool]]) -> None:
    ladder, rungs = Ladder(RULES, OBJECTIVES), ({}, {}, {})  # type: tuple[Ladder, tuple[dict, dict, dict]]
    gone: list[set[int]] = [set(), set(), set()]
    known: dict[int, dict[str, float]] = {}

    def reach(trial: int, level: int) -> None:
        rungs[level][trial] = known[trial]
        decision = ladder.reach(trial, known[trial])
        assert (decision.rung, decision.of, decision.action) == (level + 1, len(rungs[level]), "paused")

    for trial, (params, acc, again) in enumerate(arrivals):
        known[trial] = {"params": params, "acc": acc / 10}
        assert ladder.target(trial) == 1 and ladder.behind(trial) == 0
        reach(trial, 0)
        while again and (promoted := ladder.promote()) is not None:
            level = promoted.rung - 1
            assert promoted.trial in rungs[level] and promoted.trial not in gone[level]
            _check(promoted, rungs, gone)
            gone[level].add(promoted.trial)
            assert ladder.behind(promoted.trial) == RULES.rungs[level]
            if level < 2:
                assert ladder.target(promoted.trial) == RULES.rungs[level + 1]
                reach(promoted.trial, level + 1)
            else:
                assert ladder.target(promoted.trial) == 0
        if again:
            assert all(_none_left(rungs, gone, level) for level in range(3))


def _check(promoted: Decision, rungs: tuple[dict, dict, dict], gone: list[set[int]]) -> None:
    """It is among the best third, no better front has room, and no higher rung has anyone to promote."""
    level = promoted.rung - 1
    values = rungs[level]
    keep = len(values) // 3
    fronts = {trial: front_of(values, trial) for trial in values}
    assert promoted.rank <= keep
    better = sum(front < fronts[promoted.trial] for front in fronts.values())
    assert better < promoted.rank <= better + sum(front == fronts[promoted.trial] for front in fronts.values())
    for higher in range(level + 1, 3):
        assert sum(trial in gone[higher] for trial in rungs[higher]) >= len(rungs[higher]) // 3


def _none_left(rungs: tuple[dict, dict, dict], gone: list[set[int]], level: int) -> bool:
    """Whoever is certain of a place, being on a front that has room for all of its members, has been promoted."""
    values, keep = rungs[level], len(rungs[level]) // 3
    fronts = {trial: front_of(values, trial) for trial in values}
    certain = {t for t in values if sum(front <= fronts[t] for front in fronts.values()) <= keep}
    return certain <= gone[level]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_never_ranks(bad: float) -> None:
    ladder = Ladder(RULES, OBJECTIVES)
    for trial in range(6):
        ladder.reach(trial, {"params": 10.0 + trial, "acc": 0.5})
    with pytest.raises(ValueError, match="cannot be ranked"):
        ladder.reach(6, {"params": 1.0, "acc": bad})
    with pytest.raises(ValueError, match="cannot be ranked"):
        ladder.reach(7, {"params": 1.0})
    promoted = []
    while (decision := ladder.promote()) is not None:
        promoted.append(decision.trial)
        assert decision.of == 6
    assert len(promoted) == 2


def test_the_log_of_decisions_brings_a_ladder_back() -> None:
    first, log = Ladder(RULES, OBJECTIVES), []
    values = {trial: {"params": 10.0 + 3 * (trial % 5), "acc": (7 * trial % 11) / 11} for trial in range(20)}
    for trial in values:
        log.append(first.reach(trial, values[trial]))
        while (decision := first.promote()) is not None:
            log.append(decision)
            if first.target(decision.trial):
                log.append(first.reach(decision.trial, values[decision.trial]))
    second = Ladder(RULES, OBJECTIVES)
    second.restore(log, lambda trial, epochs: values[trial])
    assert second.paused == first.paused and [second.target(t) for t in values] == [first.target(t) for t in values]
    for ladder in (first, second):
        ladder.reach(20, {"params": 1.0, "acc": 0.99})
    assert first.promote() == second.promote()
    assert first.promote(wanted_in_full=True) == second.promote(wanted_in_full=True) is not None
    stopped = first.stop()
    assert stopped == second.stop() and all(d.action == "stopped" for d in stopped)
    assert not first.paused and first.promote(wanted_in_full=True) is None


def test_more_full_trainings_are_taken_from_the_highest_rung() -> None:
    ladder = Ladder(EarlyStopping((1, 2), 2.0), OBJECTIVES)
    for trial in range(3):
        ladder.reach(trial, {"params": 1.0, "acc": trial / 10})
    first = ladder.promote()
    assert first is not None and (first.trial, str(first)) == (2, "rung 1: 1st of 3, promoted")
    ladder.reach(2, {"params": 1.0, "acc": 0.3})
    assert ladder.promote() is None
    order = [ladder.promote(wanted_in_full=True) for _ in range(4)]
    assert [(d.trial, d.rung) if d else None for d in order] == [(2, 2), (1, 1), (0, 1), None]


def test_a_decision_reads_like_a_sentence() -> None:
    assert str(Decision(4, 3, 8, 7, 9, "stopped")) == "rung 3: 7th of 9, stopped"
    assert [ordinal(n) for n in (1, 2, 3, 4, 11, 12, 13, 21, 102, 111)] == [
        *("1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "102nd", "111th")
    ]


@given(st.integers(1, 400), st.floats(1.5, 8))
def test_default_rungs_are_ascending_and_below_the_last_epoch(epochs: int, reduction: float) -> None:
    rungs = default_rungs(epochs, reduction)
    assert list(rungs) == sorted(set(rungs)) and len(rungs) <= 3
    assert all(1 <= rung < epochs for rung in rungs)
    assert rungs or epochs < 2 * reduction


def test_rules_are_filled_in_from_the_search() -> None:
    assert early_stopping("none", 8, 40) is None
    assert early_stopping("mo-asha", 8, 100) == EarlyStopping((1, 3), 3.0, 10)
    assert early_stopping("mo-asha", 8, 4, (1, 3, 8), 2.0) == EarlyStopping((1, 3), 2.0, 4)
    assert early_stopping("mo-asha", 8, 40, min_full=7).min_full == 7  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("mo-asha", 1, 40), "nowhere to stop in trainings of 1 epochs"),
        (("mo-asha", 8, 40, (3, 1)), "--rungs 3,1 are not ascending"),
        (("mo-asha", 8, 40, (0, 1)), "--rungs 0,1 are not ascending"),
        (("mo-asha", 8, 40, (1, 9)), "--rungs 1,9 go beyond the 8 epochs"),
        (("mo-asha", 8, 40, (8,)), "nowhere to stop"),
        (("mo-asha", 8, 40, (), 1.0), "--reduction 1 keeps no smaller share"),
        (("mo-asha", 8, 40, (), 1e200), "--reduction 1e\\+200 keeps next to nothing"),
        (("mo-asha", 8, 40, (), math.nan), "--reduction nan"),
        (("mo-asha", 8, 40, (), 3.0, -1), "--min-full -1"),
    ],
)
def test_rules_that_make_no_sense_are_refused(arguments: tuple, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        early_stopping(*arguments)


def test_unknown_rules_list_the_known() -> None:
    with pytest.raises(UnknownName, match=", ".join(sorted(EARLY_STOPPING))):
        early_stopping("median", 8, 40)
