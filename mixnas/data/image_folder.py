"""Any folder of images for super-resolution: tiles 64x64 of them, and the same made smaller by means of 2x2 pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from mixnas.data.cut import TEST_SEED, TEST_SHARE, Examples, Images, in_groups
from mixnas.data.resample import halve
from mixnas.errors import UsageError

TILE = 64
TILES = 16
"""Taken of one image at most, spread evenly over it: large photographs would not fit into memory."""

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".ppm")


def super_resolution(part: str, folder: Path, download: bool) -> Examples:
    """Tiles `[N, 3, 32, 32]` and what they are to become, `[N, 3, 64, 64]`; an image is one group.

    The test part is a fifth of the files, the same for every study. Images with a side below 64 pixels are left out.

    Raises:
        UsageError: there are fewer than three images that are large enough, or one cannot be read.
    """
    files = image_files(folder)
    if len(files) < 3:
        raise UsageError(
            f"data set 'image-folder-sr': {len(files)} images of at least {TILE}x{TILE} pixels below {folder}, "
            "3 are needed for three parts",
            hint=f"name a folder of images with --data-dir or $MIXNAS_DATA; known endings: {', '.join(SUFFIXES)}",
        )
    kept, cut = in_groups(np.arange(len(files)), TEST_SHARE, TEST_SEED)
    chosen = [files[number] for number in (cut if part == "test" else kept)]
    found = [tiles(path) for path in chosen]
    whole = np.concatenate(found)
    return Examples(halve(whole), whole, np.repeat(np.arange(len(found)), [len(own) for own in found]))


def image_files(folder: Path) -> list[Path]:
    """The images below a folder that are large enough, in the order of their paths.

    Raises:
        UsageError: one cannot be read.
    """
    from PIL import Image

    files = []
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file()):
        try:
            with Image.open(path) as image:
                size = image.size
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise _damaged(path, error) from error
        if min(size) >= TILE:
            files.append(path)
    return files


def tiles(path: Path) -> Images:
    """Tiles `[N, 3, 64, 64]` of an image, without overlap, from its upper left corner on.

    Raises:
        UsageError: it cannot be read.
    """
    from PIL import Image

    try:
        with Image.open(path) as image:
            pixels: npt.NDArray[np.uint8] = np.asarray(image.convert("RGB"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise _damaged(path, error) from error
    rows, columns = pixels.shape[0] // TILE, pixels.shape[1] // TILE
    grid = pixels[: rows * TILE, : columns * TILE].reshape(rows, TILE, columns, TILE, 3)
    every = grid.transpose(0, 2, 4, 1, 3).reshape(rows * columns, 3, TILE, TILE)
    chosen: Images = every[np.linspace(0, len(every) - 1, min(len(every), TILES)).round().astype(int)]
    return chosen


def _damaged(path: Path, error: Exception) -> UsageError:
    return UsageError(f"{path} cannot be read as an image: {error}", hint="remove it from the folder")
