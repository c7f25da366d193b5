"""Expressions on numpy columns mean the same as on one candidate at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixnas.errors import ExpressionError
from mixnas.space import INACTIVE, Expression

NAMES = ("a", "b", "x", "on", "kind", "ratio")
ROWS = st.lists(
    st.fixed_dictionaries(
        {"a": st.integers(-5, 5), "x": st.sampled_from([-1.5, 0.0, 0.1, 2.0]), "on": st.booleans()},
        optional={
            "b": st.integers(0, 4),
            "kind": st.sampled_from(["one", "all"]),
            "ratio": st.sampled_from(["2/3", "3/5"]),
        },
    ),
    min_size=1,
    max_size=8,
)
NUMBERS = st.recursive(
    st.sampled_from(["a", "b", "x", "on", "ratio", "3", "0.5", "2"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "//", "%"]), inner).map(lambda t: f"({' '.join(t)})"),
        inner.map(lambda t: f"(-{t})"),
        inner.map(lambda t: f"({t} ** 2)"),
        st.tuples(inner, inner).map(lambda t: f"({t[0]} if on else {t[1]})"),
    ),
    max_leaves=5,
)
CONDITIONS = st.recursive(
    st.one_of(
        st.tuples(NUMBERS, st.sampled_from(["<", "<=", "==", "!=", ">", ">="]), NUMBERS).map(" ".join),
        st.sampled_from(
            ["kind == 'all'", "kind != 'one'", "kind in ('one', 'x')", "b not in (1, 2)", "0 <= a < b < 4"]
        ),
        st.sampled_from(["ratio == '2/3'", "'3/5' < ratio", "ratio in ('2/3',)", "on", "a == kind"]),
    ),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda t: f"({' '.join(t)})"),
        inner.map(lambda t: f"(not {t})"),
    ),
    max_leaves=4,
)


def as_columns(rows: list[dict[str, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    fillers = {"a": 0, "b": 0, "x": 0.0, "on": False, "kind": "one", "ratio": "2/3"}
    columns = {n: np.array([row.get(n, filler) for row in rows]) for n, filler in fillers.items()}
    return columns, {n: np.array([n in row for row in rows]) for n in fillers}


def outcomes(expression: Expression, rows: list[dict[str, Any]]) -> list[Any] | str:
    try:
        return [expression.evaluate(row) for row in rows]
    except ExpressionError as error:
        return error.message.split(" at column")[0]


@settings(max_examples=300, deadline=None)
@given(CONDITIONS, ROWS)
def test_conditions_agree_row_by_row(text: str, rows: list[dict[str, Any]]) -> None:
    expression = Expression.parse(text, NAMES)
    expected = outcomes(expression, rows)
    if isinstance(expected, str):
        with pytest.raises(ExpressionError):
            expression.evaluate_columns(*as_columns(rows))
    else:
        got = expression.evaluate_columns(*as_columns(rows))
        assert got.tolist() == [v is True for v in expected]
        assert expression.hold_columns(*as_columns(rows)).tolist() == got.tolist()


@settings(max_examples=200, deadline=None)
@given(NUMBERS, ROWS)
def test_numbers_agree_row_by_row(text: str, rows: list[dict[str, Any]]) -> None:
    expression = Expression.parse(f"({text}) + 0", NAMES)
    expected = outcomes(expression, rows)
    if isinstance(expected, str):
        with pytest.raises(ExpressionError):
            expression.evaluate_columns(*as_columns(rows))
    else:
        got = expression.evaluate_columns(*as_columns(rows))
        plain = [np.nan if v is INACTIVE else float(v) for v in expected]
        np.testing.assert_allclose(got.astype(float), plain, rtol=1e-12, atol=1e-12)


def test_large_products_do_not_wrap_around() -> None:
    big = np.array([3 * 10**9, 2], np.int64)
    expression = Expression.parse("a * a * a > 0", NAMES)
    assert expression.evaluate_columns({"a": big}).tolist() == [True, True]
    assert Expression.parse("a ** 4", NAMES).evaluate_columns({"a": big}).tolist() == [81 * 10**36, 16]


def test_plain_values_stand_for_a_whole_column() -> None:
    columns = {"a": np.array([1, 2, 3]), "b": 2, "kind": "all"}
    text = "a >= b and kind == 'all'"
    assert Expression.parse(text, NAMES).evaluate_columns(columns).tolist() == [False, True, True]


def test_a_missing_name_is_inactive() -> None:
    columns = {"a": np.array([1, 2])}
    assert Expression.parse("b != 1 or a == 2", NAMES).evaluate_columns(columns).tolist() == [False, True]
    assert np.isnan(Expression.parse("a + b", NAMES).evaluate_columns(columns)).all()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a // b > 1", "division by zero at column 1"),
        ("kind < 'x'", "is text and has no order"),
        ("a + kind > 1", "is text, not a number"),
        ("a and on", "is neither true nor false"),
    ],
)
def test_mistakes_in_any_row_are_expression_errors(text: str, says: str) -> None:
    columns = {"a": np.array([1, 2]), "b": np.array([1, 0]), "kind": np.array(["one", "all"]), "on": True}
    with pytest.raises(ExpressionError, match=says):
        Expression.parse(text, NAMES).evaluate_columns(columns)


@pytest.mark.parametrize("text", ["a", "a + 1", "kind", "a if on else b"])
def test_a_number_or_text_is_no_condition(text: str) -> None:
    columns = {"a": np.array([1, 0]), "b": np.array([1, 0]), "kind": np.array(["one", "all"]), "on": True}
    with pytest.raises(ExpressionError, match="is neither true nor false"):
        Expression.parse(text, NAMES).hold_columns(columns)


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(ExpressionError, match=r"different lengths: \[2, 3\]"):
        Expression.parse("a > b", NAMES).evaluate_columns({"a": np.zeros(2), "b": np.zeros(3)})


def test_columns_of_objects_hold_words_and_what_64_bits_cannot() -> None:
    columns = {"ratio": np.array(["2/3", "1/2"], object), "a": np.array([1, 2**80], object)}
    held = Expression.parse("ratio < 0.6 and a > 2 ** 16", NAMES).hold_columns(columns)
    assert held.tolist() == [False, True]
    assert Expression.parse("ratio * a > 1", NAMES).hold_columns(columns).tolist() == [False, True]
