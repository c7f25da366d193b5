"""The metrics against torchmetrics, and what makes them exact whatever the batches."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torchmetrics.classification import MulticlassAccuracy, MulticlassJaccardIndex
from torchmetrics.image import PeakSignalNoiseRatio, StructuralSimilarityIndexMeasure

from mixnas.data.cut import IGNORE
from mixnas.metrics import confusion, mean_iou, pixel_accuracy, psnr, ssim
from mixnas.objectives import OBJECTIVES
from mixnas.tasks import TASKS, task


def maps(seed: int, classes: int, ignored: float, present: int) -> tuple[Tensor, Tensor]:
    """Outputs `[4, classes, 6, 7]` and targets of `present` classes, a share of whose pixels has none."""
    generator = torch.Generator().manual_seed(seed)
    targets = torch.randint(0, present, (4, 6, 7), generator=generator)
    outputs = torch.randn(4, classes, 6, 7, generator=generator) + 2 * F.one_hot(targets, classes).movedim(-1, 1)
    hidden = torch.rand(targets.shape, generator=generator) < ignored
    hidden.view(-1)[0] = False
    return outputs, targets.masked_fill(hidden, IGNORE).to(torch.uint8)


def pictures(seed: int, channels: int, height: int, width: int, noise: float) -> tuple[Tensor, Tensor]:
    """Outputs that may leave 0..1, and what they should be: uint8."""
    generator = torch.Generator().manual_seed(seed)
    truth = torch.randint(0, 256, (3, channels, height, width), dtype=torch.uint8, generator=generator)
    return truth / 255 + noise * torch.randn(truth.shape, generator=generator), truth


def tallied(name: str, outputs: Tensor, targets: Tensor, batch: int) -> dict[str, float]:
    record = task(name)
    parts = zip(torch.split(outputs, batch), torch.split(targets, batch), strict=True)
    return record.metrics(torch.stack([record.tally(o, t) for o, t in parts]).sum(0))


@given(
    seed=st.integers(0, 10**6),
    classes=st.integers(2, 12),
    ignored=st.sampled_from([0.0, 0.3, 0.9]),
    data=st.data(),
)
def test_segmentation_agrees_with_torchmetrics(seed: int, classes: int, ignored: float, data: Any) -> None:
    outputs, targets = maps(seed, classes, ignored, data.draw(st.integers(1, classes)))
    found = tallied("segmentation", outputs, targets, data.draw(st.integers(1, 4)))
    iou = MulticlassJaccardIndex(classes, average="macro", ignore_index=IGNORE)
    accuracy = MulticlassAccuracy(classes, average="micro", ignore_index=IGNORE)
    assert found["miou"] == pytest.approx(float(iou(outputs, targets.long())), abs=1e-5)
    assert found["pixel_acc"] == pytest.approx(float(accuracy(outputs, targets.long())), abs=1e-5)


@given(
    seed=st.integers(0, 10**6),
    channels=st.sampled_from([1, 3]),
    height=st.integers(6, 30),
    width=st.integers(6, 30),
    noise=st.sampled_from([0.01, 0.1, 0.5]),
    batch=st.integers(1, 3),
)
def test_super_resolution_agrees_with_torchmetrics(
    seed: int, channels: int, height: int, width: int, noise: float, batch: int
) -> None:
    outputs, truth = pictures(seed, channels, height, width, noise)
    found = tallied("super_resolution", outputs, truth, batch)
    images, expected = outputs.double().clamp(0, 1), truth.double() / 255
    theirs = PeakSignalNoiseRatio(data_range=1.0, reduction="elementwise_mean", dim=(1, 2, 3))
    assert found["psnr"] == pytest.approx(float(theirs(images, expected)), abs=1e-3)
    assert found["ssim"] == pytest.approx(
        float(StructuralSimilarityIndexMeasure(data_range=1.0)(images, expected)), abs=1e-5
    )


def test_mean_iou_by_hand() -> None:
    """Class 0: 2 of 3 pixels; class 1: 1 of 3; class 2 is neither there nor predicted."""
    targets = torch.tensor([[0, 0, 1, 1, IGNORE]], dtype=torch.uint8)
    counts = confusion(torch.tensor([[0, 0, 0, 1, 2]]), targets, 3)
    assert counts.tolist() == [[2, 0, 0], [1, 1, 0], [0, 0, 0]]
    assert mean_iou(counts) == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert pixel_accuracy(counts) == 3 / 4


def test_a_class_that_is_only_predicted_counts_as_missed() -> None:
    counts = confusion(torch.tensor([0, 2]), torch.tensor([0, 0], dtype=torch.uint8), 3)
    assert mean_iou(counts) == pytest.approx((1 / 2 + 0) / 2)


def test_no_pixel_with_a_class_is_no_number() -> None:
    counts = confusion(torch.tensor([0]), torch.tensor([IGNORE], dtype=torch.uint8), 3)
    assert math.isnan(mean_iou(counts)) and math.isnan(pixel_accuracy(counts))


def test_a_perfect_image_has_a_finite_value() -> None:
    image = torch.rand(2, 1, 16, 16, dtype=torch.float64)
    assert psnr(image, image).tolist() == pytest.approx([100.0, 100.0])
    assert ssim(image, image).tolist() == pytest.approx([1.0, 1.0])
    assert psnr(image * 0, image * 0 + 0.1).tolist() == pytest.approx([20.0, 20.0])


def test_small_images_have_a_smaller_window() -> None:
    image = torch.rand(1, 1, 3, 4, dtype=torch.float64)
    assert ssim(image, image).item() == pytest.approx(1.0)
    assert ssim(image, image.flip(-1)).item() < 0.9


def test_what_leaves_the_range_counts_as_its_end() -> None:
    outputs, truth = torch.full((1, 1, 16, 16), 7.0), torch.full((1, 1, 16, 16), 255, dtype=torch.uint8)
    assert tallied("super_resolution", outputs, truth, 1)["psnr"] == pytest.approx(100.0)


@given(seed=st.integers(0, 1000), smoothing=st.sampled_from([0.0, 0.1]))
def test_pixels_without_a_class_do_not_enter_the_loss(seed: int, smoothing: float) -> None:
    outputs, targets = maps(seed, 5, 0.4, 5)
    known = targets != IGNORE
    expected = F.cross_entropy(outputs.movedim(1, -1)[known], targets[known].long(), label_smoothing=smoothing)
    assert torch.allclose(task("segmentation").loss(outputs, targets, smoothing), expected, atol=1e-6)


def test_a_batch_without_any_class_has_a_loss_of_zero() -> None:
    outputs = torch.randn(2, 3, 4, 4, requires_grad=True)
    loss = task("segmentation").loss(outputs, torch.full((2, 4, 4), IGNORE, dtype=torch.uint8), 0.1)
    loss.backward()  # type: ignore[no-untyped-call]
    assert loss.item() == 0 and outputs.grad is not None and not outputs.grad.any()


def test_the_loss_of_super_resolution_is_in_units_of_the_range() -> None:
    truth = torch.full((2, 3, 8, 8), 51, dtype=torch.uint8)
    assert task("super_resolution").loss(torch.zeros(truth.shape), truth, 0.1).item() == pytest.approx(0.2)


def test_every_task_measures_all_of_its_objectives() -> None:
    examples = {
        "classification": (torch.randn(4, 3), torch.tensor([0, 1, 2, 0])),
        "segmentation": maps(0, 3, 0.1, 3),
        "super_resolution": pictures(0, 1, 16, 16, 0.1),
    }
    assert set(examples) == set(TASKS)
    for name, (outputs, targets) in examples.items():
        own = {o.name for o in OBJECTIVES.values() if o.task == name}
        assert set(tallied(name, outputs, targets, 2)) == own
