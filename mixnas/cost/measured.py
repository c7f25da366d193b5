"""Peak memory as it is, not as it is predicted: the check of `memory`, and what counts on CUDA.

On a CPU the allocator tells the profiler of everything it gives and takes back; on CUDA it keeps the peak itself. Both
train for two steps on random images and read the second one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile, record_function

from mixnas.cost.memory import Setup
from mixnas.cost.step import make_training
from mixnas.errors import UsageError
from mixnas.models import family as find_family
from mixnas.records import Candidate, Problem
from mixnas.training import Training

_STEP = "mixnas: the step that counts"


def measured_memory(family: str, axes: Candidate, problem: Problem, setup: Setup, device: str = "cpu") -> int:
    """Peak bytes of the second training step on that device, without the data set.

    Raises:
        UsageError: the device is not there.
    """
    if torch.device(device).type == "cuda":
        return _on_cuda(family, axes, problem, setup, device)
    return _on_cpu(family, axes, problem, setup)


def _on_cpu(family: str, axes: Candidate, problem: Problem, setup: Setup) -> int:
    order = torch.arange(setup.batch_size)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        training = make_training(_build(family, axes, problem), problem, setup.recipe(), setup.batch_size)
        own = sum(part.untyped_storage().nbytes() for part in (training.train.images, training.train.targets))
        _step(training, order)
        with record_function(_STEP):
            _step(training, order)
    live = most = 0
    for _, size, counts in sorted(allocations(profiler)):
        live += size
        if counts:
            most = max(most, live)
    return most - own


def _on_cuda(family: str, axes: Candidate, problem: Problem, setup: Setup, device: str) -> int:
    if not torch.cuda.is_available():
        raise UsageError(f"no such device here: {device}", hint="without a GPU memory is predicted, not measured")
    before = torch.cuda.memory_allocated(device)
    training = make_training(_build(family, axes, problem), problem, setup.recipe(), setup.batch_size, device)
    own = sum(part.untyped_storage().nbytes() for part in (training.train.images, training.train.targets))
    order = torch.arange(setup.batch_size, device=device)
    _step(training, order)
    torch.cuda.synchronize(device)
    torch.cuda.reset_peak_memory_stats(device)
    _step(training, order)
    torch.cuda.synchronize(device)
    return torch.cuda.max_memory_allocated(device) - before - own


def _build(family: str, axes: Candidate, problem: Problem) -> nn.Module:
    return find_family(family).build(axes, problem)


def _step(training: Training, order: torch.Tensor) -> None:
    training.train_step(training.train.images[order], training.train.targets[order])


def allocations(profiler: Any) -> Iterator[tuple[int, int, bool]]:
    """When, how many bytes (negative: given back), and whether in the step that counts."""

    def walk(node: Any, inside: bool) -> Iterator[tuple[int, int, bool]]:
        inside = inside or node.name == _STEP
        if node.tag.name == "Allocation":
            yield node.start_time_ns, node.extra_fields.alloc_size, inside
        for child in node.children:
            yield from walk(child, inside)

    for root in profiler.profiler.kineto_results.experimental_event_tree():
        yield from walk(root, False)
