"""Real data sets for segmentation in their official formats, opened by torchvision and resized.

    oxford-pet   128x128   `oxford-iiit-pet/` (Parkhi et al. 2012): pet, background, border
    voc2012      128x128   `VOCdevkit/VOC2012/` (Everingham et al.): background and 20 classes; borders have none
    cityscapes   128x256   `cityscapes/leftImg8bit/` and `gtFine/` (Cordts et al., arXiv:1604.01685): 19 classes

Images are resized with a filter that averages (Pillow's bilinear), classes by their nearest pixel; sides change their
proportion where the original has another. The labels of the official test parts of VOC and Cityscapes are not public:
their validation part is the test part here, as is usual.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from mixnas.data.cut import IGNORE, Examples, Maps
from mixnas.errors import UsageError

SQUARE, STREET = (128, 128), (128, 256)
"""Height and width."""


def oxford_pet(part: str, folder: Path, download: bool) -> Examples:
    """Images `[N, 3, 128, 128]` and classes: 0 pet, 1 background, 2 border.

    Raises:
        UsageError: the files are not there, or damaged.
    """
    from torchvision.datasets import OxfordIIITPet

    def open_it(fetch: bool) -> Any:
        split = "test" if part == "test" else "trainval"
        return OxfordIIITPet(folder, split, target_types="segmentation", download=fetch)

    classes = _table({1: 0, 2: 1, 3: 2})
    return _read(
        "oxford-pet", folder / "oxford-iiit-pet", _open("oxford-pet", folder, open_it, download), SQUARE, classes
    )


def voc2012(part: str, folder: Path, download: bool) -> Examples:
    """Images `[N, 3, 128, 128]` and classes 0 (background) to 20; 255 at borders.

    Raises:
        UsageError: the files are not there, or damaged.
    """
    from torchvision.datasets import VOCSegmentation

    def open_it(fetch: bool) -> Any:
        return VOCSegmentation(folder, "2012", "val" if part == "test" else "train", download=fetch)

    classes = _table({number: number for number in range(21)})
    return _read("voc2012", folder / "VOCdevkit", _open("voc2012", folder, open_it, download), SQUARE, classes)


def cityscapes(part: str, folder: Path, download: bool) -> Examples:
    """Images `[N, 3, 128, 256]` and the benchmark's classes 0 to 18; 255 for everything that it leaves out.

    Raises:
        UsageError: the files are not there, or damaged.
    """
    from torchvision.datasets import Cityscapes

    root = folder / "cityscapes"
    try:
        source = Cityscapes(str(root), "val" if part == "test" else "train", mode="fine", target_type="semantic")
    except (RuntimeError, OSError) as error:
        raise UsageError(
            f"data set 'cityscapes' is not in {root}: its folders leftImg8bit and gtFine are missing or incomplete",
            hint="only who has an account at cityscapes-dataset.com can download it: put both folders there, or name "
            "the folder above it with --data-dir or $MIXNAS_DATA",
        ) from error
    classes = _table({c.id: c.train_id for c in Cityscapes.classes if 0 <= c.train_id < IGNORE})
    return _read("cityscapes", root, source, STREET, classes)


def _open(name: str, folder: Path, open_it: Callable[[bool], Any], download: bool) -> Any:
    """torchvision's data set; fetched where it is missing and that is allowed."""
    try:
        return open_it(False)
    except (RuntimeError, OSError) as error:
        if not download:
            raise UsageError(
                f"data set {name!r} is not in {folder}, or not all of it",
                hint="add --download to fetch it, or name its folder with --data-dir or $MIXNAS_DATA",
            ) from error
    try:
        return open_it(True)
    except (RuntimeError, OSError) as error:
        raise UsageError(
            f"could not download data set {name!r} into {folder}: {error}", hint="check the network and the disk"
        ) from error


def _table(classes: dict[int, int]) -> Maps:
    """A class for each of the 256 values that a pixel of the files may have; those left out have none."""
    table = np.full(256, IGNORE, np.uint8)
    for value, number in classes.items():
        table[value] = number
    return table


def _read(name: str, root: Path, source: Any, size: tuple[int, int], classes: Maps) -> Examples:
    """All images and class maps of a data set of torchvision's, at one size.

    Raises:
        UsageError: an image cannot be read, or there are fewer than two.
    """
    from PIL.Image import Resampling

    height, width = size
    if len(source) < 2:
        raise UsageError(f"data set {name!r} in {root} has {len(source)} images", hint="are all its files there?")
    images = np.empty((len(source), 3, height, width), np.uint8)
    targets = np.empty((len(source), height, width), np.uint8)
    for number in range(len(source)):
        try:
            image, target = source[number]
            pixels = np.asarray(image.convert("RGB").resize((width, height), Resampling.BILINEAR))
            values = np.asarray(target.resize((width, height), Resampling.NEAREST))
        except (OSError, SyntaxError, ValueError) as error:  # what Pillow raises for a damaged file
            raise UsageError(
                f"data set {name!r} in {root}: image {number} cannot be read: {_first_line(error)}",
                hint="fetch its files again",
            ) from error
        images[number], targets[number] = pixels.transpose(2, 0, 1), classes[values]
    return Examples(images, targets)


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).strip().splitlines()[0]
