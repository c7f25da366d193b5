"""scikit-learn's copy of the UCI optical digits: 1,797 real images 8x8 with 17 grey levels."""

from __future__ import annotations

import gzip
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mixnas.data.cut import Images, Labels, embedded_part


def read(part: str, folder: Path, download: bool) -> tuple[Images, Labels]:
    """Images `[N, 1, 8, 8]`, rescaled from 0..16 to 0..255, and labels; it comes with scikit-learn."""
    table = _table()
    images = np.rint(table[:, :-1].reshape(-1, 1, 8, 8) * (255 / 16)).astype(np.uint8)
    return embedded_part(part, images, table[:, -1].astype(np.int64))


def _table() -> npt.NDArray[np.float64]:
    """One row an image: 64 levels and the class, `[1797, 65]`.

    The file is read where it lies: loading scikit-learn for it would take a second in every process.
    """
    found = find_spec("sklearn")
    path = Path(found.origin or "").parent / "datasets" / "data" / "digits.csv.gz" if found else Path()
    if path.is_file():
        words = gzip.decompress(path.read_bytes()).replace(b"\n", b",").rstrip(b",").split(b",")
        return np.array(words, float).reshape(-1, 65)
    from sklearn.datasets import load_digits

    source = load_digits()
    return np.column_stack([source.data, source.target])
