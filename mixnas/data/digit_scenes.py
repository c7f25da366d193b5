"""Segmentation and super-resolution on scikit-learn's digits: real pixels at their own size, composed at a stored seed.

    digits-seg   2 digits in 12x12 pixels, the second over the first; each pixel says which digit it belongs to
    digits-sr    mosaics of 3x3 digits in 24x24 pixels; the input is their half, each of its pixels the mean of 2x2

The test part is made of the test images of `digits`. The digits of either part are dealt into pools, and what is
composed of one pool is one group: the cut for validation takes whole groups, so that no digit is on both sides.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mixnas.data.cut import Examples, Images, Labels, Maps
from mixnas.data.digits import read as read_digits
from mixnas.data.resample import halve

SEED = {"search": 0, "test": 1}
POOL = 60
"""Digits in a pool, about."""

SCENES = 50
"""Made of each pool."""

SIDE, DIGIT = 12, 8
"""Pixels of a scene's and of a digit's side."""

TOGETHER = 2
"""Digits in a scene."""

INK = 64
"""A pixel of at least this grey belongs to its digit; fainter ones only show where nothing brighter is."""

VISIBLE = 0.7
"""Share of its ink that a digit keeps under the digits above it; scenes with less are drawn again."""

ACROSS = 3
"""Digits along the side of a mosaic."""


@dataclass(frozen=True)
class Placement:
    """A digit of the part by its number, and where its upper left corner is."""

    digit: int
    row: int
    column: int


def segmentation(part: str, folder: Path, download: bool) -> Examples:
    """Scenes `[N, 1, 12, 12]` and classes of their pixels `[N, 12, 12]`: 0 background, 1 to 10 the digits 0 to 9."""
    digits, labels = read_digits(part, folder, download)
    placed, groups = scenes(part, digits, labels)
    drawn = [draw(placements, digits, labels) for placements in placed]
    return Examples(np.stack([image for image, _ in drawn])[:, None], np.stack([found for _, found in drawn]), groups)


def super_resolution(part: str, folder: Path, download: bool) -> Examples:
    """Halved mosaics `[N, 1, 12, 12]` and the mosaics themselves `[N, 1, 24, 24]`."""
    digits, labels = read_digits(part, folder, download)
    chosen, groups = mosaics(part, labels)
    grid = digits[chosen, 0].reshape(len(chosen), ACROSS, ACROSS, DIGIT, DIGIT)
    whole = grid.transpose(0, 1, 3, 2, 4).reshape(len(chosen), 1, ACROSS * DIGIT, ACROSS * DIGIT)
    return Examples(halve(whole), whole, groups)


def scenes(part: str, digits: Images, labels: Labels) -> tuple[list[list[Placement]], Labels]:
    """What is placed where in every scene of a part, and the group of each scene."""
    rng = np.random.RandomState(SEED[part])
    placed, groups = [], []
    for group, pool in enumerate(pools(labels, rng)):
        deck = _deck(pool, rng)
        for _ in range(SCENES):
            chosen = [next(deck) for _ in range(TOGETHER)]
            placed.append(_placed(chosen, digits, rng))
            groups.append(group)
    return placed, np.array(groups)


def mosaics(part: str, labels: Labels) -> tuple[npt.NDArray[np.int64], Labels]:
    """The digits of every mosaic of a part, row by row `[N, 9]`, and the group of each mosaic."""
    rng = np.random.RandomState(SEED[part])
    chosen, groups = [], []
    for group, pool in enumerate(pools(labels, rng)):
        deck = _deck(pool, rng)
        chosen += [[next(deck) for _ in range(ACROSS**2)] for _ in range(SCENES)]
        groups += [group] * SCENES
    return np.array(chosen), np.array(groups)


def pools(labels: Labels, rng: np.random.RandomState) -> list[npt.NDArray[np.int64]]:
    """Deals all digits into pools without overlap, every class as evenly as it goes."""
    count = max(round(len(labels) / POOL), 1)
    order = rng.permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    return [order[start::count] for start in range(count)]


def draw(placements: list[Placement], digits: Images, labels: Labels) -> tuple[Images, Maps]:
    """A scene and the classes of its pixels, both `[12, 12]`."""
    scene, classes = np.zeros((2, SIDE, SIDE), np.uint8)
    for place in placements:
        window = slice(place.row, place.row + DIGIT), slice(place.column, place.column + DIGIT)
        digit = digits[place.digit, 0]
        ink = digit >= INK
        scene[window] = np.where(ink, digit, np.maximum(scene[window], digit))
        classes[window] = np.where(ink, labels[place.digit] + 1, classes[window])
    return scene, classes


def _deck(pool: npt.NDArray[np.int64], rng: np.random.RandomState) -> Iterator[int]:
    """The digits of a pool for ever, shuffled anew each time all have been dealt."""
    while True:
        yield from rng.permutation(pool).tolist()


def _placed(chosen: list[int], digits: Images, rng: np.random.RandomState) -> list[Placement]:
    """Random places that leave enough of every digit to be seen."""
    while True:
        places = [Placement(digit, *rng.randint(0, SIDE - DIGIT + 1, 2).tolist()) for digit in chosen]
        if _all_seen(places, digits):
            return places


def _all_seen(places: list[Placement], digits: Images) -> bool:
    top = np.full((SIDE, SIDE), -1)
    sizes = []
    for number, place in enumerate(places):
        ink = digits[place.digit, 0] >= INK
        top[place.row : place.row + DIGIT, place.column : place.column + DIGIT][ink] = number
        sizes.append(ink.sum())
    return all((top == number).sum() >= VISIBLE * size for number, size in enumerate(sizes))
