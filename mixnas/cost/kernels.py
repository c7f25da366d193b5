"""What CPU kernels give back where the fake ones give something else of the same shape (torch 2.14).

A fake kernel has to agree in shape; in memory layout and in the type of statistics some do not. Layouts decide what
later kernels copy, so each difference that showed in the steps of our models is put right here:

    activations     plainly contiguous where what they read is, in images of one pixel, too; likewise their gradients
    convolution     the gradient of a 1x1 weight likewise, in fp32
    group norm      the type and layout of its input, and so is its gradient; statistics in the type of its weights
    batch norm      its gradient in the layout of its input; statistics in the type of its weights
    layer norm      its gradient is contiguous; statistics in the type of its weights
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from mixnas.cost.workspace import channels_innermost

Mend = Callable[[tuple[Any, ...], Any], Any]


def like_the_kernel(func: Any, args: tuple[Any, ...], result: Any) -> Any:
    """The fake result of an operation, or one that is laid out and typed as the real one would be."""
    mend = _MENDED.get(func)
    return mend(args, result) if mend is not None else result


def _as_laid_out(x: Tensor) -> Tensor:
    """An empty tensor with the shape, type and layout of `x`."""
    layout = torch.channels_last if channels_innermost(x) else torch.contiguous_format
    return torch.empty_like(x, memory_format=layout)


def _activation(args: tuple[Any, ...], result: Tensor) -> Tensor:
    """Every layout of an image of one pixel is contiguous, and the kernel's fast path then takes the plain one."""
    return _plain(result) if all(x.is_contiguous() for x in args if isinstance(x, Tensor)) else result


def _plain(x: Tensor) -> Tensor:
    return x if _is_plain(x) else torch.empty_like(x, memory_format=torch.contiguous_format)


def _is_plain(x: Tensor) -> bool:
    expected = 1
    for size, stride in zip(reversed(x.shape), reversed(x.stride()), strict=True):
        if stride != expected:
            return False
        expected *= size
    return True


def _convolution_backward(args: tuple[Any, ...], result: tuple[Any, ...]) -> tuple[Any, ...]:
    weight, found = args[2], result[1]
    pointwise = weight.is_contiguous() and weight.shape[1] > 1 and weight.dtype == torch.float32
    return (result[0], _plain(found) if pointwise and found is not None else found, *result[2:])


def _group_norm(args: tuple[Any, ...], result: tuple[Any, ...]) -> tuple[Any, ...]:
    return (_as_laid_out(args[0]), *_statistics(args[1], result[1:]))


def _group_norm_backward(args: tuple[Any, ...], result: tuple[Any, ...]) -> tuple[Any, ...]:
    return (_as_laid_out(args[1]), *result[1:])


def _norm(args: tuple[Any, ...], result: tuple[Any, ...], weight: int) -> tuple[Any, ...]:
    return (result[0], *_statistics(args[weight], result[1:]))


def _statistics(weight: Tensor | None, found: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Mean and deviation in the type of the weights, which autocast leaves in fp32."""
    if weight is None:
        return found
    return tuple(x if x.dtype == weight.dtype else torch.empty_like(x, dtype=weight.dtype) for x in found)


def _batch_norm_backward(args: tuple[Any, ...], result: tuple[Any, ...]) -> tuple[Any, ...]:
    return (None if result[0] is None else _as_laid_out(args[1]), *result[1:])


def _layer_norm_backward(args: tuple[Any, ...], result: tuple[Any, ...]) -> tuple[Any, ...]:
    return (None if result[0] is None else _plain(result[0]), *result[1:])


_aten = torch.ops.aten
_MENDED: Mapping[Any, Mend] = {
    _aten.gelu.default: _activation,
    _aten.silu.default: _activation,
    _aten.relu.default: _activation,
    _aten.gelu_backward.default: _activation,
    _aten.silu_backward.default: _activation,
    _aten.threshold_backward.default: _activation,
    _aten.convolution_backward.default: _convolution_backward,
    _aten.native_group_norm.default: _group_norm,
    _aten.native_group_norm_backward.default: _group_norm_backward,
    _aten.native_batch_norm.default: lambda args, result: _norm(args, result, 1),
    _aten.native_layer_norm.default: lambda args, result: _norm(args, result, 2),
    _aten.native_batch_norm_backward.default: _batch_norm_backward,
    _aten.native_layer_norm_backward.default: _layer_norm_backward,
}
