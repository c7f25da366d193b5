"""Reads the files of a data set and holds them against its record, as arrays: no torch."""

from __future__ import annotations

import importlib
from functools import lru_cache
from pathlib import Path

import numpy as np

from mixnas.data import Dataset
from mixnas.data.cut import IGNORE, Examples, Labels, Maps
from mixnas.errors import UsageError


def read(entry: Dataset, part: str, folder: Path, download: bool) -> Examples:
    """The part `"search"` (training and validation) or `"test"`, as its reader gives it.

    Raises:
        UsageError: the images have another shape or type than the record says, or the targets do not fit.
    """
    module, function = entry.reader.split(":")
    found = Examples(*getattr(importlib.import_module(module), function)(part, folder, download))
    images, targets = found.images, found.targets
    fits = images.dtype == np.uint8 and images.shape[1:] == entry.problem.input
    if not fits or images.shape[:1] != targets.shape[:1]:
        count = f"{len(targets)}" if targets.ndim else "an array of targets and"
        wanted = f"{count} uint8 images {list(entry.problem.input)}"
        raise _wrong(entry, f"{wanted}, found {images.dtype} {list(images.shape)}")
    check_targets(entry, targets)
    return found


@lru_cache(maxsize=2)
def require(entry: Dataset, folder: Path, download: bool) -> None:
    """Reads what a search may read, for its errors; what could be read is not read again.

    Raises:
        UsageError: as `read`.
    """
    read(entry, "search", folder, download)


def check_targets(entry: Dataset, targets: Labels | Maps) -> None:
    """Checks targets against the record.

    Raises:
        UsageError: they have another shape or type, or name classes that there are not.
    """
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
