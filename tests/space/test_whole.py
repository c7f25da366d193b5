"""A whole space as columns: the same candidates, in the same order, as when they are listed one at a time."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from mixnas.errors import SpaceError
from mixnas.space import SearchSpace, choice, forbid, load_space, real, whole
from mixnas.space.whole import Rows, all_rows, uniform_rows
from tests.space.random_spaces import RandomSpace, random_spaces

some = settings(max_examples=120, deadline=None)


def candidates(rows: Rows) -> list[dict[str, Any]]:
    """The rows as candidates."""
    columns, active = ({a: c.tolist() for a, c in part.items()} for part in (rows.columns, rows.active))
    return [{axis: columns[axis][i] for axis in columns if active[axis][i]} for i in range(rows.count)]


@some
@given(random_spaces())
def test_all_rows_are_what_is_enumerated(case: RandomSpace) -> None:
    found = [candidate for rows in all_rows(case.space) for candidate in candidates(rows)]
    assert found == list(case.space.enumerate())
    assert len(found) == case.space.size()


@some
@given(random_spaces())
def test_columns_are_those_of_the_candidates(case: RandomSpace) -> None:
    for rows in all_rows(case.space):
        listed = candidates(rows)
        expected, active = case.space.columns(listed), case.space.active_columns(listed)
        assert rows.columns.keys() == expected.keys()
        for axis, on in active.items():
            assert rows.active[axis].tolist() == on.tolist()
            assert rows.columns[axis][on].tolist() == expected[axis][on].tolist()


@pytest.mark.parametrize("keys", [0, whole.LARGEST_KEY])
def test_chunks_are_cut_without_a_gap(keys: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole, "CHUNK", 50)
    monkeypatch.setattr(whole, "LARGEST_KEY", keys)
    space = load_space("wavemix_small")
    chunks = list(all_rows(space))
    assert len(chunks) > 4
    assert [c for rows in chunks for c in candidates(rows)] == list(space.enumerate())


@pytest.mark.parametrize("name", ["splitmixer", "wavemix_lite", "mlp_mixer"])
def test_the_built_in_spaces_have_as_many_rows_as_their_size(name: str) -> None:
    space = load_space(name)
    assert sum(rows.count for rows in all_rows(space)) == space.size()


def test_every_candidate_is_drawn_equally_often() -> None:
    space = SearchSpace(
        "uneven",
        family="splitmixer",
        axes={"a": choice(1, 2, 3), "b": choice("x", "y"), "c": choice(True, False)},
        rules=[forbid("a > 1 and b == 'y'", because="uneven")],
    )
    listed = list(space.enumerate())
    drawn = Counter(map(str, candidates(uniform_rows(space, 16_000, seed=1))))
    assert set(drawn) == set(map(str, listed))
    assert len(listed) == 8
    assert all(abs(times - 2000) < 5 * 2000**0.5 for times in drawn.values())


@some
@given(random_spaces())
def test_what_is_drawn_is_valid(case: RandomSpace) -> None:
    if case.space.size() == 0:
        with pytest.raises(SpaceError, match="has no candidate"):
            uniform_rows(case.space, 5)
        return
    for candidate in candidates(uniform_rows(case.space, 20)):
        case.space.validate(candidate)
        assert case.space.canonical(candidate) == candidate


def test_a_continuous_axis_is_refused() -> None:
    space = SearchSpace("smooth", family="splitmixer", width=choice(8, 16), rate=real(0.0, 0.5))
    for ask in (lambda: next(all_rows(space)), lambda: uniform_rows(space, 3)):
        with pytest.raises(SpaceError, match="cannot be enumerated"):
            ask()


def test_text_and_numbers_in_one_axis_stay_what_they_are() -> None:
    space = SearchSpace("mixed", family="splitmixer", size=choice(1, "auto", 2.5))
    (rows,) = all_rows(space)
    assert rows.columns["size"].tolist() == [1, "auto", 2.5]
    assert np.array_equal(rows.active["size"], np.ones(3, bool))
