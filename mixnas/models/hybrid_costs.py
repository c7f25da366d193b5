"""What a hybrid of SplitMixer and WaveMix costs, in closed form, from the costs of the parts of both.

Every function takes axis values as they stand in a candidate, or numpy columns of them. The two choices of a block
(positions, channels) change at most once each, so the blocks fall into three runs in which all are alike; a run may be
empty. A condition is multiplied in as 0 or 1. Entries of inactive axes do not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from mixnas.models import splitmixer_costs as split
from mixnas.models import wavemix_costs as wave
from mixnas.models.family import Axes
from mixnas.models.ratios import share
from mixnas.models.wavemix_costs import FVCORE, THOP, Prices, area, grid
from mixnas.records import Problem, Value

DEFAULTS: MappingProxyType[str, Value] = MappingProxyType(
    {
        "width": 144,
        "depth": 8,
        "activation": "gelu",
        "norm": "batch",
        "stem": "patches",
        "stem.stride": 1,
        "stem.patch_size": 2,
        "token": "wavelet",
        "token.early": "1/2",
        "token.levels": 1,
        "token.wavelet": "haar",
        "token.upsample": "deconv",
        "token.kernel_size": 5,
        "token.spatial": "separable",
        "channel": "segments",
        "channel.early": "1/2",
        "channel.mult": 2,
        "channel.dropout": 0.5,
        "channel.ff_ratio": "1",
        "channel.split": "dense",
        "channel.split.ratio": "2/3",
        "channel.split.segments": 2,
        "channel.split.mixes": "one",
        "channel.split.shared": False,
        "channel.split.operator": "pointwise",
        "head_ratio": "1/2",
    }
)
"""Every axis of the family with its default, in order."""


def params(axes: Axes, problem: Problem) -> Any:
    """Trainable parameters of the built model."""
    axes = {**DEFAULTS, **axes}
    theirs, width = wavemix_axes(axes), axes["width"]
    patches = _is(axes, "stem", "patches")
    embedding = width * problem.in_channels * theirs["stem.patch_size"] ** 2 + width + 2 * width
    stem = patches * embedding + (1 - patches) * wave.stem_params(theirs, problem)
    spatial = split.spatial_weights(splitmixer_axes(axes), width) + (width + 2 * width) * _convolutions(axes)
    feed = 2 * width * axes["channel.mult"] * width + axes["channel.mult"] * width + width + 2 * width
    levels, deconv = axes["token.levels"], _is(axes, "token.upsample", "deconv")
    wavelet = width * (width // 4) + width // 4 + levels * deconv * 17 * width + 2 * width
    mixers = _segments(axes, lambda costs: costs.weights + costs.biases)
    parts = Parts(wave.block_params(theirs, problem), wavelet, spatial, feed, mixers, norm=2 * width)
    return stem + _blocks(axes, parts) + wave.head_params(theirs, problem)


def macs(axes: Axes, problem: Problem) -> Any:
    """Multiply-accumulates of one image: fvcore's count in eval mode plus the wavelet transform's own."""
    layer = _is({**DEFAULTS, **axes}, "norm", "layer")
    prices = FVCORE._replace(norm=FVCORE.norm + 3 * layer)
    return _count(axes, problem, prices) + transform_macs(axes, problem)


def macs_thop(axes: Axes, problem: Problem) -> Any:
    """Multiply-accumulates of one image in thop's convention, which knows no layer norm of channels."""
    batch = _is({**DEFAULTS, **axes}, "norm", "batch")
    return _count(axes, problem, THOP._replace(norm=THOP.norm * batch))


def transform_macs(axes: Axes, problem: Problem) -> Any:
    """Multiply-accumulates of the wavelet transforms, which no counter sees."""
    axes = {**DEFAULTS, **axes}
    number: Any = sum(run.wavelet * run.number for run in _runs(axes))
    return number * wave.block_transform_macs(wavemix_axes(axes), problem)


def switch(axes: Axes, axis: str) -> Any:
    """Number of blocks that take the first choice of `token` or of `channel`: all, where it does not change."""
    depth = axes["depth"]
    changes = _holds(axes[axis], lambda name: "_then_" in name)
    return changes * share(depth, axes[f"{axis}.early"]) + (1 - changes) * depth


def block_choice(axes: Axes, axis: str, number: int) -> str:
    """What `token` or `channel` is for the block of that number."""
    early, _, late = str(axes[axis]).partition("_then_")
    return early if number < switch(axes, axis) else late


def wavemix_axes(axes: Axes) -> dict[str, Any]:
    """The axes that the family `wavemix_lite` has, too, under its names. Patches are a stem with patches there."""
    same = ("width", "depth", "stem", "stem.stride", "stem.patch_size", "head_ratio")
    return {
        **{name: axes[name] for name in same},
        **{name: axes[f"token.{name}"] for name in ("levels", "wavelet", "upsample")},
        **{name: axes[f"channel.{name}"] for name in ("mult", "dropout")},
        "upsample.ff_ratio": axes["channel.ff_ratio"],
        "transform": "dwt",
    }


def splitmixer_axes(axes: Axes) -> dict[str, Any]:
    """The axes that the family `splitmixer` has, too, under its names."""
    parts = ("ratio", "segments", "mixes", "shared", "operator")
    return {
        **{name: axes[name] for name in ("width", "depth", "activation", "norm")},
        "patch_size": axes["stem.patch_size"],
        **{name: axes[f"token.{name}"] for name in ("kernel_size", "spatial")},
        "channel": axes["channel.split"],
        **{f"channel.{name}": axes[f"channel.split.{name}"] for name in parts},
    }


class Parts(NamedTuple):
    """Costs of one block's parts. `segments(n)` is of the channel mixers of the first n blocks together."""

    wavemix: Any
    wavelet: Any
    """Token mixing of a block that mixes channels by segments."""
    spatial: Any
    feed: Any
    segments: Callable[[Any], Any]
    norm: Any
    """After the channel mixer."""


class Run(NamedTuple):
    """Blocks from `start` up to `stop` that are alike: 1 or 0 for each of the two choices."""

    start: Any
    stop: Any
    wavelet: Any
    feedforward: Any

    @property
    def number(self) -> Any:
        return self.stop - self.start


def _runs(axes: Axes) -> Iterator[Run]:
    first, second = switch(axes, "token"), switch(axes, "channel")
    start: Any = 0
    for stop in (_lesser(first, second), first + second - _lesser(first, second), axes["depth"]):
        wavelet = _chosen(axes["token"], "wavelet", 1 * (start < first))
        feedforward = _chosen(axes["channel"], "feedforward", 1 * (start < second))
        yield Run(start, stop, wavelet, feedforward)
        start = stop


def _blocks(axes: Axes, parts: Parts) -> Any:
    """All blocks together."""
    total: Any = 0
    for run in _runs(axes):
        wavelet, feedforward = run.wavelet, run.feedforward
        token = wavelet * parts.wavelet + (1 - wavelet) * parts.spatial
        mixed = feedforward * (wavelet * parts.wavemix + (1 - wavelet) * (parts.spatial + parts.feed))
        total = total + run.number * (mixed + (1 - feedforward) * (token + parts.norm))
        total = total + (1 - feedforward) * (parts.segments(run.stop) - parts.segments(run.start))
    return total


def _count(axes: Axes, problem: Problem, prices: Prices) -> Any:
    """All but the transform, by the prices of a counter."""
    axes = {**DEFAULTS, **axes}
    theirs, width = wavemix_axes(axes), axes["width"]
    positions, patches = area(grid(theirs, problem)), _is(axes, "stem", "patches")
    norm = prices.norm * width * positions
    embedding = positions * width * problem.in_channels * theirs["stem.patch_size"] ** 2 + norm
    stem = patches * embedding + (1 - patches) * wave.stem_macs(theirs, problem, prices)
    spatial = positions * split.spatial_weights(splitmixer_axes(axes), width) + norm * _convolutions(axes)
    feed = positions * 2 * width * axes["channel.mult"] * width + norm
    wavelet = positions * width * (width // 4) + _enlarging(theirs, problem, prices) + norm
    mixers = _segments(axes, lambda costs: positions * costs.macs)
    parts = Parts(wave.block_macs(theirs, problem, prices), wavelet, spatial, feed, mixers, norm)
    return stem + _blocks(axes, parts) + wave.head_macs(theirs, problem, prices)


def _enlarging(theirs: Axes, problem: Problem, prices: Prices) -> Any:
    """What enlarges the levels of a pyramid channel by channel."""
    total: Any = 0
    for level in wave.levels(theirs, problem):
        price = level.deconv * prices.deconv + (1 - level.deconv) * prices.bilinear * 4
        total = total + level.exists * area(level.size) * theirs["width"] * price
    return total


def _segments(axes: Axes, cost: Callable[[split.ChannelCosts], Any]) -> Callable[[Any], Any]:
    """The cost of the channel mixers of the first blocks, as a function of how many they are."""
    theirs = splitmixer_axes(axes)
    return lambda blocks: cost(split.channel_mixers(theirs, axes["width"], blocks))


def _convolutions(axes: Axes) -> Any:
    """Depthwise convolutions of a spatial mixer."""
    return 1 + _is(axes, "token.spatial", "separable")


def _chosen(choice: Any, name: str, early: Any) -> Any:
    """1 where a choice such as `split_then_wavelet` is `name` in the early blocks, or in the late ones."""
    first = _holds(choice, lambda text: text.split("_then_")[0] == name)
    last = _holds(choice, lambda text: text.split("_then_")[-1] == name)
    return early * first + (1 - early) * last


def _is(axes: Axes, axis: str, value: str) -> Any:
    """1 where the axis has that value, else 0."""
    return 1 * (axes[axis] == value)


def _holds(choice: Any, test: Callable[[str], bool]) -> Any:
    """1 where the text passes the test, else 0."""
    if not isinstance(choice, np.ndarray):
        return int(test(choice))
    found = np.zeros(choice.shape, np.int64)
    for name in set(choice.tolist()):
        found[choice == name] = int(test(name))
    return found


def _lesser(first: Any, second: Any) -> Any:
    either = isinstance(first, np.ndarray) or isinstance(second, np.ndarray)
    return np.minimum(first, second) if either else min(first, second)
