"""CIFAR-10 and CIFAR-100 in their official Python format.

torchvision fetches and checks the archive when the user asks for it. The files are read here, with an unpickler that
knows numpy arrays and nothing else: a pickle may otherwise run any code, and a folder of data may come from anyone.
Only the files of the part asked for are opened.
"""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from mixnas.data.cut import Images, Labels
from mixnas.errors import UsageError

_ALLOWED = {
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("_codecs", "encode"),
}


class _ArrayUnpickler(pickle.Unpickler):
    """Reads dicts, lists, strings, numbers and numpy arrays; refuses everything else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which no CIFAR file needs")
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)


def cifar10(part: str, folder: Path, download: bool) -> tuple[Images, Labels]:
    """Images `[N, 3, 32, 32]` and labels 0 to 9.

    Raises:
        UsageError: the files are not there, or damaged.
    """
    names = ["test_batch"] if part == "test" else [f"data_batch_{i}" for i in range(1, 6)]
    return _read("cifar10", folder / "cifar-10-batches-py", names, "labels", 10, download)


def cifar100(part: str, folder: Path, download: bool) -> tuple[Images, Labels]:
    """Images `[N, 3, 32, 32]` and fine labels 0 to 99.

    Raises:
        UsageError: the files are not there, or damaged.
    """
    return _read(
        "cifar100", folder / "cifar-100-python", ["test" if part == "test" else "train"], "fine_labels", 100, download
    )


def _read(name: str, folder: Path, files: list[str], key: str, classes: int, download: bool) -> tuple[Images, Labels]:
    missing = [file for file in files if not (folder / file).is_file()]
    if missing and download:
        _fetch(name, folder.parent)
    elif missing:
        raise UsageError(
            f"data set {name!r} is not in {folder} ({', '.join(missing)} missing)",
            hint="add --download to fetch it, or name its folder with --data-dir or $MIXNAS_DATA",
        )
    parts = [_read_file(folder / file, key, classes) for file in files]
    return np.concatenate([images for images, _ in parts]), np.concatenate([labels for _, labels in parts])


def _fetch(name: str, root: Path) -> None:
    from torchvision import datasets

    try:
        {"cifar10": datasets.CIFAR10, "cifar100": datasets.CIFAR100}[name](root, download=True)
    except (OSError, RuntimeError) as error:
        raise UsageError(
            f"could not download data set {name!r} into {root}: {error}", hint="check the network and the disk"
        ) from error


def _read_file(path: Path, key: str, classes: int) -> tuple[Images, Labels]:
    """One file: a dict with `data` uint8 `[N, 3072]` and a list of N labels."""
    try:
        content = _ArrayUnpickler(io.BytesIO(path.read_bytes()), encoding="latin1").load()
        pixels, labels = content["data"], np.asarray(content[key], dtype=np.int64)
    except Exception as error:  # a damaged pickle raises nearly anything
        raise _damaged(path, f"{type(error).__name__}: {error}") from error
    if not (isinstance(pixels, np.ndarray) and pixels.dtype == np.uint8 and pixels.shape == (len(labels), 3072)):
        shape = getattr(pixels, "shape", type(pixels).__name__)
        raise _damaged(path, f"expected uint8 data [{len(labels)}, 3072] for its {len(labels)} labels, found {shape}")
    if len(labels) == 0 or labels.min() < 0 or labels.max() >= classes:
        raise _damaged(path, f"expected labels from 0 to {classes - 1}")
    return pixels.reshape(-1, 3, 32, 32), labels


def _damaged(path: Path, why: str) -> UsageError:
    return UsageError(f"{path} is damaged: {why}", hint="delete it and run again with --download")
