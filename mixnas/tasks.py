"""What differs between tasks in training: the loss, and how the validation metrics are added up. One row a task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from mixnas.data.cut import IGNORE
from mixnas.errors import UnknownName
from mixnas.metrics import confusion, mean_iou, pixel_accuracy, psnr, ssim


@dataclass(frozen=True)
class TaskRecord:
    """One task. The names of the metrics are those of `mixnas.objectives`, which say which way is better."""

    name: str
    loss: Callable[[Tensor, Tensor, float], Tensor]
    """Mean loss of a batch from outputs, targets and label smoothing."""
    tally: Callable[[Tensor, Tensor], Tensor]
    """What to add up over batches, of outputs and targets; a float64 tensor."""
    metrics: Callable[[Tensor], dict[str, float]]
    """The metrics of the whole, from the sum of the tallies: exact whatever the batch size."""


def _cross_entropy(outputs: Tensor, targets: Tensor, label_smoothing: float) -> Tensor:
    return F.cross_entropy(outputs.float(), targets, label_smoothing=label_smoothing)


def _hits(outputs: Tensor, targets: Tensor) -> Tensor:
    hits = (outputs.argmax(1) == targets).sum()
    return torch.stack([hits, torch.full_like(hits, len(targets))]).double()


def _accuracy(tally: Tensor) -> dict[str, float]:
    hits, count = tally.tolist()
    return {"acc": hits / count, "error": (count - hits) / count}


def _pixel_cross_entropy(outputs: Tensor, targets: Tensor, label_smoothing: float) -> Tensor:
    """Mean over the pixels that have a class; 0 where there is none."""
    total = F.cross_entropy(
        outputs.float(), targets.long(), ignore_index=IGNORE, label_smoothing=label_smoothing, reduction="sum"
    )
    return total / (targets != IGNORE).sum().clamp(min=1)


def _pixel_confusion(outputs: Tensor, targets: Tensor) -> Tensor:
    return confusion(outputs.argmax(1), targets, outputs.shape[1])


def _segmentation(counts: Tensor) -> dict[str, float]:
    return {"miou": mean_iou(counts), "pixel_acc": pixel_accuracy(counts)}


def _absolute_error(outputs: Tensor, targets: Tensor, label_smoothing: float) -> Tensor:
    """Mean absolute error of pixel values in 0..1; there is nothing to smooth.

    As usual since EDSR (arXiv:1707.02921). On `digits-sr` it gave the PSNR of the squared error to within 0.15 dB and,
    in three of four comparisons, a higher SSIM.
    """
    return F.l1_loss(outputs.float(), targets.float() / 255)


def _likeness(outputs: Tensor, targets: Tensor) -> Tensor:
    images, truth = outputs.double().clamp(0, 1), targets.double() / 255
    count = torch.full((), len(targets), dtype=torch.float64, device=targets.device)
    return torch.stack([psnr(images, truth).sum(), ssim(images, truth).sum(), count])


def _super_resolution(tally: Tensor) -> dict[str, float]:
    """Means over the images."""
    decibels, likeness, count = tally.tolist()
    return {"psnr": decibels / count, "ssim": likeness / count}


_TABLE = (
    TaskRecord("classification", _cross_entropy, _hits, _accuracy),
    TaskRecord("segmentation", _pixel_cross_entropy, _pixel_confusion, _segmentation),
    TaskRecord("super_resolution", _absolute_error, _likeness, _super_resolution),
)

TASKS: dict[str, TaskRecord] = {record.name: record for record in _TABLE}


def task(name: str) -> TaskRecord:
    """The task of that name.

    Raises:
        UnknownName: there is none.
    """
    if name not in TASKS:
        raise UnknownName("task", name, TASKS)
    return TASKS[name]
