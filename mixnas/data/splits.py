"""Data sets as tensors in memory, cut into parts at a stored seed."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mixnas.data import Dataset, Normalisation
from mixnas.data.cut import Images, Labels, stratified
from mixnas.errors import UsageError


@dataclass(frozen=True)
class Part:
    """Images uint8 `[N, C, H, W]` and targets int64 `[N]`."""

    images: Tensor
    targets: Tensor

    def __len__(self) -> int:
        return len(self.images)

    def to(self, device: torch.device) -> Part:
        """The same part on a device."""
        return Part(self.images.to(device), self.targets.to(device))


@dataclass(frozen=True)
class Splits:
    """What a search may read. The normalisation is the training part's."""

    dataset: str
    split_seed: int
    train: Part
    validation: Part
    normalisation: Normalisation

    def joined(self) -> tuple[Part, Normalisation]:
        """Training and validation part as one, with its own normalisation, for the final training."""
        images = torch.cat([self.train.images, self.validation.images])
        targets = torch.cat([self.train.targets, self.validation.targets])
        return Part(images, targets), channel_statistics(images)


@lru_cache(maxsize=2)
def splits(entry: Dataset, split_seed: int, folder: Path, download: bool) -> Splits:
    """As `mixnas.data.load_splits`; a worker process keeps the last two."""
    images, labels = _read(entry, "search", folder, download)
    kept, cut = stratified(labels, entry.validation_share, split_seed)
    train, validation = _part(images[kept], labels[kept]), _part(images[cut], labels[cut])
    return Splits(entry.name, split_seed, train, validation, channel_statistics(train.images))


def read_part(entry: Dataset, part: str, folder: Path, download: bool) -> Part:
    """The part `"search"` (training and validation) or `"test"`, as it is stored."""
    return _part(*_read(entry, part, folder, download))


def channel_statistics(images: Tensor) -> Normalisation:
    """Mean and standard deviation of each channel of uint8 images `[N, C, H, W]`; a constant channel gets 1."""
    levels = torch.arange(256, dtype=torch.float64) / 255
    means, deviations = [], []
    for channel in images.unbind(1):
        share = torch.bincount(channel.flatten(), minlength=256).double() / channel.numel()
        mean = float(share @ levels)
        deviation = float(share @ (levels - mean) ** 2) ** 0.5
        means.append(mean)
        deviations.append(deviation if deviation > 1e-8 else 1.0)
    return Normalisation(tuple(means), tuple(deviations))


def normalise(images: Tensor, normalisation: Normalisation) -> Tensor:
    """float32 inputs of a model from uint8 images `[B, C, H, W]`."""
    shape = (1, len(normalisation.mean), 1, 1)
    mean = torch.tensor(normalisation.mean, device=images.device).view(shape) * 255
    scale = 1 / (torch.tensor(normalisation.std, device=images.device).view(shape) * 255)
    return images.float().sub_(mean).mul_(scale)


def _part(images: Images, labels: Labels) -> Part:
    return Part(torch.from_numpy(np.ascontiguousarray(images)), torch.from_numpy(np.ascontiguousarray(labels)))


def _read(entry: Dataset, part: str, folder: Path, download: bool) -> tuple[Images, Labels]:
    """Calls the reader of the data set and checks what it gives against the record.

    Raises:
        UsageError: the images have another shape or type, or the labels do not fit.
    """
    module, function = entry.reader.split(":")
    images, labels = getattr(importlib.import_module(module), function)(part, folder, download)
    if images.dtype != np.uint8 or images.shape[1:] != entry.problem.input or len(images) != len(labels):
        raise UsageError(
            f"data set {entry.name!r}: expected {len(labels)} uint8 images {list(entry.problem.input)}, "
            f"found {images.dtype} {list(images.shape)}",
            hint=f"its reader is {entry.reader}",
        )
    if len(labels) < 2 or labels.min() < 0 or labels.max() >= entry.problem.num_classes:
        raise UsageError(
            f"data set {entry.name!r}: expected labels from 0 to {entry.problem.num_classes - 1}, "
            f"found {len(labels)} from {labels.min(initial=0)} to {labels.max(initial=0)}",
            hint=f"its reader is {entry.reader}",
        )
    return images, labels
