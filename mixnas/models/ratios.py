"""Ratios written as text ("2/3", "4"), which cost the same on candidates and on numpy columns of them."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np


def is_ratio(text: object, below: float = math.inf) -> bool:
    """Whether it is a positive whole number or a fraction of two, as text, and less than a bound."""
    if not isinstance(text, str) or re.fullmatch(r"[1-9]\d{0,3}(/[1-9]\d{0,3})?", text) is None:
        return False
    numerator, denominator = fraction(text)
    return numerator < below * denominator


@functools.cache
def fraction(ratio: str) -> tuple[int, int]:
    """ "3/4" as (3, 4), "2" as (2, 1)."""
    numerator, _, denominator = ratio.partition("/")
    return int(numerator), int(denominator or 1)


def share(width: Any, ratio: Any) -> Any:
    """`width * numerator // denominator`, where `ratio` may be a column; an empty text there counts as 0."""
    if not isinstance(ratio, np.ndarray):
        numerator, denominator = fraction(ratio)
        return width * numerator // denominator
    above, below = by_name(ratio, lambda text: fraction(text) if text else (0, 1)).T
    return width * above // below


def by_name(column: Any, numbers: Callable[[str], Any]) -> Any:
    """A column of text as the numbers that each of its few different values stands for."""
    names, rows = np.unique(column.astype(str), return_inverse=True)
    return np.array([numbers(name) for name in names], dtype=np.int64)[rows]
