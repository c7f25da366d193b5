"""Expressions from the grammar of the language, wrong ones among them."""

from __future__ import annotations

import random

from tests.fuzz import mutate

AXES = ("width", "depth", "patch_size", "kernel_size", "activation", "channel", "channel.ratio", "channel.shared")
COSTS = ("params", "macs", "flops", "memory", "acc", "latency")
UNITS = ("", "k", "M", "G", "T", "KiB", "MiB", "GiB", "us", "ms", "s", "kk", "B", "K", "e5", "e400")
STRINGS = ("'2/3'", "'one'", '"gelu"', "''", "'1/0'", "'nan'", "'-3'", "'a\\'", "'1e400'", "'9/2/3'")


def expression(rng: random.Random, names: tuple[str, ...] = AXES, depth: int = 4) -> str:
    """A condition, mostly a valid one."""
    if depth <= 0 or rng.random() < 0.3:
        return _comparison(rng, names, depth)
    one, other = (expression(rng, names, depth - 1) for _ in range(2))
    return rng.choice((f"{one} and {other}", f"({one}) or {other}", f"not ({one})", f"({one} if {other} else {one})"))


def hostile(rng: random.Random, names: tuple[str, ...] = AXES) -> str:
    """One from the grammar, mostly damaged, now and then blown up."""
    text = expression(rng, names, rng.randint(0, 4))
    if rng.random() < 0.75:
        text = mutate.text(rng, text)
    if rng.random() < 0.02:
        text = rng.choice(("(", "-", "not ", "[", "x**", "1+", " ")) * rng.choice((50, 1000, 100_000)) + text
    return text


def _comparison(rng: random.Random, names: tuple[str, ...], depth: int) -> str:
    one, other = _number(rng, names, depth), _number(rng, names, depth)
    if rng.random() < 0.2:
        items = ", ".join(_leaf(rng, names) for _ in range(rng.randint(0, 4)))
        return f"{one} {rng.choice(('in', 'not in'))} ({items})"
    text = f"{one} {_order(rng)} {other}"
    return f"{text} {_order(rng)} {_leaf(rng, names)}" if rng.random() < 0.15 else text


def _order(rng: random.Random) -> str:
    return rng.choice(("<", "<=", ">", ">=", "==", "!="))


def _number(rng: random.Random, names: tuple[str, ...], depth: int) -> str:
    if depth <= 0 or rng.random() < 0.5:
        return _leaf(rng, names)
    operator = rng.choice(("+", "-", "*", "/", "//", "%", "**"))
    return f"({_number(rng, names, depth - 1)} {operator} {_number(rng, names, depth - 1)})"


def _leaf(rng: random.Random, names: tuple[str, ...]) -> str:
    kind = rng.randrange(6)
    if kind < 3:
        return rng.choice(names)
    if kind == 3:
        return rng.choice(STRINGS)
    if kind == 4:
        return rng.choice(("True", "False", "-1", "0", "16", "17", "1e300", ".5", "1.", "3_0"))
    return f"{rng.choice((0, 1, 3, 100, 10**18))}{rng.choice(UNITS)}"
