"""A tiny data set and a tiny model with everything that training has to cope with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import nn

from mixnas.data.splits import Part, channel_statistics
from mixnas.recipe import Recipe
from mixnas.records import Problem
from mixnas.training import Training, derived_seed, seeded

PROBLEM = Problem.square(8, 1, 4)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def part(count: int = 100, seed: int = 0) -> Part:
    """Bright quarters: the class says which quarter of the image is bright."""
    generator = torch.Generator().manual_seed(seed)
    targets = torch.randint(0, 4, (count,), generator=generator)
    images = torch.randint(0, 120, (count, 1, 8, 8), generator=generator)
    for image, target in zip(images, targets.tolist(), strict=True):
        image[0, 4 * (target // 2) :, 4 * (target % 2) :][:4, :4] += 100
    return Part(images.to(torch.uint8), targets)


def model(width: int = 8) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, width, 3, padding=1), nn.BatchNorm2d(width), nn.GELU(), nn.Dropout(0.1), nn.Flatten(),
        nn.Linear(64 * width, 4),
    )  # fmt: skip


def training(epochs: int = 4, seed: int = 0, width: int = 8, count: int = 100, **recipe: object) -> Training:
    """A run with fresh weights; call it in `seeded` for a fixed dropout."""
    train = part(count)
    with seeded(derived_seed(seed, "init")):
        made = model(width)
    chosen = Recipe.from_dict({"batch_size": 16, "lr": 0.01, "augment": "none", **recipe})
    return Training(made, PROBLEM, train, channel_statistics(train.images), chosen, epochs=epochs, seed=seed)
