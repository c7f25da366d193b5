"""Augmentation of batches."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from mixnas.data.augment import AUGMENTS, augment, flip, shift
from mixnas.data.augment_names import NAMES
from mixnas.errors import UnknownName


def batch(count: int = 24, channels: int = 3, size: int = 16, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(1, 256, (count, channels, size, size), dtype=torch.uint8, generator=generator)


@pytest.mark.parametrize("name", AUGMENTS)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_augmentation_keeps_shape_and_type_and_follows_its_generator(name: str, channels: int) -> None:
    images, step = batch(channels=channels), AUGMENTS[name]
    before, state = images.clone(), torch.get_rng_state()
    first, again = (step(images, torch.Generator().manual_seed(1)) for _ in range(2))
    assert first.shape == images.shape and first.dtype == torch.uint8
    assert torch.equal(first, again) and torch.equal(images, before)
    assert not torch.equal(first, step(images, torch.Generator().manual_seed(2)))
    assert torch.equal(torch.get_rng_state(), state)


def test_flip_mirrors_about_half() -> None:
    images = batch(400, size=4)
    flipped = flip(images, torch.Generator().manual_seed(0))
    mirrored = (flipped == images.flip(-1)).flatten(1).all(1)
    kept = (flipped == images).flatten(1).all(1)
    assert torch.all(mirrored ^ kept) and 160 < int(mirrored.sum()) < 240


@settings(deadline=None)
@given(size=st.integers(4, 33), seed=st.integers(0, 1000))
def test_shift_moves_each_image_as_a_whole(size: int, seed: int) -> None:
    images = batch(6, 1, size, seed)
    moved = shift(images, torch.Generator().manual_seed(seed))
    reach = max(1, size // 8)
    for source, result in zip(images[:, 0], moved[:, 0], strict=True):
        padded = torch.nn.functional.pad(source, (reach,) * 4)
        views = padded.unfold(0, size, 1).unfold(1, size, 1)
        assert any(torch.equal(result, view) for line in views for view in line)


def test_names_are_applied_in_order() -> None:
    images, generator = batch(), torch.Generator()
    both = augment("flip+shift")
    assert both is not None
    expected = shift(flip(images, generator.manual_seed(3)), generator)
    assert torch.equal(both(images, generator.manual_seed(3)), expected)


def test_none_is_no_augmentation() -> None:
    assert augment("none") is None and augment("") is None


def test_an_unknown_name() -> None:
    with pytest.raises(UnknownName, match=r"unknown augmentation 'flp'.*did you mean 'flip'"):
        augment("shift+flp")


def test_every_name_is_one_that_can_be_asked_for_without_torch() -> None:
    assert tuple(AUGMENTS) == NAMES
