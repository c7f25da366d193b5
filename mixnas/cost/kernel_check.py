"""Are the kernels of this processor those whose own memory is modelled? Each is run alone and measured.

`workspace` was written from oneDNN's kernels for AVX-512. Another processor, or another build of torch, may choose
others; then the predictions are off by what those take inside, and this says which they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.profiler import ProfilerActivity, profile, record_function

from mixnas.cost.measured import allocations
from mixnas.cost.workspace import find_work

_aten = torch.ops.aten
Arguments = Callable[[], tuple[Any, ...]]

TOLERANCE = 0.03
LEAST = 8 * 2**20
"""Bytes: a difference is judged as a share of what was measured, or of this where less was. A step takes no less."""


def _convolved(
    channels: tuple[int, int], kernel: tuple[int, int], groups: int, dtype: torch.dtype, innermost: bool, backward: bool
) -> tuple[Any, ...]:
    """Arguments of a convolution of 16 images of 32x32 that keeps their size, or of its backward pass.

    Weights have their channels innermost, as in our training; images may have come another way.
    """
    layout = torch.channels_last if innermost else torch.contiguous_format
    padding = [kernel[0] // 2, kernel[1] // 2]
    x = torch.randn(16, channels[0], 32, 32, dtype=dtype).contiguous(memory_format=layout)
    weight = torch.randn(channels[1], channels[0] // groups, *kernel, dtype=dtype)
    weight = weight.contiguous(memory_format=torch.channels_last)
    tail: tuple[Any, ...] = ([1, 1], padding, [1, 1], False, [0, 0], groups)
    if not backward:
        return (x, weight, torch.randn(channels[1], dtype=dtype), *tail)
    gradient = torch.randn(16, channels[1], 32, 32, dtype=dtype).contiguous(memory_format=layout)
    return (gradient, x, weight, [channels[1]], *tail, [True, True, True])


def _case(
    channels: tuple[int, int], kernel: tuple[int, int], groups: int, dtype: torch.dtype, innermost: bool, backward: bool
) -> tuple[Any, Arguments]:
    operator = _aten.convolution_backward.default if backward else _aten.convolution.default
    return operator, lambda: _convolved(channels, kernel, groups, dtype, innermost, backward)


_WHAT: Mapping[str, tuple[tuple[int, int], tuple[int, int], int]] = {
    "convolution 1x1": ((64, 64), (1, 1), 1),
    "convolution 3x3, ragged channels": ((40, 72), (3, 3), 1),
    "depthwise 3x3": ((64, 64), (3, 3), 64),
    "depthwise 1x9": ((64, 64), (1, 9), 64),
    "depthwise 9x9": ((64, 64), (9, 9), 64),
}
KERNELS: Mapping[str, tuple[Any, Arguments]] = {
    f"{name}, {precision}, {layout}{', backward' if backward else ''}": _case(
        *what, dtype, layout == "channels innermost", backward
    )
    for name, what in _WHAT.items()
    for precision, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16))
    for layout in ("channels innermost", "channels outside")
    for backward in (False, True)
}
"""By what they are: the operator, and what makes its arguments."""


def modelled_and_measured(name: str) -> tuple[int, int]:
    """Bytes that a kernel takes inside itself beside its results: as modelled, and as the allocator tells."""
    operator, make = KERNELS[name]
    with FakeTensorMode():
        work = find_work(operator, make())
    return (work.size({}) if work is not None else 0), _inside(operator, make())


def differing() -> list[str]:
    """The kernels that take something else here than what is modelled."""
    return [name for name in KERNELS if differs(*modelled_and_measured(name))]


def differs(modelled: int, measured: int) -> bool:
    """Whether a step of a model could be off by more than `TOLERANCE` for it."""
    return abs(modelled - measured) > TOLERANCE * max(measured, LEAST)


def _inside(operator: Any, arguments: tuple[Any, ...]) -> int:
    """Peak of the second run beyond what its results take."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        operator(*arguments)
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler, record_function("kernel"):
            results = operator(*arguments)
    finally:
        torch.set_num_threads(threads)
    live = most = 0
    for _, size, _ in sorted(allocations(profiler)):
        live += size
        most = max(most, live)
    kept = results if isinstance(results, tuple) else (results,)
    return most - sum(x.untyped_storage().nbytes() for x in kept if isinstance(x, Tensor))
