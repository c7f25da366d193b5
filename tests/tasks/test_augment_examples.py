"""Augmentation of images together with their targets."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mixnas.data.augment import augment_examples, flip
from mixnas.errors import UsageError


@given(seed=st.integers(0, 1000), count=st.integers(1, 9), scale=st.sampled_from([1, 2]))
def test_image_and_target_are_flipped_alike(seed: int, count: int, scale: int) -> None:
    """Targets that are the enlarged images stay just that."""
    images = torch.randint(0, 256, (count, 1, 5, 6), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))
    targets = images.repeat_interleave(scale, 2).repeat_interleave(scale, 3)
    step = augment_examples("flip", "super_resolution")
    assert step is not None
    new_images, new_targets = step(images, targets, torch.Generator().manual_seed(seed))
    assert torch.equal(new_images, flip(images, torch.Generator().manual_seed(seed)))
    assert torch.equal(new_targets, new_images.repeat_interleave(scale, 2).repeat_interleave(scale, 3))


def test_class_maps_are_flipped_alike() -> None:
    images = torch.arange(8 * 12, dtype=torch.uint8).view(8, 1, 3, 4)
    step, generator = augment_examples("flip", "segmentation"), torch.Generator().manual_seed(0)
    assert step is not None
    for _ in range(3):
        new_images, classes = step(images, images[:, 0], generator)
        assert classes.shape == (8, 3, 4) and torch.equal(classes, new_images[:, 0])
    assert not torch.equal(new_images, images)


def test_labels_stay_as_they_are() -> None:
    images, labels = torch.arange(24, dtype=torch.uint8).view(2, 1, 3, 4), torch.tensor([1, 0])
    step = augment_examples("flip+shift", "classification")
    assert step is not None
    assert step(images, labels, torch.Generator().manual_seed(0))[1] is labels


@pytest.mark.parametrize("task", ["segmentation", "super_resolution"])
@pytest.mark.parametrize("name", ["shift", "randaugment", "trivialaugment"])
def test_what_targets_cannot_follow_is_refused(task: str, name: str) -> None:
    message = f"'{name}' changes images and not their targets, so {task} cannot use it.*none, flip"
    with pytest.raises(UsageError, match=message):
        augment_examples(f"flip+{name}", task)


def test_none_is_none_for_every_task() -> None:
    assert augment_examples("none", "segmentation") is None
