"""Scenes and mosaics of real digits: their labels pixel by pixel, their sources, and the seed that makes them."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mixnas.data import DATASETS, load_splits, load_test
from mixnas.data.digit_scenes import DIGIT, INK, SCENES, SIDE, TOGETHER, VISIBLE, mosaics, pools, scenes
from mixnas.data.digit_scenes import segmentation as read_scenes
from mixnas.data.digit_scenes import super_resolution as read_mosaics
from mixnas.data.digits import read
from mixnas.data.splits import splits

NOWHERE = Path("nowhere")
PARTS = ("search", "test")
PINNED = {"digits-seg": "765dcfc533b2", "digits-sr": "60dd395f4521"}


def digest(name: str) -> str:
    state = sha256()
    for part in (load_splits(name).train, load_splits(name).validation, load_test(name)):
        state.update(part.images.numpy().tobytes() + part.targets.numpy().tobytes())
    return state.hexdigest()[:12]


@pytest.mark.parametrize("name", PINNED)
def test_they_are_the_same_everywhere(name: str) -> None:
    assert digest(name) == PINNED[name]
    splits.cache_clear()
    assert digest(name) == PINNED[name]


@pytest.mark.parametrize("part", PARTS)
def test_every_pixel_has_the_right_class(part: str) -> None:
    """The rule, pixel by pixel: the last digit with ink there, whose class is its own number plus one."""
    digits, labels = read(part, NOWHERE, False)
    placed, _ = scenes(part, digits, labels)
    found = read_scenes(part, NOWHERE, False)
    for number in range(0, len(placed), 7):
        for row in range(SIDE):
            for column in range(SIDE):
                wanted, grey = 0, 0
                for place in placed[number]:
                    y, x = row - place.row, column - place.column
                    if 0 <= y < DIGIT and 0 <= x < DIGIT:
                        own = int(digits[place.digit, 0, y, x])
                        if own >= INK:
                            wanted, grey = int(labels[place.digit]) + 1, own
                        else:
                            grey = max(grey, own)
                assert found.targets[number, row, column] == wanted
                assert found.images[number, 0, row, column] == grey


@pytest.mark.parametrize("part", PARTS)
def test_digits_stay_visible(part: str) -> None:
    digits, labels = read(part, NOWHERE, False)
    placed, _ = scenes(part, digits, labels)
    found = read_scenes(part, NOWHERE, False)
    overlapping = 0
    for places, classes in zip(placed, found.targets, strict=True):
        assert len(places) == TOGETHER
        below, above = (labels[place.digit] + 1 for place in places)
        ink = int((digits[places[0].digit] >= INK).sum())
        seen = int((classes == below).sum())
        if below != above:
            assert seen >= VISIBLE * ink
            overlapping += seen < ink
    assert 0.2 < overlapping / len(placed) < 0.9


@pytest.mark.parametrize("part", PARTS)
def test_a_mosaic_is_made_of_whole_digits(part: str) -> None:
    digits, labels = read(part, NOWHERE, False)
    chosen, _ = mosaics(part, labels)
    found = read_mosaics(part, NOWHERE, False)
    for number in range(0, len(chosen), 11):
        for place, digit in enumerate(chosen[number]):
            row, column = divmod(place, 3)
            tile = found.targets[number, 0, row * DIGIT : (row + 1) * DIGIT, column * DIGIT : (column + 1) * DIGIT]
            assert np.array_equal(tile, digits[digit, 0])


def test_the_input_is_the_mean_of_squares() -> None:
    found = read_mosaics("test", NOWHERE, False)
    assert isinstance(found.targets, np.ndarray)
    for y, x in ((0, 0), (5, 7), (11, 11)):
        square = found.targets[:, 0, 2 * y : 2 * y + 2, 2 * x : 2 * x + 2].astype(float)
        assert np.array_equal(found.images[:, 0, y, x], np.floor(square.mean((1, 2)) + 0.5))


def used(name: str, part: str) -> list[set[int]]:
    """The digits that each scene is made of."""
    digits, labels = read(part, NOWHERE, False)
    if name == "digits-seg":
        return [{place.digit for place in places} for places in scenes(part, digits, labels)[0]]
    return [set(row.tolist()) for row in mosaics(part, labels)[0]]


@pytest.mark.parametrize("name", PINNED)
@pytest.mark.parametrize("split_seed", [0, 1, 5])
def test_no_digit_is_in_training_and_in_validation(name: str, split_seed: int) -> None:
    every = {image.tobytes(): made for image, made in zip(*images_and_sources(name), strict=True)}
    found = load_splits(name, split_seed)
    train, validation = (sources(part.images, every) for part in (found.train, found.validation))
    assert train and validation and not train & validation
    assert train | validation == set(range(len(read("search", NOWHERE, False)[1])))


def images_and_sources(name: str) -> tuple[Any, list[set[int]]]:
    reader = read_scenes if name == "digits-seg" else read_mosaics
    return reader("search", NOWHERE, False).images, used(name, "search")


def sources(images: torch.Tensor, every: dict[bytes, set[int]]) -> set[int]:
    return set().union(*(every[image.numpy().tobytes()] for image in images))


def test_the_test_part_is_made_of_the_test_digits() -> None:
    kept, cut = (read(part, NOWHERE, False)[0] for part in PARTS)
    assert not {image.tobytes() for image in kept} & {image.tobytes() for image in cut}
    for name in PINNED:
        assert set().union(*used(name, "test")) == set(range(len(cut)))


def test_pools_share_classes_evenly() -> None:
    labels = read("search", NOWHERE, False)[1]
    found = pools(labels, np.random.RandomState(0))
    assert sorted(np.concatenate(found)) == list(range(len(labels)))
    counts = np.array([np.bincount(labels[pool], minlength=10) for pool in found])
    assert np.all(np.ptp(counts, axis=0) <= 1)


@pytest.mark.parametrize("name", PINNED)
def test_groups_are_whole(name: str) -> None:
    reader = read_scenes if name == "digits-seg" else read_mosaics
    groups = reader("search", NOWHERE, False).groups
    assert groups is not None and set(np.bincount(groups)) == {SCENES}
    share = DATASETS[name].validation_share
    assert len(load_splits(name, 3).validation) == round(share * len(np.unique(groups))) * SCENES
