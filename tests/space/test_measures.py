"""Comparisons of what is measured in different units are refused, all others are not."""

from __future__ import annotations

import pytest

from mixnas.errors import ExpressionError
from mixnas.objectives import OBJECTIVES
from mixnas.space import Expression
from mixnas.space.measures import COST_MEASURES

NAMES = {*OBJECTIVES, "width", "channel"}


def parse(text: str) -> Expression:
    return Expression.parse(text, NAMES, "here", COST_MEASURES)


@pytest.mark.parametrize(
    ("text", "says", "hint"),
    [
        ("params <= 2ms", "ms is for a time, params is a plain number at column 11", "params <= 2, or 2k or 2M"),
        ("width > 3 and params <= 2GiB", "GiB is for a size, params is a plain number", "2k or 2M"),
        ("memory <= 2s", "s is for a time, memory is a size in bytes", "memory <= 2MiB"),
        ("1ms < memory", "ms is for a time, memory is a size in bytes", "memory <= 2MiB"),
        ("latency <= 2MiB", "MiB is for a size, latency is a time in milliseconds", "latency <= 2ms"),
        ("train_seconds <= 2s", "s is for a time, train_seconds is a time in seconds", "train_seconds <= 2"),
        ("10 < params < 2ms", "ms is for a time, params", ""),
        ("memory + 1 <= -2ms", "ms is for a time, memory", ""),
        ("params <= (2ms if width > 3 else 4)", "ms is for a time, params", ""),
        ("not (width == 8MiB or acc > 0.9)", "MiB is for a size, width", ""),
    ],
)
def test_mixed_measures_are_refused(text: str, says: str, hint: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert caught.value.message.startswith(f"here: {says}") and text in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "params <= 2k and memory <= 2GiB and latency <= 2ms",
        "memory <= 2M",
        "memory / 1KiB <= 4",
        "memory <= params * 8KiB",
        "latency <= 1s",
        "train_seconds <= 2",
        "channel == 'disjoint'",
        "1KiB < 2ms",
        "memory <= (2GiB if width > 3 else 4GiB)",
    ],
)
def test_what_makes_sense_is_not(text: str) -> None:
    assert parse(text).text == text
