"""The first look at an expression: characters, words, units and sizes, before any parser sees it.

Whatever passes is one short, shallow line of names, numbers, strings and operators; everything else is refused with its
column. Unit suffixes are blanked out and kept in a table by column, so that columns never shift.
"""

from __future__ import annotations

import difflib
import keyword
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

UNITS: dict[str, Decimal] = {
    "k": Decimal(10) ** 3,
    "M": Decimal(10) ** 6,
    "G": Decimal(10) ** 9,
    "T": Decimal(10) ** 12,
    "KiB": Decimal(2) ** 10,
    "MiB": Decimal(2) ** 20,
    "GiB": Decimal(2) ** 30,
    "TiB": Decimal(2) ** 40,
    "us": Decimal("0.001"),
    "ms": Decimal(1),
    "s": Decimal(1000),
}
"""Suffixes that may stand directly behind a number: counts, bytes, and times in milliseconds."""

LONGEST = 10_000
DEEPEST = 50
MOST_OPERATORS = 200
LONGEST_NUMBER = 40

WORDS = ("and", "or", "not", "in", "if", "else", "True", "False")
"""Python's keywords that the language has."""

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]+)
    |(?P<number>(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d+)?)(?P<unit>[A-Za-z_][A-Za-z0-9_]*)?
    |(?P<text>'[^'\\\x00-\x1f]*'|"[^"\\\x00-\x1f]*")
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)
    |(?P<operator>\*\*|//|<=|>=|==|!=|[-+*/%<>(),\[\]])""",
    re.VERBOSE | re.ASCII,
)

_ADVICE = {
    "=": "write == to compare",
    "&": "write and",
    "|": "write or",
    "!": "write not",
    "^": "write ** for a power",
    ".": "a dot belongs inside an axis name, such as channel.ratio; attributes do not exist here",
    "'": "close the string, without a backslash or line break in it",
    '"': "close the string, without a backslash or line break in it",
    "{": "sets and dicts do not exist here; write (1, 2, 3)",
    ":": "slices, lambdas and assignments do not exist here",
}


class Fault(Exception):
    """Something wrong in an expression, at a column (from 0); the expression adds the text around it."""

    def __init__(self, problem: str, column: int | None = None, hint: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.column = column
        self.hint = hint


@dataclass(frozen=True)
class Scanned:
    """The text that the parser may see, and the numbers with a unit, and the unit, by their column."""

    text: str
    numbers: dict[int, tuple[int | float, str]]


def scan(text: str) -> Scanned:
    """Checks a text and blanks out its units.

    Raises:
        Fault: it is empty, too long, too deep, or has a character, word or unit that the language lacks.
    """
    if not isinstance(text, str):
        raise Fault(f"{text!r} is no text", hint="give the expression as a string")
    if len(text) > LONGEST:
        raise Fault(f"{len(text):,} characters are too many", hint=f"at most {LONGEST:,}")
    if not text.strip():
        raise Fault("the expression is empty", hint="for example: width <= 64")
    clean, operators = list(text), 0
    numbers: dict[int, tuple[int | float, str]] = {}
    open_brackets: list[re.Match[str]] = []
    previous: re.Match[str] | None = None
    for match in _tokens(text):
        kind, token = match.lastgroup, match.group()
        if kind == "space":
            clean[match.start() : match.end()] = " " * len(token)
            continue
        if kind in ("number", "unit"):
            _number(match, clean, numbers)
        elif kind == "name":
            _word(match, previous)
        elif kind == "text":
            _string(match, previous)
        elif token in "([)]":
            _bracket(match, open_brackets)
        operators += token in ("not", "if") or (kind == "operator" and token not in (",", ")", "]"))
        if operators > MOST_OPERATORS:
            raise Fault(f"more than {MOST_OPERATORS} operators", match.start(), "split it into several rules")
        previous = match
    if open_brackets:
        raise Fault(f"{open_brackets[-1].group()!r} is never closed", open_brackets[-1].start(), "close the bracket")
    return Scanned("".join(clean), numbers)


def _tokens(text: str) -> Iterator[re.Match[str]]:
    column = 0
    while column < len(text):
        match = _TOKEN.match(text, column)
        if match is None:
            raise _refused(text, column)
        yield match
        column = match.end()


def _refused(text: str, column: int) -> Fault:
    character = text[column]
    return Fault(
        f"{character!r} is not part of the language", column, _ADVICE.get(character, "see the list of operators")
    )


def _number(match: re.Match[str], clean: list[str], numbers: dict[int, tuple[int | float, str]]) -> None:
    digits, unit, column = match.group("number"), match.group("unit"), match.start()
    if len(digits) > LONGEST_NUMBER:
        raise Fault(f"a number of {len(digits)} characters is too long", column, f"at most {LONGEST_NUMBER}")
    if unit is None:
        return
    if unit not in UNITS:
        close = difflib.get_close_matches(unit, UNITS, n=2, cutoff=0.4) or [
            u for u in UNITS if u.lower() == unit.lower()
        ]
        guess = f"did you mean {' or '.join(digits + c for c in close)}? " if close else ""
        raise Fault(f"unknown unit {unit!r} behind {digits}", column, f"{guess}units: {', '.join(UNITS)}")
    # in decimals, so that 1.1M is 1100000 and not a little more
    try:
        scaled = Decimal(digits.replace("_", "")) * UNITS[unit]
        whole = abs(scaled) < 10**300 and scaled == scaled.to_integral_value()
        numbers[column] = (int(scaled) if whole else float(scaled), unit)
    except ArithmeticError:
        raise Fault("the number is too large", column, "use smaller numbers") from None
    clean[match.start("unit") : match.end("unit")] = " " * len(unit)


def _word(match: re.Match[str], previous: re.Match[str] | None) -> None:
    token = match.group()
    if keyword.iskeyword(token) and token not in WORDS:
        raise Fault(f"{token!r} is not part of the language", match.start(), f"words: {', '.join(WORDS)}")
    if previous is not None and previous.lastgroup == "number" and token in UNITS:
        digits = previous.group("number")
        hint = f"write it directly behind: {digits}{token}"
        raise Fault(f"the unit {token!r} stands apart from its number", match.start(), hint)
    if previous is not None and previous.lastgroup == "number" and token not in WORDS:
        what = f"{token!r} behind {previous.group('number')} is neither a unit nor an operator"
        raise Fault(what, match.start(), f"units: {', '.join(UNITS)}")


def _string(match: re.Match[str], previous: re.Match[str] | None) -> None:
    if previous is None:
        return
    prefixed = previous.lastgroup == "name" and previous.end() == match.start() and previous.group() not in WORDS
    if prefixed or previous.lastgroup == "text":
        raise Fault("a string directly behind another word", match.start(), "strings have no prefix and do not join")


def _bracket(match: re.Match[str], open_brackets: list[re.Match[str]]) -> None:
    token = match.group()
    if token in "([":
        open_brackets.append(match)
        if len(open_brackets) > DEEPEST:
            raise Fault(f"brackets nest deeper than {DEEPEST}", match.start(), "split it into several rules")
    elif not open_brackets or open_brackets.pop().group() != {")": "(", "]": "["}[token]:
        raise Fault(f"{token!r} closes nothing", match.start(), "balance the brackets")
