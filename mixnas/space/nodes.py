"""What an expression is made of once it is parsed: a small tree of our own, and how it is worked out.

Values are numbers (int, float, exact fractions), strings, True and False, and INACTIVE for an axis that a candidate
does not have. No Python code is ever compiled or run; a node only knows the operations written here.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any, Final, TypeAlias

from mixnas.space.scan import Fault


class _Inactive:
    """The value of an axis that the candidate does not have."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "INACTIVE"

    def __reduce__(self) -> str:
        return "INACTIVE"


INACTIVE: Final = _Inactive()
"""Comparisons with it are False (`!=` and `not in` too), arithmetic with it is inactive, as a condition it is False."""

MOST_BITS = 1024
"""No whole number in an expression may need more bits."""

LARGEST_EXPONENT = 16

ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
}
ORDER: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
Environment: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class Literal:
    """A number, a string, True or False."""

    value: Any
    column: int
    unit: str = ""
    """As it was written; the value is in bytes, milliseconds, or plain."""

    def work_out(self, environment: Environment) -> Any:
        """The value itself."""
        return self.value


@dataclass(frozen=True)
class Name:
    """An axis, a context name, or a cost."""

    name: str
    column: int

    def work_out(self, environment: Environment) -> Any:
        """Its value, INACTIVE where the environment has none."""
        value = environment.get(self.name)
        if value is None:
            return INACTIVE
        if isinstance(value, bool | int | float | str | Fraction) and not hasattr(value, "item"):
            return value
        return value.item() if hasattr(value, "item") else value  # numpy scalars are plain numbers here


@dataclass(frozen=True)
class Negative:
    """`-x`."""

    operand: Node
    column: int

    def work_out(self, environment: Environment) -> Any:
        """The negated number."""
        value = self.operand.work_out(environment)
        return INACTIVE if value is INACTIVE else -number(value, self.column)


@dataclass(frozen=True)
class Arithmetic:
    """`left + right` and its kin."""

    symbol: str
    left: Node
    right: Node
    column: int

    def work_out(self, environment: Environment) -> Any:
        """The number, or INACTIVE when either side is."""
        left, right = self.left.work_out(environment), self.right.work_out(environment)
        if left is INACTIVE or right is INACTIVE:
            return INACTIVE
        return calculate(self.symbol, number(left, self.column), number(right, self.column), self.column)


@dataclass(frozen=True)
class Comparison:
    """`first < second <= third`: each neighbouring pair has to hold."""

    first: Node
    rest: tuple[tuple[str, Node], ...]
    column: int

    def work_out(self, environment: Environment) -> bool:
        """Whether every pair holds; False where one side is INACTIVE."""
        sides = [self.first.work_out(environment), *(node.work_out(environment) for _, node in self.rest)]
        pairs = zip(self.rest, sides, sides[1:], strict=False)
        held = [compare(symbol, left, right, self.column) for (symbol, _), left, right in pairs]
        return all(held)  # a list first: a fault in a later pair is one whatever the earlier pairs say


@dataclass(frozen=True)
class Membership:
    """`x in (a, b)`, `x not in [a, b]`."""

    operand: Node
    items: tuple[Literal, ...]
    negated: bool
    column: int

    def work_out(self, environment: Environment) -> bool:
        """Whether it is (not) one of them; False for INACTIVE."""
        value = self.operand.work_out(environment)
        if value is INACTIVE:
            return False
        return self.negated is not any(compare("==", value, i.work_out(environment), self.column) for i in self.items)


@dataclass(frozen=True)
class Logic:
    """`a and b and c`, `a or b`."""

    every: bool
    operands: tuple[Node, ...]
    column: int

    def work_out(self, environment: Environment) -> bool:
        """All or any of them; stops at the first that decides."""
        for node in self.operands:
            if truth(node.work_out(environment), self.column) is not self.every:
                return not self.every
        return self.every


@dataclass(frozen=True)
class Not:
    """`not a`."""

    operand: Node
    column: int

    def work_out(self, environment: Environment) -> bool:
        """The opposite."""
        return not truth(self.operand.work_out(environment), self.column)


@dataclass(frozen=True)
class Conditional:
    """`a if test else b`."""

    test: Node
    then: Node
    otherwise: Node
    column: int

    def work_out(self, environment: Environment) -> Any:
        """The side that the test chooses; the other is not looked at."""
        chosen = self.then if truth(self.test.work_out(environment), self.column) else self.otherwise
        return chosen.work_out(environment)


Node: TypeAlias = Literal | Name | Negative | Arithmetic | Comparison | Membership | Logic | Not | Conditional


def parts(node: Node) -> tuple[Node, ...]:
    """The nodes directly below one."""
    match node:
        case Negative(operand=operand) | Not(operand=operand):
            return (operand,)
        case Arithmetic(left=left, right=right):
            return (left, right)
        case Comparison(first=first, rest=rest):
            return (first, *(side for _, side in rest))
        case Membership(operand=operand, items=items):
            return (operand, *items)
        case Logic(operands=operands):
            return operands
        case Conditional(test=test, then=then, otherwise=otherwise):
            return (test, then, otherwise)
    return ()


def every_node(node: Node) -> Iterator[Node]:
    """A node and all below it."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        yield current
        waiting.extend(reversed(parts(current)))


def truth(value: Any, column: int) -> bool:
    """A condition as True or False; INACTIVE is False.

    Raises:
        Fault: it is a number or a string.
    """
    if isinstance(value, bool):
        return value
    if value is INACTIVE:
        return False
    raise Fault(f"{show(value)} is neither true nor false", column, "compare it, for example with == or <=")


def number(value: Any, column: int) -> int | float | Fraction:
    """A value as a number: True is 1, and a string like "2/3" is that fraction, exactly.

    Raises:
        Fault: any other string.
    """
    if isinstance(value, str):
        fraction = as_fraction(value)
        if fraction is None:
            raise Fault(f"{show(value)} is text, not a number", column, "only text like '2/3' counts as a number")
        return fraction
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float | Fraction):
        return value
    raise Fault(f"{show(value)} is not a number", column, "values are numbers, text, True and False")


@lru_cache(maxsize=4096)
def as_fraction(text: str) -> Fraction | None:
    """The number that a string like "2/3" stands for, or None."""
    if not re.fullmatch(r"[0-9]{1,18}/[0-9]{1,18}", text) or int(text.split("/")[1]) == 0:
        return None
    return Fraction(text)


def calculate(symbol: str, left: Any, right: Any, column: int) -> Any:
    """One arithmetic step, with the size of its result bounded.

    Raises:
        Fault: division by zero, or a result that is too large.
    """
    try:
        result = ARITHMETIC[symbol](left, right)
    except ZeroDivisionError:
        raise Fault("division by zero", column, "guard it: x != 0 and y // x > 1") from None
    except OverflowError:
        raise Fault("the number is too large", column, "use smaller numbers") from None
    if isinstance(result, Fraction):
        if result.denominator == 1:
            result = result.numerator
        elif max(abs(result.numerator), result.denominator).bit_length() > MOST_BITS:
            raise Fault("the fraction is too large", column, "use smaller numbers")
    if isinstance(result, int) and result.bit_length() > MOST_BITS:
        raise Fault(f"the number needs more than {MOST_BITS} bits", column, "use smaller numbers")
    return result


def compare(symbol: str, left: Any, right: Any, column: int) -> bool:
    """One comparison. Strings are plain in == and !=; in an order they have to be like "2/3".

    Raises:
        Fault: text that has no order.
    """
    if left is INACTIVE or right is INACTIVE:
        return False
    if symbol in ("==", "!="):
        return bool((left == right) is (symbol == "=="))
    for side in (left, right):
        if isinstance(side, str) and as_fraction(side) is None:
            raise Fault(f"{show(side)} is text and has no order", column, "compare text with ==, != or in")
    return bool(ORDER[symbol](number(left, column), number(right, column)))


def show(value: Any) -> str:
    """A value for a message, never long."""
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
