"""The safe expression language of rules, constraints and queries.

    width % channel.segments != 0 and channel == 'disjoint'
    params <= 300k and memory <= 2GiB
    16 <= width < 128 or channel.ratio in ('2/3', '3/5')

Python's own parser reads the text, and a white list of its nodes is turned into a tree of our own (`nodes.py`): `and`
`or` `not`, chained comparisons, `+ - * / // % **`, `in` and `not in` a list of values, `a if test else b`, numbers with
units, strings, True and False, and known names. There are no calls, attributes or subscripts, and nothing is executed.

An axis that a candidate does not have is *inactive*: every comparison with it is False (also `!=` and `not in`), `not`
works on that result, and arithmetic with it stays inactive. Strings like "2/3" are exact fractions in arithmetic and
ordering, and plain strings in `==` and `in`.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from mixnas.errors import ExpressionError
from mixnas.space.measures import require_alike
from mixnas.space.nodes import (
    INACTIVE,
    LARGEST_EXPONENT,
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
    truth,
)
from mixnas.space.scan import Fault, scan

if TYPE_CHECKING:
    import numpy as np

_ARITHMETIC: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
}
_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
_KNOWN = "there are comparisons, and/or/not, + - * / // % **, in (...), a if b else c, names, numbers and strings"


@dataclass(frozen=True)
class Expression:
    """A parsed expression: plain data that can be compared, pickled and worked out on values or on columns."""

    text: str
    where: str = field(default="expression", compare=False)
    node: Node = field(default=Literal(True, 0), compare=False, repr=False)

    @classmethod
    def parse(
        cls, text: str, names: Iterable[str], where: str = "expression", measures: Mapping[str, str] | None = None
    ) -> Expression:
        """Reads a text in which the given names may occur; `where` starts every error message.

        Args:
            measures: what names are measured in (see `measures.py`); those that are missing are plain numbers.

        Raises:
            ExpressionError: the text is not in the language, too long or too deep, has an unknown name, or compares
                with a unit of something else.
        """
        known = names if isinstance(names, set | frozenset | dict) else set(names)
        try:
            scanned = scan(text)
            # brackets allow leading blanks; the scanner has made sure that the text's own brackets are balanced
            tree = ast.parse(f"({scanned.text})", mode="eval").body
            node = _Reader(text, scanned.numbers, known).read(tree)
            require_alike(node, measures or {})
        except Fault as fault:
            _fail(where, text, fault)
        except SyntaxError as error:
            column = min(max((error.offset or 2) - 2, 0), max(len(text) - 1, 0))
            _fail(where, text, Fault("cannot be read", column, f"something is missing or doubled; {_KNOWN}"))
        except (ValueError, MemoryError, RecursionError):
            _fail(where, text, Fault("cannot be read", hint="write it shorter and with plain characters"))
        return cls(text, where, node)

    @property
    def names(self) -> frozenset[str]:
        """The names that occur in it."""
        return frozenset(n.name for n in every_node(self.node) if isinstance(n, Name))

    def evaluate(self, values: Mapping[str, Any]) -> Any:
        """Its value where names have these values; a name that is missing (or None) is inactive.

        A condition gives True or False; arithmetic gives a number, or `INACTIVE`.

        Raises:
            ExpressionError: text in arithmetic, a number as a condition, a division by zero, too large a number.
        """
        try:
            return self.node.work_out(values)
        except Fault as fault:
            _fail(self.where, self.text, fault)

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Whether the condition is true; inactive counts as False.

        Raises:
            ExpressionError: as `evaluate`, or the result is a number or a string.
        """
        try:
            return truth(self.node.work_out(values), 0)
        except Fault as fault:
            _fail(self.where, self.text, fault)

    def evaluate_columns(
        self, columns: Mapping[str, Any], active: Mapping[str, np.ndarray[Any, Any]] | None = None
    ) -> np.ndarray[Any, Any]:
        """Its value for every row of numpy columns at once, by the same rules as `evaluate`.

        A column may also be one plain value for all rows. `active` says in which rows a name is active (see
        `SearchSpace.active_columns`); names without an entry are active everywhere. Rows in which a number is inactive
        become NaN.

        Raises:
            ExpressionError: as `evaluate`.
        """
        from mixnas.space.columns import work_out_columns

        try:
            return work_out_columns(self.node, columns, active or {})
        except Fault as fault:
            _fail(self.where, self.text, fault)

    def hold_columns(
        self, columns: Mapping[str, Any], active: Mapping[str, np.ndarray[Any, Any]] | None = None
    ) -> np.ndarray[Any, Any]:
        """Whether the condition is true in every row of numpy columns, by the same rules as `holds`.

        Raises:
            ExpressionError: as `holds`.
        """
        from mixnas.space.columns import hold_columns

        try:
            return hold_columns(self.node, columns, active or {})
        except Fault as fault:
            _fail(self.where, self.text, fault)

    def __str__(self) -> str:
        return self.text


class _Reader:
    """Turns Python's syntax tree into ours, refusing every node that is not on the list."""

    def __init__(self, text: str, numbers: Mapping[int, tuple[int | float, str]], known: Collection[str]) -> None:
        self.text = text
        self.encoded = f"({text})".encode("utf-8", "replace")
        self.numbers = numbers
        self.known = known

    def column(self, node: ast.expr) -> int:
        """The column in the user's text; Python counts bytes, and one bracket was put before the text."""
        return len(self.encoded[: node.col_offset].decode("utf-8", "replace")) - 1

    def read(self, node: ast.expr) -> Node:
        """One node of ours.

        Raises:
            Fault: the node is not on the white list.
        """
        column = self.column(node)
        match node:
            case ast.Constant(value=value):
                return self.literal(value, column)
            case ast.Name() | ast.Attribute():
                return self.name(node, column)
            case ast.BoolOp(op=op, values=values):
                return Logic(isinstance(op, ast.And), tuple(self.read(v) for v in values), column)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
                symbol = _ARITHMETIC[type(op)]
                operands = self.read(left), self.read(right)
                return Arithmetic(symbol, *_bounded(symbol, *operands, column), column)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return Not(self.read(operand), column)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return Negative(self.read(operand), column)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return Negative(Negative(self.read(operand), column), column)
            case ast.Compare(left=left, ops=ops, comparators=comparators):
                return self.comparison(left, ops, comparators, column)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return Conditional(self.read(test), self.read(body), self.read(orelse), column)
        raise Fault(f"{_called(node)} not part of the language", column, _KNOWN)

    def literal(self, value: object, column: int) -> Literal:
        """A number (with its unit), a string, True or False."""
        value, unit = self.numbers.get(column, (value, ""))
        if isinstance(value, float) and value in (float("inf"), float("-inf")):
            raise Fault("the number is too large", column, "use smaller numbers")
        if not isinstance(value, bool | int | float | str):
            raise Fault(f"{value!r} is not part of the language", column, _KNOWN)
        return Literal(value, column, unit)

    def name(self, node: ast.expr, column: int) -> Name:
        """A known name, dotted ones included; the dots are looked up as one word, never followed."""
        words: list[str] = []
        inner = node
        while isinstance(inner, ast.Attribute):
            words.append(inner.attr)
            inner = inner.value
        if not isinstance(inner, ast.Name):
            raise Fault("attributes are not part of the language", column, "a dot belongs inside an axis name")
        name = ".".join([inner.id, *reversed(words)])
        if name not in self.known:
            raise Fault(f"unknown name {name!r}", column, _close(name, self.known))
        return Name(name, column)

    def item(self, node: ast.expr) -> Literal:
        """One value of the list behind `in`."""
        read = self.read(node)
        if isinstance(read, Negative) and isinstance(read.operand, Literal):
            read = Literal(-number(read.operand.value, read.column), read.column)
        if not isinstance(read, Literal):
            raise Fault("the list behind 'in' takes numbers and strings only", read.column, "join with 'or' instead")
        return read

    def comparison(self, left: ast.expr, ops: list[ast.cmpop], sides: list[ast.expr], column: int) -> Node:
        """A chain of comparisons, or one membership."""
        if any(isinstance(op, ast.In | ast.NotIn) for op in ops):
            if len(ops) > 1:
                raise Fault("'in' inside a chain of comparisons", column, "join the two with 'and'")
            if not isinstance(sides[0], ast.Tuple | ast.List):
                raise Fault("'in' needs a list of values", self.column(sides[0]), "for example: width in (32, 64)")
            items = tuple(self.item(item) for item in sides[0].elts)
            return Membership(self.read(left), items, isinstance(ops[0], ast.NotIn), column)
        symbols = [_COMPARISONS.get(type(op)) for op in ops]
        if None in symbols:
            raise Fault("'is' is not part of the language", column, "compare with ==")
        rest = tuple((symbol or "", self.read(side)) for symbol, side in zip(symbols, sides, strict=True))
        return Comparison(self.read(left), rest, column)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`did you mean 'width'?`, or nothing when no name is close."""
    close = difflib.get_close_matches(name, list(known), n=3)
    return f"did you mean {' or '.join(repr(c) for c in close)}?" if close else ""


def _close(name: str, known: Collection[str]) -> str:
    guess = did_you_mean(name, known)
    names = sorted(known)
    return f"{guess} known: {', '.join(names[:40])}{', …' if len(names) > 40 else ''}".strip()


def _bounded(symbol: str, left: Node, right: Node, column: int) -> tuple[Node, Node]:
    """Lets a power through only with a small whole number behind it."""
    if symbol == "**":
        exponent = right.value if isinstance(right, Literal) else None
        if not isinstance(exponent, int) or isinstance(exponent, bool) or exponent > LARGEST_EXPONENT:
            raise Fault("the exponent of ** has to be a small number", column, f"one of 0 to {LARGEST_EXPONENT}")
    return left, right


def _called(node: ast.expr) -> str:
    """What a refused node is called, with its verb."""
    known: dict[type[ast.expr], str] = {
        ast.Call: "a call is",
        ast.Subscript: "a subscript is",
        ast.Tuple: "a list of values outside 'in' is",
        ast.List: "a list of values outside 'in' is",
        ast.Starred: "a starred value is",
    }
    return known.get(type(node), f"{type(node).__name__} is")


def _fail(where: str, text: object, fault: Fault) -> NoReturn:
    """Raises the fault as an error that shows the text and the place in it."""
    shown = text if isinstance(text, str) else repr(text)
    start = max((fault.column or 0) - 40, 0)
    excerpt = shown[start : start + 100]
    excerpt = f"{'…' if start else ''}{excerpt}{'…' if start + 100 < len(shown) else ''}"
    place = "" if fault.column is None else f" at column {fault.column + 1}"
    raise ExpressionError(f"{where}: {fault.problem}{place} of {excerpt!r}", hint=fault.hint)


__all__ = ["INACTIVE", "Expression", "did_you_mean"]
