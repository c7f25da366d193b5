"""Works out an expression for many rows of numpy columns at once, by the same rules as for one row.

`and`, `or` and `if` look at their later parts only in the rows that need them, so that a guard such as
`segments != 0 and width % segments == 0` guards here too. Fractions written as text ("2/3") have no numpy type: the
part of the expression that calculates with them is worked out once per distinct row instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from mixnas.space.nodes import (
    INACTIVE,
    MOST_BITS,
    Arithmetic,
    Comparison,
    Conditional,
    Literal,
    Logic,
    Membership,
    Name,
    Negative,
    Node,
    Not,
    every_node,
    number,
    show,
    truth,
)
from mixnas.space.scan import Fault

Array: TypeAlias = np.ndarray[Any, Any]

_UFUNCS: dict[str, Callable[[Any, Any], Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.true_divide,
    "//": np.floor_divide,
    "%": np.mod,
    "**": np.power,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}

SAFE = 2.0**62
"""Beyond it, integer columns are worked out as exact Python integers instead of int64."""


class _NeedsRows(Exception):
    """A fraction in text form was met in arithmetic or an order."""


@dataclass(frozen=True)
class _Column:
    """The values of a node in every row, and where they are active."""

    values: Array
    active: Array


@dataclass(frozen=True)
class _Rows:
    """The columns that an expression sees, or some rows of them."""

    columns: Mapping[str, _Column]
    count: int

    def take(self, mask: Array) -> _Rows:
        """Only the rows of a mask."""
        kept = {name: _Column(c.values[mask], c.active[mask]) for name, c in self.columns.items()}
        return _Rows(kept, int(mask.sum()))


def work_out_columns(node: Node, columns: Mapping[str, Any], active: Mapping[str, Array]) -> Array:
    """The value of the node in every row; inactive numbers are NaN, inactive conditions False.

    Raises:
        Fault: type confusion, division by zero, or columns of different lengths.
    """
    result = _work_out_all(node, columns, active)
    if result.values.dtype.kind == "b":
        return result.values & result.active
    return result.values if result.active.all() else np.where(result.active, result.values, np.nan)


def hold_columns(node: Node, columns: Mapping[str, Any], active: Mapping[str, Array]) -> Array:
    """Whether the condition is true in every row; inactive counts as False.

    Raises:
        Fault: as `work_out_columns`, or the result is a number or text.
    """
    return _truth(_work_out_all(node, columns, active), 0)


def _work_out_all(node: Node, columns: Mapping[str, Any], active: Mapping[str, Array]) -> _Column:
    names = {n.name for n in every_node(node) if isinstance(n, Name)}
    arrays = {name: np.asarray(columns[name]) for name in names if name in columns}
    lengths = {array.shape[0] for array in (np.asarray(c) for c in columns.values()) if array.ndim}
    if len(lengths) > 1:
        raise Fault(f"the columns have different lengths: {sorted(lengths)}")
    count = lengths.pop() if lengths else 1
    rows = _Rows({name: _column(name, arrays.get(name), active.get(name), count) for name in names}, count)
    return _work_out(node, rows)


def _column(name: str, array: Array | None, active: Array | None, count: int) -> _Column:
    if array is None:
        return _Column(np.zeros(count, np.int64), np.zeros(count, bool))
    on = np.ones(count, bool) if active is None else np.asarray(active, bool)
    return _Column(np.broadcast_to(array, (count,)), np.broadcast_to(on, (count,)))


def _work_out(node: Node, rows: _Rows) -> _Column:
    match node:
        case Literal(value=value):
            return _Column(np.full(rows.count, value), np.ones(rows.count, bool))
        case Name(name=name):
            return rows.columns[name]
        case Negative() | Arithmetic() | Comparison():
            try:
                return _calculated(node, rows)
            except _NeedsRows:
                return _row_by_row(node, rows)
        case Membership(operand=operand, items=items, negated=negated, column=column):
            return _membership(_work_out(operand, rows), [_work_out(i, rows) for i in items], negated, column)
        case Logic(every=every, operands=operands, column=column):
            return _logic(every, operands, rows, column)
        case Not(operand=operand, column=column):
            return _sure(~_truth(_work_out(operand, rows), column))
        case Conditional():
            return _conditional(node, rows)


def _calculated(node: Negative | Arithmetic | Comparison, rows: _Rows) -> _Column:
    match node:
        case Negative(operand=operand, column=column):
            inner = _inner(operand, rows)
            return _Column(-_numbers(inner, column), inner.active)
        case Arithmetic(symbol=symbol, left=left, right=right, column=column):
            return _arithmetic(symbol, _inner(left, rows), _inner(right, rows), column)
        case Comparison(first=first, rest=rest, column=column):
            holds, left_side = np.ones(rows.count, bool), _inner(first, rows)
            for symbol, side in rest:
                right_side = _inner(side, rows)
                holds &= _compare(symbol, left_side, right_side, column)
                left_side = right_side
            return _sure(holds)


def _inner(node: Node, rows: _Rows) -> _Column:
    """Like `_work_out`, but fractions are left to the comparison around it, which keeps them exact."""
    return _calculated(node, rows) if isinstance(node, Negative | Arithmetic) else _work_out(node, rows)


def _row_by_row(node: Node, rows: _Rows) -> _Column:
    """Works a node out once for each distinct row of the names in it."""
    names = sorted({n.name for n in every_node(node) if isinstance(n, Name)})
    group = np.zeros(rows.count, np.int64)
    for name in names:
        column = rows.columns[name]
        _, codes = np.unique(column.values, return_inverse=True)
        codes = np.where(column.active, codes.reshape(-1) + 1, 0)
        _, group = np.unique(group * (int(codes.max(initial=0)) + 1) + codes, return_inverse=True)
        group = group.reshape(-1)
    _, first = np.unique(group, return_index=True)
    results = [node.work_out(_one_row(rows, names, int(row))) for row in first]
    active = np.array([r is not INACTIVE for r in results], bool)
    plain = [0 if r is INACTIVE else r if isinstance(r, bool | int | float) else float(r) for r in results]
    return _Column(np.array(plain)[group], active[group])


def _one_row(rows: _Rows, names: list[str], row: int) -> dict[str, Any]:
    columns = {name: rows.columns[name] for name in names}
    # `tolist` gives Python's own values; columns of objects, which hold what 64 bits cannot, have them already.
    return {name: c.values[row : row + 1].tolist()[0] for name, c in columns.items() if c.active[row]}


def _arithmetic(symbol: str, left: _Column, right: _Column, column: int) -> _Column:
    active = left.active & right.active
    a, b = _numbers(left, column), _numbers(right, column)
    if symbol in ("/", "//", "%"):
        zero = b == 0
        if bool((zero & active).any()):
            raise Fault("division by zero", column, "guard it: x != 0 and y // x > 1")
        b = np.where(zero, 1, b)
    if _may_overflow(symbol, a, b):
        a, b = a.astype(object), b.astype(object)
    with np.errstate(all="ignore"):
        result = np.asarray(_UFUNCS[symbol](a, b))
    if result.dtype.kind == "O" and any(isinstance(r, int) and r.bit_length() > MOST_BITS for r in result):
        raise Fault(f"the number needs more than {MOST_BITS} bits", column, "use smaller numbers")
    return _Column(result, active)


def _may_overflow(symbol: str, a: Array, b: Array) -> bool:
    if not a.size or a.dtype.kind not in "iu" or b.dtype.kind not in "iu" or symbol in ("/", "//", "%"):
        return False
    with np.errstate(all="ignore"):
        x, y = float(np.abs(a.astype(float)).max()), float(np.abs(b.astype(float)).max())
        size = np.float64(x) ** y if symbol == "**" else x * y if symbol == "*" else x + y
    return bool(size >= SAFE)


def _numbers(column: _Column, place: int) -> Array:
    """The values as numbers; flags count as 0 and 1."""
    values = column.values
    if values.dtype.kind in "US" or (values.dtype.kind == "O" and any(isinstance(v, str) for v in values)):
        for text in {str(v) for v in values[column.active] if isinstance(v, str)}:
            number(text, place)  # refuses text that is no fraction
        raise _NeedsRows
    return values.astype(np.int64) if values.dtype.kind == "b" else values


def _compare(symbol: str, left: _Column, right: _Column, column: int) -> Array:
    active = left.active & right.active
    if symbol in ("==", "!="):
        return np.asarray(_equal(left.values, right.values) == (symbol == "==")) & active
    for side in (left, right):
        if side.values.dtype.kind in "US" and active.any():
            for text in np.unique(side.values[active]):
                _ordered(str(text), column)
    a, b = _numbers(left, column), _numbers(right, column)
    holds: Array = np.asarray(_UFUNCS[symbol](a, b), bool) & active
    return holds


def _ordered(text: str, column: int) -> None:
    try:
        number(text, column)
    except Fault:
        hint = "compare text with ==, != or in"
        raise Fault(f"{show(text)} is text and has no order", column, hint) from None


def _equal(a: Array, b: Array) -> Array:
    """Equal values; text never equals a number."""
    if (a.dtype.kind in "US") is not (b.dtype.kind in "US") and "O" not in (a.dtype.kind, b.dtype.kind):
        return np.zeros(a.shape, bool)
    equal: Array = np.asarray(a == b, bool)
    return equal


def _membership(value: _Column, items: list[_Column], negated: bool, column: int) -> _Column:
    found = np.zeros(value.values.shape, bool)
    for item in items:
        found |= _compare("==", value, item, column)
    return _sure((found != negated) & value.active)


def _logic(every: bool, operands: tuple[Node, ...], rows: _Rows, column: int) -> _Column:
    """All or any; later operands only see the rows that are still open."""
    result = np.full(rows.count, every)
    waiting = np.ones(rows.count, bool)
    for operand in operands:
        if not waiting.any():
            break
        said = _truth(_work_out(operand, rows.take(waiting)), column)
        result[waiting] = said
        waiting[waiting] = said == every
    return _sure(result)


def _conditional(node: Conditional, rows: _Rows) -> _Column:
    test = _truth(_work_out(node.test, rows), node.column)
    if test.all():
        return _work_out(node.then, rows)
    if not test.any():
        return _work_out(node.otherwise, rows)
    yes, no = _work_out(node.then, rows.take(test)), _work_out(node.otherwise, rows.take(~test))
    kinds = {{"U": "text", "b": "bool"}.get(c.values.dtype.kind, "number") for c in (yes, no)}
    dtype = object if len(kinds) > 1 else np.result_type(yes.values, no.values)
    values, active = np.empty(rows.count, dtype), np.empty(rows.count, bool)
    values[test], values[~test] = yes.values, no.values
    active[test], active[~test] = yes.active, no.active
    return _Column(values, active)


def _truth(column: _Column, place: int) -> Array:
    if column.values.dtype.kind != "b":
        for value in column.values[column.active]:
            truth(value.item() if hasattr(value, "item") else value, place)
        return np.asarray(np.where(column.active, column.values, False), bool)
    return column.values & column.active


def _sure(values: Array) -> _Column:
    return _Column(values, np.ones(values.shape, bool))
