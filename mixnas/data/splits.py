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
from mixnas.data.cut import IGNORE, Examples, Images, Labels, Maps, in_groups, stratified
from mixnas.errors import UsageError


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
    images, targets, groups = _read(entry, "search", folder, download)
    if targets.ndim == 1:
        kept, cut = stratified(targets.astype(np.int64, copy=False), entry.validation_share, split_seed)
    else:
        groups = np.arange(len(images)) if groups is None else groups
        kept, cut = in_groups(groups, entry.validation_share, split_seed)
    train, validation = _part(images[kept], targets[kept]), _part(images[cut], targets[cut])
    return Splits(entry.name, split_seed, train, validation, channel_statistics(train.images))


def read_part(entry: Dataset, part: str, folder: Path, download: bool) -> Part:
    """The part `"search"` (training and validation) or `"test"`, as it is stored."""
    return _part(*_read(entry, part, folder, download)[:2])


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


def _read(entry: Dataset, part: str, folder: Path, download: bool) -> Examples:
    """Calls the reader of the data set and checks what it gives against the record.

    Raises:
        UsageError: the images have another shape or type, or the targets do not fit.
    """
    module, function = entry.reader.split(":")
    found = Examples(*getattr(importlib.import_module(module), function)(part, folder, download))
    images, targets = found.images, found.targets
    fits = images.dtype == np.uint8 and images.shape[1:] == entry.problem.input
    if not fits or images.shape[:1] != targets.shape[:1]:
        count = f"{len(targets)}" if targets.ndim else "an array of targets and"
        wanted = f"{count} uint8 images {list(entry.problem.input)}"
        raise _wrong(entry, f"{wanted}, found {images.dtype} {list(images.shape)}")
    _check_targets(entry, targets)
    return found


def _check_targets(entry: Dataset, targets: Labels | Maps) -> None:
    problem = entry.problem
    shape = {
        "classification": (),
        "segmentation": (problem.height, problem.width),
        "super_resolution": (problem.num_classes, 2 * problem.height, 2 * problem.width),
    }[problem.task]
    wanted = np.uint8 if shape else np.int64
    if targets.shape[1:] != shape or targets.dtype != wanted:
        raise _wrong(entry, f"{np.dtype(wanted)} targets {list(shape)}, found {targets.dtype} {list(targets.shape)}")
    if problem.task == "super_resolution":
        return
    labels = targets[targets != IGNORE] if shape else targets
    if len(targets) < 2 or labels.min(initial=0) < 0 or labels.max(initial=0) >= problem.num_classes:
        raise _wrong(
            entry,
            f"labels from 0 to {problem.num_classes - 1}, "
            f"found {len(targets)} from {labels.min(initial=0)} to {labels.max(initial=0)}",
        )


def _wrong(entry: Dataset, what: str) -> UsageError:
    return UsageError(f"data set {entry.name!r}: expected {what}", hint=f"its reader is {entry.reader}")
