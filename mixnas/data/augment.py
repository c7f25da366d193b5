"""Augmentation of whole batches in memory, drawn from a generator of its own.

Sources: flip and shift are He et al. (arXiv:1512.03385, section 4.2); RandAugment is arXiv:1909.13719 with the
SplitMixer notebook's two operations of magnitude 12; TrivialAugmentWide (arXiv:2103.10158) is the WaveMix scripts'.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import torch
from torch import Generator, Tensor

from mixnas.data.augment_names import augment_names
from mixnas.records import Task

Augment: TypeAlias = Callable[[Tensor, Generator], Tensor]
"""From uint8 images `[B, C, H, W]` to new ones of the same shape. The generator lives on the CPU."""

AugmentExamples: TypeAlias = Callable[[Tensor, Tensor, Generator], tuple[Tensor, Tensor]]
"""From images and their targets to new ones of both."""

GROUP = 16
"""torchvision draws one operation for a whole batch; groups of this many images get one of their own."""


def flip(images: Tensor, generator: Generator) -> Tensor:
    """Mirrors half of the images left to right."""
    mirrored = (torch.rand(len(images), generator=generator) < 0.5).to(images.device)
    return torch.where(mirrored.view(-1, 1, 1, 1), images.flip(-1), images)


def shift(images: Tensor, generator: Generator) -> Tensor:
    """Moves each image by up to an eighth of its side in both directions; black comes in (random crop)."""
    count, _, height, width = images.shape
    reach = max(1, min(height, width) // 8)
    padded = torch.nn.functional.pad(images, (reach,) * 4)
    offsets = torch.randint(0, 2 * reach + 1, (2, count, 1), generator=generator).to(images.device)
    rows = offsets[0] + torch.arange(height, device=images.device)
    columns = offsets[1] + torch.arange(width, device=images.device)
    every = torch.arange(count, device=images.device).view(-1, 1, 1)
    return padded[every, :, rows.unsqueeze(2), columns.unsqueeze(1)].permute(0, 3, 1, 2)


def randaugment(images: Tensor, generator: Generator) -> Tensor:
    """RandAugment with two operations of magnitude 12 of 30; the images of a group share them."""
    from torchvision.transforms import v2

    return _by_group(v2.RandAugment(num_ops=2, magnitude=12), images, generator)


def trivialaugment(images: Tensor, generator: Generator) -> Tensor:
    """TrivialAugmentWide: one operation of random strength; the images of a group share it."""
    from torchvision.transforms import v2

    return _by_group(v2.TrivialAugmentWide(), images, generator)


def _by_group(transform: Callable[[Tensor], Tensor], images: Tensor, generator: Generator) -> Tensor:
    """torchvision draws from the global generator: seed that from ours and put it back afterwards."""
    seed = int(torch.randint(0, 2**62, (), generator=generator))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return torch.cat([transform(group) for group in torch.split(images, GROUP)])


AUGMENTS: Mapping[str, Augment] = {
    "flip": flip,
    "shift": shift,
    "randaugment": randaugment,
    "trivialaugment": trivialaugment,
}


def augment(names: str) -> Augment | None:
    """The augmentation for names joined by '+', applied in that order; None for `none`.

    Raises:
        UnknownName: a name is in no table.
    """
    steps = [AUGMENTS[name] for name in augment_names(names)]
    if not steps:
        return None

    def apply(images: Tensor, generator: Generator) -> Tensor:
        for step in steps:
            images = step(images, generator)
        return images

    return apply


def augment_examples(names: str, task: Task) -> AugmentExamples | None:
    """As `augment`, for images with their targets: classes stay as they are, targets that are images change alike.

    Raises:
        UnknownName: a name is in no table.
        UsageError: one cannot be done to the targets of the task.
    """
    augment_names(names, task)
    step = augment(names)
    if step is None:
        return None
    if task == "classification":
        return lambda images, classes, generator: (step(images, generator), classes)

    def apply(images: Tensor, targets: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
        state = generator.get_state()
        images = step(images, generator)
        generator.set_state(state)
        planes = targets if targets.dim() == 4 else targets.unsqueeze(1)
        return images, step(planes, generator).reshape(targets.shape)

    return apply
