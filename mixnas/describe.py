"""Architectures and numbers as short text for tables, hover boxes and the live view. Standard library only."""

from __future__ import annotations

import math
from collections.abc import Mapping

from mixnas.objectives import OBJECTIVES
from mixnas.records import Candidate, Value

_UNSAID: Mapping[str, Value] = {"activation": "gelu", "norm": "batch", "operator": "pointwise"}
"""What goes without saying, by the last part of the axis name."""

_SUFFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def describe(axes: Candidate) -> str:
    """One architecture in one line.

    Numbers come with their axis, words speak for themselves, axes of an option stand behind it, and what is common or
    switched off is left out:

    >>> describe({"width": 64, "patch_size": 2, "norm": "batch", "channel": "overlap", "channel.ratio": "2/3"})
    'width 64 · patch 2 · overlap 2/3'
    """
    groups: dict[str, list[str]] = {}
    for name, value in axes.items():
        parent = name.partition(".")[0]
        inside = parent if parent in axes else name
        groups.setdefault(inside, []).extend(_words(name, value, inside))
    return " · ".join(" ".join(words) for words in groups.values() if words)


def _words(name: str, value: Value, group: str) -> list[str]:
    """The words for one axis; `early.channel` keeps its `early` where that is no axis itself."""
    path = name.split(".")
    before = path[:-1] if group == name else []
    label = path[-1].removesuffix("_size").replace("_", " ")
    if value is False or _UNSAID.get(path[-1]) == value:
        return []
    if value is True:
        return [*before, label]
    if isinstance(value, str):
        return [*before, label.removesuffix(" ratio"), value] if label.endswith(" ratio") else [*before, value]
    if label.endswith("s"):
        return [*before, f"{value:g}", label.removesuffix("s") if value == 1 else label]
    return [*before, label, f"{value:g}"]


def format_value(name: str, value: float, short: bool = False) -> str:
    """A value of the objective `name`, without its unit.

    Counts are exact with thousands separators, or about three digits and a suffix when `short`; fractions have four
    decimals, decibels two, everything else four digits.

    >>> format_value("params", 12345), format_value("params", 12345, short=True), format_value("acc", 0.97)
    ('12,345', '12.3k', '0.9700')
    """
    known = OBJECTIVES.get(name)
    if value is None or not math.isfinite(value):
        return "–"
    if known is not None and known.unit == "fraction":
        return f"{value:.4f}"
    if known is not None and known.unit == "dB":
        return f"{value:.2f}"
    if known is not None and known.unit == "B":
        return format_bytes(value)
    if short:
        return short_number(value)
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.4g}"


def format_bytes(value: float) -> str:
    """Bytes in the largest binary unit that leaves a whole number before the point: 950 B, 12.3 KiB, 1.46 GiB.

    >>> format_bytes(950), format_bytes(12_595), format_bytes(1_572_864_000)
    ('950 B', '12.3 KiB', '1.46 GiB')
    """
    size, unit = binary_unit(value)
    if size == 1:
        return f"{value:.0f} B"
    # From 999.5 on, three digits would be written with an exponent.
    return f"{value / size:.3g} {unit}" if abs(value / size) < 999.5 else f"{value / size:,.0f} {unit}"


def binary_unit(value: float) -> tuple[int, str]:
    """The largest of B, KiB, MiB, GiB and TiB that goes into it, with its bytes."""
    for power, unit in ((4, "TiB"), (3, "GiB"), (2, "MiB"), (1, "KiB")):
        if abs(value / 1024**power) >= 0.9995:
            return 1024**power, unit
    return 1, "B"


def short_number(value: float) -> str:
    """About three digits and a suffix: 950, 12.3k, 1.2M."""
    for size, suffix in _SUFFIXES:
        if abs(value) >= size * 0.9995:
            return f"{value / size:.3g}{suffix}"
    return f"{value:.3g}"


def heading(name: str) -> str:
    """The objective's name with its unit, as a column of a table is headed: `train_seconds [s]`, `params`."""
    known = OBJECTIVES.get(name)
    return f"{name} [{known.unit}]" if known is not None and known.unit not in ("", "fraction", "B") else name
