"""What holds for every space, tried on random small ones against a naive second implementation."""

from __future__ import annotations

import json
import pickle
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixnas.errors import SpaceError
from mixnas.space import Parameter, SearchSpace, walks

from .random_spaces import Candidate, RandomSpace, random_spaces

many = settings(max_examples=80, deadline=None)
some = settings(max_examples=40, deadline=None)


def key(candidate: Candidate) -> str:
    return json.dumps(candidate, sort_keys=True)


@many
@given(random_spaces())
def test_enumeration_equals_brute_force_in_the_order_of_the_space(case: RandomSpace) -> None:
    listed = list(case.space.enumerate())
    assert len({key(c) for c in listed}) == len(listed)
    assert sorted(map(key, listed)) == sorted(map(key, case.brute_force()))
    names = list(dict.fromkeys(p.axis for p in case.space.parameters().values()))
    assert all(list(c) == [n for n in names if n in c] for c in listed)


@many
@given(random_spaces())
def test_size_equals_brute_force(case: RandomSpace) -> None:
    assert case.space.size() == len(case.brute_force())


@many
@given(random_spaces())
def test_canonical_is_idempotent_and_equal_exactly_when_digests_are(case: RandomSpace) -> None:
    space = case.space
    forms: dict[str, str] = {}
    for raw in case.raw():
        canonical = space.canonical(raw)
        assert canonical == case.naive_canonical(raw)
        assert space.canonical(canonical) == canonical
        assert (space.explain(raw) == []) is case.naive_valid(canonical)
        digest = space.digest(raw)
        assert digest == space.digest(canonical)
        assert forms.setdefault(digest, key(canonical)) == key(canonical)
    assert len(set(forms.values())) == len(forms)


@pytest.mark.parametrize("largest_table", [walks.LARGEST_TABLE, 0], ids=["tables", "rejection"])
@some
@given(case=random_spaces(), seed=st.integers(0, 2**32))
def test_samples_mutants_and_children_are_valid_and_canonical(largest_table: int, case: RandomSpace, seed: int) -> None:
    space, rng = case.space, random.Random(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(walks, "LARGEST_TABLE", largest_table)
        _check_walks(case, space, rng)


def _check_walks(case: RandomSpace, space: SearchSpace, rng: random.Random) -> None:
    valid = {key(c) for c in case.brute_force()}
    if not valid:
        with pytest.raises(SpaceError, match="has no candidate"):
            space.sample(rng)
        return
    for _ in range(10):
        parent, other = space.sample(rng), space.sample(rng)
        mutant, child = space.mutate(parent, rng), space.crossover(parent, other, rng)
        assert {key(parent), key(other), key(mutant), key(child)} <= valid
        assert (mutant != parent) is (len(valid) > 1)


@some
@given(random_spaces())
def test_the_rules_named_as_conflict_are_a_smallest_set(case: RandomSpace) -> None:
    space = case.space
    conflict = space.conflict()
    assert bool(conflict) is (not case.brute_force())
    if conflict:
        parts = space.to_json()
        merges = [r for r in parts["rules"] if r["kind"] == "merge"]
        rules = [r for r in parts["rules"] if r["kind"] != "merge"]
        named = [r for r in rules if any(str(r.get("when", r.get("that"))) in line for line in conflict)]
        for left_out in named:
            fewer = [r for r in named if r != left_out]
            assert SearchSpace.from_json({**parts, "rules": merges + fewer}).size() > 0


@some
@given(random_spaces())
def test_json_pickle_and_repr_give_the_same_space_back(case: RandomSpace) -> None:
    space = case.space
    back = SearchSpace.from_json(json.loads(json.dumps(space.to_json())))
    assert back == space and hash(back) == hash(space)
    assert list(back.enumerate()) == list(space.enumerate())
    assert pickle.loads(pickle.dumps(space)) == space
    from mixnas import space as names

    assert eval(repr(space), vars(names)) == space


@some
@given(random_spaces())
def test_parameters_round_trip_and_have_one_name_a_place(case: RandomSpace) -> None:
    space = case.space
    for candidate in case.raw()[:50]:
        parameters = space.to_parameters(candidate)
        assert set(parameters) <= set(space.parameters())
        assert (
            space.from_parameters(parameters) == space.from_parameters({**_inactive(space), **parameters}) == candidate
        )


def _inactive(space: SearchSpace) -> Candidate:
    return {name: p.values[0] for name, p in space.parameters().items() if p.values}


@some
@given(random_spaces(), st.integers(0, 2**32))
def test_a_walk_asks_for_exactly_the_active_axes_in_order(case: RandomSpace, seed: int) -> None:
    rng, asked = random.Random(seed), []

    def suggest(parameter: Parameter) -> object:
        asked.append(parameter)
        return rng.choice(parameter.values or ())

    candidate = case.space.walk(suggest)
    assert [p.axis for p in asked] == list(candidate)
    assert key(candidate) in {key(c) for c in case.raw()}
    chosen = {p.name: candidate[p.axis] for p in asked}
    for parameter in case.space.parameters().values():
        is_active = parameter.parent is None or chosen.get(parameter.parent) == parameter.parent_value
        assert (parameter.name in chosen) is is_active


@some
@given(random_spaces())
def test_columns_hold_every_value_and_say_where_they_are_inactive(case: RandomSpace) -> None:
    rows = case.raw()
    columns, active = case.space.columns(rows), case.space.active_columns(rows)
    for i, row in enumerate(rows):
        assert {axis: columns[axis][i].item() for axis in columns if active[axis][i]} == row
    assert all(len(c) == len(rows) for c in columns.values())


@some
@given(random_spaces(), st.integers(0, 2**32))
def test_the_same_seed_gives_the_same_candidates_and_both_kinds_of_generator_work(case: RandomSpace, seed: int) -> None:
    if case.space.size() == 0:
        return
    first, second = random.Random(seed), random.Random(seed)
    assert case.space.sample_many(first, 5) == case.space.sample_many(second, 5)
    case.space.validate(case.space.sample(np.random.default_rng(seed)))


@some
@given(random_spaces())
def test_rules_on_columns_agree_with_rules_on_candidates(case: RandomSpace) -> None:
    from mixnas.space import Expression

    rows = case.raw()
    columns, active = case.space.columns(rows), case.space.active_columns(rows)
    for rule in case.space.rules:
        if rule.kind != "merge":
            expression = Expression.parse(rule.condition, columns)
            at_once = expression.evaluate_columns(columns, active)
            assert at_once.tolist() == [expression.evaluate(row) for row in rows]
