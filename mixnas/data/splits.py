"""Data sets as tensors in memory, cut into parts at a stored seed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mixnas.data import Dataset, Normalisation
from mixnas.data.cut import Images, Labels, Maps, in_groups, stratified
from mixnas.data.reading import read


@dataclass(frozen=True)
class Part:
    """Images uint8 `[N, C, H, W]` and targets: classes int64 `[N]`; classes of pixels uint8 `[N, H, W]`, 255 where
    there is none; or images twice as large, uint8 `[N, C, 2H, 2W]`."""

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
    images, targets, groups = read(entry, "search", folder, download)
    if targets.ndim == 1:
        kept, cut = stratified(targets.astype(np.int64, copy=False), entry.validation_share, split_seed)
    else:
        groups = np.arange(len(images)) if groups is None else groups
        kept, cut = in_groups(groups, entry.validation_share, split_seed)
    train, validation = _part(images[kept], targets[kept]), _part(images[cut], targets[cut])
    return Splits(entry.name, split_seed, train, validation, channel_statistics(train.images))


def read_part(entry: Dataset, part: str, folder: Path, download: bool) -> Part:
    """The part `"search"` (training and validation) or `"test"`, as it is stored."""
    return _part(*read(entry, part, folder, download)[:2])


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


def _part(images: Images, targets: Labels | Maps) -> Part:
    return Part(torch.from_numpy(np.ascontiguousarray(images)), torch.from_numpy(np.ascontiguousarray(targets)))
