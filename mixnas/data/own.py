"""Your own images, for classification: a folder with a sub-folder for each class, or an .npz file.

    photos/            or, with an official test part,   photos/train/cat/*.jpg
      cat/*.jpg                                          photos/test/cat/*.jpg
      dog/*.jpg

    images.npz: images uint8 [N, H, W] or [N, C, H, W], labels [N]; optional test_images and test_labels

Named by its path where a data set's name is asked for: `--dataset photos@64` resizes the images of the folder `photos`
to 64x64 (the shorter side is fitted, the rest cut off equally at both ends). Without a size all images must have the
same one already. Grey images give one channel, all others three. Without a test part a fifth of each class is cut off.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mixnas.errors import UsageError
from mixnas.printable import printable
from mixnas.records import Problem

if TYPE_CHECKING:
    from mixnas.data import Dataset
    from mixnas.data.cut import Images, Labels

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")


MOST_SWELLING = 200
"""Times that images may be smaller in their archive, beyond the first 64 MiB; a file that swells more was made to."""


def is_own(name: str) -> bool:
    """Whether a data set's name is a path."""
    return "/" in name or name.endswith(".npz") or Path(_split(name)[0]).is_dir()


def own_dataset(name: str) -> Dataset:
    """The record of a data set that is a path; looks at its files, but reads only one image.

    Raises:
        UsageError: there is nothing at the path, or no images of at least two classes.
    """
    from mixnas.data import Dataset

    path, size = _split(name)
    source = Path(path).expanduser().absolute()
    if not source.exists():
        raise UsageError(f"no data at {path!r}", hint="a folder with a sub-folder for each class, or an .npz file")
    problem = _npz_problem(source) if source.is_file() else _folder_problem(source, size)
    reader = "mixnas.data.own:read_npz" if source.is_file() else "mixnas.data.own:read_folder"
    return Dataset(name, problem, f"your own images in {path}", reader, own_files=True, source=f"{source}@{size}")


def read_npz(part: str, source: Path, download: bool) -> tuple[Images, Labels]:
    """The images and labels of one part of an .npz file.

    Raises:
        UsageError: an array is missing, or holds something else.
    """
    from mixnas.data.cut import embedded_part

    path = Path(_split(str(source))[0])
    with _open_npz(path) as arrays:
        official = "test_images" in arrays
        prefix = "test_" if official and part == "test" else ""
        images, labels = _array(arrays, f"{prefix}images", path), _labels(arrays, f"{prefix}labels", path)
    images = images[:, None] if images.ndim == 3 else images
    return (images, labels) if official else embedded_part(part, images, labels)


def read_folder(part: str, source: Path, download: bool) -> tuple[Images, Labels]:
    """The images and labels of one part of a folder; classes are numbered in the order of their names.

    Raises:
        UsageError: an image cannot be read, or has another size than the others.
    """
    import numpy as np

    from mixnas.data.cut import embedded_part

    text, size = _split(str(source))
    path = Path(text)
    root, official = _root(path, part)
    names = _classes(_root(path, "search")[0])
    channels = _folder_problem(path, size).in_channels
    files = [(file, label) for label, name in enumerate(names) for file in _images(root / name)]
    images = np.stack(_same_size([(file, _read_image(file, size, channels)) for file, _ in files]))
    labels = np.array([label for _, label in files], np.int64)
    return (images, labels) if official else embedded_part(part, images, labels)


def _split(name: str) -> tuple[str, int]:
    """`photos@64` to the path and the size, 0 where none is given."""
    path, mark, size = name.rpartition("@")
    return (path, int(size)) if mark and size.isdigit() else (name, 0)


def _root(path: Path, part: str) -> tuple[Path, bool]:
    """The folder of a part, and whether it is an official one."""
    if (path / "train").is_dir() and (path / "test").is_dir():
        return path / ("test" if part == "test" else "train"), True
    return path, False


def _classes(root: Path) -> list[str]:
    found = sorted(p.name for p in root.iterdir() if p.is_dir() and any(_images(p)))
    if len(found) < 2:
        raise UsageError(
            f"{root} has images of {len(found)} classes, at least 2 are needed",
            hint=f"one sub-folder for each class, with images in it: {', '.join(SUFFIXES)}",
        )
    return found


def _images(folder: Path) -> Iterable[Path]:
    return sorted(p for p in folder.glob("*") if p.suffix.lower() in SUFFIXES) if folder.is_dir() else ()


def _folder_problem(path: Path, size: int) -> Problem:
    root = _root(path, "search")[0]
    names = _classes(root)
    first = next(iter(_images(root / names[0])))
    image = _read_image(first, size, channels=0)
    channels, height, width = image.shape
    return Problem("classification", channels, height, width, len(names))


def _npz_problem(path: Path) -> Problem:
    with _open_npz(path) as arrays:
        images, labels = _array(arrays, "images", path), _labels(arrays, "labels", path)
    if str(images.dtype) != "uint8" or images.ndim not in (3, 4) or labels.shape != (len(images),) or not images.size:
        raise UsageError(
            f"{path}: images are {images.dtype} {list(images.shape)} and labels {list(labels.shape)}",
            hint="expected images uint8 [N, H, W] or [N, C, H, W], and labels [N]",
        )
    channels = images.shape[1] if images.ndim == 4 else 1
    return Problem("classification", channels, images.shape[-2], images.shape[-1], int(labels.max()) + 1)


def _open_npz(path: Path) -> Any:
    import zipfile

    import numpy as np

    if not zipfile.is_zipfile(path):
        raise UsageError(f"{path} is no .npz file", hint="np.savez(path, images=..., labels=...) writes one")
    try:
        return np.load(path, allow_pickle=False)
    except Exception as error:  # as in `_array`
        raise UsageError(
            f"{path} cannot be read: {printable(str(error), 200)}", hint="it is damaged; write it again"
        ) from error


def _array(arrays: Any, name: str, path: Path) -> Any:
    if name not in getattr(arrays, "files", ()):
        raise UsageError(f"{path} has no array {name!r}", hint="np.savez(path, images=..., labels=...)")
    try:
        _check_claim(arrays, name)
        found = arrays[name]
    except Exception as error:  # a damaged archive raises whatever the decompressor of its method raises
        reason = printable(str(error) or type(error).__name__, 200)
        raise UsageError(f"{path}: array {name!r} cannot be read: {reason}", hint="plain numbers only") from error
    if found.dtype.kind not in "biuf":
        raise UsageError(f"{path}: array {name!r} is of {found.dtype}, not of numbers", hint="plain numbers only")
    return found


def _labels(arrays: Any, name: str, path: Path) -> Any:
    """An array of class numbers, whatever type they were saved with."""
    import numpy as np

    labels = _array(arrays, name, path)
    if not (np.isfinite(labels) & (np.abs(labels.astype(float)) < 2**53)).all() or (labels % 1).any():
        raise UsageError(f"{path}: array {name!r} holds what no class is numbered by", hint="labels are 0, 1, 2, ...")
    return labels.astype(np.int64)


def _check_claim(arrays: Any, name: str) -> None:
    """Refuses an array that claims more numbers than the archive holds, or an archive made to fill a memory.

    Raises:
        ValueError: it is one of them; nothing has been allocated for it.
    """
    import math

    from numpy.lib import format as layout

    info = arrays.zip.getinfo(f"{name}.npy")
    if info.file_size > MOST_SWELLING * info.compress_size + (64 << 20):
        raise ValueError(f"{info.compress_size:,} bytes would unpack to {info.file_size:,}, as images never do")
    with arrays.zip.open(info) as member:
        read = {(1, 0): layout.read_array_header_1_0, (2, 0): layout.read_array_header_2_0}
        shape, _, dtype = read[layout.read_magic(member)](member)
    if any(size < 0 for size in shape) or math.prod(shape) * dtype.itemsize > info.file_size:
        raise ValueError(f"it claims shape {list(shape)[:8]} and has {info.file_size:,} bytes")


def _read_image(file: Path, size: int, channels: int) -> Any:
    """uint8 `[C, H, W]`; `channels=0` keeps what the file has."""
    import numpy as np
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(file) as opened:
            mode = {0: "L" if opened.mode in ("1", "L", "LA") else "RGB", 1: "L", 3: "RGB"}[channels]
            image = opened.convert(mode)
            if size:
                image = ImageOps.fit(image, (size, size))
            pixels = np.asarray(image)
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise UsageError(f"image {file} cannot be read: {error}", hint="mend or remove it") from error
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def _same_size(images: list[tuple[Path, Any]]) -> list[Any]:
    shape = images[0][1].shape
    for file, pixels in images:
        if pixels.shape != shape:
            raise UsageError(
                f"image {file} is {pixels.shape[2]}x{pixels.shape[1]}, {images[0][0]} is {shape[2]}x{shape[1]}",
                hint="have them resized: --dataset FOLDER@64",
            )
    return [pixels for _, pixels in images]
