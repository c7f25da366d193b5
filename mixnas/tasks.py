"""What differs between tasks in training: the loss, and how the validation metrics are added up. One row a task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from mixnas.errors import UnknownName


@dataclass(frozen=True)
class TaskRecord:
    """One task. The names of the metrics are those of `mixnas.objectives`, which say which way is better."""

    name: str
    main: str
    """The metric to show first."""
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


_TABLE = (TaskRecord("classification", "acc", _cross_entropy, _hits, _accuracy),)

TASKS: dict[str, TaskRecord] = {record.name: record for record in _TABLE}


def task(name: str) -> TaskRecord:
    """The task of that name.

    Raises:
        UnknownName: there is none.
    """
    if name not in TASKS:
        raise UnknownName("task", name, TASKS)
    return TASKS[name]
