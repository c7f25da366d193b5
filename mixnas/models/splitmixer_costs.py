"""What a SplitMixer costs, in closed form: parameters and multiply-accumulates without building anything.

Every function takes axis values as they stand in a candidate, or numpy columns of them (one row a candidate), and
gives an int, or an int64 column. So a whole space is costed in one call. The arithmetic has no branches: a condition
is multiplied in as 0 or 1, which is the same for an int and for a column. Entries of inactive axes do not matter.

With width h, depth d, kernel k, patch p, P = floor(H / p) * floor(W / p) positions, K classes and n norms:

    convolutions  P * (h c p^2 + d h (2k or k^2)) + P * channel mixers       multiply-accumulates, without biases
    fvcore        convolutions + (2 or 5) n h P + P h + h K                   eval mode; 2 for batch, 5 for layer norm
    thop          convolutions + 4 n h P + (P + 1) h + h K                    the convention of the paper's tables

thop does not know GroupNorm, so the layer norms count nothing there. Neither counts activations and additions.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from mixnas.models.family import Axes
from mixnas.models.ratios import fraction
from mixnas.records import Problem, Value

DEFAULTS: MappingProxyType[str, Value] = MappingProxyType(
    {
        "width": 256,
        "depth": 8,
        "patch_size": 2,
        "kernel_size": 5,
        "activation": "gelu",
        "norm": "batch",
        "spatial": "separable",
        "channel": "dense",
        "channel.ratio": "2/3",
        "channel.segments": 2,
        "channel.mixes": "one",
        "channel.shared": False,
        "channel.operator": "pointwise",
    }
)
"""Every axis of the family with its default, in order."""


def params(axes: Axes, problem: Problem) -> Any:
    """Trainable parameters of the built model."""
    width, depth = _number(axes, "width"), _number(axes, "depth")
    separable, mixers = _is(axes, "spatial", "separable"), channel_mixers(axes, width, depth)
    stem = width * problem.in_channels * _number(axes, "patch_size") ** 2 + width
    spatial = depth * (spatial_weights(axes, width) + width * (1 + separable))
    head = width * problem.num_classes + problem.num_classes
    return stem + spatial + mixers.weights + mixers.biases + 2 * width * _norms(axes, depth) + head


def macs(axes: Axes, problem: Problem) -> Any:
    """Multiply-accumulates of one image, as fvcore counts them on the built model in eval mode."""
    width, depth, positions = _number(axes, "width"), _number(axes, "depth"), _positions(axes, problem)
    norm_cost = 2 + 3 * _is(axes, "norm", "layer")
    norms = norm_cost * _norms(axes, depth) * width * positions
    return _convolutions(axes, problem) + norms + width * positions + width * problem.num_classes


def macs_thop(axes: Axes, problem: Problem) -> Any:
    """Multiply-accumulates of one image in thop's convention, which the paper's printed FLOPs follow."""
    width, depth, positions = _number(axes, "width"), _number(axes, "depth"), _positions(axes, problem)
    norms = 4 * _is(axes, "norm", "batch") * _norms(axes, depth) * width * positions
    return _convolutions(axes, problem) + norms + width * (positions + 1) + width * problem.num_classes


class ChannelCosts(NamedTuple):
    """Channel mixers of all blocks together: weights, biases, and multiply-accumulates at one position."""

    weights: Any
    biases: Any
    macs: Any


def _convolutions(axes: Axes, problem: Problem) -> Any:
    width, depth = _number(axes, "width"), _number(axes, "depth")
    stem = width * problem.in_channels * _number(axes, "patch_size") ** 2
    mixers = depth * spatial_weights(axes, width) + channel_mixers(axes, width, depth).macs
    return _positions(axes, problem) * (stem + mixers)


def channel_mixers(axes: Axes, width: Any, depth: Any) -> ChannelCosts:
    """Of the first `depth` blocks together: their number decides how often each segment has its turn."""
    dense = _is(axes, "channel", "dense")
    weights, biases = dense * depth * width * width, dense * depth * width
    total = weights
    for choice, cost in (("overlap", _overlap), ("disjoint", _disjoint)):
        active = _is(axes, "channel", choice)
        if active.any() if isinstance(active, np.ndarray) else active:
            found = cost(axes, width, depth, active)
            weights = weights + active * found.weights
            biases = biases + active * found.biases
            total = total + active * found.macs
    return ChannelCosts(weights, biases, total)


def _overlap(axes: Axes, width: Any, depth: Any, active: Any) -> ChannelCosts:
    segment = _overlap_segment(axes, width, active)
    every = _is(axes, "channel.mixes", "all")
    unshared = every * (1 - _flag(axes, "channel.shared"))
    outputs = segment + _is(axes, "channel.operator", "conv3d") * (width // 2 - segment)
    once = depth * segment * outputs
    return ChannelCosts(once * (1 + unshared), depth * outputs * (1 + unshared), once * (1 + every))


def _disjoint(axes: Axes, width: Any, depth: Any, active: Any) -> ChannelCosts:
    count = 1 + active * (_number(axes, "channel.segments") - 1)
    segment = width // count
    last = width - segment * (count - 1)
    every, flag = _is(axes, "channel.mixes", "all"), _flag(axes, "channel.shared")
    shared, unshared, one = every * flag, every * (1 - flag), 1 - every
    # Convolutions of `last` channels and of `segment` channels; the last segment's turn comes in every count-th block.
    wide = one * (depth // count) + unshared * depth
    narrow = one * (depth - depth // count) + unshared * depth * (count - 1) + shared * depth
    weights = narrow * segment * segment + wide * last * last
    return ChannelCosts(weights, narrow * segment + wide * last, weights * (1 + shared * (count - 1)))


def _overlap_segment(axes: Axes, width: Any, active: Any) -> Any:
    ratio = axes.get("channel.ratio", DEFAULTS["channel.ratio"])
    if isinstance(ratio, str):
        numerator, denominator = fraction(ratio)
        return width * numerator // denominator
    above, below = np.zeros(len(ratio), np.int64), np.ones(len(ratio), np.int64)
    for text in set(ratio[np.broadcast_to(active, ratio.shape).astype(bool)].tolist()):
        rows = ratio == text
        above[rows], below[rows] = fraction(text)
    return width * above // below


def spatial_weights(axes: Axes, width: Any) -> Any:
    """Weights of the spatial mixer of one block, which are also its multiply-accumulates at one position."""
    kernel, separable = _number(axes, "kernel_size"), _is(axes, "spatial", "separable")
    return width * kernel * (2 * separable + kernel * (1 - separable))


def _norms(axes: Axes, depth: Any) -> Any:
    return 1 + depth * (2 + _is(axes, "spatial", "separable"))


def _positions(axes: Axes, problem: Problem) -> Any:
    patch = _number(axes, "patch_size")
    return (problem.height // patch) * (problem.width // patch)


def _number(axes: Axes, name: str) -> Any:
    value = axes.get(name, DEFAULTS[name])
    return value.astype(np.int64, copy=False) if isinstance(value, np.ndarray) else value


def _flag(axes: Axes, name: str) -> Any:
    """0 or 1."""
    value = axes.get(name, DEFAULTS[name])
    return value.astype(np.int64) if isinstance(value, np.ndarray) else int(value)


def _is(axes: Axes, name: str, choice: str) -> Any:
    """1 where the axis has that value, else 0."""
    value = axes.get(name, DEFAULTS[name])
    return (value == choice).astype(np.int64) if isinstance(value, np.ndarray) else int(value == choice)
