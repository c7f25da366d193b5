"""Every candidate of a space as numpy columns, straight from its axes and rules, millions a second.

Rows grow slot by slot: each row is repeated for every value that the next slot may have, and the rules that this slot
decides take rows out at once. A rule is worked out once for each combination of its own axes, by the same code that
enumerates one candidate at a time; so both agree, order included. Large spaces come in chunks.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from mixnas.space.bound import Bound, Check, Component, Merger
from mixnas.space.layout import Codes, Layout
from mixnas.space.sizes import ways_below
from mixnas.space.walks import refuse_continuous

if TYPE_CHECKING:
    from mixnas.space.space import SearchSpace

CHUNK = 400_000
"""Rows beyond which a table is cut into pieces before it grows on."""

_PIECES = 16

LARGEST_KEY = 4_000_000
"""Combinations of a rule's axes up to which a table of all of them is kept; beyond, those that occur are sorted."""

Array: TypeAlias = np.ndarray[Any, Any]
INACTIVE_CODE = -1
"""Stands in a column of codes where the slot is inactive."""


@dataclass(frozen=True)
class Rows:
    """Some candidates as columns. Inactive entries hold the first value of the axis."""

    columns: dict[str, Array]
    """Axis to values, `[N]`."""
    active: dict[str, Array]
    """Axis to whether a candidate has it, `[N]`."""
    count: int


def all_rows(space: SearchSpace) -> Iterator[Rows]:
    """Every canonical, valid candidate once, in the order of the space, in chunks.

    Raises:
        SpaceError: an axis is continuous.
    """
    bound = space.bound
    refuse_continuous(bound)
    if not bound.possible:
        return
    values = _values(bound.layout)
    for table in _grown(bound, list(range(len(bound.layout.slots))), 0, {}, 1):
        yield _rows(bound.layout, values, *table)


def uniform_rows(space: SearchSpace, count: int, seed: int = 0) -> Rows:
    """Candidates that are drawn with replacement, each of the space as likely as any other.

    (`SearchSpace.sample` draws axis by axis instead, so that a value with few candidates below it is not rare.)

    Raises:
        SpaceError: an axis is continuous, or there is no candidate.
    """
    bound = space.bound
    refuse_continuous(bound)
    space.refuse_empty()
    rng = np.random.default_rng(seed)
    codes: dict[int, Array] = {}
    for component in bound.components:
        codes |= _drawn(bound, component, count, rng)
    for index in range(len(bound.layout.slots)):
        if index not in codes:
            codes[index] = _drawn_free(bound.layout, index, codes, count, rng)
    return _rows(bound.layout, _values(bound.layout), codes, count)


def most_bits(columns: Mapping[str, Array], sizes: Iterable[float]) -> float:
    """More bits than a product of all these sizes needs, in which the largest axis occurs twice.

    Costs of candidates stay below it; from 63 on, int64 columns of them might wrap around.
    """
    largest = [float(np.abs(c).max(initial=1)) for c in columns.values() if c.dtype.kind in "iuf"]
    return sum(math.log2(max(size, 1.0)) for size in (*largest, *sizes, max(largest, default=1.0)))


# ---------------------------------------------------------------------------------------------------------- growing


def _grown(
    bound: Bound, slots: list[int], place: int, codes: dict[int, Array], count: int
) -> Iterator[tuple[dict[int, Array], int]]:
    """The codes of those slots in every valid filling of them, from a table that has grown up to a place."""
    while place < len(slots):
        codes, count = _grow(bound, slots[place], codes, count)
        place += 1
        if count > CHUNK and place < len(slots):
            for piece in np.array_split(np.arange(count), _PIECES):
                part = {index: column[piece[0] : piece[-1] + 1] for index, column in codes.items()}
                yield from _grown(bound, slots, place, part, len(piece))
            return
    if count:
        yield codes, count


def _grow(bound: Bound, index: int, codes: dict[int, Array], count: int) -> tuple[dict[int, Array], int]:
    """Repeats each row for every value of a slot, and takes out what the rules decided by that slot refuse."""
    slot = bound.layout.slots[index]
    number = len(slot.domain.values)
    if slot.parent is None:
        each, new = np.full(count, number), np.tile(np.arange(number, dtype=np.int32), count)
    else:
        active = codes[slot.parent] == slot.parent_code
        each = np.where(active, number, 1)
        starts = np.cumsum(each) - each
        new = (np.arange(each.sum()) - np.repeat(starts, each)).astype(np.int32)
        new[starts[~active]] = INACTIVE_CODE
    grown = {other: np.repeat(column, each) for other, column in codes.items()} | {index: new}
    owner = bound.owner[index]
    keep = np.ones(len(new), bool)
    for rule in owner[0].steps[owner[1]].decided if owner else ():
        keep &= _passes(rule, grown, bound.layout)
    if not keep.all():
        grown = {other: column[keep] for other, column in grown.items()}
    return grown, int(keep.sum())


def _passes(rule: Check | Merger, codes: dict[int, Array], layout: Layout) -> Array:
    """Where a rule lets candidates through: worked out once for each combination of its axes that occurs."""
    sizes = [len(layout.slots[index].domain.values) + 1 for index in rule.slots]
    key = np.zeros(len(codes[rule.slots[0]]), np.int64)
    if math.prod(sizes) > 2**62:
        rows = np.stack([codes[index] for index in rule.slots], axis=1)
        found, key = np.unique(rows, axis=0, return_inverse=True)
        said = np.array([_passes_one(rule, row.tolist(), layout) for row in found], bool)
        by_row: Array = said[key.reshape(-1)]
        return by_row
    for index, size in zip(rule.slots, sizes, strict=True):
        key = key * size + codes[index] + 1
    if math.prod(sizes) > LARGEST_KEY:
        there, key = np.unique(key, return_inverse=True)
        return np.array([_passes_one(rule, _digits(k, sizes), layout) for k in there.tolist()], bool)[key]
    said = np.zeros(math.prod(sizes), bool)
    occurs = np.zeros(math.prod(sizes), bool)
    occurs[key] = True
    for k in np.flatnonzero(occurs).tolist():
        said[k] = _passes_one(rule, _digits(k, sizes), layout)
    by_key: Array = said[key]
    return by_key


def _digits(key: int, sizes: list[int]) -> list[int]:
    """The codes that a key was made of."""
    digits = []
    for size in reversed(sizes):
        key, digit = divmod(key, size)
        digits.append(digit - 1)
    return digits[::-1]


def _passes_one(rule: Check | Merger, chosen: list[int], layout: Layout) -> bool:
    codes: Codes = [None] * len(layout.slots)
    for index, code in zip(rule.slots, chosen, strict=True):
        codes[index] = None if code == INACTIVE_CODE else code
    return rule.passes(codes)


# ---------------------------------------------------------------------------------------------------------- drawing


def _drawn(bound: Bound, component: Component, count: int, rng: np.random.Generator) -> dict[int, Array]:
    """Fillings of a component, each as likely as there are ways to fill the free slots below it."""
    slots, layout = list(component.slots), bound.layout
    below = ways_below(layout, {i for c in bound.components for i in c.slots})
    kept: list[dict[int, Array]] = []
    weights: list[Array] = []
    for codes, rows in _grown(bound, slots, 0, {}, 1):
        weight = np.ones(rows)
        for index in slots:
            ways = np.array([below(index, code) for code in range(len(layout.slots[index].domain.values))] + [1.0])
            weight *= ways[codes[index]]  # the last one is for -1, inactive
        kept.append(codes)
        weights.append(weight)
    sums = np.cumsum(np.concatenate(weights))
    chosen = np.searchsorted(sums, rng.random(count) * sums[-1], side="right")
    return {index: np.concatenate([codes[index] for codes in kept])[chosen] for index in slots}


def _drawn_free(layout: Layout, index: int, codes: dict[int, Array], count: int, rng: np.random.Generator) -> Array:
    """Codes of a slot that no rule mentions, its parent having its own."""
    slot = layout.slots[index]
    below = ways_below(layout, set())
    sums = np.cumsum([float(below(index, code)) for code in range(len(slot.domain.values))])
    drawn: Array = np.searchsorted(sums, rng.random(count) * sums[-1], side="right").astype(np.int32)
    if slot.parent is not None:
        drawn[codes[slot.parent] != slot.parent_code] = INACTIVE_CODE
    return drawn


# ---------------------------------------------------------------------------------------------------------- columns


def _values(layout: Layout) -> list[Array]:
    """The values of each slot as an array; of several types (text and numbers) as Python objects."""
    arrays = []
    for slot in layout.slots:
        listed = list(slot.domain.values)
        kinds = {str if isinstance(v, str) else bool if isinstance(v, bool) else float for v in listed}
        arrays.append(np.array(listed, object) if len(kinds) > 1 else np.array(listed))
    return arrays


def _rows(layout: Layout, values: list[Array], codes: dict[int, Array], count: int) -> Rows:
    columns, active = {}, {}
    for axis, indexes in layout.names.items():
        on = np.zeros(count, bool)
        column = values[indexes[0]][np.maximum(codes[indexes[0]], 0)]
        for index in indexes:
            here = codes[index] != INACTIVE_CODE
            on |= here
            if index != indexes[0]:
                other = values[index]
                column = column.astype(np.promote_types(column.dtype, other.dtype) if _alike(column, other) else object)
                column[here] = other[codes[index][here]]
        columns[axis], active[axis] = column, on
    return Rows(columns, active, count)


def _alike(one: Array, other: Array) -> bool:
    """Whether both hold text, both flags, or both numbers."""
    kinds = ["number" if array.dtype.kind in "if" else array.dtype.kind for array in (one, other)]
    return kinds[0] == kinds[1]
