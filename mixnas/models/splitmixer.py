"""SplitMixer, with ConvMixer and StrideMixer as points of the same family.

Papers: "SplitMixer: Fat Trimmed From MLP-like Models", Borji and Lin, arXiv:2207.10255 (settings I to V, the 1-D
spatial trick, StrideMixer), and "Patches Are All You Need?", Trockman and Kolter, arXiv:2201.09792 (ConvMixer).

The model: a patch convolution, then blocks of a spatial mixer (depthwise, one residual around it) and a channel mixer
(1x1, no residual), then global average pooling and a linear classifier. Everywhere the order is convolution,
activation, norm. What this file adds to the papers is that their choices are independent axes:

    channel  dense                      every channel with every other (ConvMixer)
             overlap, ratio             two segments of width * ratio channels: the first ones and the last ones
             disjoint, segments         equal segments, the last takes the remainder
    mixes    one | all                  block i mixes segment i modulo their number | every block mixes all of them
    shared                              one weight for all segments of a block
    operator pointwise | conv3d         1x1 convolutions | one 3-D convolution that slides over the channels

| published as | channel | mixes | shared | operator |
| --- | --- | --- | --- | --- |
| ConvMixer (with spatial=depthwise) | dense | | | |
| SplitMixer-I, -V | overlap | one, all | no | pointwise |
| SplitMixer-II, -III, -IV | disjoint | one, all, all | no, yes, no | pointwise |
| StrideMixer, and its overlapping form | disjoint, overlap | all | yes | conv3d |

Reading order: config, blocks, model; costs are in `splitmixer_costs`, the record and the published members in
`families/splitmixer`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from mixnas.errors import ConfigError
from mixnas.models.family import DEEPEST, Probe
from mixnas.models.ratios import fraction, is_ratio
from mixnas.models.splitmixer_costs import DEFAULTS
from mixnas.models.splitmixer_probe import find_probe
from mixnas.records import Candidate, Problem

# ---------------------------------------------------------------------------------------------------------- config

ACTIVATIONS: dict[str, type[nn.Module]] = {"gelu": nn.GELU, "relu": nn.ReLU, "silu": nn.SiLU}
CHOICES: dict[str, tuple[str, ...]] = {
    "activation": tuple(ACTIVATIONS),
    "norm": ("batch", "layer"),
    "spatial": ("separable", "depthwise"),
    "channel": ("dense", "overlap", "disjoint"),
    "mixes": ("one", "all"),
    "operator": ("pointwise", "conv3d"),
}


@dataclass(frozen=True)
class SplitMixerConfig:
    """One member of the family; checks itself when it is made.

    Raises:
        ConfigError: a value is not one of its choices or out of range, or two values do not go together. The error
            lists every problem found.
    """

    width: int = 256
    depth: int = 8
    patch_size: int = 2
    kernel_size: int = 5
    activation: str = "gelu"
    norm: str = "batch"
    spatial: str = "separable"
    channel: str = "dense"
    mixes: str = "one"
    """Read where channel is overlap or disjoint, as are `shared` and `operator`."""
    shared: bool = False
    """Read where mixes is all."""
    operator: str = "pointwise"
    ratio: str = "2/3"
    """Read where channel is overlap: any fraction between 0 and 1; a segment has floor(width * ratio) channels."""
    segments: int = 2
    """Read where channel is disjoint."""

    def __post_init__(self) -> None:
        problems = list(self._wrong_values()) or list(self._wrong_together())
        if problems:
            raise ConfigError(
                "splitmixer: " + "; ".join(problems), hint="`mixnas space show splitmixer` lists the axes and rules"
            )

    @classmethod
    def from_axes(cls, axes: Candidate) -> SplitMixerConfig:
        """The config of a candidate; axes left out take the family's defaults.

        Raises:
            ConfigError: an axis is unknown, or a value is wrong.
        """
        unknown = [name for name in axes if name not in DEFAULTS]
        if unknown:
            raise ConfigError(f"splitmixer has no axis {', '.join(unknown)}", hint=f"its axes: {', '.join(DEFAULTS)}")
        values: dict[str, Any] = {name.removeprefix("channel."): value for name, value in axes.items()}
        return cls(**values)

    @property
    def segment(self) -> int:
        """Channels of an overlapping segment, or of a disjoint one that is not the last."""
        if self.channel == "disjoint":
            return self.width // self.segments
        numerator, denominator = fraction(self.ratio)
        return self.width * numerator // denominator

    def _wrong_values(self) -> Iterator[str]:
        for name in ("width", "depth", "patch_size", "kernel_size", "segments"):
            value = getattr(self, name)
            if type(value) is not int or value < 1:
                yield f"{name} must be a whole number of at least 1, got {value!r}"
            elif name == "depth" and value > DEEPEST:
                yield f"depth must be at most {DEEPEST}, got {value}"
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                yield f"{name} must be one of {', '.join(choices)}, got {getattr(self, name)!r}"
        if type(self.shared) is not bool:
            yield f"shared must be true or false, got {self.shared!r}"
        if type(self.kernel_size) is int and self.kernel_size % 2 == 0:
            yield f"kernel_size must be odd, so that the output keeps the input's size, got {self.kernel_size}"
        if not is_ratio(self.ratio, below=1):
            yield f"ratio must be a fraction between 0 and 1 such as '2/3', got {self.ratio!r}"

    def _wrong_together(self) -> Iterator[str]:
        if self.channel == "dense":
            return
        if self.segment < 1:
            cut = f"ratio {self.ratio}" if self.channel == "overlap" else f"{self.segments} segments"
            yield f"width {self.width} is too small for {cut}: a segment would have no channel"
        if self.operator == "conv3d" and not (self.mixes == "all" and self.shared):
            yield "operator conv3d mixes all segments with one weight: it needs mixes all and shared true"
        shared = self.mixes == "all" and self.shared
        if self.channel == "disjoint" and shared and self.width % self.segments:
            yield f"a shared weight needs equal segments, but width {self.width} is no multiple of {self.segments}"
        if self.channel == "overlap" and self.operator == "conv3d" and self.width % 2:
            yield f"conv3d on overlapping segments gives each half of the channels, but width {self.width} is odd"


# ---------------------------------------------------------------------------------------------------------- blocks


class Segments(nn.Module):
    """Mixes some of the segments that the channels are cut into; the others pass. `[B, C, H, W]` to the same.

    Settings I and II (one segment mixed) and IV (all of them), arXiv:2207.10255 section 3.
    """

    def __init__(self, sizes: list[int], mixed: list[int]) -> None:
        super().__init__()
        self.sizes, self.mixed = sizes, mixed
        self.convolutions = nn.ModuleList(nn.Conv2d(sizes[j], sizes[j], 1) for j in mixed)

    def forward(self, x: Tensor) -> Tensor:
        if len(self.mixed) == len(self.sizes) and len(set(self.sizes)) == 1:
            return self._grouped(x)
        parts = list(torch.split(x, self.sizes, dim=1))
        for index, convolution in zip(self.mixed, self.convolutions, strict=True):
            parts[index] = convolution(parts[index])
        return torch.cat(parts, dim=1)

    def _grouped(self, x: Tensor) -> Tensor:
        # Equal segments, all mixed, are one grouped convolution: up to 1.8 times as fast as cutting and joining.
        weight = torch.cat([c.get_parameter("weight") for c in self.convolutions])
        bias = torch.cat([c.get_parameter("bias") for c in self.convolutions])
        return functional.conv2d(x, weight, bias, groups=len(self.sizes))


class SharedSegments(nn.Module):
    """Mixes equal segments with one weight (setting III), as a larger batch of narrower images."""

    def __init__(self, width: int, segments: int) -> None:
        super().__init__()
        self.segment = width // segments
        self.convolution = nn.Conv2d(self.segment, self.segment, 1)

    def forward(self, x: Tensor) -> Tensor:
        segments = x.reshape(-1, self.segment, *x.shape[2:])
        mixed: Tensor = self.convolution(segments)
        return mixed.reshape(x.shape)


class OverlappingSegments(nn.Module):
    """Mixes the first `segment` channels, then the last ones of what came out (setting V; shared: one weight)."""

    def __init__(self, width: int, segment: int, shared: bool) -> None:
        super().__init__()
        self.segment, self.rest = segment, width - segment
        self.convolutions = nn.ModuleList(nn.Conv2d(segment, segment, 1) for _ in range(1 if shared else 2))

    def forward(self, x: Tensor) -> Tensor:
        first, last = self.convolutions[0], self.convolutions[-1]
        x = torch.cat((first(x[:, : self.segment]), x[:, self.segment :]), dim=1)
        return torch.cat((x[:, : self.rest], last(x[:, self.rest :])), dim=1)


class ChannelConv3d(nn.Conv3d):
    """A 3-D convolution that slides over the channels (StrideMixer), without the slow 3-D kernel.

    The `positions` results of each output channel lie side by side in the output, as a 3-D convolution leaves them.
    Computed as a 2-D convolution of the windows, which trains 4 to 6 times as fast on a CPU and is the same function.
    """

    def __init__(self, width: int, segment: int, stride: int) -> None:
        self.positions = (width - segment) // stride + 1
        self.segment = segment
        super().__init__(1, width // self.positions, (segment, 1, 1), stride=(stride, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        if self.stride[0] != self.segment:
            x = torch.cat((x[:, : self.segment], x[:, -self.segment :]), dim=1)
        size = x.shape[2:]
        mixed = functional.conv2d(x.reshape(-1, self.segment, *size), self.weight.squeeze(1), self.bias)
        return mixed.reshape(-1, self.positions, self.out_channels, *size).transpose(1, 2).flatten(1, 2)


def channel_mixer(config: SplitMixerConfig, block: int) -> nn.Module:
    """The channel mixer of one block, without its activation and norm."""
    width, segment, count = config.width, config.segment, config.segments
    if config.channel == "dense":
        return nn.Conv2d(width, width, 1)
    overlap = config.channel == "overlap"
    if config.mixes == "one" and overlap:
        sizes = [segment, width - segment] if block % 2 == 0 else [width - segment, segment]
        return Segments(sizes, [block % 2])
    if config.operator == "conv3d":
        return ChannelConv3d(width, segment, stride=width - segment if overlap else segment)
    if overlap:
        return OverlappingSegments(width, segment, config.shared)
    if config.mixes == "all" and config.shared:
        return SharedSegments(width, count)
    sizes = [segment] * (count - 1) + [width - segment * (count - 1)]
    return Segments(sizes, [block % count] if config.mixes == "one" else list(range(count)))


def _activation_and_norm(config: SplitMixerConfig) -> tuple[nn.Module, nn.Module]:
    norm = nn.BatchNorm2d(config.width) if config.norm == "batch" else nn.GroupNorm(1, config.width)
    return ACTIVATIONS[config.activation](), norm


def spatial_mixer(config: SplitMixerConfig) -> nn.Sequential:
    """One 2-D depthwise convolution, or a row and a column one; each with its activation and norm."""
    width, kernel = config.width, config.kernel_size
    shapes = [(1, kernel), (kernel, 1)] if config.spatial == "separable" else [(kernel, kernel)]
    layers: list[nn.Module] = []
    for rows, columns in shapes:
        # Whole numbers, never padding="same": fvcore drops such convolutions without a word.
        padding = (rows // 2, columns // 2)
        layers.append(nn.Conv2d(width, width, (rows, columns), padding=padding, groups=width))
        layers.extend(_activation_and_norm(config))
    return nn.Sequential(*layers)


class Block(nn.Module):
    """`x + spatial(x)`, then the channel mixer with its activation and norm. `[B, C, H, W]` to the same."""

    def __init__(self, config: SplitMixerConfig, block: int) -> None:
        super().__init__()
        self.spatial = spatial_mixer(config)
        self.channel = channel_mixer(config, block)
        self.activation, self.norm = _activation_and_norm(config)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.spatial(x)
        return self.norm(self.activation(self.channel(x)))  # type: ignore[no-any-return]


# ----------------------------------------------------------------------------------------------------------- model


class SplitMixer(nn.Module):
    """Images `[B, in_channels, H, W]` to logits `[B, num_classes]`.

    Raises:
        ConfigError: the task is not classification, or the images are smaller than a patch.
    """

    def __init__(self, config: SplitMixerConfig, problem: Problem) -> None:
        super().__init__()
        _check(config, problem)
        self.config, self.problem = config, problem
        patch = config.patch_size
        patches = nn.Conv2d(problem.in_channels, config.width, patch, stride=patch)
        self.stem = nn.Sequential(patches, *_activation_and_norm(config))
        self.blocks = nn.Sequential(*(Block(config, i) for i in range(config.depth)))
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(config.width, problem.num_classes))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.blocks(self.stem(x)))  # type: ignore[no-any-return]


def _check(config: SplitMixerConfig, problem: Problem) -> None:
    if problem.task != "classification":
        raise ConfigError(f"splitmixer classifies images; the task is {problem.task}", hint="try wavemix_lite")
    if problem.image_size < config.patch_size:
        raise ConfigError(
            f"splitmixer: patch_size {config.patch_size} is larger than the image, {problem.height}x{problem.width}",
            hint="take a smaller patch_size or larger images",
        )
    if min(problem.in_channels, problem.num_classes) < 1:
        raise ConfigError(
            f"splitmixer needs at least one input channel and one class, got {problem.in_channels} and "
            f"{problem.num_classes}"
        )


def build(axes: Candidate, problem: Problem) -> SplitMixer:
    """The model of a candidate, with PyTorch's default initialisation.

    Raises:
        ConfigError: the axes, or the axes and the problem together, make no model.
    """
    return SplitMixer(SplitMixerConfig.from_axes(axes), problem)


def probe(axes: Candidate, problem: Problem, batch_size: int) -> Probe | None:
    """A candidate of the same structure whose sizes are large primes (`splitmixer_probe`).

    Raises:
        ConfigError: the axes, or the axes and the problem together, make no model.
    """
    _check(SplitMixerConfig.from_axes(axes), problem)
    return find_probe(axes, problem, batch_size)
