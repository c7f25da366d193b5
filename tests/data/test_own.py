"""The user's own images: folders and arrays, and what can be wrong with them."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from mixnas.data import dataset, load_splits, load_test
from mixnas.errors import UnknownName, UsageError

DIGITS = load_digits()


def write_folder(root: Path, per_class: int = 10, classes: int = 3, size: int = 8) -> None:
    """Real digits as PNG files, a sub-folder for each class."""
    for label in range(classes):
        (root / f"digit-{label}").mkdir(parents=True)
        for i, pixels in enumerate(DIGITS.images[DIGITS.target == label][:per_class]):
            image = Image.fromarray((pixels * 15).astype(np.uint8))
            image.resize((size, size)).save(root / f"digit-{label}" / f"{i}.png")


def test_a_folder_of_classes(tmp_path: Path) -> None:
    write_folder(tmp_path / "photos")
    name = str(tmp_path / "photos")
    assert dataset(name).problem.input == (1, 8, 8) and dataset(name).problem.num_classes == 3
    splits, test = load_splits(name), load_test(name)
    assert (len(splits.train) + len(splits.validation), len(test)) == (24, 6)
    assert sorted(test.targets.tolist()) == [0, 0, 1, 1, 2, 2]
    pixels = {image.numpy().tobytes() for part in (splits.train, splits.validation, test) for image in part.images}
    sources = [(DIGITS.images[DIGITS.target == c][:10] * 15).astype(np.uint8) for c in range(3)]
    assert pixels == {image.tobytes() for source in sources for image in source}


def test_an_official_test_part_is_kept_apart(tmp_path: Path) -> None:
    write_folder(tmp_path / "photos" / "train", per_class=8)
    write_folder(tmp_path / "photos" / "test", per_class=3)
    name = str(tmp_path / "photos")
    splits = load_splits(name)
    assert (len(splits.train) + len(splits.validation), len(load_test(name))) == (24, 9)


def test_a_size_behind_the_path_resizes(tmp_path: Path) -> None:
    write_folder(tmp_path / "photos", size=8)
    Image.new("RGB", (40, 20), "red").save(tmp_path / "photos" / "digit-0" / "odd.png")
    name = str(tmp_path / "photos")
    assert dataset(f"{name}@16").problem.input == (1, 16, 16)
    assert load_splits(f"{name}@16").train.images.shape[1:] == (1, 16, 16)
    with pytest.raises(UsageError, match=r"odd\.png is 40x20, .* is 8x8") as caught:
        load_splits(name)
    assert "FOLDER@64" in caught.value.hint


@pytest.mark.parametrize("channels", [None, 3])
def test_arrays_in_a_file(tmp_path: Path, channels: int | None) -> None:
    images = (DIGITS.images[:60] * 15).astype(np.uint8)
    images = images if channels is None else np.repeat(images[:, None], channels, axis=1)
    np.savez(tmp_path / "a.npz", images=images, labels=DIGITS.target[:60])
    name = str(tmp_path / "a.npz")
    assert dataset(name).problem.input == (channels or 1, 8, 8) and dataset(name).problem.num_classes == 10
    assert len(load_splits(name).train) + len(load_splits(name).validation) + len(load_test(name)) == 60
    np.savez(
        tmp_path / "b.npz",
        images=images[:50],
        labels=DIGITS.target[:50],
        test_images=images[50:],
        test_labels=DIGITS.target[50:60],
    )
    assert load_test(str(tmp_path / "b.npz")).targets.tolist() == DIGITS.target[50:60].tolist()


def test_what_can_be_wrong(tmp_path: Path) -> None:
    def refused(name: str, message: str) -> None:
        with pytest.raises(UsageError, match=message):
            load_splits(str(tmp_path / name))

    refused("nothing/here", "no data at")
    (tmp_path / "empty").mkdir()
    refused("empty", "images of 0 classes, at least 2 are needed")
    write_folder(tmp_path / "one", classes=1)
    refused("one", "images of 1 classes")
    write_folder(tmp_path / "broken")
    (tmp_path / "broken" / "digit-1" / "3.png").write_bytes(b"not an image")
    refused("broken", r"3\.png cannot be read")
    (tmp_path / "text.npz").write_text("no zip")
    refused("text.npz", r"is no \.npz file")
    np.savez(tmp_path / "lacks.npz", images=np.zeros((4, 8, 8), np.uint8))
    refused("lacks.npz", "no array 'labels'")
    np.savez(tmp_path / "floats.npz", images=np.zeros((4, 8, 8)), labels=np.zeros(4, int))
    refused("floats.npz", "images are float64")
    np.savez(tmp_path / "code.npz", images=np.array([print], object), labels=np.zeros(1, int))
    refused("code.npz", "array 'images' cannot be read")
    with pytest.raises(UnknownName, match="unknown data set 'digit'"):
        dataset("digit")


def _npz(path: Path, **arrays: bytes) -> str:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in arrays.items():
            archive.writestr(f"{name}.npy", content)
    return str(path)


def _array(data: Any, shape: tuple[int, ...] | None = None) -> bytes:
    """An array file, which may claim another shape than it has."""
    content, array = io.BytesIO(), np.asarray(data)
    described = {"descr": array.dtype.str, "fortran_order": False, "shape": shape or array.shape}
    np.lib.format.write_array_header_1_0(content, described)
    return content.getvalue() + array.tobytes()


def test_arrays_that_claim_more_than_they_have_or_were_made_to_fill_a_memory(tmp_path: Path) -> None:
    pixels, labels = np.zeros((6, 8, 8), np.uint8), np.arange(6) % 3
    sound = _npz(tmp_path / "sound.npz", images=_array(pixels), labels=_array(labels))
    assert dataset(sound).problem.num_classes == 3
    claims = _npz(tmp_path / "claims.npz", images=_array(pixels, (10**9, 1000, 1000)), labels=_array(labels))
    with pytest.raises(UsageError, match=r"array 'images' cannot be read: it claims shape \[1000000000, 1000, 1000\]"):
        dataset(claims)
    bomb = _npz(tmp_path / "bomb.npz", images=_array(np.zeros((1, 300 << 20), np.uint8)), labels=_array(labels))
    with pytest.raises(UsageError, match="would unpack to 314,572,928, as images never do"):
        dataset(bomb)


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (np.array(3), r"labels \[\] \(expected"),
        (np.array(["a"] * 6), "array 'labels' is of <U1, not of numbers"),
        (np.arange(6) / 4, "array 'labels' holds what no class is numbered by"),
        (np.array([0, 1, np.nan, 1, 0, 1]), "array 'labels' holds what no class is numbered by"),
        (np.array([0, 1, 2**63, 1, 0, 1], np.uint64), "array 'labels' holds what no class is numbered by"),
    ],
)
def test_labels_that_are_none(tmp_path: Path, labels: Any, says: str) -> None:
    images = np.zeros((6, 8, 8), np.uint8)
    np.savez(tmp_path / "it.npz", images=images, labels=labels)
    with pytest.raises(UsageError, match=says):
        load_splits(str(tmp_path / "it.npz"))


def test_one_label_for_all_test_images(tmp_path: Path) -> None:
    images = np.zeros((6, 8, 8), np.uint8)
    np.savez(tmp_path / "it.npz", images=images, labels=np.arange(6), test_images=images, test_labels=np.array(3))
    with pytest.raises(UsageError, match=r"expected an array of targets and uint8 images \[1, 8, 8\]"):
        load_test(str(tmp_path / "it.npz"))


def test_an_empty_file_of_images(tmp_path: Path) -> None:
    np.savez(tmp_path / "it.npz", images=np.zeros((0, 8, 8), np.uint8), labels=np.zeros(0, int))
    with pytest.raises(UsageError, match="images are uint8"):
        dataset(str(tmp_path / "it.npz"))
