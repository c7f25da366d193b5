"""The expression language: what it means, what it refuses, and that nothing in it is ever executed."""

from __future__ import annotations

import pickle
import random
import string
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mixnas.errors import ExpressionError, UnknownName
from mixnas.space import INACTIVE, Expression, parse_query
from mixnas.space.scan import LONGEST, WORDS

NAMES = ("width", "depth", "shared", "channel", "channel.ratio", "channel.segments", "params", "latency")
VALUES = {
    "width": 33,
    "depth": 4,
    "shared": True,
    "channel": "overlap",
    "channel.ratio": "2/3",
    "params": 250_000,
    "latency": 4.5,
}


def value(text: str) -> object:
    return Expression.parse(text, NAMES).evaluate(VALUES)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("width + depth * 2 - 1", 40),
        ("width // depth", 8),
        ("width % depth", 1),
        ("width / 2", 16.5),
        ("-width ** 2", -1089),
        ("+depth", 4),
        ("1 <= depth < 5 <= width", True),
        ("1 <= depth < 4", False),
        ("depth in (2, 4)", True),
        ("depth not in [2, -4]", True),
        ("channel in ('overlap', 'dense')", True),
        ("not shared or width == 33", True),
        ("shared and not channel == 'dense'", True),
        ("depth if shared else width", 4),
        ("True == shared", True),
        ("shared + 1", 2),
        ("1_000", 1000),
        ("  depth\n\t== 4 ", True),
        ("'é' != channel", True),
    ],
)
def test_what_it_works_out(text: str, expected: object) -> None:
    assert value(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("300k", 300_000),
        ("1.1M", 1_100_000),
        ("2G", 2_000_000_000),
        ("1T", 10**12),
        ("1KiB", 1024),
        ("1.5MiB", 1_572_864),
        ("2GiB", 2**31),
        ("1TiB", 2**40),
        ("5ms", 5),
        ("2s", 2000),
        ("500us", 0.5),
        ("1e3k", 1_000_000),
    ],
)
def test_units(text: str, expected: float) -> None:
    got = value(text)
    assert got == expected
    assert type(got) is type(expected)


def test_units_inside_strings_are_text() -> None:
    assert value("channel != '300k'") is True


def test_fractions_as_text_are_exact_in_arithmetic_and_order_and_text_in_equality() -> None:
    assert value("width * channel.ratio // 1") == 22
    assert value("width * channel.ratio == 22") is True
    assert value("channel.ratio * 1") == Fraction(2, 3)
    assert value("'6/11' < channel.ratio < '3/4'") is True
    assert value("channel.ratio == '2/3'") is True
    assert value("channel.ratio == '4/6'") is False
    assert value("channel.ratio in ('2/3', '4/6')") is True


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("channel.segments == 2", False),
        ("channel.segments != 2", False),
        ("channel.segments < 2", False),
        ("channel.segments in (2, 3)", False),
        ("channel.segments not in (2, 3)", False),
        ("channel.segments == channel.segments", False),
        ("not channel.segments == 2", True),
        ("width % channel.segments", INACTIVE),
        ("-channel.segments", INACTIVE),
        ("width % channel.segments != 0", False),
        ("not channel.segments", True),
        ("channel.segments and shared", False),
        ("1 if channel.segments else 2", 2),
        ("1 < channel.segments < 0", False),
    ],
)
def test_an_inactive_axis(text: str, expected: object) -> None:
    assert value(text) == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("''.__class__", "'.' is not part of the language at column 3"),
        ("width.__class__", "unknown name 'width.__class__'"),
        ("(width).real", "'.' is not part of the language"),
        ("channel.ratio.x", "unknown name 'channel.ratio.x'"),
        ("__import__('os')", "a call is not part of the language at column 1"),
        ("width(1)", "a call is not part of the language"),
        ("depth == width(1)", "a call is not part of the language at column 10"),
        ("[width for width in depth]", "'for' is not part of the language"),
        ("(lambda: 1)", "'lambda' is not part of the language"),
        ("f'{width}'", "a string directly behind another word"),
        ("rb'a' == channel", "a string directly behind another word"),
        ("'a' 'b' == channel", "a string directly behind another word"),
        ("width[0]", "a subscript is not part of the language"),
        ("(width := 3)", "':' is not part of the language"),
        ("{1, 2}", "'{' is not part of the language"),
        ("width @ depth", "'@' is not part of the language"),
        ("width is depth", "'is' is not part of the language"),
        ("None", "'None' is not part of the language"),
        ("await width", "'await' is not part of the language"),
        ("(yield)", "'yield' is not part of the language"),
        ("width, depth", "a list of values outside 'in' is not part of the language"),
        ("*width", "cannot be read"),
        ("2 ** 99999", "the exponent of ** has to be a small number"),
        ("2 ** depth", "the exponent of ** has to be a small number"),
        ("2 ** 2 ** 16", "the exponent of ** has to be a small number"),
        ("2 ** -1", "the exponent of ** has to be a small number"),
        ("((10 ** 16) ** 16) ** 16", "the number needs more than 1024 bits"),
        ("1e999", "the number is too large"),
        ("1e999999999999999999G", "the number is too large"),
        ("1e9990000k", "the number is too large"),
        ("1e200 ** 16", "the number is too large"),
        ("9" * 5000, "a number of 5000 characters is too long"),
        ("width + 'a'", "'a' is text, not a number"),
        ("'x' < 3", "'x' is text and has no order"),
        ("channel <= 'overlap'", "is text and has no order"),
        ("'1/0' * 2", "'1/0' is text, not a number"),
        ("width // 0", "division by zero at column 1"),
        ("1 + width % (depth - 4)", "division by zero at column 5"),
        ("width / 0.0", "division by zero"),
        ("width and shared", "33 is neither true nor false"),
        ("not channel", "'overlap' is neither true nor false"),
        ("1 if width else 2", "33 is neither true nor false"),
        ("width = 3", "'=' is not part of the language at column 7"),
        ("width & depth", "'&' is not part of the language"),
        ("width <= 2 GiB", "the unit 'GiB' stands apart from its number"),
        ("params <= 300q", "unknown unit 'q' behind 300"),
        ("0x10", "unknown unit 'x10' behind 0"),
        ("widht > 3", "unknown name 'widht' at column 1"),
        ("width in 'abc'", "'in' needs a list of values at column 10"),
        ("width in (1)", "'in' needs a list of values"),
        ("width in (depth, 1)", "the list behind 'in' takes numbers and strings only"),
        ("1 < width in (1, 2)", "'in' inside a chain of comparisons"),
        ("", "the expression is empty"),
        ("   ", "the expression is empty"),
        ("(", "'(' is never closed at column 1"),
        ("1) + (2", "')' closes nothing at column 2"),
        ("(1]", "']' closes nothing"),
        ("width +", "cannot be read"),
        ("width depth", "cannot be read at column 1"),
        ("'open", '"\'" is not part of the language'),
        ("'a\\'b'", "is not part of the language"),
        ("é > 1", "'é' is not part of the language at column 1"),
        ("'\ud800' == channel", "cannot be read"),
        ("a\x00b", "is not part of the language"),
    ],
)
def test_what_it_refuses(text: str, says: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        value(text)
    assert says in caught.value.message
    assert caught.value.hint
    assert len(str(caught.value)) < 700


def test_an_error_names_the_place_the_text_the_column_and_the_way_out() -> None:
    with pytest.raises(ExpressionError) as caught:
        Expression.parse("depth > 2 and widht <= 64", NAMES, where="--constraint")
    assert caught.value.message == "--constraint: unknown name 'widht' at column 15 of 'depth > 2 and widht <= 64'"
    assert caught.value.hint.startswith("did you mean 'width'? known: channel, ")


@pytest.mark.parametrize(
    "text",
    [
        "x" * 10_000_000,
        "(" * 5_000_000 + ")" * 5_000_000,
        "(" * 4000 + "1" + ")" * 4000,
        "[" * 60 + "]" * 60,
        "not " * 2400 + "True",
        "-" * 9000 + "1",
        "1" + "+1" * 4000,
        "1" + "**1" * 3000,
        "1" + " if True else 1" * 600,
        "1 < " * 2000 + "1",
    ],
    ids=["10 MB", "10 MB of brackets", "brackets", "lists", "not", "minus", "plus", "power", "if", "chain"],
)
@pytest.mark.timeout(10)
def test_long_and_deep_texts_are_refused_before_anything_recurses(text: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        Expression.parse(text, NAMES)
    assert len(str(caught.value)) < 400


def test_the_largest_texts_that_are_allowed_work() -> None:
    long_list = f"width in ({', '.join(str(i) for i in range(1000))})"
    assert value(long_list) is True
    assert value("1" + "+1" * 200) == 201
    assert value("not " * 200 + "True") is True
    assert value("(" * 50 + "width" + ")" * 50) == 33
    with pytest.raises(ExpressionError, match="characters are too many"):
        value(" " * (LONGEST + 1))


def test_a_condition_that_is_inactive_does_not_hold() -> None:
    assert not Expression.parse("channel.segments", NAMES).holds(VALUES)
    with pytest.raises(ExpressionError, match="33 is neither true nor false"):
        Expression.parse("width", NAMES).holds(VALUES)


def test_short_circuit_guards() -> None:
    assert value("depth != 4 and width // (depth - 4) > 1") is False
    assert value("depth == 4 or width // (depth - 4) > 1") is True
    assert value("0 if depth == 4 else width // (depth - 4)") == 0


def test_an_expression_is_plain_data() -> None:
    expression = Expression.parse("width > 3 and channel.ratio == '2/3'", NAMES)
    assert expression == Expression.parse("width > 3 and channel.ratio == '2/3'", NAMES, where="elsewhere")
    assert expression.names == {"width", "channel.ratio"}
    assert str(expression) == "width > 3 and channel.ratio == '2/3'"
    assert pickle.loads(pickle.dumps(expression)).holds(VALUES)
    with pytest.raises(AttributeError):
        expression.text = "True"  # type: ignore[misc]


def test_numpy_scalars_and_none_are_understood() -> None:
    expression = Expression.parse("width >= 3 and depth * 2 == 8", NAMES)
    assert expression.holds({"width": np.float32(3.5), "depth": np.int64(4)})
    assert not expression.holds({"width": None, "depth": 4})


PIECES = [*NAMES, *WORDS, "lambda", "for", "is", "None", "'x'", "'2/3'", "3", "2.5", "0", "1k", "3ms", "__class__"]
PIECES += [
    "(",
    ")",
    "[",
    "]",
    ",",
    "+",
    "-",
    "*",
    "/",
    "//",
    "%",
    "**",
    "<",
    "<=",
    "==",
    "!=",
    ".",
    ":",
    "=",
    "{",
    "\\",
]


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(PIECES), max_size=14).map(" ".join)))
@example("().__class__")
@example("'%s' % width")
@example("width//(3-3)")
@example("'2/3' ** 16 ** 1")
def test_any_text_gives_a_plain_value_or_an_expression_error(text: str) -> None:
    try:
        got = value(text)
    except ExpressionError:
        return
    assert got is INACTIVE or isinstance(got, bool | int | float | str | Fraction)


@pytest.mark.slow
def test_a_hundred_thousand_random_texts_only_ever_raise_expression_errors() -> None:
    rng = random.Random(0)
    for _ in range(100_000):
        if rng.random() < 0.3:
            text = "".join(rng.choice(string.printable) for _ in range(rng.randrange(40)))
        else:
            text = rng.choice(["", " "]).join(rng.choice(PIECES) for _ in range(rng.randrange(12)))
        try:
            value(text)
        except ExpressionError:
            continue


def test_queries() -> None:
    name, condition = parse_query("acc where params <= 20k and width < 64", ["width"])
    assert name == "acc" and condition is not None and condition.holds({"params": 20_000, "width": 32})
    assert parse_query("accuracy") == ("acc", None)
    assert parse_query("flops\nwhere error < 0.1")[0] == "macs"
    with pytest.raises(UnknownName, match="unknown objective 'ac'"):
        parse_query("ac where params < 3")
    with pytest.raises(ExpressionError, match="--best: the expression is empty"):
        parse_query("acc where")
    with pytest.raises(ExpressionError, match="no objective in ' where params < 3'"):
        parse_query(" where params < 3")
    with pytest.raises(ExpressionError, match="unknown name 'depth'"):
        parse_query("acc where depth < 3")
