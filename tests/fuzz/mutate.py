"""Changes valid input a little, so that it gets past the first look: bytes, texts, and plain data."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

WORDS = (
    *(
        "__import__('os').system('touch harmed')",
        "!!python/object/apply:os.system [touch harmed]",
        "&a",
        "*a",
        "<<: *a",
    ),
    *("../../escape", "..", "/", "~", "nul\0byte", "\x1b[31m", "\x7f", "\u202e", "\ud7ff", "é", "𝟙", "\r\n", "\t", " "),
    *("nan", "inf", "-inf", "1e999", "-0.0", "0", "-1", "9" * 30, "0x10", "1_000", "1e-400", "true", "null", "~"),
    *("{", "}", "[", "]", "(", ")", "'", '"', "\\", ":", "::", "---", "%", "#", ",", ";", "|", ">", "=", "==", "**"),
    *("width", "depth", "params", "k", "GiB", "ms", "where", "not", "in", "lambda: 0", "x.__class__", "{{7*7}}", "%s"),
)
NUMBERS = (0, 1, -1, 2**31, 2**63, 2**64, -(2**63), 10**30, 0.5, -0.0, 1e308, float("nan"), float("inf"))
ODD: tuple[Any, ...] = (None, True, False, "", [], {}, [[]], {"a": {}}, *NUMBERS, *WORDS)


def text(rng: random.Random, seed: str) -> str:
    """A text with one to six changes: words put in, parts cut out, doubled or swapped."""
    for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
        at, end = sorted((rng.randint(0, len(seed)), rng.randint(0, len(seed))))
        end = min(end, at + 12)
        change = rng.randrange(6)
        if change == 0:
            seed = seed[:at] + rng.choice(WORDS) + seed[at:]
        elif change == 1:
            seed = seed[:at] + seed[end:]
        elif change == 2:
            seed = seed[:at] + seed[at:end] * rng.choice((2, 2, 3, 50)) + seed[end:]
        elif change == 3:
            seed = (
                seed[:at] + chr(rng.choice((rng.randrange(32), rng.randrange(256), rng.randrange(0xD800)))) + seed[at:]
            )
        elif change == 4:
            seed = seed[:at] + rng.choice(WORDS) + seed[end:]
        else:
            seed = seed[end:] + seed[at:end] + seed[:at]
    return seed


def content(rng: random.Random, seed: bytes, others: Sequence[bytes] = ()) -> bytes:
    """Bytes with one to six changes: flipped, cut, doubled, overwritten with extreme integers, spliced with others."""
    for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
        at = rng.randint(0, len(seed))
        change = rng.randrange(7)
        if change == 0 and seed:
            at = min(at, len(seed) - 1)
            seed = seed[:at] + bytes([seed[at] ^ 1 << rng.randrange(8)]) + seed[at + 1 :]
        elif change == 1:
            seed = seed[:at]
        elif change == 2:
            seed = seed[:at] + seed[at + rng.choice((1, 2, 4, 64)) :]
        elif change == 3:
            seed = seed[:at] + rng.randbytes(rng.choice((1, 4, 16))) + seed[at:]
        elif change == 4:
            size = rng.choice((1, 2, 4, 8))
            extreme = rng.choice((b"\0" * size, b"\xff" * size, b"\xff" * (size - 1) + b"\x7f"))
            seed = seed[:at] + extreme + seed[at + size :]
        elif change == 5 and others:
            seed = seed[:at] + rng.choice(others)[at:]
        else:
            seed = seed[:at] + rng.choice(WORDS).encode("utf-8", "surrogatepass") + seed[at:]
    return seed


def data(rng: random.Random, seed: Any, keys: Sequence[str] = ()) -> Any:
    """Plain data with one to three odd values, missing or unknown keys, or wrong nesting in it."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        seed = _changed(rng, seed, keys)
    return seed


def _changed(rng: random.Random, value: Any, keys: Sequence[str]) -> Any:
    if isinstance(value, dict) and value and rng.random() < 0.85:
        return _in_dict(rng, dict(value), keys)
    if isinstance(value, list | tuple) and value and rng.random() < 0.85:
        items = list(value)
        at = rng.randrange(len(items))
        change = rng.randrange(4)
        if change == 0:
            del items[at]
        elif change == 1:
            items.insert(at, items[at])
        else:
            items[at] = _changed(rng, items[at], keys)
        return items
    if isinstance(value, str) and value and rng.random() < 0.5:
        return text(rng, value)
    return rng.choice(ODD)


def _in_dict(rng: random.Random, value: dict[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    key = rng.choice(list(value))
    change = rng.randrange(6)
    if change == 0:
        del value[key]
    elif change == 1:
        value[str(rng.choice([*WORDS, *keys]))] = value[key]
    elif change == 2:
        value[text(rng, str(key))] = value.pop(key)
    else:
        value[key] = _changed(rng, value[key], keys)
    return value


def nested(rng: random.Random, depth: int, leaf: Any) -> Any:
    """Lists and dicts in each other."""
    wrap: tuple[Callable[[Any], Any], ...] = (lambda x: [x], lambda x: {"a": x}, lambda x: {"axes": x})
    for _ in range(depth):
        leaf = rng.choice(wrap)(leaf)
    return leaf
