"""scikit-learn's copy of the UCI optical digits: 1,797 real images 8x8 with 17 grey levels."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mixnas.data.cut import Images, Labels, embedded_part


def read(part: str, folder: Path, download: bool) -> tuple[Images, Labels]:
    """Images `[N, 1, 8, 8]`, rescaled from 0..16 to 0..255, and labels; it comes with scikit-learn."""
    from sklearn.datasets import load_digits

    source = load_digits()
    images = np.rint(source.images[:, None] * (255 / 16)).astype(np.uint8)
    return embedded_part(part, images, source.target.astype(np.int64))
