"""What a WaveMix-Lite model costs, in closed form: parameters and multiply-accumulates without building anything.

Every function takes axis values as they stand in a candidate, or numpy columns of them (one row a candidate), and
gives an int, or an int64 column. A condition is multiplied in as 0 or 1. Entries of inactive axes do not matter.

With width d, mult m, and P_l the area of level l (P_0 that of the block), a block of L levels is

    reduction          P_0 * d * d/4
    level l            P_l * (in * m d + m d * ff + 16 ff * out), plus norms on P_{l-1} * out
    in, out            in is 1.5 d, but d at the deepest level; out is d/2, but d at the finest
    transform          4 P_{l-1} * d/4 with Haar, for each l; no counter sees it

Interpolation has no weights: ff is out, and 16 ff * out gives way to the 4 * out that fvcore counts, at every pixel.
Learned filters in place of the wavelet's are 4 d weights a level, which counters see; average pooling is 4 P_l * d
that they do not, and its reduction keeps all d channels.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from mixnas.models.family import Axes
from mixnas.models.ratios import by_name, share
from mixnas.records import Problem, Value

DEFAULTS: MappingProxyType[str, Value] = MappingProxyType(
    {
        "width": 144,
        "depth": 7,
        "levels": 1,
        "transform": "dwt",
        "wavelet": "haar",
        "mult": 2,
        "dropout": 0.5,
        "stem": "strided",
        "stem.stride": 1,
        "stem.patch_size": 4,
        "upsample": "deconv",
        "upsample.ff_ratio": "1",
        "head_ratio": "1/2",
    }
)
"""Every axis of the family with its default, in order."""


class Prices(NamedTuple):
    """Multiply-accumulates that a counter sees in layers which are no plain convolutions, for each output element."""

    norm: Any
    deconv: int
    """Of a 4x4 transposed convolution of stride 2: for each input pixel, input channel and output channel."""
    bilinear: int
    division: int
    """Of global average pooling: for each channel, beyond one for each element."""


FVCORE = Prices(norm=2, deconv=16, bilinear=4, division=0)
"""In eval mode."""
THOP = Prices(norm=4, deconv=64, bilinear=11, division=1)
"""Transposed convolutions come out four times too high."""


def params(axes: Axes, problem: Problem) -> Any:
    """Trainable parameters."""
    axes = {**DEFAULTS, **axes}
    blocks = axes["depth"] * block_params(axes, problem)
    return stem_params(axes, problem) + blocks + head_params(axes, problem)


def macs(axes: Axes, problem: Problem) -> Any:
    """Multiply-accumulates of one image: fvcore's count in eval mode plus the wavelet transform's own."""
    return fvcore_macs(axes, problem) + transform_macs(axes, problem)


def fvcore_macs(axes: Axes, problem: Problem) -> Any:
    """What fvcore sees of them: convolutions, norms, pooling and interpolation."""
    return _count(axes, problem, FVCORE)


def macs_thop(axes: Axes, problem: Problem) -> Any:
    """Multiply-accumulates of one image in thop's convention, without the transform."""
    return _count(axes, problem, THOP)


def transform_macs(axes: Axes, problem: Problem) -> Any:
    """Multiply-accumulates of the wavelet transforms, or of pooling in their place, which no counter sees."""
    axes = {**DEFAULTS, **axes}
    return axes["depth"] * block_transform_macs(axes, problem)


def _count(axes: Axes, problem: Problem, prices: Prices) -> Any:
    axes = {**DEFAULTS, **axes}
    blocks = axes["depth"] * block_macs(axes, problem, prices)
    return stem_macs(axes, problem, prices) + blocks + head_macs(axes, problem, prices)


# ----------------------------------------------------------------------------- the parts; `axes` must be complete here


def block_params(axes: Axes, problem: Problem) -> Any:
    """Trainable parameters of one block."""
    width = axes["width"]
    reduced, learned = _reduced(axes), _is(axes, "transform", "strided_conv")
    block = width * reduced + reduced
    for level in levels(axes, problem):
        wide = axes["mult"] * width
        count = learned * 4 * width + level.inputs * wide + wide + wide * level.ff + level.ff + 2 * level.outputs
        block = block + level.exists * (count + level.deconv * (16 * level.ff * level.outputs + level.outputs))
    return block


def block_macs(axes: Axes, problem: Problem, prices: Prices) -> Any:
    """Multiply-accumulates of one block, without its transform."""
    width = axes["width"]
    block = area(grid(axes, problem)) * width * _reduced(axes)
    learned = _is(axes, "transform", "strided_conv")
    for level in levels(axes, problem):
        wide = axes["mult"] * width
        up = level.deconv * prices.deconv * level.ff + (1 - level.deconv) * prices.bilinear * 4
        count = area(level.size) * (learned * 4 * width + level.inputs * wide + wide * level.ff + up * level.outputs)
        block = block + level.exists * (count + prices.norm * level.outputs * area(level.before))
    return block


def block_transform_macs(axes: Axes, problem: Problem) -> Any:
    """Multiply-accumulates of the transforms of one block: one pyramid of separable filters, or of 2x2 means."""
    length = _filter_length(axes)
    filters: Any = 0
    means: Any = 0
    for level in levels(axes, problem):
        rows, columns = level.size
        filters = filters + level.exists * length * columns * (2 * level.before[0] + 4 * rows)
        means = means + level.exists * 4 * rows * columns
    pooled = _is(axes, "transform", "average_pool")
    return _is(axes, "transform", "dwt") * (axes["width"] // 4) * filters + pooled * axes["width"] * means


class Level(NamedTuple):
    """One level of a block: what its feed-forward reads and writes, on ints or on columns."""

    exists: Any
    """Whether the block has this level at all: one number a candidate, 0 or 1."""
    inputs: Any
    ff: Any
    outputs: Any
    deconv: Any
    """1 for a transposed convolution, 0 for an interpolation."""
    before: tuple[Any, Any]
    """Sides of what is transformed, and of what the level gives back."""
    size: tuple[Any, Any]
    """Sides of the level itself."""


def levels(axes: Axes, problem: Problem) -> Iterator[Level]:
    """The levels of one block, finest first, up to the deepest one of all candidates."""
    width, deepest = axes["width"], axes["levels"]
    length, deconv = _filter_length(axes), _is(axes, "upsample", "deconv")
    before = grid(axes, problem)
    for number in range(1, int(np.max(deepest)) + 1):
        size = ((before[0] + length - 1) // 2, (before[1] + length - 1) // 2)
        outputs = width if number == 1 else width // 2
        inputs = width + (width // 2) * (deepest > number)
        ff = deconv * share(width, axes["upsample.ff_ratio"]) + (1 - deconv) * outputs
        yield Level(1 * (deepest >= number), inputs, ff, outputs, deconv, before, size)
        before = size


def grid(axes: Axes, problem: Problem) -> tuple[Any, Any]:
    """Height and width of what the blocks work on."""
    patch, stride = _sides(axes)
    patched = _patched(axes)
    sides = []
    for side in (problem.height, problem.width):
        strided = _up(_up(side, stride), stride)
        whole = side // patch if problem.task == "classification" else _up(side, patch)
        sides.append(patched * whole + (1 - patched) * strided)
    return sides[0], sides[1]


def reduction_of(axes: Axes) -> Any:
    """How many times smaller the sides are after the stem."""
    patch, stride = _sides(axes)
    patched = _patched(axes)
    return patched * patch + (1 - patched) * stride * stride


def head_channels(axes: Axes, number: int) -> Any:
    """Channels after `number` transposed convolutions of a dense head: a share of the width, then half of that."""
    if number == 0:
        return axes["width"]
    return share(axes["width"], axes["head_ratio"]) // (1 if number == 1 else 2)


def stem_params(axes: Axes, problem: Problem) -> Any:
    """Trainable parameters of the stem."""
    width, channels = axes["width"], problem.in_channels
    half, quarter = width // 2, width // 4
    patch, _ = _sides(axes)
    patched = _patched(axes)
    strided = 9 * channels * half + half + 9 * half * width + width
    convolutions = 9 * channels * quarter + quarter + 9 * quarter * half + half
    return patched * (convolutions + patch * patch * half * width + width + 2 * width) + (1 - patched) * strided


def stem_macs(axes: Axes, problem: Problem, prices: Prices) -> Any:
    """Multiply-accumulates of the stem."""
    width, channels = axes["width"], problem.in_channels
    half, quarter = width // 2, width // 4
    patch, stride = _sides(axes)
    patched = _patched(axes)
    positions = area(grid(axes, problem))
    between = _up(problem.height, stride) * _up(problem.width, stride)
    strided = between * 9 * channels * half + positions * 9 * half * width
    pixels = problem.height * problem.width if problem.task == "classification" else positions * patch * patch
    convolutions = pixels * 9 * (channels * quarter + quarter * half)
    embedding = positions * width * (patch * patch * half + prices.norm)
    return patched * (convolutions + embedding) + (1 - patched) * strided


def head_params(axes: Axes, problem: Problem) -> Any:
    """Trainable parameters of the classifier, or of the head of a dense task."""
    classes, last = problem.num_classes, axes["width"]
    total: Any = 0
    for step in _head(axes, problem):
        total = total + step.exists * (16 * step.inputs * step.outputs + step.outputs)
        last = step.exists * step.outputs + (1 - step.exists) * last
    return total + last * classes + classes


def head_macs(axes: Axes, problem: Problem, prices: Prices) -> Any:
    """Multiply-accumulates of the classifier with its pooling, or of the head of a dense task."""
    classes, last = problem.num_classes, axes["width"]
    pixels = area(grid(axes, problem))
    if problem.task == "classification":
        return (pixels + prices.division) * last + last * classes
    total = 0 * pixels
    for step in _head(axes, problem):
        total = total + step.exists * pixels * prices.deconv * step.inputs * step.outputs
        last = step.exists * step.outputs + (1 - step.exists) * last
        pixels = pixels * (1 + 3 * step.exists)
    return total + pixels * last * classes


class _Doubling(NamedTuple):
    """One transposed convolution of a dense head: whether a candidate has it (0 or 1), its channels in and out."""

    exists: Any
    inputs: Any
    outputs: Any


def _head(axes: Axes, problem: Problem) -> Iterator[_Doubling]:
    """The transposed convolutions, up to the last one that any candidate has; none for classification."""
    factor = {"classification": 0, "segmentation": 1, "super_resolution": 2}[problem.task] * reduction_of(axes)
    for number in range(int(np.max(factor)).bit_length() - 1):
        exists = 1 * (factor >= 2 ** (number + 1))
        yield _Doubling(exists, head_channels(axes, number), head_channels(axes, number + 1))


def _patched(axes: Axes) -> Any:
    """1 where the stem cuts the image into patches, else 0."""
    return 1 * (axes["stem"] != "strided")


def _sides(axes: Axes) -> tuple[Any, Any]:
    """Patch size and stride; columns hold a filler where the other stem is chosen, which must not divide by zero."""
    patch, stride = axes["stem.patch_size"], axes["stem.stride"]
    return (
        np.maximum(patch, 1) if isinstance(patch, np.ndarray) else patch,
        np.maximum(stride, 1) if isinstance(stride, np.ndarray) else stride,
    )


def _up(side: Any, by: Any) -> Any:
    """Division rounded up."""
    return -(-side // by)


def area(sides: tuple[Any, Any]) -> Any:
    """Pixels of something with these sides."""
    return sides[0] * sides[1]


def _reduced(axes: Axes) -> Any:
    """Channels that are transformed: a quarter of the width, but all of it where it is pooled."""
    pooled = _is(axes, "transform", "average_pool")
    return pooled * axes["width"] + (1 - pooled) * (axes["width"] // 4)


def _is(axes: Axes, axis: str, value: str) -> Any:
    """1 where the axis has that value, else 0."""
    return 1 * (axes[axis] == value)


def _filter_length(axes: Axes) -> Any:
    """Taps of the transform's filters along a side; they are 2 where it is no wavelet's."""
    wavelet, wavelets = axes["wavelet"], _is(axes, "transform", "dwt")
    length = by_name(wavelet, _taps) if isinstance(wavelet, np.ndarray) else _taps(wavelet)
    return wavelets * length + (1 - wavelets) * 2


@functools.cache
def _taps(name: str) -> int:
    if name in ("", "haar", "db1"):  # the empty name fills a column where the axis is not active
        return 2
    import pywt

    return int(pywt.Wavelet(name).dec_len)
