"""Fake kernels against real ones: every result of a step laid out alike, and no more memory inside than is modelled."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

from mixnas.cost.kernel_check import KERNELS, differs, modelled_and_measured
from mixnas.cost.kernels import like_the_kernel
from mixnas.cost.memory import Setup
from mixnas.cost.step import _optimiser_state, make_training
from mixnas.models import family
from mixnas.records import Candidate, Problem

Laid = list[tuple[tuple[int, ...], tuple[int, ...], torch.dtype]]
ONE_PIXEL: Candidate = {"width": 16, "depth": 2, "levels": 3, "stem": "strided", "stem.stride": 2, "dropout": 0.1}
STEPS: list[tuple[str, Candidate, Setup, Problem]] = [
    ("splitmixer", {**family("splitmixer").tiny, "norm": "layer"}, Setup(4, "bf16"), Problem.square(8)),
    ("splitmixer", {**family("splitmixer").tiny, "activation": "silu"}, Setup(4), Problem.square(8)),
    ("wavemix_lite", {**ONE_PIXEL, "upsample": "interpolate"}, Setup(8), Problem.square(32)),
    ("wavemix_lite", {**ONE_PIXEL, "upsample": "interpolate"}, Setup(8, "bf16"), Problem.square(32)),
    ("wavemix_lite", {"width": 16, "depth": 2, "wavelet": "db2", "levels": 2}, Setup(4), Problem.square(16)),
    ("mlp_mixer", family("mlp_mixer").tiny, Setup(4, "bf16"), Problem.square(16)),
    ("mlp_mixer", family("mlp_mixer").tiny, Setup(4), Problem.square(16)),
    ("hybrid", family("hybrid").tiny, Setup(4), Problem("segmentation", 3, 16, 16, 4)),
    ("hybrid", family("hybrid").tiny, Setup(4, "bf16"), Problem("super_resolution", 3, 16, 16, 3)),
]


class Noted(TorchDispatchMode):
    """Writes down each operation with what it reads and gives back."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.steps: list[tuple[str, Laid, Laid]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.ops.prim.device.default:
            return args[0].fake_device
        result = like_the_kernel(func, args, func(*args, **(kwargs or {})))
        results = result if isinstance(result, tuple | list) else (result,)
        self.steps.append((str(func), _laid(args), _laid(results)))
        return result


def _laid(values: Any) -> Laid:
    """Shapes, strides of sides longer than one (others say nothing) and types."""
    return [
        (tuple(x.shape), tuple(s for s, n in zip(x.stride(), x.shape, strict=True) if n > 1), x.dtype)
        for x in values
        if isinstance(x, Tensor)
    ]


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _step(name: str, axes: Candidate, setup: Setup, problem: Problem, fake: bool) -> list[tuple[str, Laid, Laid]]:
    model = family(name).build(axes, problem)
    if fake:
        model.to = lambda *_, **__: model  # type: ignore[method-assign]
    training = make_training(model, problem, setup.recipe(), setup.batch_size)
    images, targets = training.train.images, training.train.targets
    for parameter in training.model.parameters():
        _optimiser_state(training, parameter)
    with Noted() as noted:
        training.train_step(images, targets)
    return noted.steps


@pytest.mark.skipif(torch.backends.cpu.get_cpu_capability() != "AVX512", reason="known for AVX-512 only")
@pytest.mark.parametrize(("name", "axes", "setup", "problem"), STEPS)
def test_results_are_laid_out_as_real_ones(name: str, axes: Candidate, setup: Setup, problem: Problem) -> None:
    with _one_thread():
        real = _step(name, axes, setup, problem, fake=False)
        with FakeTensorMode(allow_non_fake_inputs=True):
            fake = _step(name, axes, setup, problem, fake=True)
    compared = 0
    for one, other in zip(real, fake, strict=False):
        if "foreach_norm" in one[0]:  # fake tensors take norms one by one from here on
            break
        assert one == other
        compared += 1
    assert compared > 50


@pytest.mark.skipif(torch.backends.cpu.get_cpu_capability() != "AVX512", reason="known for AVX-512 only")
@pytest.mark.parametrize("name", [name for name in KERNELS if "channels innermost" in name])
def test_kernels_take_inside_what_is_modelled(name: str) -> None:
    assert not differs(*modelled_and_measured(name))
