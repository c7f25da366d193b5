"""CIFAR files in their true format, small: written here as the originals are."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision

from mixnas.data import load_splits, load_test
from mixnas.data.splits import splits
from mixnas.errors import UsageError

PER_FILE = 40


def write_batch(path: Path, key: str, classes: int, seed: int, count: int = PER_FILE) -> np.ndarray[Any, Any]:
    """One file of the original format: a pickled dict, images as rows of 1024 red, 1024 green, 1024 blue values."""
    rng = np.random.default_rng(seed)
    data = rng.integers(0, 256, (count, 3072), dtype=np.uint8)
    labels = [int(i % classes) for i in range(count)]
    content = {"batch_label": path.name, key: labels, "data": data, "filenames": [f"{i}.png" for i in range(count)]}
    if key == "fine_labels":
        content["coarse_labels"] = [label // 5 for label in labels]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(content, protocol=2))
    return data


def cifar10_folder(root: Path) -> Path:
    folder = root / "cifar-10-batches-py"
    for number, name in enumerate([*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]):
        write_batch(folder / name, "labels", 10, number)
    return folder


@pytest.fixture(autouse=True)
def _fresh_cache() -> None:
    splits.cache_clear()


def test_cifar10(tmp_path: Path) -> None:
    folder = cifar10_folder(tmp_path)
    found, test = load_splits("cifar10", data_dir=tmp_path), load_test("cifar10", tmp_path)
    assert (len(found.train), len(found.validation), len(test)) == (180, 20, PER_FILE)
    assert test.images.shape[1:] == (3, 32, 32)
    raw = pickle.loads((folder / "test_batch").read_bytes())["data"]
    assert test.images[7, 1, 2, 3] == raw[7, 1024 + 2 * 32 + 3]


def test_cifar10_agrees_with_torchvision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cifar10_folder(tmp_path)
    monkeypatch.setattr(torchvision.datasets.CIFAR10, "_check_integrity", lambda self: True)
    monkeypatch.setattr(torchvision.datasets.CIFAR10, "_load_meta", lambda self: None)
    theirs, ours = torchvision.datasets.CIFAR10(tmp_path, train=False), load_test("cifar10", tmp_path)
    assert np.array_equal(theirs.data, ours.images.permute(0, 2, 3, 1).numpy())
    assert theirs.targets == ours.targets.tolist()


def test_cifar100_takes_the_fine_labels(tmp_path: Path) -> None:
    for number, name in enumerate(("train", "test")):
        write_batch(tmp_path / "cifar-100-python" / name, "fine_labels", 100, number, count=400)
    found, test = load_splits("cifar100", data_dir=tmp_path), load_test("cifar100", tmp_path)
    assert (len(found.train), len(found.validation), len(test)) == (300, 100, 400)  # at least one of each class
    assert torch.bincount(test.targets).tolist() == [4] * 100


def test_a_search_needs_no_test_file(tmp_path: Path) -> None:
    (cifar10_folder(tmp_path) / "test_batch").unlink()
    assert len(load_splits("cifar10", data_dir=tmp_path).train) == 180
    with pytest.raises(UsageError, match="test_batch missing"):
        load_test("cifar10", tmp_path)


def test_missing_files_say_where_and_the_way_out(tmp_path: Path) -> None:
    message = f"'cifar10' is not in {tmp_path}/cifar-10-batches-py .*data_batch_1.*--download.*MIXNAS_DATA"
    with pytest.raises(UsageError, match=message):
        load_splits("cifar10", data_dir=tmp_path)


def test_a_failed_download_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torchvision.datasets.CIFAR10, "url", "http://127.0.0.1:9/nothing.tar.gz")
    with pytest.raises(UsageError, match="could not download data set 'cifar10' into"):
        load_splits("cifar10", data_dir=tmp_path, download=True)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "EOFError"),
        (pickle.dumps({"labels": [1]}), "KeyError: 'data'"),
        (pickle.dumps({"labels": [1, 2], "data": np.zeros((3, 3072), np.uint8)}), r"expected uint8 data \[2, 3072\]"),
        (pickle.dumps({"labels": [1], "data": np.zeros((1, 3072), np.float32)}), "expected uint8 data"),
        (pickle.dumps({"labels": [10], "data": np.zeros((1, 3072), np.uint8)}), "expected labels from 0 to 9"),
        (pickle.dumps([1, 2, 3]), "TypeError"),
    ],
)
def test_damaged_files(tmp_path: Path, content: bytes, why: str) -> None:
    path = cifar10_folder(tmp_path) / "data_batch_3"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=f"data_batch_3 is damaged: {why}.*delete it"):
        load_splits("cifar10", data_dir=tmp_path)


def test_a_truncated_file(tmp_path: Path) -> None:
    path = cifar10_folder(tmp_path) / "data_batch_2"
    path.write_bytes(path.read_bytes()[: PER_FILE * 1500])
    with pytest.raises(UsageError, match="data_batch_2 is damaged: UnpicklingError"):
        load_splits("cifar10", data_dir=tmp_path)


class Malicious:
    def __init__(self, marker: str) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (self.marker,))


def test_a_pickle_cannot_run_code(tmp_path: Path) -> None:
    path, marker = cifar10_folder(tmp_path) / "data_batch_1", tmp_path / "was-run"
    path.write_bytes(pickle.dumps({"labels": [1], "data": Malicious(str(marker))}))
    with pytest.raises(UsageError, match=r"it names posix\.mkdir, which no CIFAR file needs"):
        load_splits("cifar10", data_dir=tmp_path)
    assert not marker.exists()
