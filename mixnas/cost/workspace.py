"""What CPU kernels allocate inside themselves: bytes that no tensor of the program shows.

Found by measuring each operator alone with the profiler (torch 2.14, oneDNN on AVX-512 with AMX, one thread;
`kernel_check` measures them again, and what it found on AVX-512 without AMX is said below). Modelled are the terms that
grow with the model:

    convolution            copies into the memory format of its kernel; weights padded to blocks of 16 channels, and so
                           are images whose channels do not lie innermost (fp32)
    its backward pass      the same. Depthwise, with channels innermost, and 5 or more columns or taller than the image:
                           oneDNN has no kernel of its own for that and pads each channel to a block of 16x16, which for
                           9x9 is 256 times the weight; in bf16 it also takes weights in fp32 and transposed images
    batch norm, bf16       a copy in fp32 of an input with gaps, as cropping leaves them
    batch norm, backward   one more gradient where the gradient is laid out as the input; else in bf16 a copy in fp32,
                           unless the gradient's pixels are evenly spaced with channels innermost
    log softmax            a copy of an input whose channels lie innermost, as those of a segmentation's loss do
    sum of bool            a copy as whole numbers of 8 bytes
    group norm             two numbers for each image and channel; backward a copy of a gradient in another layout
    mean, bf16             a copy of its input in fp32
    matrix product, bf16   about 0.5 MB where sums are long; by heuristics of oneDNN it was 0.3 to 0.7 MB
    AdamW                  a copy of each weight whose gradient has another layout, one at a time

Left out are about 20 KiB of scratch a convolution, and whatever oneDNN chooses on another processor. On one AVX-512
processor without AMX, bf16 convolutions of images whose channels lie outside took about half of what is modelled
where the weight's layout does not tell which way its channels lie (1x1 and depthwise), and in fp32 the wavelet
filters' depthwise convolutions took up to 0.9 MB more; whether AMX is the reason was not tried. A rule takes shapes,
so that it can be worked out for other sizes than those that were run.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

Shape = tuple[int, ...]

_BF16_SCRATCH = 36_000
"""What a bf16 convolution's backward pass takes on top, about, whatever its sizes."""


_BF16_PACKED = 500_000
"""What a bf16 matrix product packs, about, where its sums are long."""


class Work(NamedTuple):
    """A kernel that ran: how to work out its workspace, the shapes that it depends on, and what else does."""

    rule: Callable[..., int]
    shapes: tuple[Shape, ...]
    detail: tuple[Any, ...] = ()

    def size(self, sizes: Mapping[int, int]) -> int:
        """Bytes, with every size of the shapes replaced as `sizes` says."""
        return self.rule(*(tuple(sizes.get(n, n) for n in shape) for shape in self.shapes), *self.detail)


def find_work(func: Any, args: tuple[Any, ...]) -> Work | None:
    """The workspace of an operation on CPU tensors; None where it takes none worth counting."""
    describe = _RULES.get(func)
    return describe(args) if describe is not None else None


def _channels_last(x: Tensor) -> bool:
    return x.dim() == 4 and x.is_contiguous(memory_format=torch.channels_last)


def _copy(x: Tensor, channels_last: bool) -> tuple[Shape, int]:
    """The shape of the copy that a kernel makes of it, empty (of zero bytes) where it takes it as it is."""
    fits = _channels_last(x) if channels_last else x.is_contiguous()
    return ((0,), 0) if fits else (tuple(x.shape), x.element_size())


# ---------------------------------------------------------------------------------------------------- convolutions


def _convolution(args: tuple[Any, ...]) -> Work:
    x, weight, groups, transposed = args[0], args[1], args[8], args[6]
    copy, size = _copy(x, True)
    shapes = (tuple(weight.shape), tuple(x.shape), copy)
    return Work(_convolution_size, shapes, (size, weight.element_size(), groups, transposed, _by_channel(x, weight)))


def _convolution_size(
    weight: Shape, x: Shape, copy: Shape, size: int, element: int, groups: int, transposed: bool, by_channel: bool
) -> int:
    weights = element * (math.prod(weight) if weight[1] == 1 else _blocked(weight, groups))
    if by_channel:
        return math.prod(copy) * size + weights
    out = (x[0], weight[1] * groups if transposed else weight[0], *x[2:])
    if element == 2:
        return weights + element * (math.prod(x) + math.prod(out))
    return weights + element * (_padded(x) + _padded(out) - math.prod(out))


def _convolution_backward(args: tuple[Any, ...]) -> Work:
    gradient, x, weight, groups, transposed = args[0], args[1], args[2], args[9], args[7]
    (first, first_size), (second, second_size) = _copy(gradient, True), _copy(x, True)
    depthwise = groups > 1 and weight.shape[1] == 1 and not transposed
    shapes = (tuple(weight.shape), tuple(x.shape), tuple(gradient.shape), first, second)
    by_channel = _by_channel(x, weight)
    return Work(_backward_size, shapes, (first_size, second_size, weight.element_size(), groups, depthwise, by_channel))


def _backward_size(
    weight: Shape,
    x: Shape,
    gradient: Shape,
    first: Shape,
    second: Shape,
    first_size: int,
    second_size: int,
    element: int,
    groups: int,
    depthwise: bool,
    by_channel: bool,
) -> int:
    if by_channel:
        copies = math.prod(first) * first_size + math.prod(second) * second_size
    elif element == 4:
        copies = element * (_padded(x) + _padded(gradient))
    else:
        copies = element * (math.prod(x) + math.prod(gradient))
    if depthwise:
        if not by_channel:  # torch's own kernel, which takes one of the images as it is
            return (copies if _has_kernel(weight, x) else copies // 2) + 2 * element * math.prod(weight)
        return copies + _depthwise_size(weight, x, element)
    plain, blocked = math.prod(weight), _blocked(weight, groups)
    if element == 4:
        return copies + element * (plain + max(plain, blocked))
    ragged = weight[0] // groups % 16 or weight[1] % 16
    transposed = element * (_padded(x) // x[0] + _padded(gradient) // gradient[0])
    return copies + max(2 * element * plain, 4 * blocked * (2 if ragged else 1) + transposed + _BF16_SCRATCH)


def _by_channel(x: Tensor, weight: Tensor) -> bool:
    return channels_innermost(x) or channels_innermost(weight)


def _padded(x: Shape) -> int:
    """Elements of images whose channels are padded to blocks of 16."""
    return x[0] * -(-x[1] // 16) * 16 * math.prod(x[2:])


def _depthwise_size(weight: Shape, x: Shape, element: int) -> int:
    (channels, _, _, columns), (height, width) = weight, x[2:]
    if _has_kernel(weight, x):
        return 2 * element * math.prod(weight)
    blocks = 256 * math.prod(weight)
    if element == 4:
        return element * (blocks + math.prod(weight))
    row = 2 * width + 2 * ((columns // 2 + 2) // 2)
    return (element + 4) * blocks + 32 * channels * height * row + 64 * channels


def _has_kernel(weight: Shape, x: Shape) -> bool:
    """Whether oneDNN has a depthwise kernel of its own for it."""
    return weight[3] < 5 and weight[2] - 1 < x[2]


def _blocked(weight: Shape, groups: int = 1) -> int:
    """Elements of a weight whose channels are padded to blocks of 16 in each group."""
    return groups * -(-(weight[0] // groups) // 16) * -(-weight[1] // 16) * 256 * math.prod(weight[2:])


def channels_innermost(x: Tensor) -> bool:
    """Whether torch takes it for channels_last (`suggest_memory_format`): gaps do not matter, ties do."""
    if x.dim() != 4:
        return False
    strides, sizes = x.stride(), x.shape
    least = 0
    for axis in (1, 3, 2, 0):
        if strides[axis] < least or strides[1] == 0 or (axis == 0 and least == strides[1]):
            return False
        least = strides[axis] * max(sizes[axis], 1)
    return True


# -------------------------------------------------------------------------------------------------- everything else


def _batch_norm_backward(args: tuple[Any, ...]) -> Work | None:
    gradient, x = args[0], args[1]
    by_channel, dense = _channels_last(x), x.is_contiguous()
    if (by_channel and _channels_last(gradient)) or (dense and gradient.is_contiguous()):
        return Work(_elements, (tuple(x.shape),), (x.element_size(),))
    return None if x.element_size() == 4 or _evenly_spaced(gradient) else Work(_elements, (tuple(x.shape),), (4,))


def _batch_norm(args: tuple[Any, ...]) -> Work | None:
    x = args[0]
    fits = x.element_size() == 4 or x.is_contiguous() or _channels_last(x)
    return None if fits else Work(_elements, (tuple(x.shape),), (4,))


def _evenly_spaced(x: Tensor) -> bool:
    """Channels innermost, and the same number of elements from each pixel to the next one, over all images."""
    if x.dim() != 4:
        return False
    images, channels, rows, columns = x.stride()
    return channels == 1 and rows == columns * x.shape[3] and images == rows * x.shape[2]


def _product(args: tuple[Any, ...]) -> Work | None:
    left, right = args[-2:]
    return Work(_product_size, (tuple(left.shape), tuple(right.shape))) if left.element_size() == 2 else None


def _product_size(left: Shape, right: Shape) -> int:
    """oneDNN packs parts of long sums; how much is up to its heuristics, 0.3 to 0.7 MB as measured."""
    return min(2 * (math.prod(left) + math.prod(right)), _BF16_PACKED) if left[1] >= 512 else 0


def _group_norm(args: tuple[Any, ...]) -> Work:
    return Work(_elements, (tuple(args[0].shape[:2]),), (8,))


def _group_norm_backward(args: tuple[Any, ...]) -> Work:
    gradient, x = args[0], args[1]
    copy, size = _copy(gradient, _channels_last(x))
    return Work(_sum_of_elements, (tuple(x.shape[:2]), copy), (8, size))


def _log_softmax(args: tuple[Any, ...]) -> Work | None:
    x = args[0]
    return None if x.is_contiguous() else Work(_elements, (tuple(x.shape),), (x.element_size(),))


def _sum(args: tuple[Any, ...]) -> Work | None:
    x = args[0]
    return Work(_elements, (tuple(x.shape),), (8,)) if x.dtype == torch.bool else None


def _mean(args: tuple[Any, ...]) -> Work | None:
    x = args[0]
    return Work(_elements, (tuple(x.shape),), (4,)) if x.element_size() == 2 else None


def _adamw(args: tuple[Any, ...]) -> Work | None:
    pairs = zip(args[0], args[1], strict=True)
    shapes = tuple(tuple(p.shape) for p, gradient in pairs if p.stride() != gradient.stride())
    return Work(_largest, shapes, (4,)) if shapes else None


def _elements(shape: Shape, size: int) -> int:
    return math.prod(shape) * size


def _sum_of_elements(first: Shape, second: Shape, first_size: int, second_size: int) -> int:
    return math.prod(first) * first_size + math.prod(second) * second_size


def _largest(*shapes_and_size: Any) -> int:
    *shapes, size = shapes_and_size
    return int(max(math.prod(shape) for shape in shapes) * size)


_aten = torch.ops.aten
_RULES: Mapping[Any, Callable[[tuple[Any, ...]], Work | None]] = {
    _aten.convolution.default: _convolution,
    _aten.convolution_backward.default: _convolution_backward,
    _aten.native_batch_norm.default: _batch_norm,
    _aten.native_batch_norm_backward.default: _batch_norm_backward,
    _aten.native_group_norm.default: _group_norm,
    _aten.native_group_norm_backward.default: _group_norm_backward,
    _aten._log_softmax.default: _log_softmax,
    _aten.sum.default: _sum,
    _aten.mean.dim: _mean,
    _aten.mm.default: _product,
    _aten.addmm.default: _product,
    _aten._fused_adamw_.default: _adamw,
    _aten._fused_adamw_.tensor_lr: _adamw,
}
